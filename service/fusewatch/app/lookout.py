"""Which steps of a replay can change anything: the others only add to sums, and are folded into the next that can.

Most minutes of a month cross nothing. For each key the lookout holds its sum and the least sum at which its verdict
changes; the real assess pass runs when one is reached, when something comes that is not a plain addition to a running
period, and when a period begins. It errs to one side only: a pass too many changes nothing. A rule with a part that
the lookout does not know is judged at every step.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from math import ceil

from fusewatch.app.cells import baseline_days, spent
from fusewatch.app.memory import MemoryStore
from fusewatch.domain import routing
from fusewatch.domain.coverage import covers
from fusewatch.domain.notices import Kind
from fusewatch.domain.periods import Every, Period, cell_of, day_span, period_at
from fusewatch.domain.rules import Budget, Rule, RuleSet, Spike, Unit, attributed_by, period_kind
from fusewatch.domain.usage import Delta, Dimensions
from fusewatch.domain.verdicts import HYSTERESIS, Verdict, counted_days, judge_budget, judge_spike, measure
from fusewatch.domain.views import Key, View, counted_view, lacking_view, remembering, view_of

_FAR = 2**62
_NEVER = 2**200

_KNOWN_PARTS: Mapping[type, frozenset[str]] = {
    Budget: frozenset(
        ("name", "limit", "every", "calendar", "scope", "each", "thresholds", "overrides", "notify", "was")
    ),
    Spike: frozenset(("name", "factor", "floor", "unit", "baseline", "calendar", "scope", "each", "notify", "was")),
    RuleSet: frozenset(
        (
            *("budgets", "spikes", "routes", "notify", "destinations", "attribution", "excluded_environments"),
            *("calendar", "unreadable", "unpriced", "drift", "unattributed", "metric_labels", "max_series"),
            *("history_ms", "revision", "prices", "digests", "repeat"),
        )
    ),
}
"""What is thought of here. Everything else must be at its default, or each step is judged: silence, for example, is
noticed when nothing comes."""


def foreseeable(rules: RuleSet) -> bool:
    """Whether the lookout knows every part that the rules use."""
    calendar_only = all(isinstance(period_kind(rule), Every) for rule in rules.rules)
    sums_only = all(spike.unit is not Unit.USD_PER_REQUEST for spike in rules.spikes)
    return calendar_only and sums_only and _plain(rules) and all(_plain(rule) for rule in rules.rules)


def _plain(declared: Rule | RuleSet) -> bool:
    known = _KNOWN_PARTS[type(declared)]
    for part in fields(declared):
        if part.name not in known:
            default = part.default_factory() if part.default_factory is not MISSING else part.default
            if getattr(declared, part.name) != default:
                return False
    return True


@dataclass(slots=True)
class _Guard:
    """What a key has spent in the running period, and the least amount at which its verdict is another one."""

    amount: int
    line: int


@dataclass(slots=True)
class _RuleGuards:
    """The keys of one rule in its running period."""

    rule: Rule
    view: View
    key_of: Callable[[str, Dimensions, str, str], Key | None]
    period: Period
    guards: dict[Key, _Guard] = field(default_factory=dict)
    stale: set[Key] = field(default_factory=set)

    first_cell: int = 0
    end_cell: int = 0
    counted: Unit = Unit.USD

    def __post_init__(self) -> None:
        self.first_cell, self.end_cell = cell_of(self.period.start_ms), cell_of(self.period.end_ms)
        self.counted = unit_of(self.rule)

    def add(self, key: Key, cell: int, amount: int) -> None:
        """Count something; a key that needs a real judgement becomes stale."""
        guard = self.guards.get(key)
        if guard is None or not self.first_cell <= cell < self.end_cell:
            self.stale.add(key)
            return
        guard.amount += amount
        if amount < 0 or guard.amount >= guard.line:
            self.stale.add(key)


class Lookout:
    """Watches over one rule set on its way through a replay. `boundary_ms`: from then on `turn` comes first."""

    def __init__(self, rules: RuleSet, names: Mapping[str, str], store: MemoryStore) -> None:
        self.boundary_ms = -_FAR
        self._rules = rules
        self._names = names
        self._store = store
        self._foreseeable = foreseeable(rules)
        self._guards: list[_RuleGuards] = []
        self._watches = _WatchGuards(rules, names, store)
        self._counts: dict[tuple[str, int, str, str], tuple[Dimensions, list[tuple[_RuleGuards, Key]]]] = {}

    def turn(self, now_ms: int) -> None:
        """Begin anew: some period began, or a limit's time is over."""
        self._guards = []
        self._counts.clear()
        ends = [self._watches.turn(now_ms)]
        for rule in self._rules.rules:
            view = view_of(rule, self._rules, self._names)
            period = period_at(rule.calendar, period_kind(rule), now_ms)
            self._guards.append(_RuleGuards(rule, view, remembering(view), period))
            ends.append(period.end_ms)
            if isinstance(rule, Budget):
                ends += [o.until_ms for o in rule.overrides if o.until_ms is not None and o.until_ms > now_ms]
        self.boundary_ms = min(ends)

    def heed(self, deltas: Collection[Delta], unpriced: Iterable[tuple[str, int, Dimensions, int]]) -> bool:
        """Count what one step brings; whether the step has to be judged."""
        if not self._foreseeable:
            return True
        for delta in deltas:
            cell, amounts = delta.cell, delta.amounts
            money = measure(amounts, Unit.USD)
            for guards, key in self._counted_by(delta):
                guards.add(key, cell, money if guards.counted is Unit.USD else measure(amounts, guards.counted))
        self._watches.add(deltas, unpriced)
        return any(guards.stale for guards in self._guards) or self._watches.may_change()

    def _counted_by(self, delta: Delta) -> list[tuple[_RuleGuards, Key]]:
        """The rules that count it, each with its key; remembered by the identity of the dimensions, which is kept."""
        project, _, dimensions, user, session, _ = delta
        place = (project, id(dimensions), user, session)
        known = self._counts.get(place)
        if known is None:
            keys = [(guards, guards.key_of(project, dimensions, user, session)) for guards in self._guards]
            known = self._counts[place] = (dimensions, [(guards, key) for guards, key in keys if key is not None])
        return known[1]

    def tells_before(self) -> bool:
        """Whether what becomes of it will be told with what was measured before: then that has to be judged, too."""
        if not self._foreseeable:
            return False
        known = any(
            self._store.incident(guards.rule.name, key, guards.period.label) is not None
            for guards in self._guards
            for key in guards.stale
        )
        return known or self._watches.may_change()

    def settle(self, now_ms: int) -> None:
        """A real pass has judged everything: look anew at what had become stale."""
        if not self._foreseeable:
            return
        for guards in self._guards:
            for key in guards.stale:
                guards.guards[key] = self._guard(guards, key, now_ms)
            guards.stale.clear()
        self._watches.settle()

    def _guard(self, guards: _RuleGuards, key: Key, now_ms: int) -> _Guard:
        rule, view, period = guards.rule, guards.view, guards.period
        amounts = spent(self._store, view, key, period)
        amount = measure(amounts, unit_of(rule))
        verdict: Verdict | None
        if isinstance(rule, Budget):
            labels = [
                (name, self._names.get(value, value) if name == "project" else value)
                for name, value in zip(rule.each, key, strict=True)
            ]
            verdict = judge_budget(rule, routing.known_values(rule, labels), amounts, now_ms)
        else:
            days = counted_days(rule, baseline_days(self._store, view, key, rule, period, self._is_read(view)))
            verdict = judge_spike(rule, amount, [measure(day, rule.unit) for day in days])
        return _Guard(amount, _NEVER if verdict is None else _line_of(verdict, strict=isinstance(rule, Spike)))

    def _is_read(self, view: View) -> Callable[[int], bool]:
        spans = self._store.coverage()
        keys = [key for key in spans if view.projects is None or key in view.projects]
        return lambda day: all(covers(spans[key], *day_span(view.calendar, day)) for key in keys)


def unit_of(rule: Rule) -> Unit:
    """What the rule measures."""
    return rule.unit if isinstance(rule, Spike) else rule.limit.unit


def _line_of(verdict: Verdict, *, strict: bool) -> int:
    """The least amount at which more is passed than now."""
    if not verdict.ahead:
        return _NEVER if verdict.passed else 1
    line = verdict.limit * verdict.ahead[0].share
    return max(1, int(line) + 1 if strict else ceil(line), verdict.least)


class _WatchGuards:
    """The sums under the watches over a project's day: usage without a price, spend without a dimension."""

    def __init__(self, rules: RuleSet, names: Mapping[str, str], store: MemoryStore) -> None:
        self._rules = rules
        self._store = store
        self._projects = tuple(names)
        on = frozenset(rules.watches)
        self._counted = counted_view(rules)
        self._is_counted = remembering(self._counted)
        self._unpriced = rules.unpriced.above if Kind.UNPRICED in on else None
        dimensions = dict.fromkeys(name for rule in rules.rules for name in attributed_by(rule))
        lacking = [(name, lacking_view(rules, name)) for name in dimensions if Kind.UNATTRIBUTED in on]
        self._lacking = [(name, view, remembering(view)) for name, view in lacking]
        self._today = period_at(rules.calendar, Every.DAY, 0)
        self._cost: dict[str, int] = {}
        self._lacks: dict[tuple[str, str], int] = {}
        self._models: dict[str, int] = {}
        self._open: frozenset[tuple[str, Key]] = frozenset()

    def turn(self, now_ms: int) -> int:
        self._today = period_at(self._rules.calendar, Every.DAY, now_ms)
        return self._today.end_ms

    def add(self, deltas: Iterable[Delta], unpriced: Iterable[tuple[str, int, Dimensions, int]]) -> None:
        first, end = cell_of(self._today.start_ms), cell_of(self._today.end_ms)
        if self._lacking:
            for project, cell, dimensions, user, session, amounts in deltas:
                if first <= cell < end and self._is_counted(project, dimensions, user, session) is not None:
                    self._cost[project] = self._cost.get(project, 0) + amounts.cost_pico
                    for name, _, key_of in self._lacking:
                        if key_of(project, dimensions, user, session) is not None:
                            place = (project, name)
                            self._lacks[place] = self._lacks.get(place, 0) + amounts.cost_pico
        if self._unpriced is not None:
            for project, start_ms, dimensions, _ in unpriced:
                today = self._today.start_ms <= start_ms < self._today.end_ms
                if today and self._is_counted(project, dimensions, "", "") is not None:
                    self._models[project] = self._models.get(project, 0) + 1

    def may_change(self) -> bool:
        for project, requests in self._models.items():
            is_open = (Kind.UNPRICED.value, (project,)) in self._open
            if self._unpriced is not None and requests > self._unpriced and not is_open:
                return True
        above, floor = self._rules.unattributed.above, self._rules.unattributed.floor_pico
        if above is None:
            return False
        for (project, name), lacks in self._lacks.items():
            line = self._cost.get(project, 0) * above.numerator
            holds = lacks * above.denominator > line and lacks >= floor
            is_open = (Kind.UNATTRIBUTED.value, (project, name)) in self._open
            if is_open and not holds:
                near = lacks >= floor and lacks * above.denominator > line * (1 - HYSTERESIS)
                if not near:
                    return True
            elif holds and not is_open:
                return True
        return False

    def settle(self) -> None:
        """Take the sums from the store."""
        store, today = self._store, self._today
        for project in self._projects:
            if self._lacking:
                self._cost[project] = spent(store, self._counted, (project,), today).cost_pico
                for name, view, _ in self._lacking:
                    self._lacks[project, name] = spent(store, view, (project,), today).cost_pico
            if self._unpriced is not None:
                found = store.unpriced(project, today.start_ms, today.end_ms)
                self._models[project] = sum(n for d, n, _ in found if self._is_counted(project, d, "", "") is not None)
        watches = (Kind.UNPRICED.value, Kind.UNATTRIBUTED.value)
        self._open = frozenset((w, i.key) for w in watches for i in store.open_incidents(w))

"""The assess pass: take what changed, bring the cells up to date, judge what can have changed, enqueue what to tell.

All of it is one transaction: a crash leaves either nothing or everything, so no notice is lost or decided twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b

from fusewatch.app.audit import tell_audit
from fusewatch.app.cells import Reading, reading_of
from fusewatch.app.daywatches import DayWatches, watch_views
from fusewatch.app.digest import due_digests
from fusewatch.app.drivers import Explainer
from fusewatch.app.judging import Judge, Work, changed
from fusewatch.app.newcomers import NEW, Newcomers, newcomer_views
from fusewatch.app.signposts import Signposts
from fusewatch.app.watches import watch_unreadable
from fusewatch.domain import foresight, routing
from fusewatch.domain.incidents import LATE_WINDOW_MS, Standing, roll_over, withdraw
from fusewatch.domain.metered import by_project
from fusewatch.domain.notices import Incident, Kind, Message, Reason, StartSummary
from fusewatch.domain.periods import Last, Period, cell_of, cell_start_ms, day_index, period_at, previous
from fusewatch.domain.readplan import looks_from
from fusewatch.domain.rules import Budget, Rule, RuleSet, Spike, period_kind
from fusewatch.domain.usage import Amounts, Delta
from fusewatch.domain.views import Key, View, drivers_view, labels_view, remembering, totals_view, view_of
from fusewatch.ports import AssessStore, AssessUnit, Linker, RuleState

DELTAS_AT_ONCE = 20_000
"""How many changes one transaction takes; more are taken by the next, and judged only when all are."""


@dataclass(frozen=True, slots=True)
class AssessReport:
    """What one pass did. `more`: changes were left, so run again at once."""

    deltas: int
    judged: int
    changes: tuple[routing.Change, ...]
    messages: tuple[Message, ...]
    more: bool
    faults: tuple[str, ...] = ()
    """What could not be explained for a fault of ours; it was told all the same."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a pass is told from outside: the rules, the projects that are read now, and the time.

    `link` is the address of our page, empty without one; `started_ms` when this daemon started; `expected` how many
    projects the budget file names. `shown`: metrics show what was spent, so the cells that only they need are kept.
    `linker` makes the links of notices; without one they have none.
    """

    rules: RuleSet
    active: frozenset[str]
    started_ms: int
    link: str = ""
    expected: int = 0
    shown: bool = True
    linker: Linker | None = None


def assess_pass(store: AssessStore, given: Assessment, now_ms: int) -> AssessReport:
    """One pass over everything that changed or is due at `now_ms`."""
    return store.assess(lambda unit: _Pass(unit, given, now_ms).run())


@dataclass(slots=True)
class _Pass:
    """The working state of one pass inside its transaction."""

    unit: AssessUnit
    given: Assessment
    now_ms: int
    reading: Reading = field(init=False)
    work: Work = field(init=False)
    views: dict[str, View] = field(init=False)
    touched: dict[str, dict[Key, set[int]]] = field(default_factory=dict)
    at_start: bool = False
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        given = self.given
        self.reading = reading_of(
            self.unit, given.active, started_ms=given.started_ms, now_ms=self.now_ms, expected=given.expected
        )
        names = {key: p.name for key, p in self.reading.projects.items()}
        rules = self.given.rules
        self.work = Work(self.unit, rules, names, self.reading, self.now_ms, self._signposts())
        self.views = {rule.name: view_of(rule, rules, names) for rule in rules.rules}

    def _signposts(self) -> Signposts | None:
        given = self.given
        if given.linker is None:
            return None
        projects = {key: self.reading.projects[key] for key in self.reading.active}
        return Signposts(given.linker, given.rules, projects, self.unit.values, given.link)

    def run(self) -> AssessReport:
        deltas = self.unit.take_deltas(DELTAS_AT_ONCE)
        rules = self.given.rules
        standing_views = [totals_view(rules), *watch_views(rules), *newcomer_views(rules)]
        if self.given.shown or rules.digests:
            standing_views.append(labels_view(rules))
        if self.unit.drivers() is not None:
            standing_views.append(drivers_view(rules))
        standing_views += [by_project(view) for view in self.views.values() if view.metered]
        wanted = {view.id: view for view in (*self.views.values(), *standing_views)}
        built = self.unit.built_views()
        self._apply(deltas, [view for id_, view in wanted.items() if id_ in built])
        if len(deltas) == DELTAS_AT_ONCE:
            self._remember_touched()
            return AssessReport(len(deltas), 0, (), (), more=True)
        for id_, view in wanted.items():
            if id_ not in built and view.metered:
                self.unit.begin_view(id_)
            elif id_ not in built:
                self.unit.build_view(id_, view.key_of, _day_of(view), uses_people=view.uses_people)
        self.unit.drop_views(frozenset(wanted))
        self.reading = self.work.reading = replace(self.reading, known_from=self.unit.known_from())
        watched = self._judge_rules()
        self._end_incidents()
        DayWatches(self.work, self.views, at_start=self.at_start).run()
        Newcomers(self.work, self.touched).run(watched)
        tell_audit(self.work)
        enqueued = self._tell()
        return AssessReport(
            len(deltas), self.work.judged, tuple(self.work.changes), tuple(enqueued), False, tuple(self.faults)
        )

    # ------------------------------------------------------------ cells

    def _apply(self, deltas: Sequence[Delta], views: Sequence[View]) -> None:
        without_people = _without_people(deltas)
        for view in views:
            if view.metered:
                continue
            key_of = remembering(view)
            day_of = _day_of(view)
            touched = self.touched.setdefault(view.id, {})
            sums: dict[tuple[Key, int], Amounts] = {}
            for delta in deltas if view.uses_people else without_people:
                key = key_of(delta.project, delta.dimensions, delta.user, delta.session)
                if key is None:
                    continue
                place = (key, delta.cell)
                held = sums.get(place)
                sums[place] = delta.amounts if held is None else held.plus(delta.amounts)
            days: dict[int, int] = {}
            for (key, cell), amounts in sums.items():
                day = days.get(cell)
                if day is None:
                    day = days[cell] = day_of(cell)
                self.unit.add(view.id, key, cell, day, amounts)
                cells = touched.get(key)
                if cells is None:
                    touched[key] = {cell}
                else:
                    cells.add(cell)

    def _remember_touched(self) -> None:
        """These keys are judged by a later pass, even if the daemon dies before it."""
        for name, view in self.views.items():
            for key in self.touched.get(view.id, ()):
                self.unit.set_due(name, key, self.now_ms)
        for view in newcomer_views(self.given.rules):
            for _, value in self.touched.get(view.id, ()):
                self.unit.set_due(NEW, (view.each[1], value), self.now_ms)

    # ------------------------------------------------------------ rules

    def _judge_rules(self) -> RuleState | None:
        """All rules; the state of the watch for newcomers, which is kept beside theirs, comes back."""
        states = self.unit.rule_states()
        due: dict[str, set[Key]] = {}
        for entry in self.unit.due(self.now_ms):
            due.setdefault(entry.rule, set()).add(entry.key)
        for rule in self.given.rules.rules:
            self._judge_rule(rule, states.get(rule.name), due.get(rule.name, set()))
        for name in states.keys() - self.views.keys() - {NEW}:
            self.unit.drop_rule(name)
        return states.get(NEW)

    def _judge_rule(self, rule: Rule, state: RuleState | None, due: set[Key]) -> None:
        view = self.views[rule.name]
        kind = f"{'spike' if isinstance(rule, Spike) else 'budget'}:{period_kind(rule).value}"
        revision = _revision(rule, view)
        current = period_at(rule.calendar, period_kind(rule), self.now_ms)
        if state is None or state.kind != kind:
            state = RuleState(rule.name, kind, "", None)
        from_ms = looks_from(rule, self.now_ms) if state.ready_ms is None else current.start_ms
        standing = self.reading.standing(view, from_ms, ready=state.ready_ms is not None)
        if standing is Standing.LOADING:
            self.unit.put_rule_state(state)
            return
        first = state.ready_ms is None
        if due:
            self.unit.forget_due(rule.name, self.now_ms)
        if first or state.revision != revision:
            keys: set[Key] = set(self.unit.keys(view.id, cell_of(current.start_ms)))
            open_ones = self.unit.open_incidents(rule.name)
            keys |= {i.key for i in open_ones if _splits_alike(rule, i)}
            if state.revision.partition("/")[0] != view.id:  # another scope: what was told of the old one ends silently
                for incident in open_ones:
                    self.unit.put_incident(changed(withdraw(incident, self.now_ms)))
            self.unit.put_rule_state(state._replace(revision=revision, ready_ms=state.ready_ms or self.now_ms))
        else:
            keys = set()
        judge = Judge(self.work, rule, view, first=first)
        places = self._places(rule, view, current, keys, due, state.ready_ms)
        judge.prepare(places)
        for period, key in places:
            if period.start_ms <= self.now_ms:
                judge.judge(key, period)
            else:  # the clocks differ: such a row is known before its period begins
                self.unit.set_due(rule.name, key, period.start_ms)
        if isinstance(current.every, Last) and state.ready_ms is not None:
            for key, cells in self.touched.get(view.id, {}).items():
                judge.judge_missed(key, cells, current, state.ready_ms)
        self.at_start |= first

    def _places(
        self, rule: Rule, view: View, current: Period, keys: set[Key], due: set[Key], ready_ms: int | None
    ) -> list[tuple[Period, Key]]:
        """Which (period, key) to judge: the touched ones and the due ones; ended periods only for a rule that was
        already watching when they ended."""
        touched = self.touched.get(view.id, {})
        if isinstance(current.every, Last):
            places = {(current, key) for key in keys | due}
            return sorted(places | self._windows(rule, view, current), key=lambda place: place[1])
        found = {current: keys | due}
        before = previous(rule.calendar, current)
        if self.now_ms - before.end_ms <= LATE_WINDOW_MS:
            found.setdefault(before, set()).update(due)
        if isinstance(rule, Spike):  # what changed may lie in its baseline
            found[current].update(touched)
        of_cell: dict[int, set[Key]] = {}
        for key, cells in touched.items():
            for cell in cells:
                of_period = of_cell.get(cell)
                if of_period is None:
                    period = period_at(rule.calendar, period_kind(rule), cell_start_ms(cell))
                    of_period = of_cell[cell] = found.setdefault(period, set())
                of_period.add(key)
        return [
            (period, key)
            for period in sorted(found, key=lambda period: period.start_ms)
            if period == current or (ready_ms is not None and ready_ms <= period.end_ms)
            for key in sorted(found[period])
        ]

    def _windows(self, rule: Rule, view: View, current: Period) -> set[tuple[Period, Key]]:
        """The touched keys whose window now, or what it is compared with, holds what changed; and the window that will
        hold what is ahead of the clock."""
        from_ms = looks_from(rule, self.now_ms)
        places = set()
        for key, cells in self.touched.get(view.id, {}).items():
            last_ms = cell_start_ms(max(cells))
            if last_ms >= from_ms:
                places.add(
                    (current if last_ms < current.end_ms else period_at(rule.calendar, current.every, last_ms), key)
                )
        return places

    def _end_incidents(self) -> None:
        """Roll over what ended, withdraw what no rule stands behind any more."""
        rules = {rule.name: rule for rule in self.given.rules.rules}
        for incident in self.unit.open_incidents():
            if incident.kind.is_watch:
                continue
            rule = rules.get(incident.rule)
            stands = (
                rule is not None
                and _splits_alike(rule, incident)
                and _is_of_kind(incident, rule)
                and (incident.kind is Kind.SPIKE) == isinstance(rule, Spike)
                and (incident.kind is not Kind.FORECAST or (isinstance(rule, Budget) and rule.forecast))
            )
            if not stands:
                self._end(changed(withdraw(incident, self.now_ms)), Reason.WITHDRAWN)
            elif incident.period_end_ms <= self.now_ms and not incident.rolling:
                self._end(changed(roll_over(incident, self.now_ms)), Reason.ROLLED_OVER)

    def _end(self, incident: Incident, reason: Reason) -> None:
        self.unit.put_incident(incident)
        self.work.changes += self.work.post.end(incident, reason)

    # ------------------------------------------------------------ messages

    def _tell(self) -> list[Message]:
        rules = self.given.rules
        start = self._start_summary() if self.at_start else None
        post = self.work.post
        self.work.changes += post.repeat()
        messages = routing.messages(
            self.work.changes, rules.destinations, now_ms=self.now_ms, link=self.given.link, start=start
        )
        for step in watch_unreadable(self.unit, self.reading, rules, self.views, post, link=self.given.link):
            messages.extend(step)
        messages.extend(post.release(self.given.link))
        messages += due_digests(self.unit, rules, self.reading, now_ms=self.now_ms, link=self.given.link)
        drivers = self.unit.drivers() if messages else None
        if drivers is not None:
            explainer = Explainer.over(drivers, rules, self.now_ms, self.reading.active)
            messages = explainer.told(messages, post.signposts.of_trace if post.signposts is not None else None)
            self.faults = explainer.faults
        return [message for message in messages if self.unit.enqueue(message)]

    def _start_summary(self) -> StartSummary:
        totals = self.unit.totals()
        return StartSummary(
            projects=tuple(sorted(self.work.names[key] for key in self.reading.active)),
            history_ms=self.given.rules.history_ms,
            generations=totals.generations,
            cost_pico=totals.cost_pico,
        )


def _without_people(deltas: Sequence[Delta]) -> list[Delta]:
    """The changes summed over users and sessions: most views ask for neither, and there are many of them."""
    sums: dict[tuple[str, int, int], Delta] = {}
    for delta in deltas:
        # By identity: equal dimensions mostly are one object, and where they are not, they are summed by the view.
        place = (delta.project, delta.cell, id(delta.dimensions))
        held = sums.get(place)
        sums[place] = delta if held is None else held._replace(amounts=held.amounts.plus(delta.amounts))
    return list(sums.values())


def _splits_alike(rule: Rule, incident: Incident) -> bool:
    """Whether the incident's key holds values of the dimensions by which the rule splits now."""
    return tuple(name for name, _ in incident.labels) == rule.each


def _is_of_kind(incident: Incident, rule: Rule) -> bool:
    """Whether the incident is about a period, or the window, as the rule has it now."""
    kind = period_kind(rule)
    if isinstance(kind, Last):
        return incident.period == kind.value
    return incident.period.removeprefix(foresight.PREFIX).startswith(f"{kind.value}:")


def _day_of(view: View) -> Callable[[int], int]:
    return lambda cell: day_index(view.calendar, cell_start_ms(cell))


@lru_cache(maxsize=1024)
def _revision(rule: Rule, view: View) -> str:
    """The view, and a hash of everything that can change a judgement: another one means that all keys are judged
    again."""
    return f"{view.id}/{blake2b(repr(rule).encode(), digest_size=9).hexdigest()}"

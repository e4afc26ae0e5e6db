"""What explains the spend of an incident, read from the cells and a bounded number of rows.

The dimensions come from a view of their own (`views.drivers_view`), which assess keeps as it keeps the views of rules:
a set of dimensions has one key in it, so that the sums of a span are a few range scans for each set that belongs to
the rule's key. Users, sessions and traces come from the rows (`spenders`).
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeAlias

from fusewatch.app.cells import Reading
from fusewatch.app.comparing import Comparison, comparison
from fusewatch.app.spenders import Plan, Reader, Spenders, plan
from fusewatch.app.windowcells import total
from fusewatch.domain import drivers
from fusewatch.domain.drivers import Fact, Frame, Table, replaced_at
from fusewatch.domain.explanations import Driver, Explanation, Part, Was
from fusewatch.domain.notices import Incident, Kind, Message, MessageKind, Notice, NoticeLink, Reason
from fusewatch.domain.periods import CELL_MS, Calendar, Period, cell_of, cell_start_ms, day_index, day_span
from fusewatch.domain.routing import order
from fusewatch.domain.rules import Rule, RuleSet, Unit, period_kind
from fusewatch.domain.usage import UNKNOWN, Amounts
from fusewatch.domain.views import Key, View, drivers_view, parts_of, totals_view, view_of
from fusewatch.ports import DriverUnit

TraceLink: TypeAlias = Callable[[Explanation], NoticeLink | None]
"""The link to the dearest trace of an explanation, where one can be made."""

MOST_EXPLAINED = 6
"""How many incidents one pass explains: about as many as messages show whole."""

WHOLE = 3
"""Of one message the first so many notices are explained."""

_REPLACED = ("model", "prompt", "release", "version", "provider")
"""Dimensions in which one value takes the place of another."""

_QUARTERS = 48
"""A span of up to so many quarter hours is read as such."""

_TOLD = (Reason.OPENED, Reason.ESCALATED, Reason.REPEATED)


def explain(
    unit: DriverUnit, rules: RuleSet, incident: Incident, now_ms: int, *, active: frozenset[str] | None = None
) -> Explanation | None:
    """What explains the incident as things stand at `now_ms`, or stood when its period ended; in any read.

    None for a watch, for a rule that is no more, and while the sums by dimension are being formed.
    """
    return Explainer.over(unit, rules, now_ms, active).of(incident)


@dataclass(slots=True)
class Explainer:
    """Explains incidents within one transaction; what they have in common is read once."""

    unit: DriverUnit
    rules: RuleSet
    reading: Reading
    fine: View
    names: Mapping[str, str]
    built: frozenset[str]
    _keys: dict[int, Mapping[int, Key]] = field(default_factory=dict)
    _known: dict[str, Explanation | None] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """What could not be explained for a fault of ours."""

    @classmethod
    def over(cls, unit: DriverUnit, rules: RuleSet, now_ms: int, active: frozenset[str] | None = None) -> "Explainer":
        """`active` are the projects that are read now, None for all that were within the last two days."""
        projects = {project.key: project for project in unit.projects()}
        if active is None:
            active = frozenset(k for k, p in projects.items() if now_ms - (p.last_success_ms or 0) < 2 * 86_400_000)
        reading = Reading(projects, unit.coverage(), active & projects.keys(), 0, now_ms, known_from=unit.known_from())
        names = {key: project.name for key, project in projects.items()}
        return cls(unit, rules, reading, drivers_view(rules), names, unit.built_views())

    def told(self, messages: Sequence[Message], trace_link: TraceLink | None = None) -> list[Message]:
        """The messages with their first notices explained, the most severe first, as far as the bound allows.

        A fault in it must not cost the alert: such a notice goes without (`faults`). `trace_link` makes the link to the
        dearest trace.
        """
        wanted = {
            notice.incident.id: notice
            for message in messages
            if message.kind in (MessageKind.NOTICES, MessageKind.SUMMARY)
            for notice in message.notices[:WHOLE]
            if notice.reason in _TOLD and not notice.incident.kind.is_watch
        }
        for notice in sorted(wanted.values(), key=order)[:MOST_EXPLAINED]:
            if notice.incident.id not in self._known:
                self._known[notice.incident.id] = self._of(notice.incident)
        return [
            replace(m, notices=tuple(self._explained(n, trace_link) for n in m.notices)) if m.notices else m
            for m in messages
        ]

    def _of(self, incident: Incident) -> Explanation | None:
        try:
            return self.of(incident)
        except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError) as error:
            self.faults.append(f"{incident.rule} {incident.group}".strip() + f": {type(error).__name__}: {error}")
            return None

    def _explained(self, notice: Notice, trace_link: TraceLink | None) -> Notice:
        why = self._known.get(notice.incident.id)
        if why is None or notice.reason not in _TOLD:
            return notice
        dearest = trace_link(why) if trace_link is not None else None
        links = notice.links if dearest is None else (*notice.links, dearest)
        return replace(notice, why=why, links=links)

    def of(self, incident: Incident) -> Explanation | None:
        """As `explain`."""
        rule = next((rule for rule in self.rules.rules if rule.name == incident.rule), None)
        if rule is None or incident.kind not in (Kind.BUDGET, Kind.SPIKE, Kind.FORECAST):
            return None
        view = view_of(rule, self.rules, self.names)
        if view.metered:  # what Langfuse sums is not what the ledger could explain
            return None
        if view.id not in self.built or self.fine.id not in self.built or len(view.each) != len(incident.key):
            return None
        period = Period(period_kind(rule), incident.period, incident.period_start_ms, incident.period_end_ms)
        compared = comparison(self.unit, self.reading, rule, (view, self.fine), incident.key, period)
        return _One(self, rule, view, incident, compared).explained()

    def keys(self, from_cell: int) -> Mapping[int, Key]:
        """The sets of dimensions that spent anything since then, by number."""
        if from_cell not in self._keys:
            self._keys[from_cell] = self.unit.numbered_keys(self.fine.id, from_cell)
        return self._keys[from_cell]


@dataclass(slots=True)
class _One:
    """The explanation of one incident."""

    all: Explainer
    rule: Rule
    view: View
    incident: Incident
    compared: Comparison
    ours: Mapping[int, Key] = field(init=False)

    def __post_init__(self) -> None:
        if self.view.uses_people:
            self.ours = {}
            return
        first = min((self.compared.first, *(start for start, _ in self.compared.spans)))
        key_of, wanted = self.view.key_of, self.incident.key
        self.ours = {
            number: key
            for number, key in self.all.keys(first).items()
            if key_of(*parts_of(self.all.fine, key), UNKNOWN, UNKNOWN) == wanted
        }

    def explained(self) -> Explanation:
        own = self._cells(self.view, [self.incident.key])
        frame = self._frame(own)
        tables = [] if self.view.uses_people else [self._by_dimensions()]
        spenders = self._spenders(own)
        if spenders is not None:
            tables.append(spenders.table)
        found = drivers.explain(frame, tables, spenders.traces if spenders else ())
        return self._named(found)

    # ------------------------------------------------------------ what is read

    def _cells(self, view: View, keys: Iterable[Key]) -> dict[int, Amounts]:
        """What the keys of a view spent together in each quarter hour of the span and of the earlier ones."""
        sums: dict[int, Amounts] = {}
        for start, stop in {(self.compared.first, self.compared.end), *self.compared.spans}:
            for key in keys:
                for cell, amounts in self.all.unit.quarters(view.id, key, start, stop):
                    sums[cell] = sums[cell].plus(amounts) if cell in sums else amounts
        return sums

    def _frame(self, own: Mapping[int, Amounts]) -> Frame:
        compared = self.compared
        now = total(own[cell] for cell in range(compared.first, compared.end) if cell in own)
        before = Amounts()
        for start, stop in compared.spans:
            sums = total(own[cell] for cell in range(start, stop) if cell in own)
            before = before.plus(_weighted(sums, own.get(stop - 1, Amounts()), compared.passed))
        return Frame(
            unit=self._unit,
            from_ms=self.incident.period_start_ms,
            to_ms=compared.to_ms,
            now=now,
            before=before,
            scale=compared.scale / CELL_MS,
            against=compared.against,
            count=compared.count if compared.spans else 0,
        )

    @property
    def _unit(self) -> Unit:
        unit = self.incident.unit
        return Unit.USD if unit is Unit.USD_PER_REQUEST else unit

    def _by_dimensions(self) -> Table:
        compared, numbers = self.compared, list(self.ours)
        now = self._sums(numbers, compared.first, compared.end)
        before: defaultdict[int, Amounts] = defaultdict(Amounts)
        for start, stop in compared.spans:
            last = self._sums(numbers, stop - 1, stop) if compared.passed < CELL_MS else {}
            for number, amounts in self._sums(numbers, start, stop).items():
                weighted = _weighted(amounts, last.get(number, Amounts()), compared.passed)
                before[number] = before[number].plus(weighted)
        facts = [
            Fact(key, now.get(number, Amounts()), before.get(number, Amounts()))
            for number, key in self.ours.items()
            if number in now or number in before
        ]
        names = self.all.fine.each
        return Table(names, facts, compared.scale / CELL_MS, frozenset(names))

    def _sums(self, numbers: Collection[int], from_cell: int, to_cell: int) -> Mapping[int, Amounts]:
        """What each key spent in the quarter hours. Of a long span whole days are read as such; of a day that it cuts
        the part inside is added or the part outside taken away, whichever is shorter (`windowcells.between`)."""
        unit, calendar = self.all.unit, self.all.fine.calendar
        if to_cell - from_cell <= _QUARTERS:
            return unit.quarter_sums(numbers, from_cell, to_cell)
        first, last = (day_index(calendar, cell_start_ms(cell)) for cell in (from_cell, to_cell - 1))
        (begins, morning), (evening, ends) = (_cells_of(calendar, day) for day in (first, last))
        cut_first = morning - from_cell < from_cell - begins
        cut_last = to_cell - evening < ends - to_cell
        sums: dict[int, Amounts] = dict(unit.day_sums(numbers, first + cut_first, last + 1 - cut_last))
        for start, stop, adds in (
            (from_cell, morning, True) if cut_first else (begins, from_cell, False),
            (evening, to_cell, True) if cut_last else (to_cell, ends, False),
        ):
            for number, amounts in unit.quarter_sums(numbers, start, stop).items() if start < stop else ():
                held = sums.get(number, Amounts())
                sums[number] = held.plus(amounts) if adds else held.minus(amounts)
        return sums

    def _spenders(self, own: Mapping[int, Amounts]) -> Spenders | None:
        totals = totals_view(self.all.rules)
        if totals.id not in self.all.built:
            return None
        projects = self.all.reading.relevant(self.view)
        rows = self._cells(totals, [(project,) for project in projects])
        return self._reader().read(projects, self.compared, plan(self.compared, own, rows, self._unit))

    def _reader(self) -> Reader:
        return Reader(self.all.unit, self.view, self.incident.key, self.all.fine.each, self._unit)

    # ------------------------------------------------------------ names

    def _named(self, found: Explanation) -> Explanation:
        """With the names of users for their numbers, and with what was replaced by what."""
        numbers = {
            int(part.value)
            for driver in found.drivers
            for part in (driver.part, *driver.under)
            if part.dimension in ("user", "session") and part.value
        }
        people = self.all.unit.people(numbers)
        return replace(found, drivers=tuple(self._driver_named(driver, people) for driver in found.drivers))

    def _driver_named(self, driver: Driver, people: Mapping[int, str]) -> Driver:
        part = driver.part
        fixed = {part.dimension: part.value} if part.dimension in self.all.fine.each else {}
        return Driver(
            self._part_named(self._with_was(part, {}), people),
            tuple(self._part_named(self._with_was(p, fixed), people) for p in driver.under),
        )

    def _part_named(self, part: Part, people: Mapping[int, str]) -> Part:
        match part.dimension:
            case "user" | "session":
                return replace(part, value=people.get(int(part.value or 0), UNKNOWN))
            case "trace":
                return replace(part, value=self.all.unit.trace_id(bytes.fromhex(part.value.partition(" ")[2])))
            case "project":
                return replace(part, value=self.all.names.get(part.value, part.value))
            case _:
                return part

    def _with_was(self, part: Part, fixed: Mapping[str, str]) -> Part:
        """What the value replaced, where one took the place of another in the span or before it."""
        if part.dimension not in _REPLACED or self.view.uses_people or part.value == UNKNOWN:
            return part
        names = self.all.fine.each
        place = names.index(part.dimension)
        here = {
            number: key[place]
            for number, key in self.ours.items()
            if all(key[names.index(name)] == value for name, value in fixed.items())
        }
        was = self._replaced(part.value, here)
        if was is not None and was.until_ms is not None:
            was = replace(was, until_ms=self._first_ms(part, fixed, cell_of(was.until_ms)))
        return part if was is None else replace(part, was=was)

    def _replaced(self, value: str, here: Mapping[int, str]) -> Was | None:
        compared = self.compared
        now: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
        for number, cell, amounts in self.all.unit.quarters_of(list(here), compared.first, compared.end):
            now[here[number]][cell] += amounts.requests
        usual: defaultdict[str, Fraction] = defaultdict(Fraction)
        for start, stop in compared.spans:
            for number, amounts in self._sums(list(here), start, stop).items():
                usual[here[number]] += amounts.requests * compared.scale
        came = sum(now[value].values())
        if not came or usual[value] * 2 > came:
            return None
        found: list[tuple[Fraction, str, int | None]] = []
        for other in {*usual, *now} - {value}:
            went = sum(now[other].values())
            cut = replaced_at(sorted(now[value].items()), sorted(now[other].items()))
            if cut is not None:
                found.append((max(usual[other], Fraction(went)), other, cell_start_ms(cut)))
            elif usual[other] > 0 and went * 10 <= usual[other]:
                found.append((usual[other], other, None))
        if not found:
            return None
        most, other, until_ms = max(found, key=lambda each: (each[0], each[1]))
        return Was(other, until_ms) if most * 4 >= came else None

    def _first_ms(self, part: Part, fixed: Mapping[str, str], cell: int) -> int:
        """When, within the quarter hour, the first generation with the new value started."""
        wanted = {**fixed, part.dimension: part.value}
        look = Plan([cell - self.compared.first], (), True)
        projects = self.all.reading.relevant(self.view)
        return self._reader().first_ms(projects, self.compared, look, wanted) or cell_start_ms(cell)


def _weighted(sums: Amounts, last: Amounts, passed: int) -> Amounts:
    """The sums times `CELL_MS`, with `passed` milliseconds of the last quarter hour in place of all of it."""
    return Amounts(*(held * CELL_MS - late * (CELL_MS - passed) for held, late in zip(sums, last, strict=True)))


def _cells_of(calendar: Calendar, day: int) -> tuple[int, int]:
    """[first, end) of the quarter hours whose start lies in the day."""
    start_ms, end_ms = day_span(calendar, day)
    return -(-start_ms // CELL_MS), -(-end_ms // CELL_MS)

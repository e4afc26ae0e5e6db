"""The assess side of the store in plain memory: what a backtest and a rule test judge with the real passes.

It answers as the database does (a test plays the same calls on both), many times as fast, and keeps nothing. There is
one user and no transaction: an error in the middle of a pass ends the replay, so nothing is ever rolled back.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from fusewatch.domain.holding import Held
from fusewatch.domain.metered import MeteredRead
from fusewatch.domain.notices import Incident, Message, State
from fusewatch.domain.periods import cell_of
from fusewatch.domain.rules import Unit
from fusewatch.domain.silences import Silence
from fusewatch.domain.usage import UNKNOWN, Amounts, Delta, Dimensions
from fusewatch.domain.verdicts import measure
from fusewatch.ports import AssessUnit, Audited, CellSpan, Due, ProjectState, Row, RuleState, Span, Totals

T = TypeVar("T")

Key = tuple[str, ...]
KnownRows = Callable[[int, int], Sequence[Row]]
"""The counted generations that start in [from, to) and are known by now, by start time; as `AssessUnit.rows`."""

_ALWAYS = 2**62


@dataclass(slots=True)
class _Series:
    """The cells of one key of one view."""

    first: int
    last: int
    quarters: dict[int, Amounts] = field(default_factory=dict)
    days: dict[int, Amounts] = field(default_factory=dict)


class MemoryStore:
    """Implements `ports.AssessUnit` and the one method of `ports.Store` that the assess pass calls.

    `known_projects`, `read_spans` and `feed` set what ingest would have written; `rows` is asked only for the exact
    time of a crossing. `outbox` holds what was enqueued, in order.
    """

    def __init__(self, rows: KnownRows) -> None:
        self.known_projects: Sequence[ProjectState] = ()
        self.read_spans: Mapping[str, Sequence[Span]] = {}
        self.outbox: list[Message] = []
        self._rows = rows
        self._deltas: list[Delta] = []
        self._totals = Totals(0, 0, 0)
        self._unpriced: dict[str, dict[int, list[tuple[int, Dimensions, int]]]] = {}
        self._views: dict[str, dict[Key, _Series]] = {}
        self._rule_states: dict[str, RuleState] = {}
        self._incidents = _Incidents()
        self._due: dict[tuple[str, Key], int] = {}
        self._sent: set[str] = set()
        self._marks: dict[str, int] = {}
        self._held: dict[tuple[str, str], Held] = {}
        self._known: set[tuple[str, str]] = set()
        self._dimensions: set[Dimensions] = set()

    def assess(self, work: Callable[[AssessUnit], T], /) -> T:
        return work(self)

    def feed(self, deltas: Iterable[Delta], unpriced: Iterable[tuple[str, int, Dimensions, int]] = ()) -> None:
        """What ingest would append: changes of cells, and (project, start, dimensions, estimate) of each generation
        that has usage and no price."""
        cost = requests = estimate = 0
        for delta in deltas:
            self._deltas.append(delta)
            self._dimensions.add(delta.dimensions)
            cost += delta.amounts.cost_pico
            requests += delta.amounts.requests
            estimate += delta.amounts.estimate_pico
        found = 0
        for project, start_ms, dimensions, guess in unpriced:
            cells = self._unpriced.setdefault(project, {})
            cells.setdefault(cell_of(start_ms), []).append((start_ms, dimensions, guess))
            found += 1
        before = self._totals
        self._totals = Totals(
            before.generations + requests,
            before.cost_pico + cost,
            before.unpriced + found,
            before.estimate_pico + estimate,
        )

    def next_due_ms(self, after_ms: int) -> int | None:
        """When time alone changes something next: an open period ends, quiet hours with something held back do, or
        a key is due. None when nothing will.

        A key that wishes to be judged at the very next poll waits for something to be read: time alone is of no use.
        """
        ends = (end for i in self._incidents.open_ones(None) if (end := i.period_end_ms) > after_ms)
        wishes = (at for at in self._due.values() if at > after_ms + 1)
        waits = (held.hold.until_ms for held in self._held.values() if held.hold.until_ms > after_ms)
        return min((*ends, *wishes, *waits), default=None)

    # ------------------------------------------------------------ what was read

    def projects(self) -> Sequence[ProjectState]:
        return self.known_projects

    def coverage(self) -> Mapping[str, Sequence[Span]]:
        return self.read_spans

    def take_deltas(self, limit: int) -> Sequence[Delta]:
        taken, self._deltas = self._deltas[:limit], self._deltas[limit:]
        return taken

    def rows(self, from_ms: int, to_ms: int) -> Sequence[Row]:
        return self._rows(from_ms, to_ms)

    def unpriced(self, project: str, from_ms: int, to_ms: int) -> Sequence[tuple[Dimensions, int, int]]:
        cells = self._unpriced.get(project)
        if not cells:
            return []
        found: Counter[Dimensions] = Counter()
        guesses: Counter[Dimensions] = Counter()
        for cell in range(cell_of(from_ms), cell_of(to_ms - 1) + 1):
            for start_ms, dimensions, guess in cells.get(cell, ()):
                if from_ms <= start_ms < to_ms:
                    found[dimensions] += 1
                    guesses[dimensions] += guess
        return [(dimensions, count, guesses[dimensions]) for dimensions, count in found.items()]

    def totals(self) -> Totals:
        return self._totals

    # ------------------------------------------------------------ cells

    def built_views(self) -> frozenset[str]:
        return frozenset(self._views)

    def build_view(
        self,
        view: str,
        key_of: Callable[[str, Dimensions, str, str], Key | None],
        day_of: Callable[[int], int],
        *,
        uses_people: bool,
    ) -> None:
        if self._deltas:
            raise ValueError("a view is built only when no change of the ledger is left to take")
        self._views[view] = {}
        for row in self._rows(-_ALWAYS, _ALWAYS):
            people = (row.user, row.session) if uses_people else (UNKNOWN, UNKNOWN)
            key = key_of(row.project, row.dimensions, *people)
            if key is not None:
                cell = cell_of(row.start_ms)
                self.add(view, key, cell, day_of(cell), row.amounts)

    def begin_view(self, view: str) -> None:
        self._views.setdefault(view, {})

    def drop_views(self, keep: frozenset[str]) -> None:
        if self._views.keys() - keep:
            self._views = {view: keys for view, keys in self._views.items() if view in keep}

    def add(self, view: str, key: Key, cell: int, day: int, amounts: Amounts) -> None:
        keys = self._views[view]
        series = keys.get(key)
        if series is None:
            series = keys[key] = _Series(cell, cell)
        elif cell < series.first:
            series.first = cell
        elif cell > series.last:
            series.last = cell
        for cells, bucket in ((series.quarters, cell), (series.days, day)):
            held = cells.get(bucket)
            cells[bucket] = amounts if held is None else held.plus(amounts)

    def keys(self, view: str, from_cell: int) -> Sequence[Key]:
        return sorted(key for key, series in self._views.get(view, {}).items() if series.last >= from_cell)

    def quarters(self, view: str, key: Key, from_cell: int, to_cell: int) -> Sequence[tuple[int, Amounts]]:
        series = self._views.get(view, {}).get(key)
        return [] if series is None else _between(series.quarters, from_cell, to_cell)

    def days(self, view: str, key: Key, from_day: int, to_day: int) -> Sequence[tuple[int, Amounts]]:
        series = self._views.get(view, {}).get(key)
        return [] if series is None else _between(series.days, from_day, to_day)

    def prepare(self, view: str, keys: Collection[Key], *spans: CellSpan) -> None:
        """Everything is in memory."""

    def reaching(self, view: str, keys: Collection[Key], span: CellSpan, least: int, unit: Unit) -> Collection[Key]:
        if unit is Unit.USD_PER_REQUEST:
            raise ValueError(f"{unit.value} is no sum")
        read = self.days if span.daily else self.quarters
        sums = {key: sum(measure(held, unit) for _, held in read(view, key, span.start, span.end)) for key in keys}
        return [key for key, amount in sums.items() if amount >= least]

    def blocks(
        self, view: str, key: Key, from_cell: int, to_cell: int, at_cell: int, size: int
    ) -> Sequence[tuple[int, Amounts]]:
        sums: dict[int, Amounts] = {}
        for cell, amounts in self.quarters(view, key, from_cell, to_cell):
            block = (cell - at_cell) // size
            sums[block] = sums[block].plus(amounts) if block in sums else amounts
        return sorted((block, held) for block, held in sums.items() if any(held))

    def first_cell(self, view: str, key: Key) -> int | None:
        series = self._views.get(view, {}).get(key)
        return None if series is None else series.first

    def sums(self, view: str, from_cell: int) -> dict[int, Amounts]:
        """What all keys of a view spent together, by 15-minute cell."""
        found: dict[int, Amounts] = {}
        for series in self._views[view].values():
            for cell, amounts in series.quarters.items():
                if cell >= from_cell:
                    found[cell] = found[cell].plus(amounts) if cell in found else amounts
        return found

    # ------------------------------------------------------------ rules, incidents, messages

    def rule_states(self) -> Mapping[str, RuleState]:
        return dict(self._rule_states)

    def put_rule_state(self, state: RuleState) -> None:
        self._rule_states[state.rule] = state

    def drop_rule(self, rule: str) -> None:
        self._rule_states.pop(rule, None)
        self._due = {place: at for place, at in self._due.items() if place[0] != rule}

    def incident(self, rule: str, key: Key, period: str) -> Incident | None:
        return self._incidents.latest(rule, key, period)

    def prepare_incidents(self, rule: str, keys: Collection[Key], periods: Collection[str]) -> Collection[Key]:
        return {key for key in keys for period in periods if self._incidents.latest(rule, key, period) is not None}

    def open_incidents(self, rule: str | None = None) -> Sequence[Incident]:
        return self._incidents.open_ones(rule)

    def ended_incidents(self, from_ms: int) -> Sequence[Incident]:
        return self._incidents.ended(from_ms)

    def put_incident(self, incident: Incident) -> None:
        self._incidents.put(incident)

    def due(self, now_ms: int) -> Sequence[Due]:
        if not self._due:
            return []
        found = [Due(rule, key, at) for (rule, key), at in self._due.items() if at <= now_ms]
        return sorted(found, key=lambda due: (due.at_ms, due.rule, due.key))

    def set_due(self, rule: str, key: Key, at_ms: int | None) -> None:
        if at_ms is None:
            self._due.pop((rule, key), None)
        else:
            self._due[rule, key] = at_ms

    def forget_due(self, rule: str, now_ms: int) -> None:
        for place in [place for place, at in self._due.items() if place[0] == rule and at <= now_ms]:
            del self._due[place]

    def silences(self, now_ms: int) -> Sequence[Silence]:
        """None: a silence is about the present, not about the past that is judged here."""
        return ()

    def held(self) -> Sequence[Held]:
        return sorted(self._held.values(), key=lambda held: (held.from_ms, held.incident_id, held.destination))

    def put_held(self, held: Held) -> None:
        self._held[held.incident_id, held.destination] = held

    def drop_held(self, incident_id: str, destination: str) -> None:
        self._held.pop((incident_id, destination), None)

    def incident_by_id(self, incident_id: str) -> Incident | None:
        return self._incidents.by_id(incident_id)

    def is_known(self, dimension: str, value: str) -> bool:
        return (dimension, value) in self._known

    def know(self, dimension: str, values: Collection[str]) -> None:
        self._known.update((dimension, value) for value in values)

    def values(self, dimension: str) -> Sequence[str]:
        if dimension == "project":
            return sorted({project.name for project in self.known_projects})
        if dimension in Dimensions._fields and dimension != "extra":
            return sorted({str(getattr(found, dimension)) for found in self._dimensions})
        return sorted({value for found in self._dimensions for name, value in found.extra if name == dimension})

    def known_from(self) -> Mapping[str, int]:
        return {}

    def metered_reads(self) -> Mapping[tuple[str, str], MeteredRead]:
        """None: a replay judges every budget by the ledger."""
        return {}

    def put_metered_read(self, view: str, project: str, read: MeteredRead) -> None:
        raise ValueError("a replay asks nobody for sums")

    def audited(self) -> Audited | None:
        return None

    def drivers(self) -> None:
        """A replay is about what is told when, not about why."""

    def mark(self, name: str) -> int | None:
        return self._marks.get(name)

    def put_mark(self, name: str, value: int) -> None:
        self._marks[name] = value

    def enqueue(self, message: Message) -> bool:
        if message.id in self._sent:
            return False
        self._sent.add(message.id)
        self.outbox.append(message)
        return True


class _Incidents:
    """Every episode by its id; which is the latest of a place, and which are open."""

    def __init__(self) -> None:
        self._by_id: dict[str, Incident] = {}
        self._places: dict[tuple[str, Key, str], dict[int, str]] = {}
        self._open: dict[str, dict[str, Incident]] = {}

    def put(self, incident: Incident) -> None:
        before = self._by_id.get(incident.id)
        if before is not None:
            if _place(before) != _place(incident):
                del self._places[_place(before)][before.episode]
            if before.state is State.OPEN:
                del self._open[before.rule][before.id]
        self._by_id[incident.id] = incident
        self._places.setdefault(_place(incident), {})[incident.episode] = incident.id
        if incident.state is State.OPEN:
            self._open.setdefault(incident.rule, {})[incident.id] = incident

    def by_id(self, incident_id: str) -> Incident | None:
        return self._by_id.get(incident_id)

    def latest(self, rule: str, key: Key, period: str) -> Incident | None:
        episodes = self._places.get((rule, key, period))
        return self._by_id[episodes[max(episodes)]] if episodes else None

    def open_ones(self, rule: str | None) -> list[Incident]:
        rules = self._open.values() if rule is None else (self._open.get(rule, {}),)
        return sorted((incident for found in rules for incident in found.values()), key=_order)

    def ended(self, from_ms: int) -> list[Incident]:
        found = (i for i in self._by_id.values() if i.state is State.ROLLED_OVER and i.period_end_ms > from_ms)
        return sorted(found, key=_order)


def _place(incident: Incident) -> tuple[str, Key, str]:
    return incident.rule, incident.key, incident.period


def _order(incident: Incident) -> tuple[str, Key, str, int]:
    return incident.rule, incident.key, incident.period, incident.episode


def _between(cells: Mapping[int, Amounts], start: int, end: int) -> list[tuple[int, Amounts]]:
    """The cells of the span that hold anything, in order."""
    if end - start <= len(cells):
        return [(n, held) for n in range(start, end) if (held := cells.get(n)) is not None and any(held)]
    return sorted((n, held) for n, held in cells.items() if start <= n < end and any(held))

"""Backtest: the real assess pass over past days, as the daemon would have lived through them.

A generation arrives when the daemon first saw it, where it was seen live; what was read as history arrives at the
first poll after its end. There is a step for each instant at which something arrived, and for the polls at which time
alone changes something; nothing lies between. Costs are those known now: a later update replaced what was known then.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple, Protocol

from fusewatch.app.assess import Assessment, assess_pass
from fusewatch.app.lookout import Lookout, unit_of
from fusewatch.app.memory import MemoryStore
from fusewatch.domain.coverage import Span, frontier
from fusewatch.domain.metered import unmetered
from fusewatch.domain.notices import Message, MessageKind, Notice
from fusewatch.domain.periods import CELL_MS, cell_of, period_at
from fusewatch.domain.readplan import AHEAD_MS, SELDOM_AT_MOST_MS
from fusewatch.domain.repeating import due_again_ms
from fusewatch.domain.routing import NO_NEWS
from fusewatch.domain.rules import Drift, RuleSet, Unit, Unreadable, period_kind
from fusewatch.domain.usage import Delta, Dimensions
from fusewatch.domain.verdicts import measure
from fusewatch.domain.views import totals_view, view_of
from fusewatch.ports import Past, ProjectState, Row, Store

SLICE_MS = 86_400_000
"""How much of the ledger is held at once."""

SEEN_LIVE_MS = SELDOM_AT_MOST_MS
"""A first sight that came later after the end than any lookback reaches was one of reading history."""

DELTAS_A_PASS = 10_000


class History(Protocol):
    """Where the past comes from."""

    def between(self, from_ms: int, to_ms: int, *, people: bool) -> Sequence[Past]:
        """See `ports.ReadUnit.history`; any span may be asked for."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The history that the ledger holds."""

    store: Store

    def between(self, from_ms: int, to_ms: int, *, people: bool) -> Sequence[Past]:
        return self.store.read(lambda unit: unit.history(from_ms, to_ms, people=people))


@dataclass(frozen=True, slots=True)
class Course:
    """What is replayed: ``from_ms <= time < to_ms`` with a poll every `poll_ms`, over these projects as the ledger
    knows them, with the spans that were read."""

    from_ms: int
    to_ms: int
    poll_ms: int
    projects: Sequence[ProjectState]
    coverage: Mapping[str, Sequence[Span]]

    def poll_at(self, at_ms: int) -> int:
        """The first poll at or after the instant; the first one of all is at `from_ms`."""
        late = max(at_ms - self.from_ms, 0)
        return self.from_ms + -(-late // self.poll_ms) * self.poll_ms


class Told(NamedTuple):
    """A notice and who was told at `at_ms`; `at_start`: it was so already when the replay began. Nobody was told of
    what is below every destination's severity."""

    at_ms: int
    notice: Notice
    destinations: tuple[str, ...]
    at_start: bool


@dataclass(slots=True)
class Outcome:
    """What a replay of one rule set brought: everything that was told or recorded, in order; how many steps it took."""

    rules: RuleSet
    told: list[Told] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    steps: int = 0
    generations: int = 0
    cost_pico: int = 0
    spend: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """By rule, in its unit, by quarter hour; under "" everything in 1e-12 USD."""


Progress = Callable[[int], None]
"""Hears up to which instant the replay has come."""


def replayed(rules: RuleSet) -> RuleSet:
    """The rules as far as the past can tell: when reads failed and what comparisons found is not in the ledger."""
    return replace(unmetered(rules), unreadable=Unreadable(None), drift=Drift(None))


def backtest(
    history: History, course: Course, rule_sets: Sequence[RuleSet], progress: Progress = lambda _: None
) -> list[Outcome]:
    """Replay the course under each of the rule sets, in one walk through the history."""
    arrivals = _Arrivals(history, course, people=any(_uses_people(rules, course) for rules in rule_sets))
    replays = [_Replay(replayed(rules), course, arrivals) for rules in rule_sets]
    for chunk in arrivals.before():
        for replay in replays:
            replay.load(chunk)
        progress(course.from_ms)
    for replay in replays:
        replay.begin()
    for at_ms, batch in arrivals.steps():
        for replay in replays:
            replay.live_until(at_ms)
            replay.step(at_ms, batch)
        progress(at_ms)
    for replay in replays:
        replay.end()
        replay.outcome.generations, replay.outcome.cost_pico = arrivals.generations, arrivals.cost_pico
    progress(course.to_ms)
    return [replay.outcome for replay in replays]


def difference(before: Outcome, after: Outcome) -> tuple[list[Told], list[Told]]:
    """(removed, added): what only one of two replays told somebody, by rule, key, period, reason and threshold."""
    told = [[t for t in outcome.told if t.destinations] for outcome in (before, after)]
    known = [{_identity(t) for t in side} for side in told]
    return (
        [t for t in told[0] if _identity(t) not in known[1]],
        [t for t in told[1] if _identity(t) not in known[0]],
    )


def _identity(told: Told) -> tuple[object, ...]:
    incident = told.notice.incident
    return incident.rule, incident.key, incident.period, incident.episode, told.notice.reason, told.notice.threshold


def _uses_people(rules: RuleSet, course: Course) -> bool:
    names = {project.key: project.name for project in course.projects}
    return any(view_of(rule, rules, names).uses_people for rule in rules.rules)


# ---------------------------------------------------------------- what arrives


@dataclass(slots=True)
class _Batch:
    """What arrives at one instant, summed as ingest sums it."""

    cells: dict[tuple[str, int, int, str, str], Delta] = field(default_factory=dict)
    """By project, cell, identity of the dimensions, user and session. Hashing the dimensions themselves takes longer
    than everything else that is done with a row; equal ones that are two objects only make two sums."""
    unpriced: list[tuple[str, int, Dimensions, int]] = field(default_factory=list)

    def add(self, past: Past) -> None:
        project, start_ms, _, _, dimensions, user, session, amounts, unpriced = past
        cell = start_ms // CELL_MS
        place = (project, cell, id(dimensions), user, session)
        held = self.cells.get(place)
        total = amounts if held is None else held.amounts.plus(amounts)
        self.cells[place] = Delta(project, cell, dimensions, user, session, total)
        if unpriced:
            self.unpriced.append((project, start_ms, dimensions, amounts.estimate_pico))

    def join(self, other: "_Batch") -> None:
        cells = self.cells
        for place, delta in other.cells.items():
            held = cells.get(place)
            cells[place] = delta if held is None else delta._replace(amounts=held.amounts.plus(delta.amounts))
        self.unpriced += other.unpriced

    def deltas(self) -> list[Delta]:
        return list(self.cells.values())


class _Arrivals:
    """The history in the order in which it was learned, a slice of start times at a time."""

    def __init__(self, history: History, course: Course, *, people: bool) -> None:
        self._history = history
        self._course = course
        self._people = people
        self._live_from = {project.key: project.loaded_ms for project in course.projects}
        self._waiting: dict[int, _Batch] = {}
        self.generations = 0
        self.cost_pico = 0
        self.rows_of = lru_cache(maxsize=512)(self._rows_of)

    def before(self) -> Iterator[_Batch]:
        """All that had arrived when the course begins."""
        first = min((spans[0].from_ms for spans in self._course.coverage.values() if spans), default=0)
        at_ms = first - first % SLICE_MS
        while at_ms < self._course.from_ms:
            batch = _Batch()
            until_ms = min(at_ms + SLICE_MS, self._course.from_ms)
            for past in self._history.between(at_ms, until_ms, people=self._people):
                self._put(past, batch)
            yield batch
            at_ms = until_ms

    def steps(self) -> Iterator[tuple[int, _Batch]]:
        """(when, what) for each instant after the beginning at which something arrived."""
        at_ms = self._course.from_ms
        while at_ms < self._course.to_ms:
            until_ms = min(at_ms + SLICE_MS, self._course.to_ms)
            for past in self._history.between(
                at_ms, until_ms + AHEAD_MS if until_ms == self._course.to_ms else until_ms, people=self._people
            ):
                self._put(past, None)
            # What starts later may have been seen a little earlier, where the clocks differ.
            known_ms = self._course.to_ms if until_ms == self._course.to_ms else until_ms - AHEAD_MS
            for arrival in sorted(arrival for arrival in self._waiting if arrival < known_ms):
                yield arrival, self._waiting.pop(arrival)
            at_ms = until_ms

    def arrival(self, past: Past) -> int:
        """When the daemon learned of a generation, or would have."""
        loaded_ms = self._live_from.get(past.project)
        if loaded_ms is not None and past.seen_ms > loaded_ms and past.seen_ms - past.end_ms <= SEEN_LIVE_MS:
            return past.seen_ms
        return self._course.poll_at(past.end_ms)

    def _put(self, past: Past, before: _Batch | None) -> None:
        arrival = self.arrival(past)
        if arrival >= self._course.to_ms:
            return
        if arrival <= self._course.from_ms and before is not None:
            before.add(past)
            return
        self.generations += 1
        self.cost_pico += past.amounts.cost_pico
        batch = self._waiting.get(arrival)
        if batch is None:
            batch = self._waiting[arrival] = _Batch()
        batch.add(past)

    def _rows_of(self, from_ms: int, to_ms: int) -> Sequence[tuple[int, Row]]:
        """(arrival, row) of the generations that start in the span, by start time."""
        found = self._history.between(from_ms, to_ms, people=True)
        return [
            (self.arrival(p), Row(p.project, p.start_ms, p.dimensions, p.user, p.session, p.amounts)) for p in found
        ]


# ---------------------------------------------------------------- what becomes of it


class _Replay:
    """One rule set on its way through the course."""

    def __init__(self, rules: RuleSet, course: Course, arrivals: _Arrivals) -> None:
        self.outcome = Outcome(rules)
        self._course = course
        self._arrivals = arrivals
        self._now_ms = course.from_ms
        self._store = MemoryStore(self._rows)
        active = frozenset(project.key for project in course.projects)
        self._given = Assessment(rules, active, course.from_ms, expected=len(active), shown=False)
        self._store.known_projects = [replace(p, failing_since_ms=None, loaded_ms=None) for p in course.projects]
        self._names = {project.key: project.name for project in course.projects}
        self._lookout = Lookout(rules, self._names, self._store)
        self._pending = _Batch()
        self._pending_ms = self._due_ms = course.from_ms
        self._pass()  # while nothing is read, this only makes the views

    def load(self, batch: _Batch) -> None:
        """What had arrived before: it is known, and judged when all of it is."""
        deltas = batch.deltas()
        self._store.feed((), batch.unpriced)
        for at in range(0, len(deltas), DELTAS_A_PASS):
            self._store.feed(deltas[at : at + DELTAS_A_PASS])
            self._pass()

    def begin(self) -> None:
        """The first judgement, as after the first load."""
        self._judge(self._course.from_ms)

    def step(self, at_ms: int, batch: _Batch) -> None:
        """What arrives at one instant; judged now if that can change anything, else together with what comes next."""
        turns = at_ms >= self._lookout.boundary_ms
        if turns:
            self._judge_pending()
            self._lookout.turn(at_ms)
        is_due = at_ms >= self._due_ms
        if self._lookout.heed(batch.cells.values(), batch.unpriced) or turns or is_due:
            if self._lookout.tells_before():
                self._judge_pending(settle=False)
            self._pending.join(batch)
            self._pending_ms = at_ms
            self._judge_pending()
        else:
            self._pending.join(batch)
            self._pending_ms = at_ms

    def live_until(self, to_ms: int) -> None:
        """The polls before `to_ms` at which nothing came, but time had something to say."""
        while self._due_ms < to_ms:
            due_ms = self._due_ms
            self._judge_pending()
            self._judge(due_ms)

    def end(self) -> None:
        self.live_until(self._course.to_ms)
        self._judge_pending()

        views = {
            rule.name: (view_of(rule, self.outcome.rules, self._names), unit_of(rule))
            for rule in self.outcome.rules.rules
        }
        views[""] = (totals_view(self.outcome.rules), Unit.USD)
        first = cell_of(self._course.from_ms)
        self.outcome.spend = {
            name: {cell: measure(held, unit) for cell, held in self._store.sums(view.id, first).items()}
            for name, (view, unit) in views.items()
        }

    def _judge_pending(self, *, settle: bool = True) -> None:
        if self._pending.cells:
            self._store.feed(self._pending.deltas(), self._pending.unpriced)
            self._pending = _Batch()
            self._judge(self._pending_ms, settle=settle)

    def _judge(self, at_ms: int, *, settle: bool = True) -> None:
        """The real pass. With `settle` the lookout has heard of all that it judged, and no more."""
        self._move(at_ms)
        self._pass()
        if settle:
            if at_ms >= self._lookout.boundary_ms:
                self._lookout.turn(at_ms)
            self._lookout.settle(at_ms)
        self._due_ms = self._next_due()

    def _next_due(self) -> int:
        """The next poll at which time alone may change something."""
        now_ms, rules = self._now_ms, self._given.rules
        if rules.silent.after_ms is not None:  # it is noticed when nothing happens
            return self._course.poll_at(now_ms + 1)
        # What is due again and was not told now waits for the end of its quiet hours: look at every poll.
        wishes = (due_again_ms(incident, rules.repeat) for incident in self._store.open_incidents())
        again = [max(at, now_ms + 1) for at in wishes if at is not None]
        states = self._store.rule_states()
        loading = [rule for rule in rules.rules if states[rule.name].ready_ms is None]
        ends = [period_at(rule.calendar, period_kind(rule), now_ms).end_ms for rule in loading]
        due_ms = min((*ends, *again, self._store.next_due_ms(self._now_ms) or self._course.to_ms))
        return max(self._course.poll_at(due_ms), now_ms + 1)

    def _move(self, to_ms: int) -> None:
        self._now_ms = to_ms
        spans = {key: _until(spans, to_ms) for key, spans in self._course.coverage.items()}
        self._store.read_spans = spans
        self._store.known_projects = [
            replace(
                p, failing_since_ms=None, loaded_ms=self._course.from_ms, data_as_of_ms=frontier(spans.get(p.key, ()))
            )
            for p in self._course.projects
        ]

    def _pass(self) -> None:
        more = True
        while more:
            report = assess_pass(self._store, self._given, self._now_ms)
            more = report.more
            self.outcome.steps += 1
            if report.changes or report.messages:
                self._note(report.messages, [c.notice for c in report.changes if c.notice.reason not in NO_NEWS])

    def _note(self, messages: Sequence[Message], notices: Sequence[Notice]) -> None:
        self.outcome.messages += (m for m in messages if m.kind is not MessageKind.UPDATE)
        for notice in notices:
            to = [m for m in messages if notice in m.notices]
            at_start = any(m.start is not None for m in to) or (not to and self._now_ms == self._course.from_ms)
            self.outcome.told.append(Told(self._now_ms, notice, tuple(m.destination for m in to), at_start))

    def _rows(self, from_ms: int, to_ms: int) -> Sequence[Row]:
        if to_ms - from_ms > SLICE_MS:  # only a view made anew asks so, and then nothing has arrived yet
            return ()
        return [row for arrival, row in self._arrivals.rows_of(from_ms, to_ms) if arrival <= self._now_ms]


def _until(spans: Sequence[Span], to_ms: int) -> list[Span]:
    """What of it lies before an instant."""
    return [Span(span.from_ms, min(span.to_ms, to_ms)) for span in spans if span.from_ms < to_ms]

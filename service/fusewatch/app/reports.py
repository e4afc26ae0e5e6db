"""Reports: where the money went over any span, read from the ledger in one consistent read, exact to the picodollar."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from heapq import nsmallest
from operator import attrgetter

from fusewatch.domain.breakdown import NOTHING, Excluded, Keyer, Part, Usage
from fusewatch.domain.coverage import Span, holes, merged
from fusewatch.domain.periods import Calendar, Every, Period, period_at
from fusewatch.domain.usage import UNKNOWN, Dimensions
from fusewatch.domain.views import Key
from fusewatch.ports import ClosedMonth, Line, ReadUnit, TracePart

FAR_MS = 2**53
EVER = Span(0, FAR_MS)
"""The whole ledger, with what was pruned so long ago that its time is not known any more."""

TAIL_MS = 15 * 60_000
"""So much of the latest time may be unread without a word: the daemon reads it at its next polls."""


class Interrupted(Exception):  # no error: who raised it knows why
    """Nobody waits for this any more."""


def _never() -> bool:
    return False


class Environments(StrEnum):
    """Which environments a breakdown counts: those that rules count, those that they leave out, or both."""

    COUNTED = "counted"
    EXCLUDED = "excluded"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is asked: the dimensions `by`, the span of starts, what rules leave out, and the time of asking."""

    by: tuple[str, ...]
    span: Span
    excluded: tuple[str, ...]
    now_ms: int
    environments: Environments = Environments.COUNTED
    ended: Callable[[], bool] = field(default=_never, compare=False)
    """Asked again and again on the way: whether nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True)
class Group:
    """What one key used. `excluded` is the part of `usage` in environments that rules leave out."""

    key: Key
    usage: Usage
    excluded: Usage = NOTHING


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the span that was not read of a project, so that its sums are lower bounds."""

    project: str
    span: Span


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The groups of a span, the dearest first, what nobody claims last.

    `left_out` is what `Question.environments` does not count; `whole` is both together. `as_of_ms`: until when every
    project was read, None when one never was.
    """

    by: tuple[str, ...]
    span: Span
    groups: Sequence[Group]
    left_out: Usage
    gaps: Sequence[Gap]
    as_of_ms: int | None

    @property
    def counted(self) -> Usage:
        return total(group.usage for group in self.groups)

    @property
    def whole(self) -> Usage:
        return self.counted.plus(self.left_out)


def total(usages: Iterable[Usage]) -> Usage:
    found = NOTHING
    for usage in usages:
        found = found.plus(usage)
    return found


@dataclass(slots=True)
class _Sums:
    """Sums parts by their key."""

    keyer: Keyer
    excluded: Excluded
    environments: Environments
    by_key: dict[Key, tuple[Usage, Usage]] = field(default_factory=dict)
    left_out: Usage = NOTHING

    def add(self, part: Part) -> None:
        out = self.excluded.holds(part.dimensions.environment)
        if self.environments is not Environments.ALL and out != (self.environments is Environments.EXCLUDED):
            self.left_out = self.left_out.plus(part.usage)
            return
        key = self.keyer.key(*part[:4])
        held = self.by_key.get(key, (NOTHING, NOTHING))
        self.by_key[key] = held[0].plus(part.usage), held[1].plus(part.usage) if out else held[1]

    def groups(self) -> list[Group]:
        found = [Group(key, usage, excluded) for key, (usage, excluded) in self.by_key.items()]
        return sorted(found, key=_order)


def _order(group: Group) -> tuple[bool, int, int, int, Key]:
    """The dearest first, what nobody claims last."""
    usage = group.usage
    nobody = all(value == UNKNOWN for value in group.key) and bool(group.key)
    return nobody, -usage.cost_pico, -usage.estimate_pico, -usage.calls, group.key


def breakdown(unit: ReadUnit, asked: Question) -> Breakdown:
    """What the generations of the span used, by the dimensions asked for."""
    sums = _sums(unit, asked)
    for part in unit.usage(asked.span, people=sums.keyer.uses_people):
        if asked.ended():
            raise Interrupted
        sums.add(part)
    return _made(unit, asked, sums)


def breakdown_of(unit: ReadUnit, asked: Question, parts: Iterable[Part]) -> Breakdown:
    """The same of parts that are known already; `asked.span` says when they started."""
    sums = _sums(unit, asked)
    for part in parts:
        sums.add(part)
    return _made(unit, asked, sums)


def _sums(unit: ReadUnit, asked: Question) -> _Sums:
    return _Sums(Keyer(asked.by, project_names(unit)), Excluded(asked.excluded), asked.environments)


def _made(unit: ReadUnit, asked: Question, sums: _Sums) -> Breakdown:
    gaps, as_of_ms = reading(unit, asked.span, asked.now_ms)
    return Breakdown(asked.by, asked.span, sums.groups(), sums.left_out, gaps, as_of_ms)


def project_names(unit: ReadUnit) -> Mapping[str, str]:
    """The projects' present names by their stable keys; those that share a name are told apart by their key."""
    states = unit.projects()
    names = [state.name for state in states]
    return {s.key: s.name if names.count(s.name) == 1 else f"{s.name} ({s.key})" for s in states}


def reading(unit: ReadUnit, span: Span, now_ms: int) -> tuple[list[Gap], int | None]:
    """What of the span was never read, up to the latest minutes, and until when all projects were."""
    names, coverage = project_names(unit), unit.coverage()
    first_ms = unit.first_start() or now_ms
    gaps: list[Gap] = []
    ends: list[int] = []
    for key, name in names.items():
        spans = merged(coverage.get(key, ()))
        begins_ms = spans[0].from_ms if spans else first_ms
        from_ms = min(begins_ms, first_ms) if span.from_ms <= 0 else span.from_ms
        to_ms = min(span.to_ms, now_ms)
        gaps += [
            Gap(name, gap)
            for gap in holes(spans, from_ms, to_ms)
            if gap.to_ms < now_ms or gap.to_ms - gap.from_ms > TAIL_MS
        ]
        ends.append(spans[-1].to_ms if spans else 0)
    as_of_ms = min(ends, default=0)
    return gaps, min(as_of_ms, now_ms) if as_of_ms else None


def unpriced(unit: ReadUnit, asked: Question) -> Breakdown:
    """The part of it that has usage and no price, or one for only part of it: all of its tokens, and what of its cost
    is known."""
    return breakdown_of(unit, asked, unit.unpriced_usage(asked.span))


# ---------------------------------------------------------------- over time


@dataclass(frozen=True, slots=True)
class Trend:
    """The breakdowns of consecutive periods, the first and the last cut to the span that was asked for."""

    every: Every
    periods: Sequence[tuple[Period, Breakdown]]
    gaps: Sequence[Gap]


def trend(unit: ReadUnit, asked: Question, calendar: Calendar, every: Every) -> Trend:
    """What each hour, day, week or month of the span used. An open start is the first generation, an open end now."""
    first_ms = unit.first_start()
    from_ms = asked.span.from_ms if asked.span.from_ms > 0 else asked.now_ms if first_ms is None else first_ms
    to_ms = asked.span.to_ms if asked.span.to_ms < FAR_MS else asked.now_ms + TAIL_MS
    found = []
    for period in periods(calendar, every, Span(from_ms, to_ms)):
        span = Span(max(period.start_ms, from_ms), min(period.end_ms, to_ms))
        part = replace(asked, span=span)
        found.append((period, breakdown(unit, part)))
    gaps, _ = reading(unit, Span(from_ms, to_ms), asked.now_ms)
    return Trend(every, found, gaps)


def periods(calendar: Calendar, every: Every, span: Span) -> Iterator[Period]:
    """The periods that hold any instant of the span, in their order."""
    at_ms = span.from_ms
    while at_ms < span.to_ms:
        period = period_at(calendar, every, at_ms)
        yield period
        at_ms = period.end_ms


# ---------------------------------------------------------------- traces


@dataclass(frozen=True, slots=True)
class TraceGroup:
    """What one trace used in the span, under the dimensions of its dearest part."""

    project: str
    trace_id: str
    first_ms: int
    feature: str
    team: str
    trace_name: str
    usage: Usage


def top_traces(unit: ReadUnit, asked: Question, most: int) -> list[TraceGroup]:
    """The dearest traces of the span; no more than `most` of them are held in memory."""
    names = project_names(unit)
    made = (trace_group(names, parts) for parts in _traces(unit, asked))
    return nsmallest(most, made, key=lambda t: (-t.usage.cost_pico, -t.usage.estimate_pico, t.first_ms, t.trace_id))


def trace_group(names: Mapping[str, str], parts: Sequence[TracePart]) -> TraceGroup:
    """The parts of one trace together; `names` of projects by their keys."""
    dearest = max(parts, key=lambda part: part.usage.cost_pico)
    told = dearest.dimensions
    first_ms, usage = min(part.first_ms for part in parts), total(part.usage for part in parts)
    place = names[dearest.project], dearest.trace_id
    return TraceGroup(*place, first_ms, told.feature, told.team, told.trace_name, usage)


def _traces(unit: ReadUnit, asked: Question) -> Iterator[Sequence[TracePart]]:
    """What of each trace the question counts, where it counts any of it."""
    excluded = Excluded(asked.excluded)
    for parts in unit.trace_usage(asked.span):
        if asked.ended():
            raise Interrupted
        counted = [part for part in parts if _counts(excluded, part.dimensions.environment, asked.environments)]
        if counted:
            yield counted


@dataclass(frozen=True, slots=True)
class Average:
    """What the traces with one key used together; a trace with several keys counts once for each."""

    key: Key
    traces: int
    usage: Usage


def averages(unit: ReadUnit, asked: Question) -> list[Average]:
    """How many traces each key has in the span, and what of them used that key, the dearest trace on average first."""
    keyer = Keyer(asked.by, project_names(unit))
    usages: dict[Key, Usage] = {}
    traces: Counter[Key] = Counter()
    for parts in _traces(unit, asked):
        keys = [keyer.key(part.project, part.dimensions, "", "") for part in parts]
        for key, part in zip(keys, parts, strict=True):
            usages[key] = usages.get(key, NOTHING).plus(part.usage)
        traces.update(set(keys))
    found = [Average(key, traces[key], usage) for key, usage in usages.items()]
    return sorted(found, key=lambda a: (-a.usage.cost_pico / a.traces, a.key))


def _counts(excluded: Excluded, environment: str, environments: Environments) -> bool:
    return environments is Environments.ALL or excluded.holds(environment) == (environments is Environments.EXCLUDED)


def trace(unit: ReadUnit, trace_id: str) -> list[Line]:
    """Every counted generation of a trace, by start; the project by its name."""
    names = project_names(unit)
    lines = [line._replace(project=names[line.project]) for line in unit.trace_lines(trace_id)]
    return sorted(lines, key=attrgetter("start_ms", "id"))


# ---------------------------------------------------------------- months


@dataclass(frozen=True, slots=True)
class Month:
    """A month as it is now and, once it was closed, as it was then."""

    label: str
    span: Span
    now: Breakdown
    closed: Breakdown | None = None
    closed_ms: int | None = None

    @property
    def correction(self) -> Usage:
        """What changed since it was closed."""
        return NOTHING if self.closed is None else self.now.whole.minus(self.closed.whole)


def month(unit: ReadUnit, asked: Question, label: str) -> Month:
    """The month that `asked.span` is; `label` is its name with its zone."""
    now = breakdown(unit, asked)
    closed = unit.closed_month(label)
    if closed is None:
        return Month(label, asked.span, now)
    return Month(label, asked.span, now, breakdown_of(unit, asked, closed.parts), closed.closed_ms)


def to_close(unit: ReadUnit, label: str, span: Span, now_ms: int) -> ClosedMonth:
    """What is to be kept of a month, by project and set of dimensions."""
    sums: dict[tuple[str, Dimensions], Usage] = {}
    for part in unit.usage(span, people=False):
        place = part.project, part.dimensions
        sums[place] = sums.get(place, NOTHING).plus(part.usage)
    parts = [Part(*place, UNKNOWN, UNKNOWN, usage) for place, usage in sums.items()]
    return ClosedMonth(label, now_ms, span, parts)

"""Where the money goes, as the page shows it: spend over time by one dimension, the dearest traces, what drives the
open incidents, and what today will have cost.

Read from the cells that assess keeps, so that a look at a month costs the same whatever the number of generations.
Users, sessions and traces are in the rows alone: those are read within bounds, and what the bounds cut off is said.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import pairwise
from typing import NamedTuple

from fusewatch.app.cells import reading_of, spent
from fusewatch.app.drivers import MOST_EXPLAINED, Explainer
from fusewatch.app.forecasting import forecast_of, read_so_far
from fusewatch.app.reports import periods, project_names, trace_group
from fusewatch.domain.coverage import Span
from fusewatch.domain.explanations import Explanation
from fusewatch.domain.incidents import Standing
from fusewatch.domain.periods import CELL_MS, Every, cell_of, day_index, day_span, period_at
from fusewatch.domain.rules import HIGH_CARDINALITY, RuleSet, Unit
from fusewatch.domain.usage import Amounts, Dimensions
from fusewatch.domain.verdicts import measure
from fusewatch.domain.views import dimension_value, drivers_view, parts_of, totals_view
from fusewatch.ports import Linker, ReadUnit, TracePart

MOST_SERIES = 6
"""So many values have a colour of their own in the chart, and a column; the rest is one more."""

MOST_VALUES = 20
"""So many values have a line of their own in the table."""

MOST_TRACES = 10
TRACED_CALLS = 200_000
"""Traces are looked for in the latest hours with so many calls: each takes about half a kilobyte meanwhile."""

HOUR_MS = 3_600_000

Filters = tuple[tuple[str, tuple[str, ...]], ...]
"""(dimension, values), each dimension once: its value must be one of these. A project by its name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked at: the starts in `span`, by the dimension `by`, in hours or days, of what fits `only`."""

    by: str
    span: Span
    every: Every
    only: Filters = ()

    @property
    def uses_people(self) -> bool:
        return not {self.by, *(name for name, _ in self.only)}.isdisjoint(HIGH_CARDINALITY)


@dataclass(slots=True)
class Series:
    """What one value spent: Langfuse's cost and beside it our estimate, 1e-12 USD. `buckets` are both together."""

    value: str
    buckets: list[int]
    cost_pico: int = 0
    estimate_pico: int = 0
    requests: int = 0
    tokens: int = 0

    @property
    def pico(self) -> int:
        return self.cost_pico + self.estimate_pico

    def add(self, other: "Series") -> None:
        self.buckets = [a + b for a, b in zip(self.buckets, other.buckets, strict=True)]
        self.cost_pico += other.cost_pico
        self.estimate_pico += other.estimate_pico
        self.requests += other.requests
        self.tokens += other.tokens


class Dear(NamedTuple):
    """One of the dearest traces; `url` is its page in Langfuse, "" where there is none."""

    project: str
    trace_id: str
    first_ms: int
    feature: str
    name: str
    requests: int
    pico: int
    url: str


class Today(NamedTuple):
    """What all projects spent today, and will have spent: most likely, and from `low` to `high`; 1e-12 USD. The
    latter three are None while nothing can be said."""

    pico: int
    expected: int | None
    low: int | None
    high: int | None
    ends_ms: int


@dataclass(frozen=True, slots=True)
class Spending:
    """What was found. `series` are the dearest values, the dearest first, and `rest` the others together, of which
    there are `others`. `traces_from_ms`: traces that cost earlier were not looked at. `forming`: the sums by
    dimension are still being made. `too_long`: time was over before all was read, so that sums are lower bounds."""

    wanted: Wanted
    buckets: tuple[int, ...]
    """Where each begins, and at last where the last one ends."""
    series: tuple[Series, ...]
    rest: Series
    others: int
    traces: tuple[Dear, ...]
    traces_from_ms: int
    today: Today | None
    why: Mapping[str, Explanation] = field(default_factory=dict)
    """By incident id, of the first open incidents."""
    forming: bool = False
    too_long: bool = False

    @property
    def whole(self) -> Series:
        """All values together."""
        found = Series("", list(self.rest.buckets))
        for one in (self.rest, *self.series):
            found.cost_pico += one.cost_pico
            found.estimate_pico += one.estimate_pico
            found.requests += one.requests
            found.tokens += one.tokens
        found.buckets = [
            sum(column) for column in zip(*(one.buckets for one in (self.rest, *self.series)), strict=True)
        ]
        return found


def read_spending(
    unit: ReadUnit,
    rules: RuleSet,
    active: frozenset[str],
    wanted: Wanted,
    *,
    now_ms: int,
    ended: Callable[[], bool],
    linker: Linker | None = None,
) -> Spending:
    """Everything of it in one consistent read; `ended` is asked on the way whether the time for it is over."""
    return _Look(unit, rules, active, wanted, now_ms, ended, linker).taken()


class _Look:
    """One reading."""

    def __init__(
        self,
        unit: ReadUnit,
        rules: RuleSet,
        active: frozenset[str],
        wanted: Wanted,
        now_ms: int,
        ended: Callable[[], bool],
        linker: Linker | None,
    ) -> None:
        self.unit, self.rules, self.wanted, self.now_ms = unit, rules, wanted, now_ms
        self.active, self.ended, self.linker = active, ended, linker
        self.names = project_names(unit)
        self.view = drivers_view(rules)
        self.only = [(name, frozenset(values)) for name, values in wanted.only]
        shown = list(periods(rules.calendar, wanted.every, wanted.span))
        self.buckets = (*(period.start_ms for period in shown), shown[-1].end_ms if shown else wanted.span.to_ms)
        self.calls = [0] * (len(self.buckets) - 1)
        self.cut = False

    def taken(self) -> Spending:
        forming = self.view.id not in self.unit.built_views() and not self.wanted.uses_people
        found = {} if forming else self._summed()
        ranked = sorted(found.values(), key=lambda s: (-s.pico, -s.requests, s.value))
        rest = Series("", [0] * (len(self.buckets) - 1))
        for one in ranked[MOST_VALUES:]:
            rest.add(one)
        traces, from_ms = self._traces()
        return Spending(
            wanted=self.wanted,
            buckets=self.buckets,
            series=tuple(ranked[:MOST_VALUES]),
            rest=rest,
            others=max(0, len(ranked) - MOST_VALUES),
            traces=traces,
            traces_from_ms=from_ms,
            today=self._today(),
            why=self._why(),
            forming=forming,
            too_long=self.cut,
        )

    # ------------------------------------------------------------ over time

    def _summed(self) -> dict[str, Series]:
        found: dict[str, Series] = {}
        read = self._from_rows if self.wanted.uses_people else self._from_cells
        for place, (from_ms, to_ms) in enumerate(pairwise(self.buckets)):
            if self.ended():
                self.cut = True
                break
            for value, amounts in read(from_ms, to_ms):
                series = found.get(value)
                if series is None:
                    series = found[value] = Series(value, [0] * len(self.calls))
                series.buckets[place] += measure(amounts, Unit.USD)
                series.cost_pico += amounts.cost_pico
                series.estimate_pico += amounts.estimate_pico
                series.requests += amounts.requests
                series.tokens += amounts.tokens
                self.calls[place] += amounts.requests
        return found

    def _from_cells(self, from_ms: int, to_ms: int) -> Iterator[tuple[str, Amounts]]:
        if self.wanted.every is Every.DAY:
            held: Iterable[tuple[tuple[str, ...], Amounts]] = self.unit.day_cells(
                self.view.id, day_index(self.rules.calendar, from_ms)
            ).items()
        else:
            cells = self.unit.cells(self.view.id, cell_of(from_ms), cell_of(to_ms - 1) + 1)
            held = ((key, amounts) for (key, _), amounts in cells.items())
        for key, amounts in held:
            value = self._value(*parts_of(self.view, key), "", "")
            if value is not None:
                yield value, amounts

    def _from_rows(self, from_ms: int, to_ms: int) -> Iterator[tuple[str, Amounts]]:
        for part in self.unit.usage(Span(from_ms, to_ms), people=True):
            if self.ended():
                self.cut = True
                return
            value = self._value(part.project, part.dimensions, part.user, part.session)
            if value is not None:
                used = part.usage
                yield value, Amounts(used.cost_pico, sum(used.tokens), used.calls, used.estimate_pico)

    def _value(self, project: str, dimensions: Dimensions, user: str, session: str) -> str | None:
        """The value under which a part counts, None for what the filters leave out."""
        name = self.names.get(project, project)
        for dimension, values in self.only:
            if dimension_value(dimension, name, dimensions, user, session) not in values:
                return None
        return dimension_value(self.wanted.by, name, dimensions, user, session)

    # ------------------------------------------------------------ traces

    def _traces(self) -> tuple[tuple[Dear, ...], int]:
        """The dearest, and since when they were looked for. A filter by user or session finds none: a trace part has
        no people."""
        from_ms = self._traced_from()
        if any(name in HIGH_CARDINALITY for name, _ in self.wanted.only):
            return (), from_ms
        found = (self._dear(parts) for parts in self._counted_traces(from_ms))
        dearest = nsmallest(MOST_TRACES, found, key=lambda one: (-one.pico, one.project, one.trace_id))
        return tuple(one for one in dearest if one.pico), from_ms

    def _counted_traces(self, from_ms: int) -> Iterator[Sequence[TracePart]]:
        """What of each trace fits the filters, where any of it does."""
        for parts in self.unit.trace_usage(Span(from_ms, min(self.buckets[-1], self.now_ms + CELL_MS))):
            if self.ended():
                self.cut = True
                return
            counted = [part for part in parts if self._value(part.project, part.dimensions, "", "") is not None]
            if counted:
                yield counted

    def _traced_from(self) -> int:
        """The start of the latest buckets that hold no more calls than are looked at; at least the last hour."""
        left = TRACED_CALLS
        from_ms = min(self.buckets[-1], self.now_ms)
        for place in reversed(range(len(self.calls))):
            left -= self.calls[place]
            if left < 0:
                break
            from_ms = min(from_ms, self.buckets[place])
        return max(self.buckets[0], min(from_ms, self.now_ms - HOUR_MS))

    def _dear(self, parts: Sequence[TracePart]) -> Dear:
        one = trace_group(self.names, parts)
        url = "" if self.linker is None else self.linker.trace(parts[0].project, one.trace_id)
        used = one.usage
        return Dear(one.project, one.trace_id, one.first_ms, one.feature, one.trace_name, used.calls, used.pico, url)

    # ------------------------------------------------------------ today, and why

    def _today(self) -> Today | None:
        view = totals_view(self.rules)
        if view.id not in self.unit.built_views():
            return None
        period = period_at(self.rules.calendar, Every.DAY, self.now_ms)
        reading = reading_of(self.unit, self.active, started_ms=0, now_ms=self.now_ms)
        pico, sums = 0, [0, 0, 0]
        known = reading.standing(view, period.start_ms, ready=True) is Standing.READY
        told = False
        for key in sorted(reading.active):
            amounts = spent(self.unit, view, (key,), period)
            pico += amounts.cost_pico
            at_ms = min(self.now_ms, reading.projects[key].data_as_of_ms or self.now_ms)
            so_far = read_so_far(self.unit, view, (key,), Unit.USD, period, amounts, at_ms)
            found = forecast_of(
                self.unit,
                view,
                (key,),
                period,
                0,
                Unit.USD,
                so_far,
                lambda day: reading.is_read(view, *day_span(view.calendar, day)),
            )
            told = told or found is not None
            parts = (found.amount, found.low, found.high) if found is not None else (amounts.cost_pico,) * 3
            sums = [a + b for a, b in zip(sums, parts, strict=True)]
        if not known or not told:
            return Today(pico, None, None, None, period.end_ms)
        return Today(pico, sums[0], sums[1], sums[2], period.end_ms)

    def _why(self) -> dict[str, Explanation]:
        """What explains the first open incidents that a rule stands behind."""
        explainer = Explainer.over(self.unit.drivers(), self.rules, self.now_ms, self.active)
        incidents = [one for one in self.unit.incidents(open_only=True, limit=200) if not one.kind.is_watch]
        incidents.sort(key=lambda one: -one.severity)
        found = {}
        for incident in incidents[:MOST_EXPLAINED]:
            if self.ended():
                break
            why = explainer.of(incident)
            if why is not None:
                found[incident.id] = why
        return found

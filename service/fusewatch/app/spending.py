"""Where the money goes, as the page shows it: spend over time by one dimension, the dearest traces, what drives the
open incidents, and what today will have cost.

Read from the cells that assess keeps, so that a look at a month costs the same whatever the number of generations.
Users, sessions and traces are in the rows alone: those are read within bounds, and what the bounds cut off is said.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import NamedTuple

from fusewatch.app.cells import Reading, spent
from fusewatch.app.drivers import MOST_EXPLAINED, Explainer
from fusewatch.app.forecasting import forecast_of, read_so_far
from fusewatch.app.reports import project_names
from fusewatch.domain.breakdown import NOTHING, Usage
from fusewatch.domain.coverage import Span
from fusewatch.domain.explanations import Explanation
from fusewatch.domain.incidents import Standing
from fusewatch.domain.periods import CELL_MS, Every, cell_of, day_index, day_span, period_at
from fusewatch.domain.rules import HIGH_CARDINALITY, RuleSet, Unit
from fusewatch.domain.usage import Amounts, Dimensions
from fusewatch.domain.views import dimension_value, drivers_view, parts_of, totals_view
from fusewatch.ports import Linker, ReadUnit

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
        self.buckets = tuple(_buckets(rules, wanted))
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
                series.buckets[place] += amounts.cost_pico + amounts.estimate_pico
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
        sums: dict[tuple[str, str], tuple[int, int, Dimensions, Usage]] = {}
        span = Span(from_ms, min(self.buckets[-1], self.now_ms + CELL_MS))
        for part in chain.from_iterable(self.unit.trace_usage(span)):
            if self.ended():
                self.cut = True
                break
            if self._value(part.project, part.dimensions, "", "") is None:
                continue
            place, cost = (part.project, part.trace_id), part.usage.cost_pico
            first_ms, dearest, told, usage = sums.get(place, (part.first_ms, -1, part.dimensions, NOTHING))
            told = part.dimensions if cost > dearest else told
            sums[place] = min(first_ms, part.first_ms), max(dearest, cost), told, usage.plus(part.usage)
        ranked = sorted(sums.items(), key=lambda one: (-_pico(one[1][3]), one[0]))[:MOST_TRACES]
        return tuple(self._dear(place, *held) for place, held in ranked if _pico(held[3])), from_ms

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

    def _dear(self, place: tuple[str, str], first_ms: int, _most: int, told: Dimensions, usage: Usage) -> Dear:
        project, trace_id = place
        url = "" if self.linker is None else self.linker.trace(project, trace_id)
        name = self.names.get(project, project)
        return Dear(name, trace_id, first_ms, told.feature, told.trace_name, usage.calls, _pico(usage), url)

    # ------------------------------------------------------------ today, and why

    def _today(self) -> Today | None:
        view = totals_view(self.rules)
        if view.id not in self.unit.built_views():
            return None
        period = period_at(self.rules.calendar, Every.DAY, self.now_ms)
        projects = {project.key: project for project in self.unit.projects()}
        reading = Reading(
            projects,
            self.unit.coverage(),
            self.active & projects.keys(),
            0,
            self.now_ms,
            known_from=self.unit.known_from(),
        )
        pico, sums = 0, [0, 0, 0]
        known = reading.standing(view, period.start_ms, ready=True) is Standing.READY
        told = False
        for key in sorted(reading.active):
            amounts = spent(self.unit, view, (key,), period)
            pico += amounts.cost_pico
            at_ms = min(self.now_ms, projects[key].data_as_of_ms or self.now_ms)
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


def _pico(usage: Usage) -> int:
    return usage.cost_pico + usage.estimate_pico


def _buckets(rules: RuleSet, wanted: Wanted) -> Iterator[int]:
    at_ms = wanted.span.from_ms
    while at_ms < wanted.span.to_ms:
        period = period_at(rules.calendar, wanted.every, at_ms)
        yield period.start_ms
        at_ms = period.end_ms
    yield at_ms

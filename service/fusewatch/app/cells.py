"""Sums over the cells of a view, and the exact instant at which a sum crossed a line."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fusewatch.app.windowcells import between, rises, total
from fusewatch.domain.coverage import Span, covers, frontier
from fusewatch.domain.incidents import Standing
from fusewatch.domain.metered import STALE_MS, MeteredRead
from fusewatch.domain.periods import (
    Every,
    Last,
    Period,
    cell_of,
    cell_start_ms,
    day_index,
    day_span,
    days_of,
)
from fusewatch.domain.rules import Spike, Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import BaselineDay, measure
from fusewatch.domain.views import Key, View, remembering
from fusewatch.ports import AssessUnit, CellSpan, ManySeriesUnit, ProjectState, SeriesUnit

FIRST_LOAD_PATIENCE_MS = 10 * 60_000
"""How long rules whose period is read already wait for the rest of the first load, to be told in one message."""


def spent(cells: SeriesUnit, view: View, key: Key, period: Period) -> Amounts:
    """What the key spent in the period: at most 6 quarter-hour cells or 31 day cells are read, for a rolling window
    as many as `windowcells.between` says."""
    if isinstance(period.every, Last):
        return between(cells, view, key, cell_of(period.start_ms), cell_of(period.end_ms))
    span = _cells_of(view, period)
    read = cells.days if span.daily else cells.quarters
    return total(amounts for _, amounts in read(view.id, key, span.start, span.end))


def prepare_spent(cells: ManySeriesUnit, view: View, keys: Collection[Key], period: Period) -> None:
    """Read together what `spent` reads of each of these keys; a rolling window reads too much of each."""
    if not isinstance(period.every, Last) and len(keys) >= 2:
        cells.prepare(view.id, keys, _cells_of(view, period))


def reaching(
    unit: AssessUnit, view: View, keys: Collection[Key], period: Period, least: int, counted: Unit
) -> Collection[Key]:
    """Those of the keys that spent `least` or more in a period of the calendar, and maybe some that spent a little
    less."""
    return unit.reaching(view.id, keys, _cells_of(view, period), least, counted)


def _cells_of(view: View, period: Period) -> CellSpan:
    """The days, or for an hour the quarter hours, that make up a period of the calendar."""
    if period.every is Every.HOUR:
        return CellSpan(False, cell_of(period.start_ms), cell_of(period.end_ms - 1) + 1)
    days = days_of(view.calendar, period)
    return CellSpan(True, days.start, days.stop)


def baseline_days(
    cells: SeriesUnit, view: View, key: Key, spike: Spike, today: Period, is_read: Callable[[int], bool]
) -> list[BaselineDay]:
    """The days that a spike is compared with, the latest first, days without spend as zero: those on which the key
    existed. `is_read` tells whether a day index was read completely."""
    first_cell = cells.first_cell(view.id, key)
    if first_cell is None:
        return []
    first_day = day_index(view.calendar, cell_start_ms(first_cell))
    now_day = day_index(view.calendar, today.start_ms)
    step = 7 if spike.baseline.same_weekday else 1
    wanted = [now_day - step * n for n in range(1, spike.baseline.days + 1)]
    days = [day for day in wanted if day >= first_day]
    if not days:
        return []
    found = dict(cells.days(view.id, key, min(days), max(days) + 1))
    return [BaselineDay(found.get(day, Amounts()), is_read(day)) for day in days]


def crossing_times(
    unit: AssessUnit, view: View, key: Key, period: Period, counted: Unit, needs: Sequence[int]
) -> list[int]:
    """For each rising amount of `needs`, the start of the generation with which the period's sum reached it, or that of
    a rolling window last rose to it.

    Three steps that each read little: the day, the quarter hour, the rows. A sum that never reached an amount (because
    cells hold corrections) gives the end of what was read.
    """
    if counted is Unit.USD_PER_REQUEST:  # no sum: it is known since when it was looked at
        return [period.end_ms - 1] * len(needs)
    if isinstance(period.every, Last):
        return rises(unit, view, key, period, counted, needs)
    times: list[int] = []
    so_far = 0
    for from_ms, to_ms, amount in _days(unit, view, key, period, counted):
        if all(so_far + amount < need for need in needs[len(times) :]):
            so_far += amount
            continue
        so_far = _within_day(unit, view, key, Span(from_ms, to_ms), counted, needs, times, so_far)
        if len(times) == len(needs):
            return times
    return times + [period.end_ms - 1] * (len(needs) - len(times))


def _days(unit: AssessUnit, view: View, key: Key, period: Period, counted: Unit) -> Iterable[tuple[int, int, int]]:
    if period.every is Every.HOUR:
        yield period.start_ms, period.end_ms, measure(spent(unit, view, key, period), counted)
        return
    days = days_of(view.calendar, period)
    for day, amounts in unit.days(view.id, key, days.start, days.stop):
        yield *day_span(view.calendar, day), measure(amounts, counted)


def _within_day(
    unit: AssessUnit,
    view: View,
    key: Key,
    span: Span,
    counted: Unit,
    needs: Sequence[int],
    times: list[int],
    so_far: int,
) -> int:
    for cell, amounts in unit.quarters(view.id, key, cell_of(span.from_ms), cell_of(span.to_ms - 1) + 1):
        amount = measure(amounts, counted)
        if len(times) < len(needs) and so_far + amount >= needs[len(times)]:
            running = so_far
            key_of = remembering(view)
            for row in unit.rows(cell_start_ms(cell), cell_start_ms(cell + 1)):
                if key_of(row.project, row.dimensions, row.user, row.session) != key:
                    continue
                running += measure(row.amounts, counted)
                while len(times) < len(needs) and running >= needs[len(times)]:
                    times.append(row.start_ms)
        so_far += amount
    return so_far


class ReadingUnit(Protocol):
    """What tells how far everything was read."""

    def projects(self) -> Sequence[ProjectState]: ...
    def coverage(self) -> Mapping[str, Sequence[Span]]: ...
    def known_from(self) -> Mapping[str, int]: ...
    def metered_reads(self) -> Mapping[tuple[str, str], MeteredRead]: ...


def reading_of(
    unit: ReadingUnit, active: frozenset[str], *, started_ms: int, now_ms: int, expected: int = 0
) -> "Reading":
    """How far everything was read by now. `active` are the keys of the projects that are read, of which those count
    that the ledger knows."""
    projects = {project.key: project for project in unit.projects()}
    return Reading(
        projects,
        unit.coverage(),
        active & projects.keys(),
        started_ms,
        now_ms,
        expected,
        unit.known_from(),
        unit.metered_reads(),
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """How far each project that counts has been read. `expected` is how many projects the budget file names: at first
    some of them may not have said yet who they are. `known_from`: by view, before when its cells lack pruned rows.
    `metered`: when Langfuse's own sums were last read, by view and project.

    All keys of a rule ask the same, so answers are remembered."""

    projects: Mapping[str, ProjectState]
    coverage: Mapping[str, Sequence[Span]]
    active: frozenset[str]
    started_ms: int
    now_ms: int
    expected: int = 0
    known_from: Mapping[str, int] = field(default_factory=dict)
    metered: Mapping[tuple[str, str], MeteredRead] = field(default_factory=dict)
    _standings: dict[tuple[str, int, bool], Standing] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _read: dict[tuple[str, int, int], bool] = field(default_factory=dict, init=False, compare=False, repr=False)

    def relevant(self, view: View) -> list[str]:
        """The active projects that the view may count."""
        return [key for key in self.active if view.projects is None or key in view.projects]

    def standing(self, view: View, from_ms: int, *, ready: bool) -> Standing:
        """How far the time from `from_ms` on was read, for all projects of the view.

        What was pruned cannot be read again: where that is missing, sums are lower bounds for good.
        """
        asked = (view.id, from_ms, ready)
        if asked not in self._standings:
            self._standings[asked] = self._standing(view, from_ms, ready=ready)
        return self._standings[asked]

    def _standing(self, view: View, from_ms: int, *, ready: bool) -> Standing:
        keys = self.relevant(view)
        if view.metered:
            return self._metered_standing(view, from_ms, ready=ready)
        if not keys or any(not self.coverage.get(key) for key in keys):
            return Standing.CATCHING_UP if ready else Standing.LOADING
        starts = {k: max(from_ms, self.projects[k].floor_ms or from_ms) for k in keys}
        if all(covers(self.coverage[k], start, frontier(self.coverage[k]) or start) for k, start in starts.items()):
            waits = self.now_ms - self.started_ms < FIRST_LOAD_PATIENCE_MS
            missing = len(self.active) < self.expected or any(self.projects[key].loaded_ms is None for key in keys)
            if not ready and waits and missing:
                return Standing.LOADING
            pruned = any(not covers(self.coverage[k], from_ms, start) for k, start in starts.items())
            return Standing.CATCHING_UP if pruned or self._lacks(view, from_ms) else Standing.READY
        return Standing.CATCHING_UP if ready else Standing.LOADING

    def _metered_standing(self, view: View, from_ms: int, *, ready: bool) -> Standing:
        reads = [self.metered.get((view.id, key)) for key in self.relevant(view)]
        if not reads or None in reads or (not ready and len(self.active) < self.expected):
            return Standing.CATCHING_UP if ready else Standing.LOADING
        fresh = all(r and r.whole and r.from_ms >= from_ms and self.now_ms - r.at_ms < STALE_MS for r in reads)
        return Standing.READY if fresh else Standing.CATCHING_UP

    def is_read(self, view: View, from_ms: int, to_ms: int) -> bool:
        """Whether the whole span was read, for all projects of the view, and is in its cells; of Langfuse's own sums
        nobody knows when they were spent."""
        if view.metered:
            return False
        asked = (view.id, from_ms, to_ms)
        if asked not in self._read:
            self._read[asked] = not self._lacks(view, from_ms) and all(
                covers(self.coverage.get(key, ()), from_ms, to_ms) for key in self.relevant(view)
            )
        return self._read[asked]

    def _lacks(self, view: View, from_ms: int) -> bool:
        """Whether rows of that time had been pruned when the view was built."""
        return self.known_from.get(view.id, from_ms) > from_ms

    def as_of_ms(self, view: View) -> int:
        """How old the oldest of the view's data are."""
        if view.metered:
            reads = (self.metered.get((view.id, key)) for key in self.relevant(view))
            return min((read.at_ms for read in reads if read is not None), default=self.now_ms)
        known = [p.data_as_of_ms for k in self.relevant(view) if (p := self.projects[k]).data_as_of_ms is not None]
        return min(known, default=self.now_ms)

"""What a spike compares: today so far with the days before it, or the window that ends now with the same window of the
local clock on the days before; whole days and windows for the plain rule, all their hours for the seasonal one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from fusewatch.app.cells import Reading, baseline_days, spent
from fusewatch.app.windowcells import between
from fusewatch.domain.baselines import HOURS, judge_day_so_far, judge_unit_cost, judge_window, window_days
from fusewatch.domain.periods import CELL_MS, Last, Period, cell_of, cell_start_ms, day_index, day_span
from fusewatch.domain.rules import Method, Spike, Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import Verdict, counted_days, judge_spike, measure
from fusewatch.domain.views import Key, View
from fusewatch.domain.windows import days_compared, same_clock_ms
from fusewatch.ports import SeriesUnit

_CELLS_AN_HOUR = 3_600_000 // CELL_MS


def judge_spike_now(
    cells: SeriesUnit, view: View, key: Key, spike: Spike, period: Period, reading: Reading
) -> Verdict | None:
    """The verdict over a key, by the spike's own way; None while too few days count. `period` is the spike's day or
    where its window lies."""
    verdict = _judged(cells, view, key, spike, period, reading)
    if verdict is None or spike.unit is not Unit.USD:
        return verdict
    return replace(verdict, estimated=spent(cells, view, key, period).estimate_pico)


def _judged(cells: SeriesUnit, view: View, key: Key, spike: Spike, period: Period, reading: Reading) -> Verdict | None:
    if spike.method is Method.SEASONAL:
        if isinstance(period.every, Last):
            return judge_window(spike, *windows_by_hour(cells, view, key, spike, period, reading))
        return judge_day_so_far(spike, *days_by_hour(cells, view, key, spike, period, reading))
    now, days = compared(cells, view, key, spike, period, reading)
    if spike.unit is Unit.USD_PER_REQUEST:
        return judge_unit_cost(spike, now, days)
    return judge_spike(spike, measure(now, spike.unit), [measure(day, spike.unit) for day in days])


def compared(
    cells: SeriesUnit, view: View, key: Key, spike: Spike, period: Period, reading: Reading
) -> tuple[Amounts, Sequence[Amounts]]:
    """The amounts now, and those of the days that count."""
    now = spent(cells, view, key, period)
    if isinstance(period.every, Last):
        return now, _same_windows(cells, view, key, spike, period, reading)

    def is_read(day: int) -> bool:
        return reading.is_read(view, *day_span(view.calendar, day))

    return now, counted_days(spike, baseline_days(cells, view, key, spike, period, is_read))


def _same_windows(
    cells: SeriesUnit, view: View, key: Key, spike: Spike, window: Period, reading: Reading
) -> list[Amounts]:
    """What the key spent in the same window of each earlier day that counts, the latest first.

    A day counts when its window was read completely, and the key had spent something before the window's end. Days
    without spend after that count, as zero. Today never does.
    """
    first_cell = cells.first_cell(view.id, key)
    days: list[Amounts] = []
    size = (window.end_ms - window.start_ms) // CELL_MS
    for days_before in days_compared(spike.baseline):
        end = cell_of(same_clock_ms(view.calendar, window.end_ms, days_before))
        if first_cell is None or end <= first_cell:
            break
        if reading.is_read(view, cell_start_ms(end - size), cell_start_ms(end)):
            days.append(between(cells, view, key, end - size, end))
    return days


def windows_by_hour(
    cells: SeriesUnit, view: View, key: Key, spike: Spike, window: Period, reading: Reading
) -> tuple[int, list[list[int]]]:
    """What `baselines.judge_window` takes: the window's amount, and those of the windows of the days that count."""
    now = measure(spent(cells, view, key, window), spike.unit)
    first_cell = cells.first_cell(view.id, key)
    if first_cell is None:
        return now, []
    size, start = (window.end_ms - window.start_ms) // CELL_MS, cell_of(window.start_ms)
    ends = [
        cell_of(same_clock_ms(view.calendar, window.end_ms, days_before))
        for days_before in range(1, window_days(spike) + 1)
    ]
    sums = _Sums(cells, view, key, spike.unit, ends[-1] - _CELLS_AN_HOUR - size, start)
    days = []
    for end in ends:
        hours = range(end - _CELLS_AN_HOUR, min(end + _CELLS_AN_HOUR * (HOURS - 1), start + 1), _CELLS_AN_HOUR)
        if end <= first_cell:
            break
        if reading.is_read(view, cell_start_ms(hours[0] - size), cell_start_ms(hours[-1])):
            days.append([sums.between(at - size, at) for at in hours])
    return now, days


def days_by_hour(
    cells: SeriesUnit, view: View, key: Key, spike: Spike, today: Period, reading: Reading
) -> tuple[list[int], list[list[int]]]:
    """What `baselines.judge_day_so_far` takes: what was spent by each full hour and by now, today and on the days that
    count. A day counts when it was read completely and the key existed on it."""
    now = measure(spent(cells, view, key, today), spike.unit)
    first_cell = cells.first_cell(view.id, key)
    if first_cell is None:
        return [now], []
    start = cell_of(today.start_ms)
    so_far = cell_of(min(reading.now_ms, today.end_ms - 1)) + 1 - start
    times = [*range(_CELLS_AN_HOUR, so_far, _CELLS_AN_HOUR), so_far]
    first_day, this_day = (day_index(view.calendar, at) for at in (cell_start_ms(first_cell), today.start_ms))
    spans = {day: day_span(view.calendar, day) for day in range(this_day - 1, this_day - 1 - spike.baseline.days, -1)}
    counted = [span for day, span in spans.items() if day >= first_day and reading.is_read(view, *span)]
    sums = _Sums(cells, view, key, spike.unit, min((cell_of(from_ms) for from_ms, _ in counted), default=start), start)
    days = []
    for from_ms, to_ms in counted:
        first, end = cell_of(from_ms), cell_of(to_ms)
        days.append([*(sums.between(first, min(first + time, end)) for time in times), sums.between(first, end)])
    own = _Sums(cells, view, key, spike.unit, start, start + so_far)
    return [*(own.between(start, start + time) for time in times[:-1]), now], days


class _Sums:
    """The amounts of a span of cells, read at once: the sums of many spans within it."""

    def __init__(self, cells: SeriesUnit, view: View, key: Key, unit: Unit, first: int, end: int) -> None:
        self._first = first
        found = {cell: measure(amounts, unit) for cell, amounts in cells.quarters(view.id, key, first, end)}
        self._sums = list(accumulate(self._each(found, end), initial=0))

    def _each(self, found: dict[int, int], end: int) -> Iterator[int]:
        return (found.get(cell, 0) for cell in range(self._first, end))

    def between(self, first: int, end: int) -> int:
        return self._sums[end - self._first] - self._sums[first - self._first]

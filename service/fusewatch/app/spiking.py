"""What a spike compares: today so far with the days before it, or the window that ends now with the same window of the
local clock on the days before.

A way to judge is a function from the amounts that `day_amounts` or `window_sample` read to a verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fusewatch.app.cells import Reading, baseline_days, spent
from fusewatch.app.windowcells import between
from fusewatch.domain.periods import CELL_MS, Last, Period, cell_of, cell_start_ms, day_span
from fusewatch.domain.rules import Spike
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import Verdict, judge_spike, measure
from fusewatch.domain.views import Key, View
from fusewatch.domain.windows import days_compared, same_clock_ms
from fusewatch.ports import SeriesUnit


@dataclass(frozen=True, slots=True)
class WindowDay:
    """What a key spent in a window of one earlier day, and in the windows of the same length right before and after
    it; those two are None where they were not asked for."""

    same: Amounts
    before: Amounts | None = None
    after: Amounts | None = None


@dataclass(frozen=True, slots=True)
class WindowSample:
    """What a key spent in the window that ends now, and on each earlier day that counts, the latest first."""

    now: Amounts
    days: tuple[WindowDay, ...]


def judge_spike_now(
    cells: SeriesUnit, view: View, key: Key, spike: Spike, period: Period, reading: Reading
) -> Verdict | None:
    """The verdict over a key, by the spike's own way; None while too few days count. `period` is the spike's day or
    where its window lies."""
    return judge_spike(spike, *compared(cells, view, key, spike, period, reading))


def compared(
    cells: SeriesUnit, view: View, key: Key, spike: Spike, period: Period, reading: Reading
) -> tuple[int, Sequence[int]]:
    """The amount now, and those of the days that count, in the spike's unit."""
    if isinstance(period.every, Last):
        sample = window_sample(cells, view, key, spike, period, reading)
        return measure(sample.now, spike.unit), [measure(day.same, spike.unit) for day in sample.days]

    def is_read(day: int) -> bool:
        return reading.is_read(view, *day_span(view.calendar, day))

    today = measure(spent(cells, view, key, period), spike.unit)
    return today, baseline_days(cells, view, key, spike, period, is_read)


def window_sample(
    cells: SeriesUnit,
    view: View,
    key: Key,
    spike: Spike,
    window: Period,
    reading: Reading,
    *,
    neighbours: bool = False,
) -> WindowSample:
    """What the key spent in the window, and in the same window of each earlier day that counts.

    A day counts when what is asked of it was read completely, and the key had spent something before the window's end.
    Days without spend after that count, as zero. Today never does. With `neighbours` the windows beside are read too.
    """
    now = spent(cells, view, key, window)
    first_cell = cells.first_cell(view.id, key)
    days: list[WindowDay] = []
    size = (window.end_ms - window.start_ms) // CELL_MS
    for days_before in days_compared(spike.baseline):
        end = cell_of(same_clock_ms(view.calendar, window.end_ms, days_before))
        if first_cell is None or end <= first_cell:
            break
        reach = size if neighbours else 0
        if not reading.is_read(view, cell_start_ms(end - size - reach), cell_start_ms(end + reach)):
            continue
        days.append(_window_day(cells, view, key, end - size, size, neighbours=neighbours))
    return WindowSample(now, tuple(days))


def _window_day(cells: SeriesUnit, view: View, key: Key, start: int, size: int, *, neighbours: bool) -> WindowDay:
    if not neighbours:
        return WindowDay(between(cells, view, key, start, start + size))
    sums = [Amounts(), Amounts(), Amounts()]
    for cell, amounts in cells.quarters(view.id, key, start - size, start + 2 * size):
        place = (cell - start) // size + 1
        sums[place] = sums[place].plus(amounts)
    before, same, after = sums
    return WindowDay(same, before, after)

"""Forecasts from the stored cells: which earlier days are read, what they are at this time of day, and the forecast.

At most 28 day cells, ten earlier days in blocks of three hours, and twelve quarter hours of today are read: some 130
cells, whatever the ledger's size.
"""

from collections.abc import Callable

from fusewatch.domain.forecast import (
    BLOCK_CELLS,
    NO_HISTORY,
    Forecast,
    History,
    PastDay,
    SoFar,
    forecast,
    same_time_of_day,
)
from fusewatch.domain.periods import CELL_MS, Every, Period, cell_of, cell_start_ms, day_index, day_span
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import measure
from fusewatch.domain.views import Key, View
from fusewatch.ports import SeriesUnit

DAYS_BACK = 28
"""How far back days are compared: four of each weekday."""

SHAPES = (1, 2, 3, 4, 5, 6, 7, 14, 21, 28)
"""The days before today that are looked at hour by hour: the last week, and today's weekday of the last four."""


def read_so_far(cells: SeriesUnit, view: View, key: Key, unit: Unit, period: Period, spent: Amounts, at_ms: int) -> SoFar:
    """What the period holds at `at_ms`, which is how old the data is; `spent` is its sum."""
    amount = measure(spent, unit)
    today, recent = amount, 0
    if period.every is not Every.HOUR and at_ms >= period.start_ms:
        day = day_index(view.calendar, at_ms)
        start_ms, end_ms = day_span(view.calendar, day)
        if period.every is not Every.DAY:
            today = sum(measure(a, unit) for _, a in cells.days(view.id, key, day, day + 1))
        cut = cell_of(at_ms)
        found = cells.quarters(view.id, key, max(cell_of(start_ms), cut - BLOCK_CELLS), cell_of(end_ms - 1) + 1)
        recent = sum(measure(a, unit) for _, a in found)
    return SoFar(at_ms, amount, spent.requests, today, min(max(recent, 0), max(today, 0)))


def read_history(
    cells: SeriesUnit, view: View, key: Key, unit: Unit, at_ms: int, is_read: Callable[[int], bool]
) -> History:
    """The days before that of `at_ms` which were read completely (`is_read` tells by day index) and on which the key
    existed from their start."""
    first_cell = cells.first_cell(view.id, key)
    if first_cell is None:
        return NO_HISTORY
    today = day_index(view.calendar, at_ms)
    first = max(day_index(view.calendar, cell_start_ms(first_cell)) + 1, today - DAYS_BACK)
    usable = [day for day in range(first, today) if is_read(day)]
    if not usable:
        return NO_HISTORY
    found = dict(cells.days(view.id, key, usable[0], today))
    totals = {day: measure(found.get(day, Amounts()), unit) for day in usable}
    wanted = [today - back for back in SHAPES if today - back in totals]
    return History(totals, tuple(_shape(cells, view, key, unit, day, at_ms) for day in wanted))


def _shape(cells: SeriesUnit, view: View, key: Key, unit: Unit, day: int, at_ms: int) -> PastDay:
    """One earlier day, cut at the time of day of `at_ms`; what lies in the block after it is taken as spread evenly."""
    start_ms, end_ms = day_span(view.calendar, day)
    cut_ms = same_time_of_day(view.calendar, at_ms, day)
    cut, first, end = cell_of(cut_ms), cell_of(start_ms), cell_of(end_ms - 1) + 1
    blocks = {n: measure(a, unit) for n, a in cells.blocks(view.id, key, first, end, cut, BLOCK_CELLS)}
    count = max(0, -(-(end - cut) // BLOCK_CELLS))
    after = [blocks.get(n, 0) for n in range(count)]
    passed = 0
    if after:
        length = min(BLOCK_CELLS, end - cut)
        passed = after[0] * (cut_ms % CELL_MS) // (CELL_MS * length)
        after[0] -= passed
    before = sum(amount for n, amount in blocks.items() if n < 0) + passed
    return PastDay(day, before, blocks.get(-1, 0) + passed, tuple(after))


def forecast_of(
    cells: SeriesUnit,
    view: View,
    key: Key,
    period: Period,
    limit: int,
    unit: Unit,
    so_far: SoFar,
    is_read: Callable[[int], bool],
) -> Forecast | None:
    """The forecast of one key's running period."""
    if period.every is Every.HOUR:
        history = NO_HISTORY
    else:
        history = read_history(cells, view, key, unit, min(so_far.as_of_ms, period.end_ms - 1), is_read)
    return forecast(view.calendar, period, limit, so_far, history)

"""Sums over a rolling window, and the exact instant at which such a sum rose to a line."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from fusewatch.domain.periods import CELL_MS, Period, cell_of, cell_start_ms, day_index, day_span
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import measure
from fusewatch.domain.views import Key, View
from fusewatch.ports import Row, SeriesUnit

QUARTERS_READ = 96
"""Up to so many quarter hours are read one by one; more days than that as day cells."""


HOURS = 24
_QUARTERS = 4


class RowCells(SeriesUnit, Protocol):
    """The cells, and the rows under them."""

    def rows(self, from_ms: int, to_ms: int) -> Sequence[Row]:
        """As `AssessUnit.rows`."""


def total(amounts: Iterable[Amounts]) -> Amounts:
    cost = tokens = requests = estimate = 0
    for each in amounts:
        cost += each.cost_pico
        tokens += each.tokens
        requests += each.requests
        estimate += each.estimate_pico
    return Amounts(cost, tokens, requests, estimate)


def between(cells: SeriesUnit, view: View, key: Key, from_cell: int, to_cell: int) -> Amounts:
    """What the key spent in the quarter hours ``from_cell <= cell < to_cell``.

    Up to 96 are read as they are. A longer span is read as whole days; of a day that it cuts, the part inside is added
    or the part outside taken away, whichever is shorter. So 90 days read at most 90 day cells and twice 50 others.
    """
    if to_cell - from_cell <= QUARTERS_READ:
        return _quarters(cells, view, key, from_cell, to_cell)
    first, last = (day_index(view.calendar, cell_start_ms(cell)) for cell in (from_cell, to_cell - 1))
    (first_start, first_end), (last_start, last_end) = _cells_of_day(view, first), _cells_of_day(view, last)
    cut_first = first_end - from_cell < from_cell - first_start
    cut_last = to_cell - last_start < last_end - to_cell
    sums = total(amounts for _, amounts in cells.days(view.id, key, first + cut_first, last + 1 - cut_last))
    if cut_first:
        sums = sums.plus(_quarters(cells, view, key, from_cell, first_end))
    else:
        sums = sums.minus(_quarters(cells, view, key, first_start, from_cell))
    if cut_last:
        return sums.plus(_quarters(cells, view, key, last_start, to_cell))
    return sums.minus(_quarters(cells, view, key, to_cell, last_end))


def _quarters(cells: SeriesUnit, view: View, key: Key, from_cell: int, to_cell: int) -> Amounts:
    if from_cell >= to_cell:
        return Amounts()
    return total(amounts for _, amounts in cells.quarters(view.id, key, from_cell, to_cell))


def _cells_of_day(view: View, day: int) -> tuple[int, int]:
    """[first, end) of the quarter hours whose start lies in the day."""
    start_ms, end_ms = day_span(view.calendar, day)
    return -(-start_ms // CELL_MS), -(-end_ms // CELL_MS)


def sums_at(
    cells: SeriesUnit, view: View, key: Key, size: int, from_cell: int, to_cell: int, counted: Unit
) -> list[tuple[int, int]]:
    """For each quarter hour ``from_cell <= cell < to_cell``, the sum over the `size` that end with it."""
    count = to_cell - from_cell
    running = measure(between(cells, view, key, from_cell - size, from_cell), counted)
    came = _amounts(cells, view, key, from_cell, count, counted)
    went = _amounts(cells, view, key, from_cell - size, count, counted)
    sums = []
    for cell in range(from_cell, to_cell):
        running += came.get(cell, 0) - went.get(cell - size, 0)
        sums.append((cell, running))
    return sums


def hours_until(cells: SeriesUnit, view: View, key: Key, at_ms: int, counted: Unit) -> tuple[int, ...]:
    """What the key spent in each of the 24 hours that end with the quarter hour of the instant; 96 cells are read."""
    end_cell = cell_of(at_ms) + 1
    hours: list[list[Amounts]] = [[] for _ in range(HOURS)]
    for cell, amounts in cells.quarters(view.id, key, end_cell - HOURS * _QUARTERS, end_cell):
        hours[(cell - end_cell) // _QUARTERS].append(amounts)
    return tuple(measure(total(hour), counted) for hour in hours)


def rises(unit: RowCells, view: View, key: Key, window: Period, counted: Unit, needs: Sequence[int]) -> list[int]:
    """For each rising amount of `needs`, which the sum over `window` has reached, the start of the generation with
    which the sum over the window, as it lay then, last rose to it.

    It goes back quarter hour by quarter hour, a day of them at once, for one window at most: a sum that was never below
    an amount in that time gives the start of `window`.
    """
    size = (window.end_ms - window.start_ms) // CELL_MS
    cell = cell_of(window.end_ms) - 1
    sum_now = measure(between(unit, view, key, cell + 1 - size, cell + 1), counted)
    found: dict[int, int] = {}
    for from_cell in range(cell + 1 - QUARTERS_READ, cell + 1 - size - QUARTERS_READ, -QUARTERS_READ):
        came = _amounts(unit, view, key, from_cell, QUARTERS_READ, counted)
        went = _amounts(unit, view, key, from_cell - size, QUARTERS_READ, counted)
        for at in range(from_cell + QUARTERS_READ - 1, max(from_cell, cell + 1 - size) - 1, -1):
            before = sum_now - came.get(at, 0)
            rising = [need for need in needs if need not in found and before < need <= sum_now]
            if rising:
                found |= _within(unit, view, key, at, counted, rising, before)
            sum_now = before + went.get(at - size, 0)
        if len(found) == len(set(needs)):
            break
    return [found.get(need, window.start_ms) for need in needs]


def _amounts(unit: SeriesUnit, view: View, key: Key, from_cell: int, count: int, counted: Unit) -> dict[int, int]:
    found = unit.quarters(view.id, key, from_cell, from_cell + count)
    return {cell: measure(amounts, counted) for cell, amounts in found}


def _within(
    unit: RowCells, view: View, key: Key, cell: int, counted: Unit, needs: Sequence[int], running: int
) -> dict[int, int]:
    """When, within the quarter hour, a sum that starts it at `running` reached each of `needs`."""
    found: dict[int, int] = {}
    for row in unit.rows(cell_start_ms(cell), cell_start_ms(cell + 1)):
        if view.key_of(row.project, row.dimensions, row.user, row.session) == key:
            running += measure(row.amounts, counted)
            found |= {need: row.start_ms for need in needs if need not in found and running >= need}
    return found

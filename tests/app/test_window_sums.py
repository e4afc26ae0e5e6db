"""Sums over windows, and when they rose to a line, against sums over the rows themselves."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from fusewatch.app.windowcells import RowCells, between, rises, sums_at
from fusewatch.domain.periods import CELL_MS, Calendar, Last, cell_of, cell_start_ms, day_index, period_at
from fusewatch.domain.rules import Scope, Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.views import Key, View
from fusewatch.ports import Row
from tests.app.when import DAY_MS, instant_ms
from tests.store.samples import SEARCH

BEGIN_MS = instant_ms("2026-10-20 00:00")
"""A few days before clocks change in Europe and at Lord Howe."""


class Ledger(RowCells):
    """Rows of one key, and the cells that they make; it remembers how many cells were read."""

    def __init__(self, calendar: Calendar, rows: Sequence[tuple[int, int]]) -> None:
        self.view = View(Scope(), (), calendar, None)
        self.rows_ = sorted((BEGIN_MS + at, tokens) for at, tokens in rows)
        self.read = 0
        self.by_cell: Counter[int] = Counter()
        self.by_day: Counter[int] = Counter()
        for at_ms, tokens in self.rows_:
            self.by_cell[cell_of(at_ms)] += tokens
            self.by_day[day_index(calendar, cell_start_ms(cell_of(at_ms)))] += tokens

    def quarters(self, view: str, key: Key, from_cell: int, to_cell: int) -> Sequence[tuple[int, Amounts]]:
        return self._found(self.by_cell, from_cell, to_cell)

    def days(self, view: str, key: Key, from_day: int, to_day: int) -> Sequence[tuple[int, Amounts]]:
        return self._found(self.by_day, from_day, to_day)

    def first_cell(self, view: str, key: Key) -> int | None:
        return min(self.by_cell, default=None)

    def rows(self, from_ms: int, to_ms: int) -> Sequence[Row]:
        return [
            Row("p", at, SEARCH, "", "", Amounts(0, tokens, 1)) for at, tokens in self.rows_ if from_ms <= at < to_ms
        ]

    def _found(self, cells: Counter[int], start: int, end: int) -> Sequence[tuple[int, Amounts]]:
        found = [(cell, Amounts(0, cells[cell], 0)) for cell in sorted(cells) if start <= cell < end]
        self.read += max(0, end - start)
        return found

    def blocks(
        self, view: str, key: tuple[str, ...], from_cell: int, to_cell: int, at_cell: int, size: int
    ) -> Sequence[tuple[int, Amounts]]:
        raise AssertionError("windows are summed from quarter hours and days")

    def sum_ms(self, from_ms: int, to_ms: int) -> int:
        return sum(tokens for at, tokens in self.rows_ if from_ms <= at < to_ms)


CALENDARS = st.builds(
    Calendar,
    timezone=st.sampled_from(("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/New_York")),
    day_starts_at_min=st.sampled_from((0, 45, 390)),
)
ROWS = st.lists(st.tuples(st.integers(0, 12 * DAY_MS), st.integers(1, 20)), min_size=1, max_size=60)
WINDOWS = st.one_of(st.integers(1, 12), st.sampled_from((96, 97, 200, 672))).map(lambda cells: Last(cells * CELL_MS))


@given(CALENDARS, ROWS, st.integers(0, 1200), st.integers(0, 1200))
def test_a_sum_of_cells_is_the_sum_of_its_rows(
    calendar: Calendar, rows: list[tuple[int, int]], start: int, count: int
) -> None:
    ledger = Ledger(calendar, rows)
    first = cell_of(BEGIN_MS) + start
    found = between(ledger, ledger.view, (), first, first + count)
    assert found.tokens == ledger.sum_ms(cell_start_ms(first), cell_start_ms(first + count))


@given(CALENDARS, st.integers(1, 90 * 96), st.integers(0, 96 * 30))
def test_however_long_a_window_is_few_cells_are_read(calendar: Calendar, size: int, at: int) -> None:
    ledger = Ledger(calendar, [])
    end = cell_of(BEGIN_MS) + at
    between(ledger, ledger.view, (), end - size, end)
    assert ledger.read <= 91 + 2 * 52


@given(CALENDARS, ROWS, WINDOWS, st.integers(0, 12 * DAY_MS))
def test_the_window_at_an_instant_holds_the_running_quarter_hour_and_those_before_it(
    calendar: Calendar, rows: list[tuple[int, int]], window: Last, at: int
) -> None:
    now_ms = BEGIN_MS + at
    place = period_at(calendar, window, now_ms)
    assert place.start_ms <= now_ms < place.end_ms
    assert place.end_ms - place.start_ms == window.ms
    assert place.end_ms - now_ms <= CELL_MS
    assert place.label == window.value
    ledger = Ledger(calendar, rows)
    sums = dict(sums_at(ledger, ledger.view, (), window.cells, cell_of(now_ms) - 5, cell_of(now_ms) + 1, Unit.TOKENS))
    assert sums[cell_of(now_ms)] == ledger.sum_ms(place.start_ms, place.end_ms)


@given(CALENDARS, ROWS, WINDOWS, st.data())
def test_a_sum_last_rose_to_an_amount_with_the_row_that_brute_force_finds(
    calendar: Calendar, rows: list[tuple[int, int]], window: Last, data: st.DataObject
) -> None:
    ledger = Ledger(calendar, rows)
    last_ms = ledger.rows_[-1][0]
    now = period_at(calendar, window, data.draw(st.integers(last_ms, last_ms + window.ms)))
    total = ledger.sum_ms(now.start_ms, now.end_ms)
    if not total:
        return
    needs = sorted(data.draw(st.sets(st.integers(1, total), min_size=1, max_size=3)))
    found = rises(ledger, ledger.view, (), now, Unit.TOKENS, needs)
    assert found == [_last_rise(ledger, calendar, now.start_ms, window, need) for need in needs]
    assert found == sorted(found)


def _last_rise(ledger: Ledger, calendar: Calendar, from_ms: int, window: Last, need: int) -> int:
    """The rule itself: walk over the rows; after each one sum its window anew."""
    answer = from_ms
    for at_ms in dict.fromkeys(at for at, _ in ledger.rows_ if at >= from_ms):
        cell_ms = at_ms - at_ms % CELL_MS
        if cell_ms < from_ms:
            continue
        start_ms = period_at(calendar, window, at_ms).start_ms
        if (
            ledger.sum_ms(start_ms, at_ms)
            < need
            <= ledger.sum_ms(start_ms, at_ms + 1)
            <= ledger.sum_ms(start_ms, cell_ms + CELL_MS)
        ):
            answer = at_ms
    return answer

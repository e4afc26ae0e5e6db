"""The forecast of a period's end: what it says, when it says nothing, and what holds for every history."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.forecast import (
    BLOCK_MS,
    NO_HISTORY,
    Basis,
    Forecast,
    History,
    PastDay,
    SoFar,
    forecast,
    same_time_of_day,
    warns,
)
from fusewatch.domain.periods import Calendar, Every, Period, day_at, day_index, period_at
from tests.domain.lifecycle import MORNING_MS, TODAY, pico
from tests.domain.zones import HOUR_MS, ms

UTC = Calendar()
DAY_MS = 24 * HOUR_MS
LIMIT = pico(50)


def so_far(hour: float, spent: float, calls: int = 100, recent: float = 0) -> SoFar:
    return SoFar(TODAY.start_ms + round(hour * HOUR_MS), pico(spent), calls, pico(spent), pico(recent))


def even_days(hour: float, *totals: float) -> History:
    """The days before today, the last one yesterday, each spent evenly over its 24 hours."""
    today = day_index(UTC, MORNING_MS)
    amounts = {today - back: pico(total) for back, total in enumerate(reversed(totals), start=1)}
    return History(amounts, [_even(day, total, hour) for day, total in amounts.items()])


def _even(day: int, total: int, hour: float) -> PastDay:
    before = round(total * hour / 24)
    left, after = total - before, []
    hours = 24 - hour
    while hours > 0:
        part = left if hours <= 3 else round(total * 3 / 24)
        after.append(part)
        left -= part
        hours -= 3
    return PastDay(day, before, min(before, round(total * 3 / 24)), tuple(after))


def at(hour: float, spent: float, history: History, *, limit: float = 50, recent: float = 0) -> Forecast:
    found = forecast(UTC, TODAY, pico(limit), so_far(hour, spent, recent=recent), history)
    assert found is not None
    return found


def test_without_history_the_plain_pace_is_carried_on() -> None:
    found = at(6, 10, NO_HISTORY)
    assert (found.basis, found.amount, found.days) == (Basis.PACE, pico(40), 0)


def test_the_plain_pace_says_nothing_in_the_first_hour_of_a_day() -> None:
    assert forecast(UTC, TODAY, LIMIT, so_far(0.9, 10), NO_HISTORY) is None


def test_the_plain_pace_says_nothing_from_a_handful_of_calls() -> None:
    assert forecast(UTC, TODAY, LIMIT, so_far(6, 10, calls=9), NO_HISTORY) is None


def test_two_days_are_no_history() -> None:
    assert at(6, 10, even_days(6, 20, 20)).basis is Basis.PACE


def test_three_days_are() -> None:
    assert at(6, 10, even_days(6, 20, 20, 20)).basis is Basis.SHAPE


def test_a_day_that_goes_as_usual_ends_as_usual() -> None:
    found = at(6, 6, even_days(6, *[24] * 7), recent=3)
    assert abs(found.amount - pico(24)) < pico("0.01")


def test_a_day_at_twice_its_usual_level_ends_well_above_it_but_is_drawn_a_little_towards_it() -> None:
    found = at(12, 24, even_days(12, *[24] * 7), recent=6)
    assert pico(43) < found.amount < pico(48)


def test_what_was_spent_lately_tells_more_than_what_was_spent_in_the_morning() -> None:
    lately = at(12, 24, even_days(12, *[24] * 7), recent=15)
    before = at(12, 24, even_days(12, *[24] * 7), recent=3)
    assert lately.amount > before.amount


def test_one_dear_call_early_in_the_day_tells_little_of_those_to_come() -> None:
    found = forecast(UTC, TODAY, LIMIT, so_far(0.25, 10, calls=1, recent=10), even_days(0.25, *[24] * 7))
    assert found is not None
    assert found.amount < pico(48)


def test_one_day_that_ran_away_is_no_new_usual() -> None:
    found = at(6, 6, even_days(6, 24, 24, 900, 24, 24, 24, 24), recent=3)
    assert found.amount < pico(40)


def test_a_key_that_spent_nothing_for_days_is_expected_to_spend_what_it_has() -> None:
    assert at(12, 5, even_days(12, 0, 0, 0, 0)).amount == pico(5)


def test_the_crossing_lies_where_the_usual_course_reaches_the_limit() -> None:
    found = at(12, 25, even_days(12, *[48] * 7), limit=31, recent=6)
    assert found.crosses_at_ms is not None
    assert abs(found.crosses_at_ms - (TODAY.start_ms + 15 * HOUR_MS)) < HOUR_MS / 4


def test_a_limit_that_is_reached_is_not_crossed_again() -> None:
    assert at(12, 50, even_days(12, *[48] * 7)).crosses_at_ms is None


def test_at_its_end_a_period_has_spent_what_it_has_spent() -> None:
    assert at(24, 33, even_days(24, *[48] * 7)) == Forecast(pico(33), pico(33), pico(33), None, Basis.PACE, 7)


def test_a_month_adds_the_usual_spend_of_the_weekdays_to_come() -> None:
    """From the 22nd, 08:00: a third of Sunday is over, and eight days follow."""
    month = period_at(UTC, Every.MONTH, MORNING_MS)
    history = even_days(8, *[24] * 21)
    seen = SoFar(MORNING_MS, pico(21 * 24 + 8), 1000, pico(8), pico(3))
    found = forecast(UTC, month, pico(700), seen, history)
    assert found is not None
    assert abs(found.amount - pico(30 * 24)) < pico(1)
    assert found.crosses_at_ms is not None
    assert abs(found.crosses_at_ms - ms("2026-11-30T04:00")) < 2 * HOUR_MS


def test_an_hour_is_forecast_from_its_pace() -> None:
    hour = period_at(UTC, Every.HOUR, MORNING_MS)
    seen = SoFar(hour.start_ms + HOUR_MS // 2, pico(10), 50, pico(10), 0)
    found = forecast(UTC, hour, LIMIT, seen, even_days(8, *[24] * 7))
    assert found is not None
    assert (found.amount, found.basis) == (pico(20), Basis.PACE)


@pytest.mark.parametrize(
    ("sentence", "found", "seen", "warned"),
    [
        ("the low end of the range is above the limit", (60, 51, 70), so_far(9, 20), True),
        ("only the most likely amount is", (60, 49, 70), so_far(9, 20), False),
        ("the limit is crossed already", (60, 51, 70), so_far(9, 50), False),
        ("the first hour of the day is not over", (60, 51, 70), so_far(0.9, 20), False),
        ("only nine calls were made", (60, 51, 70), so_far(9, 20, calls=9), False),
    ],
)
def test_who_is_warned(sentence: str, found: tuple[float, float, float], seen: SoFar, warned: bool) -> None:
    amount, low, high = map(pico, found)
    assert warns(Forecast(amount, low, high), TODAY, LIMIT, seen) is warned, sentence


def test_the_same_time_of_day_is_what_clocks_show_also_where_they_were_changed() -> None:
    berlin = Calendar("Europe/Berlin")
    noon_after = ms("2026-10-25T11:00")
    summer = same_time_of_day(berlin, noon_after, day_index(berlin, ms("2026-10-24T10:00")))
    assert summer == ms("2026-10-24T10:00")
    back = same_time_of_day(berlin, ms("2026-10-26T11:00"), day_index(berlin, noon_after))
    assert back == noon_after


# ---------------------------------------------------------------- for every history

amounts = st.integers(0, 10**15)
past = st.lists(st.lists(amounts, min_size=9, max_size=9), max_size=12)
periods = st.sampled_from(tuple(Every))


def _history(days: Sequence[Sequence[int]], at_ms: int) -> History:
    today = day_index(UTC, at_ms)
    left = day_at(UTC, at_ms).end_ms - at_ms
    blocks = -(-left // BLOCK_MS)
    shapes = [
        PastDay(today - back, parts[0] + min(parts[:2]), min(parts[:2]), tuple(parts[1 : 1 + blocks]))
        for back, parts in enumerate(days, start=1)
    ]
    return History({day.day: day.total for day in shapes}, shapes)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Period, int, SoFar, History]:
    period = period_at(UTC, draw(periods), MORNING_MS)
    at_ms = period.start_ms + draw(st.integers(0, period.end_ms - period.start_ms))
    spent = draw(amounts)
    today = spent if period.every in (Every.DAY, Every.HOUR) else draw(st.integers(0, spent))
    seen = SoFar(at_ms, spent, draw(st.integers(1, 500)), today, draw(st.integers(0, today)))
    return period, draw(st.integers(1, 10**16)), seen, _history(draw(past), min(at_ms, period.end_ms - 1))


@given(cases())
def test_a_forecast_is_never_below_what_is_spent_and_lies_inside_its_range(
    case: tuple[Period, int, SoFar, History],
) -> None:
    period, limit, seen, history = case
    found = forecast(UTC, period, limit, seen, history)
    if found is not None:
        assert seen.spent <= found.low <= found.amount <= found.high


@given(cases())
def test_a_crossing_lies_ahead_and_inside_the_period_exactly_where_the_limit_is_passed(
    case: tuple[Period, int, SoFar, History],
) -> None:
    period, limit, seen, history = case
    found = forecast(UTC, period, limit, seen, history)
    if found is None:
        return
    crosses = seen.spent < limit < found.amount
    assert (found.crosses_at_ms is not None) is crosses
    if found.crosses_at_ms is not None:
        assert seen.as_of_ms < found.crosses_at_ms <= period.end_ms


@given(cases())
def test_at_the_end_of_a_period_nothing_is_added(case: tuple[Period, int, SoFar, History]) -> None:
    period, limit, seen, history = case
    seen = SoFar(period.end_ms, seen.spent, seen.calls, seen.today, seen.recent)
    found = forecast(UTC, period, limit, seen, history)
    assert found is not None
    assert found.low == found.amount == found.high == seen.spent


@given(cases())
def test_ten_times_the_money_is_ten_times_the_forecast(case: tuple[Period, int, SoFar, History]) -> None:
    period, limit, seen, history = case
    found = forecast(UTC, period, limit, seen, history)
    tenfold = SoFar(seen.as_of_ms, 10 * seen.spent, seen.calls, 10 * seen.today, 10 * seen.recent)
    days = [PastDay(d.day, 10 * d.before, 10 * d.recent, tuple(10 * part for part in d.after)) for d in history.shapes]
    more = forecast(UTC, period, 10 * limit, tenfold, History({k: 10 * v for k, v in history.totals.items()}, days))
    if found is None or more is None:
        assert found is more
        return
    for one, ten in ((found.amount, more.amount), (found.low, more.low), (found.high, more.high)):
        assert abs(10 * one - ten) <= 20 + abs(ten) // 10**9

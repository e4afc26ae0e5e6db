"""Local hours, days, weeks and months follow each other without gap or overlap, in every zone, over every clock change.

Zones whose offsets are the same at every hour of 2023 to 2034 cannot behave differently in these years, so the walks
below visit one zone of each such group; the check of the quarter hours looks at every zone by name.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.periods import (
    CELL_MS,
    Calendar,
    Every,
    Period,
    day_at,
    day_index,
    day_span,
    days_of,
    next_,
    period_at,
    previous,
)
from tests.domain.zones import (
    DAY_MS,
    END_MS,
    FIRST_MS,
    HOUR_MS,
    MINUTE_MS,
    ZONES,
    Changes,
    changes_in_ten_years,
    changes_of,
    ms,
    offset_ms,
    wall,
    zones_that_differ,
)

CALENDARS = st.builds(
    Calendar,
    timezone=st.sampled_from(ZONES),
    day_starts_at_min=st.sampled_from(range(0, 24 * 60, 15)),
    week_starts_on=st.integers(0, 6),
    month_starts_on=st.integers(1, 28),
)
INSTANTS = st.integers(FIRST_MS, END_MS - 1)


# The grain


def test_every_offset_and_clock_change_from_2024_to_2033_lies_on_a_quarter_hour_in_every_zone() -> None:
    # A boundary is a quarter hour of the wall clock less an offset, or the instant of a change: so this proves that
    # all boundaries of all calendars lie on cells.
    off_the_grid = {
        (name, datetime.fromtimestamp(at_ms / 1000, UTC).isoformat())
        for name in ZONES
        for at_ms, *offsets in ((FIRST_MS, offset_ms(ZoneInfo(name), FIRST_MS), 0), *changes_of(name))
        if FIRST_MS <= at_ms < END_MS and any(number % CELL_MS for number in (at_ms, *offsets))
    }
    assert off_the_grid == set()


def test_the_sample_of_zones_holds_the_odd_ones() -> None:
    odd = {"Africa/Cairo", "America/Havana", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Casablanca"}
    sampled = {changes_of(name) for name, _ in changes_in_ten_years()}
    assert {name for name in odd if changes_of(name) not in sampled} == set()
    assert len(zones_that_differ()) > 50


# Tiling


def assert_tiles(calendar: Calendar, every: Every, from_ms: int, until_ms: int) -> list[Period]:
    """Walk from period to period, look at both ends and inside of each, and return them."""
    walked = []
    period = period_at(calendar, every, from_ms)
    assert period.start_ms <= from_ms < period.end_ms
    while period.start_ms < until_ms:
        walked.append(period)
        middle = (period.start_ms + period.end_ms) // 2
        assert period.start_ms < period.end_ms
        assert period.start_ms % CELL_MS == period.end_ms % CELL_MS == 0
        assert {period_at(calendar, every, at) for at in (period.start_ms, middle, period.end_ms - 1)} == {period}
        following = next_(calendar, period)
        assert following.start_ms == period.end_ms
        assert previous(calendar, following) == period
        period = following
    labels = [period.label for period in walked]
    assert len(set(labels)) == len(labels)
    return walked


def test_hours_tile_over_every_clock_change_of_every_zone_and_start_on_the_full_local_hour() -> None:
    lengths = set()
    for name, change_ms in changes_in_ten_years():
        zone = ZoneInfo(name)
        for hour in assert_tiles(Calendar(name), Every.HOUR, change_ms - 2 * HOUR_MS, change_ms + 2 * HOUR_MS):
            minutes = {at: wall(zone, at).minute for at in range(hour.start_ms, hour.end_ms + CELL_MS, CELL_MS)}
            assert [at for at, minute in minutes.items() if minute == 0] == [hour.start_ms, hour.end_ms]
            lengths.add((hour.end_ms - hour.start_ms) // MINUTE_MS)
    assert lengths <= {30, 60, 90}


def test_days_tile_over_every_clock_change_of_every_zone_at_every_kind_of_reset_hour() -> None:
    for (name, change_ms), reset in product(changes_in_ten_years(), (0, 45, 150, 23 * 60 + 30)):
        calendar = Calendar(name, day_starts_at_min=reset)
        days = assert_tiles(calendar, Every.DAY, change_ms - 2 * DAY_MS, change_ms + 2 * DAY_MS)
        indexes = [day_index(calendar, day.start_ms) for day in days]
        assert indexes == list(range(indexes[0], indexes[0] + len(days)))
        assert [day_span(calendar, index) for index in indexes] == [(day.start_ms, day.end_ms) for day in days]
        assert [day.label for day in days] == [f"day:{date.fromordinal(index)}" for index in indexes]


@pytest.mark.parametrize("every", [Every.WEEK, Every.MONTH])
def test_weeks_and_months_tile_over_every_clock_change_of_every_zone_and_consist_of_whole_days(every: Every) -> None:
    reach_ms = (8 if every is Every.WEEK else 32) * DAY_MS
    for place, (name, change_ms) in enumerate(changes_in_ten_years()):
        calendar = Calendar(name, (0, 90, 1380)[place % 3], place % 7, 1 + place % 28)
        for period in assert_tiles(calendar, every, change_ms - reach_ms, change_ms + reach_ms):
            days = days_of(calendar, period)
            assert (day_span(calendar, days[0])[0], day_span(calendar, days[-1])[1]) == (period.start_ms, period.end_ms)
            first = date.fromordinal(days[0])
            if every is Every.WEEK:
                assert len(days) == 7
                assert first.weekday() == calendar.week_starts_on
                assert period.label == f"week:{first}"
            else:
                assert 28 <= len(days) <= 31
                assert first.day == calendar.month_starts_on
                assert period.label == f"month:{str(first)[:7]}"


@given(CALENDARS, st.sampled_from(Every), INSTANTS)
def test_an_instant_lies_in_one_period_that_its_neighbours_meet(calendar: Calendar, every: Every, at_ms: int) -> None:
    period = period_at(calendar, every, at_ms)
    assert period.every is every
    assert period.start_ms <= at_ms < period.end_ms
    assert previous(calendar, period).end_ms == period.start_ms
    assert next_(calendar, period).start_ms == period.end_ms
    assert next_(calendar, previous(calendar, period)) == previous(calendar, next_(calendar, period)) == period
    names = {near.label for near in (period, previous(calendar, period), next_(calendar, period))}
    assert len(names) == 3


@given(CALENDARS, INSTANTS)
def test_the_index_the_span_and_the_day_agree(calendar: Calendar, at_ms: int) -> None:
    index, day = day_index(calendar, at_ms), day_at(calendar, at_ms)
    assert day_span(calendar, index) == (day.start_ms, day.end_ms)
    assert day.label == f"day:{date.fromordinal(index)}"
    assert list(days_of(calendar, day)) == [index]
    for every in (Every.WEEK, Every.MONTH):
        assert index in days_of(calendar, period_at(calendar, every, at_ms))


@given(CALENDARS, st.integers(ms("1970-01-01T00:00"), ms("2090-01-01T00:00")), st.sampled_from(Every))
def test_outside_those_years_periods_tile_too(calendar: Calendar, at_ms: int, every: Every) -> None:
    period = period_at(calendar, every, at_ms)
    assert period.start_ms <= at_ms < period.end_ms
    assert period_at(calendar, every, period.end_ms - 1) == period_at(calendar, every, period.start_ms) == period
    assert previous(calendar, next_(calendar, period)) == period


# Where a day starts


def first_quarter_hour_at_or_after(zone: ZoneInfo, reset: datetime) -> int:
    """The rule itself, by brute force: watch the clock from a day and a half before."""
    at_ms = ms(reset.isoformat()) - 36 * HOUR_MS
    while wall(zone, at_ms) < reset:
        at_ms += CELL_MS
    return at_ms


def test_a_day_starts_at_the_first_instant_whose_clock_shows_the_reset_time_around_every_clock_change() -> None:
    for name, change_ms in changes_in_ten_years():
        zone = ZoneInfo(name)
        before = wall(zone, change_ms - CELL_MS)
        # the reset times that a change can touch lie around it on the wall clock
        for quarter in (-5, -3, 0, 1, 2, 4, 6):
            reset = before + quarter * timedelta(minutes=15)
            calendar = Calendar(name, day_starts_at_min=reset.hour * 60 + reset.minute)
            assert day_span(calendar, reset.toordinal())[0] == first_quarter_hour_at_or_after(zone, reset), (
                name,
                reset,
            )


@given(CALENDARS, st.dates(date(2024, 1, 2), date(2033, 12, 30)))
def test_a_day_starts_at_the_first_instant_whose_clock_shows_the_reset_time(calendar: Calendar, day: date) -> None:
    reset = datetime(day.year, day.month, day.day) + timedelta(minutes=calendar.day_starts_at_min)  # noqa: DTZ001 - wall-clock time is what is compared
    expected = first_quarter_hour_at_or_after(ZoneInfo(calendar.timezone), reset)
    assert day_span(calendar, day.toordinal())[0] == expected


def test_a_day_has_23_to_25_hours_but_for_troll_and_lord_howe() -> None:
    odd: dict[Changes, set[float]] = {}
    for name, change_ms in changes_in_ten_years():
        for at_ms in (change_ms - 1, change_ms):
            day = day_at(Calendar(name), at_ms)
            hours = (day.end_ms - day.start_ms) / HOUR_MS
            if hours not in (23, 24, 25):
                odd.setdefault(changes_of(name), set()).add(hours)
    assert odd == {changes_of("Antarctica/Troll"): {22, 26}, changes_of("Australia/Lord_Howe"): {23.5, 24.5}}

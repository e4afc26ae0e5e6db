"""Where local days start, what periods are called, and which calendars cannot be: case by case."""

from datetime import date

import pytest

from fusewatch.domain.periods import (
    CELL_MS,
    Calendar,
    Every,
    Period,
    cell_of,
    cell_start_ms,
    day_at,
    day_index,
    day_span,
    days_of,
    local_clock,
    next_,
    period_at,
    previous,
)
from tests.domain.zones import DAY_MS, HOUR_MS, MINUTE_MS, ms


def test_a_cell_is_a_quarter_hour() -> None:
    assert cell_start_ms(cell_of(ms("2026-11-22T15:44:59.999"))) == ms("2026-11-22T15:30")
    assert cell_start_ms(cell_of(-1)) == -CELL_MS


@pytest.mark.parametrize(
    ("zone", "reset_min", "day", "start", "hours"),
    [
        pytest.param("UTC", 0, "2026-11-22", "2026-11-22T00:00", 24, id="a plain day"),
        pytest.param("Europe/Berlin", 0, "2026-03-29", "2026-03-28T23:00", 23, id="Berlin loses an hour in spring"),
        pytest.param("Europe/Berlin", 0, "2026-10-25", "2026-10-24T22:00", 25, id="and gets it back in autumn"),
        pytest.param("Europe/Berlin", 150, "2026-03-29", "2026-03-29T01:00", 23.5, id="a reset in the gap"),
        pytest.param("Europe/Berlin", 150, "2026-10-25", "2026-10-25T00:30", 25, id="of two 02:30 the first"),
        pytest.param("Africa/Cairo", 0, "2024-04-26", "2024-04-25T22:00", 23, id="Cairo has no midnight"),
        pytest.param("Africa/Cairo", 0, "2024-10-31", "2024-10-30T21:00", 25, id="Cairo has 23:00 twice"),
        pytest.param("America/Havana", 0, "2024-03-10", "2024-03-10T05:00", 23, id="Havana has no midnight"),
        pytest.param("America/Havana", 0, "2024-11-03", "2024-11-03T04:00", 25, id="Havana has two midnights"),
        pytest.param("America/Asuncion", 0, "2024-10-06", "2024-10-06T04:00", 23, id="Asunción has no midnight"),
        pytest.param("Australia/Lord_Howe", 0, "2026-04-05", "2026-04-04T13:00", 24.5, id="Lord Howe moves by 30 min"),
        pytest.param("Australia/Lord_Howe", 0, "2026-10-04", "2026-10-03T13:30", 23.5, id="and back"),
        pytest.param("Asia/Kathmandu", 0, "2026-11-22", "2026-11-21T18:15", 24, id="a quarter hour of offset"),
        pytest.param("Antarctica/Troll", 0, "2026-03-29", "2026-03-29T00:00", 22, id="Troll moves by two hours"),
        pytest.param("Pacific/Apia", 0, "2011-12-30", "2011-12-30T10:00", 0, id="Samoa skipped this date"),
        pytest.param("Pacific/Apia", 360, "2011-12-30", "2011-12-30T10:00", 6, id="Samoa, reset at 06:00"),
    ],
)
def test_a_local_day_starts_and_lasts(zone: str, reset_min: int, day: str, start: str, hours: float) -> None:
    calendar = Calendar(zone, day_starts_at_min=reset_min)
    index = date.fromisoformat(day).toordinal()
    start_ms, end_ms = day_span(calendar, index)
    assert (start_ms, (end_ms - start_ms) / HOUR_MS) == (ms(start), hours)
    if hours:
        assert day_at(calendar, start_ms) == Period(Every.DAY, f"day:{day}", start_ms, end_ms)
        assert previous(calendar, day_at(calendar, start_ms)).end_ms == start_ms


def test_a_skipped_date_is_left_out_of_the_row_of_days() -> None:
    apia = Calendar("Pacific/Apia")
    last_before = day_at(apia, ms("2011-12-30T09:59"))
    assert last_before.label == "day:2011-12-29"
    assert next_(apia, last_before).label == "day:2011-12-31"
    assert previous(apia, next_(apia, last_before)) == last_before
    week = period_at(apia, Every.WEEK, last_before.start_ms)
    assert week.label == "week:2011-12-26"
    assert (week.end_ms - week.start_ms) // DAY_MS == 6


def test_a_clock_set_back_over_midnight_starts_the_day_once() -> None:
    # St. John's went from 00:01 back to 23:01 of the day before on 7 November 2010: that hour belongs to the new day.
    saint_johns = Calendar("America/St_Johns")
    start_ms, end_ms = day_span(saint_johns, date(2010, 11, 7).toordinal())
    assert start_ms == ms("2010-11-07T02:30")
    assert local_clock(saint_johns, start_ms + 30 * MINUTE_MS).isoformat() == "2010-11-06T23:30:00-03:30"
    assert {day_index(saint_johns, at) for at in range(start_ms, end_ms, MINUTE_MS)} == {date(2010, 11, 7).toordinal()}


def test_a_boundary_inside_a_cell_is_still_found_exactly() -> None:
    # Where the clock went from 00:01 to 01:01, a day that starts at 00:15 starts with the end of that gap.
    saint_johns = Calendar("America/St_Johns", day_starts_at_min=15)
    start_ms, _ = day_span(saint_johns, date(2010, 3, 14).toordinal())
    assert start_ms == ms("2010-03-14T03:31")
    assert day_at(saint_johns, start_ms - 1).label == "day:2010-03-13"
    assert day_at(saint_johns, start_ms).label == "day:2010-03-14"
    assert day_index(saint_johns, start_ms) == day_index(saint_johns, start_ms - 1) + 1


# Labels, weeks, months, hours


@pytest.mark.parametrize(
    ("calendar", "at", "label", "start", "hours"),
    [
        (Calendar(), "2026-11-22T15:59", "hour:2026-11-22T15Z", "2026-11-22T15:00", 1),
        (Calendar("Asia/Kolkata"), "2026-11-22T15:59", "hour:2026-11-22T15:30Z", "2026-11-22T15:30", 1),
        (Calendar("Asia/Kathmandu"), "2026-11-22T15:10", "hour:2026-11-22T14:15Z", "2026-11-22T14:15", 1),
        (Calendar("Australia/Lord_Howe"), "2026-04-04T15:10", "hour:2026-04-04T14Z", "2026-04-04T14:00", 1.5),
        (Calendar("Australia/Lord_Howe"), "2026-10-03T15:45", "hour:2026-10-03T14:30Z", "2026-10-03T14:30", 1.5),
        (Calendar("Asia/Pyongyang"), "2018-05-04T14:45", "hour:2018-05-04T14:30Z", "2018-05-04T14:30", 0.5),
        (Calendar(), "2026-11-22T15:59", "week:2026-11-16", "2026-11-16T00:00", 7 * 24),
        (Calendar(week_starts_on=6), "2026-11-22T15:59", "week:2026-11-22", "2026-11-22T00:00", 7 * 24),
        (Calendar(), "2026-11-22T15:59", "month:2026-11", "2026-11-01T00:00", 30 * 24),
        (Calendar(month_starts_on=28), "2026-03-27T23:59", "month:2026-02", "2026-02-28T00:00", 28 * 24),
        (Calendar(month_starts_on=15), "2026-01-14T23:59", "month:2025-12", "2025-12-15T00:00", 31 * 24),
        (Calendar(day_starts_at_min=360), "2026-11-22T05:59", "day:2026-11-21", "2026-11-21T06:00", 1 * 24),
        (Calendar(day_starts_at_min=360), "2026-11-23T05:59", "week:2026-11-16", "2026-11-16T06:00", 7 * 24),
        (Calendar(day_starts_at_min=360), "2026-12-01T05:59", "month:2026-11", "2026-11-01T06:00", 30 * 24),
        (Calendar("America/New_York"), "2026-11-01T03:59", "month:2026-10", "2026-10-01T04:00", 31 * 24),
    ],
)
def test_a_period_is_named_by_where_it_starts(
    calendar: Calendar, at: str, label: str, start: str, hours: float
) -> None:
    every = Every(label.partition(":")[0])
    assert period_at(calendar, every, ms(at)) == Period(every, label, ms(start), ms(start) + int(hours * HOUR_MS))


def test_the_hour_that_repeats_in_autumn_is_two_periods() -> None:
    berlin = Calendar("Europe/Berlin")
    first, second = (period_at(berlin, Every.HOUR, ms(at)) for at in ("2026-10-25T00:30", "2026-10-25T01:30"))
    assert local_clock(berlin, first.start_ms).hour == local_clock(berlin, second.start_ms).hour == 2
    assert (first.label, second.label) == ("hour:2026-10-25T00Z", "hour:2026-10-25T01Z")
    assert next_(berlin, first) == second


def test_an_hour_is_not_made_of_days() -> None:
    with pytest.raises(ValueError, match="hour:1970-01-01T00Z is not made of days"):
        days_of(Calendar(), period_at(Calendar(), Every.HOUR, 0))


def test_a_local_clock_shows_the_zone_of_a_calendar_or_of_a_reader() -> None:
    at_ms = ms("2026-11-22T15:42:08.250")
    assert local_clock("Asia/Kolkata", at_ms).isoformat() == "2026-11-22T21:12:08.250000+05:30"
    assert local_clock(Calendar("Europe/Berlin", day_starts_at_min=360), at_ms).strftime("%H:%M %Z") == "16:42 CET"


# Calendars that cannot be


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Europe/Berln", 'unknown time zone "Europe/Berln": did you mean Europe/Berlin'),
        ("europe/berlin", r"did you mean Europe/Berlin\?"),
        ("Berlin", r"did you mean Europe/Berlin\?"),
        ("New York", r"did you mean America/New_York\?"),
        ("Europe", "did you mean Europe/"),
        ("", "an IANA name such as Europe/Berlin is expected"),
        ("/etc/localtime", 'unknown time zone "/etc/localtime"'),
        ("../zoneinfo/UTC", "unknown time zone"),
        ("right/Europe/Berlin", "did you mean Europe/Berlin"),
        ("localtime", "unknown time zone"),
        ("a\0b", "unknown time zone"),
    ],
)
def test_an_unknown_zone_is_refused_with_close_names(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Calendar(name)
    with pytest.raises(ValueError, match=message):
        local_clock(name, 0)


@pytest.mark.parametrize("minutes", [-15, 7, 24 * 60])
def test_a_day_starts_on_a_quarter_hour_of_the_day(minutes: int) -> None:
    with pytest.raises(ValueError, match="a day starts at a quarter hour"):
        Calendar(day_starts_at_min=minutes)


@pytest.mark.parametrize("weekday", [-1, 7])
def test_a_week_starts_on_one_of_seven_days(weekday: int) -> None:
    with pytest.raises(ValueError, match="a week starts on day 0"):
        Calendar(week_starts_on=weekday)


@pytest.mark.parametrize("day", [0, 29])
def test_a_month_starts_on_a_day_that_every_month_has(day: int) -> None:
    with pytest.raises(ValueError, match="a month starts on day 1 to 28"):
        Calendar(month_starts_on=day)

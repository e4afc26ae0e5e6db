"""Cron lines: when one was last due, in the nights in which clocks change too."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.cron import latest_due, parse_cron

MINUTE_MS = 60_000
BERLIN = "Europe/Berlin"


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("line", "now", "due"),
    [
        pytest.param("0 2 * * *", "2026-11-22T12:00+01:00", "2026-11-22T02:00+01:00", id="this night"),
        pytest.param("0 2 * * *", "2026-11-22T01:59+01:00", "2026-11-21T02:00+01:00", id="the night before"),
        pytest.param("0 2 * * *", "2026-11-22T02:00+01:00", "2026-11-22T02:00+01:00", id="at the very instant"),
        pytest.param("*/15 * * * *", "2026-11-22T12:44+01:00", "2026-11-22T12:30+01:00", id="every quarter hour"),
        pytest.param("0 6 1 * *", "2026-11-22T12:00+01:00", "2026-11-01T06:00+01:00", id="the first of the month"),
        pytest.param("30 8 * * mon-fri", "2026-11-22T12:00+01:00", "2026-11-20T08:30+01:00", id="not on a Sunday"),
        pytest.param("0 9 * * 7", "2026-11-22T12:00+01:00", "2026-11-22T09:00+01:00", id="7 is Sunday as well as 0"),
        pytest.param("0 9 13 * fri", "2026-11-22T12:00+01:00", "2026-11-20T09:00+01:00", id="day or weekday"),
        pytest.param("0 0 29 feb *", "2027-02-28T12:00+01:00", "2024-02-29T00:00+01:00", id="leap days"),
        pytest.param("0 0 1 1,jul *", "2026-11-22T12:00+01:00", "2026-07-01T00:00+02:00", id="a list of months"),
        pytest.param("30 2 * * *", "2026-03-29T12:00+02:00", "2026-03-29T03:00+02:00", id="a time leapt over"),
        pytest.param("30 2 * * *", "2026-10-25T02:45+01:00", "2026-10-25T02:30+02:00", id="the first of two"),
        pytest.param("5-20/5 4 * * *", "2026-11-22T12:00+01:00", "2026-11-22T04:20+01:00", id="a range with steps"),
    ],
)
def test_a_line_was_last_due(line: str, now: str, due: str) -> None:
    assert latest_due(parse_cron(line), BERLIN, ms(now)) == ms(due)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 2 * *", "a cron line has five fields"),
        ("60 2 * * *", "60 is no minute from 0 to 59"),
        ("0 24 * * *", "24 is no hour from 0 to 23"),
        ("0 2 0 * *", "0 is no day from 1 to 31"),
        ("0 2 * foo *", "foo is no month"),
        ("0 2 * * 8", "8 is no weekday from 0 to 7"),
        ("5-1 * * * *", "5-1 is no minute"),
        ("*/0 * * * *", "*/0 is no minute"),
        ("0 2 30 2 *", "0 2 30 2 * is never due"),
        ("@daily", "a cron line has five fields"),
        ("0,, 2 * * *", "0,, is no minute"),
    ],
)
def test_what_is_no_cron_line_is_named(line: str, said: str) -> None:
    with pytest.raises(ValueError, match="^" + said.replace("*", r"\*")):
        parse_cron(line)


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    start=st.integers(0, 350),
    zone=st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]),
)
def test_a_daily_line_is_due_once_a_local_day_and_never_twice(minute: int, hour: int, start: int, zone: str) -> None:
    cron = parse_cron(f"{minute} {hour} * * *")
    first_ms = ms("2026-01-01T00:00Z") + start * 24 * 60 * MINUTE_MS
    step_ms = 10 * MINUTE_MS
    due = {latest_due(cron, zone, first_ms + n * step_ms) for n in range(3 * 24 * 6)}
    days = [datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date() for at in sorted(due)]
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
    assert isinstance(days[0], date)

"""Quiet hours: every instant is quiet or not, and quiet ends."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fusewatch.domain.quiet import QuietHours
from tests.app.when import HOUR_MS, MINUTE_MS, clock_of, instant_ms

minutes = st.integers(0, 24 * 60 - 1)
zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo",
     "America/Havana", "Antarctica/Troll", "Pacific/Apia", "America/Santiago"]
)  # fmt: skip
instants = st.integers(instant_ms("2010-01-01 00:00"), instant_ms("2030-01-01 00:00"))
hours = st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1])
SKIPPED_DAY = instant_ms("2011-12-30 12:00")


@given(hours, zones, instants)
@example((22 * 60, 7 * 60), "Pacific/Apia", SKIPPED_DAY)
def test_quiet_ends_later_and_is_over_then_and_holds_until_then(
    between: tuple[int, int], zone: str, at_ms: int
) -> None:
    quiet = QuietHours(*between, zone)
    span = quiet.span_at(at_ms)
    assert quiet.is_quiet(at_ms) == (span is not None)
    if span is None:
        with pytest.raises(ValueError, match="not quiet"):
            quiet.ends_ms(at_ms)
        return
    start_ms, end_ms = span
    assert start_ms <= at_ms < end_ms == quiet.ends_ms(at_ms)
    assert not quiet.is_quiet(end_ms)
    assert not quiet.is_quiet(start_ms - 1)
    inside = [start_ms + (end_ms - 1 - start_ms) * part // 7 for part in range(8)]
    assert {quiet.span_at(instant) for instant in inside} == {span}


@given(hours, zones, instants)
def test_between_two_quiet_spans_nothing_is_quiet(between: tuple[int, int], zone: str, at_ms: int) -> None:
    quiet = QuietHours(*between, zone)
    if quiet.is_quiet(at_ms):
        return
    ahead = [at_ms + hour * HOUR_MS // 4 for hour in range(4 * 50)]
    first = next((quiet.span_at(instant) for instant in ahead if quiet.is_quiet(instant)), None)
    if first is not None:
        gap = range(at_ms, first[0], max(1, (first[0] - at_ms) // 20))
        assert not any(quiet.is_quiet(instant) for instant in gap)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        pytest.param("2026-11-18 22:00", "11-19 07:00:00", id="it begins at its first instant"),
        pytest.param("2026-11-19 06:59:59", "11-19 07:00:00", id="over midnight it goes on"),
        pytest.param("2026-11-19 07:00", None, id="its end is not quiet"),
        pytest.param("2026-11-18 21:59:59", None, id="nor is what lies before it"),
    ],
)
def test_over_midnight(at: str, until: str | None) -> None:
    span = QuietHours(22 * 60, 7 * 60).span_at(instant_ms(at))
    assert (None if span is None else clock_of(span[1])) == until


@pytest.mark.parametrize(
    ("day", "length_h"),
    [
        pytest.param("2026-03-28", 8, id="the night in which an hour is missing"),
        pytest.param("2026-10-24", 10, id="the night in which an hour comes twice"),
        pytest.param("2026-11-18", 9, id="any other night"),
    ],
)
def test_a_night_lasts_as_long_as_the_clocks_say(day: str, length_h: int) -> None:
    start_ms, end_ms = QuietHours(22 * 60, 7 * 60, "Europe/Berlin").span_at(instant_ms(f"{day} 23:30")) or (0, 0)
    assert (end_ms - start_ms) / HOUR_MS == length_h


def test_where_clocks_go_back_over_the_end_it_does_not_begin_again() -> None:
    """In Berlin 02:30 comes twice on 25 October 2026: at 00:30 and at 01:30 UTC."""
    quiet = QuietHours(60, 2 * 60 + 30, "Europe/Berlin")
    assert clock_of(quiet.ends_ms(instant_ms("2026-10-25 00:29"))) == "10-25 00:30:00"
    assert not quiet.is_quiet(instant_ms("2026-10-25 01:15"))


def test_where_clocks_go_forward_over_the_end_it_ends_with_the_gap() -> None:
    quiet = QuietHours(60, 2 * 60 + 30, "Europe/Berlin")
    assert clock_of(quiet.ends_ms(instant_ms("2026-03-29 00:59"))) == "03-29 01:00:00"


def test_quiet_hours_of_another_zone_are_those_of_its_clocks() -> None:
    quiet = QuietHours(22 * 60, 7 * 60, "Asia/Kolkata")
    assert quiet.span_at(instant_ms("18:00")) == (instant_ms("16:30"), instant_ms("11-19 01:30"))


@pytest.mark.parametrize(("from_min", "to_min"), [(60, 60), (-1, 60), (0, 1440)])
def test_times_that_are_none_are_refused(from_min: int, to_min: int) -> None:
    with pytest.raises(ValueError, match=r"quiet hours begin and end|no minute of a day"):
        QuietHours(from_min, to_min)


def test_a_minute_of_quiet_is_a_minute() -> None:
    start_ms, end_ms = QuietHours(0, 1).span_at(instant_ms("00:00:30")) or (0, 0)
    assert end_ms - start_ms == MINUTE_MS

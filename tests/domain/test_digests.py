"""When a digest goes out, and of which period it tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.digests import latest_due
from fusewatch.domain.periods import Calendar, Every, local_clock, period_at, previous
from fusewatch.domain.rules import Digest
from tests.app.when import clock_of, instant_ms

BERLIN = Calendar("Europe/Berlin")


def due(digest: Digest, calendar: Calendar, now: str) -> tuple[str, str]:
    at_ms, period = latest_due(digest, calendar, instant_ms(now))
    return clock_of(at_ms), period.label


@pytest.mark.parametrize(
    ("why", "digest", "calendar", "now", "expected"),
    [
        ("at its time it tells of yesterday", Digest(Every.DAY, 540, ()), BERLIN, "2026-11-18 08:00",
         ("11-18 08:00:00", "day:2026-11-17")),
        ("before its time the one of yesterday was the last", Digest(Every.DAY, 540, ()), BERLIN, "2026-11-18 07:59",
         ("11-17 08:00:00", "day:2026-11-16")),
        ("a week's goes out on the first day of the next week", Digest(Every.WEEK, 540, ()), BERLIN,
         "2026-11-18 12:00", ("11-16 08:00:00", "week:2026-11-09")),
        ("a month's on the first of the next", Digest(Every.MONTH, 0, ()), BERLIN, "2026-11-01 00:00",
         ("10-31 23:00:00", "month:2026-10")),
        ("a time that the clocks leap over is the instant after the leap", Digest(Every.DAY, 150, ()), BERLIN,
         "2026-03-29 12:00", ("03-29 01:00:00", "day:2026-03-28")),
        ("a time that comes twice is the first of both", Digest(Every.DAY, 150, ()), BERLIN, "2026-10-25 12:00",
         ("10-25 00:30:00", "day:2026-10-24")),
        ("where days start at six, three o'clock belongs to the day before", Digest(Every.DAY, 180, ()),
         Calendar("UTC", 360), "2026-11-18 05:00", ("11-18 03:00:00", "day:2026-11-16")),
    ],
)  # fmt: skip
def test_the_last_instant_that_was_due(
    why: str, digest: Digest, calendar: Calendar, now: str, expected: tuple[str, str]
) -> None:
    assert due(digest, calendar, now) == expected, why


@given(
    every=st.sampled_from([Every.DAY, Every.WEEK, Every.MONTH]),
    at_min=st.integers(0, 1439),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]),
    starts=st.sampled_from([0, 15, 360, 1425]),
    now_ms=st.integers(instant_ms("2026-01-01 00:00"), instant_ms("2028-01-01 00:00")),
)
def test_each_period_has_one_digest_and_it_is_due_after_the_period_ended(
    every: Every, at_min: int, zone: str, starts: int, now_ms: int
) -> None:
    calendar = Calendar(zone, starts)
    digest = Digest(every, at_min, ())
    at_ms, period = latest_due(digest, calendar, now_ms)
    assert period.end_ms <= at_ms <= now_ms
    assert latest_due(digest, calendar, at_ms) == (at_ms, period)
    before_ms, before = latest_due(digest, calendar, at_ms - 1)
    assert before_ms < at_ms
    assert before == previous(calendar, period)
    first_day = period_at(calendar, Every.DAY, period.end_ms)
    assert first_day.start_ms <= at_ms < first_day.end_ms
    local = local_clock(calendar, at_ms)
    assert (local.hour * 60 + local.minute - at_min) % 1440 <= 60

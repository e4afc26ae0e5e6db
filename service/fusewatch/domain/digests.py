"""When a digest is due: a pure function of its schedule, the time, and the last one that was sent."""

from functools import lru_cache

from fusewatch.domain.periods import Calendar, Period, local_clock, period_at, previous
from fusewatch.domain.rules import Digest

LATE_MS = 24 * 3_600_000
"""A digest that nobody could send at its time is sent up to so much later; an older one is left out."""

_MINUTE_MS = 60_000
_MINUTES_A_DAY = 24 * 60
_LONGEST_DAY_MIN = 26 * 60


def latest_due(digest: Digest, calendar: Calendar, now_ms: int) -> tuple[int, Period]:
    """The last instant up to now at which the digest was to be sent, and the period that it tells of.

    It goes out on the first day of a period, at its time of day, and tells of the period before. A time that the clocks
    leap over is the first instant after the leap; one that comes twice is the first of both.
    """
    present = period_at(calendar, digest.every, now_ms)
    at_ms = _due_in(digest, calendar, present)
    if at_ms > now_ms:
        present = previous(calendar, present)
        at_ms = _due_in(digest, calendar, present)
    return at_ms, previous(calendar, present)


@lru_cache(maxsize=256)
def _due_in(digest: Digest, calendar: Calendar, period: Period) -> int:
    """The instant in the period's first day whose local clock first reaches the digest's time."""
    asked = (digest.at_min - calendar.day_starts_at_min) % _MINUTES_A_DAY
    first = local_clock(calendar, period.start_ms)
    for minute in range(_LONGEST_DAY_MIN):
        local = local_clock(calendar, period.start_ms + minute * _MINUTE_MS)
        days = (local.date() - first.date()).days
        shown = days * _MINUTES_A_DAY + local.hour * 60 + local.minute - calendar.day_starts_at_min
        if shown >= asked:
            return period.start_ms + minute * _MINUTE_MS
    raise AssertionError("a local day has at most 25 hours")

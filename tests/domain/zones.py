"""What clocks on the wall do in each zone, read from `zoneinfo` alone: the yardstick for the tests of periods."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = sorted(available_timezones() - {"localtime"})


def ms(text: str) -> int:
    """Epoch milliseconds of an ISO time in UTC."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


def wall(zone: ZoneInfo, at_ms: int) -> datetime:
    """What a clock on the wall shows."""
    return (EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).replace(tzinfo=None)


def offset_ms(zone: ZoneInfo, at_ms: int) -> int:
    return (wall(zone, at_ms) - EPOCH.replace(tzinfo=None)) // timedelta(milliseconds=1) - at_ms


FIRST_MS, END_MS = ms("2024-01-01T00:00"), ms("2034-01-01T00:00")

# (instant of the change, offset before, offset after), for a whole zone
Changes = tuple[tuple[int, int, int], ...]


_PROBES = [
    EPOCH + timedelta(milliseconds=at) for at in range(FIRST_MS - 370 * DAY_MS, END_MS + 370 * DAY_MS, 5 * DAY_MS)
]
"""No zone changes its clocks twice within so few days; in Morocco a month lies between."""


@cache
def changes_of(name: str) -> Changes:
    """Every change of a zone's offset from 2023 to 2034, to the second, found by looking at every fifth day."""
    zone = ZoneInfo(name)
    found = []
    for (early, before), (late, after) in pairwise((at, at.astimezone(zone).utcoffset()) for at in _PROBES):
        if before != after:
            low, high = int(early.timestamp()), int(late.timestamp())
            while high - low > 1:
                middle = (low + high) // 2
                changed = offset_ms(zone, middle * 1000) == offset_ms(zone, int(late.timestamp()) * 1000)
                low, high = (low, middle) if changed else (middle, high)
            found.append((high * 1000, offset_ms(zone, high * 1000 - 1000), offset_ms(zone, high * 1000)))
    return tuple(found)


@cache
def zones_that_differ() -> tuple[str, ...]:
    """One zone for each way in which offsets run; a fixed offset is a way too."""
    groups: dict[tuple[int, Changes], str] = {}
    for name in ZONES:
        groups.setdefault((offset_ms(ZoneInfo(name), FIRST_MS), changes_of(name)), name)
    return tuple(groups.values())


def changes_in_ten_years() -> Iterator[tuple[str, int]]:
    for name in zones_that_differ():
        for at_ms, _, _ in changes_of(name):
            if FIRST_MS <= at_ms < END_MS:
                yield name, at_ms

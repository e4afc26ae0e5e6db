"""Instants as exports write them."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)


def iso(at_ms: int) -> str:
    """As `2026-11-22T15:30:00.000Z`: sorted as text they are sorted in time."""
    minute, rest_ms = divmod(at_ms, 60_000)
    return f"{_minute(minute)}:{rest_ms // 1000:02d}.{rest_ms % 1000:03d}Z"


@lru_cache(maxsize=1024)
def _minute(minute: int) -> str:
    """Rows come by time, so that a minute is written out once for many of them."""
    return utc(minute * 60_000).strftime("%Y-%m-%dT%H:%M")

"""Times as a story tells them, and the clock that the story moves. All of it in UTC."""

from datetime import UTC, datetime, timedelta

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

STORY_DAY = "2026-11-18"
"""A Wednesday in the middle of a month, without a change of clocks anywhere near."""


def instant_ms(text: str, day: str = STORY_DAY) -> int:
    """Epoch milliseconds of ``14:02``, ``14:02:30`` (both on `day`), ``11-19 14:02`` (of that year) or a full date."""
    date, _, clock = text.rpartition(" ")
    if not date:
        date = day
    elif date.count("-") == 1:
        date = f"{day[:4]}-{date}"
    at = datetime.fromisoformat(f"{date}T{clock}").replace(tzinfo=UTC)
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def clock_of(at_ms: int) -> str:
    """``11-18 14:02:30``: how assertions show an instant."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).strftime("%m-%d %H:%M:%S")


class StageClock:
    """Implements `ports.Clock`; it stands still until somebody moves it or sleeps on it."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return self._now_ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.go_on(round(seconds * 1000))

    def go_on(self, ms: int) -> None:
        self._now_ms += ms

    def move(self, to_ms: int) -> None:
        assert to_ms >= self._now_ms, f"{clock_of(to_ms)} is before {clock_of(self._now_ms)}: stories run forwards"
        self._now_ms = to_ms

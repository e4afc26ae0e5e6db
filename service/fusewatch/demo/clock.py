"""A clock that can run faster than the machine's, so that the demo's day takes half a minute."""

import asyncio
import threading
import time


class FastClock:
    """Virtual time from `start_ms` on. Its pace may change at any instant without a jump; any thread may read it."""

    def __init__(self, start_ms: int, speed: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._start_ms = start_ms
        self._at_start = time.monotonic()
        self._at_change = self._at_start
        self._passed = 0.0
        self._speed = speed

    @property
    def speed(self) -> float:
        return self._speed

    def set_speed(self, speed: float) -> None:
        """From now on so many seconds pass for each of the machine's."""
        with self._lock:
            now = time.monotonic()
            self._passed += (now - self._at_change) * self._speed
            self._at_change = now
            self._speed = speed

    def now_ms(self) -> int:
        return self._start_ms + int(self.monotonic() * 1000)

    def monotonic(self) -> float:
        with self._lock:
            return self._passed + (time.monotonic() - self._at_change) * self._speed

    def real_seconds(self) -> float:
        """How long the clock has existed, in the machine's seconds."""
        return time.monotonic() - self._at_start

    async def sleep(self, seconds: float) -> None:
        """Wait, in steps short enough to follow a change of pace."""
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:  # noqa: ASYNC110 - the pace may change while we wait
            await asyncio.sleep(min(left / self._speed, 0.2))

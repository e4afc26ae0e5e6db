"""The machine's time, accelerated, the same in every process that is told the same beginning."""

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SharedFastClock:
    """Implements `ports.Clock`: since the machine's second `began_s`, every second counts for `speed`."""

    began_s: float
    start_ms: int
    speed: float

    def now_ms(self) -> int:
        return self.start_ms + int(self.monotonic() * 1000)

    def monotonic(self) -> float:
        return (time.clock_gettime(time.CLOCK_MONOTONIC) - self.began_s) * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)

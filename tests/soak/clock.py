"""The machine's time, accelerated, the same in every process that has the same file; its owner sets the pace."""

import asyncio
import mmap
import struct
import time
from pathlib import Path

_PLACE = struct.Struct("ddd")  # from which second of the machine on, what had passed by then, the pace
_SLOT = 32
_LONGEST_S = 0.2


class SharedClock:
    """Implements `ports.Clock`. Every second since the pace was set counts for `speed`."""

    def __init__(self, path: Path, start_ms: int) -> None:
        if not path.exists():
            path.write_bytes(bytes(3 * _SLOT))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 3 * _SLOT)
        self._start_ms = start_ms

    def set_pace(self, speed: float) -> None:
        """Written beside what is in force, which a reader may be reading, and then put in its place by one byte."""
        passed = self.monotonic() if self._map[0] else 0.0
        after = 2 if self._map[0] == 1 else 1
        _PLACE.pack_into(self._map, after * _SLOT, _machine_s(), passed, speed)
        self._map[0] = after

    @property
    def speed(self) -> float:
        return self._read()[2]

    def now_ms(self) -> int:
        return self._start_ms + int(self.monotonic() * 1000)

    def monotonic(self) -> float:
        at_s, passed, speed = self._read()
        return passed + (_machine_s() - at_s) * speed

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:  # noqa: ASYNC110 - another process sets the pace
            await asyncio.sleep(min(left / self.speed, _LONGEST_S))

    def _read(self) -> tuple[float, float, float]:
        return _PLACE.unpack_from(self._map, self._map[0] * _SLOT)


def _machine_s() -> float:
    return time.clock_gettime(time.CLOCK_MONOTONIC)

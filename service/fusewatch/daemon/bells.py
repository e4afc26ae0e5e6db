"""What wakes the loops: one pass's commit wakes the next pass; timers are only the fallback."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from fusewatch.ports import Clock
from fusewatch.runtime import wait_for_event


@dataclass(slots=True)
class Bells:
    """The events between the loops. Stopping rings all of them, so that no loop sleeps through it."""

    clock: Clock
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    beats: dict[str, float] = field(default_factory=dict)
    _bells: dict[str, asyncio.Event] = field(default_factory=dict)

    def ring(self, name: str) -> None:
        self._bell(name).set()

    async def ring_from_timer(self, name: str) -> None:
        """As `ring`. The timer runs a plain function on a thread of its own, and an event of the loop's may be set by
        nobody else; a coroutine it runs on the loop."""
        self.ring(name)

    def ring_all(self) -> None:
        for bell in self._bells.values():
            bell.set()

    def beat(self, loop: str) -> None:
        """The loop says that it is alive."""
        self.beats[loop] = self.clock.monotonic()

    def forget(self, loop: str) -> None:
        """The loop ended in good order."""
        self.beats.pop(loop, None)

    async def wait(self, name: str, seconds: float) -> bool:
        """Until the bell rings or so many seconds passed; True when it rang. A ring is heard once."""
        bell = self._bell(name)
        rang = self.stop.is_set() or await wait_for_event(self.clock, bell, seconds)
        bell.clear()
        return rang

    async def pause(self, loop: str, seconds: float) -> None:
        """Wait without being woken by anything but the stop, and stay alive meanwhile."""
        until = self.clock.monotonic() + seconds
        while not self.stop.is_set() and (left := until - self.clock.monotonic()) > 0:
            await wait_for_event(self.clock, self.stop, min(left, 10.0))
            self.beat(loop)

    def silent(self, longest_s: Callable[[str], float]) -> list[str]:
        """The loops that have not been heard for longer than they may be silent."""
        now = self.clock.monotonic()
        return [name for name, at in self.beats.items() if now - at > longest_s(name)]

    def _bell(self, name: str) -> asyncio.Event:
        return self._bells.setdefault(name, asyncio.Event())

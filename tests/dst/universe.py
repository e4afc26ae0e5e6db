"""Time of a history: true time that only moves forward, the daemon's wall clock that may be wrong, and an event loop
that jumps to its next timer instead of waiting."""

import asyncio
import selectors
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from tests.dst.history import Fault

MS = 1000


class Killed(BaseException):
    """The process ended at this instant."""


@dataclass(slots=True)
class Universe:
    """True seconds since `begins_ms`, and by how much the daemon's wall clock is wrong at each time."""

    begins_ms: int
    skews: Sequence[Fault] = ()
    now_s: float = 0.0
    log: list[str] = field(default_factory=list)
    threaded: list[str] = field(default_factory=list)
    """What would have run on a thread, where nothing of the loop's may be touched."""

    def true_ms(self) -> int:
        return self.begins_ms + round(self.now_s * MS)

    def wall_ms(self) -> int:
        true_ms = self.true_ms()
        return true_ms + sum(fault.number for fault in self.skews if fault.at_ms <= true_ms < fault.until_ms)

    def seconds_of(self, at_ms: int) -> float:
        """When a true instant is, on the scale of the loop."""
        return (at_ms - self.begins_ms) / MS

    def note(self, what: str) -> None:
        """One line of the log of events, which two runs of one seed have in common."""
        self.log.append(f"{self.true_ms()} {what}")


class WallClock:
    """Implements `ports.Clock` for the daemon."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe

    def now_ms(self) -> int:
        return self._universe.wall_ms()

    def monotonic(self) -> float:
        return self._universe.now_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting for a timer, moves time to it."""

    def __init__(self, universe: Universe) -> None:
        super().__init__()
        self._universe = universe

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "every task waits for ever"
        # Timers are due within a clock's resolution: a jump that fell short by less would never end.
        self._universe.now_s += max(timeout, 0.0)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """One boot's event loop. Threads would make it another history each time, so it has none."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        super().__init__(_Jumping(universe))

    def time(self) -> float:
        return self._universe.now_s

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]  # runs it at once, returns a done future
        self._universe.threaded.append(str(func))
        raise RuntimeError(f"{func} would run on a thread")


@contextmanager
def wall_clock_for_timers(universe: Universe) -> Iterator[None]:
    """APScheduler asks the machine for the date; in here it is that of the simulated machine."""
    import apscheduler.executors.base
    import apscheduler.schedulers.base
    import apscheduler.triggers.interval

    class Simulated(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Simulated":
            return cls.fromtimestamp(universe.wall_ms() / MS, tz or UTC)

    modules = (apscheduler.executors.base, apscheduler.schedulers.base, apscheduler.triggers.interval)
    try:
        for module in modules:
            module.datetime = Simulated
        yield
    finally:
        for module in modules:
            module.datetime = datetime

"""Time and threads, as the passes see them."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """The only way to the time. The demo and the tests run on faster or frozen ones."""

    def now_ms(self) -> int:
        """Wall time as epoch milliseconds."""

    def monotonic(self) -> float:
        """Seconds that never go back, in this clock's own speed."""

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""


class Runner(Protocol):
    """Runs blocking store work: on the one writer thread in the daemon, inline in tests and simulation."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...

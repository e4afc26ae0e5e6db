"""The real clock and the ways to run blocking work. The only module that asks the machine for the time."""

import asyncio
import ctypes
import gc
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from typing import TypeVar

from fusewatch.ports import Clock

T = TypeVar("T")

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""The parameters of mallopt(3)."""


class SystemClock:
    """The machine's own time."""

    speed = 1.0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ThreadRunner:
    """Runs work on the executor's threads."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def __call__(self, work: Callable[[], T], /) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


class InlineRunner:
    """Runs work at once, on the calling thread: for commands and deterministic tests."""

    async def __call__(self, work: Callable[[], T], /) -> T:
        return work()


def collect_seldom() -> None:
    """From now on the garbage collector leaves alone what is there, and looks through what is new after every 5,000
    objects, seldom through all.

    A page of rows is tens of thousands of tuples, none of them part of a cycle: looking at them after every 700, and at
    all that is held again and again, takes a quarter of what reading costs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 50)


_many_rows: list[tuple[int, int, int]] = []
"""One entry for each `many_rows` that goes on: how the collector was set before it."""


@contextmanager
def many_rows() -> Iterator[None]:
    """Meanwhile the garbage collector waits for 50,000 objects: rows come in batches of as many, and go without it.

    Not for good. Requests and tasks leave cycles behind, which with 50 projects and little to read took 20 MB then.
    """
    _many_rows.append(gc.get_threshold())
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        before = _many_rows.pop()
        if not _many_rows:
            gc.set_threshold(*before)


def give_memory_back() -> None:
    """Have glibc give back to the system at once what is large and free, and its threads share two heaps.

    Pages of rows are megabytes and come and go on several threads; glibc would keep such space for the next ones, in a
    heap for each thread. On other C libraries this does nothing.
    """
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 256 * 1024)
        mallopt(_M_ARENA_MAX, 2)


async def wait_for_event(clock: Clock, event: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set or so many seconds of the clock have passed; True when it was the event."""
    if event.is_set():
        return True
    async with asyncio.TaskGroup() as group:
        tasks = (group.create_task(_sleep(clock, seconds)), group.create_task(_event(event)))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
    return event.is_set()


async def _sleep(clock: Clock, seconds: float) -> None:
    await clock.sleep(seconds)


async def _event(event: asyncio.Event) -> None:
    await event.wait()

"""Blocking work of libraries that know no event loop, beside it and bounded in time."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T], *, name: str, timeout_s: float, give_up: Callable[[], None]) -> T:
    """The result of `work`, run in a thread of its own; TimeoutError after `timeout_s`.

    When the time is up, or the caller is cancelled, `give_up` is called to make the work end. The thread is a daemon:
    one that hangs all the same (in a resolver, say) keeps neither the loop nor the process.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(outcome: Callable[[], None]) -> None:
        def once() -> None:
            if not done.done():
                outcome()

        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(once)

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the one who waits gets it
            failed = error
            tell(lambda: done.set_exception(failed))
        else:
            tell(lambda: done.set_result(result))

    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        async with asyncio.timeout(timeout_s):
            return await done
    except (TimeoutError, asyncio.CancelledError):
        if done.cancelled():  # a TimeoutError of the work's own is no reason to break it off
            give_up()
        raise

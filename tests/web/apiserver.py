"""The web on a real socket, in a thread of its own, for clients that are programs."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fusewatch.web.connections import GuardedProtocol
from fusewatch.web.server import WebServer, serve
from tests.web.pictures import Daemon


@contextmanager
def served(daemon: Daemon, protocol: type[GuardedProtocol] = GuardedProtocol) -> Iterator[WebServer]:
    """The address answers within the block."""
    server = serve(daemon.app(), "127.0.0.1", 0, protocol=protocol)
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        await server.run()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        yield server
    finally:
        while thread.is_alive():
            for loop in loops:
                loop.call_soon_threadsafe(server.stop)
                break
            thread.join(0.2)

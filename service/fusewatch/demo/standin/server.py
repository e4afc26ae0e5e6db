"""The stand-in on a real socket: uvicorn in a thread of this process, on a free loopback port."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Final, Self

import uvicorn

from fusewatch.demo.standin.app import Standin
from fusewatch.demo.standin.model import Key, Mode, Project

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from fusewatch.demo.standin.data import Store
    from fusewatch.demo.standin.troubles import Seen, Troubles

_KEEP_ALIVE_S: Final = 5  # Langfuse closes idle connections after 5 s
_START_LIMIT_S: Final = 10.0


def server_config(app: Standin) -> uvicorn.Config:
    """Quiet, without lifespan, without uvicorn's own `Date` and `Server`: the stand-in dates its answers itself."""
    return uvicorn.Config(
        app,
        host="127.0.0.1",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
        ws="none",
    )


class _Announced(uvicorn.Server):
    """A server that says when it listens. In a thread uvicorn leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class StandinServer:
    """`with StandinServer(store, now_ms=clock) as server:` serves at `server.url` until the block ends.

    `port` 0 takes a free one. `now_ms` is called in the server's thread.
    """

    def __init__(
        self,
        store: Store,
        *,
        now_ms: Callable[[], int],
        mode: Mode = Mode.DUAL,
        projects: Sequence[Project] = (Project(),),
        keys: Sequence[Key] = (Key(),),
        compress: bool = False,
        port: int = 0,
    ) -> None:
        self.app = Standin(store, now_ms=now_ms, mode=mode, projects=projects, keys=keys, compress=compress)
        self._port = port
        self._server: _Announced | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def store(self) -> Store:
        return self.app.store

    @property
    def troubles(self) -> Troubles:
        return self.app.troubles

    @property
    def log(self) -> list[Seen]:
        return self.app.log

    def start(self) -> None:
        """Listens; returns when the first connection can be made. Raises OSError when the port is taken."""
        listener = socket.create_server(("127.0.0.1", self._port), backlog=128)
        self._port = int(listener.getsockname()[1])
        server = _Announced(server_config(self.app))
        thread = threading.Thread(target=server.run, args=([listener],), name="langfuse-standin", daemon=True)
        thread.start()
        if not server.listening.wait(_START_LIMIT_S):
            raise RuntimeError("the stand-in did not start listening")
        self._server, self._thread = server, thread

    def stop(self) -> None:
        """Closes every connection and frees the port. Stopping twice is fine."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(_START_LIMIT_S)
        self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

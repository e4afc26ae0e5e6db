"""Connections that come to nothing are ended: heads and bodies that trickle in, answers that nobody reads, and, when
there are too many, whoever has been silent longest."""

import asyncio
import contextlib

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HEAD_WITHIN_S = 10.0
"""From the connection, or the first byte of a further request, to the end of its headers."""

REQUEST_WITHIN_S = 60.0
"""From there to the last byte of the answer: the body has to come, and the answer to be read."""

BODY_WITHIN_S = 20.0
MOST_CONNECTIONS = 200


class GuardedProtocol(H11Protocol):
    """uvicorn's own protocol with an end to every wait. Only its timers are added: uvicorn itself waits for a first
    request, a body or a reader for ever."""

    head_within_s = HEAD_WITHIN_S
    body_within_s = BODY_WITHIN_S
    request_within_s = REQUEST_WITHIN_S
    most_connections = MOST_CONNECTIONS

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.since = self.loop.time()
        self._phase = ""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows the transport too
        super().connection_made(transport)
        self.since = self.loop.time()
        self._make_room()
        self._wait("head", self.head_within_s)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        self.since = self.loop.time()
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_wait()
        super().connection_lost(exc)

    @property
    def working(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _look(self) -> None:
        """Which part of a request is awaited now; a wait that goes on keeps its end."""
        if self.working:
            if self.conn.their_state is h11.SEND_BODY:
                self._wait("body", self.body_within_s)
            else:
                self._wait("answer", self.request_within_s)
        elif self.conn.trailing_data[0]:
            self._wait("head", self.head_within_s)
        elif self._phase != "head" or self.cycle is not None:
            self._end_wait()  # between requests uvicorn's own keep-alive counts

    def _wait(self, phase: str, seconds: float) -> None:
        if phase == self._phase:
            return
        self._end_wait()
        self._phase = phase
        self._timer = self.loop.call_later(seconds, self._give_up)

    def _end_wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._phase = None, ""

    def _give_up(self) -> None:
        with contextlib.suppress(RuntimeError):
            self.transport.abort()

    def _make_room(self) -> None:
        """The one that has been silent longest goes, so that no crowd of idlers keeps a scraper out."""
        others = [one for one in self.connections if isinstance(one, GuardedProtocol) and one is not self]
        if len(others) < self.most_connections:
            return
        idle = [one for one in others if not one.working]
        if idle:
            min(idle, key=lambda one: one.since)._give_up()

"""uvicorn inside the daemon's own loop: it binds at once, leaves signals alone, and ends when it is told to."""

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from fusewatch.errors import Permanent
from fusewatch.web.app import make_app
from fusewatch.web.connections import MOST_CONNECTIONS, GuardedProtocol

__all__ = ["WebServer", "make_app", "serve"]

LARGEST_HEAD = 16 * 1024
"""Bytes of a request's line and headers."""

KEEP_ALIVE_S = 75
"""Above Prometheus' usual scrape interval, so that a scrape finds its connection open."""

STOP_WITHIN_S = 0.7
_BACKLOG = 128


class _Quiet(uvicorn.Server):
    """A server that leaves SIGTERM and SIGINT to the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """A bound address. The caller owns the task that runs it: `group.create_task(server.run())`."""

    def __init__(
        self, app: ASGIApp, listeners: list[socket.socket], protocol: type[GuardedProtocol] = GuardedProtocol
    ) -> None:
        self._listeners = listeners
        host, port = listeners[0].getsockname()[:2]
        self.host, self.port = str(host), int(port)
        self._server = _Quiet(
            uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=LARGEST_HEAD,
                limit_concurrency=2 * MOST_CONNECTIONS,
                backlog=_BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=1,
            )
        )

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        everywhere = ipaddress.ip_address(self.host).is_unspecified
        if ":" in self.host:
            return f"http://[{'::1' if everywhere else self.host}]:{self.port}"
        return f"http://{'127.0.0.1' if everywhere else self.host}:{self.port}"

    async def run(self) -> None:
        """Serve until `stop`. Cancelling ends it too, without waiting for answers under way."""
        try:
            await self._server.serve(sockets=self._listeners)
        except asyncio.CancelledError:
            if self._server.started:
                self._give_up()
                await self._server.shutdown(sockets=self._listeners)
            raise
        finally:
            self.close()

    def stop(self) -> None:
        """End within a second: idle connections close at once, answers under way get 0.7 s."""
        self._server.should_exit = True
        asyncio.get_running_loop().call_later(STOP_WITHIN_S, self._give_up)

    def close(self) -> None:
        """Free the address, also when `run` was never called."""
        for listener in self._listeners:
            listener.close()

    def _give_up(self) -> None:
        self._server.force_exit = True
        for task in list(self._server.server_state.tasks):
            task.cancel()
        # A client that does not read its answer would keep the connection, and with it the end, waiting.
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()


def serve(app: ASGIApp, host: str, port: int, *, protocol: type[GuardedProtocol] = GuardedProtocol) -> WebServer:
    """Bind `host`:`port` and be ready to run. Port 0 takes a free one: `WebServer.port` is the bound one.

    Raises Permanent: ``port_in_use``, ``port_forbidden`` (a port below 1024, usually), ``bad_listen_address``.
    """
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        return WebServer(app, _bind(host, port), protocol)
    except OSError as error:
        raise _cannot_listen(place, error) from error


def _bind(host: str, port: int) -> list[socket.socket]:
    """One listener for each address of the host (localhost has two), all on one port."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = sorted({(family, where[0]) for family, _, _, _, where in found}, key=lambda pair: pair[0])
    listeners: list[socket.socket] = []
    try:
        for family, address in addresses:
            bound = listeners[0].getsockname()[1] if listeners else port
            try:
                listeners.append(_listen(family, str(address), bound))
            except OSError as error:
                # A machine without IPv6 may still name ::1 for localhost.
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) or not listeners:
                    raise
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def _listen(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    # "[::]" is meant as "everywhere", IPv4 included, as in other daemons.
    both = family == socket.AF_INET6 and address == "::" and socket.has_dualstack_ipv6()
    return socket.create_server((address, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both)


def _cannot_listen(place: str, error: OSError) -> Permanent:
    if error.errno == errno.EADDRINUSE:
        text = f"cannot listen on {place}: the port is in use; stop what uses it, or set FUSEWATCH_LISTEN to another"
        return Permanent("port_in_use", text)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Permanent("port_forbidden", f"cannot listen on {place}: this user may not; choose a port from 1024 up")
    said = error.strerror or os.strerror(error.errno or 0)
    return Permanent("bad_listen_address", f"cannot listen on {place}: {said}; check FUSEWATCH_LISTEN")

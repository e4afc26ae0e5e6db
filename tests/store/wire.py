"""A wire between the store and PostgreSQL that breaks where a test says: before a statement, or before its answer."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

_READY = b"Z\x00\x00\x00\x05"
"""How the last message of every answer begins; one byte follows."""

_ENCRYPTED = (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30")
"""What asks for TLS and for GSSAPI; the answer is one byte."""


class Wire:
    """`with Wire(url) as wire:` leads from `wire.url` to the server at `url` until the block ends."""

    def __init__(self, url: str) -> None:
        self._credentials, _, address = url.rpartition("@")
        place, _, self._database = address.partition("/")
        host, _, port = place.partition(":")
        self._server = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._left = 0
        self._after = False
        self._last: bytes | None = None
        self._is_cut = False
        self._ends: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"{self._credentials}@127.0.0.1:{self._listener.getsockname()[1]}/{self._database}"

    def break_at(self, statement: int, *, after: bool) -> None:
        """Break at the statement of this number from now, counted from 1: before the server hears of it, or `after` the
        server did it and before its answer is heard."""
        with self._lock:
            self._left, self._after = statement, after

    def cut_off_at(self, words: bytes) -> None:
        """From the first statement with these words on the server is out of reach, until `mend`."""
        with self._lock:
            self._last = words

    def mend(self) -> None:
        with self._lock:
            self._last, self._is_cut = None, False

    @property
    def is_broken(self) -> bool:
        """Whether it broke since it was told to."""
        with self._lock:
            return self._left <= 0

    def __enter__(self) -> Self:
        self._thread(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self._listener, *self._ends):
            _close(end)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._is_cut:
                    _close(client)
                    continue
                server = socket.create_connection(self._server)
                self._ends += [client, server]
                self._thread(lambda client=client, server=server: self._statements(client, server))  # type: ignore[misc]  # mypy infers no lambda with defaults

    def _statements(self, client: socket.socket, server: socket.socket) -> None:
        """A client says one thing at a time and waits for the answer."""
        with suppress(OSError):
            while said := client.recv(1 << 20):
                breaks, after = self._next(said)
                if breaks and not after:
                    break
                server.sendall(said)
                answer = server.recv(1) if said[4:] in _ENCRYPTED else _answer(server)
                if breaks:
                    break
                client.sendall(answer)
        _close(client)
        _close(server)

    def _next(self, said: bytes) -> tuple[bool, bool]:
        with self._lock:
            self._left -= 1
            self._is_cut = self._is_cut or (self._last is not None and self._last in said)
            return self._is_cut or self._left == 0, self._after and not self._is_cut

    @staticmethod
    def _thread(work: Callable[[], None]) -> None:
        threading.Thread(target=work, daemon=True).start()


def _answer(server: socket.socket) -> bytes:
    """All that the server says until it is ready for the next statement."""
    heard = b""
    while heard[-6:-1] != _READY:
        more = server.recv(1 << 20)
        if not more:
            raise OSError("the server ended the connection")
        heard += more
    return heard


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()

"""A receiver of notices on loopback: it remembers what came, and answers as a test orders."""

import json
import select
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Post:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]  # names in lower case
    body: str

    @property
    def id(self) -> str:
        return self.headers.get("webhook-id", "")

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def notices(self) -> list[dict[str, Any]]:
        """The notices of a webhook's body."""
        found: list[dict[str, Any]] = self.json["data"]["notices"]
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver says, after `wait_s` real seconds."""

    status: int = 200
    body: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0.0


Answering = Callable[[Post], Answer]


class Receiver:
    """`with Receiver() as receiver:` listens at `receiver.url` until the block ends."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        """Every request, also those whose answer nobody waited for."""
        self.finished: list[Post] = []
        """Those whose sender was still there to hear the answer; the others count as never received."""
        self.dropped: list[Post] = []
        self._answers: dict[str, Answer | Answering] = {}
        self._released = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                body = self.rfile.read(length)
                if len(body) < length:
                    return  # its sender was killed before it had said everything
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.take(self, Post(self.path, headers, body.decode()))

            do_GET = do_POST  # noqa: N815 - http.server looks for this name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
                del format, args

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str, given: Answer | Answering) -> None:
        """From now on posts to `path` are answered so."""
        self._answers[path] = given

    def take(self, handler: BaseHTTPRequestHandler, post: Post) -> None:
        self.posts.append(post)
        given = self._answers.get(post.path, Answer())
        answer = given if isinstance(given, Answer) else given(post)
        if answer.wait_s:
            self._released.wait(answer.wait_s)
        if _hung_up(handler.connection):
            self.dropped.append(post)
            return
        body = answer.body.encode()
        try:
            handler.send_response(answer.status)
            for name, value in answer.headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            self.dropped.append(post)
        else:
            self.finished.append(post)

    @property
    def busy(self) -> bool:
        """Whether somebody is waiting for an answer."""
        return len(self.posts) > len(self.finished) + len(self.dropped)

    def of(self, path: str) -> list[Post]:
        return [post for post in list(self.posts) if post.path == path]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


def _hung_up(connection: socket.socket) -> bool:
    """Whether the other end is closed, as that of a killed process is."""
    readable, _, _ = select.select([connection], [], [], 0)
    try:
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that a killed daemon left behind is no news."""

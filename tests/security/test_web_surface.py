"""What a stranger may try over HTTP: smuggling, floods, slow clients, rebinding; each comes to nothing."""

import ast
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import fusewatch.web
from fusewatch.web.access import is_loopback_host
from fusewatch.web.app import HEADERS
from fusewatch.web.connections import GuardedProtocol
from fusewatch.web.guard import LARGEST_BODY
from fusewatch.web.server import WebServer, serve
from tests.web.pictures import Daemon, asked, get, request, within
from tests.web.test_slack_actions import Counter

WEB = Path(fusewatch.web.__file__).parent
POST = b"POST /api/v1/silences HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer w\r\n"


class Impatient(GuardedProtocol):
    """The product's own guard with shorter waits."""

    head_within_s = 0.3
    body_within_s = 0.3
    request_within_s = 0.6
    most_connections = 3


@asynccontextmanager
async def running(daemon: Daemon, protocol: type[GuardedProtocol] = GuardedProtocol) -> AsyncIterator[WebServer]:
    server = serve(daemon.app(), "127.0.0.1", 0, protocol=protocol)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run())
        yield server
        server.stop()


def told(raw: bytes, daemon: Daemon | None = None, protocol: type[GuardedProtocol] = GuardedProtocol) -> bytes:
    """Everything that comes back for raw bytes, until the server closes the connection."""

    async def work() -> bytes:
        async with running(daemon or Daemon(web_token="w"), protocol) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(raw)
            found = b""
            try:
                while part := await reader.read(65_536):
                    found += part
            except ConnectionResetError:
                pass  # who is refused in the middle of a body may be cut off after the answer
            writer.close()
            return found

    return within(60, work)


# ---------------------------------------------------------------- one request that two servers read differently

END = b"Connection: close\r\n\r\n"
SMUGGLED = b"GET /api/v1/spend HTTP/1.1\r\nHost: localhost\r\n" + END


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", id="two kinds of length"),
        pytest.param(b"Content-Length: 5\r\nContent-Length: 6\r\n", id="two lengths"),
        pytest.param(b"Content-Length: +5\r\n", id="a length with a sign"),
        pytest.param(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", id="two encodings"),
        pytest.param(b"Transfer-Encoding : chunked\r\n", id="white space before the colon"),
        pytest.param(b"Host: evil.example.com\r\n", id="two hosts"),
        pytest.param(b"X-A: b\x00c\r\n", id="a NUL"),
        pytest.param(b"X\x01A: b\r\n", id="a control character in a name"),
        pytest.param(b"X-A: b\rX-B: c\r\n", id="a bare carriage return"),
    ],
)
def test_a_message_that_may_hide_another_is_refused_and_its_connection_closed(head: bytes) -> None:
    raw = b"POST /api/v1/silences HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n0\r\n\r\n" + SMUGGLED
    answer = told(raw)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))


def test_a_request_without_a_host_reads_nothing() -> None:
    assert told(b"GET /api/v1/spend HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 401 ")


# ---------------------------------------------------------------- too much


def test_a_huge_body_is_refused_by_its_length_before_it_comes() -> None:
    head = f"POST /api/v1/silences HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10**15}\r\n\r\n"
    answer = told(head.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(("path", "chunks"), [("/api/v1/silences", 2), ("/slack/actions", 9)])
def test_a_huge_body_in_chunks_is_refused_once_it_is_too_large(path: str, chunks: int) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer w\r\nContent-Type: application/json\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = told(
        head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks * chunk, Counter().daemon(web_token="w")
    )
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_of_the_largest_size_is_read() -> None:
    body = b" " * (LARGEST_BODY - 2) + b"{}"
    answer = told(POST + f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n".encode() + END + body)
    assert answer.startswith(b"HTTP/1.1 422 ")


def test_brackets_without_end_are_a_mistake_of_the_client() -> None:
    body = b"[" * (LARGEST_BODY - 1)
    answer = told(POST + f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n".encode() + END + body)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 422 "))


# ---------------------------------------------------------------- too slow


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: loc", id="half a head"),
        pytest.param(
            POST + b"Content-Length: 9\r\n\r\n{",
            id="half a body",
        ),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /heal", id="half a second head"),
    ],
)
def test_a_request_that_does_not_come_to_its_end_loses_its_connection(raw: bytes) -> None:
    assert b" 200 " not in told(raw, protocol=Impatient).rpartition(b"ok\n")[2]


def test_a_head_that_trickles_in_byte_by_byte_wins_no_time() -> None:
    async def work() -> int:
        async with running(Daemon(), Impatient) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            closed = asyncio.ensure_future(reader.read())
            sent = 0
            try:
                while not closed.done():
                    writer.write(b"GET / HTTP/1.1\r\nX-A: "[sent : sent + 1] or b"x")
                    sent += 1
                    await asyncio.wait([closed], timeout=0.02)
                    await writer.drain()
            except ConnectionError:
                pass
            await asyncio.wait([closed])
            closed.exception()
            writer.close()
            return sent

    assert within(60, work) > 1


def test_a_crowd_of_silent_connections_keeps_nobody_out() -> None:
    class Crowded(Impatient):
        head_within_s = 50.0

    async def work() -> bytes:
        async with running(Daemon(), Crowded) as server:
            idlers = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(20)]
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + END)
            answer = await reader.read()
            for _, one in (*idlers, (reader, writer)):
                one.close()
            return answer

    assert within(60, work).startswith(b"HTTP/1.1 200 ")


# ---------------------------------------------------------------- whose word counts

SPOOFED = (
    {"x-forwarded-for": "127.0.0.1"},
    {"x-forwarded-host": "localhost"},
    {"x-real-ip": "127.0.0.1"},
    {"forwarded": "for=127.0.0.1;host=localhost"},
    {"x-original-host": "127.0.0.1"},
)


@pytest.mark.parametrize("spoofed", SPOOFED)
def test_what_a_client_says_of_where_it_is_opens_nothing(spoofed: dict[str, str]) -> None:
    for daemon, host in (
        (Daemon(listen_is_loopback=False), "127.0.0.1:9469"),
        (Daemon(), "evil.example.com"),
        (Daemon(), "127.0.0.1.evil"),
        (Daemon(), "[::1].evil"),
    ):
        wish = request("/api/v1/spend", host=host)
        wish.headers.update(spoofed)
        assert asked(daemon.app(), wish)[0].status_code == 404


@pytest.mark.parametrize(
    "host", ["127.0.0.1.evil", "localhost.evil", "::1", "[::ffff:10.0.0.1]", "[::1", "0x7f.1", "0"]
)
def test_names_that_look_like_this_machine_are_not(host: str) -> None:
    assert not is_loopback_host(host)
    assert get(Daemon(), "/", host=host).status_code == 404


# ---------------------------------------------------------------- what every answer carries


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/api/v1/budgets", "/api/v1/none", "/nothing"])
def test_every_answer_carries_the_security_headers(path: str) -> None:
    for daemon in (Daemon(), Daemon(listen_is_loopback=False, read_token="r"), Daemon(trouble=RuntimeError("x"))):
        answer = get(daemon, path)
        assert HEADERS.keys() <= answer.headers.keys()
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


# ---------------------------------------------------------------- structure


def test_no_token_is_compared_with_an_operator() -> None:
    """Only `hmac.compare_digest`, and slack-sdk's verifier, take the same time for a wrong token and a nearly right."""
    secrets = {"presented", "token", "read_token", "web_token", "signing_secret", "credentials", "signature"}
    found = []
    for path in WEB.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Compare) or not all(
                isinstance(op, ast.Eq | ast.NotEq | ast.In) for op in node.ops
            ):
                continue
            names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            names |= {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
            if names & secrets:
                found.append(f"{path.name}:{node.lineno}")
    assert found == []
    assert "hmac.compare_digest" in (WEB / "access.py").read_text(encoding="utf-8")

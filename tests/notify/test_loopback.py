"""Over a real socket: the address stays out of the logs, a silent or endless receiver does not hold us."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from fusewatch.errors import Retryable
from fusewatch.notify import http
from fusewatch.notify.factory import build
from fusewatch.notify.kinds import SlackWebhookKind, WebhookKind
from tests.notify.samples import MESSAGES, NOW
from tests.notify.support import FrozenClock, run

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
CANARY = "canary-on-the-wire"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notifiers go through the proxy of the environment, as companies need it; these tests stay on loopback."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")


async def request_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    return head + await reader.readexactly(length)


async def with_server(handler: Handler, work: Callable[[str], Awaitable[None]]) -> None:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        await work(f"http://{host}:{port}/{CANARY}")


def test_a_real_exchange_logs_no_address_even_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[bytes] = []

    async def accepts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await request_of(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    async def work(url: str) -> None:
        notifier = build(SlackWebhookKind(url), FrozenClock(NOW))
        await notifier.send(MESSAGES["spike"])
        await notifier.close()

    run(with_server(accepts, work))
    assert seen[0].startswith(f"POST /{CANARY} HTTP/1.1\r\n".encode())
    assert CANARY not in caplog.text
    assert "httpcore" in {record.name.partition(".")[0] for record in caplog.records}, "the logs were on"


def test_a_receiver_that_never_answers_is_given_up_after_the_time_for_the_whole_exchange(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "TIMEOUT_S", 0.05)
    done = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        # A byte now and then would keep a timeout between bytes happy for ever.
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\no")
        await writer.drain()
        await done.wait()
        writer.close()

    async def work(url: str) -> None:
        notifier = build(WebhookKind(url), FrozenClock(NOW))
        with pytest.raises(Retryable) as caught:
            await notifier.send(MESSAGES["spike"])
        assert caught.value.reason == "timeout"
        done.set()
        await notifier.close()

    run(with_server(silent, work))


def test_an_endless_answer_is_read_only_as_far_as_it_can_matter() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            writer.close()

    async def work(url: str) -> None:
        notifier = build(WebhookKind(url), FrozenClock(NOW))
        await notifier.send(MESSAGES["spike"])
        await notifier.close()

    run(with_server(endless, work))


def test_a_port_where_nobody_listens_is_tried_again() -> None:
    async def work() -> None:
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        notifier = build(WebhookKind(f"http://127.0.0.1:{port}/"), FrozenClock(NOW))
        with pytest.raises(Retryable) as caught:
            await notifier.send(MESSAGES["spike"])
        assert caught.value.reason == "unreachable"
        await notifier.close()

    run(work())

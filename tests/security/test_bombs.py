"""Small inputs that would become huge ones: each is refused in bounded time and memory, and said to be so."""

import asyncio
import gzip
import json
import time
import tracemalloc
import zlib
from pathlib import Path

import httpx
import pytest

from fusewatch.config.rulefile import load
from fusewatch.errors import ConfigError, Permanent, Retryable
from fusewatch.langfuse.transport import Transport
from fusewatch.notify.http import Poster
from fusewatch.ports import Span
from tests.langfuse.asking import NOW_MS, StandingClock, reading
from tests.langfuse.servers import generation

HEAD = "version: 1\n"
LAUGHS = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9 if n else ['lol'] * 9)}]\n" for n in range(30))
MERGES = "".join(f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}], k{n}: 1}}\n" for n in range(1, 25))
BOMBS = {
    "aliases of aliases": HEAD + LAUGHS,
    "merges of merges": f"{HEAD}m0: &m0 {{k0: 1}}\n{MERGES}",
    "deep lists": HEAD + "x: " + "[" * 50_000 + "]" * 50_000,
    "deep mappings": HEAD + "x: " + "{a: " * 20_000 + "1" + "}" * 20_000,
    "deep by indentation": HEAD + "".join("  " * n + "a:\n" for n in range(600)),
    "an integer of a million digits": HEAD + "history: " + "9" * 1_000_000,
    "a limit of a million digits": HEAD + "budgets: [{name: a, limit: $" + "9" * 1_000_000 + ", every: day}]",
    "a huge exponent": HEAD + "budgets: [{name: a, limit: 1e999999999, every: day}]",
    "an integer in base 60": HEAD + "history: " + "1:" * 200_000 + "1",
    "a huge file": HEAD + "# x\n" * 1_000_000,
    "a million keys": HEAD + "".join(f"k{n}: 1\n" for n in range(23_000)),
    "one long line": HEAD + "x: " + "a" * 5_000_000,
}


MOST_S = 20.0
"""Seconds of the processor: an idle machine needs 2 for the worst of them; without a bound there is no end."""


@pytest.mark.parametrize("name", BOMBS)
def test_a_yaml_bomb_is_refused_in_bounded_time(tmp_path: Path, name: str) -> None:
    (tmp_path / "budgets.yaml").write_text(BOMBS[name], encoding="utf-8")
    began = time.process_time()
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "budgets.yaml", {}, secrets=False)
    assert time.process_time() - began < MOST_S
    assert caught.value.problems
    assert str(caught.value).startswith(str(tmp_path))


def transport(response: httpx.Response) -> Transport:
    return Transport(
        "https://langfuse.test",
        "pk",
        "sk-lf-secret",
        clock=StandingClock(),
        transport=httpx.MockTransport(lambda _: response),
    )


class Chunked(httpx.AsyncByteStream):
    """A body as a socket hands it over: in pieces of 64 KiB."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __aiter__(self):  # type: ignore[no-untyped-def]  # an iterator, as httpx wants it
        for at in range(0, len(self.body), 65_536):
            yield self.body[at : at + 65_536]


def zipped(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(bytes(2**20)) for _ in range(size >> 20)), packer.flush()])


@pytest.fixture(scope="module")
def large() -> bytes:
    """Half a gigabyte of nothing."""
    return zipped(2**29)


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "gzip, gzip, gzip", "deflate, gzip"])
def test_an_answer_that_unpacks_to_half_a_gigabyte_is_refused_in_bounded_memory(encoding: str, large: bytes) -> None:
    body = zlib.compress(bytes(2**28)) if encoding.startswith("deflate") else large
    for _ in encoding.split(", ")[1:]:
        body = gzip.compress(body)
    answer = httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Chunked(body))
    tracemalloc.start()
    try:
        with pytest.raises((Retryable, Permanent), match=r"answers more than|is packed in a way"):
            asyncio.run(transport(answer).get("observations", "v2/observations"))
        assert tracemalloc.get_traced_memory()[1] < 250_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
def test_a_receiver_cannot_fill_our_memory_with_a_packed_answer(encoding: str, large: bytes) -> None:
    body = large if encoding == "gzip" else gzip.compress(large)
    answer = httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Chunked(body))
    poster = Poster("https://hook.test/x", StandingClock(), headers={}, transport=httpx.MockTransport(lambda _: answer))
    tracemalloc.start()
    try:
        assert asyncio.run(poster.post(b"{}")).status == 200
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


ROW = {"id": "a", "traceId": "t", "startTime": "2026-11-22T14:00:00.000Z", "type": "GENERATION", "projectId": "p"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"data": [{"id": "a", "metadata": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}]}",
        b'{"unknown": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b', "data": []}',
        b'{"data": [' + json.dumps(ROW).encode()[:-1] + b', "totalCost": ' + b"9" * 100_000 + b"}]}",
        b'{"data": [' + json.dumps(ROW).encode()[:-1] + b', "totalCost": NaN}]}',
        b'{"data": [' + json.dumps(ROW).encode()[:-1] + b', "totalCost": 1e400}]}',
        b'{"data": [' + json.dumps(ROW).encode()[:-1] + b', "usageDetails": {"input": 1' + b"0" * 5000 + b"}}]}",
        b'{"data": {"a": 1}, "meta": []}',
        b'{"data": [1, "x", null, [], {}]}',
        b"\xff\xfe{\x00",
        b"",
        b"null",
    ],
)
def test_json_that_is_no_answer_is_an_error_or_a_rejected_row_and_never_spend(body: bytes) -> None:
    told = reading(lambda _: httpx.Response(200, content=body))
    began = time.process_time()

    async def rows() -> list[object]:
        page = await told.source.walk(Span(NOW_MS - 1000, NOW_MS)).next_page()
        return [] if page is None else list(page.observations)

    try:
        found = asyncio.run(rows())
    except (Retryable, Permanent):
        found = []
    assert found == []
    assert time.process_time() - began < 2


def test_metadata_nested_too_deeply_costs_the_metadata_and_not_the_spend() -> None:
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    rows = [json.dumps(generation(n, NOW_MS - 500)) for n in (1, 2)]
    rows[0] = rows[0].replace('"tags"', f'"input": "}}]", "metadata": {deep}, "tags"', 1)
    told = reading(lambda _: httpx.Response(200, content=f'{{"data": [{", ".join(rows)}], "meta": {{}}}}'.encode()))
    page = asyncio.run(told.source.walk(Span(NOW_MS - 1000, NOW_MS)).next_page())
    assert page is not None
    assert len(page.observations) == 2
    assert page.rejected == []

"""On a real socket: it starts at once, leaves signals alone, ends when told, and a real Prometheus reads it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import which

import httpx
import pytest

from fusewatch.errors import Permanent
from fusewatch.web.server import LARGEST_HEAD, WebServer, serve
from tests.web.pictures import BUSY, CROSSED, Daemon, within


@asynccontextmanager
async def running(daemon: Daemon, host: str = "127.0.0.1") -> AsyncIterator[WebServer]:
    """The web on a free port; left only when it has ended by itself."""
    server = serve(daemon.app(), host, 0)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run())
        yield server
        server.stop()


async def fetched(server: WebServer, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        return await client.get(server.url + path)


def test_port_zero_takes_a_free_port_and_says_which() -> None:
    async def work() -> None:
        async with running(Daemon()) as server:
            assert server.port > 0
            answer = await fetched(server, "/healthz")
            assert (answer.status_code, answer.text) == (200, "ok\n")
            assert "server" not in answer.headers

    within(10, work)


def test_localhost_is_served_under_each_of_its_addresses_on_one_port() -> None:
    async def work() -> None:
        async with running(Daemon(), "localhost") as server:
            assert (await fetched(server, "/readyz")).status_code == 200

    within(10, work)


def test_a_port_in_use_is_told_with_the_address_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Permanent, match=rf"cannot listen on 127\.0\.0\.1:{port}: the port is in use") as caught:
            serve(Daemon().app(), "127.0.0.1", port)
    assert caught.value.reason == "port_in_use"


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(Permanent, match=r"cannot listen on 192\.0\.2\.1:0: .*; check FUSEWATCH_LISTEN") as caught:
        serve(Daemon().app(), "192.0.2.1", 0)
    assert caught.value.reason == "bad_listen_address"


def test_it_leaves_the_signals_to_the_daemon() -> None:
    async def work() -> None:
        got = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, got.set)
        try:
            async with running(Daemon()) as server:
                assert (await fetched(server, "/healthz")).status_code == 200
                os.kill(os.getpid(), signal.SIGTERM)
                await got.wait()
                assert (await fetched(server, "/healthz")).status_code == 200, "the daemon alone decides when it ends"
        finally:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)

    within(10, work)


class Endless(Daemon):
    """A daemon whose database never answers."""

    asked: asyncio.Event

    async def version(self) -> int:
        self.asked.set()
        await asyncio.Event().wait()
        return 0


def test_it_ends_soon_though_a_connection_idles_and_an_answer_is_under_way() -> None:
    async def work() -> float:
        daemon = Endless()
        daemon.asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client, asyncio.TaskGroup() as group:
            async with running(daemon) as server:
                await client.get(f"{server.url}/healthz")
                hanging = group.create_task(_quiet(client.get(f"{server.url}/metrics")))
                await daemon.asked.wait()
                started = loop.time()
            took = loop.time() - started
            answer = await hanging
            assert answer is None or answer.status_code >= 500
            return took

    assert within(10, work) < 4, "before the client gives up"


def test_cancelling_its_task_frees_the_port_and_drops_what_hangs() -> None:
    async def work() -> int:
        daemon = Endless()
        daemon.asked = asyncio.Event()
        server = serve(daemon.app(), "127.0.0.1", 0)
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client, asyncio.TaskGroup() as group:
            serving = group.create_task(server.run())
            hanging = group.create_task(_quiet(client.get(f"{server.url}/metrics")))
            await daemon.asked.wait()
            serving.cancel()
            assert await hanging is None, "the connection is dropped"
        return server.port

    serve(Daemon().app(), "127.0.0.1", within(10, work)).close()


async def _quiet(answer: Awaitable[httpx.Response]) -> httpx.Response | None:
    """The answer, None where the connection broke instead."""
    try:
        return await answer
    except httpx.TransportError:
        return None


def test_its_port_is_free_again_after_the_end() -> None:
    async def work() -> int:
        async with running(Daemon()) as server:
            pass
        return server.port

    port = within(10, work)
    serve(Daemon().app(), "127.0.0.1", port).close()


def test_an_endless_head_is_refused() -> None:
    async def work() -> bytes:
        async with running(Daemon()) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 2 * LARGEST_HEAD)
            await writer.drain()
            told = await reader.read()
            writer.close()
            return told

    assert within(10, work).startswith(b"HTTP/1.1 400 ")


# ---------------------------------------------------------------- a real Prometheus


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[int]:
    """Prometheus on a free port, scraping the target each second; its data lies in the folder."""
    program = which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    config = folder / "prometheus.yml"
    jobs = [{"job_name": "fusewatch", "scrape_interval": "200ms", "scrape_timeout": "200ms"}]
    jobs[0] |= {"static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}  # type: ignore[dict-item]  # JSON of one shape
    config.write_text(json.dumps({"scrape_configs": jobs}))  # JSON is YAML
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    arguments = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", "--log.level=warn"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, *arguments, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


async def queried(client: httpx.AsyncClient, port: int, query: str) -> list[tuple[dict[str, str], str]]:
    """The instant vector that the query gives."""
    answer = await client.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": query})
    return [(series["metric"], series["value"][1]) for series in answer.json()["data"]["result"]]


class Scraped(Daemon):
    """A daemon that notes each question for its state: each scrape asks once."""

    scrapes: "asyncio.Queue[int]"

    async def version(self) -> int:
        self.scrapes.put_nowait(1)
        return await super().version()


HOSTILE = 'a"} 1\nfake{b="\\\x00\u202e'


def test_a_real_prometheus_scrapes_it_and_answers_with_the_exact_values(tmp_path: Path) -> None:
    hostile = replace(CROSSED, rule=HOSTILE)
    daemon = Scraped(picture=replace(BUSY, open_incidents=(*BUSY.open_incidents, hostile)))
    wanted = {
        "sum(llm_cost_dollars_total) - sum(fusewatch_counter_debt_dollars)": "391.270000000003",
        'fusewatch_budget_spent_dollars{budget="each-feature",feature="summarization"}': "75.200000000001",
        'llm_tokens_used_total{token_type="input",feature="summarization"}': "90000000",
        'llm_request_duration_seconds_bucket{le="2.5"}': "133",
        'llm_spend_dollars{period="month",project="labs"}': "1e-12",
        "count(fusewatch_incidents_open)": "33",
        "count(fusewatch_notifications_total == 0)": "5",
        "fusewatch_build_info": "1",
        'scrape_samples_scraped{job="fusewatch"} - scrape_samples_post_metric_relabeling{job="fusewatch"}': "0",
    }

    async def work() -> None:
        daemon.scrapes = asyncio.Queue()
        async with running(daemon) as server, httpx.AsyncClient(trust_env=False, timeout=5) as client:
            with prometheus(tmp_path, server.port) as port:
                for _ in range(3):  # when it comes again, it has stored what it got before
                    await daemon.scrapes.get()
                for query, expected in wanted.items():
                    (_, value) = (await queried(client, port, query))[0]
                    assert value == expected, query
                critical = await queried(client, port, 'fusewatch_incidents_open{severity="critical"} > 0')
                assert HOSTILE in {labels["rule"] for labels, _ in critical}
                assert [value for _, value in await queried(client, port, 'up{job="fusewatch"}')] == ["1"]

    within(60, work)

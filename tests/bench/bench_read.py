"""What reading takes, from HTTP to the committed ledger, against merely parsing the same bytes.

Ratios, because they hold on any machine; medians of interleaved rounds, because machines have moods. Beside it what
else reads the same pages: the plain script that anybody would write, and the Langfuse SDK's own client.
"""

import asyncio
import gc
import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx
import orjson

from fusewatch.app.ingest import Reader, read_span
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.coverage import Span
from fusewatch.domain.ratebudget import Priority
from fusewatch.domain.rules import AttributionSource
from fusewatch.langfuse.source import open_source
from fusewatch.ports import ProjectIdentity
from fusewatch.runtime import SystemClock, ThreadRunner, collect_seldom, many_rows
from fusewatch.store import SqlStore, open_store
from tests.bench.feed import END_MS, PROJECT_ID, Feed, feed

ROWS = 200_000
ROUNDS = 3
BUDGET = 2.5
"""DESIGN 6: at most so many times what orjson takes for the same bytes."""

SDK_BUDGET = 0.1
SDK_PAGES = 4
"""The SDK's models take over a minute for all; what it takes for these pages is scaled to the row."""

ATTRIBUTION = tuple(
    (name, (AttributionSource("metadata", name), AttributionSource("tag", name))) for name in ("feature", "team")
)
Row = tuple[str, float, str, float | None]


def rows(count: int = ROWS, rounds: int = ROUNDS) -> list[Row]:
    """(name, value, unit, budget) of each measurement."""
    with feed(count) as source, TemporaryDirectory() as folder:
        gc.collect()
        gc.freeze()
        measured: dict[str, list[tuple[float, float]]] = {}
        for number in range(rounds):
            measured.setdefault("parse", []).append(parse(source))
            with _store(Path(folder) / f"{number}.db") as store:
                for name, work in (
                    ("fresh", lambda: read(source, store)),
                    ("again", lambda: read(source, store)),
                    ("script", lambda: script(source)),
                    ("sdk", lambda: sdk(source)),
                ):
                    measured.setdefault(name, []).append(_seconds(work))
        scale = {"sdk": count / min(count, SDK_PAGES * 1000)}
        wall = {name: median(t[0] for t in times) * scale.get(name, 1) for name, times in measured.items()}
        cpu = {name: median(t[1] for t in times) * scale.get(name, 1) for name, times in measured.items()}

        def ratio(name: str, other: str, of: int) -> float:
            return (
                median(a[of] / b[of] for a, b in zip(measured[name], measured[other], strict=True))
                * scale.get(name, 1)
                / scale.get(other, 1)
            )

        return [
            ("read: orjson.loads of the pages", wall["parse"], "s", None),
            ("read: HTTP to committed ledger", wall["fresh"], "s", None),
            ("read: HTTP to ledger / orjson", ratio("fresh", "parse", 0), "x", BUDGET),
            ("read: the same in CPU time", ratio("fresh", "parse", 1), "x", None),
            ("read: unchanged rows again / orjson", ratio("again", "parse", 0), "x", None),
            ("read: the plain script / orjson", ratio("script", "parse", 0), "x", None),
            ("read: HTTP to ledger / the plain script", wall["fresh"] / wall["script"], "x", None),
            ("read: HTTP to ledger / the SDK's client", wall["fresh"] / wall["sdk"], "x", SDK_BUDGET),
            ("read: the same in CPU time, of the SDK", cpu["fresh"] / cpu["sdk"], "x", None),
        ]


def parse(source: Feed) -> tuple[float, float]:
    """The reference: the same bytes, page by page; wall and processor time of the parsing alone."""
    wall = cpu = 0.0
    for page in source.pages:
        text = page.read_bytes()
        began, used = time.perf_counter(), time.process_time()
        orjson.loads(text)
        wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - used
    return wall, cpu


def read(source: Feed, store: SqlStore) -> None:
    """As the daemon reads history: the transport, the decoder, attribution, the one writer thread."""
    asyncio.run(_read(source, store))


async def _read(source: Feed, store: SqlStore) -> None:
    clock = SystemClock()
    langfuse = open_source(
        source.url, "pk-lf-1", "sk-lf-1", clock=clock, remembered_api="v2", remembered_project_id=PROJECT_ID
    )
    identity = ProjectIdentity(source.url, PROJECT_ID, "Bench", "org", "v2", "4.16.0")
    with ThreadPoolExecutor(1) as executor:
        run = ThreadRunner(executor)
        await run(lambda: store.register(identity, "bench", now_ms=END_MS))
        reader = Reader(langfuse, identity.key, Resolver(ATTRIBUTION))
        span = Span(source.from_ms, END_MS)
        with many_rows():
            await read_span(reader, store, run, clock, span, END_MS, Priority.HISTORY, lambda _: None)
    await langfuse.close()
    stored = store.read(lambda unit: unit.totals().generations)
    assert stored == source.rows, f"{stored} of {source.rows} rows are in the ledger"


def script(source: Feed) -> None:
    """What a user would write: sums by feature and model, nothing stored, floats."""
    spent: dict[tuple[str, str], float] = {}
    for page in _pages(source):
        for row in page["data"]:
            metadata = row.get("metadata") or {}
            key = (metadata.get("feature", ""), row.get("model") or "")
            spent[key] = spent.get(key, 0.0) + (row.get("totalCost") or 0.0)
    assert spent, "something was read"


def _pages(source: Feed):  # type: ignore[no-untyped-def]  # a generator of pages
    cursor = ""
    while True:
        url = f"{source.url}/api/public/v2/observations?limit=1000{cursor and f'&cursor={cursor}'}"
        with urllib.request.urlopen(url) as answer:
            page = json.loads(answer.read())
        yield page
        cursor = page["meta"].get("cursor", "")
        if not cursor:
            return


def sdk(source: Feed) -> None:
    """Langfuse's own client, into its own models."""
    from langfuse.api import LangfuseAPI

    cursor = None
    with httpx.Client(timeout=60) as http:
        client = LangfuseAPI(base_url=source.url, username="pk-lf-1", password="sk-lf-1", httpx_client=http)
        for _ in range(min(SDK_PAGES, len(source.pages))):
            page = client.observations.get_many(limit=1000, cursor=cursor, fields="core,basic,usage,model,metadata")
            cursor = page.meta.cursor
            assert page.data, "something was read"


def _store(path: Path) -> SqlStore:
    return open_store(f"sqlite:///{path}", holder="bench", exclusive=True)


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor time."""
    gc.collect()
    began, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - used


if __name__ == "__main__":
    collect_seldom()  # as the daemon does
    count = int(os.environ.get("ROWS", ROWS))
    for name, value, unit, budget in rows(count, int(os.environ.get("ROUNDS", ROUNDS))):
        sys.stdout.write(f"{name:<50} {value:8.3f} {unit}{f' (budget {budget:g})' if budget else ''}\n")

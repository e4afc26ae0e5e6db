"""What comparing a busy hour with Langfuse takes, when all its rows are read: memory, and how long others wait.

A process of its own reads the hour, so that nothing else is in its memory.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, cast

from fusewatch.app.ingest import Reader
from fusewatch.app.reconcile import reconcile_pass
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.coverage import Span
from fusewatch.domain.reconciling import HOUR_MS, SETTLE_MS
from fusewatch.langfuse.source import open_source
from fusewatch.ports import IngestUnit, ProjectIdentity, Source
from fusewatch.ports.source import BucketSum
from fusewatch.runtime import SystemClock, ThreadRunner, collect_seldom
from fusewatch.store import open_store
from tests.bench.bench_read import ATTRIBUTION
from tests.bench.feed import END_MS, PROJECT_ID, feed, row

RATES = (1, 100)
"""Generations a second in the hour that is compared."""

T = TypeVar("T")
Row = tuple[str, float, str, float | None]


def rows(rates: Sequence[int] = RATES, hour_s: int = 3_600) -> list[Row]:
    """(name, value, unit, budget) of each measurement; with a smaller `hour_s` only the hour's end has rows."""
    found: list[Row] = []
    for rate in rates:
        with feed(rate * hour_s, every_ms=1_000 // rate) as source:
            words = [sys.executable, "-m", "tests.bench.bench_compare", source.url, str(source.rows)]
            told = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        what = f"comparing an hour of {source.rows:,} rows"
        found += [
            (f"{what}: memory that it takes", told["grown_kib"] / 1024, "MB", None),
            (f"{what}: longest transaction", told["longest_s"] * 1000, "ms", None),
            (f"{what}: in all", told["seconds"], "s", None),
        ]
    return found


class _Summed:
    """The feed, and the one sum of its hour that a Langfuse would give."""

    def __init__(self, source: Any, count: int) -> None:
        self._source = source
        self._count = count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def sums(self, span: Span) -> Sequence[BucketSum]:
        cost = sum(float(str(row(number, 0)["totalCost"])) for number in range(self._count))
        return [BucketSum(END_MS - HOUR_MS, self._count, cost, 0)]


class _Timed(ThreadRunner):
    """Remembers how long the longest piece of work took, seconds."""

    longest_s = 0.0

    async def __call__(self, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        try:
            return await super().__call__(work)
        finally:
            self.longest_s = max(self.longest_s, time.perf_counter() - began)


async def _compare(url: str, count: int, ledger: Path) -> dict[str, float]:
    clock = SystemClock()
    langfuse = open_source(
        url, "pk-lf-1", "sk-lf-1", clock=clock, remembered_api="v2", remembered_project_id=PROJECT_ID
    )
    identity = ProjectIdentity(url, PROJECT_ID, "Bench", "org", "v2", "4.16.0")
    hour = Span(END_MS - HOUR_MS, END_MS)

    def covered(unit: IngestUnit) -> None:
        unit.cover(Span(hour.from_ms, END_MS + SETTLE_MS), read_at_ms=END_MS + SETTLE_MS)

    with open_store(f"sqlite:///{ledger}", holder="bench", exclusive=True) as store, ThreadPoolExecutor(1) as executor:
        run = _Timed(executor)
        await run(lambda: store.register(identity, "bench", now_ms=END_MS))
        await run(partial(store.ingest, identity.key, covered))
        reader = Reader(cast("Source", _Summed(langfuse, count)), identity.key, Resolver(ATTRIBUTION))
        before, began, run.longest_s = _memory_kib("VmRSS"), time.perf_counter(), 0.0
        report = await reconcile_pass(reader, store, run, clock, from_ms=hour.from_ms)
        seconds, peak = time.perf_counter() - began, _memory_kib("VmHWM")
        (compared,) = report.hours
        assert (report.failure, compared.new, report.drift_pico) == (None, count, 0), report
    await langfuse.close()
    return {"grown_kib": peak - before, "longest_s": run.longest_s, "seconds": seconds}


def _memory_kib(which: str) -> int:
    return int(Path("/proc/self/status").read_text().partition(f"{which}:")[2].split()[0])


if __name__ == "__main__":
    collect_seldom()  # as the daemon does
    if sys.argv[1:]:
        with TemporaryDirectory() as folder:
            print(json.dumps(asyncio.run(_compare(sys.argv[1], int(sys.argv[2]), Path(folder) / "bench.db"))))
    else:
        for name, value, unit, _ in rows():
            print(f"{name:<60} {value:8.1f} {unit}")

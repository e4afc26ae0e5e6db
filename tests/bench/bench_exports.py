"""What exports and reports take for a row, and in memory, by the size of the ledger.

Each is measured in a process of its own, because memory that was once taken is seldom given back. Ratios hold on any
machine: time is that of one row compared with reading it by bare SQL and writing it by Python's own CSV writer, memory
that of a ledger ten times as large compared with the small one.

Alone: `python -m tests.bench.bench_exports`; with FUSEWATCH_BENCH_LARGE=1 for five million generations, too, which take
a gigabyte of disk and half an hour.
"""

import csv
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from fusewatch.app.exports import Listing, row_columns, write_rows
from fusewatch.app.reports import EVER, Environments, Question, averages, breakdown, top_traces
from fusewatch.domain.rules import BUILT_IN_DIMENSIONS
from fusewatch.export.targets import open_target, place_of
from fusewatch.ports import ReadUnit, TableTarget
from fusewatch.store import open_store
from tests.bench.big_ledger import TO_MS, fill

SMALL, MIDDLE, LARGE = 20_000, 200_000, 5_000_000
LARGE_TOO = "FUSEWATCH_BENCH_LARGE"
FLAT = 1.2
"""The most that ten times the rows may take of memory, compared with the small ledger."""

TIMES = 4.0
"""The most that a row of CSV may take, compared with the bare way."""

EXPORTS = {"csv": "rows.csv", "jsonl": "rows.jsonl", "parquet": "rows.parquet", "sqlite": "sqlite:///{folder}/rows.db"}


def _spend(unit: ReadUnit) -> int:
    return len(breakdown(unit, _asked("feature", "team")).groups)


def _top(unit: ReadUnit) -> int:
    return len(top_traces(unit, _asked(), 20))


def _average(unit: ReadUnit) -> int:
    return len(averages(unit, _asked("feature")))


REPORTS: "dict[str, Callable[[ReadUnit], int]]" = {"spend": _spend, "top-traces": _top, "average": _average}
BARE = "bare"


def _asked(*by: str) -> Question:
    return Question(by, EVER, (), TO_MS, Environments.ALL)


def rows() -> list[tuple[str, float, str, float | None]]:
    """(name, value, unit, the most it may be or None)."""
    sizes = (SMALL, MIDDLE, LARGE) if os.environ.get(LARGE_TOO) else (SMALL, MIDDLE)
    with TemporaryDirectory() as folder:
        ledgers = {size: Path(folder) / f"{size}.db" for size in sizes}
        for size, path in ledgers.items():
            fill(path, size)
        return list(chain.from_iterable(_rows_of(name, ledgers) for name in (*EXPORTS, *REPORTS)))


def _rows_of(name: str, ledgers: dict[int, Path]) -> list[tuple[str, float, str, float | None]]:
    what = f"export of rows, {name}" if name in EXPORTS else f"report {name}"
    took = {size: _measured(name, path, size) for size, path in ledgers.items()}
    bare_us, _ = _measured(BARE, ledgers[MIDDLE], MIDDLE)
    most = TIMES if name == "csv" else None
    found: list[tuple[str, float, str, float | None]] = []
    for size, (row_us, peak_mb) in took.items():
        found += [
            (f"{what}, {size:,} rows: rows a second", 1e6 / row_us, "/s", None),
            (f"{what}, {size:,} rows: peak memory", peak_mb, "MB", None),
        ]
    found.append((f"{what}: a row / the bare way", took[MIDDLE][0] / bare_us, "x", most))
    found += [
        (f"{what}: memory for {size:,} rows / for {SMALL:,}", took[size][1] / took[SMALL][1], "x", FLAT)
        for size in ledgers
        if size != SMALL and name != "parquet"
    ]
    if name == "parquet" and LARGE in took:  # its row groups are full from 20,000 rows on
        ratio = took[LARGE][1] / took[MIDDLE][1]
        found.append((f"{what}: memory for {LARGE:,} rows / for {MIDDLE:,}", ratio, "x", FLAT))
    return found


def _measured(name: str, ledger: Path, size: int) -> tuple[float, float]:
    """Microseconds of processor time for a row, and the peak of resident memory in megabytes."""
    words = [sys.executable, "-m", "tests.bench.bench_exports", name, str(ledger)]
    answer = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return answer["seconds"] / size * 1e6, answer["peak_kib"] / 1024


def _measure(name: str, ledger: Path) -> None:
    """In the process of its own."""
    began = process_time()
    with TemporaryDirectory(dir=ledger.parent) as folder:
        if name == BARE:
            _write_bare(ledger, Path(folder) / "bare.csv")
        else:
            _use(name, ledger, folder)
    # Not ru_maxrss: a process inherits that from the one that started it.
    peak_kib = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    print(json.dumps({"seconds": process_time() - began, "peak_kib": peak_kib}))


def _use(name: str, ledger: Path, folder: str) -> None:
    with open_store(f"sqlite:///{ledger}", holder="bench", exclusive=False) as store:
        if name in REPORTS:
            store.read(REPORTS[name])
            return
        place = EXPORTS[name].format(folder=folder)
        target = open_target(place_of(place if "://" in place else f"{folder}/{place}"), table="generations")
        listing = Listing(EVER, BUILT_IN_DIMENSIONS, row_columns(BUILT_IN_DIMENSIONS))
        write_rows(store, listing, target, lambda _done, _at_ms: None)
        if isinstance(target, TableTarget):
            target.close()


def _write_bare(ledger: Path, to: Path) -> None:
    """The same columns as they are stored, nothing looked up or shown in another way."""
    names = ("environment", "feature", "team", "model", "provider", "operation", "type", "release", "version")
    query = (
        f"SELECT g.*, {', '.join(names)}, prompt, trace_name, p.value, s.value FROM generation g"
        " JOIN dims d ON d.id = g.dims JOIN text p ON p.id = g.person JOIN text s ON s.id = g.session"
    )
    with closing(sqlite3.connect(ledger)) as link, to.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(link.execute(query))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _measure(sys.argv[1], Path(sys.argv[2]))
    else:
        for name, value, unit, most in rows():
            print(f"{name}: {value:,.2f} {unit}{f' (at most {most:g})' if most else ''}", flush=True)

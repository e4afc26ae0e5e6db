"""The real daemon over ledgers of two sizes: how long until it is ready, and how much memory it takes."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from fusewatch.demo.standin import DEMO_PROJECT, StandinServer, Store
from fusewatch.ports import ProjectIdentity
from tests.bench.ledgers import RULES, write
from tests.process.home import Daemon, Home, now_ms, spend, wait_for

SMALL = 100_000
TIMES = 50
READ = 6_000
LOADED = 300_000
SHOWN_S = 6.0
"""How long the daemon shows its metrics before its memory is looked at."""

ROUNDS = 5
START_BUDGET, MEMORY_BUDGET_MB, FLAT_BUDGET = 1.5, 150.0, 1.1
"""DESIGN 6."""

_POLLS = 'fusewatch_poll_duration_seconds_count{project="langfuse"}'

Row = tuple[str, float, str, float | None]


def rows(
    small: int = SMALL,
    times: int = TIMES,
    read: int = READ,
    loaded: int = LOADED,
    rounds: int = ROUNDS,
    shown_s: float = SHOWN_S,
) -> list[Row]:
    """(name, value, unit, budget) of each measurement."""
    with TemporaryDirectory() as folder, StandinServer(Store(), now_ms=now_ms) as langfuse:
        langfuse.store.add([spend("0.01", feature=f"f{n % 60}", ago_s=60 + n / 20) for n in range(read)])
        identity = ProjectIdentity(langfuse.url, DEMO_PROJECT, "Demo", "org", "v2", "4.16.0")
        homes: dict[str, Home] = {}
        for name, count in (("empty", 0), ("small", 1), ("large", times)):
            (Path(folder) / name).mkdir()
            homes[name] = Home.make(Path(folder) / name, langfuse.url)
            homes[name].write(RULES)
            if count:
                write(homes[name].database, identity, small, now_ms(), times=count)
        try:
            memory = {name: resident_after_reading(homes[name], shown_s) for name in ("small", "large")}
            seconds_to_ready(homes["empty"])  # the first start makes the file
            starts: dict[str, list[float]] = {name: [] for name in homes}
            for _ in range(rounds):
                for name, home in homes.items():
                    starts[name].append(seconds_to_ready(home))
        finally:
            for home in homes.values():
                home.end()
        after_loading = resident_after_loading(loaded, shown_s)
        first, last = small, small * times
        took = {name: median(found) for name, found in starts.items()}
        ratio = median(b / a for a, b in zip(starts["empty"], starts["large"], strict=True))
        return [
            (f"memory after reading, {first:,} generations", memory["small"], "MB", MEMORY_BUDGET_MB),
            (f"memory after reading, {last:,} generations", memory["large"], "MB", MEMORY_BUDGET_MB),
            ("memory, large ledger / small", memory["large"] / memory["small"], "x", FLAT_BUDGET),
            (f"memory after a first load of {loaded:,}", after_loading, "MB", MEMORY_BUDGET_MB),
            ("start to ready, empty ledger", took["empty"], "s", None),
            (f"start to ready, {last:,} generations", took["large"], "s", None),
            ("start to ready, large ledger / empty", ratio, "x", START_BUDGET),
        ]


def seconds_to_ready(home: Home) -> float:
    """From the start of the process to the first good answer of /readyz."""
    began = time.perf_counter()
    daemon = home.run()
    with closing(_Ended(daemon)):
        wait_for(lambda: daemon.serves, "listening", 120)
        wait_for(lambda: daemon.get("/readyz")[0] == 200, "ready", 120)
        return time.perf_counter() - began


def resident_after_reading(home: Home, shown_s: float = SHOWN_S, generations: int = 0) -> float:
    """MB of the daemon once it has polled twice and holds as many generations, judged them, and shown them several
    times."""
    daemon = home.run()
    with closing(_Ended(daemon)):
        wait_for(lambda: daemon.serves, "listening", 120)
        wait_for(lambda: daemon.metric(_POLLS) >= 2, "it has read", 120)
        wait_for(lambda: _held(home) >= generations, "it has read all", 600)
        until = time.monotonic() + shown_s
        while time.monotonic() < until:
            assert daemon.get("/metrics")[0] == 200, "it answers"
            time.sleep(0.5)
        return resident(daemon)


def resident_after_loading(generations: int, shown_s: float = SHOWN_S) -> float:
    """MB of a daemon that found as many generations of the last two days and an empty ledger, once it has read them."""
    with TemporaryDirectory() as folder, StandinServer(Store(), now_ms=now_ms) as langfuse:
        step_s = 2 * 86_400 / generations
        langfuse.store.add([spend("0.01", feature=f"f{n % 60}", ago_s=60 + n * step_s) for n in range(generations)])
        home = Home.make(Path(folder), langfuse.url)
        home.write(RULES)
        try:
            return resident_after_reading(home, shown_s, generations)
        finally:
            home.end()


def _held(home: Home) -> int:
    """How many generations its ledger has."""
    with closing(sqlite3.connect(home.database, timeout=30)) as database:
        return int(database.execute("SELECT coalesce(sum(generations), 0) FROM project").fetchone()[0])


def resident(daemon: Daemon) -> float:
    """Its resident memory in MB."""
    status = Path(f"/proc/{daemon.process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


class _Ended:
    """Ends a daemon when a block is left."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def close(self) -> None:
        if self._daemon.process.poll() is None:
            self._daemon.stop(within_s=30)


if __name__ == "__main__":
    for name, value, unit, budget in rows():
        print(f"{name}: {value:.3f} {unit}{f' (budget {budget:g})' if budget else ''}")

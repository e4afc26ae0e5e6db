"""`python -m tests.soak [MINUTES] [ROWS_A_DAY]`: the real daemon lives through 42 accelerated days, and we look at what
grows.

A month at 100 generations a second would be 260 million rows. This takes another scale and says which: 42 days, with
rows kept for the shortest time there is (35 days), so that the last 7 days show whether anything still grows once as
much is pruned as comes in. Ingest, judging, pruning, auditing and /metrics are the real ones, over HTTP.
"""

import os
import random
import sys
import time
from decimal import Decimal
from pathlib import Path
from statistics import linear_regression, median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from fusewatch.demo.standin import DEMO_PROJECT, Span, StandinServer, Store
from tests.process.home import Daemon, Home, now_ms
from tests.soak.clock import SharedFastClock

DAYS = 42
KEPT_DAYS = 35
DAY_MS = 86_400_000
RULES = f"""\
version: 1
history: 1d
retention: {{rows: {KEPT_DAYS}d}}
budgets:
  - {{name: all, limit: $1000, every: day}}
  - {{name: features, each: [feature, team], limit: $500, every: day}}
"""


class Look(NamedTuple):
    """What a daemon takes at the end of a day."""

    day: int
    rows: int
    rss_mb: float
    files: int
    database_mb: float
    scrape_ms: float


def spans(day: int, start_ms: int, count: int, chance: random.Random) -> list[Span]:
    """The calls of a day, evenly through it; each arrives when it ends."""
    made = []
    for number in range(count):
        at_ms = start_ms + (day * DAY_MS) + number * DAY_MS // count
        id_ = day * count + number
        made.append(
            Span(
                id=f"{id_:016x}", trace_id=f"{id_:032x}", start_ms=at_ms, end_ms=at_ms + 900, created_ms=at_ms + 950,
                updated_ms=at_ms + 950, arrives_ms=at_ms + 1000, name="call", model=f"gpt-{id_ % 5}",
                user_id=f"user-{chance.randrange(2000)}", metadata={"feature": f"f{id_ % 40}", "team": f"t{id_ % 7}"},
                usage={"input": 900, "output": 100}, cost={"input": Decimal("0.002")}, project_id=DEMO_PROJECT,
            )
        )  # fmt: skip
    return made


def look(daemon: Daemon, home: Home, day: int) -> Look:
    pid = daemon.process.pid
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    rss_kb = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
    times = []
    for _ in range(5):
        began = time.perf_counter()
        text = daemon.get("/metrics")[1]
        times.append((time.perf_counter() - began) * 1000)
    rows = sum(int(float(line.split()[-1])) for line in text.splitlines() if line.startswith("llm_requests_total{"))
    size = sum(file.stat().st_size for file in home.folder.glob("fusewatch.db*"))
    return Look(day, rows, rss_kb / 1024, len(os.listdir(f"/proc/{pid}/fd")), size / 1e6, median(times))


def run(minutes: float, rows_a_day: int, folder: Path) -> list[Look]:
    chance = random.Random(1)
    speed = DAYS * 86_400 / (minutes * 60)
    clock = SharedFastClock(time.clock_gettime(time.CLOCK_MONOTONIC), now_ms() // DAY_MS * DAY_MS, speed)
    looks = []
    with StandinServer(Store(), now_ms=clock.now_ms) as langfuse:
        home = Home.make(folder, langfuse.url)
        home.env["FUSEWATCH_POLL_INTERVAL"] = "1h"
        home.write(RULES)
        program = (sys.executable, "-m", "tests.soak.daemon", repr(clock.began_s), str(clock.start_ms), repr(speed))
        daemon = home.start(program=program, PYTHONPATH=os.getcwd())
        try:
            for day in range(DAYS):
                langfuse.store.add(spans(day, clock.start_ms, rows_a_day, chance))
                while clock.now_ms() < clock.start_ms + (day + 1) * DAY_MS:
                    time.sleep(0.05)
                    assert daemon.process.poll() is None, daemon.stderr[-2000:]
                looks.append(look(daemon, home, day + 1))
                print(
                    "day {:3}  {:9,} rows  {:6.1f} MB  {:3} files  database {:6.1f} MB  /metrics {:5.1f} ms".format(
                        *looks[-1]
                    ),
                    flush=True,
                )
            assert daemon.stop() == 0
        finally:
            home.end()
    return looks


def slopes(looks: list[Look]) -> str:
    """Growth a day over the days in which as much is pruned as comes in, beside the value in their middle."""
    steady = [one for one in looks if one.day > KEPT_DAYS]
    lines = [f"days {steady[0].day} to {steady[-1].day}, in which rows are pruned as fast as they come:"]
    for name in ("rss_mb", "files", "database_mb", "scrape_ms"):
        values = [float(getattr(one, name)) for one in steady]
        slope = linear_regression([float(one.day) for one in steady], values).slope
        lines.append(f"{name:12} {median(values):9.1f}   {slope:+8.3f} a day   {slope / median(values):+8.2%} a day")
    return "\n".join(lines)


if __name__ == "__main__":
    given = [float(text) for text in sys.argv[1:3]]
    with TemporaryDirectory() as temporary:
        print(slopes(run(given[0] if given else 10, int(given[1]) if len(given) > 1 else 3000, Path(temporary))))

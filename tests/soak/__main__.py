"""`python -m tests.soak [MINUTES] [SECONDS_AN_HOUR] [DAYS]`: the real daemon lives through 42 accelerated days, and we
look at what grows.

A month at 100 generations a second would be 260 million rows. Here 100 a second come for some seconds of every hour,
in which ingest works at its full speed; rows are kept for the shortest time there is (35 days), so that in the last
seven days as much is pruned as comes in. Ingest, judging, pruning, auditing and /metrics are the real ones, over HTTP.

At midnight the clock goes at its natural pace until every row of the day is in the counters: all figures of all days
are taken at that moment, of a daemon that has nothing to do.
"""

import json
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import linear_regression, median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from fusewatch.demo.standin import DEMO_PROJECT, Span, StandinServer, Store
from tests.process.home import Daemon, Home, now_ms, wait_for
from tests.soak.clock import SharedClock

A_SECOND = 100
KEPT_DAYS = 35
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
POLL = "1h"
RULES = f"""\
version: 1
history: 1d
retention: {{rows: {KEPT_DAYS}d}}
budgets:
  - {{name: all, limit: $1000, every: day}}
  - {{name: features, each: [feature, team], limit: $500, every: day}}
"""
_USAGE, _COST = {"input": 900, "output": 100}, {"input": Decimal("0.002")}
_SAID = [{"feature": f"f{n % 40}", "team": f"t{n % 7}"} for n in range(280)]


@dataclass(frozen=True, slots=True)
class Plan:
    minutes: float
    seconds_an_hour: int
    days: int

    @property
    def rows_a_day(self) -> int:
        return 24 * self.seconds_an_hour * A_SECOND

    @property
    def speed(self) -> float:
        return self.days * 86_400 / (self.minutes * 60)


class Look(NamedTuple):
    """What a daemon takes at the end of a day, when it rests."""

    day: int
    rows: int
    waited_s: float
    """How long it took, at the natural pace, until the rows of the day were in."""
    rss_mb: float
    sqlite_mb: float
    free_mb: float
    """What malloc keeps though nobody uses it."""
    blocks: int
    """What Python's allocator has handed out."""
    files: int
    database_mb: float
    scrape_ms: float

    def __str__(self) -> str:
        return (
            "day {:2} {:9,} rows ({:4.1f} s)  {:5.1f} MB, of it SQLite {:4.1f}, unused {:4.1f}  {:9,} blocks  "
            "{:2} files  database {:6.1f} MB  /metrics {:5.1f} ms"
        ).format(*self)


def spans(day: int, plan: Plan, start_ms: int, chance: random.Random) -> list[Span]:
    """The calls of a day: so many seconds of every hour; each arrives when it ends."""
    made = []
    for number in range(plan.rows_a_day):
        hour, within = divmod(number, plan.seconds_an_hour * A_SECOND)
        at_ms = start_ms + day * DAY_MS + hour * HOUR_MS + within * 1000 // A_SECOND
        id_ = day * plan.rows_a_day + number
        made.append(
            Span(
                id=f"{id_:016x}", trace_id=f"{id_:032x}", start_ms=at_ms, end_ms=at_ms + 900, created_ms=at_ms + 950,
                updated_ms=at_ms + 950, arrives_ms=at_ms + 1000, name="call", model=f"gpt-{id_ % 5}",
                user_id=f"user-{chance.randrange(2000)}", metadata=_SAID[id_ % 280], usage=_USAGE, cost=_COST,
                project_id=DEMO_PROJECT,
            )
        )  # fmt: skip
    return made


def requests_in(metrics: str) -> int:
    return sum(int(float(line.split()[-1])) for line in metrics.splitlines() if line.startswith("llm_requests_total{"))


def look(daemon: Daemon, home: Home, day: int, rows: int) -> Look:
    """Once all is read. /metrics: the median of nine, one after the other."""
    began = time.monotonic()
    wait_for(lambda: requests_in(daemon.get("/metrics")[1]) >= rows, f"day {day}, {rows} rows", 600)
    waited_s = time.monotonic() - began
    inside = _inside(daemon, home)
    pid = daemon.process.pid
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    rss_kb = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
    times = []
    for _ in range(9):
        began = time.perf_counter()
        text = daemon.get("/metrics")[1]
        times.append((time.perf_counter() - began) * 1000)
    size = sum(file.stat().st_size for file in home.folder.glob("fusewatch.db*"))
    return Look(
        day,
        requests_in(text),
        waited_s,
        rss_kb / 1024,
        inside["sqlite"] / 2**20,
        inside["malloc_free"] / 2**20,
        inside["blocks"],
        len(os.listdir(f"/proc/{pid}/fd")),
        size / 1e6,
        median(times),
    )


def _inside(daemon: Daemon, home: Home) -> dict[str, int]:
    path = home.folder / "inside.json"
    path.unlink(missing_ok=True)
    daemon.process.send_signal(signal.SIGUSR1)
    wait_for(path.exists, "what it holds", 60)
    found: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
    return found


def run(plan: Plan, folder: Path) -> list[Look]:
    chance = random.Random(1)
    start_ms = now_ms() // DAY_MS * DAY_MS
    clock = SharedClock(folder / "clock", start_ms)
    clock.set_pace(plan.speed)
    looks = []
    with StandinServer(Store(), now_ms=clock.now_ms) as langfuse:
        (folder / "home").mkdir()
        home = Home.make(folder / "home", langfuse.url)
        home.env["FUSEWATCH_POLL_INTERVAL"] = POLL
        home.write(RULES)
        inside = home.folder / "inside.json"
        program = (sys.executable, "-m", "tests.soak.daemon", str(folder / "clock"), str(start_ms), repr(plan.speed))
        daemon = home.start(program=(*program, str(inside)), PYTHONPATH=os.getcwd())
        try:
            for day in range(plan.days):
                langfuse.store.add(spans(day, plan, start_ms, chance))
                clock.set_pace(plan.speed)
                while clock.now_ms() < start_ms + (day + 1) * DAY_MS:
                    time.sleep(0.02)
                    assert daemon.process.poll() is None, daemon.stderr[-2000:]
                clock.set_pace(1.0)
                looks.append(look(daemon, home, day + 1, (day + 1) * plan.rows_a_day))
                print(looks[-1], flush=True)
            print(json.dumps(json.loads(inside.read_text(encoding="utf-8")), indent=1))
            assert daemon.stop() == 0
        finally:
            home.end()
    return looks


def slopes(looks: list[Look]) -> str:
    """Growth a day over the last third, and over the days in which as much is pruned as comes in."""
    lines = []
    for first, why in ((looks[-1].day * 2 // 3, "the last third"), (KEPT_DAYS, "rows are pruned as they come")):
        late = [one for one in looks if one.day > first]
        if len(late) < 2:
            continue
        lines.append(f"days {late[0].day} to {late[-1].day} ({why}):")
        for name in ("rss_mb", "sqlite_mb", "blocks", "files", "database_mb", "scrape_ms"):
            values = [float(getattr(one, name)) for one in late]
            slope = linear_regression([float(one.day) for one in late], values).slope
            middle = median(values)
            lines.append(f"{name:12} {middle:12.1f}   {slope:+10.3f} a day   {slope / middle:+8.2%} a day")
    return "\n".join(lines)


if __name__ == "__main__":
    given = sys.argv[1:4]
    wanted = Plan(
        float(given[0]) if given else 10,
        int(given[1]) if len(given) > 1 else 10,
        int(given[2]) if len(given) > 2 else KEPT_DAYS + 7,
    )
    with TemporaryDirectory() as temporary:
        print(f"{wanted.days} days, {A_SECOND} a second for {wanted.seconds_an_hour} s of every hour: ", end="")
        print(f"{wanted.days * wanted.rows_a_day:,} generations, {wanted.speed:,.0f} times as fast as real")
        print(slopes(run(wanted, Path(temporary))))

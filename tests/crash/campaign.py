"""A campaign of crashes: one database lives through all of them, beside a Langfuse and a receiver that count."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Self

from fusewatch.daemon.parts import TICK_S
from fusewatch.demo.standin import DEMO_PROJECT, Span, StandinServer, Store
from fusewatch.store.schema import HEAD
from tests.process.home import Home, now_ms, wait_for
from tests.process.receiver import Answer, Receiver
from tests.upgrades.frozen import REVISIONS, database_at, facts, revision_of

HOUR_MS = 3_600_000
SEEDED_HOURS = 60
KEPT_DAYS = 35
RULES = """\
version: 1
history: {days}d
retention: {{rows: {days}d}}
budgets:
  - {{name: cap, each: [feature], limit: $10, every: month, thresholds: [100%]}}
destinations:
  hook: {{type: webhook, url: "{url}/hook", from: info}}
notify: [hook]
"""
ORDER = ("ingest", "assess", "deliver", "mid-send", "commit", "prune", "anywhere", "migrate", "ingest", "term")
"""The phases in which the rounds end, in turn; `term` is a SIGTERM under load, `anywhere` a random instant."""

STATEMENTS = {"ingest": 12, "assess": 12, "deliver": 3, "commit": 8, "prune": 6, "migrate": 30}
"""At most the statement of this number in a phase is the last one."""

PRUNING_TICK_S = 0.5
"""Pruning begins one tick after a start, which is 15 s by default; its rounds take a shorter one."""


@dataclass(slots=True)
class Figures:
    """What the campaign counted."""

    kills: Counter[str] = field(default_factory=Counter)
    terms: int = 0
    mid_send: int = 0
    """Deliveries that were being sent when their sender was killed."""
    expected: int = 0
    lost: int = 0
    doubled: int = 0
    pruned: int = 0
    generations: int = 0
    ledger_difference: Decimal = Decimal(0)
    seconds: float = 0.0

    def table(self) -> str:
        rows = [
            ("rounds", sum(self.kills.values()) + self.terms),
            *((f"killed: {phase}", count) for phase, count in sorted(self.kills.items())),
            ("SIGTERM under load, ended with 0 within 10 s", self.terms),
            ("sends cut off in the middle", self.mid_send),
            ("notices due", self.expected),
            ("notices lost", self.lost),
            ("notices doubled", self.doubled),
            ("generations", self.generations),
            ("rows pruned", self.pruned),
            ("ledger difference, USD", self.ledger_difference),
            ("seconds", round(self.seconds)),
        ]
        return "\n".join(f"{name:48} {value:>12}" for name, value in rows)


class Nursery:
    """The process that daemons are forked from; one daemon at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._said: SimpleQueue[int] = SimpleQueue()
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(int(line))

    def start(self, order: dict[str, object]) -> int:
        """The process id of a new daemon."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._said.get(timeout=30)

    def ended(self, within_s: float) -> int | None:
        """The exit code of the daemon (negative: the signal), None when it still lives after so long."""
        try:
            return self._said.get(timeout=within_s) if within_s > 0 else self._said.get_nowait()
        except Empty:
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()  # and with it a daemon that still lives
        self._process.wait(30)
        self._process.stdin.close()
        self._thread.join(10)
        self._process.stdout.close()


class Campaign:
    def __init__(self, folder: Path, seed: int, *, verbose: bool = False) -> None:
        self.verbose = verbose
        self.chance = random.Random(seed)
        self.figures = Figures()
        self.ahead_ms = 0
        self.folder = folder
        self.due: set[str] = set()
        self.spans = 0

    def run(self, rounds: int) -> Figures:
        began = time.monotonic()
        with (
            Receiver() as self.receiver,
            StandinServer(Store(), now_ms=self._now_ms) as self.langfuse,
            Nursery() as self.nursery,
        ):
            self.home = Home.make(self.folder, self.langfuse.url)
            self.home.write(RULES.format(url=self.receiver.url, days=KEPT_DAYS))
            self.receiver.answer("/hook", lambda _: Answer(wait_s=self.chance.choice((0.0, 0.0, 0.1))))
            self._seed()
            for number in range(rounds):
                self._round(ORDER[number % len(ORDER)])
                if self.verbose:
                    print(f"{number + 1} {ORDER[number % len(ORDER)]} {time.monotonic() - began:.1f} s", flush=True)
            self._settle(PRUNING_TICK_S)
            self._judge()
        self.figures.seconds = time.monotonic() - began
        return self.figures

    # ------------------------------------------------------------ the world

    def _now_ms(self) -> int:
        return now_ms() + self.ahead_ms

    def _seed(self) -> None:
        """History at the far end of what is kept: each hour that passes lets some of it become too old.

        It begins with a full hour, which is too old after two: at any minute of the clock the first pruning has work.
        """
        oldest_ms = self._floor_ms() + HOUR_MS
        for hour in range(SEEDED_HOURS):
            self.langfuse.store.add(
                self._span("0.01", f"old-{n}", oldest_ms + hour * HOUR_MS + 60_000 * n) for n in range(5, 45, 10)
            )
        self._daemon("none", 0)
        wait_for(lambda: "history_loaded" in self._log(), "the first load", 60)
        self._kill()
        self.ahead_ms += HOUR_MS

    def _span(self, usd: str, feature: str, start_ms: int) -> Span:
        self.spans += 1
        return Span(
            id=f"{self.spans:016x}",
            trace_id=f"{self.spans:032x}",
            start_ms=start_ms,
            end_ms=start_ms + 5,
            created_ms=start_ms + 6,
            updated_ms=start_ms + 6,
            name="call",
            model="gpt-4o",
            metadata={"feature": feature, "team": "web"},
            usage={"input": 900, "output": 100},
            cost={"input": Decimal(usd)},
            project_id=DEMO_PROJECT,
        )

    def _spend(self) -> None:
        """One more feature goes over its limit, and some calls are only calls."""
        feature = f"feature-{len(self.due)}"
        self.due.add(feature)
        at_ms = self._now_ms()
        self.langfuse.store.add([self._span("10.5", feature, at_ms - 50)])
        self.langfuse.store.add(self._span("0.001", f"small-{n % 7}", at_ms - 1000 - 20 * n) for n in range(20))

    # ------------------------------------------------------------ one round

    def _round(self, phase: str) -> None:
        if phase == "migrate":
            self._migrate()
            return
        if phase == "prune":
            self._settle()
            self.ahead_ms += HOUR_MS
        self._spend()
        nth = self.chance.randint(1, STATEMENTS.get(phase, 1))
        self._daemon(phase, nth)
        if phase == "mid-send":
            self._wait(lambda: self.receiver.busy, 6.0)
        elif phase == "anywhere":
            self._wait(lambda: False, self.chance.uniform(0.1, 1.5))
        elif phase == "term":
            self._term()
            return
        else:
            self._wait(lambda: False, 15.0 if phase == "prune" else 4.0)
        self.figures.kills[phase if self._kill() or phase in ("mid-send", "anywhere") else "anywhere"] += 1

    def _daemon(
        self, phase: str, nth: int, database: str = "sqlite:///fusewatch.db", tick_s: float | None = None
    ) -> None:
        self.log = self.folder / "daemon.log"
        self.log.write_bytes(b"")
        self.code: int | None = None
        self.pid = self.nursery.start(
            {
                "folder": str(self.folder),
                "log": str(self.log),
                "env": self.home.environment({}),
                "database": database,
                "phase": phase,
                "nth": nth,
                "ahead_ms": self.ahead_ms,
                "tick_s": tick_s or (PRUNING_TICK_S if phase == "prune" else TICK_S),
            }
        )

    def _wait(self, claim: object, seconds: float) -> None:
        """Until the claim holds, the daemon ended by itself, or so many seconds have passed."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.code is None and not (callable(claim) and claim()):
            self.code = self.nursery.ended(0.005)

    def _kill(self) -> bool:
        """Whether the daemon was dead already, killed where it was ordered to be; it is dead now."""
        by_itself = self.code is not None
        if not by_itself:
            os.kill(self.pid, signal.SIGKILL)
            self.code = self.nursery.ended(10)
        assert self.code == -signal.SIGKILL, f"the daemon ended with {self.code}: {self._log()[-2000:]}"
        assert "Traceback" not in self._log(), self._log()
        with closing(sqlite3.connect(self.folder / "fusewatch.db")) as link:
            self.figures.mid_send += link.execute("SELECT count(*) FROM delivery WHERE state = 'claimed'").fetchone()[0]
        return by_itself

    def _term(self) -> None:
        self._wait(lambda: "listening" in self._log(), 20)
        self._wait(lambda: False, self.chance.uniform(0.0, 0.5))
        os.kill(self.pid, signal.SIGTERM)
        assert self.nursery.ended(10) == 0, self._log()
        self.figures.terms += 1

    def _log(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def _migrate(self) -> None:
        """A start on a database of the oldest schema, killed in the middle; the next start brings it up to date."""
        path = self.folder / "older.db"
        before = facts(database_at(REVISIONS[0], path))
        self._daemon("migrate", self.chance.randint(1, STATEMENTS["migrate"]), f"sqlite:///{path}")
        self._wait(lambda: False, 15)
        if self.code is None:  # all its statements were done before the one it should have died at
            os.kill(self.pid, signal.SIGKILL)
            self.code = self.nursery.ended(10)
        assert self.code == -signal.SIGKILL, self._log()
        assert revision_of(path) in (REVISIONS[0], HEAD)
        assert facts(path) == before
        for file in self.folder.glob("older.db*"):
            file.unlink()
        self.figures.kills["migrate"] += 1

    # ------------------------------------------------------------ the end

    def _settle(self, tick_s: float | None = None) -> None:
        """Let a daemon work until everything was told; with a short tick, until all that is too old was pruned, too."""
        self._daemon("none", 0, tick_s=tick_s)
        until = time.monotonic() + 90
        while tick_s is not None and self._too_old():
            assert time.monotonic() < until, "what is too old was never pruned"
            self._wait(lambda: False, 0.1)
        while not self.due <= self._told():
            assert time.monotonic() < until, f"not told: {sorted(self.due - self._told())[:5]}"
            self._wait(lambda: False, 0.1)
        self._wait(lambda: not self.receiver.busy, 5)
        self._wait(lambda: "listening" in self._log(), 20)
        os.kill(self.pid, signal.SIGTERM)
        assert self.nursery.ended(10) == 0, self._log()

    def _too_old(self) -> int:
        """How many rows of the ledger should have been pruned by now."""
        with closing(sqlite3.connect(self.folder / "fusewatch.db", timeout=30)) as link:
            row = link.execute("SELECT count(*) FROM generation WHERE start_ms < ?", (self._floor_ms(),)).fetchone()
            return int(row[0])

    def _floor_ms(self) -> int:
        return (self._now_ms() - KEPT_DAYS * 24 * HOUR_MS) // HOUR_MS * HOUR_MS

    def _told(self) -> set[str]:
        return {n["key"].get("feature", "") for post in list(self.receiver.finished) for n in post.notices}

    def _judge(self) -> None:
        figures = self.figures
        posts = self.receiver.of("/hook")
        figures.expected = len(self.due)
        figures.lost = len(self.due - self._told())
        figures.doubled = sum(times - 1 for times in Counter(post.id for post in posts).values())
        ids = {(n["key"].get("feature"), post.id) for post in posts for n in post.notices if n["key"].get("feature")}
        assert len(ids) == len({feature for feature, _ in ids}), "a notice came under two ids"
        spans = list(self.langfuse.store.newest(DEMO_PROJECT))
        truth = Decimal(sum(span.total_pico() for span in spans)).scaleb(-12)
        status = json.loads(self.home.call("status", "--json", within_s=60).stdout)
        figures.generations = status["generations"]
        assert figures.generations == len(spans)
        figures.ledger_difference = Decimal(status["spend_usd"]) - truth
        with closing(sqlite3.connect(self.folder / "fusewatch.db")) as link:
            assert link.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            figures.pruned = link.execute("SELECT coalesce(sum(requests), 0) FROM hour_total").fetchone()[0]
        assert figures.pruned >= sum(span.start_ms < self._floor_ms() - HOUR_MS for span in spans)

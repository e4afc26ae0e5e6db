"""Three real daemons on one real PostgreSQL, and rounds of trouble: what is told, how often, and how soon again."""

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import psycopg

from fusewatch.demo.standin import DEMO_PROJECT, StandinServer, Store
from fusewatch.demo.standin.model import Key, Project
from tests.export.postgres import Server
from tests.process.home import Daemon, Home, noon_zone, now_ms, spend, wait_for
from tests.process.receiver import Answer, Receiver

REPLICAS = 3
OTHER = "p-other"
NOTHING = (Decimal(0), 0)
"""What ledger and truth differ by."""

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BUDGETS = """\
version: 1
timezone: {zone}
projects:
  - {{name: one, base_url: "{langfuse}", public_key: "${{ONE_PUBLIC_KEY}}", secret_key: "${{ONE_SECRET_KEY}}"}}
  - {{name: two, base_url: "{langfuse}", public_key: "${{TWO_PUBLIC_KEY}}", secret_key: "${{TWO_SECRET_KEY}}"}}
budgets:
  - {{name: per-feature, each: [feature], limit: $10, every: day, thresholds: [50%]}}
destinations:
  hook: {{type: webhook, url: "{url}/hook", secret: "${{HOOK_SECRET}}", from: info}}
notify: [hook]
"""


class Trouble(StrEnum):
    KILL_HOLDER = "kill -9 of a daemon with a lease"
    KILL_ANY = "kill -9 of any daemon"
    KILL_SENDER = "kill -9 in the middle of a send"
    KILL_TWO = "kill -9 of two daemons at once"
    PAUSE = "SIGSTOP of a daemon with a lease, then SIGCONT"
    TERMINATE = "pg_terminate_backend of every session"
    RESTART = "restart of the server"


@dataclass(slots=True)
class Round:
    """`took_s` is from the trouble until what was spent right after it was told."""

    trouble: Trouble
    took_s: float


@dataclass(slots=True)
class World:
    """The daemons, what they read and where they send."""

    langfuse: StandinServer
    receiver: Receiver
    server: Server
    homes: list[Home]
    chance: random.Random
    running: list[Daemon] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)
    rounds: list[Round] = field(default_factory=list)
    killed: int = 0
    paused: int = 0

    # ------------------------------------------------------------ daemons

    def start(self, number: int) -> None:
        daemon = self.homes[number].run()
        if number < len(self.running):
            self.running[number] = daemon
        else:
            self.running.append(daemon)

    def kill(self, number: int) -> None:
        self.killed += 1
        self.running[number].kill()

    def holders(self) -> dict[str, int]:
        """By lease: the place of the daemon that has it."""
        pids = {daemon.process.pid: number for number, daemon in enumerate(self.running)}
        with psycopg.connect(self.server.url) as link:
            rows = link.execute("SELECT name, holder FROM lease WHERE name NOT LIKE 'replica %'").fetchall()
        found = {name: pids.get(int(holder.split()[1])) for name, holder in rows}
        return {name: number for name, number in found.items() if number is not None}

    # ------------------------------------------------------------ spending and telling

    def cross(self) -> str:
        """One more key spends half of its limit; its name."""
        key = f"feature-{len(self.expected)}"
        self.expected.add(key)
        project = self.chance.choice((DEMO_PROJECT, OTHER))
        self.langfuse.store.add([spend("5.5", feature=key, project=project)])
        return key

    def told(self) -> set[str]:
        return {notice["key"]["feature"] for post in list(self.receiver.finished) for notice in post.notices}

    def wait_until_told(self, within_s: float) -> None:
        wait_for(lambda: self.expected <= self.told(), f"{self.expected - self.told()}; {self.state()}", within_s)

    def state(self) -> str:
        return "\n".join(f"{d.process.pid} {d.process.poll()}\n{d.stderr[-1500:]}" for d in self.running)

    # ------------------------------------------------------------ trouble

    def round(self, trouble: Trouble) -> Round:
        """Make the trouble, spend, and see that it is told; then mend what was broken."""
        mend = self._make(trouble)
        began = time.monotonic()
        self.cross()
        self.wait_until_told(60.0)
        done = Round(trouble, time.monotonic() - began)
        mend()
        self.rounds.append(done)
        return done

    def _make(self, trouble: Trouble) -> Callable[[], None]:
        match trouble:
            case Trouble.KILL_HOLDER | Trouble.KILL_ANY | Trouble.KILL_SENDER | Trouble.KILL_TWO:
                return self._kill(trouble)
            case Trouble.PAUSE:
                return self._pause()
            case Trouble.TERMINATE:
                with psycopg.connect(self.server.url, autocommit=True) as link:
                    link.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
                return _nothing
            case Trouble.RESTART:
                self.server.stop(self.chance.choice(("immediate", "fast")))
                self.server.start()
                return _nothing

    def _kill(self, trouble: Trouble) -> Callable[[], None]:
        numbers = list(range(REPLICAS))
        self.chance.shuffle(numbers)
        if trouble is Trouble.KILL_HOLDER:
            numbers = sorted(set(self.holders().values()) or {0}, key=lambda _: self.chance.random())
        if trouble is Trouble.KILL_SENDER:
            self.cross()
            until = time.monotonic() + 5
            while time.monotonic() < until and not self.receiver.busy:
                time.sleep(0.002)
            numbers = [self._sender()]
        doomed = numbers[: 2 if trouble is Trouble.KILL_TWO else 1]
        for number in doomed:
            self.kill(number)

        def mend() -> None:
            for number in doomed:
                self.start(number)

        return mend

    def _sender(self) -> int:
        with psycopg.connect(self.server.url) as link:
            row = link.execute("SELECT holder FROM delivery WHERE state = 'claimed' LIMIT 1").fetchone()
        pids = {daemon.process.pid: number for number, daemon in enumerate(self.running)}
        return pids.get(int(row[0].split()[1]), 0) if row else 0

    def _pause(self) -> Callable[[], None]:
        number = self.chance.choice(sorted(set(self.holders().values()) or {0}))
        paused = self.running[number].process
        paused.send_signal(signal.SIGSTOP)
        self.paused += 1
        return lambda: paused.send_signal(signal.SIGCONT)

    # ------------------------------------------------------------ the account

    def ready(self) -> None:
        wait_for(lambda: all(daemon.serves or daemon.process.poll() is not None for daemon in self.running), "all", 90)
        assert all(daemon.process.poll() is None for daemon in self.running), self.state()
        wait_for(lambda: len(self.holders()) == 3, "every lease is held", 30)

    def lost(self) -> int:
        return len(self.expected - self.told())

    def doubled(self) -> int:
        """Notices that came more than once, or under two ids."""
        posts = self.receiver.of("/hook")
        again = sum(times - 1 for times in Counter(post.id for post in posts).values())
        ids: dict[str, set[str]] = {}
        for post in posts:
            for notice in post.notices:
                ids.setdefault(notice["key"]["feature"], set()).add(post.id)
        return again + sum(len(found) - 1 for found in ids.values())

    def cut_off(self) -> int:
        """Sends whose answer the sender did not live to hear."""
        return len(self.receiver.dropped)

    def difference(self) -> tuple[Decimal, int]:
        """Ledger minus truth: money, and how many generations."""
        spans = [span for project in (DEMO_PROJECT, OTHER) for span in self.langfuse.store.newest(project)]
        truth = Decimal(sum(span.total_pico() for span in spans)).scaleb(-12)
        status = json.loads(self.homes[0].call("status", "--json").stdout)
        return Decimal(status["spend_usd"]) - truth, status["generations"] - len(spans)


def _nothing() -> None:
    """Mended by itself."""


@contextmanager
def world(folder: Path, seed: int) -> Iterator[World]:
    projects = (Project(), Project(id=OTHER, name="Other", organization_id="org-other", organization_name="Other Org"))
    keys = (Key(), Key(public="pk-lf-other", secret="sk-lf-other", project_id=OTHER))
    chance = random.Random(seed)
    with ExitStack() as stack:
        server = stack.enter_context(Server())
        langfuse = stack.enter_context(StandinServer(Store(), now_ms=now_ms, projects=projects, keys=keys))
        receiver = stack.enter_context(Receiver())
        receiver.answer("/hook", lambda _post: Answer(wait_s=chance.choice((0.0, 0.02, 0.3))))
        homes = []
        for number in range(REPLICAS):
            place = folder / f"replica-{number}"
            place.mkdir()
            home = Home.make(place, langfuse.url)
            home.env |= {
                "FUSEWATCH_DATABASE_URL": server.url,
                "ONE_PUBLIC_KEY": keys[0].public,
                "ONE_SECRET_KEY": keys[0].secret,
                "TWO_PUBLIC_KEY": keys[1].public,
                "TWO_SECRET_KEY": keys[1].secret,
                "HOOK_SECRET": SECRET,
            }
            home.write(BUDGETS.format(zone=noon_zone(), url=receiver.url, langfuse=langfuse.url))
            homes.append(home)
        made = World(langfuse, receiver, server, homes, chance)
        try:
            for number in range(REPLICAS):
                made.start(number)
            made.ready()
            yield made
        finally:
            for daemon in made.running:
                if daemon.process.poll() is None:
                    os.kill(daemon.process.pid, signal.SIGCONT)
            for home in homes:
                home.end()

"""Three real daemons on one real PostgreSQL, and rounds of trouble: what is told, how often, and how soon again."""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from fusewatch.demo.standin import DEMO_PROJECT, StandinServer, Store
from fusewatch.demo.standin.model import Key, Project
from fusewatch.demo.standin.troubles import slow
from tests.process.home import Daemon, Home, noon_zone, now_ms, spend, wait_for
from tests.process.receiver import Answer, Post, Receiver
from tests.replicas.account import CutOff, Repeats, Ticker, repeats
from tests.replicas.pair import Pair

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
    FAILOVER = "death of the server, promotion of its standby"


KILLS = frozenset({Trouble.KILL_HOLDER, Trouble.KILL_ANY, Trouble.KILL_SENDER, Trouble.KILL_TWO})


@dataclass(slots=True)
class Round:
    """`took_s` is from the trouble until what was spent right after it was told."""

    trouble: Trouble
    took_s: float
    why: str
    """What the daemons said meanwhile."""
    stood_still_s: float
    """For how long at most the machine gave us no turn."""
    unexplained: int
    """Posts that were repeated since the round before, for no reason that we gave."""


@dataclass(slots=True)
class World:
    """The daemons, what they read and where they send."""

    langfuse: StandinServer
    receiver: Receiver
    servers: Pair
    homes: list[Home]
    chance: random.Random
    running: list[Daemon] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)
    rounds: list[Round] = field(default_factory=list)
    cut_off: CutOff = field(default_factory=CutOff)
    ticker: Ticker = field(default_factory=Ticker)
    holds: bool = False
    """Whether the receiver takes its time before it answers."""
    woken: list[tuple[Daemon, int]] = field(default_factory=list)
    """Those that were paused, and when they went on."""
    killed: int = 0
    paused: int = 0

    # ------------------------------------------------------------ daemons

    def start(self, number: int) -> None:
        daemon = self.homes[number].run()
        if number < len(self.running):
            self.running[number] = daemon
        else:
            self.running.append(daemon)

    def holders(self) -> dict[str, int]:
        """By lease: the place of the daemon that has it."""
        rows = self._ask("SELECT name, holder FROM lease WHERE name NOT LIKE 'replica %'")
        found = {name: self._place_of(holder) for name, holder in rows}
        return {name: number for name, number in found.items() if number is not None}

    def _place_of(self, holder: str) -> int | None:
        pids = {daemon.process.pid: number for number, daemon in enumerate(self.running)}
        return pids.get(int(holder.split()[1]))

    def _ask(self, statement: LiteralString) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.servers.url, autocommit=True) as link:
            return link.execute(statement).fetchall()

    def _sending(self, number: int) -> list[str]:
        """The deliveries that this daemon has claimed."""
        rows = self._ask("SELECT id, holder FROM delivery WHERE state = 'claimed'")
        return [id_ for id_, holder in rows if self._place_of(holder) == number]

    # ------------------------------------------------------------ spending and telling

    def cross(self, *projects: str) -> None:
        """In each project one more key spends half of its limit."""
        for project in projects or (self.chance.choice((DEMO_PROJECT, OTHER)),):
            key = f"feature-{len(self.expected)}"
            self.expected.add(key)
            self.langfuse.store.add([spend("5.5", feature=key, project=project)])

    def told(self) -> set[str]:
        return {notice["key"]["feature"] for post in list(self.receiver.finished) for notice in post.notices}

    def wait_until_told(self, within_s: float) -> None:
        wait_for(lambda: self.expected <= self.told(), f"{self.expected - self.told()}; {self.said(0)}", within_s)

    def answer(self, _post: Post) -> Answer:
        return Answer(wait_s=1.0 if self.holds else self.chance.choice((0.0, 0.02, 0.3)))

    def said(self, since_ms: int) -> str:
        """What the daemons logged, and what the machine had to do."""
        lines = [f"load {os.getloadavg()[0]:.0f}"]
        for number, daemon in enumerate(self.running):
            lines.append(f"daemon {number}, process {daemon.process.pid}, ended {daemon.process.poll()}")
            shown = [entry for entry in daemon.log if _ms(entry["timestamp"]) >= since_ms]
            lines += [f"  {json.dumps(entry)[:300]}" for entry in shown[-12:]]
        return "\n".join(lines)

    # ------------------------------------------------------------ trouble

    def round(self, trouble: Trouble) -> Round:
        """With all three in health: make the trouble, spend, and see that it is told; then mend what was broken."""
        before = self.repeats().unexplained
        self.ready()
        mend = self._make(trouble)
        began, began_ms = time.monotonic(), now_ms()
        self.cross(DEMO_PROJECT, OTHER)  # so that no lease may lie
        self.wait_until_told(90.0)
        took_s = time.monotonic() - began
        done = Round(trouble, took_s, self.said(began_ms), self.ticker.longest_s(), self.repeats().unexplained - before)
        mend()
        self.rounds.append(done)
        return done

    def _make(self, trouble: Trouble) -> Callable[[], None]:
        match trouble:
            case Trouble.KILL_HOLDER:
                self._kill(self.chance.choice(sorted(set(self.holders().values()) or {0})))
            case Trouble.KILL_ANY:
                self._kill(self.chance.randrange(REPLICAS))
            case Trouble.KILL_SENDER:
                self._kill(self._sender())
            case Trouble.KILL_TWO:
                self._kill(*self.chance.sample(range(REPLICAS), 2))
            case Trouble.PAUSE:
                return self._pause()
            case Trouble.TERMINATE:
                self.servers.cut()
            case Trouble.RESTART:
                self.servers.restart(self.chance.choice(("immediate", "fast")))
            case Trouble.FAILOVER:
                self.servers.fail_over()
        return _nothing

    def _kill(self, *doomed: int) -> None:
        """At once, and start others in their places, as whatever supervises them would."""
        for number in doomed:
            self.running[number].process.kill()
        for number in doomed:
            self.killed += 1
            self.running[number].kill()
        self._until_sessions_ended(doomed)
        posts = self.receiver.of("/hook")
        for number in doomed:
            self.cut_off.add(self._sending(number), posts)
        for number in doomed:
            self.start(number)

    def _until_sessions_ended(self, doomed: tuple[int, ...]) -> None:
        """Then the server has done all that they ever asked of it."""
        names = {f"replica-{number}" for number in doomed}

        def ended() -> bool:
            return not names & {name for (name,) in self._ask("SELECT application_name FROM pg_stat_activity")}

        wait_for(ended, "the server ends the sessions of the killed", 10)

    def _sender(self) -> int:
        """Who waits for the receiver's answer."""
        self.holds = True
        self.cross()
        wait_for(lambda: self.receiver.busy, "a send", 20)
        self.holds = False
        rows = self._ask("SELECT holder FROM delivery WHERE state = 'claimed'")
        places = [place for (holder,) in rows if (place := self._place_of(holder)) is not None]
        return places[0] if places else 0

    def _pause(self) -> Callable[[], None]:
        """While it waits for Langfuse's answer, if it reads: it will want to write what it read when it goes on."""
        self.langfuse.troubles.add(slow(1.5), slow(1.5))
        time.sleep(1.0)
        number = self.chance.choice(sorted(set(self.holders().values()) or {0}))
        paused = self.running[number].process
        paused.send_signal(signal.SIGSTOP)
        self.paused += 1
        time.sleep(0.3)  # what it had asked of the server by then is done
        self.cut_off.add(self._sending(number), self.receiver.of("/hook"), paused=True)

        def wake() -> None:
            self.woken.append((self.running[number], now_ms()))
            paused.send_signal(signal.SIGCONT)

        return wake

    # ------------------------------------------------------------ the account

    def ready(self) -> None:
        """All three live and serve, and every lease is held by one of them."""
        wait_for(lambda: all(daemon.serves or daemon.process.poll() is not None for daemon in self.running), "all", 180)
        assert all(daemon.process.poll() is None for daemon in self.running), self.said(0)
        wait_for(lambda: len(self.holders()) == 3, "every lease is held", 30)

    def lost(self) -> int:
        return len(self.expected - self.told())

    def repeats(self) -> Repeats:
        return repeats(self.receiver.of("/hook"), self.cut_off)

    def refused(self) -> tuple[int, int]:
        """How many writes were refused for want of the lease: to daemons that had just woken up, and in all."""
        every = sum(len(daemon.events("write_refused")) for home in self.homes for daemon in home.daemons)
        woken = sum(
            at_ms <= _ms(entry["timestamp"]) < at_ms + 5_000
            for daemon, at_ms in self.woken
            for entry in daemon.events("write_refused")
        )
        return woken, every

    def difference(self) -> tuple[Decimal, int]:
        """Ledger minus truth: money, and how many generations."""
        spans = [span for project in (DEMO_PROJECT, OTHER) for span in self.langfuse.store.newest(project)]
        truth = Decimal(sum(span.total_pico() for span in spans)).scaleb(-12)
        status = json.loads(self.homes[0].call("status", "--json").stdout)
        return Decimal(status["spend_usd"]) - truth, status["generations"] - len(spans)


def _nothing() -> None:
    """Mended by itself."""


def _ms(written: str) -> int:
    return int(datetime.fromisoformat(written).timestamp() * 1000)


@contextmanager
def world(folder: Path, seed: int) -> Iterator[World]:
    projects = (Project(), Project(id=OTHER, name="Other", organization_id="org-other", organization_name="Other Org"))
    keys = (Key(), Key(public="pk-lf-other", secret="sk-lf-other", project_id=OTHER))
    chance = random.Random(seed)
    with ExitStack() as stack:
        servers = stack.enter_context(Pair())
        langfuse = stack.enter_context(StandinServer(Store(), now_ms=now_ms, projects=projects, keys=keys))
        receiver = stack.enter_context(Receiver())
        homes = []
        for number in range(REPLICAS):
            place = folder / f"replica-{number}"
            place.mkdir()
            home = Home.make(place, langfuse.url)
            home.env |= {
                "FUSEWATCH_DATABASE_URL": servers.url,
                "PGAPPNAME": place.name,
                "ONE_PUBLIC_KEY": keys[0].public,
                "ONE_SECRET_KEY": keys[0].secret,
                "TWO_PUBLIC_KEY": keys[1].public,
                "TWO_SECRET_KEY": keys[1].secret,
                "HOOK_SECRET": SECRET,
            }
            home.write(BUDGETS.format(zone=noon_zone(), url=receiver.url, langfuse=langfuse.url))
            homes.append(home)
        made = World(langfuse, receiver, servers, homes, chance)
        receiver.answer("/hook", made.answer)
        stack.enter_context(made.ticker)
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

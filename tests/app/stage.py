"""The stage: the real passes over a real database, before a Langfuse that answers in-process and on the story's clock.

Only what lies outside Fusewatch is made up: `scene`, and the receivers. A round is what the daemon's loops do at one
poll: read, judge, read on until no history is left, and send.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fusewatch.app.assess import Assessment, assess_pass
from fusewatch.app.audit import AuditReport, audit_pass
from fusewatch.app.deliver import Attempt, deliver_one
from fusewatch.app.ingest import IngestReport, Reader, ingest_pass
from fusewatch.app.pricing import PricingReport, Shelf, pricing_pass
from fusewatch.app.prune import PruneReport, prune_pass
from fusewatch.app.snapshot import Snapshot, take_snapshot
from fusewatch.app.totals import TotalsReport, totals_pass
from fusewatch.bootstrap import ProjectEntry, Rulebook, World
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.notices import Incident, Message, State
from fusewatch.domain.readplan import need_from
from fusewatch.domain.silences import Silence, mistakes_in, silence_of
from fusewatch.errors import Permanent, Retryable
from fusewatch.ports import Linker, ProjectState
from fusewatch.store import SqlStore, open_store
from tests.app.inbox import Inbox, Killed
from tests.app.scene import ENVIRON, Scene
from tests.app.when import DAY_MS, MINUTE_MS

T = TypeVar("T")

HEADER = """
version: 1
destinations:
  finops: {type: console}
  content: {type: console}
  pager: {type: console, from: critical}
  diary: {type: console, from: info}
notify: [finops]
"""
"""What rules start with that do not say `version` themselves. `diary` hears everything, `pager` only the worst."""

_MOST_PASSES = 500


class MortalRunner:
    """Implements `ports.Runner`, inline. The process ends at the transaction numbered `fatal`: just before it, or just
    after its commit."""

    def __init__(self) -> None:
        self.done = 0
        self.fatal: int | None = None
        self.after_commit = False

    async def __call__(self, work: Callable[[], T], /) -> T:
        self.done += 1
        if self.done == self.fatal and not self.after_commit:
            raise Killed
        result = work()
        if self.done == self.fatal:
            raise Killed
        return result


@dataclass(slots=True)
class Watched:
    """One project as the daemon's loop for it remembers it."""

    entry: ProjectEntry
    state: ProjectState | None = None
    identified: bool = False
    polls: int = 0
    shelf: Shelf = field(default_factory=Shelf)


@dataclass(slots=True, kw_only=True)
class Stage(Scene):
    """One story: spend arrives, time passes, the daemon polls, is killed, is given other rules; receivers remember.

    `window_ms` is how much history one pass reads at most; `repeats_allowed` how many messages a destination may have
    received twice when the story ends; `forgotten` are users whose names are to be nowhere then. With `linker` set
    notices get links.
    """

    rules: str
    folder: Path
    window_ms: int = 40 * DAY_MS
    runner: MortalRunner = field(init=False)
    store: SqlStore = field(init=False)
    book: Rulebook = field(init=False)
    watched: list[Watched] = field(init=False)
    active: set[str] = field(init=False)
    started_ms: int = field(init=False)
    inboxes: dict[str, Inbox] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    totals: list[TotalsReport] = field(default_factory=list)
    repeats_allowed: int = 0
    forgotten: set[str] = field(default_factory=set)
    linker: Linker | None = None
    url: str = ""
    """The database; by default a file in the folder."""
    _loop: asyncio.Runner = field(default_factory=asyncio.Runner)

    def __post_init__(self) -> None:
        Scene.__post_init__(self)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.url = self.url or f"sqlite:///{self.folder}/fusewatch.db"
        self._write(self.rules)
        self._start()

    # ------------------------------------------------------------ time passes

    def at(self, *times: str) -> None:
        """At each of these times one round: a poll, history until none is left, and all that is due sent."""
        for text in times:
            self.clock.move(self.ms(text))
            self.round()

    def every(self, minutes: int, until: str) -> None:
        """A round every so many minutes, the last one at `until`."""
        end_ms = self.ms(until)
        while self.clock.now_ms() < end_ms:
            self.clock.move(min(self.clock.now_ms() + minutes * MINUTE_MS, end_ms))
            self.round()

    def round(self) -> None:
        self._run(self._round())

    def poll(self, at: str) -> list[IngestReport]:
        """A poll at this time that reads no more history than one pass does."""
        self.clock.move(self.ms(at))
        return self._run(self._pass(live=True))

    def read_on(self) -> list[IngestReport]:
        """One more pass of history, a second later."""
        self.clock.go_on(1000)
        return self._run(self._pass(live=False))

    def deliver_until(self, until: str) -> None:
        """Only the senders work: each delivery at the time when it is due."""
        end_ms = self.ms(until)
        while True:
            due = self.store.deliver(lambda unit: unit.next_due(list(self.inboxes)))
            if due is None or due > end_ms:
                break
            self.clock.move(max(due, self.clock.now_ms()))
            self._run(self._deliver())
        self.clock.move(end_ms)

    def keep_up(self) -> tuple[PruneReport | None, AuditReport | None]:
        """As the daemon's upkeep: prune what is too old, audit a day when that is due, judge what comes of it."""
        return self._run(self._keep_up())

    async def _keep_up(self) -> tuple[PruneReport | None, AuditReport | None]:
        pruned = await prune_pass(self.store, self.runner, self.clock, self.book.rules.retention)
        audited = await audit_pass(self.store, self.runner, self.clock, self.book.rules)
        await self._assess_and_deliver()
        return pruned, audited

    async def _round(self) -> None:
        reports = await self._pass(live=True)
        for _ in range(_MOST_PASSES):
            if not any(report.more for report in reports):
                return
            self.clock.go_on(1000)
            reports = await self._pass(live=False)
        raise AssertionError("history never came to an end")

    async def _pass(self, *, live: bool) -> list[IngestReport]:
        reports = []
        for watched in self.watched:
            if watched.identified or (live and await self._identify(watched)):
                reports.append(await self._ingest(watched, live=live))
            await self._assess()
            if live and watched.state is not None:
                await self._total(watched)
        await self._deliver()
        return reports

    async def _total(self, watched: Watched) -> None:
        assert watched.state is not None, "an identified project has a state"
        source, key = watched.entry.source, watched.state.key
        report = await totals_pass(source, key, self.store, self.runner, self.clock, self.book.rules)
        if report is not None:
            self.totals.append(report)
            await self._assess()

    async def _ingest(self, watched: Watched, *, live: bool) -> IngestReport:
        assert watched.state is not None, "an identified project has a state"
        reader = Reader(
            watched.entry.source,
            watched.state.key,
            Resolver(self.book.rules.attribution),
            window_ms=self.window_ms,
            prices=self.store.ingest(watched.state.key, lambda u: watched.shelf.take(u, self.book.rules.prices)),
        )
        report = await ingest_pass(
            reader,
            self.store,
            self.runner,
            self.clock,
            poll=watched.polls if live else None,
            need_from_ms=need_from(self.book.rules, self.clock.now_ms()),
        )
        watched.polls += live
        if isinstance(report.failure, Permanent):
            watched.identified = False
        return report

    def price(self) -> list[PricingReport]:
        """What the daemon does beside its polls: estimates follow the prices, and are judged at once."""
        return self._run(self._price())

    async def _price(self) -> list[PricingReport]:
        reports = []
        for watched in self.watched:
            if watched.state is not None:
                source, key, prices = watched.entry.source, watched.state.key, self.book.rules.prices
                reports.append(
                    await pricing_pass(source, key, self.store, self.runner, self.clock, watched.shelf, prices)
                )
        await self._assess_and_deliver()
        return reports

    async def _identify(self, watched: Watched) -> bool:
        """As the daemon does: while Langfuse cannot be asked, the project is the one that it was before."""
        entry, now_ms = watched.entry, self.clock.now_ms()
        try:
            identity = await entry.source.identify()
        except (Retryable, Permanent) as error:
            known = watched.state or self.store.known(entry.host, entry.name)
            if known is not None:
                watched.state = known
                self.active.add(known.key)
                self.store.failed(known.key, at_ms=now_ms, reason=error.reason, text=str(error), retry_at_ms=None)
            return False
        watched.state = await self.runner(lambda: self.store.register(identity, entry.name, now_ms=now_ms))
        watched.identified = True
        self.active.add(identity.key)
        return True

    async def _assess(self) -> None:
        given = Assessment(
            self.book.rules, frozenset(self.active), self.started_ms, expected=len(self.watched), linker=self.linker
        )
        more = True
        while more:
            report = await self.runner(lambda: assess_pass(self.store, given, self.clock.now_ms()))
            more = report.more

    async def _deliver(self) -> None:
        """The senders of all destinations at once, each until nothing is due."""
        ended = await asyncio.gather(*map(self._deliver_to, list(self.inboxes)), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error

    async def _deliver_to(self, name: str) -> None:
        while True:
            attempt = await deliver_one(
                name, self.inboxes[name], self.store, self.runner, self.clock, holder="the stage"
            )
            if attempt is None:
                return
            self.attempts.append(attempt)

    # ------------------------------------------------------------ the daemon starts and ends

    def _start(self) -> None:
        self.runner = MortalRunner()
        self.store = open_store(self.url, holder="the stage", exclusive=True)
        self.store.free_claims()
        world = World(self.clock, lambda *_: None, transport=self.wire)
        self.book = Rulebook.open(self.folder / "budgets.yaml", ENVIRON, self.store, world, strict=False)
        self.started_ms = self.clock.now_ms()
        self._connect()

    def _connect(self) -> None:
        connections = self.book.connect()
        self.watched = [Watched(entry) for entry in connections.projects]
        self.active = set()
        for name in connections.notifiers:
            self.inboxes.setdefault(name, Inbox(self.clock))

    def restart(self) -> None:
        """The process ends, in whatever state it is, and another one starts on the same database."""
        self._stop()
        self.wire.fatal = None
        self._start()

    def dies(self, at: Callable[[], object]) -> bool:
        """Whether the process was killed on the way. A killed one does nothing more until `restart`."""
        try:
            at()
        except Killed:
            return True
        return False

    def _stop(self) -> None:
        for watched in self.watched:
            self._run(watched.entry.source.close())
        self.store.close()

    def close(self) -> None:
        self._stop()
        self._loop.close()

    # ------------------------------------------------------------ the budget file changes

    def reload(self, rules: str) -> None:
        """Somebody edits the budget file. As the daemon does: judge at once, connect anew where the world changed."""
        self._write(rules)
        mark = self.book.mark()
        if self.book.reload():
            self.clock.go_on(1000)
            self._run(self._assess_and_deliver())
        if self.book.mark() != mark:
            for watched in self.watched:
                self._run(watched.entry.source.close())
            self._connect()

    async def _assess_and_deliver(self) -> None:
        await self._assess()
        await self._deliver()

    def _write(self, rules: str) -> None:
        text = rules if "version:" in rules else HEADER + rules
        (self.folder / "budgets.yaml").write_text(text)

    # ------------------------------------------------------------ silences

    def silence(self, until: str, **wanted: str) -> Silence:
        """Somebody silences what has these values, at once."""
        matchers = {name: [pattern] for name, pattern in wanted.items()}
        silence = silence_of(
            matchers, starts_ms=self.clock.now_ms(), ends_ms=self.ms(until), author="ana", comment="known"
        )
        assert mistakes_in(silence, self.book.rules, self.clock.now_ms()) == ()
        self.store.add_silence(silence)
        return silence

    # ------------------------------------------------------------ what is seen

    def inbox(self, name: str) -> Inbox:
        return self.inboxes[name]

    def news(self, name: str = "finops") -> list[str]:
        """What this destination accepted since the last look (`inbox.said`)."""
        return self.inboxes[name].news()

    def told(self, name: str = "finops") -> Sequence[Message]:
        """Every message that it ever accepted."""
        return self.inboxes[name].accepted

    def silent(self) -> bool:
        """Whether no destination accepted anything since it was looked at."""
        return not any(inbox.news() for inbox in self.inboxes.values())

    def incidents(self, rule: str | None = None) -> list[Incident]:
        """All incidents that are stored, the latest change first."""
        found = self.store.read(lambda unit: unit.incidents(open_only=False, limit=10_000))
        return [incident for incident in found if rule is None or incident.rule == rule]

    def open(self, rule: str) -> list[Incident]:
        return [incident for incident in self.incidents(rule) if incident.state is State.OPEN]

    def shown(self) -> Snapshot:
        return take_snapshot(
            self.store,
            self.book.rules,
            frozenset(self.active),
            now_ms=self.clock.now_ms(),
            started_ms=self.started_ms,
            linker=self.linker,
        )

    def _run(self, work: Awaitable[T]) -> T:
        async def whole() -> T:
            return await work

        return self._loop.run(whole())

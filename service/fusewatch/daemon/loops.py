"""The loops: one for each project, one that assesses, one for each destination; bells wake them, or time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

from fusewatch.app.assess import Assessment, assess_pass
from fusewatch.app.audit import audit_pass
from fusewatch.app.deliver import Attempt, Outcome, deliver_one
from fusewatch.app.ingest import RULES_CHANGED, IngestReport, Reader, ingest_pass
from fusewatch.app.pricing import Shelf, pricing_pass
from fusewatch.app.prune import prune_pass
from fusewatch.app.reconcile import reconcile_pass
from fusewatch.app.relay import Relaying
from fusewatch.app.totals import totals_pass
from fusewatch.bootstrap import ProjectEntry
from fusewatch.daemon.bells import Bells
from fusewatch.daemon.parts import Parts
from fusewatch.daemon.replica import LOOK_S
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.readplan import narrower, need_from, window_of
from fusewatch.errors import LeaseLost, Leaving, Permanent, Retryable, StoreLost
from fusewatch.ports import Notifier, ProjectState
from fusewatch.ports.leases import JUDGE, reading
from fusewatch.runtime import many_rows

HOUR_MS = 3_600_000
COMPARE_EVERY_S = 3600.0
COMPARE_ON_S = 300.0
"""How soon a comparison that left hours unread goes on."""

REMINDER = "reminder"
"""The name that an attempt to remind a receiver has in place of a delivery's."""

LIST_AGAIN_S = 600.0
"""How soon a price list that could not be fetched is asked for again."""


@dataclass(slots=True)
class Loops:
    """The loops over one set of connections."""

    parts: Parts
    bells: Bells
    expected: int
    """How many projects are configured."""
    active: set[str] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)
    """By the stable key of a project: the name of the entry that reads it."""
    refused: dict[str, Permanent] = field(default_factory=dict)
    assessed_ms: int = 0
    """When an assessment that left nothing to judge began."""
    replaced: bool = False
    """Another file names another world: these loops take no further step."""

    async def keep(
        self,
        name: str,
        step: Callable[[], Awaitable[None]],
        pause_s: float = 5.0,
        *,
        lease: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Take steps until the stop. A step that fails is reported and tried again: one bad row must not blind all.
        While another daemon has the lease that the step needs, none is taken."""
        while not (self.bells.stop.is_set() or self.replaced):
            self.bells.beat(name)
            needed = lease()
            if needed is not None and self.parts.rights.fence(needed) is None:
                await self.bells.wait(f"lease of {name}", LOOK_S)
                continue
            try:
                await step()
            except LeaseLost as error:
                self.parts.observer.fenced(name, error)
                self.bells.beat(name)
            except Leaving:
                self.bells.beat(name)  # by our own wish, and the loop ends
            except Exception as error:  # noqa: BLE001 - the one broad edge of every loop (STYLE, rule 10)
                self.parts.observer.crashed(name, error)
                # A server that was away is asked as often as leases are looked at.
                await self.bells.pause(name, min(pause_s, LOOK_S) if isinstance(error, StoreLost) else pause_s)
        self.bells.forget(name)

    # ------------------------------------------------------------ assess

    async def assess_step(self) -> None:
        parts = self.parts
        await self.bells.wait("assess", parts.tick_s)
        more = True
        while more and not self.bells.stop.is_set():
            given = Assessment(
                rules=parts.rulebook.rules,
                active=frozenset(self.active),
                started_ms=parts.started_ms,
                link=parts.link,
                expected=self.expected,
                linker=parts.linker,
            )
            began_ms = parts.clock.now_ms()
            report = await parts.run(partial(assess_pass, parts.store, given, began_ms))
            parts.observer.assessed(report)
            self.assessed_ms = self.assessed_ms if report.more else began_ms
            for message in report.messages:
                self.bells.ring(f"deliver {message.destination}")
            more = report.more
        self.bells.ring("heartbeat")

    # ------------------------------------------------------------ upkeep

    async def upkeep_step(self) -> None:
        """What became too old goes, once an hour; once a night a day of sums is audited. Both are due by what is
        stored, so a restart neither repeats nor forgets them."""
        parts = self.parts
        await self.bells.wait("upkeep", parts.tick_s)
        retention = parts.rulebook.rules.retention
        pruned = await prune_pass(parts.store, parts.run, parts.clock, retention, stop=self._ending)
        if pruned is not None:
            parts.observer.pruned(pruned)
        audited = await audit_pass(parts.store, parts.run, parts.clock, parts.rulebook.rules)
        if audited is not None:
            parts.observer.audited(audited)
            self.bells.ring("assess")

    def _ending(self) -> bool:
        return self.bells.stop.is_set() or self.replaced

    # ------------------------------------------------------------ deliver

    async def deliver_step(self, destination: str, notifier: Notifier) -> None:
        parts = self.parts
        attempt = await deliver_one(destination, notifier, parts.store, parts.run, parts.clock, holder=parts.holder)
        if attempt is not None:
            parts.observer.attempted(attempt)
            if notifier.min_interval_s:
                await asyncio.sleep(notifier.min_interval_s)
            return
        next_ms = await parts.run(lambda: parts.store.deliver(lambda unit: unit.next_due([destination])))
        tick_s = parts.tick_s
        wait_s = tick_s if next_ms is None else max(0.05, min(tick_s, (next_ms - parts.clock.now_ms()) / 1000))
        await self.bells.wait(f"deliver {destination}", wait_s)

    async def relay_step(self, relaying: Relaying) -> None:
        """As `deliver_step`, and in between the receiver is reminded of what stands: never both at once."""
        if relaying.is_due and self.parts.rights.fence(JUDGE) is not None:
            error = await relaying.remind()
            if error is not None:
                outcome = Attempt(relaying.destination, REMINDER, Outcome.RETRY, error.reason, str(error))
                self.parts.observer.attempted(outcome)
        await self.deliver_step(relaying.destination, relaying)

    # ------------------------------------------------------------ ingest

    async def watch_project(self, entry: ProjectEntry) -> None:
        """Read one project until the stop; it fails alone."""
        project = _Project(self, entry)
        async with asyncio.TaskGroup() as group:
            pause_s = min(10.0, self.parts.poll_interval_s)
            group.create_task(self.keep(project.loop, project.step, pause_s=pause_s, lease=project.lease))
            for kind, step in (("compare", project.compare), ("price", project.price), ("total", project.total)):
                beside = self.keep(f"{kind} {entry.name}", step, pause_s=COMPARE_ON_S, lease=project.lease)
                group.create_task(beside)


@dataclass(slots=True)
class _Project:
    """The reading of one project: who it is, which poll comes next, how wide its windows are."""

    loops: Loops
    entry: ProjectEntry
    state: ProjectState | None = None
    identified: bool = False
    polls: int = 0
    next_poll: float = 0.0
    next_comparison: float = 0.0
    next_list: float = 0.0
    next_total: float = 0.0
    shelf: Shelf = field(default_factory=Shelf)
    whole: bool = False
    """Whether the last pass left nothing unread."""
    window_ms: int = 7 * 24 * HOUR_MS
    reading: str | None = None
    """The lease that reading it needs, as soon as its organisation is known."""
    fence: int | None = None

    @property
    def loop(self) -> str:
        return f"ingest {self.entry.name}"

    def lease(self) -> str | None:
        return self.reading

    async def _is_ours(self) -> bool:
        """Whether reading it is our work; where it has become so, what we knew of it is forgotten."""
        parts = self.loops.parts
        if not parts.shares:
            return True
        if self.reading is None:
            known = await parts.run(lambda: parts.store.known(self.entry.host, self.entry.name))
            if known is None:  # nobody has read it yet: who it is may be asked by all
                return True
            self._belongs_to(known)
        assert self.reading is not None, "a project that is known belongs to an organisation"
        fence = parts.rights.fence(self.reading)
        if fence is not None and fence != self.fence:
            if self.fence is not None:
                self.identified, self.whole, self.next_poll, self.shelf = False, False, 0.0, Shelf()
            self.fence = fence
            parts.forget_rate(self.entry.host, self.reading.rpartition("|")[2])
        return fence is not None

    def _belongs_to(self, state: ProjectState) -> None:
        self.loops.active.add(state.key)
        self.reading = reading(state.host, state.organisation_id)
        self.loops.parts.want(self.reading)

    async def step(self) -> None:
        if not await self._is_ours():
            return
        if not self.identified and (refusal := await self._held_back() or await self._identify()) is not None:
            wish_s = refusal.retry_after_s if isinstance(refusal, Retryable) else None
            await self.loops.bells.pause(self.loop, max(self.loops.parts.poll_interval_s, wish_s or 0.0))
            return
        if not await self._is_ours():
            return
        parts, clock = self.loops.parts, self.loops.parts.clock
        state = self.state
        assert state is not None, "an identified project has a state"
        due = clock.monotonic() >= self.next_poll
        if due:
            self.next_poll = clock.monotonic() + parts.poll_interval_s
        began = clock.monotonic()
        with nullcontext() if self.whole else many_rows():
            report = await ingest_pass(
                await self._reader(state),
                parts.store,
                parts.run,
                clock,
                poll=self.polls if due else None,
                need_from_ms=need_from(parts.rulebook.rules, clock.now_ms()),
                until=self.next_poll,
            )
        self.polls += due
        parts.observer.ingested(state, report, clock.monotonic() - began)
        self.loops.bells.ring("assess")
        if report.unpriced:
            self.loops.bells.ring(f"price {self.entry.name}")
        self.whole = report.failure is None and not report.more
        await self._wait(report)

    async def compare(self) -> None:
        """Once an hour, beside the polls, which never wait for it: the ledger against Langfuse's own sums.

        What a 429 says of metrics pauses this alone.
        """
        parts, clock = self.loops.parts, self.loops.parts.clock
        await self.loops.bells.wait(f"compare {self.entry.name}", parts.tick_s)
        if self.state is None or not self.whole or clock.monotonic() < self.next_comparison:
            return
        since = need_from(parts.rulebook.rules, clock.now_ms())
        report = await reconcile_pass(await self._reader(self.state), parts.store, parts.run, clock, from_ms=since)
        soon = report.left or getattr(report.failure, "reason", "") == RULES_CHANGED
        pause_s = COMPARE_ON_S if soon else COMPARE_EVERY_S
        wish_s = getattr(report.failure, "retry_after_s", None) or 0.0
        self.next_comparison = clock.monotonic() + max(pause_s, wish_s)
        parts.observer.reconciled(self.state, report)
        self.loops.bells.ring("assess")

    async def total(self) -> None:
        """Beside the polls: Langfuse's own sums for the budgets that are judged by them, at each poll, or as often as
        half of the requests that we allow ourselves for sums are enough for."""
        parts, clock = self.loops.parts, self.loops.parts.clock
        left_s = max(0.05, self.next_total - clock.monotonic()) if self.state is not None else parts.tick_s
        await self.loops.bells.wait(f"total {self.entry.name}", min(left_s, parts.tick_s))
        if self.state is None or not self.identified or clock.monotonic() < self.next_total:
            return
        began = clock.monotonic()
        source, key = self.entry.source, self.state.key
        report = await totals_pass(source, key, parts.store, parts.run, clock, parts.rulebook.rules)
        self.next_total = began + parts.poll_interval_s
        if report is None:
            return
        pace_s = report.requests * await source.sums_pace_s()
        wish_s = getattr(report.failure, "retry_after_s", None) or 0.0
        self.next_total = began + max(parts.poll_interval_s, pace_s, wish_s)
        parts.observer.totalled(self.state, report)
        self.loops.bells.ring("assess")

    async def price(self) -> None:
        """Beside the polls: estimates follow the prices in the budget file and, while anything is unpriced, hourly
        those of Langfuse's list."""
        parts, clock = self.loops.parts, self.loops.parts.clock
        await self.loops.bells.wait(f"price {self.entry.name}", parts.tick_s)
        if self.state is None:
            return
        fetch = self.identified and clock.monotonic() >= self.next_list
        prices = parts.rulebook.rules.prices
        report = await pricing_pass(
            self.entry.source, self.state.key, parts.store, parts.run, clock, self.shelf, prices, fetch=fetch
        )
        if report.failure is not None:
            self.next_list = clock.monotonic() + max(
                LIST_AGAIN_S, getattr(report.failure, "retry_after_s", None) or 0.0
            )
        parts.observer.priced(self.state, report)
        if report.changed:
            self.loops.bells.ring("assess")

    async def _reader(self, state: ProjectState) -> Reader:
        parts = self.loops.parts
        prices = parts.rulebook.rules.prices
        book = await parts.run(lambda: parts.store.ingest(state.key, lambda u: self.shelf.take(u, prices)))
        return Reader(
            source=self.entry.source,
            project=state.key,
            resolver=Resolver(parts.rulebook.rules.attribution),
            window_ms=min(self.window_ms, window_of(state.api)),
            lookback=parts.lookback,
            prices=book,
        )

    async def _wait(self, report: IngestReport) -> None:
        bells, parts = self.loops.bells, self.loops.parts
        if report.failure is not None:
            await bells.pause(self.loop, self._pause_after(report.failure))
            self.next_poll = parts.clock.monotonic()
        elif report.outdated:
            self.next_poll = parts.clock.monotonic()
        elif not report.more:
            left = self.next_poll - parts.clock.monotonic()
            await bells.wait(f"poll {self.entry.name}", max(0.0, left))
            self.next_poll = parts.clock.monotonic()

    def _pause_after(self, failure: Retryable | Permanent) -> float:
        interval = self.loops.parts.poll_interval_s
        if isinstance(failure, Permanent):
            self.identified = False
            return interval
        if failure.reason in ("overloaded", "too_large"):
            self.window_ms = narrower(self.window_ms)
            return min(interval, 10.0)
        return max(interval, failure.retry_after_s or 0.0)

    async def _held_back(self) -> Retryable | None:
        """A wish of Langfuse's not to be asked before some time outlives us, and the budget file that we ran on."""
        loops, parts = self.loops, self.loops.parts
        known = await parts.run(lambda: parts.store.known(self.entry.host, self.entry.name))
        now_ms = parts.clock.now_ms()
        if known is None or known.retry_at_ms is None or known.retry_at_ms <= now_ms:
            return None
        loops.active.add(known.key)
        return Retryable(known.failure, known.failure_text, retry_after_s=(known.retry_at_ms - now_ms) / 1000)

    async def _identify(self) -> Retryable | Permanent | None:
        """Ask Langfuse who the project is; while it cannot be asked, go on as the project that it was before."""
        loops, parts = self.loops, self.loops.parts
        try:
            identity = await self.entry.source.identify()
        except (Retryable, Permanent) as error:
            parts.observer.unidentified(self.entry.name, error)
            await self._remember(error)
            return error
        now_ms = parts.clock.now_ms()
        before = self.state
        if before is not None and before.key != identity.key:
            stranger = Permanent("wrong_project", f"the keys of {self.entry.name} answer for another project now")
            parts.observer.unidentified(self.entry.name, stranger)
            await self._remember(stranger)
            return stranger
        owner = loops.owners.setdefault(identity.key, self.entry.name)
        if owner != self.entry.name:
            twice = Permanent("same_project", f"the keys of {self.entry.name} and {owner} are of one Langfuse project")
            parts.observer.unidentified(self.entry.name, twice)
            return twice
        self.state = await parts.run(lambda: parts.store.register(identity, self.entry.name, now_ms=now_ms))
        self.state = replace(self.state, api=identity.api)
        self._belongs_to(self.state)
        loops.refused.pop(self.entry.name, None)
        self.identified = True
        return None

    async def _remember(self, error: Retryable | Permanent) -> None:
        loops, parts = self.loops, self.loops.parts
        if self.state is None:
            self.state = await parts.run(lambda: parts.store.known(self.entry.host, self.entry.name))
        if self.state is None:
            if isinstance(error, Permanent):
                loops.refused[self.entry.name] = error
            return
        key, now_ms = self.state.key, parts.clock.now_ms()
        wish_s = error.retry_after_s if isinstance(error, Retryable) else None
        retry_at_ms = None if wish_s is None else now_ms + int(wish_s * 1000)
        loops.active.add(key)
        await parts.run(
            lambda: parts.store.failed(key, at_ms=now_ms, reason=error.reason, text=str(error), retry_at_ms=retry_at_ms)
        )
        loops.bells.ring("assess")

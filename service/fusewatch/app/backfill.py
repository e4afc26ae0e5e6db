"""The backfill pass: read what is not yet covered of a span that somebody asked for, newest first."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from fusewatch.app.ingest import RULES_CHANGED, Batch, ReadCounts, Reader, read_span
from fusewatch.domain.coverage import Span, holes
from fusewatch.domain.ratebudget import Priority
from fusewatch.domain.readplan import narrower, windows
from fusewatch.errors import Permanent, Retryable
from fusewatch.ports import Clock, IngestUnit, Runner, Store

AT_ONCE = 3
"""How many windows are read side by side where no limit of requests is known."""
TRIES = 5
"""How often in a row reading may fail without having read anything."""
LONGEST_WAIT_S = 600.0
"""Whoever is told to wait longer is better told so: the same command goes on where this one ended."""


@dataclass(slots=True)
class BackfillReport(ReadCounts):
    """What one pass read and wrote. `asked_ms` was uncovered in `span`, of which `unread_ms` still is; `added_pico` is
    what the new and the changed generations added to the ledger, 1e-12 USD. `floor_ms` is set where the span began
    below the project's floor: nothing is read there, since it would count twice. `failure`: why the pass ended early.
    """

    project: str
    span: Span
    floor_ms: int | None = None
    asked_ms: int = 0
    unread_ms: int = 0
    added_pico: int = 0
    failure: Retryable | Permanent | None = None

    def count(self, batch: Batch) -> None:
        ReadCounts.count(self, batch)  # a bare super() does not find its class in a slotted dataclass
        read_ms = min(batch.span.to_ms, self.span.to_ms) - max(batch.span.from_ms, self.span.from_ms)
        self.unread_ms = max(0, self.unread_ms - max(0, read_ms))
        self.added_pico += batch.recorded.delta.cost_pico


async def backfill_pass(
    reader: Reader,
    store: Store,
    run: Runner,
    clock: Clock,
    span: Span,
    *,
    limited: Callable[[], Awaitable[bool]],
    told: Callable[[BackfillReport], None] = lambda _: None,
) -> BackfillReport:
    """Read the uncovered parts of `span`, which ends now or earlier, in windows: up to three side by side as long as
    requests are not `limited`, which is asked before each. Writes follow each other.

    Every batch of pages is one transaction with its coverage, so the pass may end at any instant; the next one reads
    what is still uncovered. What Langfuse refuses for now is tried again. `told` hears of each batch.
    """
    report = BackfillReport(reader.project, span)
    work = _Work(reader, store, run, clock, limited, told, report)
    failures = 0
    while True:
        left = await run(lambda: store.ingest(reader.project, work.left))
        before = report.pages
        told(report)
        failure = await work.read(left)
        if failure is None:
            return report
        failures = 1 if report.pages > before else failures + 1
        wait_s = _wait_s(failure, failures)
        if wait_s is None:
            report.failure = failure
            return report
        if failure.reason in ("overloaded", "too_large"):
            work.reader = replace(work.reader, window_ms=narrower(work.reader.window_ms))
        await clock.sleep(wait_s)


def _wait_s(failure: Retryable | Permanent, failures: int) -> float | None:
    """How long to wait before the next try; None when there is none: these rules stay those that they are."""
    if isinstance(failure, Permanent) or failures >= TRIES or failure.reason == RULES_CHANGED:
        return None
    wait_s = max(2.0**failures, failure.retry_after_s or 0.0)
    return wait_s if wait_s <= LONGEST_WAIT_S else None


@dataclass(slots=True)
class _Work:
    """What is left of one backfill, and the hands that do it."""

    reader: Reader
    store: Store
    run: Runner
    clock: Clock
    limited: Callable[[], Awaitable[bool]]
    told: Callable[[BackfillReport], None]
    report: BackfillReport

    def left(self, unit: IngestUnit) -> deque[Span]:
        """The windows that are still unread. What was pruned is never read again."""
        report, coverage = self.report, unit.coverage()
        floor_ms = unit.project().floor_ms
        if floor_ms is not None and report.span.from_ms < floor_ms:
            report.floor_ms = floor_ms
            report.span = Span(floor_ms, max(floor_ms, report.span.to_ms))
        from_ms, to_ms = report.span
        report.unread_ms = sum(hole.to_ms - hole.from_ms for hole in holes(coverage, from_ms, to_ms))
        report.asked_ms = max(report.asked_ms, report.unread_ms)
        lookback = self.reader.lookback.grown(unit.lateness(), self.clock.now_ms())
        cut = windows(coverage, from_ms, to_ms, self.reader.window_ms, lookback.seldom_ms)
        return deque(Span(max(window.from_ms, from_ms), window.to_ms) for window in cut)

    async def read(self, left: deque[Span]) -> Retryable | Permanent | None:
        """Read the windows, newest first; after a failure those that were begun are still ended, and no other begun."""
        failures: list[Retryable | Permanent] = []
        async with asyncio.TaskGroup() as group:
            for hand in range(AT_ONCE):
                group.create_task(self._take(left, failures, first=hand == 0))
        return failures[-1] if failures else None

    async def _take(self, left: deque[Span], failures: list[Retryable | Permanent], *, first: bool) -> None:
        """One hand: window after window. Only the first one works where requests are short."""
        while (first or not await self.limited()) and left and not failures:
            try:
                await self._read_window(left.popleft())
            except (Retryable, Permanent) as failure:
                failures.append(failure)

    def _count(self, batch: Batch) -> None:
        self.report.count(batch)
        self.told(self.report)

    async def _read_window(self, window: Span) -> None:
        await read_span(
            self.reader, self.store, self.run, self.clock, window, window.to_ms, Priority.HISTORY, self._count
        )

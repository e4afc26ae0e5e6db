"""The ingest pass: read the live end of one project, then the newest hole behind it, and write the differences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import NamedTuple

from fusewatch.domain.attribution import Resolver
from fusewatch.domain.coverage import Span
from fusewatch.domain.inheritance import GradualReading, Reading
from fusewatch.domain.lateness import late_starts
from fusewatch.domain.prices import NO_PRICES, PriceBook
from fusewatch.domain.ratebudget import Priority
from fusewatch.domain.readplan import Lookback, live_span, newest_hole, newest_stale, unread_ms
from fusewatch.errors import Permanent, Retryable
from fusewatch.ports import Clock, IngestUnit, Page, Recorded, Rejected, Runner, Source, Store, Walk

DAY_MS = 86_400_000
RULES_CHANGED = "rules_changed"
"""Why `IngestUnit.record` refuses what was read by an attribution that is no longer in force."""
PAGES_A_COMMIT = 5
PAGES_A_PASS = 10
"""How many pages of history one pass reads before the live end gets its turn again."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One project being read: where from, where to, and how. `prices` estimate what Langfuse could not price."""

    source: Source
    project: str
    resolver: Resolver
    window_ms: int = 7 * DAY_MS
    lookback: Lookback = field(default_factory=Lookback)
    prices: PriceBook = NO_PRICES


@dataclass(slots=True, kw_only=True)
class ReadCounts:
    """What was read and written so far: answers, their rows, and what these changed in the ledger. `below_floor` rows
    were left out: rows of their time were pruned, and nobody knows whether these were among them."""

    pages: int = 0
    rows: int = 0
    new: int = 0
    changed: int = 0
    unpriced: int = 0
    below_floor: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    def count(self, batch: "Batch") -> None:
        self.pages += batch.pages
        self.rows += batch.rows
        self.new += batch.recorded.new
        self.changed += batch.recorded.changed
        self.unpriced += batch.recorded.unpriced
        self.below_floor += batch.recorded.below_floor
        self.rejected.extend(batch.rejected)


@dataclass(slots=True)
class IngestReport(ReadCounts):
    """What one pass read and wrote. `unread_ms`: what the rules still need; `stale_ms`: what was read by an earlier
    attribution and is to be read again; `loaded`: the first load is now complete.

    `failure` is set when the pass ended early; what was read before it is kept. `outdated` is set when it ended since
    the attribution had changed meanwhile: whoever reads by the new rules may do so at once.
    """

    project: str
    unread_ms: int = 0
    stale_ms: int = 0
    loaded: bool = False
    outdated: bool = False
    failure: Retryable | Permanent | None = None

    @property
    def more(self) -> bool:
        """Whether something is left that can be read at once."""
        return self.failure is None and (self.outdated or self.unread_ms > 0 or self.stale_ms > 0)


class Batch(NamedTuple):
    """Pages that were written together: how many they are, their rows and those of them that could not be read, what
    that changed, and which start times are complete with them."""

    pages: int
    rows: int
    rejected: Sequence[Rejected]
    recorded: Recorded
    span: Span


async def ingest_pass(
    reader: Reader,
    store: Store,
    run: Runner,
    clock: Clock,
    *,
    poll: int | None,
    need_from_ms: int,
    until: float = inf,
) -> IngestReport:
    """Read once. `poll` is the number of the live poll, None to read only history; history stops at `until` on the
    clock's monotonic scale, when the next poll is due.

    Every batch of pages is one transaction with its coverage, so a crash at any instant loses and doubles nothing.
    """
    report = IngestReport(reader.project)
    try:
        if poll is not None:
            now_ms = clock.now_ms()
            coverage, lookback, _ = await run(lambda: store.ingest(reader.project, lambda u: _known(u, reader, now_ms)))
            span = live_span(coverage, now_ms, lookback.of_poll(poll))
            as_of_ms = await read_span(reader, store, run, clock, span, now_ms, Priority.LIVE, report.count)
            await run(lambda: store.ingest(reader.project, lambda u: u.succeeded(at_ms=now_ms, as_of_ms=as_of_ms)))
        began_ms = clock.now_ms()
        coverage, lookback, floor_ms = await run(
            lambda: store.ingest(reader.project, lambda u: _known(u, reader, began_ms))
        )
        need_from_ms = need_from_ms if floor_ms is None else max(need_from_ms, floor_ms)
        hole = newest_hole(coverage, need_from_ms, reader.window_ms, lookback.seldom_ms)
        if hole is None:
            stale = await run(lambda: store.ingest(reader.project, lambda u: list(u.stale())))
            hole = newest_stale(coverage, stale, reader.window_ms)
        if hole is not None:
            hole = hole if floor_ms is None else Span(max(hole.from_ms, floor_ms), hole.to_ms)

            def enough(pages: int) -> bool:
                return pages >= PAGES_A_PASS or clock.monotonic() >= until

            await read_span(reader, store, run, clock, hole, hole.to_ms, Priority.HISTORY, report.count, enough=enough)
        await run(lambda: store.ingest(reader.project, lambda u: _finish(u, need_from_ms, clock.now_ms(), report)))
    except (Retryable, Permanent) as failure:
        report.outdated = failure.reason == RULES_CHANGED
        if not report.outdated:
            report.failure = failure
            await run(partial(_note_failure, store, reader.project, failure, clock.now_ms()))
    return report


def _known(unit: IngestUnit, reader: Reader, now_ms: int) -> tuple[list[Span], Lookback, int | None]:
    """What was read, how far behind it to read again as generations come at present, and the floor below which nothing
    is read."""
    return list(unit.coverage()), reader.lookback.grown(unit.lateness(), now_ms), unit.project().floor_ms


def _finish(unit: IngestUnit, need_from_ms: int, now_ms: int, report: IngestReport) -> None:
    report.unread_ms = unread_ms(unit.coverage(), need_from_ms)
    report.stale_ms = unit.project().stale_ms
    if report.unread_ms == 0 and unit.coverage() and unit.project().loaded_ms is None:
        unit.loaded(at_ms=now_ms, counters_from_ms=need_from_ms)
        report.loaded = True


def _note_failure(store: Store, project: str, failure: Retryable | Permanent, now_ms: int) -> None:
    wish = failure.retry_after_s if isinstance(failure, Retryable) else None
    retry_at_ms = None if wish is None else now_ms + int(wish * 1000)
    store.failed(project, at_ms=now_ms, reason=failure.reason, text=str(failure), retry_at_ms=retry_at_ms)


async def read_span(
    reader: Reader,
    store: Store,
    run: Runner,
    clock: Clock,
    span: Span,
    cover_to_ms: int,
    priority: Priority,
    count: Callable[[Batch], None],
    *,
    enough: Callable[[int], bool] = lambda _: False,
) -> int:
    """Walk the span, newest first, writing batch by batch; returns up to when the data are known.

    `count` hears of each batch that was written, `enough` of the number of pages read: it may end the walk early.
    Raises as `ports.Walk` does; what was written before stays, and is covered.

    What starts after `cover_to_ms`, or after the server's own time, is read but not counted as covered: it may not all
    be there yet.
    """
    walk = reader.source.walk(span, priority=priority)
    reading = _SpanReading(reader, store, run, clock, walk, span, cover_to_ms, priority is Priority.LIVE, enough)
    while not reading.ended:
        batch = await reading.next_batch()
        if batch is not None:
            count(batch)
    return reading.as_of_ms


@dataclass(slots=True)
class _Pages:
    """Pages that are going to be written together; of their rows only what the ledger needs."""

    gradual: GradualReading
    count: int = 0
    rows: int = 0
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(slots=True)
class _SpanReading:
    """Takes pages from a walk, as many at once as one transaction writes, and writes them. `ended`: there are no more
    to take; `as_of_ms`: up to when the data are known.

    Reading and writing take turns: where one thread decoded while another wrote, both took a third more of the
    processor. What was made of a page is let go before the next is asked for: the less is held, the nearer it is to
    the processor.
    """

    reader: Reader
    store: Store
    run: Runner
    clock: Clock
    walk: Walk
    span: Span
    as_of_ms: int
    live: bool
    enough: Callable[[int], bool]
    ended: bool = False
    _taken: int = 0
    _upper_ms: int = field(init=False)
    _lower_ms: int = field(init=False)

    def __post_init__(self) -> None:
        self._upper_ms = self._lower_ms = self.span.to_ms

    async def next_batch(self) -> Batch | None:
        """What was read and written next, None when there was no page."""
        pages = _Pages(GradualReading(self.reader.resolver))
        while pages.count < PAGES_A_COMMIT and not self.ended:
            await self._take(pages)
        if not pages.count:
            return None
        span = Span(self._lower_ms, self._upper_ms)
        write = _Write(self.reader, pages.gradual.whole(), span, self.as_of_ms, self.clock.now_ms(), live=self.live)
        recorded = await self.run(partial(self.store.ingest, self.reader.project, write))
        self._upper_ms = min(self._upper_ms, self._lower_ms)
        return Batch(pages.count, pages.rows, pages.rejected, recorded, span)

    async def _take(self, pages: _Pages) -> None:
        page = await self.walk.next_page()
        if page is None:
            self.ended = True
            return
        _refuse_if_unreadable(page)
        pages.gradual.add(page.observations)
        pages.count += 1
        pages.rows += len(page.observations)
        pages.rejected.extend(page.rejected)
        if not self._taken:
            self.as_of_ms = min(self.as_of_ms, page.server_now_ms)
        self._taken += 1
        self._lower_ms = self.span.from_ms if page.last else max(self.span.from_ms, page.complete_from_ms)
        self.ended = page.last or self.enough(self._taken)


def _refuse_if_unreadable(page: Page) -> None:
    """A page of which no row can be read is no page without spend: the span stays unread."""
    if page.rejected and not page.observations:
        first = page.rejected[0]
        which = f"the first ({first.id or 'no id'}) for its {first.field}"
        raise Retryable("unreadable_rows", f"none of {len(page.rejected)} rows could be read, {which}")


def measure_lateness(unit: IngestUnit, recorded: Recorded, covered: Sequence[Span], now_ms: int) -> None:
    """Remember how long after their start those generations appeared that were missing where all had been read."""
    late = late_starts(recorded.first_seen, covered, now_ms)
    if late:
        unit.put_lateness(unit.lateness().with_starts(late, now_ms))


@dataclass(frozen=True, slots=True)
class _Write:
    """One batch of pages on its way into the ledger; `span` is complete in it."""

    reader: Reader
    reading: Reading
    span: Span
    as_of_ms: int
    now_ms: int
    live: bool
    """What history brings late shows how long nobody looked; only live reads measure how late generations come."""

    def __call__(self, unit: IngestUnit) -> Recorded:
        rows, inheritance = self.reading
        starts = [g.start_ms for g in rows]
        # Rows at the page's edge may have twins on the next page, and a page that drifted repeats rows of the last one:
        # they are written now, and covered by the batch that is complete for them.
        wide = Span(min([*starts, self.span.from_ms]), max([*(s + 1 for s in starts), self.span.to_ms]))
        recorded = unit.record(wide, rows, now_ms=self.now_ms, prices=self.reader.prices, inheritance=inheritance)
        if self.live:
            measure_lateness(unit, recorded, unit.coverage(), self.now_ms)
        known_to_ms = min(self.span.to_ms, self.as_of_ms)
        if known_to_ms > self.span.from_ms:
            unit.cover(Span(self.span.from_ms, known_to_ms), read_at_ms=self.now_ms)
        return recorded

"""The reconcile pass: Langfuse's own sums of each hour against their last reading and the ledger; what differs is read
again, and what still differs is drift."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from fusewatch.app.ingest import PAGES_A_COMMIT, Reader, measure_lateness
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.coverage import Span, frontier, holes
from fusewatch.domain.inheritance import GradualReading, Reading
from fusewatch.domain.merge import newest
from fusewatch.domain.money import pico_from_json
from fusewatch.domain.ratebudget import Priority
from fusewatch.domain.reconciling import (
    HOUR_MS,
    NO_ROWS,
    HourReading,
    HourState,
    HourSums,
    closed_hours,
    drift,
    hour_states,
    to_sweep,
)
from fusewatch.domain.usage import Generation, Observation
from fusewatch.errors import Permanent, Retryable
from fusewatch.ports import Clock, IngestUnit, Page, Runner, Store, Walk

HOURS_A_REQUEST = 1000
HOURS_A_PASS = 24
"""How many hours one pass reads again at most: the rest is left for the next."""

_SUMMED_AT_ONCE_MS = 4 * HOUR_MS
"""Of so many hours the ledger is summed in one transaction, so that nothing waits long for it."""


@dataclass(frozen=True, slots=True)
class HourReport:
    """One hour as it was found and as it is after this pass (`after` is `before` where nothing was read)."""

    before: HourState
    after: HourState
    read: bool
    new: int = 0
    changed: int = 0
    gone: int = 0


@dataclass(slots=True)
class ReconcileReport:
    """What one pass compared and mended. `drift_pico` is what stays unexplained: ledger minus Langfuse, 1e-12 USD."""

    project: str
    hours: list[HourReport] = field(default_factory=list)
    left: int = 0
    drift_pico: int = 0
    failure: Retryable | Permanent | None = None


async def reconcile_pass(
    reader: Reader,
    store: Store,
    run: Runner,
    clock: Clock,
    *,
    from_ms: int,
    most: int = HOURS_A_PASS,
    sweep: bool = True,
    told: Callable[[HourReport], None] = lambda _: None,
) -> ReconcileReport:
    """Compare the settled hours from `from_ms` on that were read without a gap; at most 1,000 of them, the newest.

    One request when nothing changed, and those of the hours whose weekly turn it is, unless `sweep` is off; one more
    when something still differs that was read. `told` hears of each hour as it is done.
    """
    report = ReconcileReport(reader.project)
    try:
        start_ms, end_ms = await run(lambda: store.ingest(reader.project, lambda u: _span(u, from_ms, clock.now_ms())))
        if start_ms == end_ms:
            return report
        sums = await reader.source.sums(Span(start_ms, end_ms))
        metrics = {s.start_ms: HourSums(s.fingerprint, pico_from_json(s.cost), s.tokens) for s in sums}
        states: list[HourState] = []
        for to_ms in range(end_ms, start_ms, -_SUMMED_AT_ONCE_MS):
            some = Span(max(to_ms - _SUMMED_AT_ONCE_MS, start_ms), to_ms)
            states += await run(partial(store.ingest, reader.project, partial(_states, span=some, metrics=metrics)))
        if not sums and any(state.ledger.cost_pico > state.ledger.gone_pico for state in states):
            # Nothing at all where something was: a server between two modes, not an answer to believe (API.md, part 0).
            raise Retryable("no_sums", "Langfuse's metrics know of no spend in hours whose rows were read")
        swept = to_sweep(states) if sweep else frozenset()
        reads = 0
        for state in states:
            wanted = state.must_read or state.hour_ms in swept
            if wanted and reads < most:
                reads += 1
                done = await _read_hour(reader, store, run, clock, state)
            else:
                report.left += wanted
                done = HourReport(state, state, read=False)
            report.hours.append(done)
            told(done)
        moved = await _moved(reader, report.hours)
        at_ms = clock.now_ms()
        known = [h.after for h in report.hours if (h.read or not h.after.must_read) and h.after.hour_ms not in moved]
        report.drift_pico = drift(known)
        await run(lambda: store.ingest(reader.project, lambda u: _finish(u, report, at_ms)))
    except (Retryable, Permanent) as failure:
        report.failure = failure
    return report


def _span(unit: IngestUnit, from_ms: int, now_ms: int) -> tuple[int, int]:
    """The settled hours that are wholly covered, without a hole, newest first as far as one request reaches. Those of
    pruned rows hold nothing to compare."""
    coverage = unit.coverage()
    from_ms = max(from_ms, unit.project().floor_ms or from_ms)
    end = frontier(coverage)
    if end is None:
        return 0, 0
    gaps = holes(coverage, from_ms, end)
    covered_from = gaps[-1].to_ms if gaps else from_ms
    start_ms, end_ms = closed_hours(covered_from, min(now_ms, end))
    return max(start_ms, end_ms - HOURS_A_REQUEST * HOUR_MS), end_ms


def _states(unit: IngestUnit, *, span: Span, metrics: dict[int, HourSums]) -> list[HourState]:
    return hour_states(span.from_ms, span.to_ms, metrics, unit.hours(span), unit.readings(span))


async def _read_hour(reader: Reader, store: Store, run: Runner, clock: Clock, state: HourState) -> HourReport:
    """Read every row of the hour, write the differences, note what vanished and what is stored twice.

    Some pages at a time, as ingest does: the hour of a busy project has hundreds of thousands of rows.
    """
    hour = Span(state.hour_ms, state.hour_ms + HOUR_MS)
    parts = _Parts(reader.resolver, reader.source.walk(hour, priority=Priority.RECONCILE), hour)
    found = _Found()
    while not parts.ended:
        write = partial(_write, reader, state, await parts.next_part(), clock.now_ms())
        found = found.and_more(await run(partial(store.ingest, reader.project, write)))
    conclude = partial(_conclude, state, found, clock.now_ms())
    return await run(partial(store.ingest, reader.project, conclude))


class _Part(NamedTuple):
    """What is written together. `whole`: it holds every row that Langfuse has in `span`."""

    span: Span
    reading: Reading
    whole: bool


class _Parts:
    """The rows of an hour in parts, newest first. `ended`: there are no more."""

    def __init__(self, resolver: Resolver, walk: Walk, hour: Span) -> None:
        self.ended = False
        self._resolver = resolver
        self._walk = walk
        self._hour = hour
        self._edge: Sequence[Observation] = ()
        """Of the instant at which the last page ended: the next one may hold more of it."""
        self._lower_ms = hour.to_ms
        self._whole = True

    async def next_part(self) -> _Part:
        gradual = GradualReading(self._resolver)
        upper_ms = self._lower_ms
        pages = 0
        while pages < PAGES_A_COMMIT and not self.ended:
            self._take(await self._walk.next_page(), gradual)
            pages += 1
        return _Part(Span(self._lower_ms, upper_ms), gradual.whole(), self._whole)

    def _take(self, page: Page | None, gradual: GradualReading) -> None:
        rows = list(self._edge)
        self.ended = page is None or page.last
        if page is not None:
            rows += page.observations
            self._whole = self._whole and not page.rejected
        self._lower_ms = self._hour.from_ms if page is None else page.complete_from_ms
        self._edge = [row for row in rows if row.start_ms < self._lower_ms]
        gradual.add(row for row in rows if row.start_ms >= self._lower_ms)


class _Found(NamedTuple):
    """What an hour's rows changed in the ledger, and what stored versions beyond the newest add to Langfuse's metrics,
    1e-12 USD."""

    new: int = 0
    changed: int = 0
    gone: int = 0
    duplicates_pico: int = 0

    def and_more(self, other: "_Found") -> "_Found":
        return _Found(*map(sum, zip(self, other, strict=True)))


def _write(reader: Reader, state: HourState, part: _Part, now_ms: int, unit: IngestUnit) -> _Found:
    """Write the differences of one part; of a damaged hour the sums are not trusted either."""
    span, (rows, inheritance), whole = part
    recorded = unit.record(span, rows, now_ms=now_ms, whole=whole, prices=reader.prices, inheritance=inheritance)
    places = [(row.trace_id, row.id, row.start_ms) for row in rows]
    gone = unit.mark_gone(span, set(places), at_ms=now_ms) if whole else 0
    # Versions at one start only: one that stands at another start is in the ledger as a row that does not count.
    versions: dict[tuple[str, str, int], list[Generation]] = {}
    for place, row in zip(places, rows, strict=True):
        versions.setdefault(place, []).append(row)
    duplicates = sum(r.cost_pico for r in rows) - sum(newest(found).cost_pico for found in versions.values())
    if not state.damaged:
        measure_lateness(unit, recorded, unit.coverage(), now_ms)
    elif recorded.new or recorded.changed:
        unit.distrust_sums()
    return _Found(recorded.new, recorded.changed, gone, duplicates)


def _conclude(state: HourState, found: _Found, now_ms: int, unit: IngestUnit) -> HourReport:
    """Compare the hour again, and remember what that gave."""
    ledger = unit.hours(Span(state.hour_ms, state.hour_ms + HOUR_MS)).get(state.hour_ms, NO_ROWS)
    explained = HourReading(state.fingerprint, state.langfuse_pico, found.duplicates_pico, 0, now_ms)
    after = replace(state, ledger=ledger, reading=explained)
    unit.put_reading(state.hour_ms, explained._replace(unexplained_pico=after.unexplained_pico))
    return HourReport(state, after, read=True, new=found.new, changed=found.changed, gone=found.gone)


async def _moved(reader: Reader, hours: Sequence[HourReport]) -> frozenset[int]:
    """The hours read just now whose rows may not be those that Langfuse had summed before: they differ, and the sums
    are others by now, or cannot be had. The next pass looks at them again."""
    differ = [hour.after for hour in hours if hour.read and hour.after.unexplained_pico]
    if not differ:
        return frozenset()
    first, last = min(state.hour_ms for state in differ), max(state.hour_ms for state in differ)
    try:
        again = {s.start_ms: s.fingerprint for s in await reader.source.sums(Span(first, last + HOUR_MS))}
    except Retryable:
        again = None
    return frozenset(s.hour_ms for s in differ if again is None or again.get(s.hour_ms, "") != s.fingerprint)


def _finish(unit: IngestUnit, report: ReconcileReport, at_ms: int) -> None:
    """Remember the hours that agreed without being read, and the drift."""
    for hour in report.hours:
        state = hour.after
        if not hour.read and not state.must_read and state.reading is None:
            reading = HourReading(state.fingerprint, state.langfuse_pico, 0, state.unexplained_pico, at_ms)
            unit.put_reading(state.hour_ms, reading)
    unit.reconciled(at_ms=at_ms, drift_pico=report.drift_pico)

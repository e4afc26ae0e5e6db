"""The unit of work of ingest (`ports.IngestUnit`), over one open transaction."""

from collections.abc import Collection, Mapping, Sequence

from fusewatch.domain.inheritance import NOTHING_INHERITED, Inheritance
from fusewatch.domain.lateness import Lateness
from fusewatch.domain.prices import NO_PRICES, ModelPrices, PriceBook
from fusewatch.domain.reconciling import HourLedger, HourReading
from fusewatch.domain.usage import Generation
from fusewatch.ports import (
    EstimatePlace,
    ModelList,
    ProjectState,
    Recorded,
    Reestimated,
    Span,
)  # fmt: skip
from fusewatch.store import (
    attributions,
    estimates,
    hours,
    inheriting,
    projects,
)
from fusewatch.store.connection import Link
from fusewatch.store.counters import Counters
from fusewatch.store.interning import Caches, Interning
from fusewatch.store.ledger import Ledger


class IngestUnit:
    """Implements `ports.IngestUnit`; `finish` writes what was summed in memory."""

    def __init__(self, link: Link, caches: Caches, project: str) -> None:
        self._link = link
        self._key = project
        self._id = projects.row_id(link, project)
        interning = Interning(link, caches)
        self._counters = Counters(link, caches, interning)
        self._ledger = Ledger(link, interning, self._counters, self._id, self.project().counters_from_ms)

    def project(self) -> ProjectState:
        return projects.state(self._link, self._key)

    def coverage(self) -> Sequence[Span]:
        return projects.spans(self._link, self._id)

    def record(
        self,
        span: Span,
        generations: Sequence[Generation],
        *,
        now_ms: int,
        whole: bool = False,
        prices: PriceBook = NO_PRICES,
        inheritance: Inheritance = NOTHING_INHERITED,
    ) -> Recorded:
        attributions.refuse_outdated(self._link, self._id, inheritance.revision)
        inheriting.forget(self._link, self._id, now_ms)
        floor_ms = self.project().floor_ms
        kept = generations if floor_ms is None else [g for g in generations if g.start_ms >= floor_ms]
        recorded = self._ledger.record(span, kept, now_ms, whole=whole, prices=prices, inheritance=inheritance)
        return recorded._replace(below_floor=len(generations) - len(kept))

    def has_unpriced(self, from_ms: int) -> bool:
        return estimates.any_since(self._link, self._id, from_ms)

    def models_ms(self) -> int | None:
        return estimates.models_ms(self._link, self._id)

    def models(self) -> Sequence[ModelPrices]:
        return estimates.models(self._link, self._id)

    def put_models(self, found: ModelList, *, at_ms: int) -> None:
        estimates.put_models(self._link, self._id, found, at_ms)

    def begin_estimates(self, revision: str) -> bool:
        return estimates.begin(self._link, self._id, revision)

    def estimate_again(self, prices: PriceBook, after: EstimatePlace | None) -> Reestimated:
        return self._ledger.estimate_again(prices, after)

    def end_estimates(self, revision: str) -> bool:
        return estimates.end(self._link, self._id, revision)

    def cover(self, span: Span, *, read_at_ms: int) -> None:
        projects.cover(self._link, self._id, span, read_at_ms)
        attributions.freshen(self._link, self._id, span)

    def stale(self) -> Sequence[Span]:
        return attributions.stale(self._link, self._id)

    def lateness(self) -> Lateness:
        return projects.lateness(self._link, self._id)

    def put_lateness(self, lateness: Lateness) -> None:
        projects.put_lateness(self._link, self._id, lateness)

    def succeeded(self, *, at_ms: int, as_of_ms: int) -> None:
        projects.succeeded(self._link, self._id, at_ms, as_of_ms)

    def loaded(self, *, at_ms: int, counters_from_ms: int) -> None:
        """Only the first call decides: what counters start from never moves."""
        if self.project().loaded_ms is not None:
            return
        self._counters.start_showing(self._id, counters_from_ms)
        self._ledger.counters_from_ms = counters_from_ms
        self._link.run(
            "UPDATE project SET loaded_ms = ?, counters_from_ms = ? WHERE id = ?", (at_ms, counters_from_ms, self._id)
        )

    def hours(self, span: Span) -> Mapping[int, HourLedger]:
        return hours.ledger(self._link, self._id, span)

    def readings(self, span: Span) -> Mapping[int, HourReading]:
        return hours.readings(self._link, self._id, span)

    def put_reading(self, hour_ms: int, reading: HourReading) -> None:
        hours.put_reading(self._link, self._id, hour_ms, reading)

    def mark_gone(self, span: Span, present: Collection[tuple[str, str, int]], *, at_ms: int) -> int:
        return hours.mark_gone(self._link, self._id, span, present, at_ms)

    def reconciled(self, *, at_ms: int, drift_pico: int) -> None:
        hours.reconciled(self._link, self._id, at_ms, drift_pico)

    def distrust_sums(self) -> None:
        hours.distrust_sums(self._link)
        self._counters.recount(self._id, self.project().counters_from_ms)

    def finish(self) -> None:
        self._counters.flush()

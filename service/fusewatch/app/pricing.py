"""The pricing pass: fetch Langfuse's price list where it is needed, and form the estimates anew when prices changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from fusewatch.domain.prices import NO_PRICES, Price, PriceBook
from fusewatch.errors import Permanent, Retryable
from fusewatch.ports import Clock, EstimatePlace, IngestUnit, Reestimated, Runner, Source, Store

DAY_MS = 86_400_000
LIST_LASTS_MS = 3_600_000
"""How old the price list may be while there is usage without a price."""

LOOK_BACK_MS = 7 * DAY_MS
"""Usage without a price that is older asks for no newer list: Langfuse prices only what comes."""


@dataclass(slots=True)
class Shelf:
    """The price book of one project. It is put together again only when one of its two parts is another."""

    prices: tuple[Price, ...] = ()
    models_ms: int | None = None
    book: PriceBook = NO_PRICES

    def take(self, unit: IngestUnit, prices: tuple[Price, ...]) -> PriceBook:
        """The book of the budget file's `prices` and of the list that is stored."""
        models_ms = unit.models_ms()
        if (prices, models_ms) != (self.prices, self.models_ms):
            self.book = PriceBook(prices, unit.models())
            self.prices, self.models_ms = prices, models_ms
        return self.book


@dataclass(slots=True)
class PricingReport:
    """What one pass did. `models` is the length of a list that was fetched, None when none was; `skipped` names its
    models that cannot be used. Of `rows` without a price `changed` have another estimate now. `failure`: the list could
    not be fetched, so the stored one stays in use."""

    project: str
    models: int | None = None
    skipped: tuple[str, ...] = ()
    rows: int = 0
    changed: int = 0
    failure: Retryable | Permanent | None = None


async def pricing_pass(
    source: Source,
    project: str,
    store: Store,
    run: Runner,
    clock: Clock,
    shelf: Shelf,
    prices: Sequence[Price],
    *,
    fetch: bool = True,
) -> PricingReport:
    """No request unless there is usage without a price and the stored list is older than an hour (or `fetch` is off).

    Estimates are formed anew in bounded transactions, and only when the book is another than the one that they come
    from; the pass may end at any instant, the next one walks again and changes only what is still wrong.
    """
    report = PricingReport(project)
    if fetch and await run(lambda: store.ingest(project, lambda u: _is_due(u, clock.now_ms()))):
        await _fetch(source, project, store, run, clock, report)
    book = await run(lambda: store.ingest(project, lambda u: shelf.take(u, tuple(prices))))
    if report.models is not None:
        report.skipped += book.skipped
    if not await run(lambda: store.ingest(project, lambda u: u.begin_estimates(book.revision))):
        return report
    after: EstimatePlace | None = None
    while True:
        step = await run(partial(store.ingest, project, partial(_estimate, book, after)))
        report.rows += step.rows
        report.changed += step.changed
        after = step.last
        if after is None:
            break
    await run(lambda: store.ingest(project, lambda u: u.end_estimates(book.revision)))
    return report


def _is_due(unit: IngestUnit, now_ms: int) -> bool:
    """A clock that was set back must not keep a list in use for ever."""
    fetched_ms = unit.models_ms()
    fresh = fetched_ms is not None and 0 <= now_ms - fetched_ms < LIST_LASTS_MS
    return not fresh and unit.has_unpriced(now_ms - LOOK_BACK_MS)


async def _fetch(source: Source, project: str, store: Store, run: Runner, clock: Clock, report: PricingReport) -> None:
    try:
        found = await source.models()
    except (Retryable, Permanent) as failure:
        report.failure = failure
        return
    report.models, report.skipped = len(found.models), found.skipped
    at_ms = clock.now_ms()
    await run(lambda: store.ingest(project, lambda u: u.put_models(found, at_ms=at_ms)))


def _estimate(book: PriceBook, after: EstimatePlace | None, unit: IngestUnit) -> Reestimated:
    return unit.estimate_again(book, after)

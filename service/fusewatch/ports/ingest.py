"""Units of work of the passes that write the ledger."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from fusewatch.domain.coverage import Span
from fusewatch.domain.inheritance import NOTHING_INHERITED, Inheritance
from fusewatch.domain.lateness import Lateness
from fusewatch.domain.prices import NO_PRICES, ModelPrices, PriceBook
from fusewatch.domain.reconciling import HourLedger, HourReading
from fusewatch.domain.usage import Amounts, Generation
from fusewatch.ports.source import ModelList


@dataclass(frozen=True, slots=True)
class ProjectState:
    """What the store knows of a project. Times are epoch milliseconds, None when it has not happened.

    `need_from_ms` is how far back the rules look; `loaded_ms` when the first load was complete; `failing_since_ms` the
    first failed read since the last success, with `failure` (reason) and `failure_text`; `retry_at_ms`: not before.
    """

    key: str
    name: str
    host: str
    project_id: str
    organisation_id: str
    api: str
    floor_ms: int | None
    loaded_ms: int | None
    counters_from_ms: int | None
    last_success_ms: int | None
    data_as_of_ms: int | None
    failing_since_ms: int | None
    failure: str
    failure_text: str
    retry_at_ms: int | None
    reconciled_ms: int | None = None
    drift_pico: int = 0
    attribution: str = ""
    """The revision of the attribution by which what is covered was read, "" before the first."""
    stale_ms: int = 0
    """How much that was read by an earlier attribution is still to be read again."""


class Recorded(NamedTuple):
    """What writing one batch of generations changed. `first_seen`: when those started that were never seen before;
    `completed`: how many that were in the ledger took a dimension from what was read now of their trace.
    `below_floor`: how many were left out, since rows of their time were pruned and they may be counted already."""

    new: int
    changed: int
    unchanged: int
    delta: Amounts
    unpriced: int
    first_seen: Sequence[int] = ()
    completed: int = 0
    below_floor: int = 0


EstimatePlace: TypeAlias = tuple[int, int, bytes, bytes]
"""Where a walk through the rows without a price stands: start, number of the dimensions, trace, observation."""


class Reestimated(NamedTuple):
    """One step of such a walk: rows looked at, estimates changed, and behind which row to go on, None at the end."""

    rows: int
    changed: int
    last: EstimatePlace | None


class IngestUnit(Protocol):
    """One write transaction of the ingest pass, for one project."""

    def project(self) -> ProjectState: ...

    def coverage(self) -> Sequence[Span]:
        """The spans that were read, sorted, disjoint, merged where they touch."""

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
        """Diff `generations` (those that start inside `span`, in any order, several versions of one id allowed)
        against the ledger, write the differences, append their deltas for assess, and move the counters.

        They come with their own dimensions; what these lack they take from `inheritance` and from what was read of
        their traces in the last 24 hours, and so do the rows of these traces that are in the ledger. A version equal to
        the stored one replaces it when that was read by another attribution. `Retryable` (``rules_changed``), and
        nothing is written, when `inheritance` is not of the attribution in force (`Store.set_attribution`).

        `whole` says that these are all the versions that Langfuse holds there: then its newest one also replaces a
        stored one that would win, since Langfuse is the truth and no longer holds that. What Langfuse could not price
        is estimated by `prices`; when other estimates come from another book, all are to be formed again.

        What starts below the project's floor is left out.
        """

    def has_unpriced(self, from_ms: int) -> bool:
        """Whether any counted generation from `from_ms` on has usage without a whole price."""

    def models_ms(self) -> int | None:
        """When the price list was fetched; None when it never was."""

    def models(self) -> Sequence[ModelPrices]:
        """The price list as it was last fetched."""

    def put_models(self, found: ModelList, *, at_ms: int) -> None: ...

    def begin_estimates(self, revision: str) -> bool:
        """The book of this revision is in force. False when all estimates come from it; else they are to be formed
        again by `estimate_again`, from the start."""

    def estimate_again(self, prices: PriceBook, after: EstimatePlace | None) -> Reestimated:
        """Form the estimates of a bounded number of generations anew, and append what that changes for assess."""

    def end_estimates(self, revision: str) -> bool:
        """The walk came to its end. False when estimates of another book were written meanwhile: walk again."""

    def cover(self, span: Span, *, read_at_ms: int) -> None:
        """Remember that `span` was read completely; it is stale no more."""

    def stale(self) -> Sequence[Span]:
        """What was read by an earlier attribution only, sorted, disjoint; none of it is covered."""

    def lateness(self) -> Lateness:
        """How late generations appeared, as far as `put_lateness` was told; nothing when it never was."""

    def put_lateness(self, lateness: Lateness) -> None: ...

    def succeeded(self, *, at_ms: int, as_of_ms: int) -> None:
        """A whole live read worked: forget the failure, move `data_as_of_ms`."""

    def loaded(self, *, at_ms: int, counters_from_ms: int) -> None:
        """The first load is complete: counters appear from here on."""

    def hours(self, span: Span) -> Mapping[int, HourLedger]:
        """What the ledger holds by UTC hour, as epoch milliseconds of its start; counted generations only."""

    def readings(self, span: Span) -> Mapping[int, HourReading]:
        """The last comparison of each hour that had one."""

    def put_reading(self, hour_ms: int, reading: HourReading) -> None: ...

    def mark_gone(self, span: Span, present: Collection[tuple[str, str, int]], *, at_ms: int) -> int:
        """Langfuse holds exactly the (trace id, observation id, start) of `present` in `span`, read completely: what
        else the ledger holds there vanished. It stays counted, since it was spent. Returns how many are newly gone; a
        row that is there again is gone no more."""

    def reconciled(self, *, at_ms: int, drift_pico: int) -> None:
        """A comparison ended; what it left unexplained is the project's drift."""

    def distrust_sums(self) -> None:
        """The ledger had been changed behind our back: totals and counters are summed anew from the rows and the
        archive, and assess forms all cells anew as far as there are rows."""

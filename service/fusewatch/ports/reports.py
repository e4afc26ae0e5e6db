"""What reports and exports read of the ledger."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from fusewatch.domain.breakdown import Part, Usage
from fusewatch.domain.coverage import Span
from fusewatch.domain.usage import Dimensions, Pricing


class TracePart(NamedTuple):
    """What one trace used with one set of dimensions, within one clock hour. `first_ms` is its first start there."""

    project: str
    trace_id: str
    dimensions: Dimensions
    first_ms: int
    usage: Usage


class Line(NamedTuple):
    """One counted generation as it is listed. Times in epoch milliseconds; `changed_ms`: when its newest version took
    the place of another one, `gone_ms`: when it was found missing in Langfuse, None for never."""

    project: str
    trace_id: str
    id: str
    start_ms: int
    duration_ms: int | None
    updated_ms: int
    dimensions: Dimensions
    user: str
    session: str
    pricing: Pricing
    usage: Usage
    seen_ms: int
    changed_ms: int | None
    gone_ms: int | None


class ClosedMonth(NamedTuple):
    """What a month summed to when it was closed. `label` is its month and zone, as `2026-10 UTC`."""

    label: str
    closed_ms: int
    span: Span
    parts: Sequence[Part]


class ReportUnit(Protocol):
    """Narrow queries over any span of the ledger. They walk in steps of an hour, so that their memory follows what they
    return and not what they read."""

    def usage(self, span: Span, *, people: bool) -> Iterable[Part]:
        """What the counted generations that start in the span used; of one set of dimensions there may be many parts.

        What was pruned is known by the hour alone and counts where its hour begins, at the earliest where that is not
        known any more (epoch 0); its users and sessions are `unknown`.
        """

    def unpriced_usage(self, span: Span) -> Iterable[Part]:
        """The same of those alone that have usage and no price, or one for only part of it; not of what was pruned."""

    def trace_usage(self, span: Span) -> Iterable[Sequence[TracePart]]:
        """The same by trace, without what was pruned: one trace at a time, all that it used in the span. In memory are
        the traces of an hour, and those of earlier hours that go on in later ones."""

    def trace_lines(self, trace_id: str) -> Sequence[Line]:
        """The counted generations of a trace in all projects, by start."""

    def lines(self, project: str, span: Span, after: Line | None, limit: int) -> Sequence[Line]:
        """The counted generations of a project that start in the span, in the order of (start, trace, id) as stored;
        those behind `after`, at most `limit`."""

    def hour_marks(self, project: str, span: Span) -> Iterable[tuple[int, str]]:
        """(start of the clock hour, a hash of the counted generations in it) for each hour that holds any and that was
        not pruned in part; another hash whenever anything of them changes that is listed."""

    def first_start(self) -> int | None:
        """The first start of anything whose time is known, pruned or not; None when there is nothing."""

    def closed_month(self, label: str) -> ClosedMonth | None: ...

"""Asks either metrics endpoint for the sums of a span, by hour or minute, or by dimensions."""

from collections.abc import Sequence

import msgspec

from fusewatch.domain.ratebudget import Priority
from fusewatch.errors import Permanent, Retryable
from fusewatch.langfuse.instants import epoch_ms, iso
from fusewatch.langfuse.transport import Transport
from fusewatch.langfuse.wire import decode
from fusewatch.ports import BucketSum, GroupSum, GroupSums, Span

MOST_BUCKETS = 1000
"""The greatest `row_limit` of both endpoints. Rows beyond it are dropped without a sign, and v2 fills gaps with rows
that count; so a span never holds more buckets than this."""

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
_MEASURES = (("totalCost", "sum"), ("totalTokens", "sum"), ("count", "count"))
_ENDPOINTS = {"v1": ("v1_metrics", "metrics"), "v2": ("v2_metrics", "v2/metrics")}


class MetricsRow(msgspec.Struct):
    """A row of the answer; the names of the sums are Langfuse's. 64-bit numbers are strings on some servers.

    v1 has null for the cost of rows without a price, v2 null for no rows at all.
    """

    time_dimension: str
    sum_totalCost: float | None = None  # noqa: N815 - as Langfuse spells it
    sum_totalTokens: int | None = None  # noqa: N815 - as Langfuse spells it
    count_count: int | None = None


class MetricsAnswer(msgspec.Struct):
    data: list[MetricsRow]


class GroupsAnswer(msgspec.Struct):
    """Rows by name: the dimensions as text or null, or a list where Langfuse groups so, and the sums."""

    data: list[dict[str, str | float | int | None]]


_DECODER = msgspec.json.Decoder(MetricsAnswer, strict=False)


_GROUPS_DECODER = msgspec.json.Decoder(GroupsAnswer, strict=False)

_FIELDS = {
    "environment": "environment",
    "model": "providedModelName",
    "operation": "name",
    "type": "type",
    "version": "version",
    "prompt": "promptName",
    "release": "release",
    "trace_name": "traceName",
}
_OF_THE_TRACE = frozenset({"release", "trace_name"})
"""v1 takes these from the trace, and loses calls whose trace began before the span (API.md, metrics)."""


def check_buckets(span: Span, *, by_minute: bool) -> int:
    """The length of a bucket in ms; ValueError when the span is not made of whole ones, or of too many."""
    step_ms = MINUTE_MS if by_minute else HOUR_MS
    if span.from_ms % step_ms or span.to_ms % step_ms:
        raise ValueError(f"{span} does not begin and end with a whole {'minute' if by_minute else 'hour'}")
    if span.to_ms - span.from_ms > MOST_BUCKETS * step_ms:
        raise ValueError(f"{span} holds more than {MOST_BUCKETS:,} {'minutes' if by_minute else 'hours'}")
    return step_ms


async def ask_sums(
    transport: Transport, api: str, span: Span, *, by_minute: bool, priority: Priority = Priority.RECONCILE
) -> list[BucketSum]:
    """One request of `api` (``v1`` or ``v2``), none for a span of no length; see `ports.Source.sums`."""
    step_ms = check_buckets(span, by_minute=by_minute)
    if span.from_ms >= span.to_ms:
        return []
    endpoint, path = _ENDPOINTS[api]
    query = _query(span, timeDimension={"granularity": "minute" if by_minute else "hour"})
    answer = await transport.get(endpoint, path, {"query": query}, priority=priority)
    where = transport.where(path)
    rows = decode(_DECODER, answer.body, where=where).data
    sums = sorted((_sum_of(row, where) for row in rows if row.count_count), key=lambda s: s.start_ms)
    starts = [s.start_ms for s in sums]
    wrong = next((start for start in starts if start % step_ms or not span.from_ms <= start < span.to_ms), None)
    if wrong is not None:
        raise Retryable("unexpected", f"{where} answers with sums of {iso(wrong)}, which were not asked for")
    if len(set(starts)) < len(starts):
        raise Retryable("unexpected", f"{where} answers with two sums of one {'minute' if by_minute else 'hour'}")
    return sums


async def ask_group_sums(
    transport: Transport, api: str, from_ms: int, to_ms: int, dimensions: Sequence[str]
) -> GroupSums:
    """One request of `api`; see `ports.Source.group_sums`."""
    lost = _OF_THE_TRACE.intersection(dimensions) if api == "v1" else ()
    if lost:
        names = " and ".join(sorted(lost))
        raise Permanent(
            "no_metrics",
            f"the v1 API of {transport.host} cannot sum by {names}: update Langfuse, or judge by the ledger",
        )
    endpoint, path = _ENDPOINTS[api]
    query = _query(
        Span(from_ms, to_ms),
        dimensions=[{"field": _FIELDS[name]} for name in dimensions],
        orderBy=[{"field": "sum_totalCost", "direction": "desc"}],
    )
    answer = await transport.get(endpoint, path, {"query": query}, priority=Priority.RECONCILE)
    where = transport.where(path)
    rows = decode(_GROUPS_DECODER, answer.body, where=where).data
    return GroupSums(tuple(_group(row, dimensions, where) for row in rows), whole=len(rows) < MOST_BUCKETS)


def _group(row: dict[str, str | float | int | None], dimensions: Sequence[str], where: str) -> GroupSum:
    """One group. 64-bit sums are texts on some servers, and a value that looks like a number may come as one."""
    missing = [name for name in dimensions if _FIELDS[name] not in row]
    if missing or "sum_totalCost" not in row:
        raise Retryable("unexpected", f"{where} answers without {', '.join(missing) or 'the sums'}")
    values = tuple("" if (value := row[_FIELDS[name]]) is None else str(value) for name in dimensions)
    try:
        return GroupSum(values, float(row["sum_totalCost"] or 0), int(row.get("sum_totalTokens") or 0))
    except ValueError as error:
        raise Retryable("unexpected", f"{where} answers with sums that are no numbers") from error


def _query(span: Span, **asked: object) -> str:
    """The sums of a span, with what else is asked. Both bounds are inclusive, so the last millisecond of the span is
    the upper one. All types count: an embedding costs as well."""
    query = {
        "view": "observations",
        "metrics": [{"measure": measure, "aggregation": aggregation} for measure, aggregation in _MEASURES],
        "fromTimestamp": iso(span.from_ms),
        "toTimestamp": iso(span.to_ms - 1),
        "config": {"row_limit": MOST_BUCKETS},
        **asked,
    }
    return msgspec.json.encode(query).decode()


def _sum_of(row: MetricsRow, where: str) -> BucketSum:
    try:
        start_ms = epoch_ms(row.time_dimension)
    except (ValueError, OverflowError) as error:
        raise Retryable("unexpected", f"{where} answers with {row.time_dimension[:40]!r} for a time") from error
    return BucketSum(start_ms, row.count_count or 0, row.sum_totalCost or 0.0, row.sum_totalTokens or 0)

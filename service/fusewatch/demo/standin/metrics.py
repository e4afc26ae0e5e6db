"""The sums that both metrics endpoints answer with: every stored version in v2, each observation once in v1."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from fusewatch.demo.standin.metrics_query import COMPUTED_DIMENSIONS
from fusewatch.demo.standin.wire import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fusewatch.demo.standin.data import Row, Store
    from fusewatch.demo.standin.metrics_query import Metric, Query
    from fusewatch.demo.standin.model import Span
    from fusewatch.demo.standin.wire import JsonValue

_STEPS_MS: Final = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_QUANTILES: Final = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_COSTS: Final = frozenset({"totalCost", "inputCost", "outputCost"})
_GAP_TEXT_V1: Final = frozenset({"environment", "type", "id", "traceId"})  # not nullable there, so "" fills a gap

Group = tuple[int, tuple[object, ...]]  # the bucket, -1 without a time dimension, and the dimension values
Dated = tuple[int, "dict[str, JsonValue]"]  # a row of the answer with its bucket


def rows(store: Store, project_id: str, query: Query) -> list[JsonValue]:
    """The `data` of the answer. Rows above the limit are dropped without a sign, as Langfuse does."""
    groups: defaultdict[Group, list[Row]] = defaultdict(list)
    shown: dict[Group, dict[str, JsonValue]] = {}
    for row in _counted(store, project_id, query):
        if not query.keep(row.span):
            continue
        values = {name: COMPUTED_DIMENSIONS[name](row.span) for name in query.dimensions}
        bucket = -1 if query.granularity is None else bucket_of(row.span.start_ms, query.granularity)
        group = (bucket, tuple(tuple(value) if isinstance(value, list) else value for value in values.values()))
        groups[group].append(row)
        if group not in shown:
            shown[group] = values if bucket == -1 else {**values, "time_dimension": label(bucket, query)}
    if not query.dimensions and query.granularity is None:
        return [_measured([row for members in groups.values() for row in members], query)]
    found = [(group[0], {**shown[group], **_measured(members, query)}) for group, members in groups.items()]
    data: list[JsonValue] = list(_ordered(found, query))
    return data if query.row_limit is None else data[: query.row_limit]


def _counted(store: Store, project_id: str, query: Query) -> Sequence[Row]:
    if query.version == 2:
        return store.between(project_id, query.from_ms, query.to_ms)
    kept = [row for row in store.legacy_rows(project_id) if query.from_ms <= row.span.start_ms <= query.to_ms]
    kept.reverse()
    return kept


def _ordered(found: list[Dated], query: Query) -> list[dict[str, JsonValue]]:
    """By the asked order; else in time with the gaps filled; else the dearest group first."""
    if query.order_by:
        ordered = [row for _, row in found]
        for order in reversed(query.order_by):
            ordered.sort(key=partial(_sort_key, order.field), reverse=order.direction == "desc")
        return ordered
    if query.granularity is None:
        column = query.metrics[0].column if query.metrics else "count"
        return sorted((row for _, row in found), key=partial(_sort_key, column), reverse=True)
    held = {bucket for bucket, _ in found}
    gaps = [(bucket, _gap(bucket, query)) for bucket in _filled(query) if bucket not in held]
    return [row for _, row in sorted([*found, *gaps], key=itemgetter(0))]


def _sort_key(column: str, row: dict[str, JsonValue]) -> tuple[int, float, str]:
    value = row.get(column)
    if value is None:
        return (0, 0.0, "")
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (1, 0.0, str(value))


def _gap(bucket: int, query: Query) -> dict[str, JsonValue]:
    dimensions: dict[str, JsonValue] = {
        name: "" if query.version == 1 and name in _GAP_TEXT_V1 else None for name in query.dimensions
    }
    return {**dimensions, "time_dimension": label(bucket, query), **_measured([], query)}


def _measured(members: Sequence[Row], query: Query) -> dict[str, JsonValue]:
    if not query.metrics:
        return {"count": len(members)}
    return {metric.column: _value(metric, members, query.version) for metric in query.metrics}


def _value(metric: Metric, members: Sequence[Row], version: int) -> JsonValue:
    if metric.measure == "count":
        return len(members)
    if metric.measure in {"traceId", "uniqueUserIds", "uniqueSessionIds"}:
        return len({_identity(row.span, metric.measure) for row in members} - {""})
    if metric.measure in _COSTS and metric.aggregation == "sum":
        return _cost_sum(metric.measure, members, version)
    return _aggregated(metric.aggregation, [_reading(row.span, metric.measure) for row in members])


def _aggregated(aggregation: str, values: list[float]) -> JsonValue:
    if aggregation in {"count", "uniq"}:
        return len(values if aggregation == "count" else set(values))
    if not values and aggregation != "sum":
        return None
    match aggregation:
        case "sum":
            result = sum(values)
        case "avg":
            result = sum(values) / len(values)
        case "max":
            result = max(values)
        case "min":
            result = min(values)
        case quantile:
            result = _quantile(sorted(values), _QUANTILES[quantile])
    return number(result)


def _cost_sum(measure: str, members: Sequence[Row], version: int) -> JsonValue:
    """In v2 an unpriced group costs 0 and only an empty one null; in v1 both are null."""
    counted = members if version == 2 else [row for row in members if row.span.cost_details()]
    if not counted:
        return None
    if measure == "totalCost":
        return number(sum(row.pico for row in counted) / 10**12)
    word = measure.removesuffix("Cost")
    return number(float(sum(row.span.cost_of(word) or 0 for row in counted)))


def _identity(span: Span, measure: str) -> str:
    match measure:
        case "traceId":
            return span.trace_id
        case "uniqueUserIds":
            return span.user_id
        case _:
            return span.session_id


def _reading(span: Span, measure: str) -> float:
    match measure:
        case "latency":
            return span.end_ms - span.start_ms
        case "inputTokens":
            return span.usage_of("input")
        case "outputTokens":
            return span.usage_of("output")
        case "totalTokens":
            return span.usage_details().get("total", 0)
        case "inputCost" | "outputCost":
            return float(span.cost_of(measure.removesuffix("Cost")) or 0)
        case _:
            return span.total_pico() / 10**12


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def bucket_of(ms: int, granularity: str) -> int:
    """The start of the UTC minute, hour, day, week (Monday) or month that holds `ms`, in epoch milliseconds."""
    step = _STEPS_MS.get(granularity)
    if step is not None:
        return ms - ms % step
    day = datetime.fromtimestamp(ms // 1000, UTC).replace(hour=0, minute=0, second=0)
    first = day - timedelta(days=day.weekday()) if granularity == "week" else day.replace(day=1)
    return int(first.timestamp()) * 1000


def label(bucket: int, query: Query) -> str:
    start = datetime.fromtimestamp(bucket // 1000, UTC)
    return start.strftime("%Y-%m-%dT%H:%M:00Z" if query.granularity in {"minute", "hour"} else "%Y-%m-%d")


def _filled(query: Query) -> Iterator[int]:
    """Every bucket from that of the lower bound up to, but not with, that of the upper bound.

    It stops at the row limit: no answer can hold more gaps than that.
    """
    granularity = query.granularity or "day"
    bucket, end = bucket_of(query.from_ms, granularity), bucket_of(query.to_ms, granularity)
    made = 0
    while bucket < end and (query.row_limit is None or made < query.row_limit):
        yield bucket
        made += 1
        step = _STEPS_MS.get(granularity)
        if step is None:
            step = 7 * _STEPS_MS["day"] if granularity == "week" else 32 * _STEPS_MS["day"]
        bucket = bucket_of(bucket + step, granularity)

"""The query of the two metrics endpoints: its shape, and every reason for which Langfuse refuses one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from fusewatch.demo.standin.answers import Refusal, invalid_data, invalid_request, message
from fusewatch.demo.standin.filters import Condition, compiled
from fusewatch.demo.standin.params import bad_choice, bad_instant, epoch_ms, too_big

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fusewatch.demo.standin.model import Span
    from fusewatch.demo.standin.wire import JsonValue

AGGREGATIONS: Final = ("sum", "avg", "count", "max", "min", "p50", "p75", "p90", "p95", "p99", "histogram", "uniq")
GRANULARITIES: Final = ("auto", "minute", "hour", "day", "week", "month")
VIEWS_V2: Final = ("observations", "scores-numeric", "scores-categorical", "scores-boolean")
VIEWS_V1: Final = ("traces", *VIEWS_V2)
MEASURES_V1: Final = (
    "count,latency,streamingLatency,inputTokens,outputTokens,totalTokens,outputTokensPerSecond,tokensPerSecond,"
    "inputCost,outputCost,totalCost,timeToFirstToken,countScores,toolDefinitions,toolCalls"
)
MEASURES_V2: Final = (
    "count,traceId,uniqueUserIds,uniqueSessionIds,latency,streamingLatency,inputTokens,outputTokens,totalTokens,"
    "outputTokensPerSecond,tokensPerSecond,inputCost,outputCost,totalCost,timeToFirstToken,countScores,"
    "toolDefinitions,toolCalls,costByType,usageByType"
)
DIMENSIONS_V1: Final = (
    "id,traceId,traceName,environment,parentObservationId,type,name,level,version,tags,providedModelName,promptName,"
    "promptVersion,userId,sessionId,traceRelease,traceVersion,startTimeMonth,toolNames,calledToolNames"
)
DIMENSIONS_V2: Final = (
    "id,traceId,environment,parentObservationId,isRootObservation,type,name,level,version,userId,sessionId,tags,"
    "release,traceName,traceRelease,traceVersion,providedModelName,promptName,promptVersion,startTimeMonth,toolNames,"
    "calledToolNames,costType,usageType,experimentName,experimentDatasetId,experimentId"
)
HIGH_CARDINALITY: Final = frozenset({"id", "traceId", "parentObservationId", "userId", "sessionId"})
_COMPUTED_MEASURES: Final = (
    "count,latency,inputTokens,outputTokens,totalTokens,inputCost,outputCost,totalCost,"
    "traceId,uniqueUserIds,uniqueSessionIds"
)
COMPUTED_DIMENSIONS: Final[Mapping[str, Callable[[Span], JsonValue]]] = {
    "id": lambda span: span.id,
    "traceId": lambda span: span.trace_id,
    "environment": lambda span: span.environment,
    "parentObservationId": lambda span: span.parent_id,
    "isRootObservation": lambda span: span.parent_id is None,
    "type": lambda span: span.type,
    "name": lambda span: span.name or None,
    "level": lambda span: span.level,
    "version": lambda span: span.version or None,
    "userId": lambda span: span.user_id or None,
    "sessionId": lambda span: span.session_id or None,
    "tags": lambda span: list(span.tags),
    "release": lambda span: span.release or None,
    "traceName": lambda span: span.trace_name,
    "providedModelName": lambda span: span.model or None,
    "promptName": lambda span: span.prompt_name or None,
    "promptVersion": lambda span: span.prompt_version,
}
_ROW_LIMIT_V2: Final = 100


class Dimension(msgspec.Struct, frozen=True):
    field: str


class Metric(msgspec.Struct, frozen=True):
    measure: str
    aggregation: str

    @property
    def column(self) -> str:
        return f"{self.aggregation}_{self.measure}"


class TimeDimension(msgspec.Struct, frozen=True):
    granularity: str


class Order(msgspec.Struct, frozen=True):
    field: str
    direction: str


class Config(msgspec.Struct, frozen=True):
    bins: int | None = None
    row_limit: int | None = None


class RawQuery(msgspec.Struct, frozen=True, rename="camel"):
    """The JSON of the `query` parameter before it is judged."""

    view: str
    metrics: list[Metric]
    from_timestamp: str
    to_timestamp: str
    dimensions: list[Dimension] | None = None
    filters: list[Condition] | None = None
    time_dimension: TimeDimension | None = None
    order_by: list[Order] | None = None
    config: Config | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A metrics query that Langfuse would answer. Both bounds are inclusive."""

    version: int
    metrics: tuple[Metric, ...]
    dimensions: tuple[str, ...]
    granularity: str | None
    from_ms: int
    to_ms: int
    order_by: tuple[Order, ...]
    row_limit: int | None
    keep: Callable[[Span], bool]


def parse_query(text: str | None, version: int) -> Query:
    """The judged query for v1 or v2; raises the recorded 400s."""
    raw = _decoded(text)
    from_ms, to_ms = _check_shape(raw, version)
    dimensions = tuple(dimension.field for dimension in raw.dimensions or [])
    _check_names(raw, dimensions, version)
    if version == 2:
        _check_cardinality(raw, dimensions)
    _check_computed(raw, dimensions)
    limit = raw.config.row_limit if raw.config is not None else None
    metadata_of = (lambda span: span.all_metadata()) if version == 2 else (lambda span: span.metadata)
    return Query(
        version=version,
        metrics=tuple(raw.metrics),
        dimensions=dimensions,
        granularity=_granularity(raw, from_ms, to_ms),
        from_ms=from_ms,
        to_ms=to_ms,
        order_by=tuple(raw.order_by or []),
        row_limit=limit if limit is not None or version == 1 else _ROW_LIMIT_V2,
        keep=compiled(raw.filters or [], metadata_of),
    )


def _decoded(text: str | None) -> RawQuery:
    if text is None:
        raise invalid_data(
            [
                {
                    "expected": "string",
                    "code": "invalid_type",
                    "path": ["query"],
                    "message": "Invalid input: expected string, received undefined",
                }
            ]
        )
    try:
        found: object = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise invalid_request("Invalid JSON in query parameter") from None
    try:
        return msgspec.convert(found, RawQuery)
    except msgspec.ValidationError as problem:
        raise invalid_data([{"code": "invalid_type", "path": ["query"], "message": str(problem)}]) from None


def _check_shape(raw: RawQuery, version: int) -> tuple[int, int]:
    """The bounds in epoch milliseconds, once every part of the query is of the right shape."""
    issues: list[JsonValue] = []
    views = VIEWS_V2 if version == 2 else VIEWS_V1
    if raw.view not in views:
        issues.append(bad_choice(["query", "view"], views))
    for position, metric in enumerate(raw.metrics):
        if metric.aggregation not in AGGREGATIONS:
            issues.append(bad_choice(["query", "metrics", position, "aggregation"], AGGREGATIONS))
    if raw.time_dimension is not None and raw.time_dimension.granularity not in GRANULARITIES:
        issues.append(bad_choice(["query", "timeDimension", "granularity"], GRANULARITIES))
    from_ms, to_ms = epoch_ms(raw.from_timestamp), epoch_ms(raw.to_timestamp)
    if from_ms is None:
        issues.append(bad_instant(["query", "fromTimestamp"]))
    if to_ms is None:
        issues.append(bad_instant(["query", "toTimestamp"]))
    limit = raw.config.row_limit if raw.config is not None else None
    if limit is not None and limit > 1000:
        issues.append(too_big(["query", "config", "row_limit"], 1000))
    if not issues and from_ms is not None and to_ms is not None and from_ms >= to_ms:
        issues.append({"code": "custom", "path": ["query"], "message": "fromTimestamp must be before toTimestamp"})
    if issues or from_ms is None or to_ms is None:
        raise invalid_data(issues)
    return from_ms, to_ms


def _check_names(raw: RawQuery, dimensions: tuple[str, ...], version: int) -> None:
    known_dimensions, known_measures = (DIMENSIONS_V2, MEASURES_V2) if version == 2 else (DIMENSIONS_V1, MEASURES_V1)
    for dimension in dimensions:
        if dimension not in known_dimensions.split(","):
            raise invalid_request(f"Invalid dimension {dimension}. Must be one of {known_dimensions}")
    for metric in raw.metrics:
        if metric.measure not in known_measures.split(","):
            raise invalid_request(f"Invalid metric {metric.measure}. Must be one of {known_measures}")
    for condition in raw.filters or []:
        if condition.column not in {*known_dimensions.split(","), "metadata", "startTime", "start_time"}:
            raise invalid_request(
                f"Invalid filter column {condition.column}. Must be one of {known_dimensions} or start_time"
            )


def _check_cardinality(raw: RawQuery, dimensions: tuple[str, ...]) -> None:
    high = [dimension for dimension in dimensions if dimension in HIGH_CARDINALITY]
    if not high:
        return
    names = ", ".join(f"'{dimension}'" for dimension in high)
    if raw.time_dimension is not None:
        raise invalid_request(
            f"High cardinality dimension(s) {names} cannot be used with timeDimension. "
            "Time series queries with high cardinality dimensions produce unbounded result sets."
        )
    columns = {metric.column for metric in raw.metrics}
    falling = [order for order in raw.order_by or [] if order.direction == "desc"]
    limited = raw.config is not None and raw.config.row_limit is not None
    if not limited or not falling or any(order.field not in columns for order in falling):
        raise invalid_request(
            f"High cardinality dimension(s) {names} require both 'config.row_limit' and 'orderBy' "
            "with direction 'desc' on a measure field."
        )


def _check_computed(raw: RawQuery, dimensions: tuple[str, ...]) -> None:
    """What Langfuse can do and the stand-in cannot must not look like data: it is a 501 that says so."""
    missing = [dimension for dimension in dimensions if dimension not in COMPUTED_DIMENSIONS]
    missing += [metric.measure for metric in raw.metrics if metric.measure not in _COMPUTED_MEASURES.split(",")]
    missing += [metric.aggregation for metric in raw.metrics if metric.aggregation == "histogram"]
    if raw.view != "observations":
        missing.append(f"view {raw.view}")
    if missing:
        raise Refusal(message(501, f"The stand-in does not compute {', '.join(missing)}.", "NotImplementedError"))


def _granularity(raw: RawQuery, from_ms: int, to_ms: int) -> str | None:
    if raw.time_dimension is None or raw.time_dimension.granularity != "auto":
        return None if raw.time_dimension is None else raw.time_dimension.granularity
    hours = (to_ms - from_ms) / 3_600_000
    for limit, granularity in ((2, "minute"), (72, "hour"), (1440, "day"), (8760, "week")):
        if hours < limit:
            return granularity
    return "month"

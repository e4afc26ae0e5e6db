"""The v1 family: observations and traces by page number, as servers before v4 answer them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from fusewatch.demo.standin import wire
from fusewatch.demo.standin.answers import Refusal, json_reply, not_found
from fusewatch.demo.standin.filters import compiled, parse_conditions
from fusewatch.demo.standin.params import LEVELS, OBSERVATION_TYPES
from fusewatch.demo.standin.prices import number_or_none, priced_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fusewatch.demo.standin.answers import Reply
    from fusewatch.demo.standin.data import Row, Store
    from fusewatch.demo.standin.model import Span
    from fusewatch.demo.standin.params import Params
    from fusewatch.demo.standin.wire import JsonValue

_EARLIER_MS: Final = 167  # v1 stamps a version before v2 does: 41 to 461 ms were observed
_TRACE_GROUPS: Final = frozenset({"core", "io", "scores", "observations", "metrics"})


def observations(store: Store, project_id: str, params: Params) -> dict[str, JsonValue]:
    """The body of GET /api/public/observations: newest start first, each (trace, id) once."""
    page = params.whole("page", 1, minimum=1, maximum=None, exclusive=True)
    limit = params.whole("limit", 50, minimum=1, maximum=100)
    params.choice("type", OBSERVATION_TYPES)
    params.choice("level", LEVELS)
    from_ms, to_ms = params.instant("fromStartTime"), params.instant("toStartTime")
    params.check()
    keep = _keep(params, from_ms, to_ms)
    rows = [row for row in store.legacy_rows(project_id) if keep(row.span)]
    shown = rows[(page - 1) * limit : page * limit]
    data: list[JsonValue] = [observation_json(row.span) for row in shown]
    return {"data": data, "meta": _meta(page, limit, len(rows))}


def observation(store: Store, project_id: str, span_id: str) -> dict[str, JsonValue]:
    for row in store.legacy_rows(project_id):
        if row.span.id == span_id:
            return {**observation_json(row.span), **_tier(row.span)}
    raise Refusal(not_found(f"Observation with id {span_id} not found"))


def traces(store: Store, project_id: str, params: Params) -> dict[str, JsonValue]:
    """The body of GET /api/public/traces, newest first. Metadata comes only with the group `io`."""
    page = params.whole("page", 1, minimum=1, maximum=None, exclusive=True)
    limit = params.whole("limit", 50, minimum=1, maximum=100)
    from_ms, to_ms = params.instant("fromTimestamp"), params.instant("toTimestamp")
    params.check()
    fields = params.text("fields")
    groups = frozenset(fields.split(",")) & _TRACE_GROUPS if fields else _TRACE_GROUPS
    found = [trace for trace in _grouped(store.legacy_rows(project_id)) if _trace_fits(trace, params, from_ms, to_ms)]
    shown = found[(page - 1) * limit : page * limit]
    data: list[JsonValue] = [_trace_in_list(trace, groups) for trace in shown]
    return {"data": data, "meta": _meta(page, limit, len(found))}


def trace(store: Store, project_id: str, trace_id: str) -> dict[str, JsonValue]:
    rows = [row for row in store.legacy_rows(project_id) if row.span.trace_id == trace_id]
    if not rows:
        raise Refusal(not_found(f"Trace {trace_id} not found within authorized project"))
    spans = _oldest_first(rows)
    full: list[JsonValue] = [_observation_in_trace(span) for span in spans]
    common = _trace_common(spans)
    return {
        **common,
        "externalId": None,
        "scores": [],
        "latency": _trace_latency(spans),
        "observations": full,
        "htmlPath": f"/project/{project_id}/traces/{trace_id}",
        "totalCost": _trace_cost(spans),
    }


def sessions(store: Store, project_id: str, params: Params) -> dict[str, JsonValue]:
    page = params.whole("page", 1, minimum=1, maximum=None, exclusive=True)
    limit = params.whole("limit", 50, minimum=1, maximum=100)
    params.check()
    first: dict[str, Span] = {}
    for row in reversed(store.legacy_rows(project_id)):
        if row.span.session_id:
            first.setdefault(row.span.session_id, row.span)
    found = sorted(first.values(), key=lambda span: span.start_ms, reverse=True)
    data: list[JsonValue] = [
        {
            "id": span.session_id,
            "createdAt": wire.iso(span.created_ms),
            "projectId": project_id,
            "environment": span.environment,
        }
        for span in found[(page - 1) * limit : page * limit]
    ]
    return {"data": data, "meta": _meta(page, limit, len(found))}


def encoded(body: Mapping[str, JsonValue], stamp: Mapping[str, JsonValue] | None) -> Reply:
    """The answer, with the deprecation stamp of the Cloud where there is one."""
    return json_reply(dict(body) if stamp is None else {**body, "_deprecation": dict(stamp)})


def observation_json(span: Span) -> dict[str, JsonValue]:
    """One v1 row in the recorded order: no user, session or tags, own metadata only, input and output always."""
    entry = priced_model(span.model) if span.model else None
    usage, cost = span.usage_details(), span.cost_details()
    tokens = {"input": span.usage_of("input"), "output": span.usage_of("output"), "total": usage.get("total", 0)}
    started = span.completion_start_ms
    return {
        "id": span.id,
        "traceId": span.trace_id,
        "startTime": wire.iso(span.start_ms),
        "endTime": wire.iso(span.end_ms),
        "projectId": span.project_id,
        "parentObservationId": span.parent_id,
        "type": span.type,
        "environment": span.environment,
        "name": span.name or None,
        "level": span.level,
        "statusMessage": span.status_message or None,
        "version": span.version or None,
        "createdAt": wire.iso(span.created_ms - _EARLIER_MS),
        "updatedAt": wire.iso(span.updated_ms - _EARLIER_MS),
        "input": _parsed(span.input),
        "output": _parsed(span.output),
        "metadata": wire.nested_metadata(span.metadata),
        "model": span.model or None,
        "modelParameters": dict(span.model_parameters) if span.model or span.model_parameters else None,
        "completionStartTime": None if started is None else wire.iso(started),
        "promptId": None,
        "promptName": span.prompt_name or None,
        "promptVersion": span.prompt_version,
        "latency": wire.number((span.end_ms - span.start_ms) / 1000),
        "timeToFirstToken": None if started is None else wire.number((started - span.start_ms) / 1000),
        "usageDetails": dict(usage),
        "costDetails": {key: wire.number(amount) for key, amount in cost.items()},
        "usagePricingTierId": None,
        "usagePricingTierName": None,
        "modelId": None if entry is None else entry.id,
        **{f"{key}Price": None if entry is None else number_or_none(entry.price(key)) for key in tokens},
        "calculatedInputCost": number_or_none(span.cost_of("input")),
        "calculatedOutputCost": number_or_none(span.cost_of("output")),
        "calculatedTotalCost": wire.number(cost.get("total", 0)),
        "unit": "TOKENS",
        "promptTokens": tokens["input"],
        "completionTokens": tokens["output"],
        "totalTokens": tokens["total"],
        "usage": {"unit": "TOKENS", **tokens},
    }


def _observation_in_trace(span: Span) -> dict[str, JsonValue]:
    """Inside a trace the tier is named and missing prices are 0 instead of null."""
    row = observation_json(span)
    prices = {key: row[key] or 0 for key in ("inputPrice", "outputPrice", "totalPrice")}
    return {**row, **prices, **_tier(span)}


def _tier(span: Span) -> dict[str, JsonValue]:
    entry = priced_model(span.model) if span.cost else None
    return {
        "usagePricingTierId": entry.default_tier_id if entry else None,
        "usagePricingTierName": "Standard" if entry else None,
    }


def _keep(params: Params, from_ms: int | None, to_ms: int | None) -> Callable[[Span], bool]:
    filter_text = params.text("filter")
    conditions = [] if filter_text is None else parse_conditions(filter_text)
    columns = {condition.column for condition in conditions}
    rest = compiled(conditions, lambda span: span.metadata)
    low, high = (None, None) if "startTime" in columns else (from_ms, to_ms)
    environments = params.many("environment") if "environment" not in columns else ()
    readers: dict[str, Callable[[Span], str | None]] = {
        "type": lambda span: span.type,
        "name": lambda span: span.name,
        "userId": lambda span: span.user_id,
        "level": lambda span: span.level,
        "traceId": lambda span: span.trace_id,
        "version": lambda span: span.version,
        "parentObservationId": lambda span: span.parent_id,
    }
    wanted = [
        (read, text)
        for name, read in readers.items()
        if name not in columns and (text := params.text(name)) is not None
    ]

    def keep(span: Span) -> bool:
        return (
            (low is None or span.start_ms >= low)
            and (high is None or span.start_ms < high)
            and (not environments or span.environment in environments)
            and all(read(span) == text for read, text in wanted)
            and rest(span)
        )

    return keep


def _grouped(rows: Sequence[Row]) -> list[list[Span]]:
    """The spans of each trace, oldest first; traces by their start, newest first."""
    by_trace: dict[str, list[Row]] = {}
    for row in rows:
        by_trace.setdefault(row.span.trace_id, []).append(row)
    found = [_oldest_first(members) for members in by_trace.values()]
    return sorted(found, key=lambda spans: (spans[0].start_ms, spans[0].trace_id), reverse=True)


def _oldest_first(rows: Sequence[Row]) -> list[Span]:
    """Roots come before their children where both start in one millisecond."""
    return sorted((row.span for row in rows), key=lambda span: (span.start_ms, span.parent_id is not None, span.id))


def _trace_fits(spans: Sequence[Span], params: Params, from_ms: int | None, to_ms: int | None) -> bool:
    start_ms = spans[0].start_ms
    if (from_ms is not None and start_ms < from_ms) or (to_ms is not None and start_ms >= to_ms):
        return False
    held = _attributes(spans)
    asked = {name: params.text(name) for name in ("userId", "sessionId", "name", "release", "version")}
    environments = params.many("environment")
    return (
        all(text is None or held[name] == text for name, text in asked.items())
        and set(params.many("tags")).issubset(_tags(spans))
        and (not environments or spans[0].environment in environments)
    )


def _attributes(spans: Sequence[Span]) -> dict[str, str | None]:
    def first(read: Callable[[Span], str | None]) -> str | None:
        return next((value for span in spans if (value := read(span))), None)

    return {
        "name": first(lambda span: span.trace_name),
        "release": first(lambda span: span.release),
        "version": first(lambda span: span.version),
        "userId": first(lambda span: span.user_id),
        "sessionId": first(lambda span: span.session_id),
    }


def _tags(spans: Sequence[Span]) -> list[str]:
    return sorted({tag for span in spans for tag in span.tags})


def _trace_common(spans: Sequence[Span]) -> dict[str, JsonValue]:
    first, held = spans[0], _attributes(spans)
    stored: dict[str, str] = {}
    for span in reversed(spans):
        stored |= {**span.propagated, **span.metadata}  # on a conflict the observation's own value wins in v1
    tags: list[JsonValue] = list(_tags(spans))
    return {
        "id": first.trace_id,
        "projectId": first.project_id,
        "name": held["name"],
        "timestamp": wire.iso(first.start_ms),
        "environment": first.environment,
        "tags": tags,
        "bookmarked": False,
        "release": held["release"],
        "version": held["version"],
        "userId": held["userId"],
        "sessionId": held["sessionId"],
        "public": False,
        "input": _parsed(first.input),
        "output": _parsed(first.output),
        "metadata": wire.nested_metadata(stored),
        "createdAt": wire.iso(min(span.created_ms for span in spans) // 1000 * 1000),
        "updatedAt": wire.iso(max(span.updated_ms for span in spans) - _EARLIER_MS),
    }


def _trace_in_list(spans: Sequence[Span], groups: frozenset[str]) -> dict[str, JsonValue]:
    row = _trace_common(spans)
    if "io" not in groups:
        row |= {"input": None, "output": None, "metadata": {}}
    ids: list[JsonValue] = [span.id for span in spans] if "observations" in groups else []
    return {
        **row,
        "observations": ids,
        "scores": [],
        "totalCost": _trace_cost(spans) if "metrics" in groups else -1,
        "latency": _trace_latency(spans) if "metrics" in groups else -1,
        "htmlPath": f"/project/{spans[0].project_id}/traces/{spans[0].trace_id}",
        "externalId": None,
    }


def _trace_cost(spans: Sequence[Span]) -> int | float:
    return wire.number(sum(span.total_pico() for span in spans) / 10**12)


def _trace_latency(spans: Sequence[Span]) -> int | float:
    return wire.number((max(span.end_ms for span in spans) - spans[0].start_ms) / 1000)


def _meta(page: int, limit: int, total: int) -> dict[str, JsonValue]:
    return {"page": page, "limit": limit, "totalItems": total, "totalPages": math.ceil(total / limit)}


def _parsed(text: str | None) -> JsonValue:
    """v1 decodes stored input and output; v2 returns the string."""
    if text is None:
        return None
    try:
        value: JsonValue = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return value

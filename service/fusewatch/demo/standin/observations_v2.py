"""GET /api/public/v2/observations: newest first, keyset cursor, field groups, every stored version."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from fusewatch.demo.standin import wire
from fusewatch.demo.standin.answers import Reply, invalid_data, invalid_request
from fusewatch.demo.standin.filters import compiled, everything, parse_conditions
from fusewatch.demo.standin.params import LEVELS, OBSERVATION_TYPES, epoch_ms
from fusewatch.demo.standin.prices import priced_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from fusewatch.demo.standin.data import Store
    from fusewatch.demo.standin.model import Span
    from fusewatch.demo.standin.params import Params
    from fusewatch.demo.standin.wire import JsonValue

GROUPS: Final = (
    "core",
    "basic",
    "time",
    "io",
    "metadata",
    "model",
    "usage",
    "prompt",
    "metrics",
    "tools",
    "trace_context",
)
_DEFAULT_GROUPS: Final = frozenset({"core", "basic"})
# parameter -> the filter column that, once used in `filter`, makes Langfuse drop the parameter without a word
_COLUMN_OF: Final = {
    "type": "type",
    "name": "name",
    "userId": "userId",
    "sessionId": "sessionId",
    "level": "level",
    "traceId": "traceId",
    "version": "version",
    "parentObservationId": "parentObservationId",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A request for observations after validation."""

    groups: frozenset[str]
    expand: bool
    limit: int
    after: tuple[int, str, str] | None
    from_ms: int | None
    to_ms: int | None
    keep: Callable[[Span], bool]


def parse(params: Params) -> Question:
    """The question in the parameters; raises the recorded 400s. Unknown parameters and groups are ignored."""
    limit = params.whole("limit", 50, minimum=0, maximum=1000)
    cursor_text = params.text("cursor")
    after = None if cursor_text is None else read_cursor(cursor_text)
    if params.text("parseIoAsJson") == "true":
        params.problem(_PARSE_IO_ISSUE)
    params.choice("type", OBSERVATION_TYPES)
    params.choice("level", LEVELS)
    from_ms, to_ms = params.instant("fromStartTime"), params.instant("toStartTime")
    params.check()
    filter_text = params.text("filter")
    conditions = [] if filter_text is None else parse_conditions(filter_text)
    columns = {condition.column for condition in conditions}
    if "startTime" in columns:
        from_ms = to_ms = None
    simple = _simple(params, columns)
    rest = compiled(conditions, lambda span: span.all_metadata())
    fields = params.text("fields")
    asked = frozenset(fields.split(",")) if fields else _DEFAULT_GROUPS
    return Question(
        groups=asked.intersection(GROUPS) | {"core"},
        expand=bool(params.text("expandMetadata")),
        limit=limit,
        after=after,
        from_ms=from_ms,
        to_ms=to_ms,
        keep=rest if simple is everything else lambda span: simple(span) and rest(span),
    )


_PARSE_IO_ISSUE: Final[dict[str, JsonValue]] = {
    "code": "custom",
    "path": ["parseIoAsJson"],
    "message": "parseIoAsJson=true is no longer supported on the v2 observations endpoint. Input/output fields are "
    "always returned as raw strings. Remove the parseIoAsJson parameter or set it to false.",
}
_READERS: Final[dict[str, Callable[[Span], str | None]]] = {
    "type": lambda span: span.type,
    "name": lambda span: span.name,
    "userId": lambda span: span.user_id,
    "sessionId": lambda span: span.session_id,
    "level": lambda span: span.level,
    "traceId": lambda span: span.trace_id,
    "version": lambda span: span.version,
    "parentObservationId": lambda span: span.parent_id,
}


def _simple(params: Params, columns: set[str]) -> Callable[[Span], bool]:
    wanted = [
        (_READERS[name], text)
        for name, column in _COLUMN_OF.items()
        if column not in columns and (text := params.text(name)) is not None
    ]
    environments = frozenset(params.many("environment")) if "environment" not in columns else frozenset()
    root_text = params.text("isRootObservation") if "isRootObservation" not in columns else None
    if not wanted and not environments and root_text is None:
        return everything

    def keep(span: Span) -> bool:
        return (
            all(read(span) == text for read, text in wanted)
            and (not environments or span.environment in environments)
            and (root_text is None or (span.parent_id is None) is (root_text == "true"))
        )

    return keep


def answer(store: Store, project_id: str, question: Question) -> Reply:
    rows = store.page(
        project_id,
        from_ms=question.from_ms,
        to_ms=question.to_ms,
        after=question.after,
        limit=question.limit + 1 if question.limit else 0,
        keep=question.keep,
    )
    shape = ",".join(sorted(question.groups)) + ("+" if question.expand else "")
    shown = rows[: question.limit]
    encoded = [
        store.encoded(row, shape, lambda span: msgspec.json.encode(row_json(span, question.groups, question.expand)))
        for row in shown
    ]
    meta = b"{}"
    if len(rows) > question.limit and shown:
        meta = msgspec.json.encode({"cursor": cursor_after(shown[-1].span)})
    return Reply(200, b'{"data":[' + b",".join(encoded) + b'],"meta":' + meta + b"}")


def cursor_after(span: Span) -> str:
    place = {"lastStartTimeTo": wire.iso(span.start_ms), "lastTraceId": span.trace_id, "lastId": span.id}
    return base64.b64encode(msgspec.json.encode(place)).decode()


def read_cursor(text: str) -> tuple[int, str, str]:
    """(start_ms, trace_id, id) of the last row seen. Any client can make one: it holds no server state."""
    try:
        place: JsonValue = msgspec.json.decode(base64.b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
        raise invalid_request("Invalid cursor format") from None
    fields = place if isinstance(place, dict) else {}
    start, trace_id, span_id = fields.get("lastStartTimeTo"), fields.get("lastTraceId"), fields.get("lastId")
    start_ms = epoch_ms(start) if isinstance(start, str) else None
    issues: list[JsonValue] = []
    if start_ms is None:
        issues.append(
            {
                "expected": "date",
                "code": "invalid_type",
                "received": "Invalid Date",
                "path": ["cursor", "lastStartTimeTo"],
                "message": "Invalid input: expected date, received Date",
            }
        )
    for key, value in (("lastTraceId", trace_id), ("lastId", span_id)):
        if not isinstance(value, str):
            issues.append(
                {
                    "expected": "string",
                    "code": "invalid_type",
                    "path": ["cursor", key],
                    "message": "Invalid input: expected string, received undefined",
                }
            )
    if start_ms is None or not isinstance(trace_id, str) or not isinstance(span_id, str):
        raise invalid_data(issues)
    return start_ms, trace_id, span_id


def row_json(span: Span, groups: frozenset[str], expand: bool) -> dict[str, JsonValue]:
    """One row with the keys of the asked groups, in the recorded order. Absent text is "", not null."""
    row: dict[str, JsonValue] = {
        "id": span.id,
        "traceId": span.trace_id,
        "startTime": wire.iso(span.start_ms),
        "endTime": wire.iso(span.end_ms),
        "projectId": span.project_id,
        "parentObservationId": span.parent_id,
        "type": span.type,
    }
    if "basic" in groups:
        row |= {
            "name": span.name,
            "level": span.level,
            "statusMessage": span.status_message,
            "version": span.version,
            "environment": span.environment,
        }
    if "time" in groups:
        started = span.completion_start_ms
        row["completionStartTime"] = None if started is None else wire.iso(started)
        row["createdAt"] = wire.iso(span.created_ms)
        row["updatedAt"] = wire.iso(span.updated_ms)
    if "io" in groups:
        row |= {"input": span.input, "output": span.output}
    if "metadata" in groups:
        row["metadata"] = wire.flat_metadata(span.all_metadata(), expand=expand)
    _add_call(row, span, groups)
    started = span.completion_start_ms
    row["latency"] = wire.number((span.end_ms - span.start_ms) / 1000)
    row["timeToFirstToken"] = None if started is None else wire.number((started - span.start_ms) / 1000)
    if "basic" in groups:
        row |= {"userId": span.user_id, "sessionId": span.session_id, "isRootObservation": span.parent_id is None}
    if "trace_context" in groups:
        row |= {"traceName": span.trace_name, "release": span.release, "tags": list(span.tags)}
    if "basic" in groups:
        row |= {"bookmarked": False, "public": False}
    entry = priced_model(span.model) if "model" in groups else None
    row["modelId"] = None if entry is None else entry.id
    for key in ("input", "output", "total"):
        price = None if entry is None else entry.price(key)
        row[f"{key}Price"] = None if price is None else wire.price_text(price)
    return row


def _add_call(row: dict[str, JsonValue], span: Span, groups: frozenset[str]) -> None:
    entry = priced_model(span.model) if span.model else None
    if "model" in groups:
        row |= {
            "model": span.model,
            "internalModelId": entry.id if entry else "",
            "modelParameters": dict(span.model_parameters),
        }
    if "usage" in groups:
        usage, cost = span.usage_details(), span.cost_details()
        parts = {key: span.cost_of(key) for key in ("input", "output")}
        row |= {
            "usageDetails": dict(usage),
            "inputUsage": span.usage_of("input"),
            "outputUsage": span.usage_of("output"),
            "totalUsage": usage.get("total", 0),
            "costDetails": {key: wire.number(amount) for key, amount in cost.items()},
            "inputCost": None if parts["input"] is None else wire.number(parts["input"]),
            "outputCost": None if parts["output"] is None else wire.number(parts["output"]),
            "totalCost": wire.number(cost.get("total", 0)),
        }
    if "prompt" in groups:
        row |= {"promptId": "", "promptName": span.prompt_name, "promptVersion": span.prompt_version}
    if "usage" in groups:
        tiered = entry if entry is not None and span.cost else None
        row |= {
            "usagePricingTierId": tiered.default_tier_id if tiered else None,
            "usagePricingTierName": "Standard" if tiered else None,
        }

"""Langfuse's `filter` parameter: a JSON list of conditions, all of which must hold."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Final

import msgspec

from fusewatch.demo.standin.answers import invalid_data, invalid_request
from fusewatch.demo.standin.params import epoch_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fusewatch.demo.standin.model import Span

Scalar = str | int | float | bool


class Condition(msgspec.Struct, frozen=True):
    """One entry of the list, still unjudged."""

    column: str
    type: str
    operator: str
    value: Scalar | list[Scalar] | None = None
    key: str | None = None


_TEXTS: Final[Mapping[str, Callable[[Span], str | None]]] = {
    "id": lambda span: span.id,
    "traceId": lambda span: span.trace_id,
    "name": lambda span: span.name,
    "type": lambda span: span.type,
    "environment": lambda span: span.environment,
    "level": lambda span: span.level,
    "statusMessage": lambda span: span.status_message,
    "version": lambda span: span.version,
    "release": lambda span: span.release,
    "model": lambda span: span.model,
    "providedModelName": lambda span: span.model,
    "promptName": lambda span: span.prompt_name,
    "userId": lambda span: span.user_id,
    "sessionId": lambda span: span.session_id,
    "traceName": lambda span: span.trace_name,
    "parentObservationId": lambda span: span.parent_id,
}
_NUMBERS: Final[Mapping[str, Callable[[Span], float]]] = {
    "totalCost": lambda span: span.total_pico() / 10**12,
    "inputCost": lambda span: float(span.cost_of("input") or 0),
    "outputCost": lambda span: float(span.cost_of("output") or 0),
    "inputTokens": lambda span: span.usage_of("input"),
    "outputTokens": lambda span: span.usage_of("output"),
    "totalTokens": lambda span: span.usage_details().get("total", 0),
    "latency": lambda span: (span.end_ms - span.start_ms) / 1000,
    "promptVersion": lambda span: span.prompt_version or 0,
}
_TIMES: Final[Mapping[str, Callable[[Span], int]]] = {
    "startTime": lambda span: span.start_ms,
    "endTime": lambda span: span.end_ms,
}
_LISTS: Final = frozenset({"tags", "traceTags"})
COLUMNS: Final = frozenset({*_TEXTS, *_NUMBERS, *_TIMES, *_LISTS, "metadata", "isRootObservation"})

_ORDERINGS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_TEXT_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": lambda held, asked: held == asked,
    "contains": lambda held, asked: asked in held,
    "does not contain": lambda held, asked: asked not in held,
    "starts with": lambda held, asked: held.startswith(asked),
    "ends with": lambda held, asked: held.endswith(asked),
}


def everything(_span: Span) -> bool:
    return True


def parse_conditions(text: str) -> list[Condition]:
    """The conditions of a `filter` parameter; raises the 400 that Langfuse sends for what is no JSON or no list."""
    try:
        found: object = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise invalid_request("Invalid JSON in filter parameter") from None
    try:
        return msgspec.convert(found, list[Condition])
    except msgspec.ValidationError as problem:
        raise invalid_data([{"code": "invalid_union", "path": ["filter"], "message": str(problem)}]) from None


def compiled(
    conditions: Sequence[Condition], metadata_of: Callable[[Span], Mapping[str, str]]
) -> Callable[[Span], bool]:
    """A test for spans. Metadata is compared as *stored*, so an SDK 5 value must be asked for with its quotes."""
    tests = [_test(condition, metadata_of) for condition in conditions]
    if not tests:
        return everything
    return lambda span: all(test(span) for test in tests)


def _test(condition: Condition, metadata_of: Callable[[Span], Mapping[str, str]]) -> Callable[[Span], bool]:
    column = condition.column
    if column not in COLUMNS:
        raise invalid_request(f"Column {column} does not match a UI / CH table mapping.")
    if column == "metadata" and condition.type == "stringObject" and condition.key is not None:
        key, asked, test = condition.key, str(condition.value), _text_test(condition)
        return lambda span: key in metadata_of(span) and test(metadata_of(span)[key], asked)
    if column in _TEXTS and condition.type in {"string", "stringOptions", "null"}:
        return _text_column(condition, _TEXTS[column])
    if column in _NUMBERS and condition.type == "number" and isinstance(condition.value, int | float):
        read, compare, bound = _NUMBERS[column], _ordering(condition), float(condition.value)
        return lambda span: compare(read(span), bound)
    if column in _TIMES and condition.type == "datetime":
        return _time_column(condition, _TIMES[column])
    if column in _LISTS and condition.type == "arrayOptions":
        return _list_column(condition)
    if column == "isRootObservation" and condition.type == "boolean":
        wanted = bool(condition.value) is (condition.operator == "=")
        return lambda span: (span.parent_id is None) is wanted
    raise invalid_request(f"Filter type {condition.type} does not fit column {column}.")


def _text_column(condition: Condition, read: Callable[[Span], str | None]) -> Callable[[Span], bool]:
    if condition.type == "null":
        absent = condition.operator == "is null"
        return lambda span: (not read(span)) is absent
    if condition.type == "string":
        asked, test = str(condition.value), _text_test(condition)
        return lambda span: test(read(span) or "", asked)
    options = frozenset(_options(condition))
    inside = condition.operator == "any of"
    return lambda span: ((read(span) or "") in options) is inside


def _time_column(condition: Condition, read: Callable[[Span], int]) -> Callable[[Span], bool]:
    bound = epoch_ms(str(condition.value))
    if bound is None:
        raise invalid_request(f"Invalid datetime in filter on {condition.column}.")
    compare = _ordering(condition)
    return lambda span: compare(read(span), bound)


def _list_column(condition: Condition) -> Callable[[Span], bool]:
    asked = frozenset(_options(condition))
    match condition.operator:
        case "any of":
            return lambda span: not asked.isdisjoint(span.tags)
        case "none of":
            return lambda span: asked.isdisjoint(span.tags)
        case "all of":
            return lambda span: asked.issubset(span.tags)
        case _:
            raise _bad_operator(condition)


def _options(condition: Condition) -> list[str]:
    if condition.operator not in {"any of", "none of", "all of"} or not isinstance(condition.value, list):
        raise _bad_operator(condition)
    return [str(value) for value in condition.value]


def _ordering(condition: Condition) -> Callable[[float, float], bool]:
    found = _ORDERINGS.get(condition.operator)
    if found is None:
        raise _bad_operator(condition)
    return found


def _text_test(condition: Condition) -> Callable[[str, str], bool]:
    found = _TEXT_TESTS.get(condition.operator)
    if found is None:
        raise _bad_operator(condition)
    return found


def _bad_operator(condition: Condition) -> Exception:
    return invalid_data(
        [{"code": "invalid_union", "path": ["filter"], "message": f"Invalid operator: {condition.operator}"}]
    )

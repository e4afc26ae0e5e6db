"""POST /api/public/otel/v1/traces: what the SDKs send becomes observations, as Langfuse's direct path makes them.

Field numbers: opentelemetry-proto 1.9, `trace/v1/trace.proto`, `common/v1/common.proto`. Of the many producers that
Langfuse understands, its own SDKs and the GenAI conventions of OpenTelemetry are read. Prompts are not tokenised here.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from fusewatch.demo.standin.answers import Refusal, Reply, json_reply, message
from fusewatch.demo.standin.model import WRITE_DELAY_MS, Span
from fusewatch.demo.standin.params import epoch_ms
from fusewatch.demo.standin.prices import cost_by
from fusewatch.demo.standin.protobuf import MalformedError, Message, double, signed
from fusewatch.demo.standin.usage import usage_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from fusewatch.demo.standin.prices import PricedModel

PATH: Final = "otel/v1/traces"
_PROTOBUF: Final = "application/x-protobuf"
_NS_PER_MS: Final = 1_000_000
_STATUS_ERROR: Final = 2
_OWN: Final = ("langfuse.metadata", "langfuse.observation.metadata")
_TRACE: Final = ("langfuse.trace.metadata",)
_GENERATION_OPERATIONS: Final = frozenset({"chat", "completion", "text_completion", "generate_content", "generation"})
_MODEL_KEYS: Final = ("langfuse.observation.model.name", "gen_ai.response.model", "gen_ai.request.model")

Value = None | bool | int | float | str | list["Value"]


@dataclass(frozen=True, slots=True)
class _Origin:
    """What the spans of one scope share: attributes of the resource, name, version and attributes of the scope."""

    resource: Mapping[str, Value]
    scope: Mapping[str, str]


def body_of(headers: Mapping[str, str], body: bytes) -> bytes:
    """The protobuf inside the request; raises the 400 for what cannot be read."""
    if headers.get("content-type", "").partition(";")[0].strip() != _PROTOBUF:
        raise Refusal(message(400, f"Invalid content type, expected {_PROTOBUF}"))
    if headers.get("content-encoding", "") != "gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        raise Refusal(message(400, "Failed to decompress gzip content")) from None


def accepted() -> Reply:
    return json_reply({})


def spans_of(raw: bytes, project_id: str, now_ms: int, models: Sequence[PricedModel]) -> list[Span]:
    """The observations in an `ExportTraceServiceRequest` that came in at `now_ms`, priced by `models`.

    They can be read `WRITE_DELAY_MS` later, as on a real server.
    """
    try:
        return [
            _observation(span, origin, project_id, now_ms, models)
            for origin, spans in _scopes(Message(raw))
            for span in spans
        ]
    except MalformedError as error:
        raise Refusal(message(400, f"Failed to parse OTel Protobuf Trace: {error}")) from None


def _scopes(request: Message) -> Iterator[tuple[_Origin, Iterator[Message]]]:
    for group in request.messages(1):
        resource = _attributes(group.message(1), 1)
        for scope_spans in group.messages(2):
            scope = scope_spans.message(1)
            named = {"scope.name": scope.text(1), "scope.version": scope.text(2)}
            own = {f"scope.attributes.{key}": _stored(value) for key, value in _attributes(scope, 3).items()}
            yield _Origin(resource, {key: text for key, text in (named | own).items() if text}), scope_spans.messages(2)


def _observation(span: Message, origin: _Origin, project_id: str, now_ms: int, models: Sequence[PricedModel]) -> Span:
    given = _attributes(span, 9)
    status = span.message(15)
    model = next((text for key in _MODEL_KEYS if (text := _text(given, key))), "")
    usage, parameters = usage_of(given), _parameters(given)
    cost: Mapping[str, Decimal | float] = _given_cost(given)
    level = _text(given, "langfuse.observation.level")
    if not cost and usage:
        cost = cost_by(models, model, usage, parameters)
    parent = span.raw(4).hex()
    prompt_version = given.get("langfuse.observation.prompt.version")
    return Span(
        id=span.raw(2).hex(),
        trace_id=span.raw(1).hex(),
        parent_id=parent or None,
        start_ms=span.whole(7) // _NS_PER_MS,
        end_ms=span.whole(8) // _NS_PER_MS,
        type=_type(given, model),
        name=span.text(5),
        environment=_environment(given, origin.resource),
        level=level or ("ERROR" if status.whole(3) == _STATUS_ERROR else "DEFAULT"),
        status_message=_text(given, "langfuse.observation.status_message") or status.text(2),
        version=_text(given, "langfuse.version"),
        release=_text(given, "langfuse.release") or _text(origin.resource, "langfuse.release"),
        model=model,
        model_parameters=parameters,
        user_id=_text(given, "langfuse.user.id") or _text(given, "user.id"),
        session_id=_text(given, "langfuse.session.id") or _text(given, "session.id"),
        tags=_tags(given.get("langfuse.trace.tags")),
        trace_name=_text(given, "langfuse.trace.name") or None,
        metadata=_own_metadata(given, origin),
        propagated=_metadata(given, _TRACE),
        usage=usage,
        cost=cost,
        created_ms=now_ms,
        updated_ms=now_ms,
        arrives_ms=now_ms + WRITE_DELAY_MS,
        completion_start_ms=_completion_start(given),
        prompt_name=_text(given, "langfuse.observation.prompt.name"),
        prompt_version=prompt_version if isinstance(prompt_version, int) else None,
        input=_text(given, "langfuse.observation.input") or None,
        output=_text(given, "langfuse.observation.output") or None,
        project_id=project_id,
    )


def _attributes(holder: Message, number: int) -> dict[str, Value]:
    return {pair.text(1): _value(pair.message(2)) for pair in holder.messages(number)}


def _value(any_value: Message) -> Value:
    """An `AnyValue`; bytes and maps, which no producer here sends as attributes, are read as None."""
    if any_value.has(1):
        return any_value.text(1)
    if any_value.has(2):
        return bool(any_value.whole(2))
    if any_value.has(3):
        return signed(any_value.whole(3))
    if any_value.has(4):
        return double(any_value.whole(4))
    if any_value.has(5):
        return [_value(item) for item in any_value.message(5).messages(1)]
    return None


def _text(given: Mapping[str, Value], key: str) -> str:
    value = given.get(key)
    return value if isinstance(value, str) else ""


def _stored(value: Value) -> str:
    """The string that metadata keeps: texts as they came (SDK 5 sends JSON, quotes included), all else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _metadata(given: Mapping[str, Value], homes: Sequence[str]) -> dict[str, str]:
    """What stands under the homes, each as one JSON object, as LiteLLM sends it, or as keys with its prefix."""
    found: dict[str, str] = {}
    for home in homes:
        whole = _json(_text(given, home))
        if isinstance(whole, dict):
            found |= {key: _stored(value) for key, value in whole.items()}
        prefix = f"{home}."
        found |= {key.removeprefix(prefix): _stored(value) for key, value in given.items() if key.startswith(prefix)}
    return found


def _own_metadata(given: Mapping[str, Value], origin: _Origin) -> dict[str, str]:
    """The observation's own metadata; attributes that Langfuse gives no meaning land under `attributes.`."""
    other = {
        f"attributes.{key}": _stored(value)
        for key, value in given.items()
        if not key.startswith("langfuse.") and key not in {"user.id", "session.id"}
    }
    resource = {f"resourceAttributes.{key}": _stored(value) for key, value in origin.resource.items()}
    return {**resource, **origin.scope, **other, **_metadata(given, _OWN)}


def _type(given: Mapping[str, Value], model: str) -> str:
    named = _text(given, "langfuse.observation.type")
    if named:
        return named.upper()
    operation = _text(given, "gen_ai.operation.name")
    if operation == "embeddings":
        return "EMBEDDING"
    return "GENERATION" if model or operation in _GENERATION_OPERATIONS else "SPAN"


def _environment(given: Mapping[str, Value], resource: Mapping[str, Value]) -> str:
    for holder in (given, resource):
        for key in ("langfuse.environment", "deployment.environment.name", "deployment.environment"):
            if text := _text(holder, key):
                return text
    return "default"


def _tags(value: Value) -> tuple[str, ...]:
    found = value
    if isinstance(value, str):
        listed = _json(value)
        found = listed if isinstance(listed, list) else [value]
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def _given_cost(given: Mapping[str, Value]) -> dict[str, Decimal | float]:
    """US dollars by usage key that the sender worked out itself; a price list is then not asked."""
    details = _json(_text(given, "langfuse.observation.cost_details"))
    if not isinstance(details, dict):
        return {}
    return {key: value for key, value in details.items() if isinstance(value, int | float)}


def _parameters(given: Mapping[str, Value]) -> dict[str, str | int | float]:
    found = _json(_text(given, "langfuse.observation.model.parameters"))
    return {key: value for key, value in found.items() if value is not None} if isinstance(found, dict) else {}


def _completion_start(given: Mapping[str, Value]) -> int | None:
    text = _text(given, "langfuse.observation.completion_start_time")
    return epoch_ms(text.strip('"')) if text else None


def _json(text: str) -> Value | dict[str, str | int | float | None]:
    try:
        found: Value | dict[str, str | int | float | None] = msgspec.json.decode(text) if text else None
    except msgspec.DecodeError:
        return None
    return found

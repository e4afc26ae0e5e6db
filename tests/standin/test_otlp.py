"""What the SDKs send becomes the rows that a real Langfuse made of the same program's spans."""

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from fusewatch.demo.standin import Standin, Store
from fusewatch.demo.standin.model import DEMO_PUBLIC_KEY, DEMO_SECRET_KEY
from fusewatch.demo.standin.otlp import PATH
from fusewatch.demo.standin.protobuf import MalformedError, Message, double, signed
from fusewatch.demo.standin.troubles import Ask

HERE = Path(__file__).parent
NOW_MS = 1_795_359_400_000
AUTH = "Basic " + base64.b64encode(f"{DEMO_PUBLIC_KEY}:{DEMO_SECRET_KEY}".encode()).decode()
HEADERS = {"authorization": AUTH, "content-type": "application/x-protobuf"}
RECORDED = json.loads((HERE.parent / "recorded" / "v2_observations_all_fields.json").read_text())["body"]["data"]
TOKENISED = {"g-no-usage", "g-error"}
"""Calls without usage: the real server counted the tokens of their texts, which the stand-in does not."""
PRICED_THERE = {"g-cache-claude"}
"""A model that the stand-in's short price list does not have."""
PRICES = {"costDetails", "totalCost", "inputCost", "outputCost", "modelId", "usagePricingTierName"}
SAME = (
    *("type", "level", "statusMessage", "model", "modelParameters", "modelId", "usagePricingTierName", "version"),
    *("usageDetails", "costDetails", "totalCost", "inputUsage", "outputUsage", "totalUsage", "inputCost", "outputCost"),
    *("traceName", "release", "promptName", "promptVersion", "input", "output", "completionStartTime"),
)
COMMON = ["scope.name", "resourceAttributes.service.name", "resourceAttributes.telemetry.sdk.language"]


def standin() -> Standin:
    return Standin(Store(), now_ms=lambda: NOW_MS)


def post(app: Standin, body: bytes, headers: Mapping[str, str] = HEADERS) -> tuple[int, Any]:
    reply = app.answer(Ask("POST", f"/api/public/{PATH}", (), headers, body), NOW_MS)
    return reply.status, json.loads(reply.body)


def rows(app: Standin, after_ms: int = 10_000) -> dict[str, dict[str, Any]]:
    params = (("fields", "core,basic,time,io,metadata,model,usage,prompt,trace_context"), ("limit", "1000"))
    ask = Ask("GET", "/api/public/v2/observations", params, {"authorization": AUTH})
    found = json.loads(app.answer(ask, NOW_MS + after_ms).body)["data"]
    return {row["name"]: row for row in found}


def captured(version: str) -> tuple[bytes, dict[str, str]]:
    """The body of a real export, and its headers with our key."""
    request = json.loads((HERE / "otlp" / f"sdk-{version}.json").read_text())
    headers = {name.lower(): value for name, value in request["headers"]}
    return base64.b64decode(request["body_base64"]), {**headers, "authorization": AUTH}


@pytest.mark.parametrize("version", ["4.18.0", "5.0.4"])
def test_a_captured_export_reads_back_as_the_real_server_showed_the_same_spans(version: str) -> None:
    app = standin()
    assert post(app, *captured(version)) == (200, {})
    shown = rows(app)
    compared = {row["name"]: row for row in RECORDED if row["name"] not in TOKENISED}
    assert len(compared) > 8
    for name, real in compared.items():
        mine = shown[name]
        keys = [key for key in SAME if name not in PRICED_THERE or key not in PRICES]
        assert {key: mine[key] for key in keys} == {key: real[key] for key in keys}, name
        assert {key: mine["metadata"].get(key) for key in COMMON} == {key: real["metadata"][key] for key in COMMON}
        assert set(real["metadata"]) - {"resourceAttributes.langfuse.environment", "feature", "team"} <= set(
            mine["metadata"]
        )
        assert mine["id"] != mine["traceId"]
        assert (len(mine["id"]), len(mine["traceId"])) == (16, 32)
    assert shown["g-cache"]["metadata"]["feature"] == "search"
    assert shown["g-cache"]["tags"] == ["prod"]
    assert shown["g-cache"]["userId"].startswith("user-")
    assert shown["g-no-metadata"]["metadata"].get("feature") is None


@pytest.mark.parametrize("version", ["4.18.0", "5.0.4"])
def test_the_same_export_is_read_as_the_library_of_opentelemetry_reads_it(version: str) -> None:
    body, headers = captured(version)
    app = standin()
    assert post(app, body, headers)[0] == 200
    raw = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
    groups = ExportTraceServiceRequest.FromString(raw).resource_spans
    spans = [span for group in groups for scope in group.scope_spans for span in scope.spans]
    app.store.advance(NOW_MS + 10_000)
    mine = {span.id: span for span in app.store}
    assert len(mine) == len(spans) == 26
    for span in spans:
        held = mine[span.span_id.hex()]
        assert held.trace_id == span.trace_id.hex()
        assert held.parent_id == (span.parent_span_id.hex() or None)
        assert (held.start_ms, held.end_ms) == (
            span.start_time_unix_nano // 1_000_000,
            span.end_time_unix_nano // 1_000_000,
        )


def exported(**attributes: str | int) -> bytes:
    """A span of plain OpenTelemetry with these attributes; dots are written as two underscores."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.name, span.span_id, span.trace_id = "call", b"12345678", b"1234567812345678"
    span.start_time_unix_nano = span.end_time_unix_nano = NOW_MS * 1_000_000
    for name, value in attributes.items():
        held = AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)
        span.attributes.append(KeyValue(key=name.replace("__", "."), value=held))
    raw: bytes = request.SerializeToString()
    return raw


def row_of(**attributes: str | int) -> dict[str, Any]:
    app = standin()
    assert post(app, exported(**attributes))[0] == 200
    return rows(app)["call"]


def test_the_conventions_of_opentelemetry_for_genai_make_a_priced_generation() -> None:
    row = row_of(
        gen_ai__operation__name="chat",
        gen_ai__request__model="gpt-4o",
        gen_ai__usage__input_tokens=1000,
        gen_ai__usage__output_tokens=100,
        langfuse__trace__metadata__feature="search",
        user__id="u1",
        session__id="s1",
        deployment__environment__name="staging",
    )
    assert (row["type"], row["model"], row["environment"]) == ("GENERATION", "gpt-4o", "staging")
    assert row["usageDetails"] == {"input": 1000, "output": 100, "total": 1100}
    assert row["costDetails"] == {"input": 0.0025, "output": 0.001, "total": 0.0035}
    assert (row["userId"], row["sessionId"], row["metadata"]["feature"]) == ("u1", "s1", "search")
    assert row["metadata"]["attributes.gen_ai.operation.name"] == "chat"


@pytest.mark.parametrize(
    ("usage", "stored"),
    [
        ({"input": 5, "output": -1}, {"input": 5, "total": 5}),
        ({"input": 5, "output": 2.5}, {"input": 5, "total": 5}),
        ({"total": 7}, {"total": 7}),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": 120,
                "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            {
                "input": 40,
                "input_audio_tokens": 0,
                "input_cached_tokens": 60,
                "output": 15,
                "output_reasoning_tokens": 5,
                "total": 120,
            },
        ),
    ],
    ids=["negative", "fraction", "total alone", "openai's own shape"],
)
def test_usage_is_stored_as_the_real_server_stored_it(usage: dict[str, object], stored: dict[str, int]) -> None:
    row = row_of(
        langfuse__observation__type="generation",
        langfuse__observation__model__name="gpt-4o-mini",
        langfuse__observation__usage_details=json.dumps(usage),
    )
    assert row["usageDetails"] == stored


def test_a_given_cost_wins_over_the_price_list_and_an_unknown_model_has_no_cost() -> None:
    usage = {"langfuse__observation__usage_details": '{"input": 10}', "langfuse__observation__type": "generation"}
    given = row_of(
        langfuse__observation__model__name="gpt-4o",
        langfuse__observation__cost_details='{"input": 0.5, "total": 0.5}',
        **usage,
    )
    unknown = row_of(langfuse__observation__model__name="my-ft-9", **usage)
    assert given["costDetails"] == {"input": 0.5, "total": 0.5}
    assert (unknown["costDetails"], unknown["totalCost"]) == ({}, 0)


def test_a_span_can_be_read_only_after_it_was_written_and_a_wrong_key_writes_nothing() -> None:
    app = standin()
    wrong = {**HEADERS, "authorization": "Basic " + base64.b64encode(b"pk:sk-wrong").decode()}
    assert post(app, exported(a="b"), wrong)[0] == 401
    assert post(app, exported(a="b"))[0] == 200
    assert rows(app, after_ms=0) == {}
    assert list(rows(app)) == ["call"]


@pytest.mark.parametrize(
    ("body", "headers", "told"),
    [
        (b"\xff\xff", {}, "Failed to parse"),
        (b"\x0a\x7f", {}, "Failed to parse"),
        (b"not gzip", {"content-encoding": "gzip"}, "decompress"),
        (b"{}", {"content-type": "text/plain"}, "content type"),
    ],
)
def test_what_is_no_export_is_refused_whole(body: bytes, headers: dict[str, str], told: str) -> None:
    app = standin()
    status, answer = post(app, body, {**HEADERS, **headers})
    assert status == 400
    assert told in answer["message"]
    assert rows(app) == {}


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    try:
        message = Message(raw)
        for number in range(4):
            message.raw(number)
            message.text(number)
    except MalformedError:
        pass


@given(
    st.text(max_size=20),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.lists(st.booleans(), max_size=3),
)
def test_every_value_is_read_as_the_library_wrote_it(text: str, whole: int, broken: float, listed: list[bool]) -> None:
    items = [AnyValue(bool_value=item) for item in listed]
    assert Message(AnyValue(string_value=text).SerializeToString()).text(1) == text
    assert signed(Message(AnyValue(int_value=whole).SerializeToString()).whole(3)) == whole
    assert double(Message(AnyValue(double_value=broken).SerializeToString()).whole(4)) == broken
    array = Message(AnyValue(array_value=ArrayValue(values=items)).SerializeToString()).message(5)
    assert [bool(item.whole(2)) for item in array.messages(1)] == listed

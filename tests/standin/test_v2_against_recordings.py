"""v2 observations: rows, pages and refusals equal those of the recorded server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fusewatch.demo.standin import Mode, Span
from fusewatch.demo.standin.prices import priced_model
from tests.standin.asking import NOW_MS, RECORDED, ask, data, metrics_query, recording, replay, standin
from tests.standin.rebuilt import as_demo_project, from_v2

ALL_FIELDS = recording("v2_observations_all_fields")["body"]["data"]
UNPRICED = {"", "mystery-model-9", "my-own-model"}


def in_the_price_list(row: dict[str, Any]) -> bool:
    return row["model"] in UNPRICED or priced_model(row["model"]) is not None


def test_rows_with_every_field_group_equal_the_recorded_rows_to_the_order_of_their_keys() -> None:
    rows = [row for row in ALL_FIELDS if in_the_price_list(row)]
    assert len(rows) >= 15
    fields = "core,basic,time,io,metadata,model,usage,prompt,metrics,tools,trace_context"
    answered = data(ask(standin(map(from_v2, rows)), "v2/observations", {"fields": fields}))
    by_id = {row["id"]: row for row in answered}
    for row in rows:
        assert by_id[row["id"]] == as_demo_project(row)
        assert list(by_id[row["id"]]) == list(row)


@pytest.mark.parametrize(
    "group",
    [
        *("core", "basic", "time", "io", "metadata", "model", "usage", "prompt", "metrics", "tools", "trace_context"),
        *("unknown", "empty", "only_unknown", "for_cost_poller"),
    ],
)
def test_each_field_group_brings_the_recorded_keys_and_types(group: str) -> None:
    app = standin(from_v2(row) for row in ALL_FIELDS if in_the_price_list(row))
    answer, held = replay(app, f"v2_observations_fields_{group}")
    answered, recorded = data(answer)[0], held["body"]["data"][0]
    assert list(answered) == list(recorded)
    if recorded["id"] == answered["id"]:
        assert answered == as_demo_project(recorded)
    assert list(answer.json()["meta"]) == ["cursor"]


@pytest.mark.parametrize(
    "name",
    [
        "v2_observations_bad_cursor",
        "v2_observations_bad_cursor_json",
        "v2_observations_bad_fromStartTime",
        "v2_observations_bad_type",
        "v2_observations_filter_bad_json",
        "v2_observations_filter_createdAt",
        "v2_observations_filter_updatedAt",
        "v2_observations_filter_unknown_column",
        "v2_observations_fromStartTime_noZ",
        "v2_observations_limit_-1",
        "v2_observations_limit_1001",
        "v2_observations_limit_abc",
        "v2_observations_limit_0",
        "v2_observations_parseIoAsJson",
        "method_post_v2_observations",
    ],
)
def test_what_langfuse_refuses_is_refused_with_the_same_words(name: str) -> None:
    answer, held = replay(standin([Span(id="a", trace_id="t", start_ms=NOW_MS)]), name)
    assert answer.status_code == held["status"]
    assert answer.json() == held["body"]


@pytest.mark.parametrize(
    "name",
    [
        "v2_observations_unknown_param",
        "v2_observations_page_param",
        "v2_observations_fromStartTime_micro",
        "v2_observations_filter_startTime_ge",
        "v2_observations_filter_tags",
        "v2_observations_filter_totalCost",
        "v2_observations_filter_type_options",
        "v2_observations_filter_metadata",
        "v2_observations_filter_by_id",
        "v2_observations_expandMetadata",
        "v2_observations_limit_1",
    ],
)
def test_what_langfuse_accepts_is_accepted(name: str) -> None:
    answer, held = replay(standin(from_v2(row) for row in ALL_FIELDS), name)
    recorded_keys = {tuple(row) for row in held["body"]["data"]}
    assert {tuple(row) for row in data(answer)} <= recorded_keys


def test_a_filter_on_start_time_makes_the_simple_bounds_ineffective() -> None:
    app = standin([Span(id="a", trace_id="t", start_ms=NOW_MS)])
    condition = '[{"type":"datetime","column":"startTime","operator":">","value":"2020-01-01T00:00:00Z"}]'
    bounds = {"toStartTime": "2021-01-01T00:00:00Z"}
    assert data(ask(app, "v2/observations", bounds)) == []
    assert len(data(ask(app, "v2/observations", {**bounds, "filter": condition}))) == 1


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('{"type":"stringOptions","column":"type","operator":"any of","value":["EMBEDDING"]}', ["e"]),
        ('{"type":"string","column":"userId","operator":"=","value":"u1"}', ["g"]),
        ('{"type":"number","column":"totalCost","operator":">","value":0.5}', ["g"]),
        ('{"type":"stringObject","column":"metadata","key":"team","operator":"=","value":"red"}', ["g"]),
        ('{"type":"stringObject","column":"metadata","key":"team","operator":"=","value":"blue"}', []),
        ('{"type":"stringObject","column":"metadata","key":"team","operator":"=","value":"\\"blue\\""}', ["e"]),
        ('{"type":"stringObject","column":"metadata","key":"team","operator":"contains","value":"blue"}', ["e"]),
        ('{"type":"arrayOptions","column":"tags","operator":"none of","value":["prod"]}', ["e"]),
        ('{"type":"boolean","column":"isRootObservation","operator":"=","value":true}', ["g"]),
        ('{"type":"null","column":"userId","operator":"is null","value":""}', ["e"]),
    ],
)
def test_filters_compare_stored_values_so_sdk_5_metadata_needs_its_quotes(condition: str, found: list[str]) -> None:
    app = standin(
        [
            Span(
                id="g",
                trace_id="t",
                start_ms=NOW_MS,
                user_id="u1",
                total_cost=1.0,
                tags=("prod",),
                propagated={"team": "red"},
            ),
            Span(
                id="e",
                trace_id="t",
                start_ms=NOW_MS,
                type="EMBEDDING",
                parent_id="g",
                propagated={"team": '"blue"'},
            ),
        ]
    )
    assert [row["id"] for row in data(ask(app, "v2/observations", {"filter": f"[{condition}]"}))] == found


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ([("type", "EMBEDDING")], ["e"]),
        ([("environment", "production,staging")], ["g", "e"]),
        ([("environment", "production"), ("environment", "x")], ["g"]),
        ([("userId", "u1")], ["g"]),
        ([("traceId", "t2")], ["e"]),
        ([("name", "embed")], ["e"]),
        ([("isRootObservation", "false")], []),
        ([("toStartTime", "2026-11-22T15:00:00Z")], ["e"]),
        ([("fromStartTime", "2026-11-22T15:00:00.000Z")], ["g"]),
        ([("fromStartTime", "2026-11-22T16:59:59.999+02:00")], ["g", "e"]),
    ],
)
def test_simple_parameters_select_and_the_upper_bound_of_start_is_exclusive(
    parameters: list[tuple[str, str]], found: list[str]
) -> None:
    app = standin(
        [
            Span(id="g", trace_id="t1", start_ms=NOW_MS, environment="production", user_id="u1"),
            Span(id="e", trace_id="t2", start_ms=NOW_MS - 1, environment="staging", type="EMBEDDING", name="embed"),
        ]
    )
    assert [row["id"] for row in data(ask(app, "v2/observations", parameters))] == found


@pytest.mark.parametrize("sdk", ["4.18.0", "5.0.4"])
def test_metadata_values_are_decoded_on_read_as_the_recordings_of_both_sdks_show(sdk: str) -> None:
    for case in json.loads((RECORDED / f"exp_metadata_string_values_sdk{sdk}.json").read_text()):
        stored = case["sent"] if sdk.startswith("4") else json.dumps(case["sent"])
        span = Span(id="a", trace_id="t", start_ms=NOW_MS, metadata={"k": stored})
        read = data(ask(standin([span]), "v2/observations", {"fields": "metadata"}))[0]["metadata"]["k"]
        assert read == case["v2"], case
        assert type(read) is type(case["v2"]), case


def test_metadata_values_are_cut_at_200_characters_unless_expanded() -> None:
    app = standin([Span(id="a", trace_id="t", start_ms=NOW_MS, metadata={"k": '"' + "x" * 500 + '"'})])
    cut = data(ask(app, "v2/observations", {"fields": "metadata"}))[0]["metadata"]["k"]
    whole = data(ask(app, "v2/observations", {"fields": "metadata", "expandMetadata": "k"}))[0]["metadata"]["k"]
    assert cut == '"' + "x" * 199
    assert whole == "x" * 500


def test_the_recorded_headers_are_sent_and_success_carries_no_rate_limit() -> None:
    answer, held = replay(standin(), "v2_observations_default")
    recorded = {name.lower(): value for name, value in held["headers"]}
    for name in ("content-type", "vary", "x-frame-options", "referrer-policy"):
        assert answer.headers[name] == recorded[name]
    assert answer.headers["date"] == "Sun, 22 Nov 2026 15:00:00 GMT"
    assert not [name for name in answer.headers if "ratelimit" in name]


def test_an_equal_address_with_its_etag_answers_304_without_a_body() -> None:
    app = standin([Span(id="a", trace_id="t", start_ms=NOW_MS)])
    first = ask(app, "v2/observations")
    again = ask(app, "v2/observations", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_missing_price_costs_zero_and_only_the_empty_details_tell() -> None:
    free = Span(id="free", trace_id="t", start_ms=NOW_MS, total_cost=0)
    unpriced = Span(id="unpriced", trace_id="t", start_ms=NOW_MS - 1, usage={"input": 5})
    rows = data(ask(standin([free, unpriced]), "v2/observations", {"fields": "usage"}))
    assert [(row["totalCost"], row["costDetails"]) for row in rows] == [(0, {"total": 0}), (0, {})]


@pytest.mark.parametrize("mode", [Mode.EVENTS_ONLY, Mode.DUAL, Mode.CLOUD])
def test_v2_reads_data_on_every_v4_deployment(mode: Mode) -> None:
    app = standin([Span(id="a", trace_id="t", start_ms=NOW_MS - 60_000)], mode)
    assert len(data(ask(app, "v2/observations"))) == 1
    assert data(ask(app, "v2/metrics", metrics_query()))[0]["count_count"] == 1

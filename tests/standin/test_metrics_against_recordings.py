"""Both metrics endpoints: gaps, limits, bounds and refusals equal those of the recorded server."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from fusewatch.demo.standin import Span, Standin
from tests.standin.asking import NOW_MS, RECORDED, ask, data, metrics_query, ms, recording, replay, standin

NAMES = sorted(path.stem for path in RECORDED.glob("metrics_v[12]_*.json"))
REFUSED = [name for name in NAMES if recording(name)["status"] == 400]
NOT_COMPUTED = {"metrics_v2_cost_by_type", "metrics_v2_usage_by_type"} | {
    name for name in NAMES if "view_traces" in name
}
ANSWERED = [name for name in NAMES if recording(name)["status"] == 200 and name not in NOT_COMPUTED]
HOUR_MS = 3_600_000


def one_of_everything() -> list[Span]:
    """A few generations inside the window of the recorded queries."""
    start = ms("2026-11-19T06:00:00Z")
    common: dict[str, Any] = {"usage": {"input": 9, "output": 3}, "trace_name": "chat", "tags": ("prod", "sdk4")}
    return [
        Span(id="a", trace_id="t1", start_ms=start, model="gpt-4o", user_id="user-a", total_cost=0.25, **common),
        Span(id="b", trace_id="t2", start_ms=start + HOUR_MS, model="mystery-model-9", environment="staging", **common),
        Span(id="c", trace_id="t3", start_ms=start + 30 * HOUR_MS, user_id="user-b", total_cost=0.5, level="ERROR"),
    ]


def kind(value: object) -> str:
    if value is None:
        return "null"
    return "number" if isinstance(value, int | float) else type(value).__name__


def test_the_recordings_hold_both_kinds() -> None:
    assert len(REFUSED) >= 25
    assert len(ANSWERED) >= 40


@pytest.mark.parametrize("name", REFUSED)
def test_what_langfuse_refuses_is_refused_with_the_same_words(name: str) -> None:
    if name in NOT_COMPUTED and name.startswith("metrics_v1"):
        pytest.fail("v1 refuses nothing that the stand-in does not compute")
    answer, held = replay(standin(), name)
    assert (answer.status_code, answer.json()) == (400, held["body"])


@pytest.mark.parametrize("name", ANSWERED)
def test_what_langfuse_answers_is_answered_with_the_same_columns(name: str) -> None:
    answer, held = replay(standin(one_of_everything()), name)
    recorded = held["body"]["data"]
    answered = data(answer)
    if answered:
        assert list(answered[0]) == list(recorded[0])
    for column in recorded[0]:
        allowed = {kind(row[column]) for row in recorded} | {"null"}
        assert {kind(row[column]) for row in answered} <= allowed, column


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in ANSWERED
        if any(part in name for part in ("_by_", "row_limit_2", "offset")) and "topn" not in name
    ],
)
def test_an_empty_store_yields_the_recorded_gaps_and_nothing_else(name: str) -> None:
    """Gap rows hold null and 0, buckets start in UTC, and v2 stops after 100 rows without a sign."""
    answer, held = replay(standin(), name)
    query = json.loads(parse_qs(urlparse(held["request"]["url"]).query)["query"][0])
    gaps = [row for row in held["body"]["data"] if row["count_count"] == 0]
    answered = {row["time_dimension"]: row for row in data(answer)}
    assert [answered[row["time_dimension"]] for row in gaps] == gaps
    if "dimensions" not in query and "row_limit" not in name and "half_day" not in name:
        assert list(answered) == [row["time_dimension"] for row in held["body"]["data"]]


def test_every_stored_version_counts_in_v2_and_each_span_once_in_v1() -> None:
    old = Span(id="a", trace_id="t", start_ms=ms("2026-11-21T10:00:00Z"), total_cost=1.5)
    app = standin([old, replace(old, total_cost=2.0, updated_ms=old.updated_ms + 1)])
    assert data(ask(app, "v2/metrics", metrics_query())) == [{"sum_totalCost": 3.5, "count_count": 2}]
    assert data(ask(app, "metrics", metrics_query())) == [{"sum_totalCost": 2, "count_count": 1}]
    app.store.merge()
    assert data(ask(app, "v2/metrics", metrics_query())) == [{"sum_totalCost": 2, "count_count": 1}]


@pytest.mark.parametrize("path", ["metrics", "v2/metrics"])
def test_both_bounds_are_inclusive_so_adjacent_windows_count_a_boundary_row_twice(path: str) -> None:
    app = standin([Span(id="a", trace_id="t", start_ms=ms("2026-11-21T00:00:00Z"))])
    before = metrics_query(fromTimestamp="2026-11-20T00:00:00Z", toTimestamp="2026-11-21T00:00:00Z")
    after = metrics_query(fromTimestamp="2026-11-21T00:00:00Z", toTimestamp="2026-11-22T00:00:00Z")
    assert [data(ask(app, path, query))[0]["count_count"] for query in (before, after)] == [1, 1]


def test_a_group_without_any_price_costs_0_in_v2_and_null_in_v1() -> None:
    app = standin([Span(id="a", trace_id="t", start_ms=ms("2026-11-21T00:00:00Z"), model="m", usage={"input": 3})])
    query = metrics_query(dimensions=[{"field": "providedModelName"}])
    assert data(ask(app, "v2/metrics", query)) == [{"providedModelName": "m", "sum_totalCost": 0, "count_count": 1}]
    assert data(ask(app, "metrics", query)) == [{"providedModelName": "m", "sum_totalCost": None, "count_count": 1}]


def test_hourly_sums_over_the_default_limit_lose_the_newest_hours_without_a_sign() -> None:
    app = standin([Span(id="a", trace_id="t", start_ms=ms("2026-11-29T00:00:00Z"), total_cost=1.0)])
    window = {"fromTimestamp": "2026-11-01T00:00:00Z", "toTimestamp": "2026-12-01T00:00:00Z"}
    hourly = {**window, "timeDimension": {"granularity": "hour"}}
    silent = data(ask(app, "v2/metrics", metrics_query(**hourly)))
    assert (len(silent), sum(row["count_count"] for row in silent)) == (100, 0)
    whole = data(ask(app, "v2/metrics", metrics_query(**hourly, config={"row_limit": 1000})))
    assert (len(whole), sum(row["count_count"] for row in whole)) == (720, 1)
    assert len(data(ask(app, "metrics", metrics_query(**hourly)))) == 720


def test_the_top_users_come_dearest_first_and_a_missing_user_is_null() -> None:
    start = ms("2026-11-21T00:00:00Z")
    costs = [("u1", 1.0), ("u2", 3.0), ("", 2.0), ("u1", 0.5)]
    app = standin(
        Span(id=str(n), trace_id="t", start_ms=start, user_id=user, total_cost=cost)
        for n, (user, cost) in enumerate(costs)
    )
    query = metrics_query(
        dimensions=[{"field": "userId"}],
        orderBy=[{"field": "sum_totalCost", "direction": "desc"}],
        config={"row_limit": 10},
    )
    rows = data(ask(app, "v2/metrics", query))
    assert [(row["userId"], row["sum_totalCost"]) for row in rows] == [("u2", 3), (None, 2), ("u1", 1.5)]


@pytest.mark.parametrize("granularity", ["minute", "hour", "day", "week", "month"])
def test_buckets_tile_the_window_and_their_sums_are_the_total(granularity: str) -> None:
    start = ms("2026-11-20T00:00:00Z")
    app = _spread(start)
    query = metrics_query(timeDimension={"granularity": granularity}, config={"row_limit": 1000})
    query = {"query": query["query"].replace("2026-11-23T00:00:00Z", "2026-11-20T12:00:00Z")}
    rows = data(ask(app, "v2/metrics", query))
    assert sum(row["count_count"] for row in rows) == 50
    labels = [row["time_dimension"] for row in rows]
    assert labels == sorted(set(labels))


def _spread(start: int) -> Standin:
    return standin(Span(id=str(n), trace_id="t", start_ms=start + n * 840_000) for n in range(50))


def test_measures_beside_cost_are_computed_from_the_spans() -> None:
    app = standin(
        [
            Span(
                id="a",
                trace_id="t",
                start_ms=NOW_MS - 100,
                end_ms=NOW_MS,
                usage={"input": 5, "input_cached_tokens": 2, "output": 3},
            ),
            Span(id="b", trace_id="t", start_ms=NOW_MS, end_ms=NOW_MS + 300, usage={"total": 4}),
        ]
    )
    measures = [("inputTokens", "sum"), ("outputTokens", "sum"), ("totalTokens", "sum"), ("latency", "max")]
    query = metrics_query(
        metrics=[
            *({"measure": measure, "aggregation": how} for measure, how in measures),
            {"measure": "latency", "aggregation": "p50"},
        ]
    )
    assert list(data(ask(app, "v2/metrics", query))[0].values()) == [7, 3, 14, 300, 200]


def test_what_the_stand_in_cannot_compute_is_a_501_and_never_looks_like_data() -> None:
    query = metrics_query(metrics=[{"measure": "costByType", "aggregation": "sum"}])
    answer = ask(standin(), "v2/metrics", query)
    assert (answer.status_code, answer.json()["error"]) == (501, "NotImplementedError")

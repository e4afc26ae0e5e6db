"""Langfuse's own sums by hour and minute, from whichever metrics endpoint the server has."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.demo.standin import DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, Mode, Standin, Store
from fusewatch.demo.standin import Span as Stored
from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.langfuse.source import LangfuseSource, open_source
from fusewatch.ports import BucketSum, Span
from tests.langfuse.asking import NOW_MS, RECORDED, Reading, StandingClock, reading, recording, run
from tests.langfuse.servers import V1Server, V2Server, answer, common, not_found_page

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
NOVEMBER = Span(1_793_491_200_000, 1_796_083_200_000)
LAST_HOUR_MS = NOW_MS // HOUR_MS * HOUR_MS
DAY = Span(LAST_HOUR_MS - 23 * HOUR_MS, LAST_HOUR_MS + HOUR_MS)


def sums(source: LangfuseSource, span: Span, *, by_minute: bool = False) -> list[BucketSum]:
    return list(run(source.sums(span, by_minute=by_minute)))


def told(body: object) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: answer(body)


def failure(told_by: Reading, span: Span = DAY) -> FusewatchError:
    with pytest.raises(FusewatchError) as caught:
        sums(told_by.source, span)
    return caught.value


# ------------------------------------------------------------ as recorded


@pytest.mark.parametrize(
    ("name", "api", "span", "by_minute"),
    [
        ("metrics_v1_by_hour", "v1", NOVEMBER, False),
        ("metrics_v2_by_hour", "v2", NOVEMBER, False),
        ("metrics_v2_by_minute", "v2", Span(NOVEMBER.from_ms, NOVEMBER.from_ms + 1000 * MINUTE_MS), True),
    ],
)
def test_each_recorded_bucket_with_anything_in_it_is_told_and_no_gap(
    name: str, api: str, span: Span, by_minute: bool
) -> None:
    rows = json.loads((RECORDED / f"{name}.json").read_text(), parse_float=Decimal)["body"]["data"]
    assert any(row["count_count"] == 0 for row in rows), "the recording shows how gaps are filled"
    found = sums(reading(lambda _: recording(name), api=api).source, span, by_minute=by_minute)
    assert [(s.start_ms, s.count, Decimal(str(s.cost)), s.tokens) for s in found] == [
        (
            int(datetime.fromisoformat(row["time_dimension"]).timestamp()) * 1000,
            row["count_count"],
            row["sum_totalCost"] or 0,
            row["sum_totalTokens"],
        )
        for row in rows
        if row["count_count"]
    ]


def test_the_recorded_month_has_the_recorded_total() -> None:
    found = sums(reading(lambda _: recording("metrics_v1_by_hour"), api="v1").source, NOVEMBER)
    total = recording("metrics_v1_total").json()["data"][0]
    assert (sum(s.count for s in found), sum(s.tokens for s in found)) == (
        total["count_count"],
        total["sum_totalTokens"],
    )
    assert sum(s.cost for s in found) == pytest.approx(total["sum_totalCost"], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "reason", "text"),
    [
        ("cloudlike_ratelimited_v2_metrics", "rate_limited", "asks to slow down"),
        ("fail_clickhouse_down_v2_metrics", "server_error", "Internal Server Error"),
        ("metrics_v2_bad_range", "bad_request", "Invalid request data"),
        ("metrics_v2_row_limit_1001", "bad_request", "Invalid request data"),
        ("metrics_v2_bad_measure", "bad_request", "Invalid metric bogus"),
        ("auth_bad_secret_v2_observations", "bad_key", "Invalid credentials"),
    ],
)
def test_a_recorded_refusal_is_told_as_for_rows(name: str, reason: str, text: str) -> None:
    error = failure(reading(lambda _: recording(name)))
    assert isinstance(error, Retryable | Permanent)
    assert error.reason == reason
    assert text in str(error)


def test_used_up_sums_say_that_they_may_be_asked_for_again_in_a_day() -> None:
    error = failure(reading(lambda _: recording("cloudlike_ratelimited_v2_metrics")))
    assert isinstance(error, Retryable)
    assert error.retry_after_s == 86394


# ------------------------------------------------------------ the question


@pytest.mark.parametrize(("api", "path"), [("v1", "/api/public/metrics"), ("v2", "/api/public/v2/metrics")])
@pytest.mark.parametrize(("by_minute", "granularity"), [(False, "hour"), (True, "minute")])
def test_one_request_asks_for_all_types_up_to_the_last_millisecond_with_the_greatest_row_limit(
    api: str, path: str, by_minute: bool, granularity: str
) -> None:
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer({"data": []})

    assert sums(reading(server, api=api).source, Span(DAY.from_ms, DAY.from_ms + HOUR_MS), by_minute=by_minute) == []
    assert [request.url.path for request in asked] == [path]
    assert json.loads(asked[0].url.params["query"]) == {
        "view": "observations",
        "metrics": [
            {"measure": "totalCost", "aggregation": "sum"},
            {"measure": "totalTokens", "aggregation": "sum"},
            {"measure": "count", "aggregation": "count"},
        ],
        "timeDimension": {"granularity": granularity},
        "fromTimestamp": "2026-11-21T15:00:00.000Z",
        "toTimestamp": "2026-11-21T15:59:59.999Z",
        "config": {"row_limit": 1000},
    }


@pytest.mark.parametrize(
    ("span", "by_minute"),
    [
        (Span(DAY.from_ms - 1000 * HOUR_MS, DAY.from_ms + HOUR_MS), False),
        (Span(DAY.from_ms, DAY.from_ms + 1001 * MINUTE_MS), True),
        (Span(DAY.from_ms + 1, DAY.to_ms), False),
        (Span(DAY.from_ms, DAY.to_ms + MINUTE_MS), False),
        (Span(DAY.from_ms, DAY.from_ms + 90_000), True),
    ],
)
def test_a_span_that_one_answer_cannot_hold_whole_is_refused_before_anything_is_asked(
    span: Span, by_minute: bool
) -> None:
    server = V2Server()
    with pytest.raises(ValueError, match=r"hour|minute"):
        sums(reading(server).source, span, by_minute=by_minute)
    assert server.asked == []


def test_a_span_of_no_length_needs_no_request() -> None:
    server = V2Server()
    assert sums(reading(server).source, Span(DAY.from_ms, DAY.from_ms)) == []
    assert server.asked == []


# ------------------------------------------------------------ odd answers


def test_numbers_may_be_strings_and_sums_null() -> None:
    rows = [
        {
            "time_dimension": "2026-11-22T13:00:00Z",
            "sum_totalCost": "1e-12",
            "sum_totalTokens": "12",
            "count_count": "3",
        },
        {"time_dimension": "2026-11-22T12:00:00Z", "sum_totalCost": None, "sum_totalTokens": None, "count_count": 2},
        {"time_dimension": "2026-11-22T11:00:00Z", "sum_totalCost": 0, "sum_totalTokens": "0", "count_count": "0"},
    ]
    assert sums(reading(told({"data": rows})).source, DAY) == [
        BucketSum(LAST_HOUR_MS - 2 * HOUR_MS, 2, 0.0, 0),
        BucketSum(LAST_HOUR_MS - HOUR_MS, 3, 1e-12, 12),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [{"time_dimension": "2026-11-20T13:00:00Z", "count_count": 1}],
        [{"time_dimension": "2026-11-22T13:30:00Z", "count_count": 1}],
        [{"time_dimension": "2026-11-22 13:00:00", "count_count": 1}],
        [{"time_dimension": "2026-11-22T13:00:00Z", "count_count": 1}] * 2,
        [{"time_dimension": None, "count_count": 1}],
        [{"count_count": 1}],
    ],
    ids=["outside", "half an hour", "no zone", "twice", "no time", "no time at all"],
)
def test_sums_that_were_not_asked_for_are_not_taken_for_others(rows: list[object]) -> None:
    error = failure(reading(told({"data": rows})))
    assert isinstance(error, Retryable)
    assert error.reason == "unexpected"


def test_a_deprecation_stamp_changes_nothing() -> None:
    row = {"time_dimension": "2026-11-22T13:00:00Z", "sum_totalCost": 1.5, "sum_totalTokens": 4, "count_count": 1}
    body = {"data": [row], "_deprecation": recording("cloudlike_v1_metrics").json()["_deprecation"]}
    assert sums(reading(told(body), api="v1").source, DAY) == [BucketSum(LAST_HOUR_MS - HOUR_MS, 1, 1.5, 4)]


# ------------------------------------------------------------ which endpoint


def test_after_an_upgrade_that_took_v1_away_the_sums_come_from_v2() -> None:
    row = {"time_dimension": "2026-11-22T13:00:00Z", "sum_totalCost": 1.5, "sum_totalTokens": 4, "count_count": 1}

    def server(request: httpx.Request) -> httpx.Response:
        return answer({"data": [row]}) if "/v2/" in request.url.path else recording("events_only_v1_metrics")

    told_by = reading(server, api="v1")
    assert sums(told_by.source, DAY) == [BucketSum(LAST_HOUR_MS - HOUR_MS, 1, 1.5, 4)]
    assert told_by.endpoints() == ["v1_metrics", "v2_metrics", "v2_metrics"]
    assert sums(told_by.source, DAY)
    assert told_by.endpoints()[3:] == ["v2_metrics"]


def test_a_server_without_v2_metrics_any_more_is_asked_for_v1_sums() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        path = request.url.path.partition("/api/public/")[2]
        return answer({"data": []}) if path == "metrics" else V1Server()(request)

    told_by = reading(server, api="v2")
    assert sums(told_by.source, DAY) == []
    assert told_by.endpoints() == ["v2_metrics", "v2_metrics", "v1_observations", "v1_metrics"]


def test_a_server_too_old_for_any_metrics_says_so() -> None:
    error = failure(reading(V1Server(), api="v1"))
    assert isinstance(error, Permanent)
    assert error.reason == "no_metrics"
    assert "no sums" in str(error)


def test_a_v2_server_whose_metrics_come_and_go_is_unsteady() -> None:
    answers = iter([not_found_page(), answer({"data": []})])

    def server(request: httpx.Request) -> httpx.Response:
        return next(answers) if "metrics" in request.url.path else common(request.url.path)

    error = failure(reading(server))
    assert isinstance(error, Retryable)
    assert error.reason == "unsteady"


# ------------------------------------------------------------ against the stand-in


def stored(
    number: int, start_ms: int, tokens: int = 10, cost: str | None = "0.000209999999", kind: str = "GENERATION"
) -> Stored:
    return Stored(
        id=f"{number:016x}",
        trace_id=f"{number:032x}",
        start_ms=start_ms,
        type=kind,
        usage={"input": tokens},
        cost={} if cost is None else {"input": Decimal(cost)},
    )


def on_standin(spans: Iterable[Stored], mode: Mode = Mode.DUAL, api: str = "v2") -> tuple[LangfuseSource, Standin]:
    standin = Standin(Store(spans), now_ms=lambda: NOW_MS, mode=mode)
    source = open_source(
        "http://langfuse.test",
        DEMO_PUBLIC_KEY,
        DEMO_SECRET_KEY,
        clock=StandingClock(),
        remembered_api=api,
        transport=httpx.ASGITransport(standin),
    )
    return source, standin


def truth(spans: Iterable[Stored], span: Span, step_ms: int) -> list[tuple[int, int, Decimal, int]]:
    buckets: defaultdict[int, list[Stored]] = defaultdict(list)
    for row in spans:
        if span.from_ms <= row.start_ms < span.to_ms:
            buckets[row.start_ms // step_ms * step_ms].append(row)
    return [
        (
            start_ms,
            len(rows),
            sum((row.cost_details().get("total", Decimal(0)) for row in rows), Decimal(0)),
            sum(row.usage_details()["total"] for row in rows),
        )
        for start_ms, rows in sorted(buckets.items())
    ]


STARTS = st.integers(DAY.from_ms // 1000 - 3600, DAY.to_ms // 1000 + 3600).map(lambda second: second * 1000)
EDGES = st.sampled_from([edge + by for edge in (DAY.from_ms, DAY.from_ms + HOUR_MS, DAY.to_ms) for by in (-1, 0, 1)])
CALLS = st.lists(
    st.tuples(STARTS | EDGES, st.integers(1, 10**6), st.none() | st.sampled_from(["0", "0.00021", "999999.999999"])),
    max_size=30,
)


@given(CALLS, st.sampled_from(["v1", "v2"]))
@settings(max_examples=60, deadline=None)
def test_both_endpoints_tell_the_truth_by_hour(calls: list[tuple[int, int, str | None]], api: str) -> None:
    spans = [stored(number, *call) for number, call in enumerate(calls)]
    source, standin = on_standin(spans, api=api)
    found = sums(source, DAY)
    told_truth = truth(spans, DAY, HOUR_MS)
    assert [(s.start_ms, s.count, s.tokens) for s in found] == [
        (s, count, tokens) for s, count, _, tokens in told_truth
    ]
    assert [s.cost for s in found] == pytest.approx([float(cost) for _, _, cost, _ in told_truth], rel=1e-12)
    assert len(standin.log) == 1


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_thousand_full_minutes_are_told_with_the_newest(api: str) -> None:
    span = Span(DAY.to_ms - 1000 * MINUTE_MS, DAY.to_ms)
    spans = [stored(n, start_ms) for n, start_ms in enumerate(range(span.from_ms, span.to_ms, MINUTE_MS))]
    found = sums(on_standin(spans, api=api)[0], span, by_minute=True)
    assert len(found) == 1000
    assert (found[0].start_ms, found[-1].start_ms) == (span.from_ms, span.to_ms - MINUTE_MS)


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_row_between_two_spans_counts_in_one_of_them(api: str) -> None:
    spans = [stored(1, DAY.to_ms)]
    source, _ = on_standin(spans, api=api)
    assert sums(source, DAY) == []
    assert [s.count for s in sums(source, Span(DAY.to_ms, DAY.to_ms + HOUR_MS))] == [1]


def test_what_is_no_generation_counts_and_its_fingerprint_tells_any_change() -> None:
    spans = [stored(1, DAY.from_ms), stored(2, DAY.from_ms, kind="EMBEDDING"), stored(3, DAY.from_ms, kind="SPAN")]
    before = sums(on_standin(spans)[0], DAY)[0]
    assert before.count == 3
    after = sums(on_standin([*spans[:2], stored(3, DAY.from_ms, cost="0.00021")])[0], DAY)[0]
    assert before.fingerprint == sums(on_standin(spans)[0], DAY)[0].fingerprint
    assert before.fingerprint != sums(on_standin(spans[:2])[0], DAY)[0].fingerprint
    assert (
        before.fingerprint != sums(on_standin([*spans[:2], stored(3, DAY.from_ms, tokens=11)])[0], DAY)[0].fingerprint
    )
    assert after.count == 3


@pytest.mark.parametrize(
    ("mode", "remembered", "endpoints"),
    [
        (Mode.EVENTS_ONLY, "v1", ["metrics", "v2/metrics", "v2/metrics"]),
        (Mode.LEGACY, "v2", ["v2/metrics", "v2/metrics", "observations", "metrics"]),
        (Mode.LEGACY_OPTIN, "v1", ["metrics"]),
        (Mode.V3_OLD, "v1", ["metrics"]),
        (Mode.CLOUD, "v2", ["v2/metrics"]),
    ],
)
def test_every_kind_of_server_is_asked_where_it_answers(mode: Mode, remembered: str, endpoints: list[str]) -> None:
    source, standin = on_standin([stored(1, DAY.from_ms)], mode, remembered)
    assert [s.count for s in sums(source, DAY)] == [1]
    assert [seen.path.partition("/api/public/")[2] for seen in standin.log] == endpoints

"""The v1 family: observations, traces, models and their refusals equal those of the recorded server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fusewatch.demo.standin import Mode, Span
from fusewatch.demo.standin.prices import priced_model
from tests.standin.asking import NOW_MS, ask, data, ms, recording, replay, standin
from tests.standin.rebuilt import as_demo_project, flat, from_v1

ROWS = [
    row
    for row in recording("v1_observations_all_types")["body"]["data"]
    if row["modelId"] is None or priced_model(row["model"]) is not None
]


def test_observations_equal_the_recorded_rows_to_the_order_of_their_keys() -> None:
    assert len(ROWS) >= 12
    app = standin(from_v1(row, flat(row["metadata"])) for row in ROWS)
    by_id = {row["id"]: row for row in data(ask(app, "observations", {"limit": "100"}))}
    for row in ROWS:
        assert by_id[row["id"]] == as_demo_project(row)
        assert list(by_id[row["id"]]) == list(row)


def test_a_single_observation_names_its_pricing_tier_as_recorded() -> None:
    held = recording("v1_observation_by_id")["body"]
    app = standin([from_v1(held, flat(held["metadata"]))])
    assert ask(app, f"observations/{held['id']}").json() == as_demo_project(held)


@pytest.mark.parametrize(
    "name",
    [
        "v1_observation_by_id_missing",
        "v1_observations_bad_fromStartTime",
        "v1_observations_bad_type",
        "v1_observations_fromStartTime_date_only",
        "v1_observations_fromStartTime_noZ",
        "v1_observations_limit_0",
        "v1_observations_limit_-1",
        "v1_observations_limit_abc",
        "v1_observations_limit_101",
        "v1_observations_limit_1000",
        "v1_observations_page_0",
        "v1_traces_limit_101",
        "v1_generations_get",
        "v1_spans_get",
        "v1_events",
        "models_limit_101",
        "models_get_missing",
        "method_not_allowed_delete_observations",
        "delete_dual_v1_trace_after",
    ],
)
def test_what_langfuse_refuses_is_refused_with_the_same_words(name: str) -> None:
    answer, held = replay(standin([Span(id="a", trace_id="t", start_ms=NOW_MS)]), name)
    assert (answer.status_code, answer.json()) == (held["status"], held["body"])


def test_pages_are_numbered_and_count_the_whole() -> None:
    app = standin(Span(id=str(number), trace_id="t", start_ms=NOW_MS - number) for number in range(27))
    body = ask(app, "observations", {"limit": "10", "page": "3"}).json()
    assert [row["id"] for row in body["data"]] == [str(number) for number in range(20, 27)]
    assert body["meta"] == {"page": 3, "limit": 10, "totalItems": 27, "totalPages": 3}
    assert list(body["meta"]) == list(recording("v1_observations_page1")["body"]["meta"])
    beyond = ask(app, "observations", {"limit": "10", "page": "9"}).json()
    assert (beyond["data"], beyond["meta"]["totalItems"]) == ([], 27)


def test_v1_shows_each_span_once_with_its_latest_values_and_its_first_start() -> None:
    old = Span(id="a", trace_id="t", start_ms=NOW_MS, total_cost=1.0, updated_ms=NOW_MS + 1)
    app = standin([old, replace(old, start_ms=NOW_MS + 500, total_cost=2.0, updated_ms=NOW_MS + 2)])
    rows = data(ask(app, "observations"))
    assert [(row["calculatedTotalCost"], ms(row["startTime"])) for row in rows] == [(2, NOW_MS)]


def test_what_the_trace_propagates_is_missing_from_v1_rows_and_present_on_the_trace_with_io() -> None:
    span = Span(
        id="a",
        trace_id="t",
        start_ms=NOW_MS,
        user_id="u1",
        tags=("prod",),
        metadata={"step": "one", "scope.name": "langfuse-sdk"},
        propagated={"team": '"red"', "step": "propagated"},
    )
    app = standin([span])
    row = data(ask(app, "observations"))[0]
    assert row["metadata"] == {"step": "one", "scope": {"name": "langfuse-sdk"}}
    assert not {"userId", "sessionId", "tags"} & set(row)
    with_io = data(ask(app, "traces", {"fields": "core,io"}))[0]
    assert with_io["metadata"] == {"step": "one", "team": "red", "scope": {"name": "langfuse-sdk"}}
    assert (with_io["userId"], with_io["tags"], with_io["totalCost"]) == ("u1", ["prod"], -1)
    assert data(ask(app, "traces", {"fields": "core"}))[0]["metadata"] == {}


@pytest.mark.parametrize("name", ["v1_traces", "v1_traces_fields_core_metrics"])
def test_listed_traces_equal_the_recorded_ones_in_keys_and_in_what_their_spans_decide(name: str) -> None:
    full = recording("v1_trace_by_id")["body"]
    recorded = recording(name)["body"]["data"][0]
    answered = data(replay(standin(_spans_of(full)), name)[0])[0]
    assert list(answered) == list(recorded)
    assert _settled(answered) == _settled(as_demo_project(recorded))


def test_a_single_trace_equals_the_recorded_one_with_its_observations_in_full() -> None:
    full = recording("v1_trace_by_id")["body"]
    answered = ask(standin(_spans_of(full)), f"traces/{full['id']}").json()
    assert list(answered) == list(full)
    recorded = _settled(as_demo_project(full))
    recorded["observations"] = [as_demo_project(row) for row in full["observations"]]
    assert _settled(answered) == recorded


def test_traces_are_bounded_by_their_own_start_and_newest_first() -> None:
    app = standin(Span(id=str(n), trace_id=f"t{n}", start_ms=NOW_MS + n * 1_000) for n in range(4))
    bounds = {"fromTimestamp": "2026-11-22T15:00:01Z", "toTimestamp": "2026-11-22T15:00:03Z"}
    assert [row["id"] for row in data(ask(app, "traces", bounds))] == ["t2", "t1"]


def test_a_page_of_models_has_the_recorded_shape_and_prices() -> None:
    answer, held = replay(standin(), "models_list")
    listed = {row["modelName"]: row for row in data(answer)}
    assert list(answer.json()["meta"]) == list(held["body"]["meta"])
    compared = 0
    for row in [*held["body"]["data"], *recording("models_list_page2")["body"]["data"]]:
        mine = listed.get(row["modelName"])
        if mine is None:
            continue
        compared += 1
        assert list(mine) == list(row)
        assert {**mine, "prices": 0, "pricingTiers": 0, "matchPattern": 0} == {
            **row,
            "prices": 0,
            "pricingTiers": 0,
            "matchPattern": 0,
        }
        assert mine["prices"].items() <= row["prices"].items()
        assert [list(tier) for tier in mine["pricingTiers"]] == [list(tier) for tier in row["pricingTiers"]]
    assert compared == len(listed)


@pytest.mark.parametrize("name", ["observations", "traces", "metrics", "sessions", "observations/x", "traces/x"])
def test_events_only_hides_v1_even_from_a_wrong_key(name: str) -> None:
    held = recording("events_only_v1_observations_bad_key")
    answer = ask(standin(mode=Mode.EVENTS_ONLY), name, auth=("pk", "wrong"))
    assert (answer.status_code, answer.json()) == (404, held["body"])


def test_sessions_have_the_recorded_shape() -> None:
    span = Span(id="a", trace_id="t", start_ms=NOW_MS, session_id="s1")
    answer, held = replay(standin([span]), "v1_sessions")
    assert list(data(answer)[0]) == list(held["body"]["data"][0])
    assert sorted(answer.json()["meta"]) == sorted(held["body"]["meta"])


def _spans_of(trace: dict[str, object]) -> list[Span]:
    observations = trace["observations"]
    assert isinstance(observations, list)
    return [
        replace(
            from_v1(row, flat(row["metadata"])),
            user_id="user-a",
            session_id="sess-1",
            tags=("prod",),
            trace_name="chat",
            propagated={"feature": '"search"', "team": '"alpha"'},
        )
        for row in observations
    ]


def _settled(row: dict[str, object]) -> dict[str, object]:
    """Without the two times at which Langfuse wrote the trace itself, and the project in its link."""
    return {key: value for key, value in row.items() if key not in {"createdAt", "updatedAt", "htmlPath"}}

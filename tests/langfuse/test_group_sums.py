"""Langfuse's own sums by dimensions, for budgets with `source: metrics`."""

import json
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.ports import GroupSums
from tests.langfuse.asking import NOW_MS, RECORDED, Reading, reading, recording, run
from tests.langfuse.servers import answer

HOUR_MS = 3_600_000
FROM_MS, TO_MS = NOW_MS - 5 * HOUR_MS, NOW_MS


def asked(told_by: Reading, *dimensions: str) -> GroupSums:
    return run(told_by.source.group_sums(FROM_MS, TO_MS, dimensions))


def failure(body: object, *dimensions: str, api: str = "v2") -> FusewatchError:
    with pytest.raises(FusewatchError) as caught:
        asked(reading(lambda _: answer(body), api=api), *dimensions)
    return caught.value


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_the_recorded_groups_are_told_with_their_exact_sums(api: str) -> None:
    name = f"metrics_{api}_dim_providedModelName"
    rows = json.loads((RECORDED / f"{name}.json").read_text(), parse_float=Decimal)["body"]["data"]
    assert any(row["providedModelName"] for row in rows)
    found = asked(reading(lambda _: recording(name), api=api), "model")
    assert found.whole
    assert [(g.values, Decimal(str(g.cost)), g.tokens) for g in found.groups] == [
        ((row["providedModelName"] or "",), row["sum_totalCost"] or 0, int(row["sum_totalTokens"])) for row in rows
    ]


def test_one_request_asks_for_the_span_the_dimensions_and_the_dearest_first() -> None:
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer({"data": []})

    asked(reading(server, api="v2"), "model", "operation")
    (request,) = seen
    query = json.loads(parse_qs(urlsplit(str(request.url)).query)["query"][0])
    assert query["dimensions"] == [{"field": "providedModelName"}, {"field": "name"}]
    assert query["orderBy"] == [{"field": "sum_totalCost", "direction": "desc"}]
    assert query["config"] == {"row_limit": 1000}
    assert query["toTimestamp"].endswith(f".{(TO_MS - 1) % 1000:03}Z"), "the upper bound is inclusive there"
    assert "timeDimension" not in query


def test_a_full_answer_may_have_been_cut_off_and_says_so() -> None:
    rows = [{"providedModelName": f"m{n}", "sum_totalCost": 1, "sum_totalTokens": "5"} for n in range(1000)]
    found = asked(reading(lambda _: answer({"data": rows}), api="v2"), "model")
    assert (found.whole, len(found.groups), found.groups[0].tokens) == (False, 1000, 5)


@pytest.mark.parametrize(
    "row",
    [
        {"sum_totalCost": 1, "sum_totalTokens": 1},
        {"providedModelName": "gpt-4o", "sum_totalTokens": 1},
        {"providedModelName": "gpt-4o", "sum_totalCost": "much", "sum_totalTokens": 1},
        {"providedModelName": ["gpt-4o"], "sum_totalCost": 1},
    ],
)
def test_an_answer_that_cannot_be_meant_is_refused_whole(row: object) -> None:
    error = failure({"data": [row]}, "model")
    assert isinstance(error, Retryable)


def test_the_v1_api_is_not_asked_for_what_it_would_get_wrong() -> None:
    error = failure({"data": []}, "model", "trace_name", api="v1")
    assert isinstance(error, Permanent)
    assert "trace_name" in str(error)

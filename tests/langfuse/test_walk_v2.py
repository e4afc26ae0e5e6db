"""Walking v2: every row once, newest first, whatever goes wrong on the way."""

import gzip
import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.errors import Permanent, Retryable
from fusewatch.langfuse.paging import PageSize
from fusewatch.ports import Page, Span
from tests.langfuse.asking import NOW_MS, ids, observations, read_all, reading, run
from tests.langfuse.servers import V2Server, answer, generation, not_found_page

SPAN = Span(NOW_MS - 3_600_000, NOW_MS)


def spread(count: int, every_ms: int = 100) -> list[dict[str, object]]:
    return [generation(i, NOW_MS - 1 - i * every_ms) for i in range(count)]


def test_every_row_comes_once_newest_first_over_several_pages() -> None:
    server = V2Server(spread(2500))
    pages = read_all(reading(server).source, SPAN)
    assert [len(page.observations) for page in pages] == [1000, 1000, 500]
    assert ids(pages) == [f"{i:016x}" for i in range(2500)]
    assert [page.last for page in pages] == [False, False, True]


def test_the_span_is_half_open_and_the_fields_with_prompts_are_not_asked_for() -> None:
    server = V2Server([generation(1, SPAN.from_ms), generation(2, SPAN.to_ms), generation(3, SPAN.from_ms - 1)])
    assert ids(read_all(reading(server).source, SPAN)) == [f"{1:016x}"]
    params = server.asked[0].url.params
    assert params["fields"].split(",") == [
        "core",
        "basic",
        "time",
        "usage",
        "model",
        "metadata",
        "trace_context",
        "prompt",
    ]
    assert (params["fromStartTime"], params["toStartTime"]) == ("2026-11-22T13:15:00.000Z", "2026-11-22T14:15:00.000Z")


def test_a_page_is_complete_only_above_the_instant_of_its_last_row() -> None:
    rows = [generation(i, NOW_MS - 1 - i // 700) for i in range(1400)]  # 700 rows at each of two instants
    pages = read_all(reading(V2Server(rows)).source, SPAN)
    assert [page.complete_from_ms for page in pages] == [NOW_MS - 1, SPAN.from_ms]
    assert len(set(ids(pages))) == 1400


def test_more_rows_at_one_instant_than_fit_a_page_are_all_read() -> None:
    rows = [generation(i, NOW_MS - 5000) for i in range(3001)]
    pages = read_all(reading(V2Server(rows)).source, SPAN)
    assert len(set(ids(pages))) == len(ids(pages)) == 3001
    assert [page.complete_from_ms for page in pages] == [NOW_MS - 4999] * 3 + [SPAN.from_ms]


def test_an_empty_page_that_is_not_the_last_ends_nothing() -> None:
    def empty(request: httpx.Request) -> httpx.Response:
        return answer({"data": [], "meta": {"cursor": "bm90aGluZw=="}})

    def from_the_top(request: httpx.Request) -> httpx.Response:
        assert request.url.params["cursor"] == "bm90aGluZw=="
        return answer({"data": [generation(1, NOW_MS - 1)], "meta": {}})

    pages = read_all(reading(V2Server(troubles=[empty, from_the_top])).source, SPAN)
    assert [page.complete_from_ms for page in pages] == [SPAN.to_ms, SPAN.from_ms]
    assert ids(pages) == [f"{1:016x}"]


def test_a_span_without_any_row_is_read_with_one_request() -> None:
    server = V2Server()
    pages = read_all(reading(server).source, SPAN)
    assert [(page.observations, page.last, page.complete_from_ms) for page in pages] == [([], True, SPAN.from_ms)]
    assert len(server.asked) == 1


def test_a_span_of_no_length_is_read_without_a_request() -> None:
    server = V2Server()
    assert read_all(reading(server).source, Span(NOW_MS, NOW_MS)) == []
    assert server.asked == []


@pytest.mark.parametrize("status", [413, 422, 502, 504, 524])
def test_an_answer_that_is_too_much_is_asked_again_in_halves(status: int) -> None:
    too_much = [httpx.Response(status, html="<html>gateway</html>")] * 2
    server = V2Server(spread(600), troubles=[*too_much])
    pages = read_all(reading(server).source, SPAN)
    assert server.limits() == [1000, 500, 250, 250, 250]
    assert len(ids(pages)) == 600


def test_a_server_that_cannot_answer_even_ten_rows_is_overloaded() -> None:
    told = {"message": "Use a smaller range", "error": "Request timed out"}
    server = V2Server(troubles=[answer(told, 422)] * 100)
    with pytest.raises(Retryable, match="Use a smaller range: Request timed out") as caught:
        read_all(reading(server).source, SPAN)
    assert caught.value.reason == "overloaded"
    assert server.limits() == [1000, 500, 250, 125, 62, 31, 15, 10]


def test_the_limit_grows_again_after_a_run_of_good_answers() -> None:
    size = PageSize(1000)
    assert size.halve()
    limits = []
    for _ in range(41):
        size.succeeded()
        limits.append(size.limit)
    assert limits == [500] * 19 + [1000] * 22


def test_after_a_retryable_failure_the_walk_goes_on_at_the_same_page() -> None:
    limited = answer({"message": "Rate limit exceeded", "code": "rate_limited"}, 429, **{"Retry-After": "58"})
    server = V2Server(spread(1500), troubles=[lambda _: None, limited, httpx.ReadTimeout("slow")])
    walk = reading(server).source.walk(SPAN)

    async def go() -> list[Page]:
        first = await walk.next_page()
        with pytest.raises(Retryable) as slowed:
            await walk.next_page()
        assert (slowed.value.reason, slowed.value.retry_after_s) == ("rate_limited", 58.0)
        with pytest.raises(Retryable) as late:
            await walk.next_page()
        assert late.value.reason == "timeout"
        second = await walk.next_page()
        assert first is not None
        assert second is not None
        assert await walk.next_page() is None
        return [first, second]

    assert ids(run(go())) == [f"{i:016x}" for i in range(1500)]


def test_a_cursor_that_comes_again_is_an_error_and_not_an_endless_walk() -> None:
    def same(request: httpx.Request) -> httpx.Response:
        return answer({"data": [generation(1, NOW_MS - 1)], "meta": {"cursor": "c2FtZQ=="}})

    server = V2Server(troubles=[same] * 10)
    with pytest.raises(Retryable, match="round in a circle") as caught:
        read_all(reading(server).source, SPAN)
    assert caught.value.reason == "cursor_loop"
    assert len(server.asked) == 2


def test_empty_pages_without_end_are_an_error() -> None:
    number = iter(range(1000))

    def empty(request: httpx.Request) -> httpx.Response:
        return answer({"data": [], "meta": {"cursor": f"c{next(number)}"}})

    with pytest.raises(Retryable) as caught:
        read_all(reading(V2Server(troubles=[empty] * 1000)).source, SPAN)
    assert caught.value.reason == "cursor_loop"


def test_a_refused_cursor_is_replaced_by_the_place_it_stood_for() -> None:
    refused = answer({"message": "Invalid cursor format", "error": "InvalidRequestError"}, 400)
    server = V2Server(spread(1500), troubles=[lambda _: None, refused])
    pages = read_all(reading(server).source, SPAN)
    assert set(ids(pages)) == {f"{i:016x}" for i in range(1500)}
    assert "cursor" not in server.asked[-1].url.params


def test_a_refused_request_without_a_cursor_is_permanent() -> None:
    refused = answer({"message": "Invalid request data", "error": [{"path": ["fields"]}]}, 400)
    with pytest.raises(Permanent, match="Invalid request data") as caught:
        read_all(reading(V2Server(troubles=[refused])).source, SPAN)
    assert caught.value.reason == "bad_request"


def test_three_bad_rows_of_a_thousand_are_named_and_the_others_kept() -> None:
    rows = spread(1000)
    rows[5]["totalCost"] = "much"
    rows[500] = {**rows[500], "startTime": "yesterday"}
    del rows[999]["traceId"]
    page = {"data": rows, "meta": {}}
    (read,) = read_all(reading(V2Server(troubles=[answer(page)])).source, SPAN)
    assert len(read.observations) == 997
    assert {(row.id, row.field) for row in read.rejected} == {
        (f"{5:016x}", "totalCost"),
        (f"{500:016x}", "startTime"),
        (f"{999:016x}", ""),
    }
    assert {row.problem for row in read.rejected} == {
        "Expected `float | null`, got `str`",
        "'yesterday' is no time",
        "Object missing required field `traceId`",
    }


def test_a_row_that_is_no_object_is_rejected_without_an_id() -> None:
    page = {"data": [generation(1, NOW_MS - 1), "nonsense", {"id": 7}], "meta": {}}
    (read,) = read_all(reading(V2Server(troubles=[answer(page)])).source, SPAN)
    assert len(read.observations) == 1
    assert [row.id for row in read.rejected] == ["", ""]


def test_a_cost_beyond_any_price_is_rejected_not_stored() -> None:
    page = {"data": [generation(1, NOW_MS - 1, totalCost=1e15)], "meta": {}}
    (read,) = read_all(reading(V2Server(troubles=[answer(page)])).source, SPAN)
    assert [(row.field, row.problem) for row in read.rejected] == [
        ("totalCost", "1000000000000000.0 USD is more than one call can cost")
    ]


def test_half_an_emoji_in_a_name_costs_no_row() -> None:
    rows = [generation(1, NOW_MS - 1, name="cut \ud83d"), generation(2, NOW_MS - 2, name="whole \U0001f600 \\ud83d")]
    page = json.dumps({"data": rows, "meta": {}}).encode()
    (read,) = read_all(reading(V2Server(troubles=[httpx.Response(200, content=page)])).source, SPAN)
    assert [o.name for o in read.observations] == ["cut �", "whole \U0001f600 \\ud83d"]
    assert read.rejected == []


@pytest.mark.parametrize(
    ("body", "reason", "text"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>", "not_json", "a proxy or a login page may stand in between"),
        (b'{"data": [{"id": "a", "traceId": "b", "sta', "truncated", "breaks off after 42 bytes"),
        (b"", "truncated", "an empty answer"),
        (b"upstream went away", "not_json", "something that is not JSON: 'upstream went away'"),
        (b'{"message": "all is well"}', "unexpected", "JSON of another shape: Object missing required field `data`"),
        (b"[]", "unexpected", "JSON of another shape"),
    ],
)
def test_a_body_that_is_no_page_says_what_it_is(body: bytes, reason: str, text: str) -> None:
    server = V2Server(troubles=[httpx.Response(200, content=body)])
    with pytest.raises(Retryable, match=text) as caught:
        read_all(reading(server).source, SPAN)
    assert caught.value.reason == reason


def test_a_dropped_connection_is_tried_once_more_at_once() -> None:
    server = V2Server(
        spread(3), troubles=[httpx.RemoteProtocolError("Server disconnected without sending a response.")]
    )
    told = reading(server)
    assert len(ids(read_all(told.source, SPAN))) == 3
    assert told.requests == [("v2_observations", "200", 0.0)]


def test_a_connection_dropped_twice_is_given_back_to_the_caller() -> None:
    server = V2Server(troubles=[httpx.ReadError("reset"), httpx.ReadError("reset")])
    told = reading(server)
    with pytest.raises(Retryable, match="dropped the connection") as caught:
        read_all(told.source, SPAN)
    assert caught.value.reason == "connection_lost"
    assert told.statuses() == ["connection_lost"]


def test_rows_of_another_project_stop_the_project() -> None:
    server = V2Server([generation(1, NOW_MS - 1, projectId="proj-other")])
    with pytest.raises(
        Permanent, match="now answers for project 'proj-other'; this key pair belonged to 'proj-test'"
    ) as caught:
        read_all(reading(server, project_id="proj-test").source, SPAN)
    assert caught.value.reason == "wrong_project"


def test_an_unsorted_server_never_makes_a_page_promise_what_it_cannot() -> None:
    rows = [generation(1, NOW_MS - 500), generation(2, NOW_MS - 10), generation(3, NOW_MS - 900)]
    mixed = answer({"data": rows, "meta": {"cursor": "bmV4dA=="}})
    rest = answer({"data": [generation(4, NOW_MS - 100)], "meta": {}})
    pages = read_all(reading(V2Server(troubles=[mixed, rest])).source, SPAN)
    assert [page.complete_from_ms for page in pages] == [SPAN.to_ms, SPAN.from_ms]
    assert [o.start_ms for o in pages[0].observations] == [NOW_MS - 10, NOW_MS - 500, NOW_MS - 900]


def test_rows_outside_the_asked_span_are_not_handed_up() -> None:
    rows = [generation(1, NOW_MS + 5), generation(2, NOW_MS - 5), generation(3, SPAN.from_ms - 5)]
    pages = read_all(reading(V2Server(troubles=[answer({"data": rows, "meta": {}})])).source, SPAN)
    assert ids(pages) == [f"{2:016x}"]


def test_a_page_tells_the_servers_time_and_its_unpacked_size() -> None:
    body = json.dumps({"data": [generation(1, NOW_MS - 1)], "meta": {}}).encode()
    packed = httpx.Response(
        200,
        headers={"Content-Encoding": "gzip", "Date": "Sun, 22 Nov 2026 14:14:30 GMT"},
        content=gzip.compress(body),
    )
    (page,) = read_all(reading(V2Server(troubles=[packed])).source, SPAN)
    assert page.server_now_ms == NOW_MS - 30_000
    assert page.size_bytes == len(body)


def test_every_field_arrives_in_our_words() -> None:
    row = generation(
        7,
        NOW_MS - 60_000,
        release="r1",
        version="v2",
        sessionId="s",
        promptName="greeting",
        promptVersion=3,
        tags=["a", "b"],
        startTime="2026-11-22T14:14:00.000123+00:00",
    )
    (o,) = observations(read_all(reading(V2Server([row])).source, SPAN))
    assert o._asdict() == {
        "trace_id": f"{2:032x}",
        "id": f"{7:016x}",
        "start_ms": NOW_MS - 60_000,
        "end_ms": NOW_MS - 58_500,
        "updated_ms": NOW_MS - 57_000,
        "type": "GENERATION",
        "name": "answer",
        "environment": "production",
        "model": "gpt-4o",
        "user": "user-a",
        "session": "s",
        "release": "r1",
        "version": "v2",
        "trace_name": "chat",
        "prompt": "greeting:3",
        "tags": ("a", "b"),
        "metadata": {"feature": "search", "team": "alpha"},
        "usage": {"input": 100, "output": 10, "total": 110},
        "cost": {"input": 0.0005, "output": 0.0005, "total": 0.001},
        "total_cost": 0.001,
    }


def test_a_server_that_went_back_to_v1_is_probed_again_and_read_on() -> None:
    gone = not_found_page()

    def v1_page(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/public/observations"
        return answer({"data": [], "meta": {"totalPages": 0}})

    server = V2Server(spread(1500), troubles=[lambda _: None, gone, gone, v1_page, v1_page])
    told = reading(server)
    pages = read_all(told.source, SPAN)
    assert told.endpoints() == [
        "v2_observations",
        "v2_observations",
        "v2_metrics",
        "v1_observations",
        "v1_observations",
    ]
    assert pages[-1].complete_from_ms == SPAN.from_ms
    assert server.asked[-1].url.params["toStartTime"] == "2026-11-22T14:13:20.100Z"  # just below the page that was read


@settings(max_examples=60, deadline=None)
@given(
    starts=st.lists(st.integers(0, 40), max_size=60),
    limit=st.integers(1, 12),
)
def test_whatever_shares_an_instant_a_page_is_complete_above_its_mark(starts: list[int], limit: int) -> None:
    rows = [generation(i, NOW_MS - 1 - start) for i, start in enumerate(starts)]

    def small(request: httpx.Request) -> httpx.Response:
        smaller = request.url.copy_set_param("limit", limit)
        return server.answer(httpx.Request("GET", smaller))

    server = V2Server(rows)
    pages = read_all(reading(small).source, SPAN)
    seen: set[str] = set()
    for page in pages:
        seen |= {o.id for o in page.observations}
        assert {row["id"] for i, row in enumerate(rows) if NOW_MS - 1 - starts[i] >= page.complete_from_ms} <= seen
    assert pages[-1].complete_from_ms == SPAN.from_ms
    assert sorted(ids(pages)) == sorted(row["id"] for row in rows)

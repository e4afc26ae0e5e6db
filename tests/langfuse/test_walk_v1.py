"""Walking v1 and joining its traces: every row once, although pages shift and traces come late."""

import httpx
import pytest

from fusewatch.domain.attribution import Resolver
from fusewatch.domain.merge import generation_of
from fusewatch.domain.rules import DEFAULT_ATTRIBUTION
from fusewatch.errors import Retryable
from fusewatch.langfuse import traces
from fusewatch.ports import Span
from tests.langfuse.asking import NOW_MS, ids, observations, read_all, reading
from tests.langfuse.servers import Row, Server, V1Server, V2Server, answer, generation, iso, trace_of, v1_of

SPAN = Span(NOW_MS - 3_600_000, NOW_MS)
RESOLVER = Resolver(DEFAULT_ATTRIBUTION)


def server_of(rows: list[Row]) -> V1Server:
    """A v1 server with those v2 rows and their traces, each as old as its oldest row."""
    oldest: dict[str, Row] = {}
    for row in rows:
        known = oldest.setdefault(row["traceId"], row)
        if row["startTime"] < known["startTime"]:
            oldest[row["traceId"]] = row
    found = [{**trace_of(row, 0), "timestamp": row["startTime"]} for row in oldest.values()]
    return V1Server([v1_of(row) for row in rows], traces=found)


def spread(count: int, every_ms: int = 100) -> list[Row]:
    return [generation(i, NOW_MS - 1 - i * every_ms) for i in range(count)]


def test_every_row_comes_over_many_pages_of_a_hundred() -> None:
    server = server_of(spread(450))
    pages = read_all(reading(server, api="v1").source, SPAN)
    assert set(ids(pages)) == {f"{i:016x}" for i in range(450)}
    assert set(server.limits()) == {100}
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert pages[-1].complete_from_ms == SPAN.from_ms


def test_v1_and_v2_tell_the_same_generations() -> None:
    rows = spread(30)
    for number, row in enumerate(rows):
        row["traceId"] = f"{number:032x}"
        row["metadata"] = {"feature": f"f{number % 3}", "team": "alpha"}
        row["userId"] = f"user-{number % 5}"
    old = observations(read_all(reading(server_of(rows), api="v1").source, SPAN))
    new = observations(read_all(reading(V2Server(rows)).source, SPAN))
    assert old == new
    assert [generation_of(o, RESOLVER) for o in old] == [generation_of(o, RESOLVER) for o in new]


def test_the_rows_own_metadata_key_and_version_win_over_the_traces() -> None:
    row = v1_of(generation(1, NOW_MS - 5000))
    row |= {"metadata": {"feature": "own", "extra": 1}, "version": "row"}
    trace = trace_of(generation(1, 0), NOW_MS - 5000) | {"version": "trace", "release": "r9"}
    (o,) = observations(read_all(reading(V1Server([row], traces=[trace]), api="v1").source, SPAN))
    assert o.metadata == {"feature": "own", "team": "alpha", "extra": 1}
    assert (o.version, o.release, o.trace_name, o.user, o.tags) == ("row", "r9", "chat", "user-a", ("prod",))


def test_rows_that_arrive_while_it_pages_push_none_out_of_sight() -> None:
    rows = spread(350)

    def one_more_at_the_top(server: Server) -> None:
        number = 10_000 + len(server.asked)
        server.rows.append(v1_of(generation(number, NOW_MS - 1)))

    server = server_of(rows)
    server.before_answer = one_more_at_the_top
    pages = read_all(reading(server, api="v1").source, SPAN)
    assert {f"{i:016x}" for i in range(350)} <= set(ids(pages))


def test_rows_that_vanish_while_it_pages_pull_none_past_it() -> None:
    server = server_of(spread(350))
    newest = list(server.rows[:50])

    def one_less_at_the_top(server: Server) -> None:
        if len(server.asked) > 2 and newest:
            server.rows.remove(newest.pop(0))

    server.before_answer = one_less_at_the_top
    pages = read_all(reading(server, api="v1").source, SPAN)
    assert {f"{i:016x}" for i in range(350)} <= set(ids(pages))


def test_more_rows_at_one_instant_than_fit_a_page_are_read_by_offset() -> None:
    rows = [generation(i, NOW_MS - 7000) for i in range(250)] + [generation(900, NOW_MS - 8000)]
    pages = read_all(reading(server_of(rows), api="v1").source, SPAN)
    assert len(set(ids(pages))) == 251
    assert all(page.complete_from_ms == NOW_MS - 6999 for page in pages[:2])


def test_a_page_that_is_shorter_than_the_limit_is_not_the_last_while_the_count_says_more() -> None:
    """Langfuse cuts the page by keys and then drops their stale versions."""
    first = [v1_of(generation(i, NOW_MS - 1000 - i)) for i in range(97)]
    short = answer({"data": first, "meta": {"page": 1, "limit": 100, "totalItems": 101, "totalPages": 2}})
    rest = answer({"data": [v1_of(generation(500, NOW_MS - 9000))], "meta": {"totalItems": 2, "totalPages": 1}})

    def observations_only(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/observations"):
            return pages.pop(0)
        return server.answer(request)

    pages = [short, rest]
    server = V1Server()
    found = read_all(reading(observations_only, api="v1").source, SPAN)
    assert len(ids(found)) == 98


def test_halving_in_the_middle_of_one_instant_skips_no_row() -> None:
    rows = [generation(i, NOW_MS - 7000) for i in range(230)]
    server = server_of(rows)
    heavy = {2: httpx.Response(504), 3: httpx.Response(504), 4: httpx.Response(504)}

    def troubled(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/observations"):
            count.append(1)
            if len(count) in heavy:
                return heavy[len(count)]
        return server.answer(request)

    count: list[int] = []
    assert len(set(ids(read_all(reading(troubled, api="v1").source, SPAN)))) == 230


def test_traces_are_listed_down_to_the_rows_and_no_further() -> None:
    server = server_of(spread(100, every_ms=10))
    server.traces += [trace_of(generation(3 * i, 0), NOW_MS - 100_000 - i) for i in range(1000, 2000)]
    told = reading(server, api="v1")
    read_all(told.source, SPAN)
    assert told.endpoints() == ["v1_observations", "v1_traces"]
    params = next(request.url.params for request in server.asked if request.url.path.endswith("/traces"))
    assert params["fields"] == "core,io"
    assert params["fromTimestamp"] == iso(SPAN.from_ms - 3_600_000)


def test_a_trace_that_began_long_before_the_span_is_fetched_by_itself() -> None:
    row = generation(1, NOW_MS - 1000, traceId="old trace/1")
    trace = trace_of(row, NOW_MS - 50 * 3_600_000)
    told = reading(V1Server([v1_of(row)], traces=[trace]), api="v1")
    (o,) = observations(read_all(told.source, SPAN))
    assert (o.user, o.metadata["feature"]) == ("user-a", "search")
    assert told.endpoints() == ["v1_observations", "v1_traces", "v1_trace"]


def test_a_trace_read_once_is_not_fetched_again_by_the_next_walk() -> None:
    row = generation(1, NOW_MS - 1000)
    told = reading(V1Server([v1_of(row)], traces=[trace_of(row, NOW_MS - 50 * 3_600_000)]), api="v1")
    for _ in range(2):
        (o,) = observations(read_all(told.source, SPAN))
        assert o.user == "user-a"
    assert told.endpoints().count("v1_trace") == 1


def test_a_trace_that_is_not_written_yet_leaves_its_fields_empty_until_the_next_lookback() -> None:
    row = generation(1, NOW_MS - 1000)
    server = V1Server([v1_of(row)])
    told = reading(server, api="v1")
    (o,) = observations(read_all(told.source, SPAN))
    assert (o.user, o.trace_name, o.tags, o.metadata) == ("", "", (), {})
    server.traces.append(trace_of(row, NOW_MS - 2000))
    (o,) = observations(read_all(told.source, SPAN))
    assert (o.user, o.trace_name) == ("user-a", "chat")


def test_a_trace_that_changed_is_read_again_while_it_is_as_young_as_the_rows() -> None:
    row = generation(1, NOW_MS - 1000)
    server = server_of([row])
    told = reading(server, api="v1")
    read_all(told.source, SPAN)
    server.traces[0]["userId"] = "user-late"
    (o,) = observations(read_all(told.source, SPAN))
    assert o.user == "user-late"


def test_single_requests_for_traces_have_a_cap_per_page() -> None:
    rows = [generation(i, NOW_MS - 1000 - i, traceId=f"missing-{i}") for i in range(60)]
    told = reading(V1Server([v1_of(row) for row in rows]), api="v1")
    read_all(told.source, SPAN)
    assert told.endpoints().count("v1_trace") == traces.MOST_SINGLE_REQUESTS


def test_spans_without_usage_or_cost_cost_no_trace_request() -> None:
    row = v1_of(generation(1, NOW_MS - 1000, type="SPAN", usageDetails={}, costDetails={}, totalCost=0))
    told = reading(V1Server([row]), api="v1")
    assert len(ids(read_all(told.source, SPAN))) == 1
    assert told.endpoints() == ["v1_observations"]


def test_a_giant_trace_does_not_stop_the_reading_of_spend() -> None:
    row = generation(1, NOW_MS - 1000, traceId="giant")

    def too_big(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/traces/giant"):
            return answer({"message": "Response payload is too large"}, 422)
        return server.answer(request)

    server = V1Server([v1_of(row)])
    (o,) = observations(read_all(reading(too_big, api="v1").source, SPAN))
    assert o.total_cost == 0.001


def test_pages_of_traces_that_are_too_much_are_halved_too() -> None:
    server = server_of(spread(90))

    def heavy(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/traces") and int(request.url.params["limit"]) > 25:
            return httpx.Response(524, html="<html>timeout</html>")
        return server.answer(request)

    found = observations(read_all(reading(heavy, api="v1").source, SPAN))
    assert {o.user for o in found} == {"user-a"}


def test_a_failure_between_a_page_and_its_traces_loses_nothing() -> None:
    server = server_of(spread(3))
    failed = [httpx.Response(500)]

    def once(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/traces") and failed:
            return failed.pop()
        return server.answer(request)

    told = reading(once, api="v1")
    with pytest.raises(Retryable, match="answers 500"):
        read_all(told.source, SPAN)
    assert len(ids(read_all(told.source, SPAN))) == 3


def test_long_texts_in_trace_metadata_are_cut_in_memory() -> None:
    row = generation(1, NOW_MS - 1000, metadata={"note": "n" * 100_000, "feature": "search"})
    (o,) = observations(read_all(reading(server_of([row]), api="v1").source, SPAN))
    assert len(str(o.metadata["note"])) == 1000
    assert "input" not in o.metadata


def test_a_server_that_was_upgraded_to_v2_is_read_on_with_v2() -> None:
    rows = spread(250)
    old, new = server_of(rows), V2Server(rows)
    told: list[str] = []

    def upgraded(request: httpx.Request) -> httpx.Response:
        told.append(request.url.path)
        return old(request) if len(told) <= 3 else new(request)

    pages = read_all(reading(upgraded, api="v1").source, SPAN)
    assert set(ids(pages)) == {f"{i:016x}" for i in range(250)}
    assert told[-2:] == ["/api/public/v2/metrics", "/api/public/v2/observations"]

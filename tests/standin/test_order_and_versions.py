"""The order of pages, several versions of one id, late arrival, deletion."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.demo.standin import DEMO_PROJECT, Span, Standin, Store
from tests.standin.asking import NOW_MS, Clock, ask, data, standin


def walk(app: Standin, page: int) -> list[str]:
    """Every id that a reader sees who follows the cursor to its end."""
    seen: list[str] = []
    params = {"limit": str(page)}
    while True:
        body = ask(app, "v2/observations", params).json()
        seen += [row["id"] for row in body["data"]]
        assert len(body["data"]) <= page
        if "cursor" not in body["meta"]:
            return seen
        params["cursor"] = body["meta"]["cursor"]


@pytest.mark.parametrize("page", [7, 10, 33, 150, 1000])
def test_rows_of_one_identical_start_are_each_seen_once_with_any_page_size(page: int) -> None:
    spans = [Span(id=f"{number:016x}", trace_id=f"trace-{number % 11}", start_ms=NOW_MS) for number in range(150)]
    seen = walk(standin(spans), page)
    assert len(seen) == 150
    assert set(seen) == {span.id for span in spans}


def test_the_last_page_has_no_cursor_even_when_it_is_full() -> None:
    app = standin(Span(id=str(number), trace_id="t", start_ms=NOW_MS - number) for number in range(20))
    assert ask(app, "v2/observations", {"limit": "20"}).json()["meta"] == {}
    assert list(ask(app, "v2/observations", {"limit": "19"}).json()["meta"]) == ["cursor"]


@given(
    starts=st.lists(st.integers(NOW_MS - 5, NOW_MS), min_size=1, max_size=30),
    page=st.integers(1, 12),
    added=st.integers(1, 4),
)
@settings(deadline=None, max_examples=25)
def test_rows_that_arrive_before_the_newest_one_do_not_disturb_a_walk(starts: list[int], page: int, added: int) -> None:
    app = standin(Span(id=f"{n:04}", trace_id=f"t{n % 3}", start_ms=start) for n, start in enumerate(starts))
    first = ask(app, "v2/observations", {"limit": str(page)}).json()
    app.store.add(Span(id=f"new-{number}", trace_id="t", start_ms=NOW_MS + 1) for number in range(added))
    seen = [row["id"] for row in first["data"]]
    cursor = first["meta"].get("cursor")
    while cursor is not None:
        body = ask(app, "v2/observations", {"limit": str(page), "cursor": cursor}).json()
        seen += [row["id"] for row in body["data"]]
        cursor = body["meta"].get("cursor")
    assert sorted(seen) == [f"{number:04}" for number in range(len(starts))]


def test_a_span_sent_twice_is_two_rows_until_the_merge_keeps_the_newer() -> None:
    old = Span(id="a", trace_id="t", start_ms=NOW_MS, total_cost=1.0, updated_ms=NOW_MS + 1)
    new = replace(old, total_cost=2.0, updated_ms=NOW_MS + 2)
    app = standin([new, old])
    assert [row["id"] for row in data(ask(app, "v2/observations"))] == ["a", "a"]
    assert app.store.merge() == 1
    rows = data(ask(app, "v2/observations", {"fields": "usage"}))
    assert [row["totalCost"] for row in rows] == [2]


def test_a_moved_start_stays_as_two_rows_through_a_merge() -> None:
    span = Span(id="a", trace_id="t", start_ms=NOW_MS)
    app = standin([span])
    app.store.move(span, start_ms=NOW_MS - 3_600_000, updated_ms=NOW_MS + 5_000)
    app.store.advance(NOW_MS)
    assert app.store.merge() == 0
    assert len(data(ask(app, "v2/observations"))) == 2
    assert [held.start_ms for held in app.store.newest(DEMO_PROJECT)] == [NOW_MS - 3_600_000]


def test_a_row_is_invisible_before_it_arrives_and_then_stands_at_its_old_start() -> None:
    clock = Clock()
    late = Span(id="late", trace_id="t", start_ms=NOW_MS - 60_000, arrives_ms=NOW_MS + 1_000)
    app = standin([Span(id="on-time", trace_id="t", start_ms=NOW_MS - 30_000), late], clock=clock)
    assert [row["id"] for row in data(ask(app, "v2/observations"))] == ["on-time"]
    clock.ms += 1_000
    assert [row["id"] for row in data(ask(app, "v2/observations"))] == ["on-time", "late"]


def test_a_deleted_trace_vanishes_and_reappears_when_sent_again() -> None:
    span = Span(id="a", trace_id="t", start_ms=NOW_MS)
    app = standin([span, Span(id="b", trace_id="other", start_ms=NOW_MS)])
    data(ask(app, "v2/observations"))
    assert app.store.delete_trace(DEMO_PROJECT, "t") == 1
    assert [row["id"] for row in data(ask(app, "v2/observations"))] == ["b"]
    app.store.add([span])
    assert len(data(ask(app, "v2/observations"))) == 2


def test_a_store_may_merge_by_itself_as_time_goes_on() -> None:
    span = Span(id="a", trace_id="t", start_ms=NOW_MS)
    store = Store([span, replace(span, updated_ms=NOW_MS + 9)], merge_every_ms=600_000)
    store.advance(NOW_MS)
    store.advance(NOW_MS + 599_999)
    assert len(store) == 2
    store.advance(NOW_MS + 600_000)
    assert len(store) == 1


def test_projects_do_not_see_each_other() -> None:
    app = standin([Span(id="a", trace_id="t", start_ms=NOW_MS, project_id="other")])
    assert data(ask(app, "v2/observations")) == []


def test_many_arrivals_at_once_land_in_the_same_order_as_one_by_one() -> None:
    spans = [Span(id=f"{n:05}", trace_id=f"t{n % 7}", start_ms=NOW_MS - n * 37 % 1_000) for n in range(1_200)]
    bulk, slow = Store(spans), Store()
    bulk.advance(NOW_MS)
    for position in range(0, len(spans), 100):
        slow.add(spans[position : position + 100])
        slow.advance(NOW_MS)
    assert [span.id for span in bulk] == [span.id for span in slow]

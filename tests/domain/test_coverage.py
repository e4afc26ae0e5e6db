"""Spans that have been read, against a plain set of instants."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.coverage import Span, covers, frontier, holes, merged

INSTANTS = st.integers(-5, 40)
SPANS = st.lists(st.builds(Span, INSTANTS, INSTANTS), max_size=12)


def _instants(spans: list[Span]) -> set[int]:
    return {at for span in spans for at in range(span.from_ms, span.to_ms)}


@given(SPANS)
def test_merging_keeps_every_instant_and_adds_none(spans: list[Span]) -> None:
    assert _instants(merged(spans)) == _instants(spans)


@given(SPANS)
def test_merged_spans_are_sorted_and_apart_and_none_is_empty(spans: list[Span]) -> None:
    result = merged(spans)
    assert all(span.from_ms < span.to_ms for span in result)
    assert all(a.to_ms < b.from_ms for a, b in pairwise(result)), "spans that touch are one"


@given(SPANS.flatmap(lambda spans: st.tuples(st.just(spans), st.permutations(spans))))
def test_merging_knows_no_order_and_can_be_repeated(pair: tuple[list[Span], list[Span]]) -> None:
    spans, shuffled = pair
    assert merged(shuffled) == merged(spans) == merged(merged(spans))


@given(SPANS, INSTANTS, INSTANTS)
def test_holes_are_exactly_what_was_not_read(spans: list[Span], from_ms: int, to_ms: int) -> None:
    found = holes(merged(spans), from_ms, to_ms)
    assert _instants(found) == set(range(from_ms, to_ms)) - _instants(spans)
    assert found == merged(found), "oldest first, apart, none empty"


@given(SPANS, INSTANTS, INSTANTS)
def test_a_span_is_covered_when_each_of_its_instants_was_read(spans: list[Span], from_ms: int, to_ms: int) -> None:
    assert covers(merged(spans), from_ms, to_ms) is (set(range(from_ms, to_ms)) <= _instants(spans))


@given(SPANS)
def test_the_frontier_is_the_end_of_the_latest_instant(spans: list[Span]) -> None:
    instants = _instants(spans)
    assert frontier(merged(spans)) == (max(instants) + 1 if instants else None)


@given(SPANS, INSTANTS, INSTANTS)
def test_reading_the_holes_covers_the_whole(spans: list[Span], from_ms: int, to_ms: int) -> None:
    known = merged(spans)
    assert covers(merged([*known, *holes(known, from_ms, to_ms)]), from_ms, to_ms)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([(0, 5), (5, 9)], [(0, 9)], id="spans that touch become one"),
        pytest.param([(0, 5), (6, 9)], [(0, 5), (6, 9)], id="a millisecond between them is a hole"),
        pytest.param([(0, 9), (3, 5)], [(0, 9)], id="a span inside another vanishes"),
        pytest.param([(4, 4), (7, 5)], [], id="an empty or reversed span is none"),
    ],
)
def test_merging(spans: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    assert merged(Span(*span) for span in spans) == expected


def test_an_empty_span_is_always_covered() -> None:
    assert covers([], 5, 5)
    assert not covers([], 5, 6)

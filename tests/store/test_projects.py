"""What is remembered of projects: who they are, how reading goes, which spans were read."""

from dataclasses import replace
from itertools import pairwise
from operator import methodcaller

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.domain.lateness import Lateness
from fusewatch.ports import IngestUnit, Span
from fusewatch.store import SqlStore
from tests.store.samples import OTHER_PROJECT, PROJECT, T0, fresh_store, opened

spans = st.tuples(st.integers(0, 30), st.integers(0, 12)).map(lambda pair: Span(pair[0], pair[0] + pair[1]))


def cover(store: SqlStore, span: Span) -> list[Span]:
    def work(unit: IngestUnit) -> list[Span]:
        unit.cover(span, read_at_ms=1)
        return list(unit.coverage())

    return store.ingest(PROJECT.key, work)


@settings(max_examples=40, deadline=None)
@given(st.lists(spans, max_size=12))
def test_coverage_is_the_set_of_read_instants_as_few_spans_as_can_be(read: list[Span]) -> None:
    with fresh_store() as store:
        instants: set[int] = set()
        covered: list[Span] = []
        for span in read:
            instants |= set(range(*span))
            covered = cover(store, span)
        assert {i for span in covered for i in range(*span)} == instants
        assert sum(len(range(*span)) for span in covered) == len(instants)
        assert covered == sorted(covered)
        assert all(a.to_ms < b.from_ms for a, b in pairwise(covered))


def test_spans_that_touch_become_one(store: SqlStore) -> None:
    cover(store, Span(10, 20))
    cover(store, Span(30, 40))
    assert cover(store, Span(20, 30)) == [Span(10, 40)]


def test_coverage_is_kept_by_project(store: SqlStore) -> None:
    cover(store, Span(1, 2))
    expected = {PROJECT.key: [Span(1, 2)], OTHER_PROJECT.key: []}
    assert store.read(lambda unit: unit.coverage()) == expected
    assert store.assess(lambda unit: unit.coverage()) == expected


def test_a_span_that_ends_before_it_starts_is_refused(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="ends before"):
        cover(store, Span(5, 4))


def test_the_same_key_keeps_its_ledger_whatever_the_name(store: SqlStore) -> None:
    cover(store, Span(1, 2))
    state = store.register(replace(PROJECT, project_name="Renamed"), "new-name", now_ms=9)
    assert (state.key, state.name) == (PROJECT.key, "new-name")
    assert [p.key for p in store.read(lambda unit: unit.projects())] == [PROJECT.key, OTHER_PROJECT.key]
    assert store.ingest(PROJECT.key, lambda unit: unit.coverage()) == [Span(1, 2)]


def test_a_name_stands_for_the_project_that_had_it_last(store: SqlStore) -> None:
    assert store.known(PROJECT.host, "nobody") is None
    assert store.known("https://elsewhere.example", "production") is None
    store.register(OTHER_PROJECT, "production", now_ms=5)
    known = store.known(PROJECT.host, "production")
    assert known is not None
    assert known.key == OTHER_PROJECT.key
    store.register(PROJECT, "production", now_ms=6)
    assert store.known(PROJECT.host, "production") == store.ingest(PROJECT.key, lambda unit: unit.project())


def test_a_failure_lasts_from_its_first_time_to_the_next_success(url: str) -> None:
    with opened(url) as store:
        store.failed(PROJECT.key, at_ms=100, reason="timeout", text="slow", retry_at_ms=150)
        store.failed(PROJECT.key, at_ms=200, reason="bad_key", text="x" * 900, retry_at_ms=None)
    with opened(url) as store:
        state = store.ingest(PROJECT.key, lambda unit: unit.project())
        assert (state.failing_since_ms, state.failure, state.retry_at_ms) == (100, "bad_key", None)
        assert len(state.failure_text) == 500
        store.ingest(PROJECT.key, lambda unit: unit.succeeded(at_ms=300, as_of_ms=290))
        state = store.ingest(PROJECT.key, lambda unit: unit.project())
        assert (state.failing_since_ms, state.failure, state.failure_text) == (None, "", "")
        assert (state.last_success_ms, state.data_as_of_ms) == (300, 290)


def test_the_data_never_gets_older(store: SqlStore) -> None:
    for at_ms, as_of_ms in ((300, 290), (310, 250)):
        store.ingest(PROJECT.key, methodcaller("succeeded", at_ms=at_ms, as_of_ms=as_of_ms))
    state = store.ingest(PROJECT.key, lambda unit: unit.project())
    assert (state.last_success_ms, state.data_as_of_ms) == (310, 290)


def test_an_unknown_project_is_a_mistake_of_the_caller(store: SqlStore) -> None:
    with pytest.raises(LookupError, match="not registered"):
        store.ingest("nobody", lambda unit: unit.project())
    with pytest.raises(LookupError, match="not registered"):
        store.failed("nobody", at_ms=1, reason="timeout", text="", retry_at_ms=None)


def test_how_late_generations_come_is_kept_by_project_and_over_restarts(url: str) -> None:
    measured = Lateness().with_starts([T0 - 60_000, T0 - 1_800_000], T0)
    with opened(url) as store:
        assert store.ingest(PROJECT.key, lambda unit: unit.lateness()) == Lateness()
        store.ingest(PROJECT.key, lambda unit: unit.put_lateness(measured))
    with opened(url) as store:
        assert store.ingest(PROJECT.key, lambda unit: unit.lateness()) == measured
        assert store.ingest(OTHER_PROJECT.key, lambda unit: unit.lateness()) == Lateness()

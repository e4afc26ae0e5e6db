"""The exported counters only grow, and exported minus debt is the ledger, exactly."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.domain.usage import Generation, Pricing, Tokens
from fusewatch.domain.views import dimension_value
from fusewatch.ports import DURATION_BOUNDS_S, CounterSeries, IngestUnit, ProjectCounters, Span
from fusewatch.store import SqlStore, open_store
from tests.store.histories import batches
from tests.store.samples import (
    CELL_MS,
    CHAT,
    NOBODY,
    OTHER_PROJECT,
    PROJECT,
    SEARCH,
    T0,
    counted,
    fresh_store,
    generation,
    opened,
    record,
)  # fmt: skip

LABELS = ("feature", "team", "model", "operation")
Sums = dict[tuple[str, ...], list[int]]


def counters(store: SqlStore) -> dict[tuple[str, ...], CounterSeries]:
    series = store.read(lambda unit: unit.counters())
    assert len({s.labels for s in series}) == len(series)
    return {s.labels: s for s in series}


def load(store: SqlStore, counters_from_ms: int = 0, key: str = PROJECT.key) -> None:
    store.ingest(key, lambda unit: unit.loaded(at_ms=T0, counters_from_ms=counters_from_ms))


def truth(generations: Iterable[Generation], labels: tuple[str, ...] = LABELS, project: str = "production") -> Sums:
    """By label set: cost, requests, tokens by type."""
    sums: Sums = {}
    for g in generations:
        key = (project, *(dimension_value(name, project, g.dimensions, g.user, g.session) for name in labels))
        values = [g.cost_pico, 1, *g.tokens[:7]]
        sums[key] = [a + b for a, b in zip(sums.get(key, [0] * 9), values, strict=True)]
    return sums


def without_debt(series: dict[tuple[str, ...], CounterSeries]) -> dict[tuple[str, ...], int]:
    return {labels: s.cost_pico - s.debt_pico for labels, s in series.items() if s.cost_pico or s.debt_pico}


def growing(before: dict[tuple[str, ...], CounterSeries], after: dict[tuple[str, ...], CounterSeries]) -> bool:
    return all(
        after[labels].cost_pico >= old.cost_pico
        and after[labels].requests >= old.requests
        and all(a >= b for a, b in zip(after[labels].tokens, old.tokens, strict=True))
        for labels, old in before.items()
    )


@settings(max_examples=50, deadline=None)
@given(batches, st.integers(0, 5), st.sampled_from((0, T0 + 1, T0 + CELL_MS)))
def test_exported_minus_debt_is_the_ledger_and_nothing_ever_falls(
    history: list[list[Generation]], loaded_after: int, counters_from_ms: int
) -> None:
    with fresh_store() as store:
        before: dict[tuple[str, ...], CounterSeries] = {}
        for number, batch in enumerate(history):
            record(store, batch)
            if number == loaded_after:
                load(store, counters_from_ms)
            after = counters(store)
            assert growing(before, after)
            before = after
        load(store, counters_from_ms)
        entering = [g for g in counted(g for b in history for g in b) if g.start_ms >= counters_from_ms]
        exact = {labels: cost for labels, (cost, *_) in truth(entering).items() if cost}
        held = {labels: cost for labels, cost in without_debt(counters(store)).items() if cost}
        assert held == exact
        unpriced = sum(1 for g in entering if g.pricing is not Pricing.PRICED)
        assert store.read(lambda unit: unit.project_counters())[0].unpriced_requests >= unpriced
        durations = store.read(lambda unit: unit.durations())
        assert sum(sum(d.buckets) for d in durations) >= sum(1 for g in entering if g.duration_ms is not None)


@settings(max_examples=25, deadline=None)
@given(batches, batches)
def test_another_choice_of_labels_forms_the_same_ledger_anew(
    history: list[list[Generation]], later: list[list[Generation]]
) -> None:
    with fresh_store() as store:
        load(store, T0 + 1)
        for batch in history:
            record(store, batch)
        store.set_metric_labels(("team", "tier"), 5000)
        for batch in later:
            record(store, batch)
        entering = [g for g in counted(g for b in (*history, *later) for g in b) if g.start_ms >= T0 + 1]
        exact = {labels: cost for labels, (cost, *_) in truth(entering, ("team", "tier")).items() if cost}
        assert {k: v for k, v in without_debt(counters(store)).items() if v} == exact


def test_nothing_appears_before_the_first_load_and_then_history_is_the_start_value(store: SqlStore) -> None:
    record(store, [generation("a1" * 8, updated_ms=1, cost_pico=100)])
    record(store, [generation("a1" * 8, updated_ms=2, cost_pico=40)])
    assert counters(store) == {}
    assert store.read(lambda unit: unit.durations()) == []
    assert store.read(lambda unit: unit.project_counters()) == []
    load(store)
    assert counters(store)["production", "search", "core", "gpt-4o", "chat"] == CounterSeries(
        ("production", "search", "core", "gpt-4o", "chat"), 40, 0, 1, (100, 20, 0, 0, 0, 0, 0)
    )


def test_rows_older_than_the_first_load_never_enter(store: SqlStore) -> None:
    record(store, [generation("a1" * 8, start_ms=T0), generation("a2" * 8, start_ms=T0 - 1)])
    load(store, T0)
    before = counters(store)
    record(store, [generation("a3" * 8, start_ms=T0 - CELL_MS)])
    record(store, [generation("a2" * 8, start_ms=T0 - 1, updated_ms=2, cost_pico=5)])
    assert counters(store) == before
    assert [s.requests for s in before.values()] == [1]
    load(store, T0 - 2 * CELL_MS)
    assert counters(store) == before
    state = store.ingest(PROJECT.key, lambda unit: unit.project())
    assert (state.loaded_ms, state.counters_from_ms) == (T0, T0)


def test_a_fall_is_kept_as_debt_and_paid_by_the_next_growth(store: SqlStore) -> None:
    load(store)
    labels = ("production", "search", "core", "gpt-4o", "chat")
    steps = [("a1", 1, 100), ("a1", 2, 60), ("a2", 1, 30), ("a3", 1, 30)]
    shown = []
    for id_, updated_ms, cost in steps:
        record(store, [generation(id_ * 8, updated_ms=updated_ms, cost_pico=cost)])
        shown.append((counters(store)[labels].cost_pico, counters(store)[labels].debt_pico))
    assert shown == [(100, 0), (100, 40), (100, 10), (120, 0)]


def test_counters_go_on_where_they_were_after_a_restart(url: str) -> None:
    with opened(url) as store:
        load(store)
        record(store, [generation(updated_ms=1, cost_pico=100)])
        record(store, [generation(updated_ms=2, cost_pico=60)])
        before = counters(store)
    with opened(url) as store:
        store.set_metric_labels(LABELS, 5000)
        assert counters(store) == before


def test_beyond_the_cap_new_label_sets_go_to_other_for_good(store: SqlStore) -> None:
    store.set_metric_labels(("feature",), 2)
    load(store)
    features = ["a", "b", "c", "d", "c"]
    for number, feature in enumerate(features):
        record(store, [generation(f"{number:016x}", dimensions=SEARCH._replace(feature=feature), cost_pico=1)])
    assert {labels: s.requests for labels, s in counters(store).items()} == {
        ("production", "a"): 1,
        ("production", "b"): 1,
        ("production", "__other__"): 3,
    }
    assert store.read(lambda unit: unit.project_counters()[0].series_dropped) == 2
    store.set_metric_labels(("feature",), 10)
    for number, feature in enumerate(("c", "e")):
        record(store, [generation(f"f{number:015x}", dimensions=SEARCH._replace(feature=feature), cost_pico=1)])
    assert {labels: s.requests for labels, s in counters(store).items()} == {
        ("production", "a"): 1,
        ("production", "b"): 1,
        ("production", "e"): 1,
        ("production", "__other__"): 4,
    }


def test_the_cap_keeps_the_dearest_series_when_labels_change(store: SqlStore) -> None:
    load(store)
    for number, cost in enumerate((5, 50, 500)):
        record(store, [generation(f"{number:016x}", dimensions=SEARCH._replace(feature=f"f{cost}"), cost_pico=cost)])
    store.set_metric_labels(("feature",), 1)
    assert without_debt(counters(store)) == {("production", "f500"): 500, ("production", "__other__"): 55}


def test_a_choice_of_labels_made_by_another_process_is_noticed(url: str, store: SqlStore) -> None:
    load(store)
    record(store, [generation("a1" * 8), generation("a2" * 8, dimensions=CHAT)])
    with open_store(url, holder="command", exclusive=False) as command:
        command.set_metric_labels(("team",), 10)
    record(store, [generation("a3" * 8, dimensions=CHAT), generation("a4" * 8, dimensions=NOBODY)])
    assert {labels: s.requests for labels, s in counters(store).items()} == {
        ("production", "core"): 3,
        ("production", "unknown"): 1,
    }


def test_the_same_labels_in_another_order_keep_their_debt(store: SqlStore) -> None:
    store.set_metric_labels(("feature", "team"), 100)
    load(store)
    record(store, [generation(updated_ms=1, cost_pico=100)])
    record(store, [generation(updated_ms=2, cost_pico=60)])
    store.set_metric_labels(("team", "feature"), 100)
    series = counters(store)["production", "core", "search"]
    assert (series.cost_pico, series.debt_pico) == (100, 40)
    record(store, [generation("a2" * 8, cost_pico=50)])
    assert list(counters(store)) == [("production", "core", "search")]
    assert counters(store)["production", "core", "search"].cost_pico == 110


def test_users_sessions_and_the_project_are_refused_as_labels(store: SqlStore) -> None:
    for name in ("user", "session", "project"):
        with pytest.raises(ValueError, match=name):
            store.set_metric_labels(("feature", name), 100)


def test_series_carry_the_projects_present_name(store: SqlStore) -> None:
    load(store)
    record(store, [generation()])
    store.register(PROJECT, "live", now_ms=9)
    assert {labels[0] for labels in counters(store)} == {"live"}


def test_two_projects_that_had_one_name_are_one_series(store: SqlStore) -> None:
    for project in (PROJECT, OTHER_PROJECT):
        load(store, key=project.key)
        record(store, [generation(cost_pico=3, duration_ms=50)], project=project)
        store.register(project, "same", now_ms=9)
    assert [(s.cost_pico, s.requests) for s in counters(store).values()] == [(6, 2)]
    assert [d.buckets[0] for d in store.read(lambda unit: unit.durations())] == [2]
    assert [c.project for c in store.read(lambda unit: unit.project_counters())] == ["same"]


def test_rows_without_a_feature_or_a_team_are_unattributed(store: SqlStore) -> None:
    load(store)
    record(
        store,
        [
            generation("a1" * 8, cost_pico=1),
            generation("a2" * 8, cost_pico=10, dimensions=NOBODY),
            generation("a3" * 8, cost_pico=100, dimensions=SEARCH._replace(team="unknown"), pricing=Pricing.PARTLY),
            generation("a4" * 8, cost_pico=0, dimensions=CHAT, pricing=Pricing.UNPRICED),
        ],
    )
    assert store.read(lambda unit: unit.project_counters()) == [ProjectCounters("production", 2, 110, 0)]
    record(store, [generation("a2" * 8, cost_pico=10, updated_ms=2)])
    assert store.read(lambda unit: unit.project_counters()) == [ProjectCounters("production", 2, 110, 0)]


def test_durations_fall_into_the_bucket_whose_bound_they_reach(store: SqlStore) -> None:
    load(store)
    durations = [0, 100, 101, 300_000, 300_001, None]
    record(store, [generation(f"{i:016x}", duration_ms=d) for i, d in enumerate(durations)])
    (series,) = store.read(lambda unit: unit.durations())
    buckets = [2, 1, *[0] * (len(DURATION_BOUNDS_S) - 3), 1, 1]
    assert (series.project, series.model, series.operation) == ("production", "gpt-4o", "chat")
    assert list(series.buckets) == buckets
    assert series.sum_ms == 600_202
    record(store, [generation(f"{3:016x}", duration_ms=5, updated_ms=2)])
    (series,) = store.read(lambda unit: unit.durations())
    assert list(series.buckets) == [3, *buckets[1:]]


def test_histograms_have_a_cap_too(store: SqlStore) -> None:
    store.set_metric_labels(("feature",), 30)
    load(store)
    record(store, [generation(f"{i:016x}", dimensions=SEARCH._replace(model=f"m{i}")) for i in range(4)])
    found = {(d.model, d.operation): sum(d.buckets) for d in store.read(lambda unit: unit.durations())}
    assert found == {("m0", "chat"): 1, ("m1", "chat"): 1, ("__other__", "__other__"): 2}


def test_a_transaction_that_fails_moves_no_counter(store: SqlStore) -> None:
    load(store)
    record(store, [generation("a1" * 8)])
    before = counters(store)

    def fail(unit: IngestUnit) -> None:
        unit.record(Span(T0, T0 + 1), [generation("a2" * 8, dimensions=CHAT)], now_ms=T0)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        store.ingest(PROJECT.key, fail)
    assert counters(store) == before
    record(store, [generation("a2" * 8, dimensions=CHAT, tokens=Tokens(1, 0, 0, 0, 0, 0, 0, 1))])
    assert sum(s.requests for s in counters(store).values()) == 2
    assert store.read(lambda unit: unit.totals()).cost_pico == 2_000_000_000

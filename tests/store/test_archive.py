"""What is pruned is summed first, and observations with several starts never count in both places."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.domain.usage import Amounts, Generation
from fusewatch.ports import ProjectState, Pruned
from fusewatch.store import SqlStore
from tests.store.histories import batches
from tests.store.samples import CELL_MS, PROJECT, T0, fresh_store, generation, opened, raw, record

HOUR_MS = 3_600_000


def prune(store: SqlStore, to_ms: int, most: int = 1000) -> Pruned:
    """All steps of it; the last one."""
    pruned = store.upkeep(lambda unit: unit.prune(PROJECT.key, to_ms, most=most))
    return prune(store, to_ms, most) if pruned.more else pruned


def project(store: SqlStore) -> ProjectState:
    return next(p for p in store.read(lambda unit: unit.projects()) if p.key == PROJECT.key)


def totals(store: SqlStore) -> tuple[int, int, int]:
    return tuple(store.read(lambda unit: unit.totals()))  # type: ignore[return-value]  # a fixed length


def shown(store: SqlStore) -> tuple[object, object, object]:
    return store.read(lambda unit: (unit.counters(), unit.durations(), unit.project_counters()))


def true_cost(store: SqlStore) -> int:
    """What counters hold truly, exported minus debt."""
    return sum(c.cost_pico - c.debt_pico for c in store.read(lambda unit: unit.counters()))


def loaded(store: SqlStore, counters_from_ms: int = T0) -> None:
    store.ingest(PROJECT.key, lambda unit: unit.loaded(at_ms=T0, counters_from_ms=counters_from_ms))


@settings(max_examples=60, deadline=None)
@given(
    batches,
    st.sampled_from((T0, T0 + 1, T0 + CELL_MS, T0 + HOUR_MS, T0 + 10 * CELL_MS)),
    st.integers(1, 3),
    st.booleans(),
)
def test_totals_and_counters_summed_anew_after_pruning_are_what_they_were(
    history: list[list[Generation]], floor_ms: int, most: int, is_loaded_early: bool
) -> None:
    with fresh_store() as store:
        if is_loaded_early:
            loaded(store, T0 + 1)
        for batch in history:
            record(store, batch)
        if not is_loaded_early:
            loaded(store, T0 + 1)
        before, cost = totals(store), true_cost(store)
        prune(store, floor_ms, most)
        assert (totals(store), true_cost(store)) == (before, cost)
        pictures = shown(store)
        store.ingest(PROJECT.key, lambda unit: unit.distrust_sums())
        assert (totals(store), true_cost(store)) == (before, cost)
        assert shown(store) == pictures
        store.upkeep(lambda unit: unit.fold_totals(PROJECT.key, 2**50, most=1))
        store.ingest(PROJECT.key, lambda unit: unit.distrust_sums())
        assert (totals(store), true_cost(store)) == (before, cost)


@settings(max_examples=60, deadline=None)
@given(batches, st.sampled_from((T0 + 1, T0 + CELL_MS, T0 + 10 * CELL_MS)))
def test_recording_a_history_again_after_pruning_changes_nothing(
    history: list[list[Generation]], floor_ms: int
) -> None:
    with fresh_store() as store:
        for batch in history:
            record(store, batch)
        before = totals(store)
        prune(store, floor_ms)
        for batch in history:
            recorded = record(store, batch)
            assert recorded.below_floor == sum(g.start_ms < floor_ms for g in batch)
        assert totals(store)[:2] == before[:2]


def test_a_newer_version_of_a_stub_does_not_count_beside_the_pruned_row_that_counted(store: SqlStore) -> None:
    """The winner went to the archive; what is left of the observation lost to it."""
    record(store, [generation(start_ms=T0 + HOUR_MS, updated_ms=1, cost_pico=1)])
    record(store, [generation(start_ms=T0, updated_ms=2, cost_pico=2)])
    prune(store, T0 + 1)
    before = totals(store)
    assert record(store, [generation(start_ms=T0 + HOUR_MS, updated_ms=3, cost_pico=3)]).delta == Amounts()
    assert record(store, [generation(start_ms=T0 + 2 * HOUR_MS, updated_ms=4, cost_pico=4)]).delta == Amounts()
    assert totals(store) == before


def test_a_row_goes_on_counting_when_the_version_that_lost_to_it_was_pruned(store: SqlStore) -> None:
    record(store, [generation(start_ms=T0, updated_ms=1, cost_pico=1)])
    record(store, [generation(start_ms=T0 + HOUR_MS, updated_ms=2, cost_pico=2)])
    prune(store, T0 + 1)
    assert totals(store)[:2] == (1, 2)
    record(store, [generation(start_ms=T0 + HOUR_MS, updated_ms=3, cost_pico=3)])
    record(store, [generation(start_ms=T0 + 2 * HOUR_MS, updated_ms=4, cost_pico=4)])
    assert totals(store)[:2] == (1, 4)


def test_the_floor_never_falls_and_rises_where_nothing_lay(store: SqlStore) -> None:
    assert prune(store, T0) == Pruned(0, T0, more=False)
    assert prune(store, T0 - HOUR_MS).floor_ms == T0
    assert project(store).floor_ms == T0


def test_rows_of_one_instant_go_together_however_many_they_are(store: SqlStore) -> None:
    record(store, [generation(f"{n:016x}") for n in range(10)] + [generation("aa" * 8, start_ms=T0 + 5)])
    steps = [store.upkeep(lambda unit: unit.prune(PROJECT.key, T0 + 9, most=3)) for _ in range(2)]
    assert [(step.rows, step.more) for step in steps] == [(10, True), (1, False)]


def test_estimates_are_archived_beside_the_cost(url: str) -> None:
    with opened(url) as store:
        record(store, [generation()])
        with raw(url) as ask:
            ask("UPDATE generation SET estimate = 7000000000123")
        prune(store, T0 + 1)
        with raw(url) as ask:
            assert ask("SELECT estimate_hi, estimate_lo FROM hour_total") == [(7_000_000, 123)]


def test_identities_of_pruned_rows_are_forgotten(url: str) -> None:
    with opened(url) as store:
        record(store, [generation(f"{n:016x}", start_ms=T0 + n) for n in range(10)])
        prune(store, T0 + 8)
        with raw(url) as ask:
            assert ask("SELECT count(*) FROM seen") == [(2,)]

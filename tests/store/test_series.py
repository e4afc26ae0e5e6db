"""The cells under the rules are the same whether formed by changes or from the whole ledger."""

from operator import methodcaller

import pytest
from hypothesis import given, settings

from fusewatch.domain.usage import Amounts, Delta, Dimensions, Generation
from fusewatch.errors import Leaving
from fusewatch.ports import AssessUnit, ReadUnit
from fusewatch.store import SqlStore
from tests.store.histories import batches
from tests.store.samples import (
    CELL_MS,
    OTHER_PROJECT,
    PROJECT,
    T0,
    counted,
    fresh_store,
    generation,
    opened,
    record,
)  # fmt: skip

Key = tuple[str, ...]
Cells = list[tuple[int, Amounts]]
CELL = T0 // CELL_MS
FAR = 2**40


def day_of(cell: int) -> int:
    """Days of an hour, so that several appear in a short history."""
    return cell // 4


def by_feature(project: str, dimensions: Dimensions, user: str, session: str) -> Key | None:
    return None if dimensions.feature == "unknown" else (project, dimensions.feature)


def by_user(project: str, dimensions: Dimensions, user: str, session: str) -> Key | None:
    return (user, session, dimensions.model)


VIEWS = {"feature": (by_feature, False), "user": (by_user, True)}


def apply_deltas(unit: AssessUnit) -> None:
    while deltas := unit.take_deltas(3):
        for delta in deltas:
            add_to_views(unit, delta)


def add_to_views(unit: AssessUnit, delta: Delta) -> None:
    for view, (key_of, _) in VIEWS.items():
        key = key_of(delta.project, delta.dimensions, delta.user, delta.session)
        if key is not None:
            unit.add(f"{view}-added", key, delta.cell, day_of(delta.cell), delta.amounts)


def build_views(unit: AssessUnit) -> None:
    for view, (key_of, people) in VIEWS.items():
        unit.build_view(f"{view}-built", key_of, day_of, uses_people=people)


def content(store: SqlStore, view: str) -> dict[Key, tuple[Cells, Cells]]:
    """The quarter hours and the days of all keys of a view that hold anything."""

    def read(unit: ReadUnit) -> dict[Key, tuple[Cells, Cells]]:
        keys = unit.keys(view, 0)
        return {key: (list(unit.quarters(view, key, 0, FAR)), list(unit.days(view, key, 0, FAR))) for key in keys}

    return {key: cells for key, cells in store.read(read).items() if any(cells)}


def model(generations: list[Generation], view: str) -> dict[Key, tuple[Cells, Cells]]:
    key_of, _ = VIEWS[view]
    sums: dict[Key, tuple[dict[int, Amounts], dict[int, Amounts]]] = {}
    for g in generations:
        key = key_of(PROJECT.key, g.dimensions, g.user, g.session)
        if key is None:
            continue
        cell = g.start_ms // CELL_MS
        for cells, bucket in zip(sums.setdefault(key, ({}, {})), (cell, day_of(cell)), strict=True):
            cells[bucket] = cells.get(bucket, Amounts()).plus(Amounts(g.cost_pico, g.tokens.total, 1))
    return {key: (sorted(quarters.items()), sorted(days.items())) for key, (quarters, days) in sums.items()}


@settings(max_examples=40, deadline=None)
@given(batches)
def test_cells_formed_by_changes_equal_cells_built_from_the_ledger_and_the_truth(
    history: list[list[Generation]],
) -> None:
    with fresh_store() as store:
        for number, batch in enumerate(history):
            record(store, batch)
            if number % 2:
                store.assess(apply_deltas)
        store.assess(apply_deltas)
        store.assess(build_views)
        newest = counted(g for batch in history for g in batch)
        for view in VIEWS:
            truth = model(newest, view)
            for way in ("added", "built"):
                name = f"{view}-{way}"
                assert content(store, name) == truth


def test_reads_inside_the_transaction_see_what_was_just_added(store: SqlStore) -> None:
    def work(unit: AssessUnit) -> None:
        unit.add("v", ("a",), 100, 7, Amounts(5, 1, 1))
        unit.add("v", ("a",), 100, 7, Amounts(6, 2, 1))
        unit.add("v", ("a",), 98, 6, Amounts(1, 1, 1))
        assert unit.quarters("v", ("a",), 98, 101) == [(98, Amounts(1, 1, 1)), (100, Amounts(11, 3, 2))]
        unit.add("v", ("a",), 98, 6, Amounts(1, 0, 0))
        assert unit.days("v", ("a",), 6, 7) == [(6, Amounts(2, 1, 1))]
        unit.add("v", ("a",), 90, 5, Amounts(1, 0, 0))
        assert unit.first_cell("v", ("a",)) == 90
        unit.add("v", ("b",), 101, 7, Amounts(1, 0, 0))
        assert unit.keys("v", 101) == [("b",)]

    store.assess(work)
    assert store.read(lambda unit: unit.days("v", ("a",), 7, 8)) == [(7, Amounts(11, 3, 2))]
    assert store.read(lambda unit: unit.first_cell("v", ("b",))) == 101


def test_spans_of_cells_are_half_open(store: SqlStore) -> None:
    store.assess(lambda unit: unit.add("v", (), 10, 1, Amounts(1, 1, 1)))
    for span, hit in (((9, 10), False), ((10, 11), True), ((11, 12), False)):
        assert bool(store.read(methodcaller("quarters", "v", (), *span))) is hit


def test_cells_that_hold_nothing_any_more_are_not_returned(store: SqlStore) -> None:
    store.assess(lambda unit: unit.add("v", ("a",), 10, 1, Amounts(1_000_000, 1, 1)))
    store.assess(lambda unit: unit.add("v", ("a",), 10, 1, Amounts(-1_000_000, -1, -1)))
    assert store.read(lambda unit: unit.quarters("v", ("a",), 0, 99)) == []
    assert store.read(lambda unit: unit.days("v", ("a",), 0, 99)) == []


def test_a_key_is_known_from_its_first_cell_to_its_last(store: SqlStore) -> None:
    for cell in (50, 40, 60):
        store.assess(methodcaller("add", "v", ("a",), cell, 1, Amounts(1, 1, 1)))
    assert store.read(lambda unit: unit.first_cell("v", ("a",))) == 40
    assert store.read(lambda unit: unit.keys("v", 60)) == [("a",)]
    assert store.read(lambda unit: unit.keys("v", 61)) == []
    assert store.read(lambda unit: unit.first_cell("v", ("b",))) is None


def test_a_view_is_built_once_and_dropped_when_no_rule_needs_it(store: SqlStore) -> None:
    record(store, [generation()])
    store.assess(apply_deltas)
    store.assess(build_views)
    assert store.read(lambda unit: unit.built_views()) == {"feature-built", "user-built"}
    assert store.read(lambda unit: unit.last_cells()) == {"feature-built": CELL, "user-built": CELL}
    store.assess(lambda unit: unit.drop_views(frozenset({"user-built"})))
    assert store.read(lambda unit: unit.built_views()) == {"user-built"}
    assert store.read(lambda unit: unit.keys("feature-built", 0)) == []
    store.assess(lambda unit: unit.build_view("feature-built", by_feature, day_of, uses_people=False))
    assert store.read(lambda unit: unit.keys("feature-built", 0)) == [(PROJECT.key, "search")]


def test_a_view_that_the_ledger_adds_nothing_to_begins_empty_and_keeps_what_was_added_when_sums_are_distrusted(
    store: SqlStore,
) -> None:
    record(store, [generation()])
    store.assess(apply_deltas)
    store.assess(lambda unit: unit.begin_view("langfuse"))
    assert store.read(lambda unit: unit.keys("langfuse", 0)) == []
    store.assess(lambda unit: unit.add("langfuse", ("search",), CELL, day_of(CELL), Amounts(7, 0, 0, 0)))
    store.ingest(PROJECT.key, lambda unit: unit.distrust_sums())
    assert store.read(lambda unit: unit.built_views()) == frozenset()
    store.assess(lambda unit: unit.begin_view("langfuse"))
    assert store.read(lambda unit: unit.built_views()) == {"langfuse"}
    assert store.read(lambda unit: unit.keys("langfuse", 0)) == [("search",)]


def test_building_a_view_again_does_not_count_twice(store: SqlStore) -> None:
    record(store, [generation()])
    store.assess(apply_deltas)
    for _ in range(2):
        store.assess(build_views)
    days = store.read(lambda unit: unit.days("feature-built", (PROJECT.key, "search"), 0, FAR))
    assert days == [(day_of(CELL), Amounts(1_000_000_000, 120, 1))]


def test_a_view_is_not_built_while_changes_wait_for_they_would_count_twice(store: SqlStore) -> None:
    record(store, [generation()])
    with pytest.raises(ValueError, match="left to take"):
        store.assess(build_views)


def test_rows_of_all_projects_come_by_start_time(store: SqlStore) -> None:
    record(store, [generation("a1" * 8, start_ms=T0 + 20), generation("a2" * 8, start_ms=T0)])
    record(store, [generation(start_ms=T0 + 10)], project=OTHER_PROJECT)
    found = store.assess(lambda unit: [(r.start_ms, r.project) for r in unit.rows(T0, T0 + 20)])
    assert found == [(T0, PROJECT.key), (T0 + 10, OTHER_PROJECT.key)]


def test_cells_survive_reopening(url: str) -> None:
    with opened(url) as store:
        record(store, [generation()])
        store.assess(apply_deltas)
    with opened(url) as store:
        assert store.read(lambda unit: unit.keys("feature-added", 0)) == [(PROJECT.key, "search")]


def test_a_pass_of_ten_thousand_changes_over_five_views_is_exact(store: SqlStore) -> None:
    def work(unit: AssessUnit) -> None:
        for i in range(10_000):
            for view in "abcde":
                unit.add(view, (f"team{i % 500}",), i % 300, i % 3, Amounts(i, 1, 1))

    store.assess(work)
    store.assess(work)
    cells = store.read(lambda unit: [c for k in unit.keys("c", 0) for c in unit.quarters("c", k, 0, 999)])
    assert sum(amounts.cost_pico for _, amounts in cells) == 2 * sum(range(10_000))


def test_blocks_are_sums_of_quarter_hours_laid_around_a_cell(store: SqlStore) -> None:
    def work(unit: AssessUnit) -> None:
        for cell in range(CELL, CELL + 40):
            unit.add("v", ("a",), cell, 7, Amounts(2**50, 10, 1))
        unit.add("v", ("b",), CELL, 7, Amounts(1, 1, 1))
        read = unit.blocks("v", ("a",), CELL + 1, CELL + 39, CELL + 15, 12)
        assert [(block, amounts.requests) for block, amounts in read] == [(-2, 2), (-1, 12), (0, 12), (1, 12)]
        assert [amounts.cost_pico for _, amounts in read] == [2 * 2**50, 12 * 2**50, 12 * 2**50, 12 * 2**50]

    store.assess(work)


@pytest.mark.parametrize("at_cell", [CELL - 5, CELL, CELL + 7, CELL + 8, CELL + 30])
def test_blocks_may_begin_before_inside_or_after_what_is_read(store: SqlStore, at_cell: int) -> None:
    def work(unit: AssessUnit) -> None:
        for cell in range(CELL, CELL + 8):
            unit.add("v", ("a",), cell, 7, Amounts(1, 1, 1))
        read = unit.blocks("v", ("a",), CELL, CELL + 8, at_cell, 3)
        expected: dict[int, int] = {}
        for cell in range(CELL, CELL + 8):
            block = (cell - at_cell) // 3
            expected[block] = expected.get(block, 0) + 1
        assert {block: amounts.requests for block, amounts in read} == expected

    store.assess(work)


def test_who_is_asked_to_end_leaves_a_long_walk_through_the_ledger_and_begins_it_anew_at_the_next_start(
    url: str,
) -> None:
    with opened(url) as store:
        record(store, [generation()])
        store.assess(apply_deltas)
        store.leave()
        with pytest.raises(Leaving, match="asked to end"):
            store.assess(build_views)
        record(store, [generation("a1" * 8)])  # what is short still gets done
    with opened(url) as store:
        assert not store.read(lambda unit: unit.built_views())
        store.assess(apply_deltas)
        store.assess(build_views)
        assert store.read(lambda unit: unit.days("feature-built", (PROJECT.key, "search"), 0, FAR)) == [
            (day_of(CELL), Amounts(2_000_000_000, 240, 2))
        ]

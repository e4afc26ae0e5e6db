"""The ledger holds the newest version of every observation once, whatever came in whichever order."""

from collections.abc import Sequence
from operator import methodcaller
from typing import Any

import pytest
from hypothesis import given, settings

from fusewatch.domain.merge import order_key
from fusewatch.domain.usage import Amounts, Generation, Pricing, Tokens
from fusewatch.ports import Row, Span
from fusewatch.store import SqlStore
from tests.store.histories import batches
from tests.store.samples import (
    CELL_MS,
    CHAT,
    OTHER_PROJECT,
    PROJECT,
    SEARCH,
    T0,
    amounts_of,
    counted,
    fresh_store,
    generation,
    newest_of,
    opened,
    raw,
    record,
    span_of,
)

EVER = (0, 2**60)


def rows(store: SqlStore) -> list[Row]:
    return store.assess(lambda unit: list(unit.rows(*EVER)))


def version(store: SqlStore) -> int:
    return store.read(lambda unit: unit.version())


def expected_rows(generations: Sequence[Generation]) -> list[Row]:
    return [
        Row(PROJECT.key, g.start_ms, g.dimensions, g.user, g.session, Amounts(g.cost_pico, g.tokens.total, 1))
        for g in generations
    ]


@settings(max_examples=50, deadline=None)
@given(batches)
def test_any_order_of_versions_batches_and_repeats_leads_to_the_newest_versions(
    history: list[list[Generation]],
) -> None:
    with fresh_store() as store:
        delta = Amounts()
        for batch in history:
            delta = delta.plus(record(store, batch).delta)
        seen = [g for batch in history for g in batch]
        newest = counted(seen)
        assert sorted(rows(store)) == sorted(expected_rows(newest))
        totals = store.read(lambda unit: unit.totals())
        assert (totals.cost_pico, totals.generations) == (delta.cost_pico, delta.requests)
        assert delta == amounts_of(newest)
        assert totals.unpriced == sum(1 for g in newest if g.pricing is not Pricing.PRICED)


@settings(max_examples=40, deadline=None)
@given(batches)
def test_reading_again_writes_nothing(history: list[list[Generation]]) -> None:
    with fresh_store() as store:
        for batch in history:
            record(store, batch)
        store.assess(lambda unit: unit.take_deltas(10_000))
        before = version(store)
        backwards = [g for batch in reversed(history) for g in reversed(batch)]
        for batch in (*history, backwards):
            again = record(store, batch)
            assert (again.new, again.changed, again.delta) == (0, 0, Amounts())
        assert version(store) == before
        assert store.assess(lambda unit: list(unit.take_deltas(10))) == []


@settings(max_examples=40, deadline=None)
@given(batches)
def test_one_batch_of_everything_equals_many_batches(history: list[list[Generation]]) -> None:
    with fresh_store() as store, fresh_store() as other:
        everything = [g for batch in history for g in batch]
        record(store, everything)
        for batch in reversed(history):
            record(other, batch)
        assert sorted(rows(store)) == sorted(rows(other))


@settings(deadline=None)
@given(batches)
def test_our_order_of_versions_is_the_domains(history: list[list[Generation]]) -> None:
    for batch in history:
        if batch:
            assert newest_of(batch) == max(batch, key=order_key)


def test_a_new_row_an_updated_row_and_an_unchanged_row_are_told_apart(store: SqlStore) -> None:
    kept = generation("a1" * 8)
    updated = generation("a2" * 8)
    record(store, [kept, updated])
    result = record(store, [kept, updated._replace(updated_ms=2, cost_pico=5, digest=9), generation("a3" * 8)])
    assert (result.new, result.changed, result.unchanged) == (1, 1, 1)
    assert result.delta == Amounts(5, 120, 1)


def test_an_older_version_never_replaces_a_newer_one(store: SqlStore) -> None:
    record(store, [generation(updated_ms=5, cost_pico=50)])
    assert record(store, [generation(updated_ms=4, cost_pico=900)]).unchanged == 1
    assert store.read(lambda unit: unit.totals()).cost_pico == 50


def test_a_corrected_cost_is_replaced_not_added(store: SqlStore) -> None:
    record(store, [generation(updated_ms=1, cost_pico=50)])
    assert record(store, [generation(updated_ms=2, cost_pico=20)]).delta == Amounts(-30, 0, 0)
    assert store.read(lambda unit: unit.totals()).cost_pico == 20


def test_a_version_that_moved_to_another_hour_counts_there_alone(store: SqlStore) -> None:
    early = generation(start_ms=T0, updated_ms=1)
    late = generation(start_ms=T0 + 9 * CELL_MS, updated_ms=2)
    record(store, [early])
    moved = record(store, [late])
    assert (moved.new, moved.changed, moved.delta) == (0, 1, Amounts(late.cost_pico - early.cost_pico, 0, 0))
    assert [row.start_ms for row in rows(store)] == [late.start_ms]
    deltas = store.assess(lambda unit: list(unit.take_deltas(10)))
    by_cell = {d.cell: d.amounts.requests for d in deltas if d.amounts.requests < 0 or d.cell != T0 // CELL_MS}
    assert by_cell == {T0 // CELL_MS: -1, late.start_ms // CELL_MS: 1}


def test_reading_the_hour_of_a_version_that_moved_away_finds_it_unchanged(store: SqlStore) -> None:
    early = generation(start_ms=T0, updated_ms=1)
    record(store, [early])
    record(store, [generation(start_ms=T0 + 9 * CELL_MS, updated_ms=2)])
    before = version(store)
    assert record(store, [early]).unchanged == 1
    assert version(store) == before


def test_a_version_that_lost_and_is_updated_later_counts_again(store: SqlStore) -> None:
    record(store, [generation(start_ms=T0, updated_ms=1)])
    record(store, [generation(start_ms=T0 + CELL_MS, updated_ms=2)])
    record(store, [generation(start_ms=T0, updated_ms=3, cost_pico=77)])
    assert [(row.start_ms, row.amounts.cost_pico) for row in rows(store)] == [(T0, 77)]


def test_two_updates_and_a_move_of_one_observation_in_one_batch_count_once(store: SqlStore) -> None:
    record(store, [generation(start_ms=T0, updated_ms=1)])
    record(
        store,
        [
            generation(start_ms=T0, updated_ms=2, cost_pico=4),
            generation(start_ms=T0 + CELL_MS, updated_ms=3, cost_pico=6),
            generation(start_ms=T0 + 2 * CELL_MS, updated_ms=2, cost_pico=8),
        ],
    )
    assert [(row.start_ms, row.amounts.cost_pico) for row in rows(store)] == [(T0 + CELL_MS, 6)]


def test_the_same_ids_in_two_projects_are_two_observations(store: SqlStore) -> None:
    record(store, [generation()])
    record(store, [generation(start_ms=T0 + CELL_MS)], project=OTHER_PROJECT)
    assert {row.project for row in rows(store)} == {PROJECT.key, OTHER_PROJECT.key}


def test_the_same_observation_id_in_two_traces_is_two_observations(store: SqlStore) -> None:
    record(store, [generation(trace_id="one"), generation(trace_id="two")])
    assert store.read(lambda unit: unit.totals()).generations == 2


def test_rows_that_vanished_stay(store: SqlStore) -> None:
    record(store, [generation("a1" * 8), generation("a2" * 8)])
    store.ingest(PROJECT.key, lambda unit: unit.record(Span(T0, T0 + CELL_MS), [generation("a1" * 8)], now_ms=T0))
    assert store.read(lambda unit: unit.totals()).generations == 2


def test_a_generation_outside_the_span_is_refused(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="outside"):
        store.ingest(PROJECT.key, lambda unit: unit.record(Span(T0 + 1, T0 + 2), [generation()], now_ms=T0))


def test_an_empty_span_changes_nothing(store: SqlStore) -> None:
    before = version(store)
    assert record(store, []).delta == Amounts()
    assert version(store) == before


def test_deltas_come_oldest_first_and_are_gone_when_taken(store: SqlStore) -> None:
    record(store, [generation("a1" * 8), generation("a2" * 8)])
    record(store, [generation("a3" * 8, start_ms=T0 + CELL_MS, dimensions=CHAT, user="bob", session="s9")])
    first = store.assess(lambda unit: list(unit.take_deltas(1)))
    second = store.assess(lambda unit: list(unit.take_deltas(10)))
    assert [(d.project, d.cell, d.dimensions, d.user, d.session) for d in first] == [
        (PROJECT.key, T0 // CELL_MS, SEARCH, "ann", "s1")
    ]
    assert first[0].amounts == Amounts(2_000_000_000, 240, 2)
    assert [(d.dimensions, d.user, d.session) for d in second] == [(CHAT, "bob", "s9")]
    assert store.assess(lambda unit: list(unit.take_deltas(10))) == []


def test_twenty_million_dollars_in_one_cell_are_exact(store: SqlStore) -> None:
    """Ten such rows already overflow an int64 sum of picodollars."""
    dear = 999_999_999_999_000_000
    batch = [generation(f"{i:016x}", cost_pico=dear) for i in range(21)]
    record(store, batch)
    exact = 21 * dear
    assert exact > 20_000_000 * 10**12
    assert store.read(lambda unit: unit.totals()).cost_pico == exact

    deltas = store.assess(lambda unit: list(unit.take_deltas(10)))
    assert [d.amounts.cost_pico for d in deltas] == [exact]

    cell = T0 // CELL_MS
    for delta in deltas:
        store.assess(methodcaller("add", "added", ("k",), cell, 1, delta.amounts))
    store.assess(lambda unit: unit.build_view("built", lambda *_: ("k",), lambda _: 1, uses_people=False))
    for view in ("added", "built"):
        assert store.read(methodcaller("days", view, ("k",), 0, 9)) == [(1, Amounts(exact, 21 * 120, 21))]


def test_strange_ids_and_texts_come_back_as_they_were(store: SqlStore) -> None:
    strange = ["", "A" * 32, "ff00", "abc", "zürich", "a b", "deadbeef" * 40, "\x00"]
    texts = [text.replace("\x00", "\u2400") for text in strange]  # `domain.labels` leaves no control character in one
    batch = [generation(i, trace_id=i, user=text, session=text) for i, text in zip(strange, texts, strict=True)]
    record(store, batch)
    assert sorted(row.user for row in rows(store)) == sorted(texts)
    assert record(store, batch).unchanged == len(strange)


def test_usage_without_a_price_is_counted_as_unpriced(store: SqlStore) -> None:
    result = record(
        store,
        [
            generation("a1" * 8, pricing=Pricing.UNPRICED, cost_pico=0),
            generation("a2" * 8, pricing=Pricing.PARTLY),
            generation("a3" * 8, tokens=Tokens()),
        ],
    )
    assert result.unpriced == 2
    assert store.read(lambda unit: unit.totals()).unpriced == 2


def test_more_rows_than_one_statement_takes_are_all_written(store: SqlStore) -> None:
    many = [generation(f"{i:016x}", trace_id=f"{i // 3:032x}", start_ms=T0 + i * 7) for i in range(2_501)]
    assert record(store, many).new == 2_501
    assert store.ingest(PROJECT.key, lambda unit: unit.record(span_of(many), many, now_ms=T0)).unchanged == 2_501


def test_only_what_was_never_stored_under_any_start_is_first_seen(store: SqlStore) -> None:
    first, other = generation("aa", start_ms=T0), generation("bb", start_ms=T0 + 5)
    assert sorted(record(store, [first, other]).first_seen) == [T0, T0 + 5]
    assert record(store, [first, other]).first_seen == ()
    newer = generation("aa", start_ms=T0, updated_ms=2, cost_pico=7)
    moved = generation("bb", start_ms=T0 + 9, updated_ms=2)
    third = generation("cc", start_ms=T0 + 7)
    assert record(store, [newer, moved, third]).first_seen == (T0 + 7,)


def test_columns_that_a_batch_shares_and_those_that_it_does_not_are_all_written(url: str) -> None:
    """Of a large batch, columns that hold one value in a statement are given once; here only some statements do."""
    odd: dict[int, dict[str, Any]] = {
        7: {"pricing": Pricing.PARTLY},
        400: {"tokens": Tokens(1, 2, 3, 4, 5, 6, 7, 28)},
        650: {"duration_ms": None},
    }
    many = [generation(f"{n:016x}", start_ms=T0 + n, cost_pico=n, **odd.get(n, {})) for n in range(700)]
    with opened(url) as store:
        record(store, many, now_ms=5)
    tokens = ("input", "output", "cache_read", "cache_write", "reasoning", "audio", "other", "total")
    columns = ", ".join(("start_ms", "cost", "pricing", "duration_ms", "counted", "seen_ms", "changed_ms", *tokens))
    with raw(url) as ask:
        found = ask(f"SELECT {columns} FROM generation ORDER BY start_ms")
    assert found == [(g.start_ms, g.cost_pico, int(g.pricing), g.duration_ms, 1, 5, None, *g.tokens) for g in many]

"""Estimates in the ledger: beside the cost, in every sum that budgets are judged by, formed anew when prices change."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.domain.prices import ModelPrices, Price, PriceBook, Tier, UsageCondition
from fusewatch.domain.usage import Amounts, Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import AssessUnit, ModelList, Span
from fusewatch.store import SqlStore
from fusewatch.store.rows import COLUMNS, ESTIMATE, with_estimate
from tests.store.samples import CELL_MS, CHAT, PROJECT, SEARCH, T0, counted, fresh_store, generation, span_of


def book(pico: int, match: str = "") -> PriceBook:
    """So many picodollars for each input token."""
    return PriceBook([Price(match, (("input", Fraction(pico, 10**12)), ("output", Fraction(0))))])


CHEAP, DEAR = book(10), book(25)


def write(store: SqlStore, rows: list[Generation], prices: PriceBook = CHEAP, *, whole: bool = False) -> None:
    store.ingest(PROJECT.key, lambda unit: unit.record(span_of(rows), rows, now_ms=T0, whole=whole, prices=prices))


def walk(store: SqlStore, prices: PriceBook) -> int:
    """Form all estimates again; how many changed."""
    changed, after = 0, None
    store.ingest(PROJECT.key, lambda unit: unit.begin_estimates(prices.revision))
    while True:
        at = after
        step = store.ingest(PROJECT.key, lambda unit: unit.estimate_again(prices, at))  # noqa: B023 run at once
        changed, after = changed + step.changed, step.last
        if after is None:
            store.ingest(PROJECT.key, lambda unit: unit.end_estimates(prices.revision))
            return changed


def by_rows(store: SqlStore) -> Amounts:
    total = Amounts()
    for row in store.assess(lambda unit: unit.rows(0, 2**53)):
        total = total.plus(row.amounts)
    return total


def by_deltas(store: SqlStore) -> Amounts:
    """All changes ever appended; they are left where they are."""
    total = Amounts()

    def look(unit: AssessUnit) -> None:
        nonlocal total
        for delta in unit.take_deltas(10**6):
            total = total.plus(delta.amounts)
        raise _Undo

    with pytest.raises(_Undo):
        store.assess(look)
    return total


class _Undo(Exception):
    """Nothing of this transaction is kept."""


def unpriced(
    id_: str, *, updated_ms: int = 1, start_ms: int = T0, tokens: int = 100, dimensions: Dimensions = SEARCH
) -> Generation:
    return generation(
        id_,
        updated_ms=updated_ms,
        start_ms=start_ms,
        cost_pico=0,
        pricing=Pricing.UNPRICED,
        tokens=Tokens(input=tokens, output=20, total=tokens + 20),
        dimensions=dimensions,
    )


def test_an_unpriced_row_carries_its_estimate_and_a_priced_one_none(store: SqlStore) -> None:
    write(store, [unpriced("a1" * 8), generation("a2" * 8, cost_pico=7)])
    assert by_rows(store) == Amounts(7, 240, 2, 1000)
    assert by_deltas(store) == by_rows(store)
    totals = store.read(lambda unit: unit.totals())
    assert (totals.cost_pico, totals.unpriced, totals.estimate_pico) == (7, 1, 1000)


def test_a_row_that_is_priced_later_loses_its_estimate(store: SqlStore) -> None:
    write(store, [unpriced("a1" * 8)])
    write(store, [generation("a1" * 8, updated_ms=2, cost_pico=900)])
    assert by_rows(store) == by_deltas(store) == Amounts(900, 120, 1, 0)
    assert store.read(lambda unit: unit.totals()).estimate_pico == 0


def test_reading_the_same_again_keeps_the_estimate_whatever_the_book(store: SqlStore) -> None:
    write(store, [unpriced("a1" * 8)])
    write(store, [unpriced("a1" * 8)], DEAR)
    assert by_rows(store).estimate_pico == 1000


def test_other_prices_change_only_the_estimates(store: SqlStore) -> None:
    rows = [unpriced(f"{n:016x}", start_ms=T0 + n // 3, dimensions=CHAT if n % 2 else SEARCH) for n in range(5000)]
    write(store, [*rows, generation("ff" * 8, cost_pico=7)])
    assert walk(store, CHEAP) == 0
    assert walk(store, DEAR) == 5000
    assert walk(store, DEAR) == 0
    assert by_rows(store) == by_deltas(store) == Amounts(7, 600_120, 5001, 12_500_000)
    assert walk(store, book(25, match="^claude$")) == 2500
    assert by_rows(store).estimate_pico == 6_250_000
    assert by_deltas(store) == by_rows(store)


def test_the_walk_is_needed_only_when_the_estimates_come_from_another_book(store: SqlStore) -> None:
    def begin(prices: PriceBook) -> bool:
        return store.ingest(PROJECT.key, lambda unit: unit.begin_estimates(prices.revision))

    walk(store, CHEAP)
    write(store, [unpriced("a1" * 8)])
    assert not begin(CHEAP)
    write(store, [unpriced("a2" * 8)], DEAR)
    assert begin(CHEAP)
    walk(store, CHEAP)
    write(store, [generation("a3" * 8)], DEAR)
    assert not begin(CHEAP)


def test_rows_of_another_book_that_come_in_the_middle_of_a_walk_make_it_begin_anew(store: SqlStore) -> None:
    write(store, [unpriced("a1" * 8)])
    assert store.ingest(PROJECT.key, lambda unit: unit.begin_estimates(DEAR.revision))
    store.ingest(PROJECT.key, lambda unit: unit.estimate_again(DEAR, None))
    write(store, [unpriced("a2" * 8)], CHEAP)
    assert not store.ingest(PROJECT.key, lambda unit: unit.end_estimates(DEAR.revision))
    assert walk(store, DEAR) == 1
    assert by_rows(store).estimate_pico == 5000
    assert not store.ingest(PROJECT.key, lambda unit: unit.begin_estimates(DEAR.revision))


def test_a_version_that_counts_again_is_estimated_by_the_present_prices(store: SqlStore) -> None:
    """It was passed over while another version counted in its place, and prices changed meanwhile."""
    moved = T0 + 900_000
    write(store, [unpriced("a1" * 8, updated_ms=1, start_ms=T0)])
    write(store, [unpriced("a1" * 8, updated_ms=3, start_ms=moved)])
    walk(store, DEAR)
    write(store, [unpriced("a1" * 8, updated_ms=0, start_ms=moved, tokens=7)], DEAR, whole=True)
    write(store, [unpriced("a1" * 8, updated_ms=0, start_ms=moved + 1, tokens=7)], DEAR)
    (row,) = store.assess(lambda unit: unit.rows(0, 2**53))
    assert (row.start_ms, row.amounts.estimate_pico) == (T0, 2500)
    assert by_deltas(store) == by_rows(store)


def test_sums_made_anew_from_the_rows_hold_the_estimates(store: SqlStore) -> None:
    write(store, [unpriced("a1" * 8), unpriced("a2" * 8, start_ms=T0 + 1)])
    store.ingest(PROJECT.key, lambda unit: unit.distrust_sums())
    assert store.read(lambda unit: unit.totals()).estimate_pico == 2000

    def built(unit: AssessUnit) -> list[Amounts]:
        unit.build_view("v", lambda *_: ("a",), lambda cell: cell // 96, uses_people=False)
        return [amounts for _, amounts in unit.days("v", ("a",), 0, 2**40)]

    assert store.assess(built) == [Amounts(0, 240, 2, 2000)]


def test_sums_made_anew_after_pruning_hold_the_estimates_of_the_day_whose_rows_are_half_gone(store: SqlStore) -> None:
    write(store, [unpriced("a1" * 8), unpriced("a2" * 8, start_ms=T0 + CELL_MS)])

    def built(unit: AssessUnit) -> list[Amounts]:
        unit.take_deltas(100)
        unit.build_view("v", lambda *_: ("a",), lambda _: 0, uses_people=False)
        return [amounts for _, amounts in unit.days("v", ("a",), 0, 1)]

    assert store.assess(built) == [Amounts(0, 240, 2, 2000)]
    store.upkeep(lambda unit: unit.prune(PROJECT.key, T0 + CELL_MS, most=10))
    store.ingest(PROJECT.key, lambda unit: unit.distrust_sums())
    assert store.assess(built) == [Amounts(0, 240, 2, 2000)]


def test_an_hour_tells_its_estimates_apart_from_its_cost(store: SqlStore) -> None:
    write(store, [unpriced("a1" * 8), generation("a2" * 8, cost_pico=7)])
    hours = store.ingest(PROJECT.key, lambda unit: unit.hours(Span(0, 2**53)))
    assert [(hour.cost_pico, hour.estimated_pico) for hour in hours.values()] == [(7, 1000)]


def test_estimates_beyond_what_one_integer_holds_are_summed_exactly(store: SqlStore) -> None:
    largest = book(9 * 10**16)
    write(store, [unpriced(f"{n:016x}", start_ms=T0 + n) for n in range(5)], largest)
    assert by_rows(store).estimate_pico == by_deltas(store).estimate_pico == 45 * 10**18
    assert store.read(lambda unit: unit.totals()).estimate_pico == 45 * 10**18


def test_the_price_list_is_kept_with_the_time_when_it_was_fetched(store: SqlStore) -> None:
    condition = UsageCondition("(input)", "gt", Fraction(5, 2), case_sensitive=True)
    tier = Tier((("input", Fraction(1, 3)),), (condition,))
    models = (ModelPrices("é", "^x$", False, 17, (tier, Tier((("output", Fraction(7)),)))),)
    before = store.ingest(PROJECT.key, lambda unit: (unit.models_ms(), tuple(unit.models())))
    assert before == (None, ())
    store.ingest(PROJECT.key, lambda unit: unit.put_models(ModelList(models), at_ms=T0))
    assert store.ingest(PROJECT.key, lambda unit: (unit.models_ms(), tuple(unit.models()))) == (T0, models)


def test_only_rows_without_a_price_since_the_instant_are_a_reason_to_fetch_one(store: SqlStore) -> None:
    def needed(from_ms: int) -> bool:
        return store.ingest(PROJECT.key, lambda unit: unit.has_unpriced(from_ms))

    write(store, [generation("a1" * 8)])
    assert not needed(0)
    write(store, [unpriced("a2" * 8)])
    assert needed(T0)
    assert not needed(T0 + 1)


versions = st.builds(
    lambda n, at, updated, priced, used, model: (
        generation(f"{n:016x}", start_ms=T0 + at * 600_000, updated_ms=updated, cost_pico=used)
        if priced
        else unpriced(f"{n:016x}", start_ms=T0 + at * 600_000, updated_ms=updated, tokens=used, dimensions=model)
    ),
    st.integers(0, 4),
    st.integers(0, 2),
    st.integers(0, 5),
    st.booleans(),
    st.integers(1, 1000),
    st.sampled_from([CHAT, SEARCH]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.lists(versions, min_size=1, max_size=6), st.sampled_from([CHEAP, DEAR])), max_size=6))
def test_however_versions_and_prices_come_all_sums_agree_after_a_walk(
    batches: list[tuple[list[Generation], PriceBook]],
) -> None:
    with fresh_store() as store:
        for rows, prices in batches:
            write(store, rows, prices)
            assert by_deltas(store) == by_rows(store)
        walk(store, DEAR)
        newest = counted(row for rows, _ in batches for row in rows)
        expected = sum(25 * g.tokens.input for g in newest if g.pricing is not Pricing.PRICED)
        assert by_rows(store).estimate_pico == by_deltas(store).estimate_pico == expected
        assert store.read(lambda unit: unit.totals()).estimate_pico == expected


def test_another_estimate_leaves_all_else_of_a_row_as_it_was() -> None:
    row = tuple(range(len(COLUMNS)))
    assert with_estimate(row, -1) == (*row[:ESTIMATE], -1, *row[ESTIMATE + 1 :])

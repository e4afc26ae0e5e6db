"""Exports into databases: exact, the same however often they run, and never into anybody else's table."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fusewatch.app.exports import Grouping, Listing, row_columns, usual_columns, write_groups, write_rows
from fusewatch.app.reports import EVER, Environments, Question
from fusewatch.domain.coverage import Span
from fusewatch.domain.periods import Calendar, Every
from fusewatch.domain.rules import BUILT_IN_DIMENSIONS
from fusewatch.domain.usage import Generation
from fusewatch.errors import Permanent, Retryable
from fusewatch.export.targets import open_target, place_of
from fusewatch.ports import Cells, Column
from fusewatch.store import SqlStore
from tests.export.warehouse import Warehouse
from tests.store.samples import CHAT, PROJECT, SEARCH, T0, fresh_store, generation, record
from tests.store.server import empty_database

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LISTING = Listing(EVER, BUILT_IN_DIMENSIONS, row_columns(BUILT_IN_DIMENSIONS))


@pytest.fixture(params=["sqlite", "postgresql"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """Each test finds it empty."""
    url = f"sqlite:///{tmp_path}/warehouse.db" if request.param == "sqlite" else empty_database()
    return Warehouse(url)


def grouping(every: Every | None = None, span: Span = EVER, by: tuple[str, ...] = ("feature", "team")) -> Grouping:
    asked = Question(by, span, ("langfuse-*",), T0 + 30 * DAY_MS, Environments.ALL)
    return Grouping(asked, usual_columns(by, every), every, Calendar("UTC"))


def put_rows(store: SqlStore, warehouse: Warehouse, listing: Listing = LISTING) -> tuple[int, int]:
    """Written records, and how many hours that took."""
    target, hours = warehouse.table("generations"), []
    try:
        written = write_rows(store, listing, target, lambda _, at_ms: hours.append(at_ms))
    finally:
        target.close()
    return written, len(hours)


def put_groups(store: SqlStore, warehouse: Warehouse, wanted: Grouping) -> None:
    target = warehouse.table("spend")
    try:
        write_groups(store, wanted, target)
    finally:
        target.close()


def ledger_pico(store: SqlStore) -> int:
    return store.read(lambda unit: unit.totals()).cost_pico


def some(count: int) -> list[Generation]:
    """Over several hours, with costs that no double holds."""
    return [
        generation(
            f"{n:016x}",
            trace_id=f"{n % 5:032x}",
            start_ms=T0 + n * 7 * 60_000,
            cost_pico=123_456_789_012_345 + n,
            dimensions=SEARCH if n % 3 else CHAT,
        )
        for n in range(count)
    ]


def test_rows_sum_to_the_ledger_exactly_and_twice_is_as_once(store: SqlStore, warehouse: Warehouse) -> None:
    record(store, some(60))
    assert put_rows(store, warehouse) == (60, 7)
    assert warehouse.cost_pico("generations") == ledger_pico(store)
    assert put_rows(store, warehouse) == (0, 0), "nothing changed, so nothing is written"
    assert warehouse.rows("SELECT count(*) FROM generations") == [(60,)]


def test_only_the_hours_that_changed_are_written_again(store: SqlStore, warehouse: Warehouse) -> None:
    record(store, some(60))
    put_rows(store, warehouse)
    record(store, [generation(f"{59:016x}", trace_id=f"{4:032x}", start_ms=T0 + 59 * 7 * 60_000, updated_ms=5)])
    written, hours = put_rows(store, warehouse)
    assert hours == 1
    assert written < 10
    assert warehouse.cost_pico("generations") == ledger_pico(store)


def test_a_generation_that_moved_to_another_hour_is_there_once(store: SqlStore, warehouse: Warehouse) -> None:
    record(store, [generation(cost_pico=7), generation("0b" * 8, start_ms=T0 + 9 * HOUR_MS)])
    put_rows(store, warehouse)
    record(store, [generation(cost_pico=9, start_ms=T0 + 4 * HOUR_MS, updated_ms=2)])
    put_rows(store, warehouse)
    assert warehouse.rows("SELECT count(*) FROM generations") == [(2,)]
    record(store, [generation(cost_pico=11, start_ms=T0 - 4 * HOUR_MS, updated_ms=3)])
    put_rows(store, warehouse)
    assert warehouse.rows("SELECT count(*) FROM generations") == [(2,)]
    assert warehouse.cost_pico("generations") == ledger_pico(store)


def test_what_is_pruned_here_stays_in_the_warehouse(store: SqlStore, warehouse: Warehouse) -> None:
    record(store, some(60))
    put_rows(store, warehouse)
    store.upkeep(lambda unit: unit.prune(PROJECT.key, T0 + 200 * 60_000, most=10_000))
    assert put_rows(store, warehouse) == (0, 0)
    assert warehouse.rows("SELECT count(*) FROM generations") == [(60,)]


def test_a_span_of_rows_leaves_the_others_as_they_are(store: SqlStore, warehouse: Warehouse) -> None:
    record(store, some(60))
    put_rows(store, warehouse)
    part = Listing(Span(T0 + HOUR_MS, T0 + 2 * HOUR_MS), LISTING.dimensions, LISTING.columns)
    assert put_rows(store, warehouse, part) == (0, 0)
    assert warehouse.rows("SELECT count(*) FROM generations") == [(60,)]


def test_sums_take_the_place_of_those_before(store: SqlStore, warehouse: Warehouse) -> None:
    record(store, some(30))
    for _ in range(2):
        put_groups(store, warehouse, grouping())
    assert warehouse.rows("SELECT feature, team, calls FROM spend ORDER BY feature") == [
        ("chat", "core", 10),
        ("search", "core", 20),
    ]
    assert warehouse.cost_pico("spend") == ledger_pico(store)


def test_sums_by_day_replace_the_days_of_their_span_alone(store: SqlStore, warehouse: Warehouse) -> None:
    record(store, [generation(f"{n:016x}", start_ms=T0 + n * DAY_MS, cost_pico=100 + n) for n in range(4)])
    put_groups(store, warehouse, grouping(Every.DAY, Span(T0, T0 + 4 * DAY_MS)))
    first = warehouse.rows("SELECT period, cost_usd FROM spend ORDER BY period")
    assert len(first) == 4
    record(store, [generation(f"{n:016x}", start_ms=T0 + n * DAY_MS, cost_pico=500, updated_ms=2) for n in range(4)])
    day_ms = T0 // DAY_MS * DAY_MS + DAY_MS
    put_groups(store, warehouse, grouping(Every.DAY, Span(day_ms, day_ms + DAY_MS)))
    after = warehouse.rows("SELECT period, cost_usd FROM spend ORDER BY period")
    assert [at for at in range(4) if after[at] != first[at]] == [1]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.lists(st.tuples(st.integers(0, 6), st.integers(0, 30), st.integers(0, 10**17)), max_size=6),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_comes_between_two_runs_the_warehouse_equals_the_ledger_after_the_second(
    warehouse: Warehouse, steps: list[list[tuple[int, int, int]]]
) -> None:
    with fresh_store() as store:
        for version, step in enumerate(steps, 1):
            made = {
                name: generation(f"{name:016x}", start_ms=T0 + at * HOUR_MS // 3, cost_pico=cost, updated_ms=version)
                for name, at, cost in step
            }
            record(store, list(made.values()))
            put_rows(store, warehouse)
            lines = store.read(lambda unit: unit.lines(PROJECT.key, EVER, None, 10_000))
            assert warehouse.rows("SELECT count(*) FROM generations") == [(len(lines),)]
            assert warehouse.cost_pico("generations") == sum(line.usage.cost_pico for line in lines)


def test_a_table_of_somebody_else_is_refused(store: SqlStore, warehouse: Warehouse) -> None:
    put_groups(store, warehouse, grouping())
    target = warehouse.table("fusewatch_export")
    with pytest.raises(Permanent, match="the table fusewatch_export is there and not made by us; name another one"):
        target.hours([Column("id", Cells.TEXT)], ["id"])
    target.close()


def test_a_table_with_other_columns_is_left_alone(store: SqlStore, warehouse: Warehouse) -> None:
    record(store, some(3))
    put_groups(store, warehouse, grouping())
    with pytest.raises(Permanent, match="the table spend has the columns feature,team,calls,"):
        put_groups(store, warehouse, grouping(by=("model",)))
    assert warehouse.cost_pico("spend") == ledger_pico(store)


def test_a_name_that_is_more_than_a_name_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(Permanent, match="is no name of a table"):
        warehouse.table('spend"; DROP TABLE x; --')


def test_our_own_database_is_no_warehouse(store: SqlStore) -> None:
    with pytest.raises(Permanent, match="is Fusewatch's own database; name another file"):
        open_target(place_of(f"sqlite:///{store.path}"), table="spend")


def test_a_server_that_is_not_there_is_tried_again_and_its_password_is_told_to_nobody() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(Retryable) as error:
        open_target(place_of("postgresql://fuse:hunter2hunter2@127.0.0.1:1/postgres"), table="spend")
    assert "hunter2" not in str(error.value)


def test_an_address_that_cannot_be_read_is_not_repeated() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(Permanent) as error:
        open_target(place_of("postgresql://fuse:hunter2@host/x?nonsense=hunter2"), table="spend")
    assert "hunter2" not in str(error.value)

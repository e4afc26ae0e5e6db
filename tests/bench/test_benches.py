"""The measurements still measure: each runs at a tiny size, at which its figures mean nothing."""

import math
from collections.abc import Callable

import pytest

from fusewatch.cli.picture import svg
from fusewatch.domain.periods import Every
from fusewatch.store.connection import SqliteLink
from tests.bench import (
    bench_assess,
    bench_compare,
    bench_cost,
    bench_daemon,
    bench_fresh,
    bench_metrics,
    bench_read,
    growth,
)

Row = tuple[str, float, str, float | None]


@pytest.mark.parametrize(
    "measure",
    [
        lambda: bench_read.rows(count=1_200, rounds=1),
        lambda: bench_compare.rows(rates=(1,), hour_s=40),
        lambda: bench_assess.rows(ledger=10, keys=20, rounds=1),
        lambda: bench_metrics.rows(series=200, rounds=1),
        lambda: bench_daemon.rows(small=40, times=2, read=10, loaded=20, rounds=1, shown_s=0),
        lambda: bench_fresh.rows(crossings=2, projects=(1,), poll_s=1),
        lambda: bench_cost.rows(rates=(0,), apis=("v2",)),
    ],
    ids=["read", "compare", "assess", "metrics", "daemon", "fresh", "cost"],
)
def test_a_measurement_gives_a_figure_for_every_line(measure: Callable[[], list[Row]]) -> None:
    found = measure()
    assert len({name for name, *_ in found}) == len(found) > 1
    for name, value, unit, budget in found:
        assert math.isfinite(value) and value > 0, name  # noqa: PT018 - one fact for the type checker, not a test
        assert unit, name
        assert budget is None or budget > 0, name


def test_ten_times_the_keys_are_judged_with_as_many_queries() -> None:
    asked = [_queries_of_a_pass(keys) for keys in (40, 400)]
    assert asked[0] == asked[1]


def test_the_growth_of_keys_is_a_table_and_a_plot() -> None:
    curves = growth.by_keys((20, 40))
    lines = growth.table(curves)
    assert lines[0] == "| keys | 20 | 40 |"
    assert len(lines) == len(curves) + 3
    assert "keys: judging 10 changes, ms" in svg(growth.plot(curves))


def _queries_of_a_pass(keys: int) -> int:
    """How many statements judging changes of all keys runs, the writing of their cells apart."""
    rules = bench_assess.budgets(Every.DAY)
    with bench_assess.filled(keys, keys, rules) as store:
        bench_assess.change(store, keys, keys, 7)
        statements: list[str] = []
        writer = store._writer
        assert isinstance(writer, SqliteLink)
        writer._driver.set_trace_callback(statements.append)
        bench_assess.assess(store, rules)
        return sum(text.startswith("SELECT") for text in statements)

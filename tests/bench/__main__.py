"""`make bench`: every measurement in one run, as a table with the budget beside it; with --json FILE as JSON too.

`--quick` takes sizes that only show that everything works.

`python -m tests.bench spikes` prints the scores of the spike rules alone, `… drivers` which planted culprits are named.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

from fusewatch.runtime import collect_seldom
from tests.bench import (
    bench_assess,
    bench_backtest,
    bench_compare,
    bench_cost,
    bench_daemon,
    bench_drivers,
    bench_exports,
    bench_forecast,
    bench_fresh,
    bench_ingest,
    bench_metrics,
    bench_read,
    driver_bank,
    spikes,
)  # fmt: skip

Row = tuple[str, float, str, float | None]
ROUNDS = 5
WIDTH = 88


def check_rows() -> list[Row]:
    """How long `fusewatch check` takes, start of the interpreter included."""
    file = Path(__file__).parents[1] / "config" / "good" / "complete.yaml"
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "fusewatch", "check", str(file)], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return [("fusewatch check of the complete example", median(times), "s", 0.5)]


def main() -> None:
    collect_seldom()  # as the daemon does
    only = sys.argv[1:2]
    if "--quick" in sys.argv:
        show(quick())
        return
    if only not in (["spikes"], ["drivers"]):
        measure()
    if only != ["drivers"]:
        for line in spikes.tables():
            print(line, flush=True)
    if only != ["spikes"]:
        for line in driver_bank.table([driver_bank.judge(scenario) for scenario in driver_bank.SCENARIOS]):
            print(line, flush=True)


def measure() -> None:
    """Prints what takes time as it is measured, and writes it where --json says."""
    parts = (
        bench_read.rows,
        bench_compare.rows,
        bench_ingest.rows,
        bench_assess.rows,
        bench_metrics.rows,
        bench_daemon.rows,
        check_rows,
        bench_fresh.rows,
        bench_cost.rows,
        bench_forecast.rows,
        bench_drivers.rows,
        bench_backtest.rows,
        bench_exports.rows,
    )
    show(row for part in parts for row in part())


def quick() -> Iterator[Row]:
    """What the budget is about, at sizes at which the figures mean nothing."""
    yield from bench_read.rows(count=1_200, rounds=1)
    yield from bench_assess.rows(ledger=10, keys=20, rounds=1)
    yield from bench_metrics.rows(series=200, rounds=1)
    yield from bench_daemon.rows(small=40, times=2, read=10, loaded=20, rounds=1, shown_s=0)
    yield from bench_fresh.rows(crossings=2, projects=(1,), poll_s=1)
    yield from bench_cost.rows(rates=(0,), apis=("v2",))


def show(rows: Iterable[Row]) -> None:
    shown = []
    for name, value, unit, budget in rows:
        within = "" if budget is None else f"budget {budget:g}  {'ok' if value <= budget else 'OVER'}"
        print(f"{name:<{WIDTH}}  {value:10.3f} {unit:<6} {within}", flush=True)
        shown.append(dict(zip(("name", "value", "unit", "budget"), (name, value, unit, budget), strict=True)))
    if "--json" in sys.argv:
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps(shown))


if __name__ == "__main__":
    main()

"""What `/metrics` costs with 10,000 series, against prometheus-client writing the very same series."""

import gc
from collections.abc import Callable, Iterable
from dataclasses import replace
from statistics import median
from time import perf_counter

from prometheus_client import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from fusewatch.app.snapshot import BudgetLine, Snapshot, SpendLine
from fusewatch.ports import CounterSeries
from fusewatch.web.exposition import render
from tests.web.pictures import BUSY, DESTINATIONS, RULES, budget, telemetry

SERIES = 10_000
BUDGET = 1.5
"""DESIGN: at most so many times what prometheus-client's bare exposition costs."""

_ROUNDS = 9


class Ready:
    """A collector whose families are there already: nothing but the writing is left to do."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def picture(series: int) -> Snapshot:
    """A snapshot with about so many series: counters, spend and budgets as a large organisation has them."""
    keys = [
        (f"project-{n % 3}", f"feature-{n % 97}", f"team-{n % 11}", f"model-{n % 7}", f"operation-{n}")
        for n in range(series * 7 // 10 // 6)
    ]
    counters = tuple(CounterSeries(key, 10**9 * n + n, 0, n, (n, n, 0, 0, 0, 0, 0)) for n, key in enumerate(keys))
    spend = tuple(SpendLine(key, 10**8 * n, 10**9 * n + 7) for n, key in enumerate(keys))
    lines: tuple[BudgetLine, ...] = tuple(
        budget("each-feature", 20 * 10**12, 10**9 * n, forecast=2 * 10**9 * n, feature=f"feature-{n}")
        for n in range(series * 3 // 10 // 5)
    )
    return replace(BUSY, counters=counters, spend=spend, budgets=lines)


def rows(series: int = SERIES, rounds: int = _ROUNDS) -> list[tuple[str, float, str, float | None]]:
    """(name, value, unit, the most it may be or None), from interleaved rounds of one run."""
    snapshot, process = picture(series), telemetry().process()

    def ours() -> bytes:
        return render(snapshot, process, RULES, DESTINATIONS)

    text = ours().decode()
    bare = Ready(text_string_to_metric_families(text))

    def theirs() -> bytes:
        return generate_latest(bare)

    count = sum(not line.startswith("#") for line in text.splitlines())
    pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(rounds)]
    own, other = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    return [
        ("/metrics, series", float(count), "series", None),
        ("/metrics, rendering", own * 1000, "ms", None),
        ("/metrics, prometheus-client's bare exposition", other * 1000, "ms", None),
        ("/metrics, rendering / bare exposition", own / other, "x", BUDGET),
    ]


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    started = perf_counter()
    work()
    return perf_counter() - started

"""What is shown of the counters and of the whole ledger."""

from collections.abc import Sequence
from operator import add
from typing import TypeVar

from fusewatch.domain.money import join
from fusewatch.domain.usage import Dimensions
from fusewatch.ports import CounterSeries, DurationSeries, ProjectCounters, Totals
from fusewatch.store import codec
from fusewatch.store.connection import Link
from fusewatch.store.counters import DURATIONS, PROJECT, SPEND, Sums

K = TypeVar("K")

UNPRICED = (
    "SELECT dims, count(*), coalesce(sum(estimate / 1000000), 0), coalesce(sum(estimate % 1000000), 0)"
    " FROM generation INDEXED BY generation_unpriced"
    " WHERE project = ? AND start_ms >= ? AND start_ms < ? AND counted = 1 AND pricing <> 0 GROUP BY dims"
)


def counters(link: Link) -> Sequence[CounterSeries]:
    """The spend series of the projects that are loaded, by labels. Two projects of one name are summed: one series."""
    sums: dict[tuple[str, ...], list[int]] = {}
    for name, labels, held, shown in _series(link, SPEND):
        # Cost and its debt, then the rest as shown.
        _add(sums, (name, *codec.strings_of(labels)), [shown[0], shown[0] - held[0], *shown[1:]])
    return [
        CounterSeries(labels, cost, debt, requests, tuple(tokens))
        for labels, (cost, debt, requests, *tokens) in sorted(sums.items())
    ]


def durations(link: Link) -> Sequence[DurationSeries]:
    sums: dict[tuple[str, ...], list[int]] = {}
    for name, labels, _, shown in _series(link, DURATIONS):
        if any(shown):
            _add(sums, (name, *codec.strings_of(labels)), shown)
    return [
        DurationSeries(project, model, operation, tuple(buckets), sum_ms)
        for (project, model, operation), (*buckets, sum_ms) in sorted(sums.items())
    ]


def project_counters(link: Link) -> Sequence[ProjectCounters]:
    rows = link.rows(
        f"SELECT p.name, {', '.join(f'c.{name}' for name in PROJECT.shown)}, c.series_dropped"  # noqa: S608 our own names only
        " FROM project p JOIN project_counter c ON c.id = p.id WHERE p.loaded_ms IS NOT NULL"
    )
    sums: dict[str, list[int]] = {}
    for name, *shown, dropped in rows:
        _add(sums, name, [*PROJECT.values(shown), dropped])
    return [
        ProjectCounters(name, unpriced, unattributed, dropped)
        for name, (unattributed, unpriced, dropped) in sorted(sums.items())
    ]


def totals(link: Link) -> Totals:
    """The running totals of all projects: no look at the ledger itself."""
    generations, hi, lo, unpriced, est_hi, est_lo = link.row(
        "SELECT coalesce(sum(generations), 0), coalesce(sum(cost_hi), 0), coalesce(sum(cost_lo), 0),"
        " coalesce(sum(unpriced), 0), coalesce(sum(est_hi), 0), coalesce(sum(est_lo), 0) FROM project"
    )
    return Totals(generations, join(hi, lo), unpriced, join(est_hi, est_lo))


def values(link: Link, dimension: str) -> Sequence[str]:
    """The values that a dimension ever had, in order; of a project its names."""
    if dimension == "project":
        return [name for (name,) in link.rows("SELECT DISTINCT name FROM project ORDER BY name")]
    if dimension in Dimensions._fields and dimension != "extra":
        return [value for (value,) in link.rows(f"SELECT DISTINCT {dimension} FROM dims ORDER BY 1")]  # noqa: S608 our own names only
    extras = (codec.pairs_of(text) for (text,) in link.rows("SELECT DISTINCT extra FROM dims"))
    return sorted({value for pairs in extras for name, value in pairs if name == dimension})


def unpriced(link: Link, project: int, from_ms: int, to_ms: int) -> list[tuple[int, int, int]]:
    """(set of dimensions, count, estimate in 1e-12 USD) of the generations without a whole price; the partial index
    holds only such rows."""
    rows = link.rows(UNPRICED, (project, from_ms, to_ms))
    return [(dims, count, join(hi, lo)) for dims, count, hi, lo in rows]


def _series(link: Link, sums: Sums) -> list[tuple[str, str, list[int], list[int]]]:
    """(project name, labels, true values, shown values) of each series of a loaded project."""
    names = ", ".join(f"s.{name}" for name in (*sums.columns, *sums.shown))
    rows = link.rows(
        f"SELECT p.name, s.labels, {names} FROM {sums.table} s JOIN project p ON p.id = s.project"  # noqa: S608 our own names only
        " WHERE p.loaded_ms IS NOT NULL"
    )
    width = len(sums.columns)
    return [(row[0], row[1], sums.values(row[2 : 2 + width]), sums.values(row[2 + width :])) for row in rows]


def _add(sums: dict[K, list[int]], key: K, values: list[int]) -> None:
    held = sums.get(key)
    sums[key] = values if held is None else list(map(add, held, values))

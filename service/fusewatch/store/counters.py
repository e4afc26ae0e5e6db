"""The sums behind the exported counters: as they truly are, and the greatest value that each ever had.

Written in the transaction of the ledger, from the same rows, so that exported minus debt is the ledger, exactly. Rows
that start before `counters_from_ms` never enter, so that reading further back moves no counter.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from fusewatch.domain.money import join, split
from fusewatch.domain.rules import HIGH_CARDINALITY
from fusewatch.domain.usage import UNKNOWN, Dimensions
from fusewatch.domain.views import dimension_value
from fusewatch.ports import DURATION_BOUNDS_S
from fusewatch.store import archive, bulk, codec, meta
from fusewatch.store.connection import Link
from fusewatch.store.interning import Caches, Interning, MetricIds
from fusewatch.store.rows import COST, DIMS, DURATION, PRICING, SELECT, TOKENS, LedgerRow, hours
from fusewatch.store.schema import DURATION_COLUMNS, TOKEN_COLUMNS

K = TypeVar("K")

OTHER = "__other__"
_BOUNDS_MS = tuple(round(bound * 1000) for bound in DURATION_BOUNDS_S)
_SERIES_OF_A_HISTOGRAM = len(DURATION_COLUMNS) + 2
"""Its buckets, sum and count: the cap on series counts each of them."""


@dataclass(frozen=True, slots=True)
class Sums:
    """A table of cumulative sums. Where `money` is true the first value is picodollars in two columns."""

    table: str
    counts: tuple[str, ...]
    money: bool

    @property
    def columns(self) -> tuple[str, ...]:
        return ("cost_hi", "cost_lo", *self.counts) if self.money else self.counts

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(f"shown_{name}" for name in self.columns)

    def values(self, stored: Sequence[int]) -> list[int]:
        return [join(stored[0], stored[1]), *stored[2:]] if self.money else list(stored)

    def stored(self, values: Sequence[int]) -> list[int]:
        return [*split(values[0]), *values[1:]] if self.money else list(values)

    def grow(self, link: Link, changes: Mapping[int, Sequence[int]]) -> None:
        """Add to the sums of these rows; what is shown follows only upwards."""
        names = (*self.columns, *self.shown)
        width = len(self.columns)
        found = bulk.select_in(link, f"SELECT id, {', '.join(names)} FROM {self.table} WHERE id IN", (), changes)  # noqa: S608 our own names only
        after = {}
        for row in found:
            held = [a + b for a, b in zip(self.values(row[1 : 1 + width]), changes[row[0]], strict=True)]
            shown = map(max, self.values(row[1 + width :]), held)
            after[row[0]] = (*self.stored(held), *self.stored(list(shown)), row[0])
        settings = ", ".join(f"{name} = ?" for name in names)
        link.run_many(f"UPDATE {self.table} SET {settings} WHERE id = ?", list(after.values()))  # noqa: S608 our own names only

    def show_as_held(self, link: Link, where: str, project: int) -> None:
        """Nothing was shown yet: what is shown starts as what is true."""
        settings = ", ".join(f"{shown} = {name}" for shown, name in zip(self.shown, self.columns, strict=True))
        link.run(f"UPDATE {self.table} SET {settings} WHERE {where} = ?", (project,))  # noqa: S608 our own names only


SPEND = Sums("counter_series", ("requests", *TOKEN_COLUMNS), money=True)
DURATIONS = Sums("duration_series", (*DURATION_COLUMNS, "sum_ms"), money=False)
PROJECT = Sums("project_counter", ("unpriced",), money=True)


class Counters:
    """What one transaction adds to the counters; `flush` writes it."""

    def __init__(self, link: Link, caches: Caches, interning: Interning) -> None:
        self._link = link
        self._caches = caches
        self._interning = interning
        self._rows: dict[tuple[int, int], dict[int, list[LedgerRow]]] = {}
        self._spend: dict[int, list[int]] = {}
        self._durations: dict[int, list[int]] = {}
        self._projects: dict[int, list[int]] = {}
        self._choice: meta.MetricChoice | None = None

    def add(self, project: int, rows: Iterable[LedgerRow], sign: int) -> None:
        """Count rows of a project in (`sign` 1) or out again (-1)."""
        groups = self._rows.setdefault((project, sign), {})
        for row in rows:
            group = groups.get(row[DIMS])
            if group is None:
                groups[row[DIMS]] = [row]
            else:
                group.append(row)

    def flush(self) -> None:
        """Write what was added. What is shown rises to where the sums stand after all of it, not in between."""
        self._gather()
        for sums, changes in ((SPEND, self._spend), (DURATIONS, self._durations), (PROJECT, self._projects)):
            grown = {series: values for series, values in changes.items() if any(values)}
            if grown:
                sums.grow(self._link, grown)
            changes.clear()

    def _gather(self) -> None:
        """Sum up the rows that were added, so that they need not be held."""
        for (project, sign), groups in self._rows.items():
            for dims, group in groups.items():
                self._sum_up(project, dims, group, sign)
        self._rows.clear()

    def _sum_up(self, project: int, dims: int, group: list[LedgerRow], sign: int) -> None:
        columns = list(zip(*group, strict=True))
        cost = sum(columns[COST])
        ids = self._ids(project, dims)
        tokens = [sum(column) for column in columns[TOKENS]]
        _accumulate(self._spend, ids.counter, [cost, len(group), *tokens], sign)
        _accumulate(self._durations, ids.duration, _histogram(columns[DURATION]), sign)
        unpriced = len(group) - columns[PRICING].count(0)
        _accumulate(self._projects, project, [cost if ids.unattributed else 0, unpriced], sign)

    def start_showing(self, project: int, counters_from_ms: int) -> None:
        """The first load is complete: rows before `counters_from_ms` leave, the rest is what is shown at first."""
        for from_ms, to_ms in hours(self._link, project, -(2**62), counters_from_ms):
            self.add(project, _counted(self._link, project, from_ms, to_ms), -1)
            self.flush()
        self.flush()
        SPEND.show_as_held(self._link, "project", project)
        DURATIONS.show_as_held(self._link, "project", project)
        PROJECT.show_as_held(self._link, "id", project)

    def recount(self, project: int, counters_from_ms: int | None) -> None:
        """Sum a project's rows anew, after somebody changed them. What was shown never falls: it becomes debt."""
        self._rows.clear()
        for sums, where in ((SPEND, "project"), (DURATIONS, "project"), (PROJECT, "id")):
            zero = ", ".join(f"{name} = 0" for name in sums.columns)
            self._link.run(f"UPDATE {sums.table} SET {zero} WHERE {where} = ?", (project,))  # noqa: S608 our own names only
        start_ms = -(2**62) if counters_from_ms is None else counters_from_ms
        for sum_ in archive.since(self._link, project, start_ms):
            ids = self._ids(project, sum_.dims)
            _accumulate(self._spend, ids.counter, [sum_.cost_pico, sum_.requests, *sum_.tokens], 1)
            _accumulate(self._durations, ids.duration, sum_.durations, 1)
            unattributed = sum_.cost_pico if ids.unattributed else 0
            _accumulate(self._projects, project, [unattributed, sum_.unpriced], 1)
        for from_ms, to_ms in hours(self._link, project, start_ms, 2**62):
            self.add(project, _counted(self._link, project, from_ms, to_ms), 1)
            self._gather()
        self.flush()

    def _ids(self, project: int, dims: int) -> MetricIds:
        found = self._caches.metrics.get((project, dims))
        if found is None:
            dimensions = self._interning.dims([dims])[dims]
            found = MetricIds(
                counter=self._series("spend", SPEND, project, self._labels(dimensions)),
                duration=self._series("duration", DURATIONS, project, (dimensions.model, dimensions.operation)),
                unattributed=UNKNOWN in (dimensions.feature, dimensions.team),
            )
            self._caches.metrics.put((project, dims), found)
        return found

    def _labels(self, dimensions: Dimensions) -> tuple[str, ...]:
        return tuple(dimension_value(name, "", dimensions, "", "") for name in self._metric_choice().labels)

    def _metric_choice(self) -> meta.MetricChoice:
        if self._choice is None:
            self._choice = meta.metric_choice(self._link)
        return self._choice

    def _series(self, kind: str, sums: Sums, project: int, labels: tuple[str, ...]) -> int:
        """The series of a label set: its own, or for good the project's `__other__` when it came after the cap."""
        link = self._link
        key = (kind, project, codec.encode(labels))
        row = link.row("SELECT series FROM metric_key WHERE kind = ? AND project = ? AND labels = ?", key)
        if row is not None:
            return int(row[0])
        limit = self._metric_choice().max_series
        if sums is DURATIONS:
            limit = max(limit // _SERIES_OF_A_HISTOGRAM, 1)
        own = link.row(f"SELECT count(*) FROM {sums.table} WHERE overflow = 0")[0]  # noqa: S608 our own names only
        if own < limit:
            series = _new_series(link, sums, project, labels, other=False)
        else:
            series = self._other(sums, project, len(labels))
            link.run("UPDATE project_counter SET series_dropped = series_dropped + 1 WHERE id = ?", (project,))
        link.run("INSERT INTO metric_key (kind, project, labels, series) VALUES (?, ?, ?, ?)", (*key, series))
        return series

    def _other(self, sums: Sums, project: int, width: int) -> int:
        row = self._link.row(f"SELECT id FROM {sums.table} WHERE project = ? AND overflow = 1", (project,))  # noqa: S608 our own names only
        return _new_series(self._link, sums, project, (OTHER,) * width, other=True) if row is None else int(row[0])

    def choose_labels(self, labels: tuple[str, ...], max_series: int) -> None:
        """Which dimensions the spend counters carry. Other ones form the series anew; a mere other order does not."""
        barred = [name for name in labels if name == "project" or name in HIGH_CARDINALITY]
        if barred:
            raise ValueError(f"{', '.join(barred)} cannot be a metric label")
        before = self._metric_choice()
        self._choice = meta.MetricChoice(labels, max_series)
        if self._choice == before:
            return
        meta.keep_metric_choice(self._link, self._choice)
        if labels == before.labels:
            return
        if sorted(labels) == sorted(before.labels):
            self._reorder([before.labels.index(name) for name in labels])
        else:
            self._form_anew()

    def _reorder(self, order: list[int]) -> None:
        """The same labels in another order are the same series for Prometheus, so their debt must live on."""
        moved = []
        for project, text, series in self._link.rows(
            "SELECT project, labels, series FROM metric_key WHERE kind = 'spend'"
        ):
            labels = codec.strings_of(text)
            moved.append(("spend", project, codec.encode([labels[i] for i in order]), series))
        self._link.run("DELETE FROM metric_key WHERE kind = 'spend'")
        bulk.insert(self._link, "metric_key", ("kind", "project", "labels", "series"), moved)
        own = [(labels, series) for _, _, labels, series in moved]
        self._link.run_many("UPDATE counter_series SET labels = ? WHERE id = ? AND overflow = 0", own)

    def _form_anew(self) -> None:
        """All spend series from the ledger, the dearest first, so that the cap drops the cheapest."""
        link = self._link
        link.run("DELETE FROM metric_key WHERE kind = 'spend'")
        link.run("DELETE FROM counter_series")
        self._caches.metrics.clear()
        for project, from_ms in link.rows("SELECT id, coalesce(counters_from_ms, ?) FROM project", (-(2**62),)):
            sums: dict[tuple[str, ...], list[int]] = {}
            for sum_ in archive.since(link, project, from_ms):
                labels = self._labels(self._interning.dims([sum_.dims])[sum_.dims])
                _accumulate(sums, labels, [sum_.cost_pico, sum_.requests, *sum_.tokens], 1)
            for span in hours(link, project, from_ms, 2**62):
                for dims, values in _spend_by_dims(link, project, span):
                    labels = self._labels(self._interning.dims([dims])[dims])
                    _accumulate(sums, labels, values, 1)
            for labels, values in sorted(sums.items(), key=lambda item: (-item[1][0], item[0])):
                _accumulate(self._spend, self._series("spend", SPEND, project, labels), values, 1)
        self.flush()


def _new_series(link: Link, sums: Sums, project: int, labels: tuple[str, ...], *, other: bool) -> int:
    series = link.row(f"SELECT coalesce(max(id), 0) + 1 FROM {sums.table}")[0]  # noqa: S608 our own names only
    columns = ("id", "project", "labels", "overflow")
    bulk.insert(link, sums.table, columns, [(series, project, codec.encode(labels), int(other))])
    return int(series)


def _counted(link: Link, project: int, from_ms: int, to_ms: int) -> list[LedgerRow]:
    where = "WHERE project = ? AND start_ms >= ? AND start_ms < ? AND counted = 1"
    return link.rows(f"{SELECT} {where}", (project, from_ms, to_ms))


def _spend_by_dims(link: Link, project: int, span: tuple[int, int]) -> list[tuple[int, list[int]]]:
    """For each set of dimensions in the span: cost, requests, tokens by type."""
    tokens = ", ".join(f"sum({name})" for name in TOKEN_COLUMNS)
    rows = link.rows(
        f"SELECT dims, sum(cost / 1000000), sum(cost % 1000000), count(*), {tokens} FROM generation"  # noqa: S608 our own names only
        " WHERE project = ? AND start_ms >= ? AND start_ms < ? AND counted = 1 GROUP BY dims",
        (project, *span),
    )
    return [(row[0], SPEND.values(row[1:])) for row in rows]


def _histogram(durations: Sequence[int | None]) -> list[int]:
    """How many durations fall into each bucket (not cumulative), then their sum."""
    known = sorted([duration for duration in durations if duration is not None])
    below = [bisect_right(known, bound) for bound in _BOUNDS_MS]
    return [b - a for a, b in pairwise((0, *below, len(known)))] + [sum(known)]


def _accumulate(sums: dict[K, list[int]], key: K, values: Sequence[int], sign: int) -> None:
    held = sums.get(key)
    if held is None:
        sums[key] = [sign * value for value in values]
    else:
        for i, value in enumerate(values):
            held[i] += sign * value

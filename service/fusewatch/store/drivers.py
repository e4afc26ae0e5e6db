"""What explaining a spend reads, from the cells and the rows of one open transaction."""

from collections.abc import Collection, Mapping, Sequence

from fusewatch.domain.money import join
from fusewatch.domain.usage import Amounts, Dimensions
from fusewatch.ports import Call, ProjectState, Span
from fusewatch.store import bulk, codec, projects
from fusewatch.store.connection import Link
from fusewatch.store.ids import unpack
from fusewatch.store.interning import Interning
from fusewatch.store.series import DAY, QUARTER, Key, SeriesReader

_SUMS = (
    "SELECT key, sum(cost_hi), sum(cost_lo), sum(tokens), sum(requests), sum(est_hi), sum(est_lo) FROM series"
    " WHERE grain = {grain} AND bucket >= ? AND bucket < ? AND key IN ({keys}) GROUP BY key"
)
_CELLS = (
    "SELECT key, bucket, cost_hi, cost_lo, tokens, requests, est_hi, est_lo FROM series"
    " WHERE grain = {grain} AND bucket >= ? AND bucket < ? AND key IN ({keys})"
)
_AT_ONCE = 500


class DriverReader:
    """Implements `ports.DriverUnit`. `series` is the unit's own reader, so that what it has not written yet is seen."""

    def __init__(self, link: Link, interning: Interning, series: SeriesReader) -> None:
        self._link = link
        self._interning = interning
        self._series = series
        self.quarters = series.quarters
        self.days = series.days
        self.blocks = series.blocks
        self.first_cell = series.first_cell
        self.known_from = series.known_from
        self.built_views = series.built

    def projects(self) -> Sequence[ProjectState]:
        return projects.states(self._link)

    def coverage(self) -> Mapping[str, Sequence[Span]]:
        return projects.all_spans(self._link)

    def numbered_keys(self, view: str, from_cell: int) -> Mapping[int, Key]:
        rows = self._link.rows("SELECT id, key FROM series_key WHERE view = ? AND last_cell >= ?", (view, from_cell))
        return {number: codec.strings_of(key) for number, key in rows}

    def quarter_sums(self, keys: Collection[int], from_cell: int, to_cell: int) -> Mapping[int, Amounts]:
        return self._sums(keys, QUARTER, from_cell, to_cell)

    def day_sums(self, keys: Collection[int], from_day: int, to_day: int) -> Mapping[int, Amounts]:
        return self._sums(keys, DAY, from_day, to_day)

    def quarters_of(self, keys: Collection[int], from_cell: int, to_cell: int) -> Sequence[tuple[int, int, Amounts]]:
        return [
            (key, cell, Amounts(join(hi, lo), tokens, requests, join(est, est_lo)))
            for chunk in bulk.chunks(keys, _AT_ONCE)
            for key, cell, hi, lo, tokens, requests, est, est_lo in self._link.rows(
                _CELLS.format(grain=QUARTER, keys=_marks(chunk)), (from_cell, to_cell, *chunk)
            )
        ]

    def calls(self, project: str, from_ms: int, to_ms: int, *, most: int) -> Sequence[Call]:
        found: Sequence[Call] = self._link.rows(
            "SELECT start_ms, trace, dims, person, session, cost, coalesce(estimate, 0), total FROM generation"
            " WHERE project = ? AND start_ms >= ? AND start_ms < ? AND counted = 1 ORDER BY start_ms, trace, obs"
            " LIMIT ?",
            (projects.row_id(self._link, project), from_ms, to_ms, most),
        )
        return found

    def dimensions(self, numbers: Collection[int]) -> Mapping[int, Dimensions]:
        return self._interning.dims(numbers)

    def people(self, numbers: Collection[int]) -> Mapping[int, str]:
        return self._interning.texts(numbers)

    def trace_id(self, trace: bytes) -> str:
        return unpack(trace)

    def _sums(self, keys: Collection[int], grain: int, start: int, end: int) -> dict[int, Amounts]:
        return {
            key: Amounts(join(int(hi), int(lo)), int(tokens), int(requests), join(int(est), int(est_lo)))
            for chunk in bulk.chunks(keys, _AT_ONCE)
            for key, hi, lo, tokens, requests, est, est_lo in self._link.rows(
                _SUMS.format(grain=grain, keys=_marks(chunk)), (start, end, *chunk)
            )
        }


def _marks(chunk: Sequence[int]) -> str:
    return ", ".join("?" * len(chunk))

"""Where the stand-in keeps its versions: newest start first, visible from their arrival, several versions of one id."""

from __future__ import annotations

import heapq
import threading
import zlib
from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fusewatch.demo.standin.model import Span

RowKey = tuple[int, int, str, int]
_SORT_INSTEAD: Final = 500  # above this many arrivals at once one sort is cheaper than that many insertions
_CACHED_ROWS: Final = 30_000  # encoded rows kept, about 60 MB


def trace_hash(trace_id: str) -> int:
    """Orders rows inside one millisecond. Langfuse uses xxHash32; clients cannot tell, they only see a fixed order."""
    return zlib.crc32(trace_id.encode())


class Row:
    """A visible version with its place in the order. `seq` is the order of arrival."""

    __slots__ = ("key", "pico", "span")

    def __init__(self, span: Span, seq: int) -> None:
        self.span = span
        self.key: RowKey = (span.start_ms, trace_hash(span.trace_id), span.id, seq)
        self.pico = span.total_pico()

    @property
    def seq(self) -> int:
        return self.key[3]

    def __lt__(self, other: Row) -> bool:
        return self.key < other.key


class Store:
    """All versions of all projects. Safe to change from one thread while another answers requests.

    Time only moves forward: `advance(now_ms)` makes what has arrived by `now_ms` readable.
    `merge_every_ms` lets superseded versions vanish by themselves, as Langfuse's background merges do.
    """

    def __init__(self, spans: Iterable[Span] = (), *, merge_every_ms: int | None = None) -> None:
        self._lock = threading.RLock()
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)
        self._pending: list[tuple[int, int, Span]] = []
        self._added = 0
        self._merge_every_ms = merge_every_ms
        self._next_merge_ms: int | None = None
        self._legacy: dict[str, tuple[int, list[Row]]] = {}
        self._encoded: dict[tuple[int, str], bytes] = {}
        self.version = 0
        self.add(spans)

    def add(self, spans: Iterable[Span]) -> None:
        """Stores versions. A second version of an id stands beside the first until `merge`."""
        with self._lock:
            for span in spans:
                self._added += 1
                heapq.heappush(self._pending, (span.arrives_ms, self._added, span))

    def advance(self, now_ms: int) -> None:
        """Makes readable what has arrived by `now_ms`, and merges when a merge is due."""
        with self._lock:
            arrived: defaultdict[str, list[Row]] = defaultdict(list)
            while self._pending and self._pending[0][0] <= now_ms:
                _, seq, span = heapq.heappop(self._pending)
                arrived[span.project_id].append(Row(span, seq))
            for project_id, rows in arrived.items():
                self._insert(self._rows[project_id], rows)
            if self._merge_every_ms is None:
                return
            if self._next_merge_ms is None:
                self._next_merge_ms = now_ms + self._merge_every_ms
            elif now_ms >= self._next_merge_ms:
                self._next_merge_ms = now_ms + self._merge_every_ms
                self.merge()

    def _insert(self, shelf: list[Row], rows: list[Row]) -> None:
        self.version += 1
        if len(rows) > _SORT_INSTEAD:
            shelf.extend(rows)
            shelf.sort(key=lambda row: row.key)
            return
        for row in rows:
            insort(shelf, row)

    def page(
        self,
        project_id: str,
        *,
        from_ms: int | None,
        to_ms: int | None,
        after: tuple[int, str, str] | None,
        limit: int,
        keep: Callable[[Span], bool],
    ) -> list[Row]:
        """Newest first, at most `limit` rows with `from_ms` <= start < `to_ms`, strictly behind `after` in the order.

        `after` is (start_ms, trace_id, id) of the last row already seen. Versions with the very key of that row are
        behind it only in arrival order, so they are skipped: Langfuse's own cursor does that.
        """
        with self._lock:
            shelf = self._rows[project_id]
            high = len(shelf) if to_ms is None else _below(shelf, (to_ms, -1, "", -1))
            if after is not None:
                start_ms, trace_id, span_id = after
                high = min(high, _below(shelf, (start_ms, trace_hash(trace_id), span_id, -1)))
            low = 0 if from_ms is None else _below(shelf, (from_ms, -1, "", -1))
            found: list[Row] = []
            for position in range(high - 1, low - 1, -1):
                if len(found) == limit:
                    break
                if keep(shelf[position].span):
                    found.append(shelf[position])
            return found

    def between(self, project_id: str, from_ms: int, to_ms: int) -> list[Row]:
        """Every visible version with `from_ms` <= start <= `to_ms`: both ends inclusive, as metrics count."""
        with self._lock:
            shelf = self._rows[project_id]
            return shelf[_below(shelf, (from_ms, -1, "", -1)) : _below(shelf, (to_ms + 1, -1, "", -1))]

    def legacy_rows(self, project_id: str) -> list[Row]:
        """What v1 knows, newest start first: the latest version of each (trace, id), with the first start time."""
        with self._lock:
            cached = self._legacy.get(project_id)
            if cached is not None and cached[0] == self.version:
                return cached[1]
            first: dict[tuple[str, str], Row] = {}
            latest: dict[tuple[str, str], Row] = {}
            for row in sorted(self._rows[project_id], key=lambda row: row.seq):
                identity = (row.span.trace_id, row.span.id)
                first.setdefault(identity, row)
                if identity not in latest or row.span.updated_ms >= latest[identity].span.updated_ms:
                    latest[identity] = row
            rows = [_starting(row, first[identity].span.start_ms) for identity, row in latest.items()]
            rows.sort(key=lambda row: row.key, reverse=True)
            self._legacy[project_id] = (self.version, rows)
            return rows

    def newest(self, project_id: str, from_ms: int | None = None, to_ms: int | None = None) -> list[Span]:
        """The truth to compare a ledger with: of every visible (trace, id) the version with the greatest `updated_ms`,
        then the later start; those with `from_ms` <= start < `to_ms`."""
        with self._lock:
            best: dict[tuple[str, str], Row] = {}
            for row in self._rows[project_id]:
                identity = (row.span.trace_id, row.span.id)
                held = best.get(identity)
                if held is None or (row.span.updated_ms, row.key) >= (held.span.updated_ms, held.key):
                    best[identity] = row
        return [
            row.span
            for row in best.values()
            if (from_ms is None or row.span.start_ms >= from_ms) and (to_ms is None or row.span.start_ms < to_ms)
        ]

    def merge(self) -> int:
        """The background merge: of versions with one (trace, id, start) only the greatest `updated_ms` stays.

        Returns how many versions vanished. Versions that differ in their start stay side by side for good.
        """
        with self._lock:
            gone = 0
            for project_id, shelf in self._rows.items():
                best: dict[tuple[str, str, int], Row] = {}
                for row in shelf:
                    identity = (row.span.trace_id, row.span.id, row.span.start_ms)
                    held = best.get(identity)
                    if held is None or (row.span.updated_ms, row.seq) >= (held.span.updated_ms, held.seq):
                        best[identity] = row
                if len(best) < len(shelf):
                    gone += len(shelf) - len(best)
                    self._rows[project_id] = sorted(best.values(), key=lambda row: row.key)
            self.version += 1 if gone else 0
            return gone

    def move(self, span: Span, *, start_ms: int, updated_ms: int, arrives_ms: int = 0) -> Span:
        """Sends `span` again with another start: a new version beside the old one, which no merge removes."""
        moved = replace(
            span,
            start_ms=start_ms,
            end_ms=start_ms + span.end_ms - span.start_ms,
            created_ms=updated_ms,
            updated_ms=updated_ms,
            arrives_ms=arrives_ms,
        )
        self.add([moved])
        return moved

    def delete_trace(self, project_id: str, trace_id: str) -> int:
        """What Langfuse's deletion job does: every visible version of the trace vanishes. Returns how many."""
        with self._lock:
            shelf = self._rows[project_id]
            kept = [row for row in shelf if row.span.trace_id != trace_id]
            self.version += 1
            self._rows[project_id] = kept
            return len(shelf) - len(kept)

    def encoded(self, row: Row, shape: str, encode: Callable[[Span], bytes]) -> bytes:
        """The row's JSON in one shape, encoded once. A full cache starts anew: pages are walked, not revisited."""
        found = self._encoded.get((row.seq, shape))
        if found is None:
            found = encode(row.span)
            with self._lock:
                if len(self._encoded) >= _CACHED_ROWS:
                    self._encoded.clear()
                self._encoded[(row.seq, shape)] = found
        return found

    def __len__(self) -> int:
        with self._lock:
            return sum(len(shelf) for shelf in self._rows.values())

    def __iter__(self) -> Iterator[Span]:
        with self._lock:
            spans = [row.span for shelf in self._rows.values() for row in shelf]
        return iter(spans)


def _below(shelf: list[Row], key: RowKey) -> int:
    return bisect_left(shelf, key, key=lambda row: row.key)


def _starting(row: Row, start_ms: int) -> Row:
    return row if row.span.start_ms == start_ms else Row(replace(row.span, start_ms=start_ms), row.seq)

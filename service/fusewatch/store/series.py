"""The cells under the rules: for each view and key its quarter hours and its local days."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from fusewatch.domain.money import PICO_PER_MICRO, join, split
from fusewatch.domain.periods import CELL_MS
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import UNKNOWN, Amounts, Delta, Dimensions
from fusewatch.ports import CellSpan
from fusewatch.store import bulk, codec, meta, projects
from fusewatch.store.connection import Link
from fusewatch.store.interning import Interning
from fusewatch.store.rows import hours

QUARTER, DAY = 0, 1
_LONGEST_DAY = 4 * 30
"""More quarter hours than any local day has."""

_SERIES = ("key", "grain", "bucket", "cost_hi", "cost_lo", "tokens", "requests", "est_hi", "est_lo")
_SERIES_KEY = ("id", "view", "key", "first_cell", "last_cell")
_CELLS = (
    "SELECT s.bucket, s.cost_hi, s.cost_lo, s.tokens, s.requests, s.est_hi, s.est_lo"
    " FROM series_key k JOIN series s ON s.key = k.id"
    " WHERE k.view = ? AND k.key = ? AND s.grain = ? AND s.bucket >= ? AND s.bucket < ? ORDER BY s.bucket"
)
_CELLS_OF_MANY = (
    "SELECT k.key, s.bucket, s.cost_hi, s.cost_lo, s.tokens, s.requests, s.est_hi, s.est_lo FROM series_key k"
    " JOIN series s ON s.key = k.id AND s.grain = ? AND s.bucket >= ? AND s.bucket < ?"
    " WHERE k.view = ? AND k.key IN"
)
_REACHING = (
    "SELECT k.key FROM series_key k WHERE k.view = ? AND ? <= (SELECT {sum} FROM series s"
    " WHERE s.key = k.id AND s.grain = ? AND s.bucket >= ? AND s.bucket < ?) AND k.key IN"
)
_SUMS = {
    Unit.USD: "sum(s.cost_hi + s.est_hi) + sum(s.cost_lo + s.est_lo) / 1000000",
    Unit.TOKENS: "sum(s.tokens)",
    Unit.REQUESTS: "sum(s.requests)",
}
"""What `reaching` compares: whole numbers, for money micro-dollars."""

_MOST = 2**63 - 1
"""No sum in a database is greater; a line that somebody wrote may be."""

_BLOCKS = (
    "SELECT (s.bucket - ?) / ? AS block, sum(s.cost_hi), sum(s.cost_lo), sum(s.tokens), sum(s.requests),"
    " sum(s.est_hi), sum(s.est_lo)"
    " FROM series_key k JOIN series s ON s.key = k.id"
    " WHERE k.view = ? AND k.key = ? AND s.grain = ? AND s.bucket >= ? AND s.bucket < ? GROUP BY block ORDER BY block"
)

Key = tuple[str, ...]
KeyOf = Callable[[str, Dimensions, str, str], Key | None]


class SeriesReader:
    """Implements `ports.SeriesUnit` over what is committed, or written in this transaction."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._ahead: dict[tuple[str, int, int, int], dict[Key, list[tuple[int, Amounts]]]] = {}
        """What `prepare` read, by view, grain and span."""

    def prepare(self, view: str, keys: Collection[Key], *spans: CellSpan) -> None:
        for span in spans:
            self._read_ahead(view, keys, *_place(span))

    def _read_ahead(self, view: str, keys: Collection[Key], grain: int, start: int, end: int) -> None:
        held = self._ahead.setdefault((view, grain, start, end), {})
        texts = {codec.encode(key): key for key in keys if key not in held}
        held.update((key, []) for key in texts.values())
        for text, bucket, *amounts in bulk.select_in(self._link, _CELLS_OF_MANY, (grain, start, end, view), texts):
            cell = _amounts(*amounts)
            if any(cell):
                held[texts[text]].append((bucket, cell))
        for key in texts.values():
            held[key].sort()

    def quarters(self, view: str, key: Key, from_cell: int, to_cell: int) -> Sequence[tuple[int, Amounts]]:
        return self._cells(view, key, QUARTER, from_cell, to_cell)

    def days(self, view: str, key: Key, from_day: int, to_day: int) -> Sequence[tuple[int, Amounts]]:
        return self._cells(view, key, DAY, from_day, to_day)

    def blocks(
        self, view: str, key: Key, from_cell: int, to_cell: int, at_cell: int, size: int
    ) -> Sequence[tuple[int, Amounts]]:
        # Division cuts towards zero: counted from a whole number of blocks before the first cell, nothing is negative.
        before = max(0, -(-(at_cell - from_cell) // size))
        place = (at_cell - before * size, size, view, codec.encode(key), QUARTER, from_cell, to_cell)
        rows = self._link.rows(_BLOCKS, place)
        sums = [
            (
                int(block) - before,
                Amounts(join(int(hi), int(lo)), int(tokens), int(requests), join(int(est), int(est_lo))),
            )
            for block, hi, lo, tokens, requests, est, est_lo in rows
        ]
        return [each for each in sums if any(each[1])]

    def first_cell(self, view: str, key: Key) -> int | None:
        row = self._link.row("SELECT first_cell FROM series_key WHERE view = ? AND key = ?", (view, codec.encode(key)))
        return None if row is None else int(row[0])

    def keys(self, view: str, from_cell: int) -> Sequence[Key]:
        rows = self._link.rows(
            "SELECT key FROM series_key WHERE view = ? AND last_cell >= ? ORDER BY key", (view, from_cell)
        )
        return [codec.strings_of(key) for (key,) in rows]

    def last_cells(self) -> Mapping[str, int]:
        """By view: the latest quarter hour in which any of its keys spent anything."""
        rows = self._link.rows(
            "SELECT v.id, (SELECT max(k.last_cell) FROM series_key k WHERE k.view = v.id) FROM view v"
        )
        return {view: last for view, last in rows if last is not None}

    def built(self) -> frozenset[str]:
        return frozenset(view for (view,) in self._link.rows("SELECT id FROM view WHERE built = 1"))

    def known_from(self) -> Mapping[str, int]:
        """By view: before which instant its cells lack what had been pruned when it was built; only where there is
        one."""
        rows = self._link.rows("SELECT id, known_from_ms FROM view WHERE built = 1 AND known_from_ms IS NOT NULL")
        return dict(rows)

    def _cells(self, view: str, key: Key, grain: int, start: int, end: int) -> list[tuple[int, Amounts]]:
        held = self._ahead.get((view, grain, start, end))
        if held is not None and key in held:
            return held[key]
        rows = self._link.rows(_CELLS, (view, codec.encode(key), grain, start, end))
        cells = [(bucket, _amounts(*amounts)) for bucket, *amounts in rows]
        return [cell for cell in cells if any(cell[1])]


def _place(span: CellSpan) -> tuple[int, int, int]:
    """The span as rows have it: the grain, the first bucket, the one after the last."""
    return DAY if span.daily else QUARTER, span.start, span.end


class _Pending:
    """What a transaction added to one key and has not written yet."""

    __slots__ = ("cells", "first", "last")

    def __init__(self, cell: int) -> None:
        self.first = self.last = cell
        self.cells: dict[tuple[int, int], list[int]] = {}

    def add(self, cell: int, day: int, amounts: Amounts) -> None:
        if cell < self.first:
            self.first = cell
        elif cell > self.last:
            self.last = cell
        for place in ((QUARTER, cell), (DAY, day)):
            held = self.cells.get(place)
            if held is None:
                self.cells[place] = [*amounts]
            else:
                held[0] += amounts[0]
                held[1] += amounts[1]
                held[2] += amounts[2]
                held[3] += amounts[3]


class SeriesWriter(SeriesReader):
    """Additions are summed in memory and written together: at the end, or before a read that would miss them."""

    def __init__(self, link: Link, interning: Interning) -> None:
        super().__init__(link)
        self._interning = interning
        self._pending: dict[str, dict[Key, _Pending]] = {}

    def reaching(self, view: str, keys: Collection[Key], span: CellSpan, least: int, unit: Unit) -> Collection[Key]:
        """See `ports.AssessUnit.reaching`."""
        if unit not in _SUMS:
            raise ValueError(f"{unit.value} is no sum")
        if self._pending.get(view):
            self.flush()
        # Parts are cut towards zero, so the sum of the parts is less than two micro-dollars from the whole.
        line = least // PICO_PER_MICRO - 2 if unit is Unit.USD else least
        texts = {codec.encode(key): key for key in keys}
        found = bulk.select_in(
            self._link, _REACHING.format(sum=_SUMS[unit]), (view, min(line, _MOST), *_place(span)), texts
        )
        return [texts[text] for (text,) in found]

    def add(self, view: str, key: Key, cell: int, day: int, amounts: Amounts) -> None:
        if self._ahead:
            self._ahead.clear()
        keys = self._pending.get(view)
        if keys is None:
            keys = self._pending[view] = {}
        pending = keys.get(key)
        if pending is None:
            pending = keys[key] = _Pending(cell)
        pending.add(cell, day, amounts)

    def _read_ahead(self, view: str, keys: Collection[Key], grain: int, start: int, end: int) -> None:
        if self._pending.get(view):
            self.flush()
        super()._read_ahead(view, keys, grain, start, end)

    def blocks(
        self, view: str, key: Key, from_cell: int, to_cell: int, at_cell: int, size: int
    ) -> Sequence[tuple[int, Amounts]]:
        self._flush_key(view, key)
        return super().blocks(view, key, from_cell, to_cell, at_cell, size)

    def first_cell(self, view: str, key: Key) -> int | None:
        self._flush_key(view, key)
        return super().first_cell(view, key)

    def keys(self, view: str, from_cell: int) -> Sequence[Key]:
        if self._pending.get(view):
            self.flush()
        return super().keys(view, from_cell)

    def flush(self) -> None:
        """Write what is pending."""
        cells: list[tuple[int, ...]] = []
        for view, keys in self._pending.items():
            ids = self._touch_keys(view, keys)
            for key, pending in keys.items():
                number = ids[key]
                cells += [
                    (number, *place, *split(cost), tokens, requests, *split(estimate))
                    for place, (cost, tokens, requests, estimate) in pending.cells.items()
                ]
        self._pending.clear()
        cells.sort()
        bulk.add(self._link, "series", _SERIES[:3], _SERIES, cells)

    def build(self, view: str, key_of: KeyOf, day_of: Callable[[int], int], *, uses_people: bool) -> None:
        """Form the cells of a view from the rows, in place of those it may have.

        Of a view that was built before, the cells from before the rows begin stay: nothing else knows of that time.
        """
        if self._link.row("SELECT 1 FROM dirty LIMIT 1") is not None:
            raise ValueError("a view is built only when no change of the ledger is left to take")
        (floor_ms,) = self._link.row("SELECT max(floor_ms) FROM project")
        known = self._link.row("SELECT known_from_ms FROM view WHERE id = ?", (view,))
        from_ms = -(2**62)
        if known is None or floor_ms is None:
            self._forget(view)
            known = (floor_ms,)
        else:
            first = -(-floor_ms // CELL_MS)
            from_ms = first * CELL_MS
            self._forget_from(view, first, day_of)
        for project, project_key in projects.keys(self._link).items():
            for span in hours(self._link, project, from_ms, 2**62):
                for delta in sums(self._link, self._interning, project, project_key, span, uses_people=uses_people):
                    key = key_of(delta.project, delta.dimensions, delta.user, delta.session)
                    if key is not None:
                        self.add(view, key, delta.cell, day_of(delta.cell), delta.amounts)
                self.flush()
        self._keep(view, *known)

    def begin(self, view: str) -> None:
        """Keep a view that the ledger adds nothing to. Cells that it has stay."""
        self._keep(view, None)

    def _keep(self, view: str, known_from_ms: int | None) -> None:
        self._link.run(
            "INSERT INTO view (id, built, known_from_ms) VALUES (?, 1, ?) ON CONFLICT (id) DO UPDATE SET built = 1",
            (view, known_from_ms),
        )

    def drop(self, keep: frozenset[str]) -> None:
        for (view,) in self._link.rows("SELECT id FROM view"):
            if view not in keep:
                self._forget(view)

    def _cells(self, view: str, key: Key, grain: int, start: int, end: int) -> list[tuple[int, Amounts]]:
        self._flush_key(view, key)
        return super()._cells(view, key, grain, start, end)

    def _flush_key(self, view: str, key: Key) -> None:
        if key in self._pending.get(view, ()):
            self.flush()

    def _forget(self, view: str) -> None:
        self._pending.pop(view, None)
        self._link.run("DELETE FROM series WHERE key IN (SELECT id FROM series_key WHERE view = ?)", (view,))
        self._link.run("DELETE FROM series_key WHERE view = ?", (view,))
        self._link.run("DELETE FROM view WHERE id = ?", (view,))
        meta.drop_metered_reads(self._link, view)

    def _forget_from(self, view: str, first: int, day_of: Callable[[int], int]) -> None:
        """Forget the quarter hours of a view from the cell `first` on. Of the day that begins before it and ends after
        it the quarter hours before it are left."""
        self._pending.pop(view, None)
        link, day = self._link, day_of(first)
        for (key,) in link.rows("SELECT id FROM series_key WHERE view = ?", (view,)):
            link.run("DELETE FROM series WHERE key = ? AND grain = ? AND bucket >= ?", (key, QUARTER, first))
            link.run("DELETE FROM series WHERE key = ? AND grain = ? AND bucket >= ?", (key, DAY, day))
            left = link.rows(
                "SELECT bucket, cost_hi, cost_lo, tokens, requests, est_hi, est_lo FROM series"
                " WHERE key = ? AND grain = ? AND bucket >= ?",
                (key, QUARTER, first - _LONGEST_DAY),
            )
            of_day = [row[1:] for row in left if day_of(row[0]) == day]
            if of_day:
                bulk.insert(link, "series", _SERIES, [(key, DAY, day, *map(sum, zip(*of_day, strict=True)))])
        link.run("UPDATE series_key SET last_cell = ?1 WHERE view = ?2 AND last_cell > ?1", (first - 1, view))
        link.run(
            "DELETE FROM series_key WHERE view = ? AND NOT EXISTS (SELECT 1 FROM series s WHERE s.key = series_key.id)",
            (view,),
        )

    def _touch_keys(self, view: str, keys: dict[Key, _Pending]) -> dict[Key, int]:
        """The ids of the keys, made where they are new; their first and last cells widened."""
        texts = {codec.encode(key): key for key in keys}
        query = "SELECT key, id, first_cell, last_cell FROM series_key WHERE view = ? AND key IN"
        known = {row[0]: row[1:] for row in bulk.select_in(self._link, query, (view,), texts)}
        next_id = self._link.row("SELECT coalesce(max(id), 0) + 1 FROM series_key")[0]
        ids: dict[Key, int] = {}
        new: list[tuple[object, ...]] = []
        widened: list[tuple[int, int, int]] = []
        for text, key in texts.items():
            pending = keys[key]
            row = known.get(text)
            if row is None:
                ids[key] = next_id + len(new)
                new.append((ids[key], view, text, pending.first, pending.last))
                continue
            ids[key], first, last = row
            if pending.first < first or pending.last > last:
                widened.append((min(pending.first, first), max(pending.last, last), ids[key]))
        bulk.insert(self._link, "series_key", _SERIES_KEY, new)
        self._link.run_many("UPDATE series_key SET first_cell = ?, last_cell = ? WHERE id = ?", widened)
        return ids


def _amounts(hi: int, lo: int, tokens: int, requests: int, est_hi: int, est_lo: int) -> Amounts:
    return Amounts(join(hi, lo), tokens, requests, join(est_hi, est_lo))


def deltas(interning: Interning, rows: Sequence[tuple[Any, ...]]) -> list[Delta]:
    """Rows (project key, cell, dims, person, session, cost_hi, cost_lo, tokens, requests, est_hi, est_lo) with names
    for their ids.

    A person or session that is NULL does not matter and becomes `unknown`.
    """
    dims = interning.dims({row[2] for row in rows})
    named = interning.texts({text for row in rows for text in row[3:5] if text is not None})
    texts: dict[int | None, str] = {None: UNKNOWN}
    texts.update(named.items())
    return [
        Delta(
            project,
            cell,
            dims[d],
            texts[person],
            texts[session],
            Amounts(join(hi, lo), tokens, requests, join(est_hi, est_lo)),
        )
        for project, cell, d, person, session, hi, lo, tokens, requests, est_hi, est_lo in rows
    ]


def sums(
    link: Link, interning: Interning, project: int, key: str, span: tuple[int, int], *, uses_people: bool
) -> list[Delta]:
    """The counted rows of a span by cell and dimensions, by user and session too where these matter."""
    people = "person, session" if uses_people else "NULL, NULL"
    rows = link.rows(
        f"SELECT start_ms / {CELL_MS} AS cell, dims, {people}, sum(cost / 1000000), sum(cost % 1000000),"  # noqa: S608 no input in it
        " sum(total), count(*), coalesce(sum(estimate / 1000000), 0), coalesce(sum(estimate % 1000000), 0)"
        " FROM generation WHERE project = ? AND start_ms >= ? AND start_ms < ? AND counted = 1"
        f" GROUP BY cell, dims{', person, session' if uses_people else ''}",
        (project, *span),
    )
    return deltas(interning, [(key, *row) for row in rows])


def cells(link: Link, view: str, grain: int, start: int, end: int) -> dict[tuple[Key, int], Amounts]:
    """The cells of all keys of a view that hold anything, by key and bucket."""
    rows = link.rows(
        "SELECT k.key, s.bucket, s.cost_hi, s.cost_lo, s.tokens, s.requests, s.est_hi, s.est_lo FROM series_key k"
        " JOIN series s ON s.key = k.id WHERE k.view = ? AND s.grain = ? AND s.bucket >= ? AND s.bucket < ?",
        (view, grain, start, end),
    )
    found = {
        (codec.strings_of(key), bucket): Amounts(join(hi, lo), tokens, requests, join(est_hi, est_lo))
        for key, bucket, hi, lo, tokens, requests, est_hi, est_lo in rows
    }
    return {place: amounts for place, amounts in found.items() if any(amounts)}

"""The ledger: compare what was read with what is stored, write the difference, say what that changed."""

from collections.abc import Sequence

from fusewatch.domain.merge import order_key
from fusewatch.domain.money import split
from fusewatch.domain.periods import CELL_MS
from fusewatch.domain.usage import Amounts, Dimensions, Generation
from fusewatch.ports import Recorded, Span
from fusewatch.store import bulk, identity
from fusewatch.store.connection import Link
from fusewatch.store.counters import Counters
from fusewatch.store.ids import identity_hash, pack
from fusewatch.store.interning import Interning
from fusewatch.store.rows import (
    COLUMNS,
    CONTENT,
    COST,
    COUNTED,
    DIMS,
    KEY,
    OBS,
    PERSON,
    PRICING,
    REPLACED,
    SEEN,
    SELECT,
    SESSION,
    START,
    TOTAL,
    TRACE,
    LedgerRow,
    order_of,
    with_state,
)  # fmt: skip

_Place = tuple[int, bytes, bytes]
"""Where a version stands in the ledger of a project: start, trace, observation."""

_DIRTY = ("project", "cell", "dims", "person", "session", "cost_hi", "cost_lo", "tokens", "requests")


class _Changes:
    """What one batch does to the ledger: rows to write, rows that begin to count, rows that no longer do."""

    def __init__(self) -> None:
        self.first_seen: list[LedgerRow] = []
        self.inserted: list[LedgerRow] = []
        self.replaced: dict[_Place, LedgerRow] = {}
        self.gained: list[LedgerRow] = []
        self.lost: list[LedgerRow] = []

    def swap(self, old: LedgerRow | None, new: LedgerRow) -> None:
        """`new` counts from now on, in place of `old`; nothing to tell when they say the same."""
        if old is not None:
            if old[CONTENT] == new[CONTENT]:
                return
            self.lost.append(old)
        self.gained.append(new)


class _DimsIds(dict[Dimensions, int]):
    """The ids of the sets of dimensions in one batch, looked up once each."""

    def __init__(self, interning: Interning) -> None:
        super().__init__()
        self._interning = interning

    def __missing__(self, dimensions: Dimensions) -> int:
        self[dimensions] = found = self._interning.dims_id(dimensions)
        return found


class Ledger:
    """The rows of one project, through one write transaction."""

    def __init__(
        self, link: Link, interning: Interning, counters: Counters, project: int, counters_from_ms: int | None
    ) -> None:
        self._link = link
        self._interning = interning
        self._counters = counters
        self._project = project
        self.counters_from_ms = counters_from_ms

    def record(self, span: Span, generations: Sequence[Generation], now_ms: int, *, whole: bool) -> Recorded:
        """See `ports.IngestUnit.record`. ValueError for a generation that starts outside the span."""
        read = _newest(span, generations)
        fresh, newer = self._differences(read, whole=whole)
        if not fresh and not newer:
            return Recorded(0, 0, len(read), Amounts(), 0)
        changes = _Changes()
        moved = self._apply(changes, self._rows(fresh, now_ms), self._rows(newer, now_ms))
        first_seen = tuple(row[START] for row in changes.first_seen)
        bulk.insert(self._link, "generation", COLUMNS, sorted(changes.inserted))
        bulk.replace(self._link, "generation", KEY, COLUMNS, list(changes.replaced.values()))
        self._tell(changes.gained, 1)
        self._tell(changes.lost, -1)
        delta = self._mark_dirty(changes)
        unpriced = _unpriced(changes.gained)
        self._add_to_totals(delta, unpriced - _unpriced(changes.lost))
        new = len(fresh) - moved
        changed = len(newer) + moved
        return Recorded(new, changed, len(read) - new - changed, delta, unpriced, first_seen)

    def _differences(
        self, read: dict[_Place, Generation], *, whole: bool
    ) -> tuple[dict[_Place, Generation], dict[_Place, Generation]]:
        """What of it is not stored, and what is newer than the version stored at the same place; with `whole`, what
        is another version than the stored one."""
        if not read:
            return {}, {}
        stored = self._link.rows(
            "SELECT start_ms, trace, obs, updated_ms, cost, digest FROM generation"
            " WHERE project = ? AND start_ms >= ? AND start_ms <= ?",
            (self._project, min(read)[0], max(read)[0]),
        )
        if not stored:
            return read, {}
        same = set(stored)
        different = {place: g for place, g in read.items() if (*place, g.updated_ms, g.cost_pico, g.digest) not in same}
        if not different:
            return {}, {}
        held = {row[:3]: row[3:] for row in stored}
        fresh: dict[_Place, Generation] = {}
        newer: dict[_Place, Generation] = {}
        for place, g in different.items():
            version = held.get(place)
            if version is None:
                fresh[place] = g
            elif whole or order_key(g) > (version[0], version[1], place[0], version[2]):
                newer[place] = g
        return fresh, newer

    def _rows(self, generations: dict[_Place, Generation], now_ms: int) -> list[LedgerRow]:
        """The rows of generations as if none of them had been there before."""
        if not generations:
            return []
        # By columns: what runs inside zip and map costs a third of a loop over the rows.
        _, _, _, updated, costs, pricings, tokens, durations, dimensions, users, sessions, digests = zip(
            *generations.values(), strict=True
        )
        texts = self._interning.text_ids({*users, *sessions})
        dims = _DimsIds(self._interning)
        columns = zip(
            generations,
            updated,
            costs,
            map(int, pricings),  # an IntEnum would go through the driver's slow adapters
            map(dims.__getitem__, dimensions),
            map(texts.__getitem__, users),
            map(texts.__getitem__, sessions),
            tokens,
            durations,
            digests,
            strict=True,
        )
        project = self._project
        return [
            (project, *place, at, cost, pricing, dims_id, user, session, *used, duration, digest, 1, now_ms, None)
            for place, at, cost, pricing, dims_id, user, session, used, duration, digest in columns
        ]

    def _apply(self, changes: _Changes, fresh: list[LedgerRow], newer: list[LedgerRow]) -> int:
        """Decide for each written row whether it counts; how many of the fresh ones moved here from another start."""
        contested = identity.claim(self._link, self._project, fresh)
        before = self._stored_rows(newer)
        unsettled: dict[tuple[bytes, bytes], list[LedgerRow]] = {}
        for row in newer:
            old = before[_place(row)]
            if old[COUNTED]:
                new = with_state(row, counted=True, seen_ms=old[SEEN], replaced_cost=old[COST])
                changes.replaced[_place(row)] = new
                changes.swap(old, new)
            else:
                unsettled.setdefault((row[TRACE], row[OBS]), []).append(row)
        moved = 0
        if contested:
            plain = []
            for row in fresh:
                if identity_hash(self._project, row[TRACE], row[OBS]) in contested:
                    unsettled.setdefault((row[TRACE], row[OBS]), []).append(row)
                else:
                    plain.append(row)
            fresh = plain
        changes.first_seen = fresh
        changes.inserted += fresh
        changes.gained += fresh
        if unsettled:
            moved = self._settle(changes, unsettled)
        return moved

    def _settle(self, changes: _Changes, unsettled: dict[tuple[bytes, bytes], list[LedgerRow]]) -> int:
        """Of observations with several starts the newest version counts; the others stay as stubs that do not."""
        moved = 0
        for (trace, obs), rows in unsettled.items():
            stored = identity.stored_versions(self._link, self._project, trace, obs)
            moved += sum(1 for row in rows if row[START] not in stored) - (0 if stored else 1)
            # A newer version of the counted row, found in this same batch, has been swapped in already.
            present = {start: changes.replaced.get((start, trace, obs), row) for start, row in stored.items()}
            counting = next((row for row in present.values() if row[COUNTED]), None)
            after = present | {row[START]: row for row in rows}
            pruned = identity.counted_below_floor(self._link, self._project, trace, obs)
            winner = max(after.values(), key=order_of)
            for start, row in after.items():
                known = present.get(start)
                wins = row is winner and not pruned
                replaced_cost = row[REPLACED] if known is None or row is known else known[COST]
                if wins and counting is not None and counting[CONTENT] != row[CONTENT]:
                    replaced_cost = counting[COST]
                seen_ms = row[SEEN] if known is None else known[SEEN]
                settled = with_state(row, counted=wins, seen_ms=seen_ms, replaced_cost=replaced_cost)
                if known is None:
                    changes.inserted.append(settled)
                elif settled != known:
                    changes.replaced[_place(row)] = settled
                if wins:
                    changes.swap(counting, settled)
        return moved

    def _stored_rows(self, rows: list[LedgerRow]) -> dict[_Place, LedgerRow]:
        """The stored rows at the places of these, whole."""
        if not rows:
            return {}
        places = {_place(row) for row in rows}
        found = self._link.rows(
            f"{SELECT} WHERE project = ? AND start_ms >= ? AND start_ms <= ?",
            (self._project, min(places)[0], max(places)[0]),
        )
        return {_place(row): row for row in found if _place(row) in places}

    def _tell(self, rows: list[LedgerRow], sign: int) -> None:
        from_ms = self.counters_from_ms
        entering = rows if from_ms is None else [row for row in rows if row[START] >= from_ms]
        self._counters.add(self._project, entering, sign)

    def _mark_dirty(self, changes: _Changes) -> Amounts:
        """Append the difference to what assess has to look at, one row for each cell and set of dimensions; its sum."""
        cells: dict[tuple[int, int, int, int], list[int]] = {}
        for rows, sign in ((changes.gained, 1), (changes.lost, -1)):
            for row in rows:
                key = (row[START] // CELL_MS, row[DIMS], row[PERSON], row[SESSION])
                held = cells.get(key)
                if held is None:
                    cells[key] = [sign * row[COST], sign * row[TOTAL], sign]
                else:
                    held[0] += sign * row[COST]
                    held[1] += sign * row[TOTAL]
                    held[2] += sign
        dirty = [
            (self._project, *key, *split(cost), tokens, requests)
            for key, (cost, tokens, requests) in cells.items()
            if cost or tokens or requests
        ]
        bulk.insert(self._link, "dirty", _DIRTY, dirty)
        return Amounts(*map(sum, zip(*cells.values(), strict=True)))

    def _add_to_totals(self, delta: Amounts, unpriced: int) -> None:
        hi, lo = split(delta.cost_pico)
        self._link.run(
            "UPDATE project SET generations = generations + ?, cost_hi = cost_hi + ?, cost_lo = cost_lo + ?,"
            " unpriced = unpriced + ? WHERE id = ?",
            (delta.requests, hi, lo, unpriced, self._project),
        )


def _newest(span: Span, generations: Sequence[Generation]) -> dict[_Place, Generation]:
    """The newest version at each place. A version at another start has another place and is settled later."""
    if not generations:
        return {}
    traces, observations, starts, *_ = zip(*generations, strict=True)
    for outside in (min(starts), max(starts)):
        if not span.from_ms <= outside < span.to_ms:
            raise ValueError(f"a generation starts at {outside}, outside {span}")
    packed = {trace: pack(trace) for trace in set(traces)}
    places = list(zip(starts, map(packed.__getitem__, traces), map(pack, observations), strict=True))
    newest = dict(zip(places, generations, strict=True))
    if len(newest) < len(places):
        for place, g in zip(places, generations, strict=True):
            if order_key(g) > order_key(newest[place]):
                newest[place] = g
    return newest


def _place(row: LedgerRow) -> _Place:
    return row[START], row[TRACE], row[OBS]


def _unpriced(rows: list[LedgerRow]) -> int:
    return len(rows) - [row[PRICING] for row in rows].count(0)

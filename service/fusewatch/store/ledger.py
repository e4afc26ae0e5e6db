"""The ledger: compare what was read with what is stored, write the difference, say what that changed."""

from collections.abc import Collection, Mapping, Sequence
from itertools import repeat
from operator import itemgetter

from fusewatch.domain.inheritance import NOTHING_INHERITED, Inheritance
from fusewatch.domain.merge import order_key
from fusewatch.domain.money import split
from fusewatch.domain.periods import CELL_MS
from fusewatch.domain.prices import NO_PRICES, PriceBook
from fusewatch.domain.usage import Amounts, Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import EstimatePlace, Recorded, Reestimated, Span
from fusewatch.store import attributions, bulk, estimates, identity
from fusewatch.store.connection import Link
from fusewatch.store.counters import Counters
from fusewatch.store.ids import identity_hash, pack_all
from fusewatch.store.inheriting import Heritage
from fusewatch.store.inheriting import Place as _Place
from fusewatch.store.interning import Interning
from fusewatch.store.rows import (
    ATTRIBUTION,
    CHANGED,
    COLUMNS,
    COST,
    COUNTED,
    DIMS,
    ESTIMATE,
    KEY,
    MOSTLY_ALIKE,
    OBS,
    PERSON,
    PRICING,
    REPLACED,
    SEEN,
    SELECT,
    SESSION,
    START,
    TOKENS,
    TOTAL,
    TRACE,
    LedgerRow,
    order_of,
    with_estimate,
    with_state,
)  # fmt: skip
from fusewatch.store.settling import Changes as _Changes
from fusewatch.store.settling import place_of, settle

_DIRTY = (
    *("project", "cell", "dims", "person", "session", "cost_hi", "cost_lo", "tokens", "requests"),
    *("est_hi", "est_lo"),
)
_REESTIMATED_AT_ONCE = 2_000


_IDENTITY = itemgetter(0, 1, 2)
_DIRTY_PARTS = itemgetter(START, DIMS, PERSON, SESSION, COST, TOTAL, ESTIMATE)


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
        self._prices = NO_PRICES
        self._attribution = 0

    def record(
        self,
        span: Span,
        generations: Sequence[Generation],
        now_ms: int,
        *,
        whole: bool,
        prices: PriceBook = NO_PRICES,
        inheritance: Inheritance = NOTHING_INHERITED,
    ) -> Recorded:
        """See `ports.IngestUnit.record`. ValueError for a generation that starts outside the span."""
        self._prices = prices
        self._attribution = attributions.number(self._link, inheritance.revision)
        read = _newest(span, generations)
        fresh, newer = self._differences(read, whole=whole)
        present = {place[1] for place in read if place not in fresh} if len(fresh) < len(read) else frozenset()
        heritage = Heritage(self._link, self._interning, self._project, inheritance, present)
        heritage.write(now_ms)
        if not fresh and not newer and not heritage.news:
            return Recorded(0, 0, len(read), Amounts(), 0)
        changes = _Changes()
        before = self._stored_rows(newer)
        moved = self._apply(
            changes,
            self._rows(*heritage.complete(fresh, {}, self._attribution), now_ms),
            self._rows(*heritage.complete(newer, before, self._attribution), now_ms),
            before,
        )
        completed = self._tell_traces(changes, heritage)
        first_seen = tuple(row[START] for row in changes.first_seen)
        bulk.insert_alike(self._link, "generation", COLUMNS, sorted(changes.inserted), MOSTLY_ALIKE)
        bulk.replace(self._link, "generation", KEY, COLUMNS, list(changes.replaced.values()))
        self._tell(changes.gained, 1)
        self._tell(changes.lost, -1)
        delta = self._mark_dirty(changes)
        unpriced = _unpriced(changes.gained)
        if unpriced:
            estimates.formed_by(self._link, self._project, prices.revision)
        self._add_to_totals(delta, unpriced - _unpriced(changes.lost))
        new = len(fresh) - moved
        changed = len(newer) + moved
        return Recorded(new, changed, len(read) - new - changed, delta, unpriced, first_seen, completed)

    def estimate_again(self, prices: PriceBook, after: EstimatePlace | None) -> Reestimated:
        """Form the estimates of a bounded number of counted rows without a price anew, those behind `after` in the
        order of `EstimatePlace`; the changes go where those of `record` go."""
        self._prices = prices
        rows = estimates.rows_after(self._link, self._project, after, _REESTIMATED_AT_ONCE)
        changes = _Changes()
        for row, new in zip(rows, self._estimated(rows), strict=True):
            if new[ESTIMATE] != row[ESTIMATE]:
                changes.replaced[place_of(row)] = new
                changes.swap(row, new)
        if changes.replaced:
            estimates.write(self._link, self._project, list(changes.replaced.values()))
            self._add_to_totals(self._mark_dirty(changes), 0)
        last = estimates.place_of(rows[-1]) if len(rows) == _REESTIMATED_AT_ONCE else None
        return Reestimated(len(rows), len(changes.replaced), last)

    def _differences(
        self, read: dict[_Place, Generation], *, whole: bool
    ) -> tuple[dict[_Place, Generation], dict[_Place, Generation]]:
        """What of it is not stored, and what replaces the version stored at the same place: a newer one, the same one
        that was read by another attribution, with `whole` any other one."""
        if not read:
            return {}, {}
        stored = self._link.rows(
            "SELECT start_ms, trace, obs, updated_ms, cost, digest, attribution FROM generation"
            " WHERE project = ? AND start_ms >= ? AND start_ms <= ?",
            (self._project, min(read)[0], max(read)[0]),
        )
        if not stored:
            return read, {}
        same = set(stored)
        by = self._attribution
        different = {
            place: g for place, g in read.items() if (*place, g.updated_ms, g.cost_pico, g.digest, by) not in same
        }
        if not different:
            return {}, {}
        held = {row[:3]: row[3:] for row in stored}
        fresh: dict[_Place, Generation] = {}
        newer: dict[_Place, Generation] = {}
        for place, g in different.items():
            version = held.get(place)
            if version is None:
                fresh[place] = g
                continue
            updated_ms, cost_pico, digest, attribution = version
            again = attribution != by and (g.updated_ms, g.cost_pico) == (updated_ms, cost_pico)
            if whole or again or order_key(g) > (updated_ms, cost_pico, place[0], digest):
                newer[place] = g
        return fresh, newer

    def _rows(
        self, generations: Mapping[_Place, Generation], inherited: Mapping[_Place, bytes], now_ms: int
    ) -> list[LedgerRow]:
        """The rows of generations as if none of them had been there before."""
        if not generations:
            return []
        # By columns: what runs inside zip and map costs a third of a loop over the rows.
        _, _, _, updated, costs, pricings, tokens, durations, dimensions, users, sessions, digests = zip(
            *generations.values(), strict=True
        )
        texts = self._interning.text_ids({*users, *sessions})
        # By identity: equal ones mostly are one object, and a look by twelve values costs as much as the row's insert.
        sets = dict(zip(map(id, dimensions), dimensions, strict=True))
        dims_ids = {number: self._interning.dims_id(each) for number, each in sets.items()}
        starts, traces, observations = zip(*generations, strict=True)
        whole = zip(
            repeat(self._project),
            starts,
            traces,
            observations,
            updated,
            costs,
            map(int, pricings) if any(pricings) else repeat(0),  # an IntEnum goes through the driver's slow adapters
            map(dims_ids.__getitem__, map(id, dimensions)),
            map(texts.__getitem__, users),
            map(texts.__getitem__, sessions),
            *zip(*tokens, strict=True),
            durations,
            digests,
            self._estimates(costs, pricings, tokens, dimensions),
            repeat(self._attribution),
            map(inherited.get, generations) if inherited else repeat(None),
            repeat(1),
            repeat(now_ms),
            repeat(None),
            repeat(None),
            strict=False,
        )
        return list(whole)

    def _estimates(
        self,
        costs: Sequence[int],
        pricings: Sequence[Pricing],
        tokens: Sequence[Tokens],
        dimensions: Sequence[Dimensions],
    ) -> Sequence[int | None]:
        """What the generations without a whole price are estimated at, beside their cost; None for the others."""
        if not any(pricings):
            return (None,) * len(costs)
        of = self._prices.estimate
        return [
            of(d.model, used, pricing, cost) if pricing else None
            for cost, pricing, used, d in zip(costs, pricings, tokens, dimensions, strict=True)
        ]

    def _estimated(self, rows: Sequence[LedgerRow]) -> list[LedgerRow]:
        """Stored rows with the estimates that the present prices give."""
        dims = self._interning.dims({row[DIMS] for row in rows if row[PRICING]})
        return [
            with_estimate(
                row,
                self._prices.estimate(
                    dims[row[DIMS]].model, Tokens._make((*row[TOKENS], row[TOTAL])), Pricing(row[PRICING]), row[COST]
                ),
            )
            if row[PRICING]
            else row
            for row in rows
        ]

    def _apply(
        self, changes: _Changes, fresh: list[LedgerRow], newer: list[LedgerRow], before: Mapping[_Place, LedgerRow]
    ) -> int:
        """Decide for each written row whether it counts; how many of the fresh ones moved here from another start."""
        contested = identity.claim(self._link, self._project, fresh)
        unsettled: dict[tuple[bytes, bytes], list[LedgerRow]] = {}
        for row in newer:
            old = before[place_of(row)]
            if old[COUNTED]:
                again = old[ATTRIBUTION] != row[ATTRIBUTION] and order_of(old)[:3] == order_of(row)[:3]
                replaced_cost = old[REPLACED] if again else old[COST]
                changed_ms = old[CHANGED] if again else row[SEEN]
                new = with_state(
                    row, counted=True, seen_ms=old[SEEN], replaced_cost=replaced_cost, changed_ms=changed_ms
                )
                changes.replaced[place_of(row)] = new
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
            moved = settle(self._link, self._project, changes, unsettled, self._estimated)
        return moved

    def _tell_traces(self, changes: _Changes, heritage: Heritage) -> int:
        """Complete the stored rows of traces that give something new; how many that changed."""
        completed = 0
        for trace in heritage.news:
            stored = identity.of_trace(self._link, self._project, trace)
            rows = [changes.replaced.get(place_of(row), row) for row in stored]
            for old, new in heritage.renewed(trace, rows, self._attribution):
                completed += 1
                changes.replaced[place_of(new)] = new
                if new[COUNTED]:
                    changes.swap(old, new)
        return completed

    def _stored_rows(self, places: Collection[_Place]) -> dict[_Place, LedgerRow]:
        """The stored rows at these places, whole."""
        if not places:
            return {}
        found = self._link.rows(
            f"{SELECT} WHERE project = ? AND start_ms >= ? AND start_ms <= ?",
            (self._project, min(places)[0], max(places)[0]),
        )
        return {place_of(row): row for row in found if place_of(row) in places}

    def _tell(self, rows: list[LedgerRow], sign: int) -> None:
        from_ms = self.counters_from_ms
        entering = rows if from_ms is None else [row for row in rows if row[START] >= from_ms]
        self._counters.add(self._project, entering, sign)

    def _mark_dirty(self, changes: _Changes) -> Amounts:
        """Append the difference to what assess has to look at, one row for each cell and set of dimensions; its sum."""
        cells: dict[tuple[int, int, int, int], list[int]] = {}
        for rows, sign in ((changes.gained, 1), (changes.lost, -1)):
            for start, dims, person, session, cost, total, estimate in map(_DIRTY_PARTS, rows):
                key = (start // CELL_MS, dims, person, session)
                held = cells.get(key)
                if held is None:
                    cells[key] = [sign * cost, sign * total, sign, sign * (estimate or 0)]
                else:
                    held[0] += sign * cost
                    held[1] += sign * total
                    held[2] += sign
                    if estimate:
                        held[3] += sign * estimate
        dirty = [
            (self._project, *key, *split(cost), tokens, requests, *split(estimate))
            for key, (cost, tokens, requests, estimate) in cells.items()
            if cost or tokens or requests or estimate
        ]
        bulk.insert(self._link, "dirty", _DIRTY, dirty)
        return Amounts(*map(sum, zip(*cells.values(), strict=True)))

    def _add_to_totals(self, delta: Amounts, unpriced: int) -> None:
        self._link.run(
            "UPDATE project SET generations = generations + ?, cost_hi = cost_hi + ?, cost_lo = cost_lo + ?,"
            " unpriced = unpriced + ?, est_hi = est_hi + ?, est_lo = est_lo + ? WHERE id = ?",
            (delta.requests, *split(delta.cost_pico), unpriced, *split(delta.estimate_pico), self._project),
        )


def _newest(span: Span, generations: Sequence[Generation]) -> dict[_Place, Generation]:
    """The newest version at each place. A version at another start has another place and is settled later."""
    if not generations:
        return {}
    traces, observations, starts = zip(*map(_IDENTITY, generations), strict=True)
    for outside in (min(starts), max(starts)):
        if not span.from_ms <= outside < span.to_ms:
            raise ValueError(f"a generation starts at {outside}, outside {span}")
    known = list(dict.fromkeys(traces))
    packed = dict(zip(known, pack_all(known), strict=True))
    places = list(zip(starts, map(packed.__getitem__, traces), pack_all(observations), strict=True))
    newest = dict(zip(places, generations, strict=True))
    if len(newest) < len(places):
        for place, g in zip(places, generations, strict=True):
            if order_key(g) > order_key(newest[place]):
                newest[place] = g
    return newest


def _unpriced(rows: list[LedgerRow]) -> int:
    return len(rows) - [row[PRICING] for row in rows].count(0)

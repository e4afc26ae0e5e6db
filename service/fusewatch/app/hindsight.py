"""What a rule's keys had spent by an instant, as known now and as known then; and the cells as they ended there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fusewatch.app.whyfacts import Spend
from fusewatch.app.windowcells import total
from fusewatch.domain.periods import CELL_MS, cell_of, cell_start_ms, day_index, day_span
from fusewatch.domain.usage import Amounts
from fusewatch.domain.views import Key, View
from fusewatch.ports import ReadUnit, SeriesUnit, Sums

NO_SPEND = Spend()
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000


def spend_by_key(
    unit: ReadUnit, view: View, from_ms: int, to_ms: int, *, known_ms: int, only: Key | None = None
) -> dict[Key, Spend]:
    """The spend of every key of the view over a span, or of `only` one. Sums are read a day at a time; by the
    hour where users or sessions count, so that never more of them than those of an hour are held."""
    found: dict[Key, Spend] = {}
    step = _HOUR_MS if view.uses_people else _DAY_MS
    for at in range(from_ms, to_ms, step):
        for sums in unit.sums(at, min(at + step, to_ms), known_ms=known_ms, people=view.uses_people):
            key = view.key_of(sums.project, sums.dimensions, sums.user, sums.session)
            if key is not None and (only is None or key == only):
                found[key] = _with(found.get(key, NO_SPEND), sums)
    return found


def _with(spend: Spend, sums: Sums) -> Spend:
    if not sums.late.requests and not sums.changed.requests:
        return replace(spend, now=spend.now.plus(sums.amounts), then=spend.then.plus(sums.amounts))
    # What a changed one was estimated at before its newest version nobody remembers: of it only the cost is known.
    was = Amounts(sums.changed_was_pico, sums.changed.tokens, sums.changed.requests, 0)
    then = sums.amounts.minus(sums.late).minus(sums.changed).plus(was)
    cost_pico = sums.changed.cost_pico + sums.changed.estimate_pico
    return Spend(
        now=spend.now.plus(sums.amounts),
        then=spend.then.plus(then),
        late=spend.late.plus(sums.late),
        changed=spend.changed + sums.changed.requests,
        changed_pico=spend.changed_pico + cost_pico - sums.changed_was_pico,
    )


@dataclass(frozen=True, slots=True)
class CellsUntil:
    """Implements `SeriesUnit` for one view: its cells as if nothing had started at `end_ms` or later. `last` is what
    the key spent in the quarter hour of `end_ms` before it."""

    cells: SeriesUnit
    of: View
    end_ms: int
    last: Amounts

    def quarters(self, view: str, key: Key, from_cell: int, to_cell: int) -> Sequence[tuple[int, Amounts]]:
        cut = cell_of(self.end_ms)
        found = [one for one in self.cells.quarters(view, key, from_cell, min(to_cell, cut)) if one[0] < cut]
        return [*found, (cut, self.last)] if from_cell <= cut < to_cell and any(self.last) else found

    def days(self, view: str, key: Key, from_day: int, to_day: int) -> Sequence[tuple[int, Amounts]]:
        cut = day_index(self.of.calendar, self.end_ms)
        found = list(self.cells.days(view, key, from_day, min(to_day, cut)))
        if from_day <= cut < to_day:
            first = -(-day_span(self.of.calendar, cut)[0] // CELL_MS)
            found.append((cut, total(a for _, a in self.quarters(view, key, first, cell_of(self.end_ms) + 1))))
        return found

    def blocks(
        self, view: str, key: Key, from_cell: int, to_cell: int, at_cell: int, size: int
    ) -> Sequence[tuple[int, Amounts]]:
        """Only ever asked of days before that of `end_ms`."""
        return self.cells.blocks(view, key, from_cell, to_cell, at_cell, size)

    def first_cell(self, view: str, key: Key) -> int | None:
        return self.cells.first_cell(view, key)


def last_quarter(unit: ReadUnit, view: View, end_ms: int) -> dict[Key, Spend]:
    """What each key spent in the quarter hour of the instant before it."""
    return spend_by_key(unit, view, cell_start_ms(cell_of(end_ms)), end_ms, known_ms=end_ms)

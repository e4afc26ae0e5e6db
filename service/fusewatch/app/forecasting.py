"""Forecasts from the stored cells: which earlier days are read, what they are at this time of day, and the forecast.

At most 28 day cells, ten earlier days in blocks of three hours, and twelve quarter hours of today are read: some 130
cells, whatever the ledger's size.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

from fusewatch.app.cells import Reading, spent
from fusewatch.domain.forecast import (
    BLOCK_CELLS,
    NO_HISTORY,
    Forecast,
    History,
    PastDay,
    SoFar,
    forecast,
    same_time_of_day,
)
from fusewatch.domain.foresight import foresee, label_of
from fusewatch.domain.incidents import Standing, Step, Subject
from fusewatch.domain.notices import State
from fusewatch.domain.periods import CELL_MS, Every, Period, cell_of, cell_start_ms, day_index, day_span
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import Verdict, measure
from fusewatch.domain.views import Key, View
from fusewatch.ports import AssessUnit, CellSpan, ManySeriesUnit, SeriesUnit

DAYS_BACK = 28
"""How far back days are compared: four of each weekday."""

SHAPES = (1, 2, 3, 4, 5, 6, 7, 14, 21, 28)
"""The days before today that are looked at hour by hour: the last week, and today's weekday of the last four."""

WORTH = Fraction(1, 20)
"""A key is watched for a warning once this share of its limit is spent: so 10,000 quiet keys cost nothing."""


def read_so_far(
    cells: SeriesUnit, view: View, key: Key, unit: Unit, period: Period, sums: Amounts, at_ms: int
) -> SoFar:
    """What the period holds at `at_ms`, which is how old the data is; `sums` is all that is in it."""
    amount = measure(sums, unit)
    today, recent = amount, 0
    if period.every is not Every.HOUR and at_ms >= period.start_ms:
        day = day_index(view.calendar, at_ms)
        if period.every is not Every.DAY:
            today = sum(measure(a, unit) for _, a in cells.days(view.id, key, day, day + 1))
        found = cells.quarters(view.id, key, *_recent_cells(view, at_ms))
        recent = sum(measure(a, unit) for _, a in found)
    return SoFar(at_ms, amount, sums.requests, today, min(max(recent, 0), max(today, 0)))


def _recent_cells(view: View, at_ms: int) -> tuple[int, int]:
    """The quarter hours of the day of `at_ms` that tell its pace."""
    start_ms, end_ms = day_span(view.calendar, day_index(view.calendar, at_ms))
    return max(cell_of(start_ms), cell_of(at_ms) - BLOCK_CELLS), cell_of(end_ms - 1) + 1


def read_history(
    cells: SeriesUnit, view: View, key: Key, unit: Unit, at_ms: int, is_read: Callable[[int], bool]
) -> History:
    """The days before that of `at_ms` which were read completely (`is_read` tells by day index) and on which the key
    existed from their start."""
    first_cell = cells.first_cell(view.id, key)
    if first_cell is None:
        return NO_HISTORY
    today = day_index(view.calendar, at_ms)
    first = max(day_index(view.calendar, cell_start_ms(first_cell)) + 1, today - DAYS_BACK)
    usable = [day for day in range(first, today) if is_read(day)]
    if not usable:
        return NO_HISTORY
    found = dict(cells.days(view.id, key, usable[0], today))
    totals = {day: measure(found.get(day, Amounts()), unit) for day in usable}
    wanted = [today - back for back in SHAPES if today - back in totals]
    return History(totals, tuple(_shape(cells, view, key, unit, day, at_ms) for day in wanted))


def _shape(cells: SeriesUnit, view: View, key: Key, unit: Unit, day: int, at_ms: int) -> PastDay:
    """One earlier day, cut at the time of day of `at_ms`; what lies in the block after it is taken as spread evenly."""
    start_ms, end_ms = day_span(view.calendar, day)
    cut_ms = same_time_of_day(view.calendar, at_ms, day)
    cut, first, end = cell_of(cut_ms), cell_of(start_ms), cell_of(end_ms - 1) + 1
    blocks = {n: measure(a, unit) for n, a in cells.blocks(view.id, key, first, end, cut, BLOCK_CELLS)}
    count = max(0, -(-(end - cut) // BLOCK_CELLS))
    after = [blocks.get(n, 0) for n in range(count)]
    passed = 0
    if after:
        length = min(BLOCK_CELLS, end - cut)
        passed = after[0] * (cut_ms % CELL_MS) // (CELL_MS * length)
        after[0] -= passed
    before = sum(amount for n, amount in blocks.items() if n < 0) + passed
    return PastDay(day, before, blocks.get(-1, 0) + passed, tuple(after))


def forecast_of(
    cells: SeriesUnit,
    view: View,
    key: Key,
    period: Period,
    limit: int,
    unit: Unit,
    so_far: SoFar,
    is_read: Callable[[int], bool],
) -> Forecast | None:
    """The forecast of one key's running period."""
    if period.every is Every.HOUR:
        history = NO_HISTORY
    else:
        history = read_history(cells, view, key, unit, min(so_far.as_of_ms, period.end_ms - 1), is_read)
    return forecast(view.calendar, period, limit, so_far, history)


@dataclass(slots=True)
class Outlook:
    """The forecasts of the keys of one view over one running period."""

    cells: SeriesUnit
    reading: Reading
    view: View
    period: Period
    known: dict[int, bool] = field(default_factory=dict)

    def prepare(self, cells: ManySeriesUnit, keys: Collection[Key]) -> None:
        """Read together what each of these keys is asked for first."""
        at_ms = min(self.reading.now_ms, self.reading.as_of_ms(self.view))
        if len(keys) < 2 or self.period.every is Every.HOUR or at_ms < self.period.start_ms:
            return
        day = day_index(self.view.calendar, at_ms)
        spans = [CellSpan(False, *_recent_cells(self.view, at_ms))]
        if self.period.every is not Every.DAY:
            spans.append(CellSpan(True, day, day + 1))
        cells.prepare(self.view.id, keys, *spans)

    def of(self, key: Key, verdict: Verdict, sums: Amounts, *, shaped: bool = True) -> Forecast | None:
        """None while nothing can be said; `sums` is all that is in the period. Not `shaped`: from the plain pace."""
        look = self.look(key, verdict, sums, shaped=shaped)
        return None if look is None else look[0]

    def look(
        self, key: Key, verdict: Verdict, sums: Amounts, *, shaped: bool = True
    ) -> tuple[Forecast | None, SoFar] | None:
        """The same with what was seen so far; None for a period that is over or has a gap that is still unread."""
        now_ms, period = self.reading.now_ms, self.period
        standing = self.reading.standing(self.view, period.start_ms, ready=True)
        if now_ms >= period.end_ms or standing is not Standing.READY:
            return None
        at_ms = min(now_ms, self.reading.as_of_ms(self.view))
        so_far = read_so_far(self.cells, self.view, key, verdict.unit, period, sums, at_ms)
        if not shaped:
            return forecast(self.view.calendar, period, verdict.limit, so_far, NO_HISTORY), so_far
        found = forecast_of(self.cells, self.view, key, period, verdict.limit, verdict.unit, so_far, self._is_read)
        return found, so_far

    def _is_read(self, day: int) -> bool:
        if day not in self.known:
            self.known[day] = self.reading.is_read(self.view, *day_span(self.view.calendar, day))
        return self.known[day]


class Seen(NamedTuple):
    """What became of a warning: `step` None where there is nothing to keep; `due_ms` when to judge the key again."""

    step: Step | None
    due_ms: int | None


def warn(
    unit: AssessUnit, outlook: Outlook, subject: Subject, verdict: Verdict, was: str | None, *, first: bool
) -> Seen:
    """The warning of one key, one judgement later. `was` is the rule's former name, whose warning it goes on with;
    `first`: the rule was never judged before, and the message about how things stand warns enough.

    Time alone changes a forecast, so the key is due again at the next quarter hour: while its limit is not crossed, and
    something worth a warning has been spent of it.
    """
    now_ms, label = outlook.reading.now_ms, label_of(subject.period)
    memory = unit.incident(subject.rule, subject.key, label)
    if memory is None and was is not None:
        before = unit.incident(was, subject.key, label)
        memory = None if before is None else replace(before, rule=subject.rule)
    is_open = memory is not None and memory.state is State.OPEN
    near = verdict.measured > 0 and verdict.limit * WORTH <= verdict.measured < verdict.limit
    due_ms = cell_start_ms(cell_of(now_ms) + 1) if near else None
    if first or not (near or is_open):
        return Seen(None, due_ms)
    look = outlook.look(subject.key, verdict, spent(unit, outlook.view, subject.key, subject.period))
    if look is None:
        return Seen(None, due_ms)
    step = foresee(subject, verdict, *look, memory, now_ms=now_ms)
    return Seen(None if step.incident is None or step.incident == memory else step, due_ms)

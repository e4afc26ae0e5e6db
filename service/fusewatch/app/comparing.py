"""With which earlier time the spend of a key so far is compared, so that an hour or a day is held against its like."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from fusewatch.app.cells import Reading
from fusewatch.domain.explanations import Against
from fusewatch.domain.periods import CELL_MS, Every, Last, Period, cell_of, cell_start_ms, previous
from fusewatch.domain.rules import Rule
from fusewatch.domain.views import Key, View
from fusewatch.domain.windows import same_clock_ms
from fusewatch.ports import SeriesUnit

DAYS, WEEKS, MONTHS, WINDOWS = 7, 4, 3, 3
_DAY_MS = 86_400_000
_DAY_CELLS = _DAY_MS // CELL_MS


@dataclass(frozen=True, slots=True)
class Comparison:
    """The quarter hours ``first <= cell < end`` up to now, and the earlier `spans` of quarter hours, the latest first.

    Of the last quarter hour of each span that is as long as the present one only `passed` milliseconds count, as of
    the one that runs. The sums of all spans together, times `scale`, are what is usual.
    """

    against: Against
    first: int
    end: int
    to_ms: int
    spans: tuple[tuple[int, int], ...]
    passed: int
    scale: Fraction

    @property
    def count(self) -> int:
        """How many days, weeks, months or windows; of the days before a period how many these are."""
        if self.against is Against.STRETCH:
            return (self.spans[0][1] - self.spans[0][0]) // _DAY_CELLS
        return len(self.spans)

    def end_ms(self, start: int) -> int:
        """Where the span that begins with the quarter hour `start` ends; the earlier ones end as early as this one."""
        if self.against is Against.STRETCH and start != self.first:
            return cell_start_ms(self.first)
        return cell_start_ms(start) + self.to_ms - cell_start_ms(self.first)


def comparison(
    cells: SeriesUnit, reading: Reading, rule: Rule, views: tuple[View, View], key: Key, period: Period
) -> Comparison:
    """What the period so far is compared with: only time that was read completely for both `views` (the rule's and
    the drivers'), and in which the key existed.

    A day, an hour and a window up to a day: the same hours of the seven days before. A week: the same part of the four
    weeks before; a month: of the three months before; a longer window: the three before it. Where none of these was
    read from its start: the days right before, at most as many as have passed.
    """
    to_ms = max(min(reading.now_ms, period.end_ms), period.start_ms + 1)
    first, end = cell_of(period.start_ms), cell_of(to_ms - 1) + 1
    passed = to_ms - cell_start_ms(end - 1)
    born = cells.first_cell(views[0].id, key)

    def usable(start: int, stop: int) -> bool:
        return (
            born is not None
            and born < stop <= first  # a short month ends before as much of it has passed as of a long one
            and all(reading.is_read(view, cell_start_ms(start), cell_start_ms(stop)) for view in views)
        )

    against, starts = _starts(rule, period, first)
    spans = tuple((start, start + end - first) for start in starts if usable(start, start + end - first))
    if spans:
        return Comparison(against, first, end, to_ms, spans, passed, Fraction(1, len(spans)))
    stretch = None if against is Against.HOURS else _stretch(first, end, born, usable)
    if stretch is None:
        return Comparison(Against.NOTHING, first, end, to_ms, (), passed, Fraction(0))
    scale = Fraction(to_ms - cell_start_ms(first), cell_start_ms(stretch[1] - stretch[0]))
    return Comparison(Against.STRETCH, first, end, to_ms, (stretch,), CELL_MS, scale)


def _starts(rule: Rule, period: Period, first: int) -> tuple[Against, list[int]]:
    calendar, at_ms = rule.calendar, cell_start_ms(first)
    match period.every:
        case Every.WEEK:
            return Against.WEEKS, [cell_of(same_clock_ms(calendar, at_ms, 7 * back)) for back in range(1, WEEKS + 1)]
        case Every.MONTH:
            return Against.MONTHS, [cell_of(before.start_ms) for before in _months(rule, period)]
        case Last() as window if window.ms > _DAY_MS:
            return Against.WINDOWS, [first - window.cells * back for back in range(1, WINDOWS + 1)]
        case _:
            return Against.HOURS, [cell_of(same_clock_ms(calendar, at_ms, back)) for back in range(1, DAYS + 1)]


def _months(rule: Rule, period: Period) -> Iterator[Period]:
    for _ in range(MONTHS):
        period = previous(rule.calendar, period)
        yield period


def _stretch(first: int, end: int, born: int | None, usable: Callable[[int, int], bool]) -> tuple[int, int] | None:
    """The longest run of whole days before the period, at most as long as what has passed of it."""
    most = max(1, (end - first) // _DAY_CELLS)
    return next(
        (
            (start, first)
            for days in range(most, 0, -1)
            if born is not None and (start := first - days * _DAY_CELLS) >= born and usable(start, first)
        ),
        None,
    )

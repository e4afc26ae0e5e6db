"""Where rolling windows lie on earlier days: the same time of the local clock, over clock changes too."""

from fusewatch.domain.periods import CELL_MS, Calendar, Last, day_span, local_clock
from fusewatch.domain.rules import Baseline

LONGEST_BUDGET = Last(90 * 24 * 3_600_000)
LONGEST_SPIKE = Last(24 * 3_600_000)
"""The window of a spike may not reach into the same window of the day before."""


def same_clock_ms(calendar: Calendar, at_ms: int, days_before: int) -> int:
    """The first instant, that many days earlier, whose wall clock shows what it shows at `at_ms` or later.

    It is the rule of `periods` for when a day starts: the first of two where the clock shows a time twice, the end of
    the gap where it skips it. Seconds beyond a quarter hour do not count, as windows end at quarter hours.
    """
    wall = local_clock(calendar, at_ms)
    minute = (wall.hour * 60 + wall.minute) // 15 * 15
    start_ms, _ = day_span(Calendar(calendar.timezone, minute), wall.toordinal() - days_before)
    return start_ms - start_ms % CELL_MS


def days_compared(baseline: Baseline) -> range:
    """How many days before now the windows lie with which one is compared; today is never among them."""
    step = 7 if baseline.same_weekday else 1
    return range(step, step * baseline.days + 1, step)

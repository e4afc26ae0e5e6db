"""The spend of the last 24 hours as a row of small bars."""

from collections.abc import Sequence

from fusewatch.domain.notices import Notice
from fusewatch.notify.sheet import Line

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[int]) -> str:
    """A bar for each value, from zero to the greatest; nothing is the lowest bar, and whatever is more stands above it.

    Empty where there is nothing to see: no values, or none above zero.
    """
    most = max(values, default=0)
    if most <= 0:
        return ""
    steps = len(_BARS) - 1
    return "".join(_BARS[-(-max(value, 0) * steps // most)] for value in values)


def last_day(notice: Notice) -> Line:
    """`Last 24 h  ▁▁▂▃▅▇█`, the last hour at the right; empty where nothing is known."""
    bars = sparkline(notice.hours)
    return (f"Last 24 h  {bars}",) if bars else ()

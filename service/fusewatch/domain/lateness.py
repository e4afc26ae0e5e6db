"""How long after their start generations appear: a small measure of the last day, from which lookbacks grow."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fusewatch.domain.coverage import Span, frontier

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

SLOT_MS = 3 * HOUR_MS
"""The last day is forgotten in steps of this."""

EDGES_MIN = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 21, 25, 30, 36, 45, 60, 75, 90, 120, 150, 180, 240, 300, 360)
"""Lateness is counted by these upper edges. What comes later than the last is found by no lookback and not counted."""

OUTAGE_MS = 10 * MINUTE_MS
"""Where nothing was read for longer, a first sight tells when reading went on, not when the generation appeared."""


class Late(NamedTuple):
    """So many generations were first seen in the slot, at most `minutes` after their start."""

    slot: int
    minutes: int
    calls: int


@dataclass(frozen=True, slots=True)
class Lateness:
    """What was measured, in no more rows than slots of a day times edges."""

    seen: tuple[Late, ...] = ()

    def with_starts(self, starts: Iterable[int], now_ms: int) -> "Lateness":
        """And these, first seen now; what was seen more than a day ago is left out."""
        counts = Counter({(late.slot, late.minutes): late.calls for late in self._recent(now_ms)})
        for start_ms in starts:
            edge = bisect_left(EDGES_MIN, -(-(now_ms - start_ms) // MINUTE_MS))
            if start_ms < now_ms and edge < len(EDGES_MIN):
                counts[now_ms // SLOT_MS, EDGES_MIN[edge]] += 1
        return Lateness(tuple(Late(*place, count) for place, count in sorted(counts.items())))

    def quantile_ms(self, per_mille: int, now_ms: int) -> int:
        """Within how many milliseconds so many in 1,000 of the last day's appeared, rounded up to an edge; 0 when none
        was late."""
        recent = sorted(self._recent(now_ms), key=lambda late: late.minutes)
        wanted = per_mille * sum(late.calls for late in recent)
        reached = 0
        for late in recent:
            reached += 1000 * late.calls
            if reached >= wanted:
                return late.minutes * MINUTE_MS
        return 0

    def _recent(self, now_ms: int) -> list[Late]:
        """Of the last day; a slot that has not begun was written by a clock that was set back since."""
        return [late for late in self.seen if now_ms - DAY_MS < (late.slot + 1) * SLOT_MS <= now_ms + SLOT_MS]


def late_starts(first_seen: Sequence[int], coverage: Sequence[Span], now_ms: int) -> list[int]:
    """Of generations first seen now, the starts of those that lie where all had been read before.

    None at all when reading goes on after an outage.
    """
    end = frontier(coverage)
    if not first_seen or end is None or now_ms - end > OUTAGE_MS:
        return []
    return [start for start in first_seen if any(span.from_ms <= start < span.to_ms for span in coverage)]

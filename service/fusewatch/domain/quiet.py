"""Quiet hours: the spans of local time in which notices wait.

A span begins at the first instant at which the wall clock of a date shows `from` or later, and ends at the first that
shows `to` or later, on the next date where `to` is not after `from`. So where clocks are set back over an end it does
not begin again, and where they are set forward over one nothing is missed.
"""

from dataclasses import dataclass

from fusewatch.domain.periods import first_at, local_clock

_MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Every day from `from_min` to `to_min`, minutes after midnight of the zone; `from_min` may be the later one.

    Raises ValueError for two equal times, which would be none or all of the day, and for a time of no day.
    """

    from_min: int
    to_min: int
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        for minutes in (self.from_min, self.to_min):
            if minutes not in range(_MINUTES_A_DAY):
                raise ValueError(f"{minutes} is no minute of a day")
        if self.from_min == self.to_min:
            raise ValueError("quiet hours begin and end at the same time")

    def is_quiet(self, at_ms: int) -> bool:
        return self.span_at(at_ms) is not None

    def ends_ms(self, at_ms: int) -> int:
        """When the quiet that holds now is over. ValueError for an instant that is not quiet."""
        span = self.span_at(at_ms)
        if span is None:
            raise ValueError("it is not quiet then")
        return span[1]

    def span_at(self, at_ms: int) -> tuple[int, int] | None:
        """[start, end) of the quiet that holds at the instant, None where none does.

        Two that touch, because a change of clocks took away what lay between them, are one.
        """
        today = local_clock(self.timezone, at_ms).toordinal()
        start_ms = end_ms = 0
        for day in range(today - 2, today + 3):
            from_ms, to_ms = self._span_of(day)
            if from_ms > end_ms:
                start_ms = from_ms
            end_ms = max(end_ms, to_ms)
            if start_ms <= at_ms < end_ms and self._span_of(day + 1)[0] > end_ms:
                return start_ms, end_ms
        return None

    def _span_of(self, day: int) -> tuple[int, int]:
        """Empty for a date that the zone skipped."""
        last = day if self.to_min > self.from_min else day + 1
        return first_at(self.timezone, day, self.from_min), first_at(self.timezone, last, self.to_min)

"""What to read next: the live end with its lookback at every poll, and the newest hole behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fusewatch.domain.baselines import window_days
from fusewatch.domain.coverage import Span, frontier, holes
from fusewatch.domain.lateness import Lateness
from fusewatch.domain.periods import Every, day_index, day_span, period_at
from fusewatch.domain.rules import Budget, Method, Rule, RuleSet
from fusewatch.domain.windows import days_compared, same_clock_ms

AHEAD_MS = 5 * 60_000
"""Rows may start a little in the future when clocks differ; they are read, but not counted as covered."""

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

OFTEN_AT_MOST_MS = HOUR_MS
SELDOM_AT_MOST_MS = 6 * HOUR_MS
"""How far measured lateness lets a lookback grow; what comes later still is found by the comparison with the sums."""


@dataclass(frozen=True, slots=True)
class Lookback:
    """How far behind what was read each poll reads again: generations are keyed by their start but appear at their end.

    Measured on a real server (FINDINGS, second part, 1): 3 minutes miss few dollars, 20 minutes hardly any.
    """

    often_ms: int = 3 * MINUTE_MS
    seldom_ms: int = 20 * MINUTE_MS
    seldom_every: int = 5

    def of_poll(self, number: int) -> int:
        """The lookback of the n-th poll; the first poll after a start looks far."""
        return self.seldom_ms if number % self.seldom_every == 0 else self.often_ms

    def grown(self, lateness: Lateness, now_ms: int) -> "Lookback":
        """As far as generations came late in the last day: 95 in 100 of them are found at every poll, 995 in 1,000 at
        every poll that looks far. Never less than this one, which it becomes again when they come in time."""
        often_ms = max(self.often_ms, min(lateness.quantile_ms(950, now_ms), OFTEN_AT_MOST_MS))
        seldom_ms = max(self.seldom_ms, min(lateness.quantile_ms(995, now_ms), SELDOM_AT_MOST_MS))
        return replace(self, often_ms=often_ms, seldom_ms=max(often_ms, seldom_ms))


def live_span(coverage: Sequence[Span], now_ms: int, lookback_ms: int) -> Span:
    """The span of a live poll. After an outage it starts near now: the rest is a hole, read after it."""
    end = frontier(coverage)
    recent = end is not None and now_ms - end <= max(lookback_ms, 10 * MINUTE_MS)
    start = min(end, now_ms) if end is not None and recent else now_ms
    return Span(start - lookback_ms, now_ms + AHEAD_MS)


def newest_hole(coverage: Sequence[Span], need_from_ms: int, window_ms: int, lookback_ms: int) -> Span | None:
    """The newest unread part between `need_from_ms` and the frontier, as `windows` cuts it."""
    end = frontier(coverage)
    return None if end is None else next(windows(coverage, need_from_ms, end, window_ms, lookback_ms), None)


def newest_stale(coverage: Sequence[Span], stale: Sequence[Span], window_ms: int) -> Span | None:
    """The newest part of what is to be read again although no rule needs it; what is ahead of the live end is left to
    the polls."""
    end = frontier(coverage)
    if end is None:
        return None
    rest = [Span(span.from_ms, min(span.to_ms, end)) for span in stale if span.from_ms < end]
    return Span(max(rest[-1].from_ms, rest[-1].to_ms - window_ms), rest[-1].to_ms) if rest else None


def windows(coverage: Sequence[Span], from_ms: int, to_ms: int, window_ms: int, lookback_ms: int) -> Iterator[Span]:
    """What is unread between the two instants, newest first, in windows of at most `window_ms`.

    Where one reaches back to what was read before an outage, it goes on for `lookback_ms`: generations that had started
    by then have appeared since.
    """
    for gap in reversed(holes(coverage, from_ms, to_ms)):
        end = gap.to_ms
        while end > gap.from_ms:
            start = max(gap.from_ms, end - window_ms)
            yield Span(start - lookback_ms if start == gap.from_ms else start, end)
            end = start


def window_of(api: str) -> int:
    """How much history of an API is read in one walk, unless its server finds that too much."""
    return DAY_MS if api == "v1" else 7 * DAY_MS


def narrower(window_ms: int) -> int:
    """The next window to try after a server could not answer for this one."""
    return max(HOUR_MS, window_ms // 4)


def unread_ms(coverage: Sequence[Span], need_from_ms: int) -> int:
    """How much of what the rules need is still unread behind the frontier."""
    end = frontier(coverage)
    return 0 if end is None else sum(gap.to_ms - gap.from_ms for gap in holes(coverage, need_from_ms, end))


def need_from(rules: RuleSet, now_ms: int) -> int:
    """How far back anything looks: periods, baselines, the month of the spend gauges, and at least `history`."""
    starts = [now_ms - rules.history_ms, period_at(rules.calendar, Every.MONTH, now_ms).start_ms]
    starts += [looks_from(rule, now_ms) for rule in rules.rules if not (isinstance(rule, Budget) and rule.metered)]
    return min(starts)


def looks_from(rule: Rule, now_ms: int) -> int:
    """How far back one rule looks: to the start of its period or window, a spike to the start of its baseline."""
    if isinstance(rule, Budget):
        return period_at(rule.calendar, rule.every, now_ms).start_ms
    days_before = days_compared(rule.baseline)[-1]
    if rule.last is not None:
        end_ms = period_at(rule.calendar, rule.last, now_ms).end_ms
        if rule.method is Method.SEASONAL:
            return same_clock_ms(rule.calendar, end_ms, window_days(rule)) - rule.last.ms - HOUR_MS
        return same_clock_ms(rule.calendar, end_ms, days_before) - rule.last.ms
    return day_span(rule.calendar, day_index(rule.calendar, now_ms) - days_before)[0]

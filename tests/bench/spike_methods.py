"""The ways to find spikes that are scored, each by the verdict code that the daemon runs, over a series of hours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from fusewatch.domain.baselines import (
    HOURS,
    judge_day_so_far,
    judge_unit_cost,
    judge_window,
    window_days,
)
from fusewatch.domain.periods import Calendar, Every, Last, Period, period_at, previous
from fusewatch.domain.rules import Baseline, BaselineUsing, Spike, Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import Verdict, judge_spike
from fusewatch.domain.windows import same_clock_ms
from tests.bench.spike_series import HOUR_MS, Series

Judgement = Callable[["Past", Spike], Verdict | None]


@dataclass(frozen=True, slots=True)
class Method:
    """A way to find spikes: its name in the table, the rule, and how a daemon judges by it what it knows."""

    name: str
    rule: Spike
    judge: Judgement


@dataclass(frozen=True, slots=True)
class Past:
    """A series as it is known at the end of one hour."""

    series: Series
    calendar: Calendar
    hour: int
    sums: Sequence[tuple[int, int]]
    """Cost and requests of all hours before each, for spans at once."""

    @property
    def now_ms(self) -> int:
        return self.series.start_ms + HOUR_MS * (self.hour + 1)

    @property
    def today(self) -> Period:
        return period_at(self.calendar, Every.DAY, self.now_ms - 1)

    def between(self, from_ms: int, to_ms: int) -> Amounts:
        """What is known to have been spent in the span: of this hour what was seen at its end."""
        first, end = (max(0, (at - self.series.start_ms) // HOUR_MS) for at in (from_ms, to_ms))
        (cost, requests), (to_cost, to_requests) = self.sums[first], self.sums[max(first, min(end, self.hour))]
        found = Amounts(to_cost - cost, 0, to_requests - requests)
        return found.plus(self.series.seen(self.hour)) if first <= self.hour < end else found

    def days(self, count: int) -> list[Period]:
        """Up to so many complete local days before today, latest first, on which the series was there already."""
        found, day = [], self.today
        for _ in range(count):
            day = previous(self.calendar, day)
            if day.start_ms < self.series.start_ms:
                break
            found.append(day)
        return found


def _today(past: Past, rule: Spike) -> Verdict | None:
    step = 7 if rule.baseline.same_weekday else 1
    days = past.days(rule.baseline.days * step)[step - 1 :: step]
    amounts = [past.between(day.start_ms, day.end_ms).cost_pico for day in days]
    return judge_spike(rule, past.between(past.today.start_ms, past.now_ms).cost_pico, amounts)


def _window(past: Past, rule: Spike) -> Verdict | None:
    days = [
        amounts for amounts in (_same_clock(past, n, range(1)) for n in range(1, rule.baseline.days + 1)) if amounts
    ]
    return judge_spike(rule, past.between(past.now_ms - HOUR_MS, past.now_ms).cost_pico, [d[0] for d in days])


def _seasonal_window(past: Past, rule: Spike) -> Verdict | None:
    days = []
    for days_before in range(1, window_days(rule) + 1):
        amounts = _same_clock(past, days_before, range(-1, HOURS - 1))
        if amounts is None:
            break
        days.append(amounts)
    return judge_window(rule, past.between(past.now_ms - HOUR_MS, past.now_ms).cost_pico, days)


def _same_clock(past: Past, days_before: int, hours: range) -> list[int] | None:
    end_ms = same_clock_ms(past.calendar, past.now_ms, days_before)
    if end_ms + HOUR_MS * hours.start - HOUR_MS < past.series.start_ms:
        return None
    ends = (end_ms + HOUR_MS * at for at in hours)
    return [past.between(end - HOUR_MS, end).cost_pico for end in ends]


def _seasonal_today(past: Past, rule: Spike) -> Verdict | None:
    times = range(HOUR_MS, past.now_ms - past.today.start_ms + 1, HOUR_MS)

    def by_time(day: Period) -> list[int]:
        return [past.between(day.start_ms, min(day.start_ms + time, day.end_ms)).cost_pico for time in times]

    days = [[*by_time(day), past.between(day.start_ms, day.end_ms).cost_pico] for day in past.days(rule.baseline.days)]
    return judge_day_so_far(rule, by_time(past.today), days)


def _unit_cost(past: Past, rule: Spike) -> Verdict | None:
    days = [past.between(day.start_ms, day.end_ms) for day in past.days(rule.baseline.days)]
    return judge_unit_cost(rule, past.between(past.today.start_ms, past.now_ms), days)


def _unit_cost_hour(past: Past, rule: Spike) -> Verdict | None:
    days = []
    for days_before in range(1, rule.baseline.days + 1):
        end_ms = same_clock_ms(past.calendar, past.now_ms, days_before)
        if end_ms - HOUR_MS >= past.series.start_ms:
            days.append(past.between(end_ms - HOUR_MS, end_ms))
    return judge_unit_cost(rule, past.between(past.now_ms - HOUR_MS, past.now_ms), days)


_HOUR = Last(HOUR_MS)
_TWICE = Spike("twice", Fraction(2), 0)
_SEASONAL = Spike("seasonal", Fraction(1), 0, baseline=Baseline(days=14, at_least=7))
_UNIT_COST = replace(_TWICE, unit=Unit.USD_PER_REQUEST)

METHODS = (
    Method("today, factor 2", _TWICE, _today),
    Method("today, factor 2, same weekday", replace(_TWICE, baseline=Baseline(4, 1, same_weekday=True)), _today),
    Method("today, factor 2, median", replace(_TWICE, baseline=Baseline(using=BaselineUsing.MEDIAN)), _today),
    Method("today, seasonal", _SEASONAL, _seasonal_today),
    Method("last 1h, factor 3", replace(_TWICE, factor=Fraction(3), last=_HOUR), _window),
    Method("last 1h, seasonal", replace(_SEASONAL, last=_HOUR), _seasonal_window),
)
UNIT_COST_METHODS = (
    Method("cost per request, today, factor 2", _UNIT_COST, _unit_cost),
    Method("cost per request, last 1h, factor 2", replace(_UNIT_COST, last=_HOUR), _unit_cost_hour),
)

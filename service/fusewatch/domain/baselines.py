"""What a spike is compared with beyond the plain average: the usual at this hour, robustly, and the cost of a request.

The method `seasonal` was chosen by measurement (docs/spikes.md, tests/bench/spikes.py): its constants are the same for
every series, and nothing is learned but medians of what the caller hands in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from math import ceil
from statistics import median

from fusewatch.domain.rules import BaselineUsing, Spike, Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import SPIKE_LEVELS, Verdict, measure

HOURS = 24
"""Windows of a day that `judge_window` is given: one at each hour."""

WINDOW_FACTOR = 5
"""How many scales above the usual a window must lie."""

DAY_FACTOR = 4
"""How many scales above the usual by this time of the day today must lie."""

LEAST_REQUESTS = 10
"""Fewer requests than this, now or in the baseline, say nothing about what a request costs."""

_MAD_TO_SIGMA = Fraction(14826, 10000)
"""The median absolute deviation of a normal distribution times this is its standard deviation."""

_LEAST_OWN_DAYS = 3
"""Days of its own before it that a past window needs, to be called unusual."""

_STANDS_OUT = 2
"""An hour stands out when its own median is more than so many times that of it and its neighbours."""

_BEYOND_MEASURE = Fraction(10**18)
"""The scales by which money lies above nothing that never moved."""


def judge_window(spike: Spike, measured: int, days: Sequence[Sequence[int]]) -> Verdict | None:
    """A window that ends now against the windows of the same length of the days before; None while they are too few.

    `days` are the earlier days that count, newest first, each with `HOURS` amounts: of the windows that end one hour
    before the present time of day, at it, one hour after it, and so on to 22 hours after it; of the newest day those
    that end after the present window began are left out. A window is at most 12 hours long.

    The usual is the median over the newest half of `spike.baseline.days` days, at this hour and one hour before and
    after, or at this hour alone where that is more. The window fires when it lies above the usual by `WINDOW_FACTOR`
    scales, and by more scales than the second most unusual day of `spike.baseline.days` ever did: on a key that bursts
    every few days another such burst is no news. Each past window is measured as it would have been then, from the days
    before it alone. The rule's `factor` and floor hold besides.
    """
    if len(days) < max(1, spike.baseline.at_least):
        return None
    past = _Past([amount for day in reversed(days) for amount in day], usual_days(spike))
    usual = past.usual_at(HOURS * len(days) + 1)
    unusual = sorted(past.most_unusual_of_days(min(len(days), spike.baseline.days)), reverse=True)
    scales = max(Fraction(WINDOW_FACTOR), unusual[1]) if len(unusual) > 1 else Fraction(WINDOW_FACTOR)
    return _verdict(
        spike, measured, usual.middle, usual.middle + scales * usual.scale, min(len(days), usual_days(spike))
    )


def usual_days(spike: Spike) -> int:
    """Over how many days `judge_window` takes the usual."""
    return max(_LEAST_OWN_DAYS, (spike.baseline.days + 1) // 2)


def window_days(spike: Spike) -> int:
    """How many days `judge_window` can make use of: those it looks over, each with the days of its own usual."""
    return spike.baseline.days + usual_days(spike)


def judge_day_so_far(spike: Spike, today: Sequence[int], days: Sequence[Sequence[int]]) -> Verdict | None:
    """Today so far against what the days before had spent by the same time; None while they are too few.

    `today` is what had been spent by each full hour since the day began, and at last by now; each of `days`, newest
    first, holds the same of an earlier day by the same clock, and at last its whole amount. It fires above the median
    by `DAY_FACTOR` scales: the deviation of the days, but at least a tenth of the median and one average hour of these
    days. What fired at one of these times has fired for the day: later the others catch up, and that takes nothing
    back. A correction does, as it changes what today had spent by then. The rule's `factor` and floor hold besides.
    """
    if len(days) < max(1, spike.baseline.at_least):
        return None
    hour = Fraction(sum(max(day[-1], 0) for day in days), HOURS * len(days))
    verdicts = [_by_time(spike, so_far, [day[at] for day in days], hour) for at, so_far in enumerate(today)]
    highest = max(reversed(verdicts), key=lambda verdict: len(verdict.passed))
    return replace(highest, measured=today[-1])


def _by_time(spike: Spike, so_far: int, days: Sequence[int], hour: Fraction) -> Verdict:
    middle = max(_median(days), Fraction(0))
    scale = max(_deviation(days, middle), middle / 10, hour)
    return _verdict(spike, so_far, middle, middle + DAY_FACTOR * scale, len(days))


def judge_unit_cost(spike: Spike, now: Amounts, days: Sequence[Amounts]) -> Verdict | None:
    """What a request costs now against what it cost on the days that count; None without enough days or requests.

    The verdict's amounts are picodollars per request. The baseline is all cost of the days by all their requests, so
    that a day with three requests does not weigh as much as one with thousands; with ``using: median`` the median of
    the days that had requests. It fires above factor x baseline, when what these requests cost more than at the
    baseline reaches the floor, which is money.
    """
    if len(days) < max(1, spike.baseline.at_least) or now.requests < LEAST_REQUESTS:
        return None
    requests = sum(day.requests for day in days)
    if requests < LEAST_REQUESTS:
        return None
    if spike.baseline.using is BaselineUsing.MEAN:
        average = Fraction(sum(measure(day, Unit.USD) for day in days), requests)
    else:
        average = Fraction(median(Fraction(measure(day, Unit.USD), day.requests) for day in days if day.requests > 0))
    baseline = max(average, Fraction(0))
    cost_pico = measure(now, Unit.USD)
    unit_cost = Fraction(cost_pico, now.requests)
    line = spike.factor * baseline
    above_floor = cost_pico > 0 and cost_pico - baseline * now.requests >= spike.floor
    fired = tuple(t for t in SPIKE_LEVELS if above_floor and unit_cost > line * t.share)
    return Verdict(
        unit=Unit.USD_PER_REQUEST,
        measured=int(unit_cost),
        limit=int(line),
        passed=fired,
        baseline=int(baseline),
        baseline_days=len(days),
        ahead=SPIKE_LEVELS[len(fired) :],
        least=ceil(baseline + Fraction(spike.floor, now.requests)),
    )


def _verdict(spike: Spike, measured: int, baseline: Fraction, line: Fraction, days: int) -> Verdict:
    line = max(line, spike.factor * baseline)
    above_floor = measured > 0 and measured - baseline >= spike.floor
    fired = tuple(t for t in SPIKE_LEVELS if above_floor and measured > line * t.share)
    return Verdict(
        unit=spike.unit,
        measured=measured,
        limit=int(line),
        passed=fired,
        baseline=int(baseline),
        baseline_days=days,
        ahead=SPIKE_LEVELS[len(fired) :],
        least=ceil(baseline + spike.floor),
    )


@dataclass(frozen=True, slots=True)
class _Usual:
    """What windows at an hour usually amount to, and by how much they usually differ from it."""

    middle: Fraction
    scale: Fraction


class _Past:
    """Windows at successive hours, oldest first, `HOURS` a day; `days` are those that make a usual."""

    def __init__(self, amounts: Sequence[int], days: int) -> None:
        self._amounts = amounts
        self._days = days
        self._sums = list(accumulate(amounts, initial=0))

    def usual_at(self, place: int) -> _Usual:
        """The usual for the window at this place, from the days before it at its hour, one earlier and one later.

        A window differs from it by the deviation of those, but at least by a tenth of the usual, and by a tenth of an
        average hour of these days: where nothing ever moved, or where little is spent at this hour, a small step is no
        spike. An hour that stands out every day, as that of a nightly job does, is compared with itself alone.
        """
        near = self._near(place)
        counted, middle = near, max(_median(near), Fraction(0))
        own = near[1::3]
        own_middle = _median(own)
        if own_middle > _STANDS_OUT * middle:
            counted, middle = own, own_middle
        total, count = self._sum_before(place)
        deviation = _deviation(counted, middle)
        middle = max(middle, own_middle)
        return _Usual(middle, max(deviation, middle / 10, Fraction(max(total, 0), 10 * count)))

    def most_unusual_of_days(self, count: int) -> Iterable[Fraction]:
        """For each of the newest days that had such a window: by how many scales its most unusual one, of those
        further than `WINDOW_FACTOR` above the usual, lay above it."""
        total = -(-len(self._amounts) // HOURS)
        for day in range(total - 1, max(total - 1 - count, _LEAST_OWN_DAYS - 1), -1):
            places = range(HOURS * day, min(HOURS * (day + 1), len(self._amounts)))
            found = [above for place in places if (above := self._scales_above(place)) is not None]
            if found:
                yield max(found)

    def _scales_above(self, place: int) -> Fraction | None:
        """By how many scales the window lay above its usual, if by more than `WINDOW_FACTOR`."""
        amount = self._amounts[place]
        total, count = self._sum_before(place)
        # Half of the usual and half of an average hour are the least that it takes: most are spared the rest.
        if WINDOW_FACTOR * total >= 10 * count * amount:
            return None
        near = sorted(self._near(place))
        if len(near) < 3 * _LEAST_OWN_DAYS or 2 * amount <= 3 * near[(len(near) - 1) // 2]:
            return None
        usual = self.usual_at(place)
        above = amount - usual.middle
        if above <= WINDOW_FACTOR * usual.scale:
            return None
        return above / usual.scale if usual.scale else _BEYOND_MEASURE

    def _near(self, place: int) -> list[int]:
        near: list[int] = []
        for first in range(place - HOURS - 1, max(-1, place - HOURS * self._days - 2), -HOURS):
            near += self._amounts[first : first + 3]
        return near

    def _sum_before(self, place: int) -> tuple[int, int]:
        """The sum of the windows of the days that make the usual of this place, and how many they are."""
        first, end = max(0, place - HOURS * self._days - 1), max(0, place - 1)
        return self._sums[end] - self._sums[first], max(1, end - first)


def _median(amounts: Sequence[int]) -> Fraction:
    ranked = sorted(amounts)
    half = len(ranked) // 2
    return Fraction(ranked[half]) if len(ranked) % 2 else Fraction(ranked[half - 1] + ranked[half], 2)


def _deviation(amounts: Sequence[int], middle: Fraction) -> Fraction:
    """The standard deviation that the median of the distances from `middle` stands for."""
    doubled = int(2 * middle)  # exact: a median of integers
    return _MAD_TO_SIGMA * _median([abs(2 * amount - doubled) for amount in amounts]) / 2

"""The spend at the end of a period: from the usual shape of days where there is history, from the plain pace before.

An estimate: floats are used inside and rounded once. It is never below what is spent. docs/forecast.md explains the
method and has its measured errors.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from math import isclose, sqrt
from typing import NamedTuple

from fusewatch.domain.periods import CELL_MS, Calendar, Every, Last, Period, day_index, day_span, days_of, local_clock

BLOCK_CELLS = 12
"""The grain of a day's shape: blocks of three hours, laid so that the present time of day is between two of them."""

BLOCK_MS = BLOCK_CELLS * CELL_MS
LEAST_DAYS = 3
"""With fewer usable days before today only the plain pace is known."""

LEAST_CALLS = 10
"""Nothing is said of a pace, and nobody is warned, from a handful of calls."""

PACE_FROM = {Every.HOUR: 0.25, Every.DAY: 1 / 24, Every.WEEK: 1 / 24, Every.MONTH: 1 / 24}
"""The share of a period that must have passed before its pace says anything, or anybody is warned."""

PACE_REST = (0.25, 2.0)
"""How much of what the plain pace adds may come to be: most working days spend little after 18:00."""

PRIOR = 0.10
"""How much the usual day weighs against today's own level: as much as this part of a day's spend."""

PRIOR_CALLS = 2
"""And at least as much as so many of today's calls: one dear call tells little of those to come."""

PRIOR_LEAST = 0.001
"""And at least so much of the mean day's spend: also on a weekday that usually spends nothing."""

EARLIER = 0.5
"""What was spent before the last three hours tells so much of the rest as what was spent in them."""

CLIP = 3.0
"""A day above so many times its weekday's usual spend, or below the inverse, counts as just that."""

QUANTILES = (0.1, 0.9)
NORMAL_90 = 1.2816
"""The 90 % quantile of a normal distribution."""

LEAST_SPREAD = 0.1
"""A range reaches at least so far to both sides, as a part of what is still to come, however alike the days were."""

RANGE_EARLY = 0.6
"""How much wider a range is at the start of a period than what earlier days spread."""


class Basis(StrEnum):
    """What a forecast rests on."""

    SHAPE = "shape"
    """Earlier days: their spend by weekday and time of day."""
    PACE = "pace"
    """What was spent so far over the time that it took."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a period will have spent at its end: most likely `amount`, in eight of ten cases from `low` to `high`.

    Amounts are in the unit of the limit (1e-12 USD for money). `crosses_at_ms` is when the limit will be reached; None
    where `amount` does not reach it, or where it is reached already. `days` before today were compared.
    """

    amount: int
    low: int
    high: int
    crosses_at_ms: int | None = None
    basis: Basis = Basis.PACE
    days: int = 0


class PastDay(NamedTuple):
    """A complete day, cut at today's time of day: `before` it, `recent` in the three hours up to it (part of `before`),
    and `after` in blocks of three hours. `day` as of `periods.day_index`."""

    day: int
    before: int
    recent: int
    after: tuple[int, ...]

    @property
    def total(self) -> int:
        return self.before + sum(self.after)


@dataclass(frozen=True, slots=True)
class SoFar:
    """What is known at `as_of_ms`: the period's spend and calls, today's spend, and that of the last three hours of
    today. In a period of a day today is all of it."""

    as_of_ms: int
    spent: int
    calls: int
    today: int
    recent: int


@dataclass(frozen=True, slots=True)
class History:
    """Earlier days of the same key. `totals` are by day index, days without spend as zero; `shapes` some of them whole.

    Only days that were read completely and on which the key existed from their start.
    """

    totals: Mapping[int, int]
    shapes: Sequence[PastDay] = ()


NO_HISTORY = History({})


def forecast(calendar: Calendar, period: Period, limit: int, so_far: SoFar, history: History) -> Forecast | None:
    """The spend at the end of `period`; None while nothing can be said. `limit` is in the unit of the amounts."""
    at_ms = min(so_far.as_of_ms, period.end_ms)
    if at_ms < period.start_ms:
        return None
    spent = so_far.spent
    if at_ms >= period.end_ms:
        return Forecast(spent, spent, spent, None, Basis.PACE, len(history.totals))
    shaped = len(history.totals) >= LEAST_DAYS and len(history.shapes) >= LEAST_DAYS
    if period.every is Every.HOUR or not shaped:
        return _by_pace(period, limit, so_far, at_ms)
    rest = _rest_of_day(calendar, so_far, history, at_ms)
    days = _later_days(calendar, period, history, at_ms)
    course = [*rest.course, *days.course]
    expected = sum(amount for _, amount in course)
    down = sqrt(rest.down**2 + days.down**2)
    up = sqrt(rest.up**2 + days.up**2)
    return _told(spent, limit, at_ms, course, (expected - down, expected + up), Basis.SHAPE, len(history.totals))


def warns(found: Forecast, period: Period, limit: int, so_far: SoFar) -> bool:
    """Whether people are to be told that the limit will be crossed: the low end of the range lies above it, some of
    the period has passed, and more than a handful of calls stand behind it."""
    passed = (so_far.as_of_ms - period.start_ms) / (period.end_ms - period.start_ms)
    return so_far.spent < limit < found.low and passed >= _pace_from(period) and so_far.calls >= LEAST_CALLS


def _pace_from(period: Period) -> float:
    if isinstance(period.every, Last):
        raise TypeError("a rolling window has no end to look ahead to")
    return PACE_FROM[period.every]


def same_time_of_day(calendar: Calendar, at_ms: int, day: int) -> int:
    """The instant of `day` at which clocks show what they show at `at_ms`, inside the day: also where the clock was
    changed on either of them. Days are told apart by their start, so that a reset time other than midnight holds."""
    start_ms, end_ms = day_span(calendar, day)
    today_ms = day_span(calendar, day_index(calendar, at_ms))[0]
    shown_ms = at_ms - today_ms + _offset_ms(calendar, at_ms) - _offset_ms(calendar, today_ms)
    there_ms = start_ms + shown_ms
    there_ms -= _offset_ms(calendar, min(there_ms, end_ms - 1)) - _offset_ms(calendar, start_ms)
    return max(start_ms, min(there_ms, end_ms))


def _offset_ms(calendar: Calendar, at_ms: int) -> int:
    offset = local_clock(calendar, at_ms).utcoffset()
    assert offset is not None, "a zone always has an offset"
    return round(offset.total_seconds() * 1000)


# ---------------------------------------------------------------- the plain pace


def _by_pace(period: Period, limit: int, so_far: SoFar, at_ms: int) -> Forecast | None:
    passed = (at_ms - period.start_ms) / (period.end_ms - period.start_ms)
    if passed < _pace_from(period) or so_far.calls < LEAST_CALLS:
        return None
    rest = max(so_far.spent, 0) * (1 / passed - 1)
    ends = (rest * PACE_REST[0], rest * PACE_REST[1])
    return _told(so_far.spent, limit, at_ms, [(period.end_ms, rest)], ends, Basis.PACE, 0)


def _told(
    spent: int,
    limit: int,
    at_ms: int,
    course: Sequence[tuple[int, float]],
    ends: tuple[float, float],
    basis: Basis,
    days: int,
) -> Forecast:
    """Rounded, in order, and with the crossing: the `course` says what is added until each instant after `at_ms`."""
    amount = spent + round(sum(more for _, more in course))
    low = min(spent + max(0, round(ends[0])), amount)
    high = max(spent + round(ends[1]), amount)
    crosses = _crossing(spent, limit, at_ms, course) if spent < limit < amount else None
    return Forecast(amount, low, high, crosses, basis, days)


def _crossing(spent: int, limit: int, at_ms: int, course: Sequence[tuple[int, float]]) -> int:
    need = float(limit - spent)
    from_ms = at_ms
    for to_ms, more in course:
        if more > 0 and more >= need:
            return max(at_ms + 1, min(to_ms, from_ms + round((to_ms - from_ms) * need / more)))
        need -= more
        from_ms = to_ms
    return from_ms


# ---------------------------------------------------------------- the usual shape


class _Rest(NamedTuple):
    """What is expected still: until each instant so much more; `down` and `up` are how far the range reaches."""

    course: tuple[tuple[int, float], ...]
    down: float
    up: float


class _Weighed(NamedTuple):
    """An earlier day at the size of today's weekday."""

    weight: float
    before: float
    recent: float
    after: tuple[float, ...]


def _rest_of_day(calendar: Calendar, so_far: SoFar, history: History, at_ms: int) -> _Rest:
    """What the rest of today adds: that of earlier days at the same time of day, at the level that today has.

    Each day is brought to the usual size of today's weekday and counts by how alike the two weekdays are. Today's level
    is its spend over theirs up to now, drawn towards 1 by `PRIOR`.
    """
    today = day_index(calendar, at_ms)
    start_ms, end_ms = day_span(calendar, today)
    usual = _usual(history.totals)
    size = usual[today % 7]
    days = _weighed(history.shapes, usual, today)
    least = PRIOR_LEAST * sum(usual) / len(usual) or 1.0
    prior = max(PRIOR * size, PRIOR_CALLS * max(so_far.spent, 0) / max(so_far.calls, 1), least)
    seen = _evidence(max(so_far.today, 0), max(so_far.recent, 0))

    def level(before: float, recent: float) -> float:
        return (prior + seen) / (prior + _evidence(before, recent))

    weight = sum(day.weight for day in days)
    mean_level = level(sum(d.weight * d.before for d in days) / weight, sum(d.weight * d.recent for d in days) / weight)
    blocks = max(len(day.after) for day in days)
    course = []
    for number in range(blocks):
        to_ms = min(at_ms + (number + 1) * BLOCK_MS, end_ms)
        mean = sum(d.weight * d.after[number] for d in days if number < len(d.after)) / weight
        course.append((to_ms if number < blocks - 1 else end_ms, mean_level * mean))
    expected = sum(more for _, more in course)
    samples = [(level(d.before, d.recent) * sum(d.after), d.weight) for d in days]
    low, high = (_quantile(samples, share) for share in QUANTILES)
    wider = 1 + RANGE_EARLY * (end_ms - at_ms) / (end_ms - start_ms)
    spread = LEAST_SPREAD * expected
    return _Rest(tuple(course), max(spread, expected - low) * wider, max(spread, high - expected) * wider)


def _evidence(before: float, recent: float) -> float:
    return recent + EARLIER * (before - recent)


def _usual(totals: Mapping[int, int]) -> tuple[float, ...]:
    """The usual spend of a day by `index % 7`: the mean of that weekday without what is extreme, drawn a little towards
    that of all days."""
    amounts = sorted(max(0, amount) for amount in totals.values())
    middle = amounts[len(amounts) // 2]
    highest = CLIP * middle if middle else amounts[-1]
    by_weekday: list[list[float]] = [[] for _ in range(7)]
    for index, amount in totals.items():
        by_weekday[index % 7].append(min(max(0, amount), highest))
    everything = [amount for day in by_weekday for amount in day]
    mean = sum(everything) / len(everything)
    return tuple((sum(day) + mean) / (len(day) + 1) if len(day) < 2 else sum(day) / len(day) for day in by_weekday)


def _weighed(shapes: Sequence[PastDay], usual: Sequence[float], today: int) -> list[_Weighed]:
    size = usual[today % 7]
    result = []
    for day in shapes:
        own = usual[day.day % 7]
        alike = min(own, size) / max(own, size) if max(own, size) > 0 else 1.0
        weight = max(alike * alike, 0.01) * (2 if day.day % 7 == today % 7 else 1)
        scale = size / own if own > 0 and size > 0 else 1.0
        total = day.total * scale
        if total > 0 and size > 0:
            scale *= min(max(total, size / CLIP), size * CLIP) / total
        result.append(
            _Weighed(
                weight,
                max(0, day.before) * scale,
                max(0, min(day.recent, day.before)) * scale,
                tuple(max(0, amount) * scale for amount in day.after),
            )
        )
    return result


def _quantile(samples: Iterable[tuple[float, float]], share: float) -> float:
    """The weighted quantile of (value, weight) pairs, between neighbours in a straight line."""
    points = _middles(samples)
    before = points[0]
    for middle, value in points:
        if middle >= share:
            at, last = before
            return last + (value - last) * (share - at) / (middle - at) if middle > at else value
        before = (middle, value)
    return before[1]


def _middles(samples: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Each value with the share of the weight up to the middle of its own, in order. Values that differ by no more than
    floats do are one: days that were cut to the same size come out so, in an order that says nothing."""
    together: list[tuple[float, float]] = []
    for value, weight in sorted(samples):
        if together and isclose(value, together[-1][0], rel_tol=1e-9):
            together[-1] = (together[-1][0], together[-1][1] + weight)
        else:
            together.append((value, weight))
    whole = sum(weight for _, weight in together)
    ends = accumulate(weight for _, weight in together)
    return [((end - weight / 2) / whole, value) for (value, weight), end in zip(together, ends, strict=True)]


def _later_days(calendar: Calendar, period: Period, history: History, at_ms: int) -> _Rest:
    """What the days after today add in a week or a month: the usual spend of their weekdays, at the level of the last
    seven days."""
    if period.every is Every.DAY:
        return _Rest((), 0.0, 0.0)
    later = [day for day in days_of(calendar, period) if day > day_index(calendar, at_ms)]
    usual = _usual(history.totals)
    level = _recent_level(history.totals, usual)
    course = tuple((day_span(calendar, day)[1], level * usual[day % 7]) for day in later)
    apart = list(_residuals(history.totals, usual))
    spread = sqrt(sum(r * r for r in apart) / max(1, len(apart) - 1))
    reach = NORMAL_90 * spread * sqrt(len(later) + len(later) ** 2 / min(len(apart), 7))
    return _Rest(course, reach, reach)


def _recent_level(totals: Mapping[int, int], usual: Sequence[float]) -> float:
    """The last seven days over what is usual for them; half of the way, as a week is not a trend."""
    last = sorted(totals)[-7:]
    expected = sum(usual[day % 7] for day in last)
    if expected <= 0:
        return 1.0
    seen = sum(min(max(0, totals[day]), CLIP * usual[day % 7]) for day in last)
    return 1 + (seen / expected - 1) / 2


def _residuals(totals: Mapping[int, int], usual: Sequence[float]) -> Iterator[float]:
    for day, amount in totals.items():
        size = usual[day % 7]
        yield min(max(0, amount), CLIP * size) - size

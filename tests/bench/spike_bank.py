"""Made-up histories of an LLM bill: shapes of ordinary traffic, faults put into them, and changes that are no fault.

Everything follows from the seed. Each ordinary day costs about $100, so that dollars can be compared between shapes.
A fault begins after four weeks, at some hour of the day; what comes after it until the end of the series is as dear.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

from fusewatch.domain.usage import Amounts
from tests.bench.spike_series import Series, Trouble

DAYS = 35
LEARNED_DAYS = 14
"""Days before the scoring begins; NAB's series have 7 to 16."""

SEEDS = (1, 2, 3, 4)
_DOLLAR = 10**12
_START = datetime(2026, 9, 7, tzinfo=ZoneInfo("UTC"))  # a Monday

Hour = tuple[float, float]
"""Requests, and dollars per request."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Ordinary traffic: a weight for each hour of the day, for each day of the week, and how much an hour varies."""

    name: str
    hours: tuple[float, ...]
    weekend: float
    spread: float
    requests_a_day: int


def _office(hour: int) -> float:
    return 1.0 if 9 <= hour < 18 else 0.35 if 7 <= hour < 21 else 0.04


def _consumer(hour: int) -> float:
    return 0.35 + 0.65 * max(0.0, 1 - abs(hour - 20) / 12)


SHAPES = (
    Shape("office", tuple(map(_office, range(24))), weekend=0.25, spread=0.15, requests_a_day=4000),
    Shape("consumer", tuple(map(_consumer, range(24))), weekend=1.2, spread=0.2, requests_a_day=20_000),
    Shape("nightly batch", (0.3, 8.0, 9.0, 6.0, *([0.3] * 20)), weekend=1.0, spread=0.1, requests_a_day=1500),
    Shape("few dear calls", (1.0,) * 24, weekend=0.8, spread=0.6, requests_a_day=120),
)


@dataclass(slots=True)
class Draft:
    """A history in the making: hours of (requests, dollars per request)."""

    shape: Shape
    random: Random
    hours: list[Hour]
    start: int

    def scale(self, first: int, end: int, *, requests: float = 1.0, price: float = 1.0) -> None:
        for hour in range(first, min(end, len(self.hours))):
            had, cost = self.hours[hour]
            self.hours[hour] = had * requests, cost * price

    def add(self, first: int, end: int, dollars_an_hour: float, requests_an_hour: float) -> None:
        for hour in range(first, min(end, len(self.hours))):
            had, cost = self.hours[hour]
            more = requests_an_hour * self.random.uniform(0.9, 1.1)
            dollars = had * cost + dollars_an_hour * self.random.uniform(0.9, 1.1)
            self.hours[hour] = had + more, dollars / (had + more)


Change = Callable[[Draft], int]
"""Puts something into a draft at its `start`; returns the hour at which it ends."""


def _runaway_loop(draft: Draft) -> int:
    """An agent calls itself: ten ordinary hours' money in each hour, until somebody stops it."""
    draft.add(draft.start, draft.start + 12, 40, draft.shape.requests_a_day / 3)
    return draft.start + 12


def _retry_storm(draft: Draft) -> int:
    """Each request is sent five times, for half a day."""
    draft.scale(draft.start, draft.start + 12, requests=5)
    return draft.start + 12


def _dearer_model(draft: Draft) -> int:
    """Half of the traffic goes to a model that costs ten times as much."""
    draft.scale(draft.start, draft.start + 72, price=5.5)
    return draft.start + 72


def _cache_break(draft: Draft) -> int:
    """The prompt's beginning changes with each call: nothing is read from the cache any more."""
    draft.scale(draft.start, draft.start + 72, price=3)
    return draft.start + 72


def _doubled_prompt(draft: Draft) -> int:
    """Twice as much context in each call; the answers cost what they did."""
    draft.scale(draft.start, draft.start + 72, price=1.8)
    return draft.start + 72


def _abusive_user(draft: Draft) -> int:
    """One user's script, four ordinary hours' money in each hour, for ten hours."""
    draft.add(draft.start, draft.start + 10, 16, draft.shape.requests_a_day / 8)
    return draft.start + 10


def _slow_drift(draft: Draft) -> int:
    """Eight per cent more each day."""
    for day in range(7):
        draft.scale(draft.start + 24 * day, draft.start + 24 * (day + 1), price=1.08 ** (day + 1))
    return draft.start + 168


def _nothing(draft: Draft) -> int:
    """Ordinary days, to the end."""
    return draft.start


def _launch_ramp(draft: Draft) -> int:
    """A launch that was planned: the traffic doubles over ten days."""
    first = draft.start - 120
    for day in range((len(draft.hours) - first) // 24):
        draft.scale(first + 24 * day, first + 24 * (day + 1), requests=1 + min(day + 1, 10) / 10)
    return draft.start


def _holiday(draft: Draft) -> int:
    """Two days of a fifth of the traffic; then people come back."""
    first = draft.start // 24 * 24 - 96
    draft.scale(first, first + 48, requests=0.2)
    return draft.start


def _missing_price(draft: Draft) -> int:
    """The price of the model is unknown for two days, and known again."""
    first = draft.start // 24 * 24 - 96
    draft.scale(first, first + 48, price=0)
    return draft.start


FAULTS: dict[str, Change] = {
    "runaway loop": _runaway_loop,
    "retry storm": _retry_storm,
    "ten times dearer model": _dearer_model,
    "cache break": _cache_break,
    "doubled prompt": _doubled_prompt,
    "one abusive user": _abusive_user,
    "slow drift": _slow_drift,
}

HARMLESS: dict[str, Change] = {
    "weekends": _nothing,
    "launch ramp": _launch_ramp,
    "holiday": _holiday,
    "missing price": _missing_price,
    "backfill": _nothing,
    "late data": _nothing,
    "clock change": _nothing,
}


def faulty(seeds: Sequence[int] = SEEDS) -> Iterator[tuple[str, Series]]:
    """(kind of fault, series with one of it), over all shapes and seeds."""
    for name, change in FAULTS.items():
        for shape in SHAPES:
            for seed in seeds:
                before, after, end = _histories(name, shape, seed, change)
                start = after.start
                extra = tuple(max(0, _pico(b) - _pico(a)) for a, b in _pairs(before, after, start, end))
                series = _series(f"{name}, {shape.name}, {seed}", after)
                yield name, replace(series, troubles=(Trouble(start, min(end, len(after.hours)), extra),))


def harmless(seeds: Sequence[int] = SEEDS) -> Iterator[tuple[str, Series]]:
    """(kind of change, series with one of it and nothing wrong), over all shapes and seeds."""
    for name, change in HARMLESS.items():
        for shape in SHAPES:
            for seed in seeds:
                _, draft, _ = _histories(name, shape, seed, change)
                yield name, _disturbed(name, _series(f"{name}, {shape.name}, {seed}", draft), draft)


def _disturbed(name: str, series: Series, draft: Draft) -> Series:
    match name:
        case "backfill":  # the second week arrives in the fourth
            hours = tuple(Amounts() if 168 <= at < 336 else each for at, each in enumerate(series.hours))
            return replace(series, before_backfill=hours, backfilled_at=draft.start - 72)
        case "late data":  # for two days a third of each hour is known at its end, then an hour later all of it
            span = range(draft.start - 48, draft.start)
            return replace(series, late={at: _share(series.hours[at], 3) for at in span})
        case "clock change":
            return replace(_shifted(series, draft), timezone="Europe/Berlin")
        case _:
            return series


def _share(amounts: Amounts, parts: int) -> Amounts:
    return Amounts(amounts.cost_pico // parts, 0, amounts.requests // parts)


def _shifted(series: Series, draft: Draft) -> Series:
    """People live by the local clock, which is set back in the night to 25 October 2026: the last fortnight scored."""
    start = datetime(2026, 10, 5, tzinfo=ZoneInfo("Europe/Berlin"))
    change = 20 * 24 + 3
    hours = [*series.hours[:change], series.hours[change - 24], *series.hours[change:]]
    return replace(series, hours=hours, start_ms=int(start.timestamp()) * 1000)


def _histories(name: str, shape: Shape, seed: int, change: Change) -> tuple[Draft, Draft, int]:
    """The same history without and with the change, and the hour at which the change ends."""
    start = 28 * 24 + Random(f"{seed} {name} {shape.name} start").randrange(24)
    drafts = []
    for apply in (_nothing, change):
        random = Random(f"{seed} {shape.name}")
        draft = Draft(shape, random, [_ordinary(shape, random, hour) for hour in range(DAYS * 24)], start)
        drafts.append((draft, apply(draft)))
    return drafts[0][0], drafts[1][0], drafts[1][1]


def _ordinary(shape: Shape, random: Random, hour: int) -> Hour:
    weekend = (hour // 24) % 7 >= 5
    weight = shape.hours[hour % 24] / sum(shape.hours) * (shape.weekend if weekend else 1)
    mean = shape.requests_a_day * weight
    requests = max(0.0, random.gauss(mean, (mean + (shape.spread * mean) ** 2) ** 0.5))
    price = 100 / shape.requests_a_day * random.lognormvariate(0, shape.spread / 2)
    return requests, price


def _pico(hour: Hour) -> int:
    return int(round(hour[0]) * hour[1] * _DOLLAR)


def _pairs(before: Draft, after: Draft, start: int, end: int) -> Iterator[tuple[Hour, Hour]]:
    return zip(before.hours[start:end], after.hours[start:end], strict=True)


def _series(name: str, draft: Draft) -> Series:
    hours = [Amounts(_pico(hour), 0, round(hour[0])) for hour in draft.hours]
    return Series(name, int(_START.timestamp()) * 1000, hours, LEARNED_DAYS * 24)

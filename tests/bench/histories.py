"""Histories to forecast on: made-up ones of eight characters, and the demo's traffic; and cells in memory over them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from fusewatch.demo.standin.traffic import demo_day, history
from fusewatch.domain.periods import Calendar, cell_of, cell_start_ms, day_index, day_span
from fusewatch.domain.usage import Amounts

DAY_MS = 86_400_000
BEGINS_MS = 20_360 * DAY_MS
"""A Monday at midnight UTC, 29 September 2025."""

MICRO = 10**6

OFFICE = (1, 1, 1, 1, 2, 4, 8, 14, 22, 28, 30, 28, 24, 26, 30, 30, 28, 22, 14, 8, 5, 4, 2, 1)
NIGHT = (30, 30, 26, 22, 12, 6, 4, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 5, 8, 12, 18, 24, 28, 30)
ALWAYS = (10,) * 24
CONSUMER = (6, 5, 4, 4, 5, 7, 10, 14, 18, 20, 21, 21, 20, 20, 20, 20, 19, 18, 17, 16, 15, 13, 10, 8)


class Cells:
    """Implements `ports.SeriesUnit` over quarter hours in memory, of one key of one view."""

    def __init__(self, calendar: Calendar, held: Mapping[int, Amounts]) -> None:
        self.calendar = calendar
        self.held = dict(sorted(held.items()))
        self.by_day: dict[int, Amounts] = {}
        self.end = 2**62
        for cell, amounts in self.held.items():
            day = day_index(calendar, cell_start_ms(cell))
            self.by_day[day] = self.by_day.get(day, Amounts()).plus(amounts)

    def quarters(self, view: str, key: tuple[str, ...], from_cell: int, to_cell: int) -> Sequence[tuple[int, Amounts]]:
        return [(cell, self.held[cell]) for cell in range(from_cell, min(to_cell, self.end)) if cell in self.held]

    def days(self, view: str, key: tuple[str, ...], from_day: int, to_day: int) -> Sequence[tuple[int, Amounts]]:
        return [(day, self.by_day[day]) for day in range(from_day, to_day) if day in self.by_day]

    def blocks(
        self, view: str, key: tuple[str, ...], from_cell: int, to_cell: int, at_cell: int, size: int
    ) -> Sequence[tuple[int, Amounts]]:
        sums: defaultdict[int, Amounts] = defaultdict(Amounts)
        for cell, amounts in self.quarters(view, key, from_cell, to_cell):
            block = (cell - at_cell) // size
            sums[block] = sums[block].plus(amounts)
        return sorted(sums.items())

    def first_cell(self, view: str, key: tuple[str, ...]) -> int | None:
        return next(iter(self.held), None)

    def until(self, at_ms: int) -> "Cells":
        """What had been spent by then, in whole quarter hours; of later days nothing is looked at."""
        cut = Cells(self.calendar, {})
        cut.held, cut.by_day, cut.end = self.held, dict(self.by_day), cell_of(at_ms)
        day = day_index(self.calendar, at_ms)
        first = cell_of(day_span(self.calendar, day)[0])
        cut.by_day[day] = Amounts()
        for _, amounts in cut.quarters("", (), first, cut.end):
            cut.by_day[day] = cut.by_day[day].plus(amounts)
        return cut


@dataclass(frozen=True, slots=True)
class Story:
    """One key's history of `days` days; those from `judged_from` on are forecast."""

    name: str
    cells: Cells
    days: int
    judged_from: int
    first_day: int

    def day(self, number: int) -> tuple[int, int]:
        return day_span(self.cells.calendar, self.first_day + number)

    def spent(self, number: int) -> int:
        return self.cells.by_day.get(self.first_day + number, Amounts()).cost_pico


def _calls(
    random: Random, day_ms: int, usd: float, shape: Sequence[float], call_usd: float
) -> Iterable[tuple[int, int]]:
    """(start, picodollars) of one day's calls: as many as the money buys, at times as the shape says."""
    mean = usd / call_usd
    count = max(0, round(random.gauss(mean, mean**0.5)))
    for hour in random.choices(range(24), weights=shape, k=count):
        yield day_ms + hour * 3_600_000 + random.randrange(3_600_000), round(random.expovariate(1 / call_usd) * 1e12)


DayOf = Callable[[Random, int], tuple[float, Sequence[float]]]
"""How much a day costs on average and how it is spread, by its number (0 a Monday)."""


def _made(name: str, day_of: DayOf, *, call_usd: float = 0.05, days: int = 49, judged_from: int = 21) -> Story:
    random = Random(name)
    held: defaultdict[int, Amounts] = defaultdict(Amounts)
    for number in range(days):
        usd, shape = day_of(random, number)
        usd *= random.lognormvariate(0, 0.12)
        for start_ms, pico in _calls(random, BEGINS_MS + number * DAY_MS, usd, shape, call_usd):
            held[cell_of(start_ms)] = held[cell_of(start_ms)].plus(Amounts(pico, 1000, 1))
    calendar = Calendar()
    return Story(name, Cells(calendar, dict(held)), days, judged_from, day_index(calendar, BEGINS_MS))


def _weekdays(
    working: float, weekend: float, shape: Sequence[float], random: Random, number: int
) -> tuple[float, Sequence[float]]:
    return (working if number % 7 < 5 else weekend), shape


def _growing(random: Random, number: int) -> tuple[float, Sequence[float]]:
    return 10 * 1.03**number, CONSUMER


def _batch(random: Random, number: int) -> tuple[float, Sequence[float]]:
    """A job of an hour, at night, on about two days of three."""
    shape = [0.0] * 24
    shape[random.choice((1, 2, 3))] = 1.0
    return (30 if random.random() < 0.67 else 0), shape


def _faulty(random: Random, number: int) -> tuple[float, Sequence[float]]:
    """Office hours; on every sixth day something runs away from 10:00 on and costs three times as much."""
    if number % 6 != 5:
        return 20, OFFICE
    runs = [float(weight) * (4 if hour >= 10 else 1) for hour, weight in enumerate(OFFICE)]
    return 20 * sum(runs) / sum(OFFICE), runs


def synthetic() -> list[Story]:
    return [
        _made("office hours", partial(_weekdays, 30, 3, OFFICE)),
        _made("around the clock", partial(_weekdays, 20, 20, CONSUMER)),
        _made("at night", partial(_weekdays, 20, 20, NIGHT)),
        _made("weekends", partial(_weekdays, 4, 30, CONSUMER)),
        _made("growing 3 % a day", _growing),
        _made("batch job", _batch, call_usd=0.5),
        _made("runaway now and then", _faulty),
        _made("few dear calls", partial(_weekdays, 20, 20, OFFICE), call_usd=2.0),
        _made("flat", partial(_weekdays, 15, 15, ALWAYS)),
        _made("new key", partial(_weekdays, 15, 15, OFFICE), days=10, judged_from=0),
    ]


def demo(days: int = 14, seed: int = 7) -> list[Story]:
    """The demo's two weeks and its day, by team: those of normal days, and `content` with the day that goes wrong."""
    today_ms = BEGINS_MS + days * DAY_MS
    teams: defaultdict[str, defaultdict[int, Amounts]] = defaultdict(lambda: defaultdict(Amounts))
    newest = {(s.trace_id, s.id): s for s in [*history(seed, today_ms, days), *demo_day(seed, today_ms)]}
    for span in newest.values():
        if span.total_pico():
            team = span.all_metadata().get("team", "unknown").strip('"')
            held = teams[team]
            held[cell_of(span.start_ms)] = held[cell_of(span.start_ms)].plus(Amounts(span.total_pico(), 1000, 1))
    calendar, first = Calendar(), day_index(Calendar(), BEGINS_MS)
    stories = []
    for team in ("content", "engineering", "support", "search"):
        held = teams[team]
        normal = {cell: a for cell, a in held.items() if cell_start_ms(cell) < today_ms}
        stories.append(Story(f"demo: {team}", Cells(calendar, normal), days, 7, first))
    stories.append(Story("demo: content, its bad day", Cells(calendar, dict(teams["content"])), days + 1, days, first))
    return stories

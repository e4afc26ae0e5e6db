"""How far the forecast of a day's end is off, against the plain pace; and what its warnings are worth.

Alone: `python -m tests.bench.bench_forecast`. docs/forecast.md holds its table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from fusewatch.app.forecasting import forecast_of, read_so_far
from fusewatch.domain.forecast import Forecast, SoFar, warns
from fusewatch.domain.periods import CELL_MS, Every, Period, period_at
from fusewatch.domain.rules import Scope, Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.views import View
from tests.bench.histories import Cells, Story, demo, synthetic

SHARES = (0.25, 0.50, 0.75)
LIMITS = (1.25, 1.6)
"""Budgets that are tried for the warnings: so many times the usual (median) day; most days stay below the first."""

STEP_MS = 2 * CELL_MS
NEVER = 2**62
"""A limit that is never crossed: where it lies does not change what is expected."""

Row = tuple[str, float, str, float | None]


@dataclass(frozen=True, slots=True)
class Error:
    """Of one forecast at one time of one day: how far it is off as a share of the truth, ours and the plain pace's."""

    share: float
    ours: float
    pace: float
    covered: bool


@dataclass(frozen=True, slots=True)
class Warnings:
    """Of one story at all limits. `hours` before each crossing that was warned of; counts of days."""

    days: int
    crossed: int
    hours: tuple[float, ...]
    false: int


def look(story: Story, number: int, at_ms: int) -> tuple[Forecast | None, SoFar, Period]:
    """What is forecast at that time of that day, from what had been spent by then."""
    calendar = story.cells.calendar
    view = View(Scope(), (), calendar)
    known = story.cells.until(at_ms)
    period = period_at(calendar, Every.DAY, story.day(number)[0])
    spent = known.by_day.get(story.first_day + number, Amounts())
    so_far = read_so_far(known, view, (), Unit.USD, period, spent, at_ms)
    found = forecast_of(known, view, (), period, NEVER, Unit.USD, so_far, lambda day: day >= story.first_day)
    return found, so_far, period


def errors(story: Story) -> list[Error]:
    """At 25, 50 and 75 % of each judged day that spent anything."""
    result = []
    for number in range(story.judged_from, story.days):
        start_ms, end_ms = story.day(number)
        truth = story.spent(number)
        for share in SHARES:
            found, so_far, _ = look(story, number, int(start_ms + (end_ms - start_ms) * share))
            if truth <= 0:
                continue
            pace = so_far.spent / share
            ours = pace if found is None else float(found.amount)
            covered = found is not None and found.low <= truth <= found.high
            result.append(Error(share, abs(ours - truth) / truth, abs(pace - truth) / truth, covered))
    return result


def warnings(story: Story) -> Warnings:
    """Each judged day at two limits of so many usual days, looked at every half hour."""
    usual = median(story.spent(n) for n in range(story.days) if story.spent(n) > 0)
    hours: list[float] = []
    crossed = false = 0
    for number in range(story.judged_from, story.days):
        start_ms, end_ms = story.day(number)
        looks = [(at_ms, *look(story, number, at_ms)) for at_ms in range(start_ms + STEP_MS, end_ms, STEP_MS)]
        for limit in (int(usual * factor) for factor in LIMITS):
            crossing = _crossing(story.cells, start_ms, end_ms, limit)
            warned = next(
                (at for at, found, so_far, period in looks if found and warns(found, period, limit, so_far)), None
            )
            crossed += crossing is not None
            if warned is not None and crossing is not None:
                hours.append((crossing - warned) / 3_600_000)
            false += warned is not None and crossing is None
    return Warnings(len(LIMITS) * (story.days - story.judged_from), crossed, tuple(hours), false)


def _crossing(cells: Cells, start_ms: int, end_ms: int, limit: int) -> int | None:
    spent = 0
    for at_ms in range(start_ms, end_ms, CELL_MS):
        held = cells.held.get(at_ms // CELL_MS)
        spent += held.cost_pico if held else 0
        if spent >= limit:
            return at_ms + CELL_MS
    return None


def table(stories: Sequence[Story]) -> list[str]:
    """A line for each story: median errors at 25, 50 and 75 %, ours then the pace's; coverage; warnings."""
    lines = [
        f"{'history':<28}{'ours 25/50/75 %':>22}{'pace 25/50/75 %':>22}{'in range':>10}"
        f"{'warned/crossed':>16}{'h before':>10}{'false/30 d':>12}"
    ]
    everything: list[Error] = []
    for story in stories:
        found = errors(story)
        everything += found
        lines.append(_line(story.name, found, warnings(story)))
    lines.append(_line("all", everything, None))
    return lines


def _line(name: str, found: Sequence[Error], tried: Warnings | None) -> str:
    ours = " / ".join(f"{100 * _median(found, share, ours=True):.0f}" for share in SHARES)
    pace = " / ".join(f"{100 * _median(found, share, ours=False):.0f}" for share in SHARES)
    covered = sum(e.covered for e in found) / max(1, len(found))
    line = f"{name:<28}{ours:>22}{pace:>22}{100 * covered:>8.0f} %"
    if tried is None:
        return line
    before = f"{median(tried.hours):.1f}" if tried.hours else "–"
    return f"{line}{f'{len(tried.hours)}/{tried.crossed}':>16}{before:>10}{30 * tried.false / tried.days:>12.1f}"


def _median(found: Sequence[Error], share: float, *, ours: bool) -> float:
    return median(e.ours if ours else e.pace for e in found if e.share == share)


def rows() -> list[Row]:
    """For `make bench`: the medians over all histories and days, and how often the range held."""
    found = [error for story in [*synthetic(), *demo()] for error in errors(story)]
    result: list[Row] = []
    for share in SHARES:
        ours, pace = _median(found, share, ours=True), _median(found, share, ours=False)
        result.append((f"forecast of the day's end at {share:.0%}, median error", 100 * ours, "%", 100 * pace))
    covered = 100 * sum(e.covered for e in found) / len(found)
    result.append(("forecast, truth inside its range (80 % is meant)", covered, "%", None))
    return result


if __name__ == "__main__":
    print("\n".join(table([*synthetic(), *demo()])))

"""How well the spike rules do: recall, false alerts, and the dollars that were spent before the alert.

Every method is judged at the end of each hour by the code that the daemon runs, from verdict to incident; an alert is
an incident that opens. Two collections: NAB's labelled series, and the bank of faults in `spike_bank`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from statistics import median

from fusewatch.domain.episodes import advance_episode
from fusewatch.domain.incidents import Standing, Subject, advance, with_crossings
from fusewatch.domain.notices import Crossing, Incident, Kind, Reason, Timing
from fusewatch.domain.periods import Calendar, Period, period_at
from fusewatch.domain.rules import Spike
from fusewatch.domain.usage import Amounts
from tests.bench.spike_bank import faulty, harmless
from tests.bench.spike_methods import METHODS, UNIT_COST_METHODS, Method, Past
from tests.bench.spike_series import Series, nab

FLOOR_PICO = 5 * 10**12
"""The floor of the rules on the bank, whose ordinary day costs $100. NAB's series are no money: none there."""

QUIET_HOURS = 24
"""Published scores count at most one alert a day for each series: shown beside ours, which count every one."""

_DOLLAR = 10**12


@dataclass(frozen=True, slots=True)
class Score:
    """What came of one method on some series. `spent_pico` holds, for each trouble, what it had cost at the alert that
    told of it, or in all where none did."""

    troubles: int
    found: int
    false: int
    days: float
    spent_pico: tuple[int, ...]

    @property
    def recall(self) -> float:
        return self.found / self.troubles if self.troubles else 1.0

    @property
    def false_in_30_days(self) -> float:
        return 30 * self.false / self.days if self.days else 0.0

    @property
    def spent(self) -> float:
        """The median, in dollars."""
        return median(self.spent_pico) / _DOLLAR if self.spent_pico else 0.0


def alerts(method: Method, series: Series) -> list[int]:
    """The hours at whose end an incident of the method's rule opened, from the hour on that scoring begins."""
    calendar = Calendar(series.timezone)
    rule = replace(method.rule, calendar=calendar)
    before, after = _sums(series.before_backfill), _sums(series.hours)
    memory: dict[str, Incident] = {}
    opened = []
    for hour in range(series.scored_from, len(series.hours)):
        past = Past(series, calendar, hour, before if hour < series.backfilled_at else after)
        period = period_at(calendar, rule.last, past.now_ms - 1) if rule.last else past.today
        if _opens(method, rule, past, period, memory):
            opened.append(hour)
    return opened


def _sums(hours: Sequence[Amounts]) -> list[tuple[int, int]]:
    return list(accumulate(hours, lambda sums, each: (sums[0] + each[0], sums[1] + each[2]), initial=(0, 0)))


def _opens(method: Method, rule: Spike, past: Past, period: Period, memory: dict[str, Incident]) -> bool:
    verdict = method.judge(past, rule)
    if verdict is None:
        return False
    subject = Subject(Kind.SPIKE, rule.name, (), (), period, rule.calendar.timezone)
    step = (advance_episode if rule.last else advance)(
        subject,
        verdict,
        memory.get(period.label),
        now_ms=past.now_ms - 1,
        standing=Standing.READY,
        timing=Timing.LIVE,
    )
    if step.incident is not None:
        now_ms, limit = past.now_ms - 1, step.incident.limit
        found = tuple(Crossing(t.share, t.severity, limit, now_ms, now_ms) for t in step.crossed)
        memory[period.label] = with_crossings(step.incident, found)
    return step.reason is Reason.OPENED


def score(runs: Iterable[tuple[Series, Sequence[int]]]) -> Score:
    """The score of series and the hours in which each alerted."""
    troubles = found = false = 0
    days = 0.0
    spent = []
    for series, hours in runs:
        days += series.scored_days
        false += sum(not any(trouble.holds(hour) for trouble in series.troubles) for hour in hours)
        for trouble in series.troubles:
            first = next((hour for hour in hours if trouble.holds(hour)), None)
            troubles += 1
            found += first is not None
            until = len(trouble.extra_pico) if first is None else first - trouble.first + 1
            spent.append(sum(trouble.extra_pico[:until]))
    return Score(troubles, found, false, days, tuple(spent))


def one_a_day(hours: Sequence[int]) -> list[int]:
    """The alerts that are left when each silences the next `QUIET_HOURS`."""
    kept: list[int] = []
    for hour in hours:
        if not kept or hour - kept[-1] >= QUIET_HOURS:
            kept.append(hour)
    return kept


# ---------------------------------------------------------------- tables


def nab_table() -> Iterable[str]:
    """Recall and false alerts on NAB: all series, the half by which constants were chosen, and the held-out half."""
    yield "NAB, 17 series: share of labelled windows with an alert | false alerts in 30 days and series"
    yield f"{'method':<32} {'all 17':>13} {'chosen by':>13} {'held out':>13} {'all, 1 a day':>13}"
    everything = nab()
    for method in METHODS:
        runs = [(series, alerts(method, series)) for series in everything]
        cells = [runs, runs[0::2], runs[1::2], [(series, one_a_day(hours)) for series, hours in runs]]
        yield f"{method.name:<32} " + " ".join(f"{_cell(score(cell)):>13}" for cell in cells)


def _cell(found: Score) -> str:
    return f"{found.recall:.2f} | {found.false_in_30_days:4.2f}"


def bank_tables() -> Iterable[str]:
    """The same on made-up faults, with the dollars lost, by method and by kind of fault."""
    methods = [
        replace(method, rule=replace(method.rule, floor=FLOOR_PICO)) for method in (*METHODS, *UNIT_COST_METHODS)
    ]
    faults, calm = list(faulty()), list(harmless())
    kinds, changes = (list(dict.fromkeys(name for name, _ in each)) for each in (faults, calm))
    yield f"Faults put into made-up histories ($100 a day, floor $5), {len(faults)} of them, and harmless changes"
    yield f"{'method':<36} {'recall':>7} {'$ before':>9} {'false':>6}   recall by kind: {', '.join(kinds)}"
    notes = [f"{'false alerts in 30 days by harmless change':<36}   {', '.join(changes)}"]
    for method in methods:
        found = [(name, series, alerts(method, series)) for name, series in faults]
        quiet = [(name, series, alerts(method, series)) for name, series in calm]
        whole = score((series, hours) for _, series, hours in found)
        false = score((series, hours) for _, series, hours in quiet)
        by_kind = [score((s, h) for name, s, h in found if name == kind) for kind in kinds]
        by_change = [score((s, h) for name, s, h in quiet if name == change) for change in changes]
        yield (
            f"{method.name:<36} {whole.recall:7.2f} {whole.spent:9.2f} {false.false_in_30_days:6.2f}   "
            + "  ".join(f"{each.recall:.2f} ${each.spent:.0f}" for each in by_kind)
        )
        notes.append(f"{method.name:<36}   " + "  ".join(f"{each.false_in_30_days:.2f}" for each in by_change))
    yield ""
    yield from notes


def tables() -> Iterable[str]:
    """All lines to print."""
    yield from nab_table()
    yield ""
    yield from bank_tables()

"""What is shown: one consistent picture of budgets, spikes, incidents, projects and counters, for metrics, page and
status alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from fusewatch.app.cells import Reading, baseline_days, period_kind, spent
from fusewatch.domain.incidents import Standing
from fusewatch.domain.notices import Incident
from fusewatch.domain.periods import Every, Period, cell_of, day_span, period_at
from fusewatch.domain.routing import known_values
from fusewatch.domain.rules import HIGH_CARDINALITY, Budget, RuleSet, Spike, Unit
from fusewatch.domain.verdicts import judge_budget, judge_spike, measure
from fusewatch.domain.views import Key, View, labels_view, view_of
from fusewatch.ports import (
    CounterSeries,
    DeliveryRow,
    DurationSeries,
    ProjectCounters,
    ProjectState,
    ReadUnit,
    Store,
    Totals,
)

PACE_FROM = Fraction(1, 24)
"""A pace forecast is shown once this share of the period has passed: before, one call would look like a runaway."""


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One key of one budget as it stands. Amounts are in `unit`; `forecast` is the plain pace to the period's end.

    `forecast` is None early in a period. `standing` says whether part of the period is still unread.
    """

    budget: str
    labels: tuple[tuple[str, str], ...]
    every: Every
    unit: Unit
    limit: int
    spent: int
    forecast: int | None
    resets_ms: int
    standing: Standing

    @property
    def group(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.labels)

    @property
    def ratio(self) -> float:
        """Spent / limit; infinite where something was spent of nothing."""
        if self.limit <= 0:
            return float("inf") if self.spent > 0 else 0.0
        return self.spent / self.limit


@dataclass(frozen=True, slots=True)
class SpikeLine:
    """One key of one spike rule: today so far against its baseline (both in `unit`), over `days` days."""

    rule: str
    labels: tuple[tuple[str, str], ...]
    unit: Unit
    today: int
    baseline: int
    days: int
    ratio: float

    @property
    def group(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.labels)


@dataclass(frozen=True, slots=True)
class SpendLine:
    """Spend of one set of label values (project name first) in the current day and month, 1e-12 USD."""

    labels: tuple[str, ...]
    day_pico: int
    month_pico: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is shown, read in one transaction at `now_ms`."""

    now_ms: int
    version: int
    projects: tuple[ProjectState, ...]
    totals: Totals
    budgets: tuple[BudgetLine, ...]
    spikes: tuple[SpikeLine, ...]
    loading: tuple[str, ...]
    """Rules whose period has not been read from its start: they have no series."""
    spend: tuple[SpendLine, ...]
    open_incidents: tuple[Incident, ...]
    recent_incidents: tuple[Incident, ...]
    rule_last_match_ms: Mapping[str, int]
    """When a rule's scope last saw spend (quarter-hour exact), by rule name."""
    metric_labels: tuple[str, ...]
    counters: tuple[CounterSeries, ...]
    durations: tuple[DurationSeries, ...]
    project_counters: tuple[ProjectCounters, ...]
    deliveries: Mapping[tuple[str, str], int]
    """How many deliveries each (destination, state) has."""
    stuck: tuple[DeliveryRow, ...]
    """Deliveries that are waiting or dead, oldest first."""


def take_snapshot(store: Store, rules: RuleSet, active: frozenset[str], *, now_ms: int, started_ms: int) -> Snapshot:
    """Read the picture in one transaction."""
    return store.read(lambda unit: _Picture(unit, rules, active, now_ms, started_ms).take())


class _Picture:
    """The reading of one picture inside its transaction."""

    def __init__(self, unit: ReadUnit, rules: RuleSet, active: frozenset[str], now_ms: int, started_ms: int) -> None:
        self.unit = unit
        self.rules = rules
        self.now_ms = now_ms
        projects = {p.key: p for p in unit.projects()}
        self.names = {key: p.name for key, p in projects.items()}
        self.reading = Reading(
            projects, unit.coverage(), active & projects.keys(), started_ms, now_ms, known_from=unit.known_from()
        )
        self.built = unit.built_views()
        self.ready = {name for name, state in unit.rule_states().items() if state.ready_ms is not None}

    def take(self) -> Snapshot:
        budgets: list[BudgetLine] = []
        spikes: list[SpikeLine] = []
        loading: list[str] = []
        for rule in self.rules.rules:
            view = view_of(rule, self.rules, self.names)
            period = period_at(rule.calendar, period_kind(rule), self.now_ms)
            if rule.name not in self.ready or view.id not in self.built:
                loading.append(rule.name)
            elif isinstance(rule, Budget):
                budgets.extend(self._budget(rule, view, period))
            else:
                spikes.extend(self._spike(rule, view, period))
        unit = self.unit
        return Snapshot(
            now_ms=self.now_ms,
            version=unit.version(),
            projects=tuple(p for p in unit.projects() if p.key in self.reading.active),
            totals=unit.totals(),
            budgets=tuple(budgets),
            spikes=tuple(spikes),
            loading=tuple(loading),
            spend=tuple(self._spend()),
            open_incidents=tuple(unit.incidents(open_only=True, limit=10_000)),
            recent_incidents=tuple(unit.incidents(open_only=False, limit=50)),
            rule_last_match_ms=self._last_matches(),
            metric_labels=self.rules.metric_labels,
            counters=tuple(unit.counters()),
            durations=tuple(unit.durations()),
            project_counters=tuple(unit.project_counters()),
            deliveries=unit.delivery_counts(),
            stuck=tuple(unit.deliveries(states=("pending", "claimed", "dead"), limit=50)),
        )

    def _budget(self, budget: Budget, view: View, period: Period) -> list[BudgetLine]:
        lines = []
        standing = self.reading.standing(view, period.start_ms, ready=True)
        for key in self._keys(view, budget.each, period):
            labels = self._labels(budget.each, key)
            verdict = judge_budget(
                budget, known_values(budget, labels), spent(self.unit, view, key, period), self.now_ms
            )
            if verdict is None:
                continue
            lines.append(
                BudgetLine(
                    budget=budget.name,
                    labels=labels,
                    every=budget.every,
                    unit=verdict.unit,
                    limit=verdict.limit,
                    spent=verdict.measured,
                    forecast=_pace(verdict.measured, period, self.now_ms),
                    resets_ms=period.end_ms,
                    standing=standing,
                )
            )
        return lines

    def _keys(self, view: View, each: tuple[str, ...], period: Period) -> Sequence[Key]:
        """A rule without `each` has its one key always; others the keys of this period."""
        return self.unit.keys(view.id, cell_of(period.start_ms)) if each else [()]

    def _spike(self, spike: Spike, view: View, today: Period) -> list[SpikeLine]:
        lines = []
        for key in self._keys(view, spike.each, today):
            days = baseline_days(self.unit, view, key, spike, today, lambda day: self._is_read(view, day))
            now = measure(spent(self.unit, view, key, today), spike.unit)
            verdict = judge_spike(spike, now, days)
            if verdict is None or not verdict.baseline:
                continue
            lines.append(
                SpikeLine(
                    rule=spike.name,
                    labels=self._labels(spike.each, key),
                    unit=spike.unit,
                    today=now,
                    baseline=verdict.baseline,
                    days=verdict.baseline_days,
                    ratio=now / verdict.baseline,
                )
            )
        return lines

    def _is_read(self, view: View, day: int) -> bool:
        return self.reading.is_read(view, *day_span(view.calendar, day))

    def _labels(self, each: tuple[str, ...], key: Key) -> tuple[tuple[str, str], ...]:
        return tuple(
            (name, self.names.get(value, value) if name == "project" else value)
            for name, value in zip(each, key, strict=True)
        )

    def _spend(self) -> list[SpendLine]:
        view = labels_view(self.rules)
        if view.id not in self.built:
            return []
        day = period_at(self.rules.calendar, Every.DAY, self.now_ms)
        month = period_at(self.rules.calendar, Every.MONTH, self.now_ms)
        lines = []
        for key in self.unit.keys(view.id, cell_of(min(month.start_ms, day.start_ms))):
            project = self.reading.projects.get(key[0])
            if project is None or project.loaded_ms is None:
                continue
            lines.append(
                SpendLine(
                    labels=(project.name, *key[1:]),
                    day_pico=spent(self.unit, view, key, day).cost_pico,
                    month_pico=spent(self.unit, view, key, month).cost_pico,
                )
            )
        return lines

    def _last_matches(self) -> dict[str, int]:
        views = {rule.name: view_of(rule, self.rules, self.names).id for rule in self.rules.rules}
        last = self.unit.last_cells()
        return {name: last[view] * 900_000 for name, view in views.items() if view in last}


def _pace(measured: int, period: Period, now_ms: int) -> int | None:
    """The amount at the period's end if it goes on as it did so far."""
    elapsed = Fraction(now_ms - period.start_ms, period.end_ms - period.start_ms)
    return None if elapsed < PACE_FROM else int(measured / elapsed)


def people_keyed(line: BudgetLine | SpikeLine) -> bool:
    """Whether the key holds a user or a session, which never become metric labels."""
    return any(name in HIGH_CARDINALITY for name, _ in line.labels)

"""What is shown: one consistent picture of budgets, spikes, incidents, projects and counters, for metrics, page and
status alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fusewatch.app.cells import prepare_spent, reading_of, spent
from fusewatch.app.forecasting import Outlook
from fusewatch.app.signposts import Signposts
from fusewatch.app.spiking import judge_spike_now
from fusewatch.domain.forecast import Forecast
from fusewatch.domain.holding import Held
from fusewatch.domain.incidents import Standing
from fusewatch.domain.nearest import Misfit, misfits
from fusewatch.domain.notices import Incident, NoticeLink
from fusewatch.domain.periods import Every, Last, Period, cell_of, period_at
from fusewatch.domain.readplan import looks_from
from fusewatch.domain.routing import known_values
from fusewatch.domain.rules import HIGH_CARDINALITY, Budget, RuleSet, Spike, Unit, period_kind
from fusewatch.domain.silences import Silence
from fusewatch.domain.verdicts import judge_budget
from fusewatch.domain.views import Key, View, labels_view, totals_view, view_of
from fusewatch.ports import (
    CounterSeries,
    DeliveryRow,
    DurationSeries,
    Linker,
    ProjectCounters,
    ProjectState,
    ReadUnit,
    Store,
    Totals,
)

SHAPED_KEYS = 100
"""Of each budget so many keys, those nearest to their limit, are compared with their earlier days; of the others the
plain pace is shown, so that a picture costs the same whatever the number of keys."""

LINKED = 200
"""So many open incidents get links."""

_UNMATCHED_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One key of one budget as it stands. Amounts are in `unit`.

    `forecast` is None while nothing can be said; it and `resets_ms` are None for a rolling window, which has no end.
    `standing` says whether part of the period is still unread. `estimated` is the part of `spent` that is our own
    estimate, 1e-12 USD.
    """

    budget: str
    labels: tuple[tuple[str, str], ...]
    every: Every | Last
    unit: Unit
    limit: int
    spent: int
    forecast: Forecast | None
    resets_ms: int | None
    standing: Standing
    estimated: int = 0

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
    """One key of one spike rule: today so far, or the `last` window, against its baseline (both in `unit`), over `days`
    days. `estimated` is the part of `today` that is our own estimate, 1e-12 USD."""

    rule: str
    labels: tuple[tuple[str, str], ...]
    unit: Unit
    today: int
    baseline: int
    days: int
    ratio: float
    estimated: int = 0
    last: Last | None = None
    fires: bool = False
    """Whether the rule's line is passed, floor and all."""

    @property
    def group(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.labels)


@dataclass(frozen=True, slots=True)
class SpendLine:
    """Spend of one set of label values (project name first) in the current day and month, 1e-12 USD: Langfuse's own
    cost, and beside it our estimate for usage without a price."""

    labels: tuple[str, ...]
    day_pico: int
    month_pico: int
    day_estimate_pico: int = 0
    month_estimate_pico: int = 0


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A rule whose scope matched nothing lately, though there was spend; `misfits`: the patterns that fit nothing."""

    rule: str
    misfits: tuple[Misfit, ...]


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
    unmatched: tuple[Unmatched, ...] = ()
    """Rules that matched nothing in their period and in the last 7 days."""
    held: tuple[Held, ...] = ()
    """Notices that wait for the end of quiet hours or of a silence, oldest first."""
    silences: tuple[Silence, ...] = ()
    """Those that are active, the one that ends last first."""
    links: Mapping[str, tuple[NoticeLink, ...]] = field(default_factory=dict)
    """To the rows of the first open incidents, by incident id."""

    def held_of(self, incident: Incident) -> tuple[Held, ...]:
        """What waits of one incident: one for each destination."""
        return tuple(held for held in self.held if held.incident_id == incident.id)


def take_snapshot(
    store: Store,
    rules: RuleSet,
    active: frozenset[str],
    *,
    now_ms: int,
    started_ms: int,
    linker: Linker | None = None,
) -> Snapshot:
    """Read the picture in one transaction."""
    return store.read(lambda unit: _Picture(unit, rules, active, now_ms, started_ms, linker).take())


class _Picture:
    """The reading of one picture inside its transaction."""

    def __init__(
        self,
        unit: ReadUnit,
        rules: RuleSet,
        active: frozenset[str],
        now_ms: int,
        started_ms: int,
        linker: Linker | None = None,
    ) -> None:
        self.unit = unit
        self.linker = linker
        self.rules = rules
        self.now_ms = now_ms
        self.reading = reading_of(unit, active, started_ms=started_ms, now_ms=now_ms)
        self.names = {key: p.name for key, p in self.reading.projects.items()}
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
            unmatched=tuple(self._unmatched()),
            metric_labels=self.rules.metric_labels,
            counters=tuple(unit.counters()),
            durations=tuple(unit.durations()),
            project_counters=tuple(unit.project_counters()),
            deliveries=unit.delivery_counts(),
            stuck=tuple(unit.deliveries(states=("pending", "claimed", "dead"), limit=50)),
            held=tuple(unit.held()),
            silences=tuple(unit.silences(active_at_ms=self.now_ms)),
            links=self._links(),
        )

    def _links(self) -> dict[str, tuple[NoticeLink, ...]]:
        if self.linker is None:
            return {}
        projects = {key: self.reading.projects[key] for key in self.reading.active}
        signs = Signposts(self.linker, self.rules, projects, self.unit.values)
        incidents = self.unit.incidents(open_only=True, limit=LINKED)
        return {incident.id: signs.of_incident(incident, self.now_ms) for incident in incidents}

    def _budget(self, budget: Budget, view: View, period: Period) -> list[BudgetLine]:
        lines = []
        rolling = isinstance(budget.every, Last)
        standing = self.reading.standing(view, period.start_ms, ready=True)
        judged = []
        keys = self._keys(view, budget.each, period)
        prepare_spent(self.unit, view, keys, period)
        for key in keys:
            labels = self._labels(budget.each, key)
            amounts = spent(self.unit, view, key, period)
            verdict = judge_budget(budget, known_values(budget, labels), amounts, self.now_ms)
            if verdict is not None:
                judged.append((key, labels, amounts, verdict))
        worst = sorted(judged, key=lambda one: -one[3].measured / max(one[3].limit, 1))[:SHAPED_KEYS]
        shaped = {key for key, *_ in worst}
        outlook = None if rolling else Outlook(self.unit, self.reading, view, period)
        if outlook is not None:
            outlook.prepare(self.unit, keys)
        for key, labels, amounts, verdict in judged:
            lines.append(
                BudgetLine(
                    budget=budget.name,
                    labels=labels,
                    every=budget.every,
                    unit=verdict.unit,
                    limit=verdict.limit,
                    spent=verdict.measured,
                    forecast=None if outlook is None else outlook.of(key, verdict, amounts, shaped=key in shaped),
                    resets_ms=None if rolling else period.end_ms,
                    standing=standing,
                    estimated=verdict.estimated,
                )
            )
        return lines

    def _keys(self, view: View, each: tuple[str, ...], period: Period) -> Sequence[Key]:
        """A rule without `each` has its one key always; others the keys of this period."""
        return self.unit.keys(view.id, cell_of(period.start_ms)) if each else [()]

    def _spike(self, spike: Spike, view: View, period: Period) -> list[SpikeLine]:
        lines = []
        for key in self._keys(view, spike.each, period):
            verdict = judge_spike_now(self.unit, view, key, spike, period, self.reading)
            if verdict is None or not verdict.baseline:
                continue
            lines.append(
                SpikeLine(
                    rule=spike.name,
                    labels=self._labels(spike.each, key),
                    unit=spike.unit,
                    today=verdict.measured,
                    baseline=verdict.baseline,
                    days=verdict.baseline_days,
                    ratio=verdict.measured / verdict.baseline,
                    estimated=verdict.estimated,
                    last=spike.last,
                    fires=bool(verdict.passed),
                )
            )
        return lines

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
        keys = self.unit.keys(view.id, cell_of(min(month.start_ms, day.start_ms)))
        for period in (day, month):
            prepare_spent(self.unit, view, keys, period)
        for key in keys:
            project = self.reading.projects.get(key[0])
            if project is None or project.loaded_ms is None:
                continue
            today, this_month = (spent(self.unit, view, key, period) for period in (day, month))
            lines.append(
                SpendLine(
                    labels=(project.name, *key[1:]),
                    day_pico=today.cost_pico,
                    month_pico=this_month.cost_pico,
                    day_estimate_pico=today.estimate_pico,
                    month_estimate_pico=this_month.estimate_pico,
                )
            )
        return lines

    def _unmatched(self) -> Iterator[Unmatched]:
        """Told only where there is spend that it could have matched: an idle weekend says nothing about a rule."""
        last = self.unit.last_cells()
        anything = last.get(totals_view(self.rules).id)
        for rule in self.rules.rules:
            view = view_of(rule, self.rules, self.names)
            if rule.name not in self.ready or view.id not in self.built or anything is None:
                continue
            since = cell_of(min(looks_from(rule, self.now_ms), self.now_ms - _UNMATCHED_MS))
            if last.get(view.id, since - 1) < since <= anything:
                yield Unmatched(rule.name, misfits(rule.scope, self.unit.values))

    def _last_matches(self) -> dict[str, int]:
        views = {rule.name: view_of(rule, self.rules, self.names).id for rule in self.rules.rules}
        last = self.unit.last_cells()
        return {name: last[view] * 900_000 for name, view in views.items() if view in last}


def people_keyed(line: BudgetLine | SpikeLine) -> bool:
    """Whether the key holds a user or a session, which never become metric labels."""
    return any(name in HIGH_CARDINALITY for name, _ in line.labels)

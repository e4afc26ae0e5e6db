"""The reading API: budgets, incidents and spend as JSON. Amounts are exact decimals in strings, instants RFC 3339."""

from collections.abc import Sequence
from dataclasses import dataclass

from fusewatch.app.snapshot import BudgetLine, Snapshot
from fusewatch.domain.holding import Held
from fusewatch.domain.money import usd_json
from fusewatch.domain.notices import Incident
from fusewatch.web.textformat import utf8
from fusewatch.web.words import plain_amount, rfc3339


@dataclass(frozen=True, slots=True)
class BudgetBody:
    """One key of one budget. `limit`, `spent` and `forecast` count `unit`: usd, tokens or requests.

    `every` is `hour`, `day`, `week` or `month`; for a rolling window it is `last:24h`, and `resets_at` is null.
    `estimated_usd` is the part of `spent` that is our own estimate, for usage without a price in Langfuse.
    `used_ratio` is null where something was spent of a limit of nothing. `forecast` is the spend expected at the
    period's end, null early in it, in 8 of 10 cases from `forecast_low` to `forecast_high`; it rests on the `shape` of
    earlier days or on the plain `pace`. `crosses_at` is when it crosses the limit, null if it does not. `standing` is
    `catching_up` while part of the period is unread: `spent` is a lower bound then.
    """

    budget: str
    group: str
    key: dict[str, str]
    every: str
    unit: str
    limit: str
    spent: str
    estimated_usd: str
    forecast: str | None
    forecast_low: str | None
    forecast_high: str | None
    forecast_basis: str | None
    crosses_at: str | None
    used_ratio: float | None
    resets_at: str | None
    standing: str


@dataclass(frozen=True, slots=True)
class BudgetsBody:
    """Budgets, worst first. `total` counts all, also those beyond the asked number.

    `loading` names the rules whose period has not been read from its start: nothing can be said of them yet.
    """

    at: str
    data_as_of: dict[str, str | None]
    total: int
    budgets: list[BudgetBody]
    loading: list[str]


@dataclass(frozen=True, slots=True)
class CrossingBody:
    """One threshold that was crossed, a share of `limit`; `learned_at` is when Fusewatch knew."""

    share: float
    severity: str
    limit: str
    at: str
    learned_at: str


@dataclass(frozen=True, slots=True)
class HeldBody:
    """A destination that was not told yet, and why: ``quiet_hours`` or ``silence``, then with its id."""

    destination: str
    why: str
    silence: str
    until: str


@dataclass(frozen=True, slots=True)
class IncidentBody:
    """One episode of one rule, key and period. `measured`, `limit` and `baseline` count `unit`; `estimated_usd`
    is what of it is our own estimate, for `unpriced` what its requests are estimated to cost. `told` are the
    destinations that were told of it, `held` those for whom something of it waits, `acknowledged_by` is who looks after
    it, "" for nobody."""

    id: str
    kind: str
    rule: str
    group: str
    key: dict[str, str]
    period: str
    period_start: str
    period_end: str
    timezone: str
    state: str
    severity: str
    unit: str
    measured: str
    estimated_usd: str
    limit: str
    baseline: str | None
    opened_at: str
    changed_at: str
    detail: str
    told: list[str]
    held: list[HeldBody]
    acknowledged_by: str
    acknowledged_at: str | None
    crossings: list[CrossingBody]


@dataclass(frozen=True, slots=True)
class IncidentsBody:
    """Open incidents, and the latest ones whatever their state; newest change first. `open_total` counts all open."""

    at: str
    open_total: int
    open: list[IncidentBody]
    recent: list[IncidentBody]


@dataclass(frozen=True, slots=True)
class SpendRow:
    """The spend of one set of label values in the current calendar day and month, in US dollars: the cost as Langfuse
    reports it, and apart from it our estimate for usage without a price."""

    labels: dict[str, str]
    day_usd: str
    month_usd: str
    day_estimated_usd: str
    month_estimated_usd: str


@dataclass(frozen=True, slots=True)
class SpendBody:
    """Spend by the labels that the metrics have, dearest month first. The sums are over all rows, told or not."""

    at: str
    data_as_of: dict[str, str | None]
    day_usd: str
    month_usd: str
    day_estimated_usd: str
    month_estimated_usd: str
    total: int
    spend: list[SpendRow]


@dataclass(frozen=True, slots=True)
class ProblemBody:
    """What went wrong with a request (RFC 9457)."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"


def budgets_body(snapshot: Snapshot, limit: int) -> BudgetsBody:
    lines = worst_first(snapshot.budgets)
    return BudgetsBody(
        at=rfc3339(snapshot.now_ms),
        data_as_of=_data_as_of(snapshot),
        total=len(lines),
        budgets=[_budget(line) for line in lines[:limit]],
        loading=list(snapshot.loading),
    )


def incidents_body(snapshot: Snapshot, limit: int) -> IncidentsBody:
    return IncidentsBody(
        at=rfc3339(snapshot.now_ms),
        open_total=len(snapshot.open_incidents),
        open=[_incident(incident, snapshot.held_of(incident)) for incident in snapshot.open_incidents[:limit]],
        recent=[_incident(incident, snapshot.held_of(incident)) for incident in snapshot.recent_incidents[:limit]],
    )


def spend_body(snapshot: Snapshot, limit: int) -> SpendBody:
    names = ("project", *snapshot.metric_labels)
    lines = sorted(snapshot.spend, key=lambda line: (-line.month_pico, line.labels))
    return SpendBody(
        at=rfc3339(snapshot.now_ms),
        data_as_of=_data_as_of(snapshot),
        day_usd=usd_json(sum(line.day_pico for line in lines)),
        month_usd=usd_json(sum(line.month_pico for line in lines)),
        day_estimated_usd=usd_json(sum(line.day_estimate_pico for line in lines)),
        month_estimated_usd=usd_json(sum(line.month_estimate_pico for line in lines)),
        total=len(lines),
        spend=[
            SpendRow(
                _key(zip(names, line.labels, strict=True)),
                usd_json(line.day_pico),
                usd_json(line.month_pico),
                usd_json(line.day_estimate_pico),
                usd_json(line.month_estimate_pico),
            )
            for line in lines[:limit]
        ],
    )


def worst_first(lines: Sequence[BudgetLine]) -> list[BudgetLine]:
    """By their used share; of equal ones by name."""
    return sorted(lines, key=lambda line: (-line.ratio, line.budget, line.labels))


def _budget(line: BudgetLine) -> BudgetBody:
    found = line.forecast
    return BudgetBody(
        budget=utf8(line.budget),
        group=utf8(line.group),
        key=_key(line.labels),
        every=line.every.value,
        unit=line.unit.value,
        limit=plain_amount(line.limit, line.unit),
        spent=plain_amount(line.spent, line.unit),
        estimated_usd=usd_json(line.estimated),
        forecast=None if found is None else plain_amount(found.amount, line.unit),
        forecast_low=None if found is None else plain_amount(found.low, line.unit),
        forecast_high=None if found is None else plain_amount(found.high, line.unit),
        forecast_basis=None if found is None else found.basis.value,
        crosses_at=None if found is None or found.crosses_at_ms is None else rfc3339(found.crosses_at_ms),
        used_ratio=line.ratio if line.ratio != float("inf") else None,
        resets_at=None if line.resets_ms is None else rfc3339(line.resets_ms),
        standing=line.standing.value,
    )


def _incident(incident: Incident, waits: Sequence[Held]) -> IncidentBody:
    unit = incident.unit
    return IncidentBody(
        id=incident.id,
        kind=incident.kind.value,
        rule=utf8(incident.rule),
        group=utf8(incident.group),
        key=_key(incident.labels),
        period=incident.period,
        period_start=rfc3339(incident.period_start_ms),
        period_end=rfc3339(incident.period_end_ms),
        timezone=incident.timezone,
        state=incident.state.value,
        severity=incident.severity.word,
        unit=unit.value,
        measured=plain_amount(incident.measured, unit),
        estimated_usd=usd_json(incident.estimated),
        limit=plain_amount(incident.limit, unit),
        baseline=None if incident.baseline is None else plain_amount(incident.baseline, unit),
        opened_at=rfc3339(incident.opened_ms),
        changed_at=rfc3339(incident.changed_ms),
        detail=utf8(incident.detail),
        told=[utf8(name) for name in incident.told],
        held=[HeldBody(utf8(h.destination), h.hold.why.value, h.hold.silence, rfc3339(h.hold.until_ms)) for h in waits],
        acknowledged_by=utf8(incident.acked_by),
        acknowledged_at=None if incident.acked_ms is None else rfc3339(incident.acked_ms),
        crossings=[
            CrossingBody(
                share=float(crossing.share),
                severity=crossing.severity.word,
                limit=plain_amount(crossing.limit, unit),
                at=rfc3339(crossing.at_ms),
                learned_at=rfc3339(crossing.learned_ms),
            )
            for crossing in incident.crossings
        ],
    )


def _data_as_of(snapshot: Snapshot) -> dict[str, str | None]:
    return {
        utf8(project.name): None if project.data_as_of_ms is None else rfc3339(project.data_as_of_ms)
        for project in snapshot.projects
    }


def _key(pairs: "Sequence[tuple[str, str]] | zip[tuple[str, str]]") -> dict[str, str]:
    return {utf8(name): utf8(value) for name, value in pairs}

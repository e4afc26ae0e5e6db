"""What the reading API tells: budgets, incidents and spend as JSON. Amounts are exact decimals in strings, instants RFC
3339."""

from collections.abc import Sequence
from dataclasses import dataclass

from fusewatch.app.reports import Breakdown, Group
from fusewatch.app.reports import total as total_of
from fusewatch.app.snapshot import BudgetLine, Snapshot, SpendLine
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
    """One page of the budgets asked for, of `total`; `next` is the cursor of the next page.

    `loading` names the rules whose period has not been read from its start: nothing can be said of them yet.
    """

    at: str
    data_as_of: dict[str, str | None]
    total: int
    budgets: list[BudgetBody]
    loading: list[str]
    next: str | None


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
    """One page of the incidents asked for, of `total`, the one that opened last first; `open_total` counts those of
    them that are open, `next` is the cursor of the next page."""

    at: str
    total: int
    open_total: int
    incidents: list[IncidentBody]
    next: str | None


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
    """Spend by the labels that the metrics have, `next` the cursor of the next page. The sums are over all rows asked
    for, on this page or not."""

    at: str
    data_as_of: dict[str, str | None]
    day_usd: str
    month_usd: str
    day_estimated_usd: str
    month_estimated_usd: str
    total: int
    spend: list[SpendRow]
    next: str | None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What the calls of one key used; `estimated_usd` is our estimate for those of them without a whole price."""

    key: dict[str, str]
    usd: str
    estimated_usd: str
    requests: int
    unpriced_requests: int
    tokens: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class GapBody:
    """A part of the span that was not read of a project, so that its sums are lower bounds."""

    project: str
    starts_at: str
    ends_at: str


@dataclass(frozen=True, slots=True)
class UsageBody:
    """What the calls that started from `starts_at` until `ends_at` used, by the dimensions asked for. The sums are over
    all rows asked for, on this page or not; `read_until` is until when every project was read."""

    at: str
    starts_at: str
    ends_at: str
    by: list[str]
    usd: str
    estimated_usd: str
    requests: int
    tokens: int
    total: int
    spend: list[UsageRow]
    gaps: list[GapBody]
    read_until: str | None
    next: str | None


def budgets_body(snapshot: Snapshot, lines: Sequence[BudgetLine], total: int, following: str | None) -> BudgetsBody:
    return BudgetsBody(
        at=rfc3339(snapshot.now_ms),
        data_as_of=_data_as_of(snapshot),
        total=total,
        budgets=[_budget(line) for line in lines],
        loading=[utf8(name) for name in snapshot.loading],
        next=following,
    )


def incidents_body(
    snapshot: Snapshot, incidents: Sequence[Incident], total: int, open_total: int, following: str | None
) -> IncidentsBody:
    return IncidentsBody(
        at=rfc3339(snapshot.now_ms),
        total=total,
        open_total=open_total,
        incidents=[incident_body(incident, snapshot.held_of(incident)) for incident in incidents],
        next=following,
    )


def spend_body(
    snapshot: Snapshot, lines: Sequence[SpendLine], told: Sequence[SpendLine], following: str | None
) -> SpendBody:
    """Of all `lines` the sums, of those `told` the rows."""
    names = ("project", *snapshot.metric_labels)
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
            for line in told
        ],
        next=following,
    )


def usage_body(
    found: Breakdown,
    by: Sequence[str],
    groups: Sequence[Group],
    told: Sequence[Group],
    following: str | None,
    now_ms: int,
) -> UsageBody:
    """Of all `groups` the sums, of those `told` the rows; their keys are of the dimensions `by`."""
    whole = total_of(group.usage for group in groups)
    return UsageBody(
        at=rfc3339(now_ms),
        starts_at=rfc3339(found.span.from_ms),
        ends_at=rfc3339(found.span.to_ms),
        by=[utf8(name) for name in by],
        usd=usd_json(whole.cost_pico),
        estimated_usd=usd_json(whole.estimate_pico),
        requests=whole.calls,
        tokens=sum(whole.tokens),
        total=len(groups),
        spend=[
            UsageRow(
                key=_key(zip(by, group.key, strict=True)),
                usd=usd_json(group.usage.cost_pico),
                estimated_usd=usd_json(group.usage.estimate_pico),
                requests=group.usage.calls,
                unpriced_requests=group.usage.unpriced,
                tokens=sum(group.usage.tokens),
                input_tokens=group.usage.input_tokens,
                output_tokens=group.usage.output_tokens,
            )
            for group in told
        ],
        gaps=[GapBody(utf8(gap.project), rfc3339(gap.span.from_ms), rfc3339(gap.span.to_ms)) for gap in found.gaps],
        read_until=None if found.as_of_ms is None else rfc3339(found.as_of_ms),
        next=following,
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


def incident_body(incident: Incident, waits: Sequence[Held]) -> IncidentBody:
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

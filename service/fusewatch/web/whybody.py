"""The answer to `why` as fields, the same over the API and with `--json`. Amounts are exact decimals in strings."""

from dataclasses import dataclass

from fusewatch.app.whyfacts import Explained, Hindrance, KeyLine, Overview, Rung, Subject, Told
from fusewatch.domain.rules import Budget, Unit, period_kind
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import measure
from fusewatch.web.textformat import utf8
from fusewatch.web.words import plain_amount, rfc3339


@dataclass(frozen=True, slots=True)
class MisfitBody:
    """A pattern of `where` that fits no value that exists, and the existing values nearest to it."""

    dimension: str
    patterns: list[str]
    nearest: list[str]


@dataclass(frozen=True, slots=True)
class RuleBody:
    """The rule as it was in force at `at`: `in_force_since` and `in_force_until` are those of its version of the budget
    file, null where no older version is kept or it still holds. `existed`: that version had the rule; `differs_today`:
    today's file has another one by that name, or none. `standing` is `loading`, `catching_up` or `ready`;
    `reading_again_hours` counts the history that is read again since attribution changed. `nothing_matched` is null
    unless the rule matched nothing in its period and in 7 days."""

    name: str
    kind: str
    every: str
    each: list[str]
    at: str
    data_as_of: str
    in_force_since: str | None
    in_force_until: str | None
    existed: bool
    differs_today: bool
    period: str
    period_start: str
    period_end: str
    timezone: str
    standing: str
    reading_again_hours: int
    nothing_matched: list[MisfitBody] | None


@dataclass(frozen=True, slots=True)
class SpendBody:
    """What was spent in the period up to `at`, counted in the rule's unit: `as_known_then` and `as_known_now`.
    `late` is what was first seen after `at`, in `late_requests` calls; `changed_requests` calls have another cost since
    then, together by `changed_usd`. `estimated_usd` is the part of `as_known_now` that is our own estimate."""

    as_known_then: str
    as_known_now: str
    late: str
    late_requests: int
    changed_requests: int
    changed_usd: str
    estimated_usd: str


@dataclass(frozen=True, slots=True)
class ToldBody:
    """A delivery: `state` is `pending`, `claimed` or `sent`; `text` is what the receiver last said against it."""

    destination: str
    state: str
    created_at: str
    sent_at: str | None
    next_attempt_at: str | None
    attempts: int
    text: str


@dataclass(frozen=True, slots=True)
class UntoldBody:
    """Why it was not told, of one destination or, with "", of all: `reason` is one of `app.whyfacts.Untold`. `least` is
    the least severity that the destination takes; `until` when what held it ends or ended."""

    reason: str
    destination: str
    until: str | None
    silence: str
    least: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class ThresholdBody:
    """A share of the limit and the least `amount` that passes it; `missing` of it, as known then, 0 when passed.
    `expected_at` is when the next one will be crossed at this pace."""

    share: float
    severity: str
    amount: str
    missing: str
    crossed_at: str | None
    learned_at: str | None
    expected_at: str | None
    told: list[ToldBody]
    untold: list[UntoldBody]


@dataclass(frozen=True, slots=True)
class ForecastBody:
    """The spend expected at the period's end, in 8 of 10 cases from `low` to `high`; `crosses_at` of its limit."""

    amount: str
    low: str
    high: str
    basis: str
    crosses_at: str | None


@dataclass(frozen=True, slots=True)
class ExplainedBody:
    """One key. `limit` is null where `none` holds, or where a spike has too few days; `override` says that not the
    rule's own limit holds, `because` why. `baseline` and `days` are a spike's: what today is compared with."""

    rule: RuleBody
    group: str
    key: dict[str, str]
    unit: str
    spend: SpendBody
    limit: str | None
    override: bool
    because: str
    limit_until: str | None
    baseline: str | None
    days: list[str]
    thresholds: list[ThresholdBody]
    forecast: ForecastBody | None
    forecast_told: list[ToldBody]


@dataclass(frozen=True, slots=True)
class KeyBody:
    """One key of many, with what it had spent as known then."""

    group: str
    unit: str
    spent: str
    limit: str | None


@dataclass(frozen=True, slots=True)
class OverviewBody:
    """The keys nearest to their limit, worst first; `total` counts all of the period."""

    rule: RuleBody
    total: int
    keys: list[KeyBody]


def why_body(answer: Explained | Overview) -> ExplainedBody | OverviewBody:
    if isinstance(answer, Overview):
        return OverviewBody(_rule(answer.subject), answer.total, [_key(line) for line in answer.lines])
    return _explained(answer)


def _explained(answer: Explained) -> ExplainedBody:
    unit = answer.unit
    found = answer.forecast
    return ExplainedBody(
        rule=_rule(answer.subject),
        group=utf8(answer.group),
        key={utf8(name): utf8(value) for name, value in answer.labels},
        unit=unit.value,
        spend=_spend(answer),
        limit=_amount(answer.limit, unit),
        override=answer.overridden,
        because=utf8(answer.because),
        limit_until=_time(answer.limit_until_ms),
        baseline=_amount(answer.baseline, unit),
        days=[plain_amount(day, unit) for day in answer.days],
        thresholds=[_threshold(rung, unit) for rung in answer.rungs],
        forecast=None
        if found is None
        else ForecastBody(
            amount=plain_amount(found.amount, unit),
            low=plain_amount(found.low, unit),
            high=plain_amount(found.high, unit),
            basis=found.basis.value,
            crosses_at=_time(found.crosses_at_ms),
        ),
        forecast_told=[_told(told) for told in answer.warned],
    )


def _rule(subject: Subject) -> RuleBody:
    rule, period = subject.rule, subject.period
    return RuleBody(
        name=utf8(rule.name),
        kind="budget" if isinstance(rule, Budget) else "spike",
        every=period_kind(rule).value,
        each=[utf8(name) for name in rule.each],
        at=rfc3339(subject.at_ms),
        data_as_of=rfc3339(subject.as_of_ms),
        in_force_since=_time(subject.version.since_ms),
        in_force_until=_time(subject.version.until_ms),
        existed=subject.existed,
        differs_today=subject.differs,
        period=period.label,
        period_start=rfc3339(period.start_ms),
        period_end=rfc3339(period.end_ms),
        timezone=rule.calendar.timezone,
        standing=subject.standing.value,
        reading_again_hours=-(-subject.stale_ms // 3_600_000),
        nothing_matched=None
        if subject.misfits is None
        else [
            MisfitBody(utf8(m.dimension), [utf8(p) for p in m.patterns], [utf8(n) for n in m.nearest])
            for m in subject.misfits
        ],
    )


def _spend(answer: Explained) -> SpendBody:
    spend, unit = answer.spend, answer.unit

    def of(amounts: Amounts) -> str:
        return plain_amount(measure(amounts, unit), unit)

    return SpendBody(
        as_known_then=of(spend.then),
        as_known_now=of(spend.now),
        late=of(spend.late),
        late_requests=spend.late.requests,
        changed_requests=spend.changed,
        changed_usd=plain_amount(spend.changed_pico, Unit.USD),
        estimated_usd=plain_amount(spend.now.estimate_pico, Unit.USD),
    )


def _threshold(rung: Rung, unit: Unit) -> ThresholdBody:
    return ThresholdBody(
        share=float(rung.share),
        severity=rung.severity.word,
        amount=plain_amount(rung.amount, unit),
        missing=plain_amount(rung.missing, unit),
        crossed_at=_time(rung.crossed_ms),
        learned_at=_time(rung.learned_ms),
        expected_at=_time(rung.expected_ms),
        told=[_told(told) for told in rung.told],
        untold=[_untold(one) for one in rung.untold],
    )


def _told(told: Told) -> ToldBody:
    return ToldBody(
        destination=utf8(told.destination),
        state=told.state,
        created_at=rfc3339(told.created_ms),
        sent_at=_time(told.sent_ms),
        next_attempt_at=_time(told.next_ms),
        attempts=told.attempts,
        text=utf8(told.text),
    )


def _untold(one: Hindrance) -> UntoldBody:
    return UntoldBody(
        reason=one.reason.value,
        destination=utf8(one.destination),
        until=_time(one.until_ms),
        silence=one.silence,
        least=None if one.least is None else one.least.word,
        detail=utf8(one.detail),
    )


def _key(line: KeyLine) -> KeyBody:
    return KeyBody(
        utf8(line.group), line.unit.value, plain_amount(line.measured, line.unit), _amount(line.limit, line.unit)
    )


def _amount(value: int | None, unit: Unit) -> str | None:
    return None if value is None else plain_amount(value, unit)


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)

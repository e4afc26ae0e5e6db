"""What a webhook receives, as typed JSON: `{type, timestamp, data}` of Standard Webhooks, always below 900 kB.

Amounts are decimal strings, exact to the picodollar; instants are RFC 3339 in UTC. docs/webhook.md explains the fields.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from fusewatch.domain.forecast import Basis, Forecast
from fusewatch.domain.money import usd_json
from fusewatch.domain.notices import (
    Cause,
    Crossing,
    DigestFacts,
    Gap,
    Hold,
    Incident,
    Kind,
    Message,
    MessageKind,
    Mover,
    Notice,
    Reason,
    StartSummary,
    Timing,
    Why,
)
from fusewatch.domain.rules import Severity, Unit
from fusewatch.notify import cards
from fusewatch.notify.sheet import line_text
from fusewatch.notify.text import is_web_address
from fusewatch.notify.words import sheet

VERSION = 1
SIZE_LIMIT = 900_000
"""Bytes, for about 700 notices at once. Standard Webhooks recommends 20 kB, and a usual message has 2; but a program
that receives notices must not miss the nineteenth, and servers commonly take a megabyte."""

_VALUE_LENGTHS = (200, 60, 20)
"""How much of a value is told. The shorter ones only where a single notice would not fit otherwise."""
_LABELS = 20
_CROSSINGS = 4
_LISTED = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


Instant = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
Amount = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]{1,12})?$")]
SeverityWord = Annotated[str, msgspec.Meta(extra_json_schema={"enum": [severity.word for severity in Severity]})]
EventType = Annotated[str, msgspec.Meta(extra_json_schema={"enum": [f"fusewatch.{kind}" for kind in MessageKind]})]


class CrossingBody(msgspec.Struct, frozen=True, kw_only=True):
    """One threshold that was crossed; `limit` in the notice's unit, `learned_at` when Fusewatch knew."""

    share: float
    severity: SeverityWord
    limit: Amount
    at: Instant
    learned_at: Instant


class PeriodBody(msgspec.Struct, frozen=True, kw_only=True):
    """The span that is judged, half-open, in the rule's zone; for a rolling window, with a label such as `last:24h`,
    where it lay."""

    label: str
    start: Instant
    end: Instant
    timezone: str


class PartBody(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what is measured, in the notice's unit."""

    name: str
    amount: Amount


class ForecastBody(msgspec.Struct, frozen=True, kw_only=True):
    """What the period is expected to have spent at its end, in the notice's unit; `days` were compared."""

    amount: Amount
    low: Amount
    high: Amount
    crosses_at: Instant | None
    basis: Basis
    days: int


class NoticeBody(msgspec.Struct, frozen=True, kw_only=True):
    """One transition of one incident, as it stood then."""

    incident_id: str
    kind: Kind
    rule: str
    key: dict[str, str]
    period: PeriodBody
    reason: Reason
    severity: SeverityWord
    threshold: float
    unit: Unit
    measured: Amount
    estimated_usd: Amount
    limit: Amount
    baseline: Amount | None
    previous: Amount | None
    cause: Cause
    timing: Timing
    at_least: bool
    at: Instant
    as_of: Instant
    opened_at: Instant
    repeats: int
    crossings: list[CrossingBody]
    parts: list[PartBody]
    forecast: ForecastBody | None
    labels: dict[str, str]
    runbook: str
    text: str


class StartBody(msgspec.Struct, frozen=True, kw_only=True):
    """What the first load read."""

    projects: list[str]
    project_count: int
    history_seconds: int
    generations: int
    spend_usd: Amount


class NearBody(msgspec.Struct, frozen=True, kw_only=True):
    """A budget above 80 % when a project became unreadable."""

    rule: str
    group: str
    percent: int


class GapBody(msgspec.Struct, frozen=True, kw_only=True):
    """A span in which a project could not be read; `until` is null while it lasts."""

    project: str
    since: Instant
    until: Instant | None
    reason: str
    spend_usd: Amount
    near: list[NearBody]
    near_count: int


class MoverBody(msgspec.Struct, frozen=True, kw_only=True):
    """A value whose spend changed: what it cost in the period and in the one before."""

    dimension: str
    value: str
    spend_usd: Amount
    before_usd: Amount


class NearLimitBody(msgspec.Struct, frozen=True, kw_only=True):
    """A budget of which at least 80 % was used; `limit` and `measured` in its unit."""

    rule: str
    key: dict[str, str]
    period: str
    unit: Unit
    measured: Amount
    limit: Amount


class DigestBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a day, week or month cost, `estimated_usd` of it by our own estimate; `before_usd` is that of the one
    before. `near_count` counts all that are near their limit. `open_incidents` by severity, `unpriced` requests by
    model, `unattributed_usd` by dimension."""

    period: str
    start: Instant
    end: Instant
    timezone: str
    spend_usd: Amount
    estimated_usd: Amount
    before_usd: Amount
    requests: int
    tokens: int
    at_least: bool
    up: list[MoverBody]
    down: list[MoverBody]
    near: list[NearLimitBody]
    near_count: int
    open_incidents: dict[str, int]
    unpriced: dict[str, int]
    unattributed_usd: dict[str, Amount]


class HoldBody(msgspec.Struct, frozen=True, kw_only=True):
    """What held the notices of a summary back; `silence` is its id, empty for quiet hours."""

    why: Why
    since: Instant
    until: Instant
    silence: str


class DataBody(msgspec.Struct, frozen=True, kw_only=True):
    """`truncated` counts the notices that did not fit; those told are the first, the most severe."""

    version: int
    id: str
    destination: str
    severity: SeverityWord
    summary: str
    link: str
    notices: list[NoticeBody]
    truncated: int
    start: StartBody | None
    gap: GapBody | None
    digest: DigestBody | None
    hold: HoldBody | None


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The whole body. `timestamp` is when the message was made, not when this attempt was."""

    type: EventType
    timestamp: Instant
    data: DataBody


def webhook_json(message: Message, zone: str) -> bytes:
    """The body; the same message gives the same bytes. `zone` is that of the times inside `summary` and `text`."""
    for length in _VALUE_LENGTHS[:-1]:
        body, told = _fitted(message, zone, length)
        if told or not message.notices:
            return body
    return _fitted(message, zone, _VALUE_LENGTHS[-1])[0]


def _fitted(message: Message, zone: str, length: int) -> tuple[bytes, int]:
    """The body with as many notices as fit, and how many these are."""
    size = len(msgspec.json.encode(_envelope(message, zone, length, [])))
    told: list[NoticeBody] = []
    for notice in message.notices:
        body = notice_body(notice, zone, length)
        size += len(msgspec.json.encode(body)) + 1
        if size >= SIZE_LIMIT:
            break
        told.append(body)
    return msgspec.json.encode(_envelope(message, zone, length, told)), len(told)


def _envelope(message: Message, zone: str, length: int, told: list[NoticeBody]) -> Envelope:
    content = sheet(message)
    data = DataBody(
        version=VERSION,
        id=message.id,
        destination=_value(message.destination, length),
        severity=message.severity.word,
        summary=line_text(content.headline, zone=zone, now_ms=content.created_ms),
        link=message.link if is_web_address(message.link, 2000) else "",
        notices=told,
        truncated=len(message.notices) - len(told),
        start=_start(message.start, length) if message.start else None,
        gap=_gap(message.gap, length) if message.gap else None,
        digest=_digest(message.digest, length) if message.digest else None,
        hold=_hold(message.hold) if message.hold else None,
    )
    return Envelope(type=f"fusewatch.{message.kind}", timestamp=instant(message.created_ms), data=data)


def notice_body(notice: Notice, zone: str, length: int = _VALUE_LENGTHS[0]) -> NoticeBody:
    """The facts of one notice, values cut to `length` characters."""
    incident = notice.incident
    unit = incident.unit
    return NoticeBody(
        incident_id=incident.id,
        kind=incident.kind,
        rule=_value(incident.rule, length),
        key={_value(name, 60): _value(value, length) for name, value in incident.labels},
        period=_period(incident),
        reason=notice.reason,
        severity=notice.severity.word,
        threshold=float(notice.threshold),
        unit=unit,
        measured=_amount(incident.measured, unit),
        estimated_usd=usd_json(incident.estimated),
        limit=_amount(incident.limit, unit),
        baseline=None if incident.baseline is None else _amount(incident.baseline, unit),
        previous=None if notice.previous is None else _amount(notice.previous, unit),
        cause=notice.cause,
        timing=incident.timing,
        at_least=notice.at_least,
        at=instant(notice.at_ms),
        as_of=instant(notice.as_of_ms),
        opened_at=instant(incident.opened_ms),
        repeats=incident.repeats,
        crossings=[_crossing(crossing, unit) for crossing in incident.crossings[-_CROSSINGS:]],
        parts=[PartBody(name=_value(n, length), amount=_amount(a, unit)) for n, a in incident.parts[:_LISTED]],
        forecast=_forecast(notice.forecast, unit) if notice.forecast else None,
        labels={_value(name, 60): _value(value, length) for name, value in notice.labels[:_LABELS]},
        runbook=_value(notice.runbook, 500),
        text=line_text(cards.headline(notice), zone=zone, now_ms=notice.at_ms),
    )


def _forecast(found: Forecast, unit: Unit) -> ForecastBody:
    return ForecastBody(
        amount=_amount(found.amount, unit),
        low=_amount(found.low, unit),
        high=_amount(found.high, unit),
        crosses_at=None if found.crosses_at_ms is None else instant(found.crosses_at_ms),
        basis=found.basis,
        days=found.days,
    )


def _period(incident: Incident) -> PeriodBody:
    return PeriodBody(
        label=incident.period,
        start=instant(incident.period_start_ms),
        end=instant(incident.period_end_ms),
        timezone=incident.timezone,
    )


def _crossing(crossing: Crossing, unit: Unit) -> CrossingBody:
    return CrossingBody(
        share=float(crossing.share),
        severity=crossing.severity.word,
        limit=_amount(crossing.limit, unit),
        at=instant(crossing.at_ms),
        learned_at=instant(crossing.learned_ms),
    )


def _start(start: StartSummary, length: int) -> StartBody:
    return StartBody(
        projects=[_value(name, length) for name in start.projects[:_LISTED]],
        project_count=len(start.projects),
        history_seconds=start.history_ms // 1000,
        generations=start.generations,
        spend_usd=usd_json(start.cost_pico),
    )


def _gap(gap: Gap, length: int) -> GapBody:
    near = [NearBody(rule=_value(r, length), group=_value(g, length), percent=p) for r, g, p in gap.near[:_LISTED]]
    return GapBody(
        project=_value(gap.project, length),
        since=instant(gap.since_ms),
        until=None if gap.until_ms is None else instant(gap.until_ms),
        reason=_value(gap.reason, 300),
        spend_usd=usd_json(gap.cost_pico),
        near=near,
        near_count=len(gap.near),
    )


def _digest(digest: DigestFacts, length: int) -> DigestBody:
    return DigestBody(
        period=digest.every.value,
        start=instant(digest.start_ms),
        end=instant(digest.end_ms),
        timezone=digest.timezone,
        spend_usd=usd_json(digest.cost_pico),
        estimated_usd=usd_json(digest.estimated_pico),
        before_usd=usd_json(digest.before_pico),
        requests=digest.requests,
        tokens=digest.tokens,
        at_least=digest.at_least,
        up=[_mover(mover, length) for mover in digest.up],
        down=[_mover(mover, length) for mover in digest.down],
        near=[
            NearLimitBody(
                rule=_value(near.rule, length),
                key={_value(name, 60): _value(value, length) for name, value in near.labels},
                period=near.every,
                unit=near.unit,
                measured=_amount(near.measured, near.unit),
                limit=_amount(near.limit, near.unit),
            )
            for near in digest.near
        ],
        near_count=digest.near_count,
        open_incidents=dict(digest.open_incidents),
        unpriced={_value(model, length): count for model, count in digest.unpriced},
        unattributed_usd={_value(name, 60): usd_json(cost) for name, cost in digest.unattributed},
    )


def _mover(mover: Mover, length: int) -> MoverBody:
    return MoverBody(
        dimension=_value(mover.dimension, 60),
        value=_value(mover.value, length),
        spend_usd=usd_json(mover.cost_pico),
        before_usd=usd_json(mover.before_pico),
    )


def _hold(hold: Hold) -> HoldBody:
    return HoldBody(
        why=hold.why, since=instant(hold.since_ms), until=instant(hold.until_ms), silence=_value(hold.silence, 60)
    )


def instant(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-22T15:42:08.000Z`."""
    return f"{(_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec='milliseconds')[:-6]}Z"


def _amount(value: int, unit: Unit) -> str:
    return usd_json(value) if unit.is_money else str(value)


def _value(text: str, length: int) -> str:
    """The value itself, as programs compare it: only cut; lone surrogates, which no JSON can carry, become "?"."""
    return text[:length].encode("utf-8", "replace").decode()


def payload_schema() -> dict[str, object]:
    """The JSON Schema of the body; docs/webhook.schema.json is this."""
    return msgspec.json.schema(Envelope)

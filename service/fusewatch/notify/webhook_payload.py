"""What a webhook receives, as typed JSON: `{type, timestamp, data}` of Standard Webhooks, always below 900 kB.

Amounts are decimal strings, exact to the picodollar; instants are RFC 3339 in UTC. docs/webhook.md explains the fields.
"""

import msgspec

from fusewatch.domain.forecast import Basis, Forecast
from fusewatch.domain.money import usd_json
from fusewatch.domain.notices import Cause, Crossing, Incident, Kind, Message, Notice, Reason, Timing
from fusewatch.domain.rules import Unit
from fusewatch.notify import cards
from fusewatch.notify.sheet import line_text
from fusewatch.notify.text import is_web_address
from fusewatch.notify.webhook_drivers import DriversBody, drivers_body
from fusewatch.notify.webhook_parts import (
    DigestBody,
    GapBody,
    HoldBody,
    StartBody,
    digest_body,
    gap_body,
    hold_body,
    start_body,
)
from fusewatch.notify.webhook_values import LISTED as _LISTED
from fusewatch.notify.webhook_values import Amount, EventType, Instant, SeverityWord, instant
from fusewatch.notify.webhook_values import amount_text as _amount
from fusewatch.notify.webhook_values import value_text as _value
from fusewatch.notify.words import sheet

VERSION = 1
SIZE_LIMIT = 900_000
"""Bytes, for about 700 notices at once. Standard Webhooks recommends 20 kB, and a usual message has 2; but a program
that receives notices must not miss the nineteenth, and servers commonly take a megabyte."""

_VALUE_LENGTHS = (200, 60, 20)
"""How much of a value is told. The shorter ones only where a single notice would not fit otherwise."""
_LABELS = 20
_CROSSINGS = 4
_LINKS = 4


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


class LinkBody(msgspec.Struct, frozen=True, kw_only=True):
    """Where rows are seen in Langfuse; `wider` says what is seen there where that is more, empty where it is not."""

    label: str
    url: str
    wider: str


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
    last_24h_usd: list[Amount]
    acknowledged_by: str
    drivers: DriversBody | None
    labels: dict[str, str]
    runbook: str
    links: list[LinkBody]
    text: str


class DataBody(msgspec.Struct, frozen=True, kw_only=True):
    """`truncated` counts the notices that did not fit; those told are the first, the most severe. `sample_of` is the
    kind of message that a sample shows, empty for what is none."""

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
    sample_of: str


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
        start=start_body(message.start, length) if message.start else None,
        gap=gap_body(message.gap, length) if message.gap else None,
        digest=digest_body(message.digest, length) if message.digest else None,
        hold=hold_body(message.hold) if message.hold else None,
        sample_of=message.sample_of or "",
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
        last_24h_usd=[usd_json(pico) for pico in notice.hours] if unit is Unit.USD else [],
        acknowledged_by=_value(incident.acked_by, length),
        drivers=drivers_body(notice.why, length) if notice.why else None,
        labels={_value(name, 60): _value(value, length) for name, value in notice.labels[:_LABELS]},
        runbook=_value(notice.runbook, 500),
        links=[
            LinkBody(label=_value(link.label, 200), url=link.url, wider=_value(link.wider, 300))
            for link in notice.links[:_LINKS]
            if is_web_address(link.url)
        ],
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


def payload_schema() -> dict[str, object]:
    """The JSON Schema of the body; docs/webhook.schema.json is this."""
    return msgspec.json.schema(Envelope)

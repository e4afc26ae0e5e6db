"""One incident whole: what drove it, what was told of it, and to whom."""

from collections.abc import Sequence
from dataclasses import dataclass

from fusewatch.app.retold import Story
from fusewatch.domain.explanations import Effect, Explanation, Part
from fusewatch.domain.money import usd_json
from fusewatch.domain.notices import Notice
from fusewatch.domain.rules import Unit
from fusewatch.ports import DeliveryRow, Posted
from fusewatch.web.api import IncidentBody, incident_body
from fusewatch.web.textformat import utf8
from fusewatch.web.words import plain_amount, rfc3339


@dataclass(frozen=True, slots=True)
class LinkBody:
    """To rows in Langfuse; `wider` says what is seen there, where that is more than was meant."""

    label: str
    url: str
    wider: str


@dataclass(frozen=True, slots=True)
class EffectBody:
    """A growth split into more requests, more tokens in each, and a dearer token; the three sum to it."""

    requests: str
    size: str
    price: str


@dataclass(frozen=True, slots=True)
class DriverPartBody:
    """One value of a dimension, what it spent and what it spends usually; `replaced` is the value it took over from.
    With `at_least` it is a lower bound."""

    dimension: str
    value: str
    amount: str
    baseline: str
    growth: str
    effect: EffectBody
    replaced: str | None
    at_least: bool


@dataclass(frozen=True, slots=True)
class DriverBody:
    """A value that explains the spend, and `under` it what explains it within that value."""

    part: DriverPartBody
    under: list[DriverPartBody]


@dataclass(frozen=True, slots=True)
class TraceBody:
    """A dear trace; `project` is the stable key of its project."""

    project: str
    trace: str
    usd: str


@dataclass(frozen=True, slots=True)
class DriversBody:
    """What explains the spend from `starts_at` to `ends_at`, against `count` earlier spans (`against` says which); null
    `baseline` without any. The growth of the drivers and `rest` are together the whole growth; where nothing grew,
    their amounts and `rest` are the whole `amount`."""

    against: str
    count: int
    starts_at: str
    ends_at: str
    unit: str
    amount: str
    baseline: str | None
    growth: str | None
    effect: EffectBody | None
    drivers: list[DriverBody]
    rest: str
    traces: list[TraceBody]
    sampled: bool


@dataclass(frozen=True, slots=True)
class NoticeBody:
    """One transition as it was told: `threshold` is the share announced; `deliveries` are the ids of those that
    carried it."""

    at: str
    reason: str
    cause: str
    severity: str
    threshold: float
    measured: str
    limit: str
    deliveries: list[str]


@dataclass(frozen=True, slots=True)
class DeliveryBody:
    """One message on its way to one destination; `text` is what the receiver last said against it."""

    id: str
    destination: str
    state: str
    kind: str
    attempts: int
    created_at: str
    next_attempt_at: str | None
    sent_at: str | None
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class StoryBody:
    """One incident with what explains it (as it was told, or, before anything was, as it is now; null where nothing is
    known), every notice of it, and every delivery that carried one, oldest first."""

    incident: IncidentBody
    runbook: str
    links: list[LinkBody]
    drivers: DriversBody | None
    notices: list[NoticeBody]
    deliveries: list[DeliveryBody]


@dataclass(frozen=True, slots=True)
class DeliveriesBody:
    """Deliveries, the newest first."""

    at: str
    total: int
    deliveries: list[DeliveryBody]
    next: str | None


def story_body(story: Story) -> StoryBody:
    notice = story.retold.notice
    told = [n for posted in story.posted for n in _of(posted, notice.incident.id)]
    why = next((one.why for one in reversed(told) if one.why is not None), notice.why)
    return StoryBody(
        incident=incident_body(notice.incident, story.retold.held),
        runbook=utf8(notice.runbook),
        links=[LinkBody(utf8(link.label), utf8(link.url), utf8(link.wider)) for link in notice.links],
        drivers=None if why is None else _drivers(why),
        notices=_notices(story.posted, notice.incident.id),
        deliveries=[delivery_body(posted.row) for posted in story.posted],
    )


def delivery_body(row: DeliveryRow) -> DeliveryBody:
    return DeliveryBody(
        id=row.id,
        destination=utf8(row.destination),
        state=row.state,
        kind=row.kind,
        attempts=row.attempts,
        created_at=rfc3339(row.created_ms),
        next_attempt_at=None if row.next_ms is None else rfc3339(row.next_ms),
        sent_at=None if row.sent_ms is None else rfc3339(row.sent_ms),
        reason=utf8(row.reason),
        text=utf8(row.text),
    )


def _of(posted: Posted, incident_id: str) -> list[Notice]:
    return [notice for notice in posted.message.notices if notice.incident.id == incident_id]


def _notices(posted: Sequence[Posted], incident_id: str) -> list[NoticeBody]:
    """Each transition once, however many destinations were told of it."""
    found: dict[tuple[int, str, float], NoticeBody] = {}
    for one in posted:
        for notice in _of(one, incident_id):
            place = notice.at_ms, notice.reason.value, float(notice.threshold)
            body = found.setdefault(place, _notice(notice))
            body.deliveries.append(one.row.id)
    return [found[place] for place in sorted(found)]


def _notice(notice: Notice) -> NoticeBody:
    incident = notice.incident
    return NoticeBody(
        at=rfc3339(notice.at_ms),
        reason=notice.reason.value,
        cause=notice.cause.value,
        severity=notice.severity.word,
        threshold=float(notice.threshold),
        measured=plain_amount(incident.measured, incident.unit),
        limit=plain_amount(incident.limit, incident.unit),
        deliveries=[],
    )


def _drivers(why: Explanation) -> DriversBody:
    unit = why.unit
    return DriversBody(
        against=why.against.value,
        count=why.count,
        starts_at=rfc3339(why.from_ms),
        ends_at=rfc3339(why.to_ms),
        unit=unit.value,
        amount=plain_amount(why.amount, unit),
        baseline=None if why.baseline is None else plain_amount(why.baseline, unit),
        growth=None if why.baseline is None else plain_amount(why.growth, unit),
        effect=None if why.effect is None else _effect(why.effect, unit),
        drivers=[DriverBody(_part(one.part, unit), [_part(part, unit) for part in one.under]) for one in why.drivers],
        rest=plain_amount(why.rest, unit),
        traces=[TraceBody(utf8(one.project), utf8(one.trace), usd_json(one.cost_pico)) for one in why.traces],
        sampled=why.sampled,
    )


def _part(part: Part, unit: Unit) -> DriverPartBody:
    return DriverPartBody(
        dimension=utf8(part.dimension),
        value=utf8(part.value),
        amount=plain_amount(part.amount, unit),
        baseline=plain_amount(part.baseline, unit),
        growth=plain_amount(part.growth, unit),
        effect=_effect(part.effect, unit),
        replaced=None if part.was is None else utf8(part.was.value),
        at_least=part.at_least,
    )


def _effect(effect: Effect, unit: Unit) -> EffectBody:
    return EffectBody(*(plain_amount(value, unit) for value in (effect.requests, effect.size, effect.price)))

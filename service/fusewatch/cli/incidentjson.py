"""Incidents and deliveries as the JSON of the commands: amounts as exact decimal strings, instants in milliseconds."""

from fusewatch.app.retold import Retold, Story
from fusewatch.domain.money import usd_json
from fusewatch.domain.notices import Incident, Notice, NoticeLink
from fusewatch.domain.rules import Unit
from fusewatch.notify import cards
from fusewatch.notify.sheet import line_text
from fusewatch.ports import DeliveryRow, Posted


def retold_document(one: Retold, zone: str) -> dict[str, object]:
    """One incident as it stands; `headline` and `body` are the words of its notice, times in them those of the zone."""
    incident, told = one.incident, told_document(one.notice, zone)
    return {
        "id": incident.id,
        "kind": incident.kind.value,
        "rule": incident.rule,
        "key": dict(incident.labels),
        "period": incident.period,
        "state": incident.state.value,
        "severity": incident.severity.word,
        "unit": incident.unit.value,
        "measured": _amount(incident.measured, incident.unit),
        "estimated_usd": usd_json(incident.estimated),
        "limit": _amount(incident.limit, incident.unit),
        "opened_ms": incident.opened_ms,
        "changed_ms": incident.changed_ms,
        **told,
        "told": list(incident.told),
        "held": [
            {
                "destination": held.destination,
                "why": held.hold.why.value,
                "silence": held.hold.silence,
                "until_ms": held.hold.until_ms,
            }
            for held in one.held
        ],
        "crossings": _crossings(incident),
    }


def told_document(notice: Notice, zone: str) -> dict[str, object]:
    """What the notice says: `headline`, `body`, `links`."""
    card = cards.whole(notice)
    return {
        "headline": line_text(card.headline, zone=zone, now_ms=notice.at_ms),
        "body": [line_text(line, zone=zone, now_ms=notice.at_ms) for line in card.body],
        "links": [_link(link) for link in notice.links],
        "runbook": notice.runbook,
    }


def story_document(story: Story, zone: str) -> dict[str, object]:
    """One incident with every delivery that told of it."""
    incident = story.retold.incident
    deliveries = [_posted(posted, incident.id) for posted in story.posted]
    return {**retold_document(story.retold, zone), "deliveries": deliveries}


def delivery_document(row: DeliveryRow) -> dict[str, object]:
    return {
        "id": row.id,
        "destination": row.destination,
        "state": row.state,
        "kind": row.kind,
        "attempts": row.attempts,
        "created_ms": row.created_ms,
        "next_ms": row.next_ms,
        "sent_ms": row.sent_ms,
        "reason": row.reason,
        "text": row.text,
    }


def _posted(posted: Posted, incident_id: str) -> dict[str, object]:
    told = [
        {"reason": n.reason.value, "threshold": float(n.threshold), "severity": n.severity.word}
        for n in posted.message.notices
        if n.incident.id == incident_id
    ]
    return {**delivery_document(posted.row), "notices": told}


def _crossings(incident: Incident) -> list[dict[str, object]]:
    return [
        {
            "share": float(crossing.share),
            "severity": crossing.severity.word,
            "limit": _amount(crossing.limit, incident.unit),
            "at_ms": crossing.at_ms,
            "learned_ms": crossing.learned_ms,
        }
        for crossing in incident.crossings
    ]


def _link(link: NoticeLink) -> dict[str, object]:
    return {"label": link.label, "url": link.url, "wider": link.wider}


def _amount(value: int, unit: Unit) -> str | int:
    return usd_json(value) if unit.is_money else value

"""What an Alertmanager is told: alerts as `POST /api/v2/alerts` takes them (its OpenAPI document, `postableAlerts`).

An alert is its labels. They stay the same while an incident stands, but for `severity`: one that got more severe is
another alert, and ends the former one in the same request.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import msgspec

from fusewatch.domain.notices import Incident, Notice, Reason, State
from fusewatch.domain.relaying import SHOWN_ENDED_MS, Alert
from fusewatch.domain.rules import Severity
from fusewatch.notify import cards
from fusewatch.notify.sheet import line_text
from fusewatch.notify.text import is_web_address

LABEL_LENGTH = 200
"""Characters of a label's value; one that is cut ends in a hash, so that two different ones stay different."""

_TEXT_LENGTH = 2_000
_LABELS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REASONS = {
    State.OPEN: Reason.OPENED,
    State.RESOLVED: Reason.RESOLVED,
    State.ROLLED_OVER: Reason.ROLLED_OVER,
    State.WITHDRAWN: Reason.WITHDRAWN,
}


class Posted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One alert; instants are RFC 3339 in UTC. It fires until `ends_at`."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    generator_url: str = msgspec.field(default="", name="generatorURL")


def posted(alerts: Iterable[Alert], *, now_ms: int, lasts_ms: int, zone: str, link: str) -> list[Posted]:
    """The alerts to post. Those that stand fire for `lasts_ms` from now on unless they are told of again.

    No two have the same labels: of such, what stands comes before what is over, and the younger before the older.
    """
    ranked: dict[tuple[tuple[str, str], ...], tuple[tuple[bool, int], Posted]] = {}
    for alert in alerts:
        for severity, end_ms in _ends(alert, now_ms, lasts_ms):
            one = _posted(alert, severity, end_ms, now_ms=now_ms, zone=zone, link=link)
            rank = (end_ms > now_ms, alert.incident.opened_ms)
            known = tuple(sorted(one.labels.items()))
            if known not in ranked or ranked[known][0] < rank:
                ranked[known] = (rank, one)
    return [one for _, one in ranked.values()]


def body(alerts: Sequence[Posted]) -> bytes:
    return msgspec.json.encode(alerts)


def labels_of(alert: Alert, severity: Severity) -> dict[str, str]:
    """`alertname`, `rule`, `severity` and `project`, the dimensions of its rule, and the labels of its route. One that
    would stand in the place of another is called `exported_…`, as Prometheus does."""
    incident = alert.incident
    found = {
        "alertname": f"Fusewatch{incident.kind.value.title()}",
        "rule": _value(incident.rule),
        "severity": severity.word,
    }
    if alert.project:
        found["project"] = _value(alert.project)
    others = [(name, value) for name, value in incident.labels if name != "project"]
    for name, value in (*others, *alert.labels[:_LABELS]):
        if value:  # to Alertmanager an empty label is none
            found[_free(label_name(name), found)] = _value(value)
    return found


def label_name(name: str) -> str:
    """The name with only what Prometheus allows in one: letters, digits and underscores, no digit first.

    >>> label_name("cost-centre")
    'cost_centre'
    """
    allowed = re.sub(r"[^a-zA-Z0-9_]", "_", name)[:LABEL_LENGTH]
    if not allowed or allowed[0].isdigit():
        allowed = f"_{allowed}"
    return re.sub(r"^__+", "_", allowed)  # two of them are for Prometheus itself


def _free(name: str, taken: Mapping[str, str]) -> str:
    while name in taken:
        name = f"exported_{name}"
    return name


def _value(text: str) -> str:
    readable = text.encode("utf-8", "replace").decode()
    if len(readable) <= LABEL_LENGTH:
        return readable
    return f"{readable[: LABEL_LENGTH - 10]}…{blake2b(readable.encode(), digest_size=4).hexdigest()}"


def _ends(alert: Alert, now_ms: int, lasts_ms: int) -> list[tuple[Severity, int]]:
    """As how severe the incident is or was told, and when each of these ends."""
    incident = alert.incident
    if alert.stands:
        ends = [(alert.severity, now_ms + lasts_ms)]
        recent = now_ms - incident.changed_ms < SHOWN_ENDED_MS
        return ends + [(severity, incident.changed_ms) for severity in alert.before if recent]
    return [(alert.severity, min(incident.changed_ms, now_ms))]


def _posted(alert: Alert, severity: Severity, end_ms: int, *, now_ms: int, zone: str, link: str) -> Posted:
    return Posted(
        labels=labels_of(alert, severity),
        annotations=_annotations(alert, now_ms=now_ms, zone=zone, link=link),
        starts_at=_instant(min(_start_ms(alert.incident, severity), end_ms - 1, now_ms)),
        ends_at=_instant(end_ms),
        generator_url=link if _is_address(link) else "",
    )


def _start_ms(incident: Incident, severity: Severity) -> int:
    """When it was first so severe: the start of the generation that crossed the line."""
    return min((c.at_ms for c in incident.crossings if c.severity is severity), default=incident.opened_ms)


def _annotations(alert: Alert, *, now_ms: int, zone: str, link: str) -> dict[str, str]:
    """What a person reads. `summary` is one line; a template can show all of it."""
    incident = alert.incident
    told = [c.share for c in incident.crossings if c.severity <= alert.severity]
    notice = Notice(
        incident=incident,
        reason=Reason.OPENED if alert.late else _REASONS[incident.state],
        severity=alert.severity,
        threshold=incident.level if alert.severity is incident.severity else max(told, default=incident.level),
        at_ms=now_ms,
        as_of_ms=now_ms,
        labels=alert.labels,
        runbook=alert.runbook,
    )
    card = cards.whole(notice)
    found = {"summary": line_text(card.headline, zone=zone, now_ms=now_ms)}
    lines = [line_text(line, zone=zone, now_ms=now_ms) for line in card.body]
    if lines:
        found["description"] = "\n".join(lines)
    if alert.runbook:
        found["runbook_url"] = alert.runbook
    if is_web_address(link):
        found["dashboard_url"] = link
    return {name: text[:_TEXT_LENGTH].encode("utf-8", "replace").decode() for name, text in found.items()}


def _is_address(link: str) -> bool:
    """Whether Alertmanager, which refuses an alert whose generator is none, takes it for an address."""
    return link.isascii() and is_web_address(link, 2_000)


def _instant(at_ms: int) -> str:
    return f"{(_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec='milliseconds')[:-6]}Z"

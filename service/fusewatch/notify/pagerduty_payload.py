"""A message as events of PagerDuty's Events API v2: one alert for each incident, found again by its id.

Facts and limits: developer.pagerduty.com, "Events API v2 Overview" and "Send an Alert Event": `dedup_key` at most 255
characters, `summary` 1,024, an event 512 kB, severities critical, error, warning and info. docs/destinations.md tells
what becomes an event and why.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, assert_never

import msgspec

from fusewatch.domain.incidents import stable_id
from fusewatch.domain.notices import Gap, Incident, Kind, Message, MessageKind, Notice, Reason, State, Timing
from fusewatch.domain.rules import Severity
from fusewatch.notify.identity import gap_key, incident_key
from fusewatch.notify.sheet import Line, Sheet, line_text
from fusewatch.notify.text import clean, cut, is_web_address
from fusewatch.notify.webhook_payload import NoticeBody, notice_body
from fusewatch.notify.webhook_values import instant
from fusewatch.notify.words import sheet

OWN_ALERTS = 5
"""How many incidents of one message get an alert of their own; of the rest, each rule and period shares one. Nobody
reads 500 pages, and PagerDuty takes about 120 events a minute."""

_SUMMARY_LENGTH = 1024
_KEY_LENGTH = 255
_FIELD_LENGTH = 255
_SIZE_LIMIT = 500_000
_LINKS = 10
_LISTED = 100

Action = Literal["trigger", "resolve"]


class LinkBody(msgspec.Struct, frozen=True, kw_only=True):
    href: str
    text: str


class DetailsBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`custom_details`: what the message says below its first line, the same facts as a webhook receives, and for an
    alert that several incidents share their first lines."""

    explanation: str = ""
    notice: NoticeBody | None = None
    incidents: list[str] = []
    incident_count: int = 0


class PayloadBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The Common Event Format: `source` is the project, `component` the key, `group` the rule, `class` the kind."""

    summary: str
    source: str
    severity: Literal["critical", "warning", "info"]
    timestamp: str
    component: str = ""
    group: str = ""
    class_: str = msgspec.field(default="", name="class")
    custom_details: DetailsBody | None = None


class EventBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    routing_key: str
    event_action: Action
    dedup_key: str
    payload: PayloadBody | None = None
    client: str = ""
    client_url: str = ""
    links: list[LinkBody] = []


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `at_ms` is when what it tells of happened: a trigger older than the resolution of its key is stale."""

    action: Action
    key: str
    at_ms: int
    payload: PayloadBody | None = None
    page: str = ""
    links: tuple[LinkBody, ...] = ()

    def body(self, routing_key: str) -> bytes:
        """The request, always below 512 kB; where the facts of it would be larger they are left out."""
        event = EventBody(
            routing_key=routing_key,
            event_action=self.action,
            dedup_key=self.key,
            payload=self.payload,
            client="Fusewatch" if self.payload else "",
            client_url=self.page,
            links=list(self.links),
        )
        encoded = msgspec.json.encode(event)
        if len(encoded) <= _SIZE_LIMIT or self.payload is None or self.payload.custom_details is None:
            return encoded
        details = DetailsBody(explanation=self.payload.custom_details.explanation)
        payload = msgspec.structs.replace(self.payload, custom_details=details)
        return msgspec.json.encode(msgspec.structs.replace(event, payload=payload))


def events(message: Message, zone: str) -> tuple[Event, ...]:
    """What of the message concerns somebody on call, most severe first. `zone` is that of the times in its texts.

    Nothing of a digest or of a start at which nothing is wrong: a pager tells what to get up for.
    """
    match message.kind:
        case MessageKind.NOTICES | MessageKind.START | MessageKind.SUMMARY | MessageKind.UPDATE:
            return tuple(_Noticed(message, zone).events())
        case MessageKind.UNREADABLE | MessageKind.READABLE:
            return tuple(_gap_events(message, zone))
        case MessageKind.SAMPLE:
            content = sheet(message)
            details = DetailsBody(explanation=_explanation(content, zone))
            summary = f"{_told(content.headline, content, zone)}. Resolve it by hand."
            payload = _payload(summary, message.severity, message.created_ms, class_="test", details=details)
            return (Event("trigger", message.id[:_KEY_LENGTH], message.created_ms, payload, _page(message)),)
        case MessageKind.DIGEST:
            return ()
        case _:
            assert_never(message.kind)


def shared_key(incident: Incident) -> str:
    """The `dedup_key` of the alert that the incidents of a rule and period share when they are too many."""
    return f"more-{stable_id('more', incident.kind.value, incident.rule, incident.period)}"


# ---------------------------------------------------------------- notices


@dataclass(frozen=True, slots=True)
class _Noticed:
    """The events of a message that consists of notices."""

    message: Message
    zone: str

    def events(self) -> Iterator[Event]:
        rising = [notice for notice in self.message.notices if _rises(notice, self.message.kind)]
        own, shared = rising[:OWN_ALERTS], rising[OWN_ALERTS:]
        if len(shared) == 1:
            own, shared = rising, []
        yield from (self._trigger(notice) for notice in own)
        for group in _by_period(shared):
            yield self._trigger_shared(group, len(own)) if len(group) > 1 else self._trigger(group[0])
        yield from self._resolutions()

    def _trigger(self, notice: Notice) -> Event:
        content = self._sheet([notice])
        incident = notice.incident
        details = DetailsBody(
            explanation=_explanation(content, self.zone),
            notice=notice_body(notice, self.zone),
        )
        payload = _payload(
            _told(content.headline, content, self.zone),
            notice.severity,
            notice.at_ms,
            source=next((value for name, value in incident.labels if name == "project"), ""),
            component=incident.group,
            group=incident.rule,
            class_=incident.kind.value,
            details=details,
        )
        return Event("trigger", _key(incident), notice.at_ms, payload, _page(self.message), _links(content))

    def _trigger_shared(self, notices: Sequence[Notice], own: int) -> Event:
        content = self._sheet(notices)
        first = notices[0]
        lines = [self._sheet([notice]) for notice in notices[:_LISTED]]
        details = DetailsBody(
            explanation=_explanation(content, self.zone),
            incidents=[_told(line.headline, line, self.zone) for line in lines],
            incident_count=len(notices),
        )
        payload = _payload(
            f"Besides {own} with alerts of their own: {_told(content.headline, content, self.zone)}",
            max(notice.severity for notice in notices),
            first.at_ms,
            group=first.incident.rule,
            class_=first.incident.kind.value,
            details=details,
        )
        return Event("trigger", shared_key(first.incident), first.at_ms, payload, _page(self.message), _links(content))

    def _resolutions(self) -> Iterator[Event]:
        """The ends of alerts; the one that a rule's incidents share ends with their period."""
        closed: dict[str, int] = {}
        for notice in self.message.notices:
            if _rises(notice, self.message.kind):
                continue
            yield Event("resolve", _key(notice.incident), notice.at_ms)
            if notice.reason in (Reason.ROLLED_OVER, Reason.WITHDRAWN):
                closed[shared_key(notice.incident)] = notice.at_ms
        yield from (Event("resolve", key, at_ms) for key, at_ms in closed.items())

    def _sheet(self, notices: Sequence[Notice]) -> Sheet:
        """What a message about nothing else would say."""
        severity = max(notice.severity for notice in notices)
        about = replace(
            self.message,
            kind=MessageKind.NOTICES,
            notices=tuple(notices),
            severity=severity,
            start=None,
            gap=None,
            hold=None,
        )
        return sheet(about)


def _rises(notice: Notice, kind: MessageKind) -> bool:
    """Whether somebody is to be called: it is open, or over before anybody could learn of it."""
    match notice.reason:
        case Reason.OPENED | Reason.ESCALATED | Reason.REPEATED:
            ended = notice.incident.state is not State.OPEN
            return not ended or (kind is not MessageKind.SUMMARY and notice.incident.timing is Timing.LATE)
        case Reason.RESOLVED | Reason.ROLLED_OVER | Reason.WITHDRAWN:
            return False
        case _:
            assert_never(notice.reason)


def _by_period(notices: Sequence[Notice]) -> list[list[Notice]]:
    groups: dict[str, list[Notice]] = {}
    for notice in notices:
        groups.setdefault(shared_key(notice.incident), []).append(notice)
    return list(groups.values())


# ---------------------------------------------------------------- gaps


def _gap_events(message: Message, zone: str) -> Iterator[Event]:
    """A project that cannot be read, or can be read again. What was crossed meanwhile comes in messages of its own."""
    content = sheet(message)
    gap: Gap | None = message.gap
    assert gap is not None, "its words were found"
    key = gap_key(gap)
    if message.kind is MessageKind.READABLE:
        yield Event("resolve", key, message.created_ms)
        return
    details = DetailsBody(explanation=_explanation(content, zone))
    headline = _told(content.headline, content, zone)
    payload = _payload(
        headline,
        message.severity,
        message.created_ms,
        source=gap.project,
        group=Kind.UNREADABLE.value,
        class_=Kind.UNREADABLE.value,
        details=details,
    )
    yield Event("trigger", key, message.created_ms, payload, _page(message), _links(content))


# ---------------------------------------------------------------- pieces


def _key(incident: Incident) -> str:
    return incident_key(incident)[:_KEY_LENGTH]


def _payload(
    summary: str,
    severity: Severity,
    at_ms: int,
    *,
    source: str = "",
    component: str = "",
    group: str = "",
    class_: str,
    details: DetailsBody,
) -> PayloadBody:
    words: dict[Severity, Literal["critical", "warning", "info"]] = {
        Severity.CRITICAL: "critical",
        Severity.WARNING: "warning",
        Severity.INFO: "info",
    }
    return PayloadBody(
        summary=cut(summary, _SUMMARY_LENGTH),
        source=clean(source, _FIELD_LENGTH) or "Langfuse",
        severity=words[severity],
        timestamp=instant(at_ms),
        component=clean(component, _FIELD_LENGTH),
        group=clean(group, _FIELD_LENGTH),
        class_=class_,
        custom_details=details,
    )


def _told(line: Line, content: Sheet, zone: str) -> str:
    return line_text(line, zone=zone, now_ms=content.created_ms)


def _explanation(content: Sheet, zone: str) -> str:
    """What the message says below its first line, links aside: they have a place of their own."""
    lines = [_told(line, content, zone) for line in content.body]
    for card in content.cards:
        lines.append(_told(card.headline, content, zone))
        lines += [f"  {_told(line, content, zone)}" for line in card.body]
    lines += [content.rest, _told(content.fine, content, zone)]
    return "\n".join(line for line in lines if line)


def _links(content: Sheet) -> tuple[LinkBody, ...]:
    return tuple(LinkBody(href=link.url, text=link.label) for link in content.all_links[:_LINKS])


def _page(message: Message) -> str:
    return message.link if is_web_address(message.link) else ""

"""Who is told: from what changed to one message for each destination."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from fusewatch.domain.incidents import fingerprint, stable_id
from fusewatch.domain.notices import (
    Cause,
    Gap,
    Hold,
    Incident,
    Message,
    MessageKind,
    Notice,
    Reason,
    StartSummary,
    Timing,
)
from fusewatch.domain.rules import DestinationPolicy, Rule, RuleSet, Severity, Threshold
from fusewatch.domain.views import matches

NO_NEWS = (Reason.ROLLED_OVER, Reason.WITHDRAWN)
"""Ends that no message tells of; destinations that follow learn of them."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Where news about a key go, and what a route adds to them."""

    destinations: tuple[str, ...]
    labels: tuple[tuple[str, str], ...] = ()
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A notice that is due, and the destinations that its owner names.

    `to` are those that are told now, once that is decided, None before (then all that take it); `held` those for whom
    it waits.
    """

    notice: Notice
    owner: Owner
    to: tuple[str, ...] | None = None
    held: tuple[str, ...] = ()


def known_values(rule: Rule, labels: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What a key is known to be: its own values, and what the rule's `where` fixes to a single literal value."""
    fixed = {
        m.dimension: m.patterns[0]
        for m in rule.scope.where
        if len(m.patterns) == 1 and not any(sign in m.patterns[0] for sign in "*?[")
    }
    return fixed | dict(labels)


def owner_of(
    rules: RuleSet,
    rule_notify: tuple[str, ...] | None,
    specific: tuple[str, ...] | None,
    values: Mapping[str, str],
) -> Owner:
    """The owner of a key. `specific` is the threshold's or override's own `notify`, which wins over the rule's, which
    wins over the first matching route's, which wins over the file's default. Labels and runbook are the route's."""
    route = next(
        (r for r in rules.routes if all(m.dimension in values and matches(m, values[m.dimension]) for m in r.match)),
        None,
    )
    if specific is not None:
        names = specific
    elif rule_notify is not None:
        names = rule_notify
    elif route is not None and route.notify:
        names = route.notify
    else:
        names = rules.notify
    return Owner(names, route.labels if route else (), route.runbook if route else "")


def owner_of_crossed(
    rules: RuleSet,
    rule_notify: tuple[str, ...] | None,
    override_notify: tuple[str, ...] | None,
    crossed: Sequence[Threshold],
    values: Mapping[str, str],
) -> Owner:
    """The owner of thresholds crossed at once: only the highest is announced, so it goes to whom any of them names."""
    owners = [
        owner_of(rules, rule_notify, t.notify if t.notify is not None else override_notify, values) for t in crossed
    ] or [owner_of(rules, rule_notify, override_notify, values)]
    names = dict.fromkeys(name for owner in reversed(owners) for name in owner.destinations)
    return replace(owners[-1], destinations=tuple(names))


def told(change: Change, destinations: Mapping[str, DestinationPolicy]) -> tuple[str, ...]:
    """The destinations that this change goes to: a resolution where the opening went, the rest by severity."""
    notice = change.notice
    if notice.reason in NO_NEWS:
        return tuple(n for n in notice.incident.told if n in destinations and destinations[n].follows)
    if notice.reason is Reason.RESOLVED:
        return tuple(name for name in notice.incident.told if name in destinations)
    if notice.reason is Reason.REPEATED:
        takes = [name for name in notice.incident.told if name in destinations and not destinations[name].relays]
        return tuple(name for name in takes if notice.severity >= destinations[name].least)
    if notice.incident.timing is Timing.RECORDED or notice.reason not in (Reason.OPENED, Reason.ESCALATED):
        return ()
    named = dict.fromkeys(change.owner.destinations)
    return tuple(n for n in named if n in destinations and notice.severity >= destinations[n].least)


def delivery_id(notice: Notice, destination: str) -> str:
    """The identity of a notice at a destination: it never depends on when or where it was decided."""
    incident = notice.incident
    number = (str(incident.repeats),) if notice.reason is Reason.REPEATED else ()
    return stable_id(
        fingerprint(incident.rule, incident.key, incident.period),
        str(incident.episode),
        notice.reason.value,
        str(notice.threshold),
        f"{incident.unit.value}:{incident.limit if incident.baseline is None else ''}",
        destination,
        *number,
    )


def order(notice: Notice) -> tuple[int, int, bool, Fraction, str, tuple[str, ...], str, str]:
    """Most severe first, then the most specific, then the largest share of its limit (any spend of a limit of zero
    before all others); names settle the rest."""
    incident = notice.incident
    share = Fraction(incident.measured, incident.limit) if incident.limit > 0 else Fraction(incident.measured)
    return (
        -int(notice.severity),
        -len(incident.labels),
        incident.limit > 0,
        -share,
        incident.rule,
        incident.key,
        incident.period,
        notice.reason.value,
    )


def messages(
    changes: Sequence[Change],
    destinations: Mapping[str, DestinationPolicy],
    *,
    now_ms: int,
    link: str,
    start: StartSummary | None,
) -> list[Message]:
    """One message for each destination with what changed, and one with what was so when watching began."""
    sent: dict[tuple[str, MessageKind], list[Notice]] = {}
    for change in changes:
        at_start = change.notice.incident.timing is Timing.AT_START and change.notice.reason is Reason.OPENED
        kind = MessageKind.START if at_start and start else MessageKind.NOTICES
        if change.notice.reason in NO_NEWS:
            kind = MessageKind.UPDATE
        for name in told(change, destinations) if change.to is None else change.to:
            sent.setdefault((name, kind), []).append(change.notice)
    result = []
    for (name, kind), notices in sent.items():
        message = message_of(kind, name, notices, now_ms=now_ms, link=link)
        result.append(replace(message, start=start) if kind is MessageKind.START else message)
    return result


def message_of(
    kind: MessageKind, destination: str, notices: Iterable[Notice], *, now_ms: int, link: str, hold: Hold | None = None
) -> Message:
    """One message with these notices, in their order; its id follows from theirs."""
    ordered = sorted(notices, key=order)
    return Message(
        id=stable_id(kind.value, *(delivery_id(n, destination) for n in ordered)),
        destination=destination,
        kind=kind,
        severity=max((n.severity for n in ordered), default=Severity.INFO),
        created_ms=now_ms,
        notices=tuple(ordered),
        hold=hold,
        link=link,
    )


def gap_change(incident: Incident, reason: Reason, rules: RuleSet, now_ms: int) -> Change:
    """That a project became unreadable, or is read again, for the default destinations."""
    notice = Notice(
        incident=incident,
        reason=reason,
        severity=incident.severity,
        threshold=incident.level,
        at_ms=now_ms,
        as_of_ms=now_ms,
        cause=Cause.READ_AGAIN if reason is Reason.RESOLVED else Cause.NONE,
    )
    return Change(notice, Owner(rules.notify))


def gap_messages(change: Change, gap: Gap, crossed: Sequence[Notice], *, now_ms: int, link: str) -> list[Message]:
    """What the destinations in `to` are told of a `gap_change`; `crossed` are the notices about what was crossed in the
    gap."""
    notice = change.notice
    return [
        Message(
            id=delivery_id(notice, name),
            destination=name,
            kind=MessageKind.UNREADABLE if notice.reason is Reason.OPENED else MessageKind.READABLE,
            severity=notice.severity,
            created_ms=now_ms,
            notices=tuple(sorted(crossed, key=order)),
            gap=gap,
            link=link,
        )
        for name in change.to or ()
    ]

"""What a person wishes about incidents: to look after them, or to hear nothing of them for a while."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fusewatch.domain.actions import EACH, Action, Wish, silent_until_ms
from fusewatch.domain.incidents import stable_id
from fusewatch.domain.notices import Incident, Message, MessageKind, Notice, State
from fusewatch.domain.rules import RuleSet
from fusewatch.domain.silences import MOST_TEXT, Silence, silence_of
from fusewatch.ports import DeskUnit, Store


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a wish: the incidents as they are now, and the destinations whose messages are to be changed."""

    incidents: tuple[Incident, ...] = ()
    silences: tuple[Silence, ...] = ()
    destinations: tuple[str, ...] = ()


def acknowledge(store: Store, incident_id: str, author: str, at_ms: int) -> Outcome | None:
    """Somebody looks after an incident: it is not told again (`repeat`) until it escalates. One that is over, or that
    somebody looks after already, stays as it is. None when there is none with that id."""

    def work(unit: DeskUnit) -> Outcome | None:
        incident = unit.incident_by_id(incident_id)
        return None if incident is None else _acknowledge(unit, [incident], author, at_ms)

    return store.desk(work)


def act(store: Store, action: Action, author: str, rules: RuleSet, at_ms: int) -> Outcome:
    """Do what somebody chose in a message, for all incidents that are open among those that it shows."""

    def work(unit: DeskUnit) -> Outcome:
        found = [unit.incident_by_id(incident_id) for incident_id in unit.carried(action.delivery)]
        standing = [incident for incident in found if incident is not None and incident.state is State.OPEN]
        if not standing:
            return Outcome()
        if action.wish is Wish.ACKNOWLEDGE:
            return _acknowledge(unit, standing, author, at_ms)
        until_ms = silent_until_ms(action.wish, rules.calendar, at_ms)
        return _silence(unit, standing, author, at_ms, until_ms)

    return store.desk(work)


def _acknowledge(unit: DeskUnit, incidents: Sequence[Incident], author: str, at_ms: int) -> Outcome:
    who = author[:MOST_TEXT] or "somebody"
    now, changed = [], []
    for incident in incidents:
        if incident.state is State.OPEN and incident.acked_ms is None:
            incident = replace(incident, acked_ms=at_ms, acked_by=who)  # noqa: PLW2901 - the same one, later
            unit.put_incident(incident)
            changed.append(incident)
        now.append(incident)

    def with_it(notice: Notice) -> Notice:
        return replace(notice, incident=replace(notice.incident, acked_ms=at_ms, acked_by=who))

    told = [(name, with_it(notice)) for one in changed for name, notice in unit.told(one.id)]
    return Outcome(tuple(now), (), _update(unit, told, at_ms))


def _silence(unit: DeskUnit, incidents: Sequence[Incident], author: str, at_ms: int, until_ms: int) -> Outcome:
    who = author[:MOST_TEXT]
    silences = [
        silence_of(wanted, starts_ms=at_ms, ends_ms=until_ms, author=who, comment="silenced from a Slack message")
        for wanted in _matchers(incidents)
    ]
    for silence in silences:
        unit.add_silence(silence)
    told = [
        (name, replace(notice, silent_ms=until_ms, silent_by=who))
        for incident in incidents
        for name, notice in unit.told(incident.id)
    ]
    return Outcome(tuple(incidents), tuple(silences), _update(unit, told, at_ms))


def _matchers(incidents: Sequence[Incident]) -> list[dict[str, list[str]]]:
    if len(incidents) > EACH:
        return [{"rule": list(dict.fromkeys(incident.rule for incident in incidents))}]
    wanted = [{"rule": [i.rule], **{name: [value] for name, value in i.labels}} for i in incidents]
    return [one for at, one in enumerate(wanted) if one not in wanted[:at]]


def _update(unit: DeskUnit, told: Iterable[tuple[str, Notice]], at_ms: int) -> tuple[str, ...]:
    """Let the messages that show the incidents say it, too. What was told meanwhile is newer and stays."""
    by_name: dict[str, list[Notice]] = {}
    for name, notice in told:
        by_name.setdefault(name, []).append(notice)
    for name, notices in by_name.items():
        ids = [part for n in notices for part in (n.incident.id, str(n.incident.acked_ms), str(n.silent_ms))]
        message = Message(
            id=stable_id(MessageKind.UPDATE.value, name, str(at_ms), *ids),
            destination=name,
            kind=MessageKind.UPDATE,
            severity=max(notice.severity for notice in notices),
            created_ms=at_ms,
            notices=tuple(notices),
        )
        unit.enqueue(message)
    return tuple(by_name)

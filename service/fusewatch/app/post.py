"""Between what changed and the outbox: who is told now, for whom a notice waits, and what is told when the wait ends.

All of it belongs to the assess transaction, so that what waits is neither lost nor told twice, whenever the process
ends. Nothing here wakes anybody: every pass looks at the few notices that wait, and passes come every few seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fusewatch.app.cells import Reading
from fusewatch.app.signposts import Signposts
from fusewatch.domain import routing
from fusewatch.domain.holding import OPENING, Held, held_with, hold_of, knows_already, still_worth_telling
from fusewatch.domain.notices import Hold, Incident, Message, MessageKind, Notice, Reason, Why
from fusewatch.domain.relaying import relayed_as
from fusewatch.domain.repeating import is_due_again
from fusewatch.domain.rules import RuleSet
from fusewatch.domain.silences import Silence
from fusewatch.ports import AssessUnit


@dataclass(slots=True)
class Post:
    """The post of one pass. `tell` and `repeat` decide about changes, `release` gives the messages of ended waits."""

    unit: AssessUnit
    rules: RuleSet
    reading: Reading
    now_ms: int
    signposts: Signposts | None = None
    silences: Sequence[Silence] = field(init=False)
    held: dict[tuple[str, str], Held] = field(init=False)
    """By incident id and destination."""

    def __post_init__(self) -> None:
        self.silences = self.unit.silences(self.now_ms)
        self.held = {(held.incident_id, held.destination): held for held in self.unit.held()}

    def tell(self, change: routing.Change) -> routing.Change:
        """Decide who is told now. The change comes back with that, and its incident with whom it was told; the caller
        stores the incident."""
        names = routing.told(change, self.rules.destinations)
        notice = self.linked(change.notice) if names else change.notice
        now: list[str] = []
        waits: list[str] = []
        for name in names:
            hold = None if notice.reason in routing.NO_NEWS else self._hold_of(notice, name)
            if hold is None:
                now.append(name)
                if notice.reason not in routing.NO_NEWS:
                    self._drop(notice.incident.id, name)  # whatever waited, this is newer
            else:
                waits.append(name)
                self._put(held_with(self._of(notice.incident.id, name), name, notice, hold, self.now_ms))
        incident = self._told(notice.incident, now)
        if notice.reason in OPENING:
            incident = relayed_as(incident, self._relays(now), notice.severity)
        return replace(change, notice=replace(notice, incident=incident), to=tuple(now), held=tuple(waits))

    def end(self, incident: Incident, reason: Reason) -> list[routing.Change]:
        """An incident ended, and that is no news: only destinations that follow learn of it, at once."""
        notice, owner = self._notice(incident, reason)
        names = routing.told(routing.Change(notice, owner), self.rules.destinations)
        return [routing.Change(self.linked(notice), owner, to=names)] if names else []

    def linked(self, notice: Notice) -> Notice:
        """With the way to its rows."""
        return notice if self.signposts is None else replace(notice, links=self.signposts.of(notice))

    # ------------------------------------------------------------ again

    def repeat(self) -> list[routing.Change]:
        """What is still open and was not told of for its interval, to those who know of it and whom nothing holds
        back. Nothing of it waits: after the wait it is due again, or told anew."""
        if not self.rules.repeat:
            return []
        return [
            change
            for incident in self.unit.open_incidents()
            if is_due_again(incident, self.rules.repeat, self.now_ms) and (change := self._again(incident))
        ]

    def _again(self, incident: Incident) -> routing.Change | None:
        notice, owner = self._notice(replace(incident, repeats=incident.repeats + 1), Reason.REPEATED)
        change = routing.Change(notice, owner)
        names = [
            name
            for name in routing.told(change, self.rules.destinations)
            if self._of(incident.id, name) is None and self._hold_of(notice, name) is None
        ]
        if not names:
            return None
        told = self._told(notice.incident, names)
        self.unit.put_incident(told)
        return routing.Change(replace(self.linked(notice), incident=told), owner, to=tuple(names))

    def _notice(self, incident: Incident, reason: Reason) -> tuple[Notice, routing.Owner]:
        """A notice about how an incident stands that no judgement made, and whom it belongs to."""
        rule = next((rule for rule in self.rules.rules if rule.name == incident.rule), None)
        notify = rule.notify if rule else self.rules.notify
        owner = routing.owner_of(self.rules, notify, None, self._values(incident))
        notice = Notice(
            incident=incident,
            reason=reason,
            severity=incident.severity,
            threshold=incident.level if reason is Reason.REPEATED else incident.highest,
            at_ms=self.now_ms,
            as_of_ms=self._as_of_ms(),
            labels=owner.labels,
            runbook=owner.runbook,
            rows=() if incident.kind.is_watch else tuple(sorted(self._values(incident).items())),
        )
        return notice, owner

    # ------------------------------------------------------------ the end of a wait

    def release(self, link: str) -> list[Message]:
        """For each destination whose wait is over one message with what still stands of what waited."""
        free: dict[str, list[Held]] = {}
        for held in list(self.held.values()):
            if held.destination not in self.rules.destinations:
                self._drop(held.incident_id, held.destination)
                continue
            hold = self._hold_of(held.notice, held.destination)
            if hold is None:
                free.setdefault(held.destination, []).append(held)
            elif hold != held.hold:
                self._put(replace(held, hold=hold))
        return [message for name, waited in free.items() for message in self._summaries(name, waited, link)]

    def _summaries(self, destination: str, waited: Sequence[Held], link: str) -> list[Message]:
        told: dict[Why, list[Notice]] = {}
        holds: dict[Why, Hold] = {}
        for held in waited:
            self._drop(held.incident_id, destination)
            notice = self._standing(held)
            if notice is None:
                continue
            incident = self._told(notice.incident, [destination])
            if notice.reason in OPENING:
                incident = relayed_as(incident, self._relays([destination]), notice.severity)
            if notice.reason is not Reason.RESOLVED and knows_already(notice, waited):
                self.unit.put_incident(replace(incident, told_ms=notice.incident.told_ms))
                continue
            self.unit.put_incident(incident)
            why = held.hold.why
            told.setdefault(why, []).append(replace(notice, incident=incident, as_of_ms=self._as_of_ms()))
            holds[why] = self._joined(holds.get(why), held.hold)
        return [
            routing.message_of(
                MessageKind.SUMMARY, destination, notices, now_ms=self.now_ms, link=link, hold=holds[why]
            )
            for why, notices in told.items()
        ]

    def _standing(self, held: Held) -> Notice | None:
        incident = self.unit.incident_by_id(held.incident_id)
        if incident is None:
            return None
        latest = self.unit.incident(incident.rule, incident.key, incident.period)
        later = latest if latest is not None and latest.id != incident.id else None
        return still_worth_telling(held, incident, later, self.now_ms)

    def _joined(self, before: Hold | None, hold: Hold) -> Hold:
        """One hold that says what several were, as far as they lasted."""
        until_ms = min(hold.until_ms, self.now_ms)
        if before is None:
            return replace(hold, until_ms=until_ms)
        silence = hold.silence if hold.silence == before.silence else ""
        return Hold(hold.why, min(before.since_ms, hold.since_ms), max(before.until_ms, until_ms), silence)

    # ------------------------------------------------------------ small things

    def _hold_of(self, notice: Notice, name: str) -> Hold | None:
        values = self._values(notice.incident) if self.silences else {}
        return hold_of(notice, values, self.rules.destinations[name], self.silences, self.now_ms)

    def _values(self, incident: Incident) -> Mapping[str, str]:
        rule = next((rule for rule in self.rules.rules if rule.name == incident.rule), None)
        return dict(incident.labels) if rule is None else routing.known_values(rule, incident.labels)

    def _as_of_ms(self) -> int:
        """How old the oldest data are, whatever the notice is about."""
        projects = [self.reading.projects[key] for key in self.reading.active]
        return min((p.data_as_of_ms for p in projects if p.data_as_of_ms is not None), default=self.now_ms)

    def _told(self, incident: Incident, names: Sequence[str]) -> Incident:
        if not names:
            return incident
        return replace(incident, told=tuple(dict.fromkeys((*incident.told, *names))), told_ms=self.now_ms)

    def _relays(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if self.rules.destinations[name].relays]

    def _of(self, incident_id: str, destination: str) -> Held | None:
        return self.held.get((incident_id, destination))

    def _put(self, held: Held) -> None:
        self.held[held.incident_id, held.destination] = held
        self.unit.put_held(held)

    def _drop(self, incident_id: str, destination: str) -> None:
        if self.held.pop((incident_id, destination), None) is not None:
            self.unit.drop_held(incident_id, destination)

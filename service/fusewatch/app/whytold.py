"""Who was told of a threshold, and what kept the others from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fusewatch.app.whyfacts import Hindrance, Told, Untold
from fusewatch.domain import routing
from fusewatch.domain.holding import Held
from fusewatch.domain.notices import Crossing, Incident, Notice, Reason, Timing, Why
from fusewatch.domain.rules import Rule, RuleSet, Threshold
from fusewatch.domain.silences import Silence
from fusewatch.ports import Posted, ReadUnit

_DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Records:
    """What is remembered of one key in one period: its episodes, what was posted of each, what waits, and all silences
    that ever were."""

    incidents: tuple[Incident, ...]
    posted: Mapping[str, Sequence[Posted]]
    held: tuple[Held, ...]
    silences: tuple[Silence, ...]

    def of(self, incident: Incident) -> Iterator[tuple[Posted, Notice]]:
        """What was posted of the incident, each with its notice about it."""
        for posted in self.posted.get(incident.id, ()):
            for notice in posted.message.notices:
                if notice.incident.id == incident.id:
                    yield posted, notice


def records(unit: ReadUnit, incidents: Sequence[Incident]) -> Records:
    ids = {incident.id for incident in incidents}
    return Records(
        tuple(incidents),
        {incident.id: unit.posted(incident.id, from_ms=incident.opened_ms) for incident in incidents},
        tuple(held for held in unit.held() if held.incident_id in ids),
        tuple(unit.silences(active_at_ms=None)) if incidents else (),
    )


def told_of(posted: Posted) -> Told:
    row = posted.row
    return Told(row.destination, row.state, row.created_ms, row.sent_ms, row.next_ms, row.attempts, row.text)


def warnings_told(found: Records) -> tuple[Told, ...]:
    """The deliveries that opened any of the incidents."""
    return tuple(
        told_of(posted)
        for incident in found.incidents
        for posted, notice in found.of(incident)
        if notice.reason is Reason.OPENED
    )


@dataclass(frozen=True, slots=True)
class Crossed:
    """One threshold that an incident remembers as crossed, and the rule as it was then. `override` names the
    destinations of the override that held."""

    rules: RuleSet
    rule: Rule
    values: Mapping[str, str]
    threshold: Threshold
    override: tuple[str, ...] | None
    incident: Incident
    crossing: Crossing
    records: Records

    def outcome(self) -> tuple[tuple[Told, ...], tuple[Hindrance, ...]]:
        """The deliveries that told of it, and for each destination that was not told the reason."""
        specific = self.threshold.notify if self.threshold.notify is not None else self.override
        owner = routing.owner_of(self.rules, self.rule.notify, specific, self.values)
        exact = [posted for posted, notice in self._openings() if notice.threshold == self.crossing.share]
        told = tuple(told_of(posted) for posted in exact if posted.row.state != _DEAD)
        dead = tuple(
            Hindrance(Untold.DESTINATION_DEAD, posted.row.destination, detail=posted.row.text)
            for posted in exact
            if posted.row.state == _DEAD
        )
        reached = {posted.row.destination for posted in exact}
        named = [n for n in dict.fromkeys(owner.destinations) if n in self.rules.destinations and n not in reached]
        if not named and not reached:
            return (), (Hindrance(Untold.NO_DESTINATION),)
        return told, (*dead, *(self._hindrance(name) for name in named))

    def _openings(self) -> Iterator[tuple[Posted, Notice]]:
        """Of the same limit only: with another one the same share is another threshold."""
        for posted, notice in self.records.of(self.incident):
            same = notice.incident.baseline is not None or notice.incident.limit == self.crossing.limit
            if same and notice.reason in (Reason.OPENED, Reason.ESCALATED):
                yield posted, notice

    def _hindrance(self, name: str) -> Hindrance:
        if self.incident.timing is Timing.RECORDED:
            return Hindrance(Untold.RECORDED_ONLY, name)
        learned_ms = self.crossing.learned_ms
        with_it = {c.share for c in self.incident.crossings if c.learned_ms == learned_ms}
        for posted, notice in self._openings():
            if posted.row.destination != name or notice.threshold <= self.crossing.share:
                continue
            if notice.threshold in with_it:
                return Hindrance(Untold.ANNOUNCED_WITH, name, detail=f"{float(notice.threshold * 100):g} %")
        policy = self.rules.destinations[name]
        if self.threshold.severity < policy.least:
            return Hindrance(Untold.BELOW_FROM, name, least=policy.least)
        return self._wait(name) or self._past_wait(name) or Hindrance(Untold.ANNOUNCED_BEFORE, name)

    def _wait(self, name: str) -> Hindrance | None:
        """What keeps it now."""
        for held in self.records.held:
            if held.destination == name and held.incident_id == self.incident.id:
                silenced = held.hold.why is Why.SILENCE
                reason = Untold.SILENCED if silenced else Untold.QUIET_HOURS
                return Hindrance(reason, name, held.hold.until_ms, held.hold.silence)
        return None

    def _past_wait(self, name: str) -> Hindrance | None:
        """What kept it when it was learned; it came to nothing before that ended, or a higher one was told then."""
        at_ms, severity = self.crossing.learned_ms, self.threshold.severity
        facts = {**self.values, "rule": self.rule.name, "severity": severity.word, "kind": self.incident.kind.value}
        covering = [s for s in self.records.silences if s.is_active(at_ms) and s.covers(facts)]
        if covering:
            last = max(covering, key=lambda silence: (silence.until_ms, silence.id))
            return Hindrance(Untold.SILENCED, name, last.until_ms, last.id)
        policy = self.rules.destinations[name]
        if policy.quiet is None or policy.relays or severity in policy.urgent:
            return None
        span = policy.quiet.span_at(at_ms)
        return None if span is None else Hindrance(Untold.QUIET_HOURS, name, span[1])

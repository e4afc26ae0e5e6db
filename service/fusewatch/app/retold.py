"""How incidents stand, told as notices are: for the terminal, whenever somebody asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fusewatch.app.drivers import MOST_EXPLAINED, Explainer
from fusewatch.app.signposts import Signposts
from fusewatch.domain import routing
from fusewatch.domain.explanations import Explanation
from fusewatch.domain.holding import Held
from fusewatch.domain.notices import Incident, Notice, Reason, State
from fusewatch.domain.rules import RuleSet
from fusewatch.ports import Linker, Posted, ReadUnit

_REASONS = {
    State.OPEN: Reason.OPENED,
    State.RESOLVED: Reason.RESOLVED,
    State.ROLLED_OVER: Reason.ROLLED_OVER,
    State.WITHDRAWN: Reason.WITHDRAWN,
}

MOST_SEARCHED = 10_000
"""So many incidents, those that changed last, are looked through for an id."""


@dataclass(frozen=True, slots=True)
class Retold:
    """One incident: what would be told of it now, and for whom something of it waits."""

    notice: Notice
    held: tuple[Held, ...]

    @property
    def incident(self) -> Incident:
        return self.notice.incident


@dataclass(frozen=True, slots=True)
class Story:
    """One incident with every delivery that told of it, oldest first."""

    retold: Retold
    posted: tuple[Posted, ...]


def incidents_now(
    unit: ReadUnit, rules: RuleSet, linker: Linker, *, now_ms: int, open_only: bool, limit: int
) -> tuple[Retold, ...]:
    """The incidents as they stand, the newest change first; no more than `limit`."""
    teller = _Teller(unit, rules, linker, now_ms)
    return tuple(map(teller.retold, unit.incidents(open_only=open_only, limit=limit)))


def incidents_named(unit: ReadUnit, id_prefix: str) -> Sequence[Incident]:
    """Those whose id begins so, in whatever case."""
    wanted = id_prefix.upper()
    return [i for i in unit.incidents(open_only=False, limit=MOST_SEARCHED) if i.id.startswith(wanted)]


def story_of(unit: ReadUnit, rules: RuleSet, linker: Linker, incident: Incident, *, now_ms: int) -> Story:
    """All that is known of one incident."""
    retold = _Teller(unit, rules, linker, now_ms).retold(incident)
    return Story(retold, tuple(unit.posted(incident.id, from_ms=incident.opened_ms)))


class _Teller:
    """Makes notices of incidents, within one reading. What explains an incident is added here, in one place."""

    def __init__(self, unit: ReadUnit, rules: RuleSet, linker: Linker, now_ms: int) -> None:
        projects = {project.key: project for project in unit.projects()}
        known = [p.data_as_of_ms for p in projects.values() if p.data_as_of_ms is not None]
        self._rules = rules
        self._now_ms = now_ms
        self._as_of_ms = min(known, default=now_ms)
        self._signs = Signposts(linker, rules, projects, unit.values)
        self._held: Mapping[str, list[Held]] = _by_incident(unit.held())
        self._explainer = Explainer.over(unit.drivers(), rules, now_ms)
        self._explained = 0

    def retold(self, incident: Incident) -> Retold:
        return Retold(self._notice(incident), tuple(self._held.get(incident.id, ())))

    def _notice(self, incident: Incident) -> Notice:
        is_open = incident.state is State.OPEN
        at_ms = self._now_ms if is_open else incident.changed_ms
        rule = next((rule for rule in self._rules.rules if rule.name == incident.rule), None)
        values = dict(incident.labels) if rule is None else routing.known_values(rule, incident.labels)
        owner = routing.owner_of(self._rules, rule.notify if rule else None, None, values)
        why = self._why(incident) if is_open else None
        dearest = self._signs.of_trace(why) if why is not None else None
        links = self._signs.of_incident(incident, at_ms)
        return Notice(
            incident=incident,
            reason=_REASONS[incident.state],
            severity=incident.severity,
            threshold=incident.level if is_open else incident.highest,
            at_ms=at_ms,
            as_of_ms=self._as_of_ms if is_open else min(self._as_of_ms, at_ms),
            labels=owner.labels,
            runbook=owner.runbook,
            forecast=incident.forecast,
            links=links if dearest is None else (*links, dearest),
            why=why,
        )

    def _why(self, incident: Incident) -> Explanation | None:
        if self._explained >= MOST_EXPLAINED:
            return None
        self._explained += 1
        return self._explainer.of(incident)


def _by_incident(held: Sequence[Held]) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = {}
    for one in held:
        found.setdefault(one.incident_id, []).append(one)
    return found

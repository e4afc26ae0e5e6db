"""What a destination that relays is to show of an incident: an alert that stands as long as the incident does.

Such a receiver (an Alertmanager) knows an alert by its labels, severity included, and forgets one that it does not hear
of again. So it is told how things are, as often as need be, and never what happened: any number of repeats, in any
order, come to the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from fusewatch.domain.notices import Incident, Kind, Notice, State, Timing
from fusewatch.domain.routing import known_values, owner_of
from fusewatch.domain.rules import RuleSet, Severity

SHOWN_ENDED_MS = 15 * 60_000
"""For how long the end of an incident is told to one that has not taken it: three times what an
Alertmanager waits before it gives up an alert."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One incident as a receiver shows it. `severity` is the one that the receiver was told last, which lags behind the
    incident's while that is silenced; `before` are those that it was told earlier, and which this one replaces."""

    incident: Incident
    severity: Severity
    before: tuple[Severity, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    runbook: str = ""
    project: str = ""
    """The name of the one project that it is about; "" for several."""

    @property
    def stands(self) -> bool:
        """Whether it is to fire."""
        return self.incident.state is State.OPEN or self.late

    @property
    def late(self) -> bool:
        """Whether it was over when it was first told, so that it stands for a moment only."""
        return self.incident.timing is Timing.LATE and self.incident.state is not State.OPEN


def relayed_as(incident: Incident, names: Iterable[str], severity: Severity) -> Incident:
    """The incident, once these destinations were told of it as so severe."""
    added = tuple((name, severity) for name in names)
    return replace(incident, told_as=(*(pair for pair in incident.told_as if pair not in added), *added))


def alert_of(incident: Incident, destination: str, rules: RuleSet, *, only_project: str) -> Alert:
    """How the incident stands, for a destination that was told of it. The route's labels are those of the rules in
    force; `only_project` is the name of the only project that is read, "" where there are several."""
    known = [severity for name, severity in incident.told_as if name == destination] or [incident.severity]
    rule = next((rule for rule in rules.rules if rule.name == incident.rule), None)
    values = known_values(rule, incident.labels) if rule else dict(incident.labels)
    owner = owner_of(rules, None, None, values)
    return Alert(
        incident=incident,
        severity=known[-1],
        before=tuple(known[:-1]),
        labels=owner.labels,
        runbook=owner.runbook,
        project=values.get("project", only_project),
    )


def alert_of_notice(notice: Notice) -> Alert:
    """What a notice alone tells."""
    labels = dict(notice.incident.labels)
    return Alert(
        notice.incident,
        notice.severity,
        labels=notice.labels,
        runbook=notice.runbook,
        project=labels.get("project", ""),
    )


def is_kept(incident: Incident, destination: str) -> bool:
    """Whether the destination is reminded of it: that it stands, or that it has ended not long ago."""
    return destination in incident.told and (incident.state is State.OPEN or incident.timing is not Timing.LATE)


def has_no_notice(incident: Incident) -> bool:
    """Whether messages about it have facts of their own in place of a notice."""
    return incident.kind is Kind.UNREADABLE

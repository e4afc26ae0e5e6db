"""By what receivers know that two messages are about the same thing."""

from fusewatch.domain.incidents import stable_id
from fusewatch.domain.notices import Gap, Incident, Kind, Message


def incident_key(incident: Incident) -> str:
    """The incident's id. A project that cannot be read is known by its name and since when, because the messages about
    its gap name no incident."""
    if incident.kind is Kind.UNREADABLE:
        project = next((value for name, value in incident.labels if name == "project"), "")
        return _unreadable(project, incident.period_start_ms)
    return incident.id


def gap_key(gap: Gap) -> str:
    return _unreadable(gap.project, gap.since_ms)


def _unreadable(project: str, since_ms: int) -> str:
    return f"unreadable-{stable_id('unreadable', project, str(since_ms))}"


def only_key(message: Message) -> str:
    """The key of the one thing that the message is about; "" where it is about several, or none."""
    if message.gap is not None:
        return gap_key(message.gap)
    keys = {incident_key(notice.incident) for notice in message.notices}
    return keys.pop() if len(keys) == 1 and message.start is None else ""

"""When an open incident is told again although nothing about it changed."""

from collections.abc import Sequence

from fusewatch.domain.notices import Incident, Kind, State
from fusewatch.domain.rules import Severity


def is_due_again(incident: Incident, repeat: Sequence[tuple[Severity, int]], now_ms: int) -> bool:
    """Whether the interval of its severity has passed since anybody was last told of it, and nobody looks after it.

    Only the interval in force counts, so that a shorter one works at once. A newcomer is told once for ever.
    """
    due_ms = due_again_ms(incident, repeat)
    return due_ms is not None and now_ms >= due_ms


def due_again_ms(incident: Incident, repeat: Sequence[tuple[Severity, int]]) -> int | None:
    """From when on it is due again; None where it never will be."""
    every_ms = dict(repeat).get(incident.severity)
    if every_ms is None or incident.state is not State.OPEN or incident.kind is Kind.NEW or not incident.told:
        return None
    if incident.acked_ms is not None:
        return None
    return every_ms + (incident.changed_ms if incident.told_ms is None else incident.told_ms)

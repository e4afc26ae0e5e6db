"""Whether a heartbeat may be sent: it says that all is well, so it says nothing while anything is not."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProjectRound:
    """How reading one project went: when it last worked, and whether it fails since."""

    last_success_ms: int | None
    failing: bool


def missing_for_a_round(
    projects: Sequence[ProjectRound],
    *,
    expected: int,
    since_ms: int,
    assessed_ms: int,
    newly_dead: int,
) -> str:
    """What a full healthy round since `since_ms` still lacks, in a word for the log; "" for nothing.

    Healthy is: every one of the `expected` projects was read after that, all of it was assessed after that (an
    assessment ended at `assessed_ms`), and no delivery died.
    """
    if len(projects) < expected or any(project.failing for project in projects):
        return "unreadable"
    latest = [project.last_success_ms for project in projects]
    if any(success is None or success <= since_ms for success in latest):
        return "not_read"
    if any(success is not None and assessed_ms < success for success in latest):
        return "not_assessed"
    return "deliveries_dead" if newly_dead > 0 else ""

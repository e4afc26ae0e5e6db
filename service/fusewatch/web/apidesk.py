"""What the API asks of the daemon beside the picture that everything shares."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fusewatch.app.reports import Breakdown, Question
from fusewatch.app.retold import Story
from fusewatch.domain.notices import Incident
from fusewatch.errors import Problem
from fusewatch.ports import DeliveryRow

STATES = ("pending", "claimed", "sent", "dead")
"""Of a delivery."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What came of reading the budget file again. `problems` keep it from being in force; `revision` is a hash of the
    meaning of the rules that are."""

    changed: bool
    revision: str
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiDesk:
    """`incidents` are the latest, with True those alone that are open; `story` and `revive` give None where there is
    none with that id, `revive` also for a delivery that is not dead. `breakdown` may take long: it ends when
    `Question.ended` says so. `reload` reads the budget file again, after the call."""

    incidents: Callable[[bool], Awaitable[Sequence[Incident]]]
    story: Callable[[str], Awaitable[Story | None]]
    deliveries: Callable[[Sequence[str]], Awaitable[Sequence[DeliveryRow]]]
    revive: Callable[[str], Awaitable[DeliveryRow | None]]
    breakdown: Callable[[Question], Awaitable[Breakdown]]
    reload: Callable[[], Awaitable[Reloaded]]

"""What people change about incidents: that somebody looks after one, and that nobody wants to hear of some."""

from collections.abc import Sequence
from typing import Protocol

from fusewatch.domain.notices import Incident, Message, Notice
from fusewatch.domain.silences import Silence


class DeskUnit(Protocol):
    """One short write transaction of a person's wish."""

    def is_first(self, signature: str, *, at_ms: int, forget_before_ms: int) -> bool:
        """Whether a request with this signature comes for the first time; those from before are forgotten."""

    def incident_by_id(self, incident_id: str) -> Incident | None: ...

    def put_incident(self, incident: Incident) -> None: ...

    def carried(self, delivery: str) -> Sequence[str]:
        """The ids of the incidents that the message of a delivery shows."""

    def told(self, incident_id: str) -> Sequence[tuple[str, Notice]]:
        """The destinations whose messages about the incident can be changed, with what each was told last."""

    def enqueue(self, message: Message) -> bool:
        """As `AssessUnit.enqueue`."""

    def add_silence(self, silence: Silence) -> None: ...

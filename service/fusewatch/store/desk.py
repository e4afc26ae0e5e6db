"""What people change about incidents, in one transaction with the messages that say so."""

from collections.abc import Sequence

from fusewatch.domain.notices import Incident, Message, Notice
from fusewatch.domain.silences import Silence
from fusewatch.store import codec, incidents, outbox, silences
from fusewatch.store.connection import Link


class Desk:
    """Implements `ports.DeskUnit`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def is_first(self, signature: str, *, at_ms: int, forget_before_ms: int) -> bool:
        self._link.run("DELETE FROM seen_request WHERE at_ms < ?", (forget_before_ms,))
        made = self._link.run(
            "INSERT INTO seen_request (signature, at_ms) VALUES (?, ?) ON CONFLICT (signature) DO NOTHING",
            (signature, at_ms),
        )
        return made == 1

    def incident_by_id(self, incident_id: str) -> Incident | None:
        return incidents.by_id(self._link, incident_id)

    def put_incident(self, incident: Incident) -> None:
        incidents.put(self._link, incident)

    def carried(self, delivery: str) -> Sequence[str]:
        rows = self._link.rows(
            "SELECT DISTINCT i.incident FROM thread_incident i JOIN thread t ON t.number = i.thread"
            " WHERE t.delivery = ? ORDER BY i.incident",
            (delivery,),
        )
        return [incident for (incident,) in rows]

    def told(self, incident_id: str) -> Sequence[tuple[str, Notice]]:
        rows = self._link.rows(
            "SELECT destination, facts FROM told WHERE incident = ? ORDER BY destination", (incident_id,)
        )
        return [(destination, codec.notice_of(facts)) for destination, facts in rows]

    def enqueue(self, message: Message) -> bool:
        return outbox.enqueue(self._link, message)

    def add_silence(self, silence: Silence) -> None:
        silences.add(self._link, silence)

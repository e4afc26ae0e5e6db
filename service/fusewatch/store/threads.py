"""Messages that can be changed: where they are, which incidents they carry, and how far a delivery got."""

from collections.abc import Sequence

from fusewatch.domain.notices import Message, MessageKind, Notice
from fusewatch.domain.threads import JOIN_MS, Known, Thread, incidents_of, is_newer
from fusewatch.store import codec
from fusewatch.store.connection import Link

_THREAD = "t.number, t.delivery, t.channel, t.reference, t.created_ms, t.message"
_AT_ONCE = 500
_RECENT = 50
"""So many of the latest messages are looked at for one to join."""


class Threads:
    """Implements `ports.ThreadUnit`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def note(self, message: Message) -> None:
        # What happened in a gap is told again when it ends, as it was: that is no news about how things stand.
        is_report = message.kind is MessageKind.READABLE
        before = self._told(message.destination, [notice.incident.id for notice in message.notices])
        for notice in message.notices:
            known = before.get(notice.incident.id)
            if known is None or (not is_report and notice != known and is_newer(notice, known)):
                self._put_told(message.destination, notice)

    def known(self, message: Message, place: str) -> Known:
        destination = message.destination
        numbers: set[int] = set()
        for part in _parts(incidents_of(message)):
            marks = ", ".join("?" * len(part))
            sql = f"SELECT DISTINCT thread FROM thread_incident WHERE incident IN ({marks})"  # noqa: S608 no input in it
            numbers |= {number for (number,) in self._link.rows(sql, part)}
        rows = [
            row
            for part in _parts(sorted(numbers))
            for row in self._link.rows(
                f"SELECT {_THREAD} FROM thread t WHERE t.destination = ? AND t.place = ?"  # noqa: S608 our own names only
                f" AND t.number IN ({', '.join('?' * len(part))}) ORDER BY t.number",
                (destination, place, *part),
            )
        ]
        recent = self._link.rows(
            f"SELECT {_THREAD} FROM thread t WHERE t.destination = ? AND t.place = ? AND t.created_ms >= ?"  # noqa: S608 our own names only
            " ORDER BY t.number DESC LIMIT ?",
            (destination, place, message.created_ms - JOIN_MS, _RECENT),
        )
        steps = self._link.rows("SELECT step, reference FROM delivery_step WHERE delivery = ?", (message.id,))
        last = self._link.row(
            "SELECT channel FROM thread WHERE destination = ? AND place = ? ORDER BY number DESC LIMIT 1",
            (destination, place),
        )
        return Known(
            threads=tuple(self._thread(*row) for row in rows),
            recent=tuple(self._thread(*row) for row in reversed(recent)),
            steps=dict(steps),
            channel=last[0] if last else "",
        )

    def begin(self, delivery: str, step: str) -> None:
        self._link.run(
            "INSERT INTO delivery_step (delivery, step, reference) VALUES (?, ?, NULL)"
            " ON CONFLICT (delivery, step) DO NOTHING",
            (delivery, step),
        )

    def end(self, delivery: str, step: str, reference: str) -> None:
        self._link.run(
            "INSERT INTO delivery_step (delivery, step, reference) VALUES (?, ?, ?)"
            " ON CONFLICT (delivery, step) DO UPDATE SET reference = excluded.reference",
            (delivery, step, reference),
        )

    def undo(self, delivery: str, step: str) -> None:
        self._link.run(
            "DELETE FROM delivery_step WHERE delivery = ? AND step = ? AND reference IS NULL", (delivery, step)
        )

    def post(self, message: Message, place: str, channel: str, reference: str) -> None:
        [(number,)] = self._link.rows(
            "INSERT INTO thread (destination, place, delivery, channel, reference, created_ms, message)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
            (message.destination, place, message.id, channel, reference, message.created_ms, codec.encode(message)),
        )
        self.join(number, incidents_of(message))

    def join(self, thread: int, incidents: Sequence[str]) -> None:
        (count,) = self._link.row("SELECT count(*) FROM thread_incident WHERE thread = ?", (thread,))
        self._link.run_many(
            "INSERT INTO thread_incident (thread, incident, position) VALUES (?, ?, ?)"
            " ON CONFLICT (thread, incident) DO NOTHING",
            [(thread, incident, count + number) for number, incident in enumerate(incidents)],
        )

    def show(self, thread: int, message: Message) -> None:
        self._link.run("UPDATE thread SET message = ? WHERE number = ?", (codec.encode(message), thread))

    def drop(self, thread: int) -> None:
        self._link.run("DELETE FROM thread_incident WHERE thread = ?", (thread,))
        self._link.run("DELETE FROM thread WHERE number = ?", (thread,))

    # ------------------------------------------------------------ rows

    def _thread(self, number: int, delivery: str, channel: str, reference: str, at_ms: int, message: str) -> Thread:
        posted = codec.message_of(message)
        rows = self._link.rows("SELECT incident FROM thread_incident WHERE thread = ? ORDER BY position", (number,))
        ids = [incident for (incident,) in rows]
        told = self._told(posted.destination, ids)
        notices = tuple(told[incident] for incident in ids if incident in told)
        return Thread(number, delivery, channel, reference, at_ms, posted, notices)

    def _told(self, destination: str, incidents: Sequence[str]) -> dict[str, Notice]:
        return {
            incident: codec.notice_of(facts)
            for part in _parts(incidents)
            for incident, facts in self._link.rows(
                "SELECT incident, facts FROM told WHERE destination = ?"  # noqa: S608 no input in it
                f" AND incident IN ({', '.join('?' * len(part))})",
                (destination, *part),
            )
        }

    def _put_told(self, destination: str, notice: Notice) -> None:
        self._link.run(
            "INSERT INTO told (destination, incident, at_ms, facts) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (destination, incident) DO UPDATE SET at_ms = excluded.at_ms, facts = excluded.facts",
            (destination, notice.incident.id, notice.at_ms, codec.encode(notice)),
        )


def _parts(values: Sequence[object]) -> list[tuple[object, ...]]:
    """No statement takes more values than every database allows."""
    return [tuple(values[at : at + _AT_ONCE]) for at in range(0, len(values), _AT_ONCE)]


def forget_steps(link: Link, delivery: str) -> None:
    """The delivery ended: nobody asks again how far it got."""
    link.run("DELETE FROM delivery_step WHERE delivery = ?", (delivery,))


def drop_old(link: Link, before_ms: int) -> None:
    """Forget what was posted, and what was told, before that."""
    old = "SELECT number FROM thread WHERE created_ms < ?"
    link.run(f"DELETE FROM thread_incident WHERE thread IN ({old})", (before_ms,))  # noqa: S608 no input in it
    link.run("DELETE FROM thread WHERE created_ms < ?", (before_ms,))
    link.run("DELETE FROM told WHERE at_ms < ?", (before_ms,))
    link.run(
        "DELETE FROM delivery_step WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.id = delivery_step.delivery)"
    )

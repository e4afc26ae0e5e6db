"""The outbox: one row for each message and destination, claimed with a lease, `sent` only after the receiver said so.

Due deliveries of a destination go in the order in which they were enqueued. One that waits for its retry does not hold
up younger ones; one that is being sent does, so that two senders never overtake each other.
"""

from collections.abc import Mapping, Sequence

from fusewatch.domain.notices import Message
from fusewatch.ports import Claimed, DeliveryRow, Posted
from fusewatch.store import codec, threads, told_before
from fusewatch.store.connection import Link

PENDING, CLAIMED, SENT, DEAD = "pending", "claimed", "sent", "dead"
_MAX_TEXT = 500
_SHOWN = "id, destination, state, kind, attempts, created_ms, next_ms, ended_ms, reason, text"
_END_OF_CLAIM = (
    "UPDATE delivery SET state = ?, claimed_until_ms = NULL, holder = '', attempts = ?, next_ms = coalesce(?, next_ms),"
    " ended_ms = ?, reason = coalesce(?, reason), text = coalesce(?, text)"
    " WHERE id = ? AND state = 'claimed' AND attempts = ?"
)
"""Only while it is the very claim that we took: a later one has counted another attempt."""


def enqueue(link: Link, message: Message) -> bool:
    """Put a message in line. False when its id is there already, or all that it says was told before a backup was
    restored; then nothing changes."""
    message, old = told_before.without(link, message)
    if old:
        return False
    columns = "(id, destination, kind, state, created_ms, next_ms, message)"
    values = (
        message.id,
        message.destination,
        message.kind.value,
        PENDING,
        message.created_ms,
        message.created_ms,
        codec.encode(message),
    )
    sql = f"INSERT INTO delivery {columns} VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"  # noqa: S608 no input in it
    return link.run(sql, values) == 1


class Outbox:
    """Implements `ports.DeliverUnit`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def claim(self, destination: str, *, now_ms: int, until_ms: int, holder: str) -> Claimed | None:
        # Two senders of one destination would overtake each other; what somebody is about to change waits.
        self._link.alone(destination)
        ours = self._link.row(
            "SELECT id, message, attempts, coalesce(revived_ms, created_ms) FROM delivery"
            " WHERE destination = ? AND state = 'claimed' AND holder = ? AND claimed_until_ms = ?",
            (destination, holder, until_ms),
        )
        if ours is not None:  # this very claim was committed, and the answer got lost
            id_, message, attempts, created_ms = ours
            return Claimed(id_, codec.message_of(message), attempts - 1, created_ms)
        row = self._link.row(
            "SELECT seq, id, message, attempts, coalesce(revived_ms, created_ms) FROM delivery d"  # noqa: S608 no input in it
            " WHERE destination = ?"
            " AND ((state = 'pending' AND next_ms <= ?) OR (state = 'claimed' AND claimed_until_ms <= ?))"
            " AND NOT EXISTS (SELECT 1 FROM delivery o WHERE o.destination = d.destination AND o.state = 'claimed'"
            " AND o.claimed_until_ms > ? AND o.seq < d.seq) ORDER BY seq LIMIT 1"
            f"{self._link.skip_locked()}",
            (destination, now_ms, now_ms, now_ms),
        )
        if row is None:
            return None
        seq, id_, message, attempts, created_ms = row
        self._link.run(
            "UPDATE delivery SET state = 'claimed', claimed_until_ms = ?, holder = ?, attempts = ? WHERE seq = ?",
            (until_ms, holder, attempts + 1, seq),
        )
        return Claimed(id_, codec.message_of(message), attempts, created_ms)

    def sent(self, claimed: Claimed, *, at_ms: int, reference: str) -> None:
        """The receiver has it, whoever holds the claim by now: nobody needs to send it again."""
        self._link.run(
            "UPDATE delivery SET state = 'sent', claimed_until_ms = NULL, holder = '', ended_ms = ?, reference = ?,"
            " reason = '', text = '' WHERE id = ? AND state <> 'sent'",
            (at_ms, reference, claimed.id),
        )
        threads.forget_steps(self._link, claimed.id)

    def retry(self, claimed: Claimed, *, at_ms: int, next_ms: int, reason: str, text: str) -> None:
        self._end_claim(claimed, PENDING, at_ms, max(next_ms, at_ms), reason, text)

    def dead(self, claimed: Claimed, *, at_ms: int, reason: str, text: str) -> None:
        self._end_claim(claimed, DEAD, at_ms, at_ms, reason, text)

    def release(self, claimed: Claimed, *, next_ms: int | None = None) -> None:
        before, ours = claimed.attempts, claimed.attempts + 1
        self._link.run(_END_OF_CLAIM, (PENDING, before, next_ms, None, None, None, claimed.id, ours))

    def revive(self, ids: Sequence[str] | None, *, at_ms: int) -> Sequence[str]:
        dead = self._link.rows("SELECT id FROM delivery WHERE state = 'dead' ORDER BY seq")
        revived = [id_ for (id_,) in dead if ids is None or id_ in ids]
        for id_ in revived:
            self._link.run(
                "UPDATE delivery SET state = 'pending', attempts = 0, next_ms = ?, ended_ms = NULL, revived_ms = ?"
                " WHERE id = ? AND state = 'dead'",
                (at_ms, at_ms, id_),
            )
        return revived

    def next_due(self, destinations: Sequence[str]) -> int | None:
        """A delivery behind a live claim is due when that claim ends; so is the claimed one itself."""
        earliest: list[int] = []
        for destination in destinations:
            claimed_until: int | None = None
            rows = self._link.rows(
                "SELECT state, next_ms, claimed_until_ms FROM delivery WHERE destination = ?"
                " AND state IN ('pending', 'claimed') ORDER BY seq",
                (destination,),
            )
            for state, next_ms, until_ms in rows:
                if state == CLAIMED:
                    claimed_until = max(until_ms, claimed_until or until_ms)
                    earliest.append(until_ms)
                else:
                    earliest.append(next_ms if claimed_until is None else max(next_ms, claimed_until))
        return min(earliest, default=None)

    def _end_claim(self, claimed: Claimed, state: str, at_ms: int, next_ms: int, reason: str, text: str) -> None:
        ended_ms = at_ms if state == DEAD else None
        ours = claimed.attempts + 1
        self._link.run(_END_OF_CLAIM, (state, ours, next_ms, ended_ms, reason, text[:_MAX_TEXT], claimed.id, ours))


def free_claims(link: Link) -> int:
    """Give all claims back; how many those were. Their attempts stay counted: they may have been sent."""
    return link.run(
        "UPDATE delivery SET state = 'pending', claimed_until_ms = NULL, holder = '' WHERE state = 'claimed'"
    )


def deliveries(link: Link, states: Sequence[str], limit: int) -> Sequence[DeliveryRow]:
    """Those in one of the states, newest first."""
    if not states:
        return []
    rows = link.rows(
        f"SELECT {_SHOWN} FROM delivery WHERE state IN ({', '.join('?' * len(states))}) ORDER BY seq DESC LIMIT ?",  # noqa: S608 no input in it
        (*states, limit),
    )
    return [_shown(*row) for row in rows]


def delivery(link: Link, delivery_id: str) -> DeliveryRow | None:
    row = link.row(f"SELECT {_SHOWN} FROM delivery WHERE id = ?", (delivery_id,))  # noqa: S608 no input in it
    return None if row is None else _shown(*row)


def about(link: Link, incident_id: str, from_ms: int) -> Sequence[Posted]:
    """Those created at `from_ms` or later whose message has a notice of the incident, oldest first. It looks at the
    text of every message since then; meant for one question of a person."""
    rows = link.rows(
        f"SELECT message, {_SHOWN} FROM delivery WHERE created_ms >= ? AND message LIKE ? ORDER BY seq",  # noqa: S608 our own names only
        (from_ms, f"%{incident_id}%"),
    )
    found = [Posted(_shown(*shown), codec.message_of(message)) for message, *shown in rows]
    return [one for one in found if any(notice.incident.id == incident_id for notice in one.message.notices)]


def _shown(
    id_: str,
    destination: str,
    state: str,
    kind: str,
    attempts: int,
    created_ms: int,
    next_ms: int | None,
    ended_ms: int | None,
    reason: str,
    text: str,
) -> DeliveryRow:
    waits = state in (PENDING, CLAIMED)
    return DeliveryRow(
        id_,
        destination,
        state,
        kind,
        attempts,
        created_ms,
        next_ms if waits else None,
        ended_ms if state == SENT else None,
        reason,
        text,
    )


def counts(link: Link) -> Mapping[tuple[str, str], int]:
    rows = link.rows("SELECT destination, state, count(*) FROM delivery GROUP BY destination, state")
    return {(destination, state): count for destination, state, count in rows}

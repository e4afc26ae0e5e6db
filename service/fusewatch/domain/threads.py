"""Messages that can be changed after they were sent: what they show now, and which news belong under them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fusewatch.domain.notices import Kind, Message, MessageKind, Notice, Reason

JOIN_MS = 15 * 60_000
"""An incident opened within this time over the same rows joins the thread of an earlier message."""

_JOINING = (Kind.BUDGET, Kind.SPIKE, Kind.FORECAST)
_ENDED = (Reason.RESOLVED, Reason.ROLLED_OVER, Reason.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Thread:
    """A message as its receiver has it: `channel` and `reference` find it there, `delivery` is the id of the message
    that it was posted for. `posted` is what it said at first, `notices` the newest told of each incident that it
    carries, in the order in which it shows them."""

    number: int
    delivery: str
    channel: str
    reference: str
    created_ms: int
    posted: Message
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a message's surroundings: the `threads` that carry any of its incidents, and those made within
    15 minutes before it (`recent`), oldest first; the steps of its delivery, with the reference of what was made, or
    None where one began and nothing is known of its end; the receiver's own name of the channel, "" if unknown."""

    threads: tuple[Thread, ...] = ()
    recent: tuple[Thread, ...] = ()
    steps: Mapping[str, str | None] = field(default_factory=dict)
    channel: str = ""

    def is_done(self, step: str) -> bool:
        return self.steps.get(step) is not None

    def is_unsure(self, step: str) -> bool:
        """Whether it began, and an answer was lost or the process ended."""
        return step in self.steps and self.steps[step] is None

    def reference_of(self, step: str) -> str:
        """What a step made, "" for nothing or for a step that was not taken."""
        return self.steps.get(step) or ""


def incidents_of(message: Message) -> tuple[str, ...]:
    """The ids of the incidents that a message is about, each once."""
    gap = (message.gap.incident,) if message.gap is not None and message.gap.incident else ()
    return tuple(dict.fromkeys((*gap, *(notice.incident.id for notice in message.notices))))


def is_newer(notice: Notice, before: Notice) -> bool:
    """Whether a notice says how things stand after another one of the same incident. Deliveries may be late, so that
    the order in which they are told is not the order of events."""
    if notice.at_ms != before.at_ms:
        return notice.at_ms > before.at_ms
    return notice.reason in _ENDED or before.reason not in _ENDED


def shares_rows(notice: Notice, other: Notice) -> bool:
    """Whether both count the same rows, or one of them some of the other's: what their keys are known to be is the
    same, or part of it. What covers everything shares rows only with what does so, too."""
    if notice.incident.kind not in _JOINING or other.incident.kind not in _JOINING:
        return False
    one, two = set(notice.rows), set(other.rows)
    return one == two or (bool(one) and bool(two) and (one <= two or two <= one))


def ends_gap(message: Message, thread: Thread) -> bool:
    """Whether the message tells the end of the gap that the thread is about."""
    gap, posted = message.gap, thread.posted.gap
    return gap is not None and posted is not None and bool(gap.incident) and gap.incident == posted.incident


def joined(notice: Notice, recent: Sequence[Thread]) -> Thread | None:
    """The thread that an incident which opens joins, None where it begins its own."""
    if notice.reason is not Reason.OPENED:
        return None
    near = (
        thread
        for thread in reversed(recent)
        if thread.posted.kind is MessageKind.NOTICES and 0 <= notice.at_ms - thread.created_ms <= JOIN_MS
    )
    return next((thread for thread in near if any(shares_rows(notice, n) for n in thread.notices)), None)

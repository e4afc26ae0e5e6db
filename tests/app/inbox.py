"""Receivers that remember: what was tried on them, what they accepted, and the troubles that a test orders."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from fusewatch.domain.notices import Cause, Message, MessageKind, Notice, Reason, Timing
from fusewatch.ports import Receipt
from tests.app.when import StageClock


class Killed(BaseException):
    """The process ended at this instant."""


@dataclass(slots=True)
class Inbox:
    """Implements `ports.Notifier`. It belongs to the outside world, so it outlives restarts.

    `troubles` are raised by the next attempts, one each; `down` by every attempt while it is set. With `dies_on_accept`
    the sender's process ends after the message arrived, before it could note that. It answers only once `waits_for`
    has happened; `asked` happens with its first attempt.
    """

    clock: StageClock
    accepted: list[Message] = field(default_factory=list)
    attempts: list[tuple[int, str]] = field(default_factory=list)
    troubles: deque[Exception] = field(default_factory=deque)
    down: Exception | None = None
    dies_on_accept: bool = False
    waits_for: asyncio.Event | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    shown: int = 0

    @property
    def min_interval_s(self) -> float:
        return 0.0

    async def send(self, message: Message) -> Receipt:
        self.attempts.append((self.clock.now_ms(), message.id))
        self.asked.set()
        if self.waits_for is not None:
            await self.waits_for.wait()
        if self.down is not None:
            raise self.down
        if self.troubles:
            raise self.troubles.popleft()
        self.accepted.append(message)
        if self.dies_on_accept:
            self.dies_on_accept = False
            raise Killed
        return Receipt(f"message {len(self.accepted)}")

    async def close(self) -> None:
        """Nothing to close: the receiver goes on."""

    def fresh(self) -> list[Message]:
        """What was accepted since the last look."""
        fresh, self.shown = self.accepted[self.shown :], len(self.accepted)
        return fresh

    def news(self) -> list[str]:
        """The same, one text for each message."""
        return [said(message) for message in self.fresh()]


def said(message: Message) -> str:
    """A message as a test compares it: its kind unless it is plain notices, then its notices in their order.

    >>> "start: daily opened critical 100%; each-team team=content opened warning 80%"
    """
    parts = [message.gap.project] if message.gap is not None else []
    parts += [message.hold.why.value] if message.hold is not None else []
    text = "; ".join([*parts, *map(told, message.notices)])
    return text if message.kind is MessageKind.NOTICES else f"{message.kind.value}: {text}"


def told(notice: Notice) -> str:
    """One notice: rule, key, reason, severity, share; late, corrected or limit raised where it says so."""
    words = [notice.incident.rule, notice.incident.group, notice.reason.value, notice.severity.word]
    if notice.reason is not Reason.RESOLVED:
        words.append(f"{float(notice.threshold * 100):g}%")
    if notice.reason is Reason.REPEATED:
        words.append(f"no. {notice.incident.repeats}")
    if notice.incident.timing is Timing.LATE:
        words.append("late")
    if notice.cause is not Cause.NONE:
        words.append(f"({notice.cause.value.replace('_', ' ')})")
    return " ".join(word for word in words if word)

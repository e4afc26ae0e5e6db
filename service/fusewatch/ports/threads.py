"""What is remembered of messages that a destination can change after it sent them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from fusewatch.domain.notices import Message
from fusewatch.domain.threads import Known

T = TypeVar("T")


class ThreadUnit(Protocol):
    """One short transaction about the messages of a destination. `place` is where it writes to, as configured: what
    was sent to another place before is left alone."""

    def note(self, message: Message) -> None:
        """Take the message's notices for how their incidents stand now, unless a newer one was told."""

    def known(self, message: Message, place: str) -> Known: ...

    def begin(self, delivery: str, step: str) -> None:
        """A step of a delivery is about to be taken."""

    def end(self, delivery: str, step: str, reference: str) -> None:
        """It was taken; `reference` is what it made, if anything."""

    def undo(self, delivery: str, step: str) -> None:
        """It certainly did not happen."""

    def post(self, message: Message, place: str, channel: str, reference: str) -> None:
        """A message was posted and carries its incidents from now on."""

    def join(self, thread: int, incidents: Sequence[str]) -> None:
        """These incidents are shown by that thread, too."""

    def show(self, thread: int, message: Message) -> None:
        """The thread's own message says this from now on."""

    def drop(self, thread: int) -> None:
        """The message cannot be changed any more: forget it."""


class ThreadMemory(Protocol):
    """Runs work about threads in one transaction, away from the event loop."""

    def __call__(self, work: Callable[[ThreadUnit], T], /) -> Awaitable[T]: ...

"""Units of work of the deliver pass."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from fusewatch.domain.notices import Message


class Claimed(NamedTuple):
    """A delivery that is ours to attempt. `attempts` counts those before this one, since it was put in line or revived;
    `created_ms` is when that was."""

    id: str
    message: Message
    attempts: int
    created_ms: int


class DeliverUnit(Protocol):
    """One short transaction of the deliver pass; sending happens outside."""

    def claim(self, destination: str, *, now_ms: int, until_ms: int, holder: str) -> Claimed | None:
        """The oldest due delivery of the destination, claimed until `until_ms`; None when there is none, or when an
        older one of the same destination is claimed by somebody else."""

    def sent(self, claimed: Claimed, *, at_ms: int, reference: str) -> None: ...

    def retry(self, claimed: Claimed, *, at_ms: int, next_ms: int, reason: str, text: str) -> None: ...

    def dead(self, claimed: Claimed, *, at_ms: int, reason: str, text: str) -> None: ...

    def release(self, claimed: Claimed, *, next_ms: int | None = None) -> None:
        """Give the claim back untouched (shutdown, or a step of several was taken); it is due at `next_ms`, or as it
        was."""

    def revive(self, ids: Sequence[str] | None, *, at_ms: int) -> Sequence[str]:
        """Put dead deliveries in line again, all of them for None, and tell which these were, oldest first. They are
        due at once, keep their id and what was said of them, and count their attempts and their two days anew."""

    def next_due(self, destinations: Sequence[str]) -> int | None:
        """When the next pending delivery of these destinations may be attempted."""

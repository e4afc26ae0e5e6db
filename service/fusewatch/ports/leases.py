"""The right of one daemon of several to a part of the work."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

JUDGE = "judge"
"""The right to what is done once for the whole database: rules in force, judging, digests, exports, upkeep."""


def reading(host: str, organisation_id: str) -> str:
    """The right to read the projects of one organisation: together, because Langfuse's request budget is theirs
    together."""
    return f"read {host}|{organisation_id}"


class Rights(Protocol):
    """Which leases are ours now."""

    def fence(self, name: str) -> int | None:
        """The number under which the lease is ours; None when it is not, or may not be any more."""


class Everything:
    """The rights of who is alone on its database."""

    def fence(self, name: str) -> int | None:
        del name
        return 0


class Turn(NamedTuple):
    """What one look at the leases found: those gained and lost since the last, and the database's version."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    version: int


class LeaseKeeper(Rights, Protocol):
    """Takes, renews and gives up leases. `turn` and `end` may take as long as the database does."""

    def turn(self, wanted: Collection[str]) -> Turn:
        """Renew what is due, take what is free of `wanted` up to our share. Raises StoreError; what could not be
        renewed in time is lost by itself."""

    def end(self) -> None:
        """Give everything up."""

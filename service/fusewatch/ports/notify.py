"""Destinations, and the watchdog that watches us."""

from dataclasses import dataclass
from typing import Protocol

from fusewatch.domain.notices import Message


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver said. `reference` finds the message again (a Slack timestamp), "" if there is none; `said` is
    its answer in few words (`HTTP 202`), for people who ask.

    `more`: it takes further steps to say all; the same message is to be sent again soon, and goes on where it was.
    """

    reference: str = ""
    said: str = ""
    more: bool = False


class Notifier(Protocol):
    """One configured destination. `send` returns only after the receiver accepted; else `Retryable` or `Permanent`."""

    @property
    def min_interval_s(self) -> float:
        """The least time between two sends, in seconds: 1 for a Slack channel, 0 for most."""

    async def send(self, message: Message) -> Receipt: ...

    async def close(self) -> None: ...


class Pinger(Protocol):
    """Tells a watchdog that all is well. `ping` returns after it was heard; else `Retryable` or `Permanent`."""

    async def ping(self) -> None: ...

    async def close(self) -> None: ...

"""Destinations, and the watchdog that watches us."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fusewatch.domain.notices import Message
from fusewatch.domain.relaying import Alert


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


class Relay(Notifier, Protocol):
    """A destination whose receiver groups, repeats and keeps quiet by itself, and shows what it hears of."""

    async def show(self, alerts: Sequence[Alert], link: str) -> None:
        """Tell how these incidents stand, in as few requests as can be; errors as `send`. Telling twice changes
        nothing. `link` is the address of our page, "" without one."""


class Pinger(Protocol):
    """Tells a watchdog that all is well. `ping` returns after it was heard; else `Retryable` or `Permanent`."""

    async def ping(self) -> None: ...

    async def close(self) -> None: ...

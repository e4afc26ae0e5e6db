"""From what a destination needs to the notifier that sends to it."""

import sys
from typing import Protocol, TextIO, assert_never

import httpx

from fusewatch.domain.periods import local_clock
from fusewatch.notify.alertmanager import Alertmanager
from fusewatch.notify.console import ConsoleNotifier
from fusewatch.notify.kinds import AlertmanagerKind, ConsoleKind, Kind, SlackBotKind, SlackWebhookKind, WebhookKind
from fusewatch.notify.slack import SlackBot, SlackWebhook
from fusewatch.notify.webhook import Webhook
from fusewatch.ports import Clock, Notifier


class PacedNotifier(Notifier, Protocol):
    """A notifier that says how long its receiver wants to be left alone between two messages."""

    @property
    def min_interval_s(self) -> float:
        """Seconds; the delivery pass keeps them."""


def build(
    kind: Kind,
    clock: Clock,
    *,
    timezone: str = "UTC",
    transport: httpx.AsyncBaseTransport | None = None,
    stream: TextIO | None = None,
) -> PacedNotifier:
    """The notifier for one destination. `timezone` is its readers'; one that does not exist counts as UTC.

    `transport` stands in for the network, `stream` for standard output.
    """
    zone = _known_zone(timezone)
    match kind:
        case ConsoleKind():
            return ConsoleNotifier(stream or sys.stdout, timezone=zone)
        case SlackWebhookKind():
            return SlackWebhook(kind, clock, timezone=zone, transport=transport)
        case SlackBotKind():
            return SlackBot(kind, clock, timezone=zone, transport=transport)
        case WebhookKind():
            return Webhook(kind, clock, timezone=zone, transport=transport)
        case AlertmanagerKind():
            return Alertmanager(kind, clock, timezone=zone, transport=transport)
        case _:
            assert_never(kind)


def _known_zone(name: str) -> str:
    """An alert in UTC is better than none; the budget file has refused such a zone long before."""
    try:
        local_clock(name, 0)
    except ValueError:
        return "UTC"
    return name

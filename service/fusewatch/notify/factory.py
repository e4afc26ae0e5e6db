"""From what a destination needs to the notifier that sends to it."""

import sys
from typing import Protocol, TextIO, assert_never

import httpx

from fusewatch.domain.periods import local_clock
from fusewatch.notify.alertmanager import Alertmanager
from fusewatch.notify.apprise import AppriseNotifier
from fusewatch.notify.console import ConsoleNotifier
from fusewatch.notify.email import Email
from fusewatch.notify.kinds import (
    AlertmanagerKind,
    AppriseKind,
    ConsoleKind,
    EmailKind,
    Kind,
    PagerdutyKind,
    SlackBotKind,
    SlackWebhookKind,
    WebhookKind,
)
from fusewatch.notify.pagerduty import Pagerduty
from fusewatch.notify.slack import SlackWebhook
from fusewatch.notify.slack_bot import SlackBot
from fusewatch.notify.webhook import Webhook
from fusewatch.ports import Clock, Notifier, ThreadMemory


class PacedNotifier(Notifier, Protocol):
    """A notifier that says how long its receiver wants to be left alone between two messages."""

    @property
    def min_interval_s(self) -> float:
        """Seconds; the delivery pass keeps them."""


def build(  # noqa: PLR0911 - a table
    kind: Kind,
    clock: Clock,
    *,
    timezone: str = "UTC",
    transport: httpx.AsyncBaseTransport | None = None,
    stream: TextIO | None = None,
    threads: ThreadMemory | None = None,
) -> PacedNotifier:
    """The notifier for one destination. `timezone` is its readers'; one that does not exist counts as UTC.

    `transport` stands in for the network, `stream` for standard output. `threads` remembers what can be changed after
    it was sent; without it every message is a new one.
    """
    zone = _known_zone(timezone)
    match kind:
        case ConsoleKind():
            return ConsoleNotifier(stream or sys.stdout, timezone=zone)
        case SlackWebhookKind():
            return SlackWebhook(kind, clock, timezone=zone, transport=transport)
        case SlackBotKind():
            return SlackBot(kind, clock, timezone=zone, transport=transport, threads=threads)
        case WebhookKind():
            return Webhook(kind, clock, timezone=zone, transport=transport)
        case PagerdutyKind():
            return Pagerduty(kind, clock, timezone=zone, transport=transport)
        case EmailKind():
            return Email(kind, timezone=zone)
        case AppriseKind():
            return AppriseNotifier(kind, timezone=zone)
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

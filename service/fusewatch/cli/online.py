"""Asking Langfuse and the destinations, without changing or sending anything."""

import asyncio
import sys
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TextIO
from urllib.parse import urlsplit

from fusewatch.bootstrap import World, connect_project, kind_of
from fusewatch.cli.waiting import waiting
from fusewatch.config.rulefile import DestinationConfig, Loaded, ProjectConfig
from fusewatch.errors import Permanent, Retryable
from fusewatch.notify.apprise import AppriseNotifier
from fusewatch.notify.email import Email
from fusewatch.notify.kinds import (
    AlertmanagerKind,
    AppriseKind,
    ConsoleKind,
    EmailKind,
    PagerdutyKind,
    SlackBotKind,
    SlackWebhookKind,
    WebhookKind,
)
from fusewatch.runtime import SystemClock

PATIENCE_S = 10.0


def world(stream: TextIO | None = None) -> World:
    """The real one, for commands that ask once. `stream` is where console destinations write."""
    return World(SystemClock(), on_request=lambda *_: None, stream=stream)


@dataclass(frozen=True, slots=True)
class Answered:
    """What asking one of them gave: `what` was asked, whether it answers as it should, and the rest in words."""

    what: str
    ok: bool
    text: str

    def __str__(self) -> str:
        return f"{self.what}: {self.text}"


def ask_all(loaded: Loaded) -> list[str]:
    """What does not answer as it should, one line each; what does is told on standard error, since it takes a while."""

    async def ask() -> list[Answered]:
        return [
            *[_told(await _asked(p.name, ask_project(p))) for p in loaded.projects],
            *[_told(await _asked(d.name, ask_destination(d))) for d in loaded.destinations],
        ]

    return [str(answered) for answered in asyncio.run(ask()) if not answered.ok]


async def _asked(name: str, answer: Awaitable[Answered]) -> Answered:
    with waiting(f"Asking {name}"):
        return await answer


def _told(answered: Answered) -> Answered:
    if answered.ok:
        print(answered, file=sys.stderr)
    return answered


async def ask_project(config: ProjectConfig) -> Answered:
    """Read who the keys answer for."""
    what = f"project {config.name}"
    try:
        entry = connect_project(config, world(), None)
    except Permanent as error:
        return Answered(what, False, str(error))
    try:
        identity = await entry.source.identify()
    except (Permanent, Retryable) as error:
        return Answered(what, False, str(error))
    finally:
        await entry.source.close()
    version = f"Langfuse {identity.server_version}" if identity.server_version else "Langfuse"
    return Answered(what, True, f"{identity.project_name} on {version}, read through the {identity.api} API")


async def ask_destination(config: DestinationConfig) -> Answered:
    """Whether the receiver's host takes connections. Nothing is sent: `fusewatch notify-test` does that."""
    what = f"destination {config.name}"
    match kind_of(config):
        case SlackWebhookKind(url=address) | WebhookKind(url=address):
            pass
        case SlackBotKind(api_url=address) | PagerdutyKind(url=address) | AlertmanagerKind(url=address):
            pass
        case EmailKind() as kind:
            return await _looked_in(what, config.name, Email(kind, timezone=config.timezone))
        case AppriseKind() as kind:
            return await _looked_in(what, config.name, AppriseNotifier(kind, timezone=config.timezone))
        case ConsoleKind():
            return Answered(what, True, "this terminal; the daemon's own is its standard output")
        case None:
            return Answered(what, True, f"destinations of type {config.type} are not active in this version")
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(PATIENCE_S):
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=parts.scheme == "https")
    except (OSError, TimeoutError) as error:
        reason = "no answer in 10 seconds" if isinstance(error, TimeoutError) else (error.strerror or str(error))
        return Answered(what, False, f"{parts.hostname}:{port} cannot be reached ({reason})")
    writer.close()
    return Answered(what, True, f"{parts.hostname} answers; `fusewatch notify-test {config.name}` sends a sample")


async def _looked_in(what: str, name: str, notifier: Email | AppriseNotifier) -> Answered:
    try:
        await notifier.check()
    except (Permanent, Retryable) as error:
        return Answered(what, False, str(error))
    ready = "the mail server takes us" if isinstance(notifier, Email) else "Apprise understands the address"
    return Answered(what, True, f"{ready}; `fusewatch notify-test {name}` sends a sample")

"""Every kind of destination with its real notifier, and the receiver behind each, which goes wrong on demand.

A new kind is one line in `PLACES`.
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from fusewatch.app.relay import Relaying
from fusewatch.bootstrap import World, connect_destination
from fusewatch.domain.notices import Message
from fusewatch.notify.alertmanager import Alertmanager
from fusewatch.ports import Notifier, Receipt
from tests.app.inbox import Inbox
from tests.app.stage import Stage

Answering = Callable[[httpx.Request], httpx.Response]
REFUSED = httpx.ConnectError("nobody listens")


class Place(NamedTuple):
    """A kind of destination: how a budget file has it, what its receiver says when all is well, and the answers by
    which it refuses for good, with the reason that is shown then."""

    yaml: str
    welcome: httpx.Response
    refusals: tuple[tuple[str, int, str], ...] = ()
    wants_its_words: bool = False
    """Whether a 2xx alone is no yes."""


_BOT_YES = '{"ok": true, "ts": "1763.1", "channel": "C1"}'
PLACES = {
    "console": Place("{type: console}", httpx.Response(200)),
    "slack webhook": Place(
        '{type: slack, webhook_url: "http://there.test/hook"}',
        httpx.Response(200, text="ok"),
        (("invalid_token", 403, "invalid_token"), ("channel_is_archived", 410, "channel_is_archived")),
        wants_its_words=True,
    ),
    "slack bot": Place(
        '{type: slack, channel: "#spend", token: xoxb-1}',
        httpx.Response(200, text=_BOT_YES),
        (
            ('{"ok": false, "error": "channel_not_found"}', 200, "channel_not_found"),
            ('{"ok": false, "error": "invalid_auth"}', 200, "invalid_auth"),
        ),
        wants_its_words=True,
    ),
    "webhook": Place(
        '{type: webhook, url: "http://there.test/hook", secret: hush}',
        httpx.Response(204),
        (("no", 401, "forbidden"), ("", 410, "gone")),
    ),
    "alertmanager": Place(
        '{type: alertmanager, url: "http://there.test"}',
        httpx.Response(200),
        (("no", 401, "forbidden"), ("", 404, "not_found")),
    ),
    "pagerduty": Place(
        f'{{type: pagerduty, routing_key: {"k" * 32}, url: "https://there.test"}}',
        httpx.Response(202, text='{"status": "success"}'),
        (('{"status": "invalid event", "errors": ["\'routing_key\' is wrong"]}', 400, "rejected"),),
        wants_its_words=True,
    ),
}
"""By name; the one list of the kinds that are spoken to over HTTP, and the console. Mail and Apprise have servers of
their own in `tests/notify`."""

OVER_HTTP = [name for name in PLACES if name != "console"]


@dataclass(slots=True)
class Remote:
    """The receiver: answers `welcome` unless `trouble` says otherwise, and keeps what it was asked."""

    welcome: httpx.Response
    trouble: Answering | None = None
    asked: list[bytes] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    """Those that it took."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.content)
        if self.trouble is not None:
            return self.trouble(request)
        self.took(request.content.decode())
        return httpx.Response(self.welcome.status_code, text=self.welcome.text)

    def took(self, body: str) -> None:
        self.bodies.append(body)

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """For an Alertmanager: the alerts of its last request."""
        found: list[dict[str, Any]] = json.loads(self.bodies[-1])
        return found


class _Screen(io.StringIO):
    """Where a console writes; it fails while the receiver is in trouble."""

    def __init__(self, remote: Remote) -> None:
        super().__init__()
        self._remote = remote

    def write(self, text: str) -> int:
        if self._remote.trouble is not None:
            raise OSError(5, "Input/output error")
        self._remote.took(text)
        return len(text)


@dataclass(slots=True)
class Wired(Inbox):
    """An inbox whose messages go through the real notifier to its receiver."""

    notifier: Notifier = field(kw_only=True)
    remote: Remote = field(kw_only=True)

    async def send(self, message: Message) -> Receipt:
        self.attempts.append((self.clock.now_ms(), message.id))
        receipt = await self.notifier.send(message)
        self.accepted.append(message)
        return receipt


def wire(stage: Stage, name: str, place: Place) -> Wired:
    """The destination `name` of the stage's budget file, connected as the daemon would, with its receiver."""
    remote = Remote(place.welcome)
    world = World(
        stage.clock,
        lambda *_: None,
        stream=_Screen(remote),
        transport=httpx.MockTransport(remote.answer),
    )
    (config,) = [config for config in stage.book.loaded.destinations if config.name == name]
    notifier = connect_destination(config, world)
    assert notifier is not None, f"{config.type} is active"
    if isinstance(notifier, Alertmanager):
        notifier = Relaying(name, notifier, stage.store, stage.runner, stage.clock, lambda: stage.book.rules)
    wired = Wired(stage.clock, notifier=notifier, remote=remote)
    stage.inboxes[name] = wired
    return wired


# ---------------------------------------------------------------- troubles


def refuses(request: httpx.Request) -> httpx.Response:
    raise REFUSED


def hangs(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("silence", request=request)


def breaks_off(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("peer closed connection without sending complete message body", request=request)


def fails(request: httpx.Request) -> httpx.Response:
    return httpx.Response(500, text="<html>Internal Server Error</html>")


def slows_down(request: httpx.Request) -> httpx.Response:
    return httpx.Response(429, headers={"Retry-After": "3600"})


def redirects(request: httpx.Request) -> httpx.Response:
    return httpx.Response(302, headers={"Location": "https://elsewhere.test/login"})


def babbles(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text="\x00\xff<<<{]")


PASSING = {"refuses": refuses, "hangs": hangs, "breaks off": breaks_off, "fails": fails}
"""Troubles that pass, whatever the kind."""

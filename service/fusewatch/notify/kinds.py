"""What each kind of destination needs to be built: plain values, their secrets out of every repr.

An impossible value raises ValueError with what would be right, and never with the value itself: it may be a secret.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

from fusewatch.notify.mail_payload import envelope_address
from fusewatch.notify.nearby import is_nearby
from fusewatch.notify.smtp import SmtpServer, server_of
from fusewatch.notify.text import is_web_address

SLACK_API = "https://slack.com/api"
PAGERDUTY = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
"""The Events API of each service region."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - how a secret starts is none

_HEADER_VALUE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class ConsoleKind:
    """The terminal in which the daemon runs, or whatever its output goes to."""


@dataclass(frozen=True, slots=True)
class SlackWebhookKind:
    """A Slack incoming webhook, or another service that takes the same shape. The address is a secret."""

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        _check_address(self.url, "a Slack webhook")


@dataclass(frozen=True, slots=True)
class SlackBotKind:
    """A Slack bot token and the channel (`#name` or an id) that it writes to; `api_url` differs on GovSlack. With the
    app's `signing_secret` its messages have buttons."""

    token: str = field(repr=False)
    channel: str
    api_url: str = SLACK_API
    signing_secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not _HEADER_VALUE.fullmatch(self.token):
            raise ValueError("a Slack bot token is one word of printable characters, such as xoxb-…")
        if not self.channel.strip():
            raise ValueError('a Slack channel is missing; write it like "#llm-spend" or C0123456789')
        _check_address(self.api_url, "the Slack API")


@dataclass(frozen=True, slots=True)
class WebhookKind:
    """Any receiver of Standard Webhooks. Messages are signed with every secret, so that one can replace another.

    A secret that starts with `whsec_` is base64 after it; of any other the UTF-8 bytes are the key.
    """

    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        _check_address(self.url, "a webhook")
        for secret in self.secrets:
            signing_key(secret)


@dataclass(frozen=True, slots=True)
class PagerdutyKind:
    """The key of an Events API v2 integration; `url` is the API of the account's region, or what stands in for it."""

    routing_key: str = field(repr=False)
    url: str = PAGERDUTY["us"]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9]{32}", self.routing_key):
            raise ValueError("the key of a PagerDuty integration (Events API v2) has 32 letters and digits")
        _check_address(self.url, "PagerDuty")
        parts = urlsplit(self.url)
        if parts.scheme == "http" and not is_nearby(parts.hostname or ""):
            raise ValueError("the address of PagerDuty starts with https://, or the key goes over the net in the clear")


@dataclass(frozen=True, slots=True)
class EmailKind:
    """Who receives mail and the server that takes it; the server's address holds a password. `sender` as in "From",
    "" for the server's user where that is an address, else `fusewatch` at the first recipient's domain."""

    to: tuple[str, ...]
    smtp: str = field(repr=False)
    sender: str = ""

    def __post_init__(self) -> None:
        for address in (*self.to, self.from_address):
            envelope_address(address)

    def server(self) -> SmtpServer:
        return server_of(self.smtp)

    @property
    def from_address(self) -> str:
        user = self.server().user
        if self.sender or "@" in user:
            return self.sender or user
        return f"fusewatch@{self.to[0].rpartition('@')[2]}"


@dataclass(frozen=True, slots=True)
class AppriseKind:
    """An address of Apprise's, which is a secret; whether Apprise understands it is known once it is loaded."""

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", self.url):
            raise ValueError("an Apprise address starts with a service, as in discord://…")


@dataclass(frozen=True, slots=True)
class AlertmanagerKind:
    """A Prometheus Alertmanager: its address, with what stands before `/api/v2` in the path and, before the host,
    `user:password@` where a proxy wants these; or a bearer token. The address is a secret."""

    url: str = field(repr=False)
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        _check_address(self.url, "an Alertmanager")
        if self.token and not _HEADER_VALUE.fullmatch(self.token):
            raise ValueError("the token of an Alertmanager is one word of printable characters")


Kind: TypeAlias = (
    ConsoleKind
    | SlackWebhookKind
    | SlackBotKind
    | WebhookKind
    | AlertmanagerKind
    | PagerdutyKind
    | EmailKind
    | AppriseKind
)


def signing_key(secret: str) -> bytes:
    """The key that a webhook secret stands for; ValueError for one that is empty or no base64 after `whsec_`."""
    if not secret.startswith(SECRET_PREFIX):
        if not secret:
            raise ValueError("a webhook secret is empty; leave it out to send unsigned")
        return secret.encode("utf-8", "surrogatepass")
    encoded = secret.removeprefix(SECRET_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        # No chain: its text could show a part of the secret.
        raise ValueError("a webhook secret that starts with whsec_ goes on in base64") from None
    return key


def _check_address(url: str, what: str) -> None:
    if not is_web_address(url):
        raise ValueError(f"the address of {what} starts with https:// (or http://) and has a host and no spaces")

"""Who may read the page and the API: anyone on this machine, or whoever knows a token. Who may change anything."""

import hmac
import ipaddress
import re
from enum import Enum

_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]/@\s]+))(?::[0-9]{0,5})?")


CHALLENGE = {"www-authenticate": 'Bearer realm="fusewatch"'}
"""The header of an answer to who has to prove something."""


class Reading(Enum):
    """The answer to a wish to read."""

    ALLOWED = "allowed"
    UNPROVEN = "unproven"
    """A token is needed, and none came or a wrong one."""
    OFF = "off"
    """A token would be needed, and the operator set none."""


def judge_reading(
    *,
    listen_is_loopback: bool,
    host: str | None,
    presented: str | None,
    tokens: tuple[str | None, ...],
) -> Reading:
    """Whether a request may read. `host` is its Host header, `presented` its bearer token, `tokens` those that open.

    Without a token only while the daemon listens on loopback *and* the request names a loopback host: else a web page
    whose name was made to point at 127.0.0.1 (DNS rebinding) could read through a browser on this machine.
    """
    if listen_is_loopback and host is not None and is_loopback_host(host):
        return Reading.ALLOWED
    valid = [token.encode() for token in tokens if token]
    if not valid:
        return Reading.OFF
    given = (presented or "").encode()
    # Every token is compared, in constant time, so that the time of the answer tells nothing.
    matches = [hmac.compare_digest(given, token) for token in valid]
    return Reading.ALLOWED if any(matches) else Reading.UNPROVEN


def judge_change(*, presented: str | None, token: str | None) -> Reading:
    """Whether a request may change anything: with the token for that alone, wherever it comes from. Any web page could
    make a browser on this machine send one without."""
    if not token:
        return Reading.OFF
    valid = hmac.compare_digest((presented or "").encode(), token.encode())
    return Reading.ALLOWED if valid else Reading.UNPROVEN


def is_loopback_host(host: str) -> bool:
    """Whether a Host header, with or without a port, names this machine: localhost, 127.0.0.0/8 or [::1]."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match["v6"] or match["name"]
    if name.lower() in ("localhost", "localhost."):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback and (address.version == 6) == (match["v6"] is not None)

"""Who is logged in at the page: a cookie that only somebody who knew a token can have been given.

The cookie holds what it opens, until when, and a signature made with a key that comes from the token, so that nothing
is kept here, a restart logs nobody out and another token logs out everybody. The token itself is in no cookie.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

COOKIE = "fusewatch_session"
LASTS_MS = 12 * 3_600_000


class Right(StrEnum):
    """What a session may do."""

    READ = "read"
    CHANGE = "change"
    """Read, too."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was proven. `form_key` must come back with every change: another site cannot know it."""

    right: Right
    until_ms: int
    form_key: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that log in; None where the operator set none."""

    read: str | None
    change: str | None

    def right_of(self, presented: str) -> Right | None:
        """What a token that somebody typed opens. All are compared, in constant time."""
        given = presented.encode()
        matches = [
            right
            for right, token in ((Right.CHANGE, self.change), (Right.READ, self.read))
            if token and hmac.compare_digest(given, token.encode())
        ]
        return matches[0] if matches else None

    def cookie_for(self, right: Right, now_ms: int) -> str:
        """The value of the cookie of a new session."""
        return self._signed(right, now_ms + LASTS_MS)

    def session_of(self, cookie: str | None, now_ms: int) -> Session | None:
        """The session that a cookie proves; None for none, one that is over or one that was made up."""
        try:
            kind, until, _ = (cookie or "").split(".")
            right, until_ms = Right(kind), int(until)
        except ValueError:
            return None
        if not self._token(right) or not now_ms < until_ms <= now_ms + LASTS_MS:
            return None
        signed = self._signed(right, until_ms)
        if not hmac.compare_digest((cookie or "").encode(), signed.encode()):
            return None
        return Session(right, until_ms, _mac(self._token(right), f"form {signed}"))

    def _signed(self, right: Right, until_ms: int) -> str:
        words = f"{right.value}.{until_ms}"
        return f"{words}.{_mac(self._token(right), f'session {words}')}"

    def _token(self, right: Right) -> str:
        return (self.change if right is Right.CHANGE else self.read) or ""


def _mac(token: str, words: str) -> str:
    key = hashlib.sha256(b"fusewatch page\0" + token.encode()).digest()
    return hmac.new(key, words.encode(), hashlib.sha256).hexdigest()


def cookie_in(header: str | None) -> str | None:
    """Our cookie among those of a request."""
    for one in (header or "").split(";"):
        name, _, value = one.strip().partition("=")
        if name == COOKIE:
            return value
    return None


def cookie_header(value: str, *, secure: bool) -> str:
    """As `Set-Cookie` writes it; an empty value ends the session."""
    ends = "" if value else "; Max-Age=0"
    return f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}{ends}"


def is_from_our_page(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that a form of ours sent this: by Sec-Fetch-Site, which no script can set, or by Origin
    where the address is not secure and the browser leaves the other out."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    if not origin:
        return False
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
    except ValueError:
        return False


def same(given: str, right: str) -> bool:
    """Whether two secrets are the same, in a time that tells nothing."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())

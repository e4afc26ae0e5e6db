"""Troubles that a test or the demo orders: which requests go wrong, how often, and in which way."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from fusewatch.demo.standin.answers import Reply, html_page, json_reply, message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fusewatch.demo.standin.wire import JsonValue


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as it came in."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""

    def param(self, name: str) -> str | None:
        return next((value for key, value in self.params if key == name), None)


@dataclass(frozen=True, slots=True)
class Seen:
    """One entry of the request log. `status` is 0 when the connection was closed before the answer was whole."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    status: int
    at_ms: int

    def param(self, name: str) -> str | None:
        return next((value for key, value in self.params if key == name), None)


def any_request(_ask: Ask) -> bool:
    return True


def on_path(part: str) -> Callable[[Ask], bool]:
    """Requests whose path contains `part`."""
    return lambda ask: part in ask.path


def above_limit(rows: int) -> Callable[[Ask], bool]:
    """Requests that ask for more than `rows` rows (50 when they do not say)."""
    return lambda ask: int(ask.param("limit") or 50) > rows


@dataclass(slots=True)
class Trouble:
    """What goes wrong with the next `times` requests that `where` names (None: with all of them).

    `instead` replaces the answer, `change` alters the right one, `wait_s` is real seconds before it,
    `cut_at` the share of its bytes after which the connection is closed.
    """

    where: Callable[[Ask], bool] = any_request
    times: int | None = 1
    instead: Reply | None = None
    change: Callable[[Reply], Reply] | None = None
    wait_s: float = 0.0
    cut_at: float | None = None


@dataclass(slots=True)
class Troubles:
    """The ordered troubles, oldest first; the first that fits a request is used up by it."""

    _ordered: list[Trouble] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *troubles: Trouble) -> None:
        with self._lock:
            self._ordered.extend(troubles)

    def clear(self) -> None:
        with self._lock:
            self._ordered.clear()

    def take(self, ask: Ask) -> Trouble | None:
        with self._lock:
            for position, trouble in enumerate(self._ordered):
                if not trouble.where(ask):
                    continue
                if trouble.times is not None:
                    trouble.times -= 1
                    if trouble.times <= 0:
                        del self._ordered[position]
                return trouble
        return None


CLICKHOUSE_DOWN: Final = json_reply(
    {"message": "Internal Server Error", "error": "connect ECONNREFUSED 127.0.0.1:18123"}, 500
)
SERVICE_UNAVAILABLE: Final = message(503, "Service Unavailable")
GATEWAY_TIMEOUT: Final = html_page(504, "504 Gateway Time-out")
REQUEST_TIMED_OUT: Final = json_reply(
    {
        "message": "Your query could not be completed in time. Request fewer rows, fewer fields or a shorter period.",
        "error": "Request timed out",
    },
    422,
)


def times_out_above(rows: int, times: int | None = None) -> Trouble:
    """ClickHouse gives up on every request for more than `rows` rows."""
    return Trouble(where=above_limit(rows), times=times, instead=REQUEST_TIMED_OUT)


def html_instead(times: int | None = 1) -> Trouble:
    """A login page of a proxy, with status 200."""
    return Trouble(times=times, instead=html_page(200, "Sign in"))


def truncated_json(share: float = 0.5, times: int | None = 1) -> Trouble:
    """A complete HTTP answer whose JSON ends in the middle."""
    return Trouble(times=times, change=lambda reply: _with_body(reply, reply.body[: int(len(reply.body) * share)]))


def lost_connection(share: float = 0.5, times: int | None = 1) -> Trouble:
    """The connection closes after `share` of the bytes that were announced."""
    return Trouble(times=times, cut_at=share)


def slow(seconds: float, times: int | None = 1) -> Trouble:
    return Trouble(times=times, wait_s=seconds)


def rate_limited(retry_after_s: int, times: int | None = 1) -> Trouble:
    """A 429 out of turn, with the header that says when to come back."""
    details: dict[str, JsonValue] = {"retryAfterSeconds": retry_after_s, "limit": 30, "remaining": 0}
    body: dict[str, JsonValue] = {"message": "Rate limit exceeded", "code": "rate_limited", "details": details}
    return Trouble(times=times, instead=json_reply(body, 429, (("Retry-After", str(retry_after_s)),)))


MALFORMED_ROWS: Final[tuple[JsonValue, ...]] = (
    {"id": None, "traceId": 7, "startTime": "yesterday", "totalCost": "free"},
    "no row at all",
    {},
)


def malformed_rows(rows: Sequence[JsonValue] = MALFORMED_ROWS, times: int | None = 1) -> Trouble:
    """Puts `rows` among the good ones of a page: one at its start, the others behind it."""

    def change(reply: Reply) -> Reply:
        body: JsonValue = msgspec.json.decode(reply.body)
        if not isinstance(body, dict) or not isinstance(data := body.get("data"), list):
            return reply
        return _with_body(reply, msgspec.json.encode({**body, "data": [*rows[:1], *data, *rows[1:]]}))

    return Trouble(times=times, change=change)


def _with_body(reply: Reply, body: bytes) -> Reply:
    return Reply(reply.status, body, reply.content_type, reply.headers)

"""Whole answers as Langfuse words them: headers, error bodies, pages that are no JSON."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fusewatch.demo.standin.wire import JsonValue

JSON_TYPE: Final = "application/json; charset=utf-8"
HTML_TYPE: Final = "text/html; charset=utf-8"
_ALWAYS: Final = (
    ("X-Robots-Tag", "noindex"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Document-Policy", "js-profiling"),
    ("Permissions-Policy", "autoplay=*, fullscreen=*, microphone=*"),
    ("x-frame-options", "SAMEORIGIN"),
    ("Vary", "Origin, Accept-Encoding"),
)
EVENTS_ONLY_MESSAGE: Final = (
    "This endpoint is not available on deployments running in Langfuse v4 events_only mode. "
    "Learn more about Langfuse v4 at: https://langfuse.com/docs/v4"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer before it is sent. `headers` are those beside the usual ones."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()

    def all_headers(self, now_ms: int) -> list[tuple[str, str]]:
        dated = ("Date", format_datetime(datetime.fromtimestamp(now_ms / 1000, UTC), usegmt=True))
        plain = [*_ALWAYS, *self.headers, ("Content-Type", self.content_type), dated]
        if self.content_type == JSON_TYPE:
            plain.append(("ETag", f'"{zlib.crc32(self.body):x}"'))
        return plain


class Refusal(Exception):
    """Raised where a request turns out to be wrong; carries the answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def json_reply(value: JsonValue, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(status, msgspec.json.encode(value), headers=headers)


def message(status: int, text: str, error: str | None = None) -> Reply:
    """The usual error body: `message`, and `error` with the kind where there is one."""
    return json_reply({"message": text} if error is None else {"message": text, "error": error}, status)


def invalid_request(text: str) -> Refusal:
    return Refusal(message(400, text, "InvalidRequestError"))


def invalid_data(issues: list[JsonValue]) -> Refusal:
    """The other shape of a 400: the list of what the validation of parameters found."""
    return Refusal(json_reply({"message": "Invalid request data", "error": issues}, 400))


def not_found(text: str) -> Reply:
    return message(404, text, "LangfuseNotFoundError")


def method_not_allowed() -> Reply:
    return message(405, "Method not allowed", "MethodNotAllowedError")


def html_page(status: int, title: str) -> Reply:
    """A page for browsers where a client expects JSON, as Langfuse's 404 and a proxy's errors are."""
    page = (
        '<!DOCTYPE html><html lang="en"><head><meta charSet="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/><meta name="robots" content="noindex"/>'
        f"<title>{title}</title></head><body><h1>{title}</h1></body></html>"
    )
    return Reply(status, page.encode(), HTML_TYPE, (("Cache-Control", "private, no-cache, no-store, max-age=0"),))


def unknown_path() -> Reply:
    return html_page(404, "404: This page could not be found.")


def too_many_requests(hint: str | None, limit: int, retry_after_s: int, reset_ms: int, reset_iso: str) -> Reply:
    """A 429 in all its parts. `X-RateLimit-Reset` is a JavaScript date string, not a number."""
    reset = datetime.fromtimestamp(reset_ms // 1000, UTC)
    details: Mapping[str, JsonValue] = {
        "retryAfterSeconds": retry_after_s,
        "limit": limit,
        "remaining": 0,
        "resetAt": reset_iso,
    }
    text = "Rate limit exceeded" + (hint or "")
    return json_reply(
        {"message": text, "code": "rate_limited", "details": dict(details)},
        429,
        (
            ("Retry-After", str(retry_after_s)),
            ("X-RateLimit-Limit", str(limit)),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", reset.strftime("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)")),
        ),
    )

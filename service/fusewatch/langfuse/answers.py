"""What an answer that is no success means for the caller: the table from Langfuse's ways to fail to our errors."""

import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from socket import gaierror
from urllib.parse import urlsplit

import httpx
import msgspec

from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.langfuse.wire import ErrorBody, is_html

TOO_MUCH_AT_ONCE = frozenset({413, 422, 502, 504, 524})
"""ClickHouse out of time or memory (422), a body too large, a proxy that gave up waiting: fewer rows may work."""

_NOT_THERE = frozenset({404, 405, 410, 501})
_ERROR_BODY = msgspec.json.Decoder(ErrorBody)


class Overloaded(Retryable):
    """The answer was too much for the server or for us: ask for fewer rows."""


class RateLimited(Retryable):
    """429. `limit` is the allowance of the endpoint's window, None when the answer does not tell."""

    def __init__(self, message: str, *, retry_after_s: float | None, limit: int | None) -> None:
        super().__init__("rate_limited", message, retry_after_s=retry_after_s)
        self.limit = limit


class NotAvailable(Permanent):
    """404 or 501: this server does not have that endpoint."""

    def __init__(self, message: str) -> None:
        super().__init__("not_langfuse", message)


def error_of(response: httpx.Response, body: bytes, *, where: str, now_ms: int) -> FusewatchError:
    """The error for an answer whose status is not 200. `where` names the endpoint; `now_ms` is the server's time."""
    status = response.status_code
    told = _read(body)
    said = f"{status}{_quoted(told, body)}"
    if status in TOO_MUCH_AT_ONCE | {408, 425, 429} or (status >= 500 and status not in _NOT_THERE):
        wait_s = _retry_after_s(response.headers.get("retry-after"), told, now_ms)
        limit = _limit(response.headers.get("x-ratelimit-limit"), told)
        return _unable(status, said, where, wait_s, limit)
    if 300 <= status < 400:
        return _redirect(response, where)
    if status == 401:
        return Permanent(
            "bad_key",
            f"{where} does not accept the key pair ({said}); check the public and the secret key, "
            "and that they belong to this host",
        )
    if status == 403:
        return _forbidden(where, said)
    if status in _NOT_THERE:
        return NotAvailable(f"{where} is not there ({said})")
    return Permanent("bad_request", f"{where} refuses the request ({said})")


def error_of_network(error: Exception, *, where: str) -> FusewatchError:
    """The error for a request that got no whole answer."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return Permanent("bad_address", f"{where} is no web address: {error}")
    reason, what = _what_happened(error)
    return Retryable(reason, f"{where} {what}")


def _what_happened(error: Exception) -> tuple[str, str]:
    causes = tuple(_causes(error))
    tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        connecting = isinstance(error, httpx.ConnectTimeout)
        return "timeout", "cannot be connected to in time" if connecting else "does not answer in time"
    if tls is not None:
        why = getattr(tls, "verify_message", "") or str(tls)
        hint = "for a private certificate authority set SSL_CERT_FILE to its certificate"
        return "tls", f"cannot be trusted: {why}; {hint}"
    if isinstance(error, httpx.DecodingError):
        return "truncated", "sends an answer that cannot be unpacked"
    if isinstance(error, httpx.ProxyError):
        return "unreachable", f"cannot be reached: the proxy refuses ({error})"
    if isinstance(error, httpx.ConnectError):
        return "unreachable", f"cannot be reached: {_why_unconnected(causes)}"
    return "connection_lost", "dropped the connection before the answer was complete"


def _unable(status: int, said: str, where: str, wait_s: float | None, limit: int | None) -> Retryable:
    if status == 429:
        return RateLimited(f"{where} asks to slow down ({said})", retry_after_s=wait_s, limit=limit)
    if status in TOO_MUCH_AT_ONCE:
        return Overloaded("overloaded", f"{where} cannot answer so much at once ({said})", retry_after_s=wait_s)
    return Retryable("server_error", f"{where} answers {said}", retry_after_s=wait_s)


def _forbidden(where: str, said: str) -> Permanent:
    if "organization key" in said.lower():
        return Permanent(
            "organisation_key",
            f"{where} says that this is an organisation key ({said}); "
            "create an API key pair in the settings of the project",
        )
    hint = "; a proxy or firewall may stand in between" if said == "403" else ""
    return Permanent("forbidden", f"{where} forbids the key pair to read ({said}){hint}")


def _redirect(response: httpx.Response, where: str) -> FusewatchError:
    target = _public_address(response)
    text = f"{where} answers with a redirect to {target or 'nowhere'}"
    if target:
        text += "; set LANGFUSE_BASE_URL to it if that is your Langfuse"
    if response.status_code in {301, 308}:
        return Permanent("redirect", text)
    return Retryable("redirect", f"{text}; a sign-in page in front of Langfuse must let /api/public/ through")


def _public_address(response: httpx.Response) -> str:
    """The redirect's target as a base URL, without query and user info, which may hold secrets."""
    location = response.headers.get("location", "")
    try:
        target = urlsplit(str(response.request.url.join(location)) if location else "")
        port = f":{target.port}" if target.port else ""
    except (ValueError, httpx.InvalidURL):
        return ""
    if not target.hostname:
        return ""
    path = target.path.partition("/api/public")[0].rstrip("/")
    return f"{target.scheme}://{target.hostname}{port}{path}"


def _read(body: bytes) -> ErrorBody:
    try:
        return _ERROR_BODY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ErrorBody()


def _quoted(told: ErrorBody, body: bytes) -> str:
    """`: what the server said`, "" when it is a web page or nothing."""
    text = told.message or ""
    if isinstance(told.error, str) and told.error and told.error not in text:
        text = f"{text}: {told.error}" if text else told.error
    if not text and not is_html(body) and not body.lstrip().startswith((b"{", b"[")):
        text = body[:400].decode("utf-8", "replace")
    visible = "".join(sign if sign.isprintable() else " " for sign in text[:2000])
    text = " ".join(visible.split())[:200]
    return f": {text}" if text else ""


def _retry_after_s(header: str | None, told: ErrorBody, now_ms: int) -> float | None:
    if header:
        try:
            return max(float(int(header)), 0.0)
        except ValueError:
            pass
        try:
            return max(parsedate_to_datetime(header).timestamp() - now_ms / 1000, 0.0)
        except (ValueError, OverflowError):
            pass
    return told.details.retry_after_seconds if told.details else None


def _limit(header: str | None, told: ErrorBody) -> int | None:
    """The allowance as the header says it, else the body. X-RateLimit-Reset is no number and Retry-After says it."""
    if header and header.strip().isdecimal():
        return int(header)
    return told.details.limit if told.details else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [cause.__cause__, cause.__context__]
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions


def _why_unconnected(causes: tuple[BaseException, ...]) -> str:
    for cause in causes:
        if isinstance(cause, gaierror):
            return "the host name cannot be resolved"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection is refused"
    return str(causes[0]) or type(causes[0]).__name__

"""Asking one address that may be a secret: bounded in time and size, no redirects, errors without the address."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import isnan
from urllib.parse import urlsplit

import httpx

from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.ports import Clock

TIMEOUT_S = 8.0
"""For the whole exchange; below the lease of a claim."""

_BODY_LIMIT = 64 * 1024
_LONGEST_RETRY_S = 86_400.0


class Sealed(bytes):
    """A body that holds a secret: neither a traceback with variables nor a log shows it."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said. `text` is the beginning of its body; `retry_after_s` its own wish, if any.

    The text stays out of the repr: a receiver may echo what it was sent.
    """

    status: int
    text: str = field(repr=False)
    html: bool
    retry_after_s: float | None


class Poster:
    """Posts to one address with its own client. Neither log nor error nor repr shows the address or the headers."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        headers: dict[str, str],
        transport: httpx.AsyncBaseTransport | None = None,
        most_bytes: int = _BODY_LIMIT,
    ) -> None:
        self._url = httpx.URL(url)
        self._clock = clock
        self._most_bytes = most_bytes
        self._client = httpx.AsyncClient(
            headers={"User-Agent": "fusewatch", "Accept-Encoding": "identity", **headers},
            timeout=TIMEOUT_S,
            follow_redirects=False,
            transport=transport,
        )
        self._filter = _HidesAddress(self._url)
        logging.getLogger("httpx").addFilter(self._filter)
        self.host = urlsplit(url).hostname or ""

    async def post(self, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        """The answer of whatever status. No answer, or one that takes longer than 8 s, raises Retryable."""
        return await self._asked("POST", body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})

    async def get(self) -> Answer:
        """As `post`, without a body."""
        return await self._asked("GET", None, {})

    async def _asked(self, method: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        # Never chained: the vendor's error carries the request, and with it the address and the headers.
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._exchange(method, body, headers)
        except (TimeoutError, httpx.TimeoutException):
            raise Retryable("timeout", f"{self.host} did not answer within {TIMEOUT_S:g} s") from None
        except httpx.ConnectError as error:
            raise Retryable("unreachable", f"{self.host} cannot be reached: {error}") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            kind = type(error).__name__
            raise Retryable("connection", f"the connection to {self.host} broke ({kind})") from None

    async def _exchange(self, method: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        async with self._client.stream(method, self._url, content=body, headers=headers) as response:
            beginning = b""
            # What was sent packed all the same is not unpacked: it could fill the memory.
            if response.headers.get("content-encoding", "identity").strip().lower() in ("", "identity"):
                async for chunk in response.aiter_bytes():
                    beginning += chunk
                    if len(beginning) >= self._most_bytes:
                        break
        text = beginning[: self._most_bytes].decode("utf-8", "replace").strip()
        is_html = "html" in response.headers.get("Content-Type", "").lower() or text[:1] == "<"
        wish = retry_after_s(response.headers.get("Retry-After", ""), now_ms=self._clock.now_ms())
        return Answer(response.status_code, text, is_html, wish)

    async def close(self) -> None:
        await self._client.aclose()
        logging.getLogger("httpx").removeFilter(self._filter)


class _HidesAddress(logging.Filter):
    """httpx logs every request with its address; that of a webhook is a secret."""

    def __init__(self, url: httpx.URL) -> None:
        super().__init__()
        self._url = url

    def filter(self, record: logging.LogRecord) -> bool:
        args = record.args if isinstance(record.args, tuple) else ()
        return not any(isinstance(arg, httpx.URL) and arg == self._url for arg in args)


def retry_after_s(value: str, *, now_ms: int) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or as a date; None if it says nothing usable.

    Between 0 and a day: nobody is told tomorrow's news because a header says so.
    """
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, IndexError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = moment.timestamp() - now_ms / 1000
    if isnan(seconds):
        return None
    return min(max(seconds, 0.0), _LONGEST_RETRY_S)


def problem_of(answer: Answer, host: str) -> FusewatchError | None:
    """What a status means for the sender; None for 2xx."""
    status = answer.status
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Permanent("redirect", f"{host} redirects ({status}), which is not followed: configure the final address")
    if status == 429:
        return Retryable("rate_limited", f"{host} asks to slow down (429)", retry_after_s=answer.retry_after_s)
    if status in (408, 425) or not 400 <= status < 500:
        return Retryable("server_error", f"{host} answered {status}", retry_after_s=answer.retry_after_s)
    reason = {401: "forbidden", 403: "forbidden", 404: "not_found", 410: "gone", 413: "too_large"}.get(
        status, "rejected"
    )
    return Permanent(reason, f"{host} refused the message ({status})")

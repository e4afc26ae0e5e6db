"""One HTTP client for one Langfuse project: sends a request, hands back the body or an error that says what to do."""

import asyncio
import base64
import os
import re
import ssl
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx

from fusewatch import __version__
from fusewatch.domain.ratebudget import Priority
from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.langfuse.answers import Overloaded, RateLimited, error_of, error_of_network
from fusewatch.langfuse.wire import is_html, unreadable
from fusewatch.ports import Clock, Gate

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes, unpacked. A page of 1,000 rows with long metadata is 2.5 MB; more than this is asked for again in halves."""

KEEPALIVE_S = 4.0
"""Langfuse closes idle connections after 5 s; ours go first, or a request would meet one that is being closed."""

SHORTEST_SECRET = 8
"""What is shorter is no key, and taking it out of a text would only garble it."""

TIMEOUT = httpx.Timeout(45.0, connect=10.0)
WHOLE_ANSWER_S = 180.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
_DROPPED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, httpx.CloseError)

OnRequest = Callable[[str, str, float], None]
"""Told after each request: endpoint, HTTP status or the reason why there was none, seconds."""


class Answer(NamedTuple):
    """A body with status 200, unpacked, and the server's time."""

    body: bytes
    server_now_ms: int


def base_url_of(text: str) -> str:
    """The address without user info, trailing slash, default port or `/api/public`; Permanent when it is none."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise Permanent("bad_address", f"the Langfuse address cannot be read: {error}") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise Permanent("bad_address", "the Langfuse address must look like https://cloud.langfuse.com")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port and port != _DEFAULT_PORTS[parts.scheme]:
        host = f"{host}:{port}"
    path = re.sub(r"/api/public/?$", "", parts.path).rstrip("/")
    return f"{parts.scheme}://{host}{path}"


@lru_cache(maxsize=1)
def _trusted(_file: str, _folder: str) -> ssl.SSLContext:
    """One set of certificates for all projects: reading it takes 25 ms and 4 MB each time."""
    return httpx.create_ssl_context()


class Transport:
    """Raises `Retryable` or `Permanent` for everything but a 200 with a body that may be JSON."""

    def __init__(
        self,
        base_url: str,
        public_key: str,
        secret_key: str,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
        on_request: OnRequest | None = None,
        gate: Gate | None = None,
        largest_answer: int = LARGEST_ANSWER,
    ) -> None:
        self.base_url = base_url_of(base_url)
        self._gate = gate
        sent = base64.b64encode(f"{public_key}:{secret_key}".encode()).decode()
        self._secrets = tuple(secret for secret in (secret_key, sent) if len(secret) >= SHORTEST_SECRET)
        self._clock = clock
        self._on_request = on_request
        self._largest = largest_answer
        self._auth = httpx.BasicAuth(public_key, secret_key)
        self._client = httpx.AsyncClient(
            transport=transport,
            verify=_trusted(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")),
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=8, keepalive_expiry=KEEPALIVE_S),
            headers={"User-Agent": f"fusewatch/{__version__}", "Accept": "application/json", "Accept-Encoding": "gzip"},
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    @property
    def host(self) -> str:
        """The address as part of a project's identity: lower case."""
        return self.base_url.lower()

    def where(self, path: str) -> str:
        """How messages name an endpoint."""
        return f"Langfuse at {self.base_url} ({path})"

    async def get(
        self,
        endpoint: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        authenticated: bool = True,
        priority: Priority = Priority.LIVE,
    ) -> Answer:
        """GET `path` (below `/api/public/`); `endpoint` is its short name for metrics and for the rate budget.

        A dropped connection is tried once more at once: the server may have closed an idle one as we used it. Each
        try waits until the gate lets it through.
        """
        return await self._ask(endpoint, path, params, None, authenticated, priority)

    async def post(self, endpoint: str, path: str, document: bytes, *, priority: Priority = Priority.LIVE) -> Answer:
        """POST JSON. It is never tried again: a server that dropped the connection may have done what was asked."""
        return await self._ask(endpoint, path, None, document, True, priority)

    async def _ask(
        self,
        endpoint: str,
        path: str,
        params: Mapping[str, str] | None,
        document: bytes | None,
        authenticated: bool,
        priority: Priority,
    ) -> Answer:
        if self._gate is not None:
            await self._gate.wait(endpoint, priority)
        started = self._clock.monotonic()
        status = "cancelled"
        try:
            response, body = await self._send(endpoint, path, params, document, authenticated, priority)
            status = str(response.status_code)
        except FusewatchError as error:
            status = getattr(error, "reason", "error")
            raise
        finally:
            if self._on_request is not None:
                self._on_request(endpoint, status, self._clock.monotonic() - started)
        now_ms = self._server_now_ms(response)
        if response.status_code != 200:
            failure = error_of(response, body, where=self.where(path), now_ms=now_ms)
            if isinstance(failure, RateLimited) and self._gate is not None:
                await self._gate.limited(endpoint, limit=failure.limit, retry_after_s=failure.retry_after_s)
            raise self._without_secret(failure)
        if is_html(body):
            raise unreadable(body, self.where(path))
        return Answer(body, now_ms)

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(
        self,
        endpoint: str,
        path: str,
        params: Mapping[str, str] | None,
        document: bytes | None,
        authenticated: bool,
        priority: Priority,
    ) -> tuple[httpx.Response, bytes]:
        where = self.where(path)
        try:
            async with asyncio.timeout(WHOLE_ANSWER_S):
                try:
                    return await self._send_once(path, params, document, authenticated)
                except _DROPPED:
                    if document is not None:
                        raise
                    if self._gate is not None:
                        await self._gate.wait(endpoint, priority)
                    return await self._send_once(path, params, document, authenticated)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise self._without_secret(error_of_network(error, where=where)) from error

    async def _send_once(
        self, path: str, params: Mapping[str, str] | None, document: bytes | None, authenticated: bool
    ) -> tuple[httpx.Response, bytes]:
        url = f"{self.base_url}/api/public/{path}"
        auth = self._auth if authenticated else None
        method = "GET" if document is None else "POST"
        headers = None if document is None else {"Content-Type": "application/json"}
        sent = self._client.stream(method, url, params=params, auth=auth, content=document, headers=headers)
        async with sent as response:
            return response, await self._read(response, path)

    async def _read(self, response: httpx.Response, path: str) -> bytes:
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            # Packed twice, 64 KiB off the wire would become 64 GiB before anybody could count them.
            raise Retryable("unreadable", f"the answer of {self.where(path)} is packed in a way that was not asked for")
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > self._largest:
                raise Overloaded("too_large", f"{self.where(path)} answers more than {self._largest:,} bytes")
            chunks.append(chunk)
        return b"".join(chunks)

    def _server_now_ms(self, response: httpx.Response) -> int:
        """The `Date` header; our own time where a server or proxy sends none."""
        try:
            return int(parsedate_to_datetime(response.headers["date"]).timestamp() * 1000)
        except (KeyError, ValueError, OverflowError):
            return self._clock.now_ms()

    def _without_secret(self, error: FusewatchError) -> FusewatchError:
        """A server that echoes what we sent must not bring the secret key into a log."""
        text = str(error)
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        error.args = (text,)
        return error


def is_unconnected(error: Retryable) -> bool:
    """Whether nothing at all was heard from the host, so that asking it something else makes no sense."""
    return error.reason in {"unreachable", "tls", "timeout", "connection_lost"}

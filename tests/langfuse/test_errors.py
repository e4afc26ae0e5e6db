"""Every way to fail that was recorded or read: the error's type says what to do, its text what happened."""

import asyncio
import base64
import contextlib
import ssl
from socket import gaierror

import httpx
import pytest

from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.langfuse.source import open_source
from fusewatch.langfuse.transport import Transport
from fusewatch.ports import Span
from tests.langfuse.asking import NOW_MS, PUBLIC_KEY, SECRET_KEY, StandingClock, reading, recording, run
from tests.langfuse.servers import answer, not_found_page

SPAN = Span(NOW_MS - 60_000, NOW_MS)

RECORDED_FAILURES = [
    ("auth_bad_secret_projects", Permanent, "bad_key", "Confirm that you've configured the correct host"),
    ("auth_bad_secret_observations", Permanent, "bad_key", "check the public and the secret key"),
    ("auth_bad_secret_v2_observations", Permanent, "bad_key", "Invalid credentials"),
    ("auth_garbage_auth_projects", Permanent, "bad_key", "Invalid character"),
    ("auth_garbage_auth_observations", Permanent, "bad_key", "401"),
    ("auth_garbage_auth_v2_observations", Permanent, "bad_key", "401"),
    ("auth_no_auth_projects", Permanent, "bad_key", "No authorization header"),
    ("auth_no_auth_observations", Permanent, "bad_key", "No authorization header"),
    ("auth_no_auth_v2_observations", Permanent, "bad_key", "No authorization header"),
    ("auth_bearer_public_projects", Permanent, "organisation_key", "create an API key pair in the settings"),
    ("auth_bearer_public_observations", Permanent, "forbidden", "Access denied"),
    ("auth_bearer_public_v2_observations", Permanent, "forbidden", "Access denied"),
    ("cloudlike_ratelimited_v2_observations", Retryable, "rate_limited", "Rate limit exceeded"),
    ("cloudlike_ratelimited_v1_observations", Retryable, "rate_limited", "Rate limit exceeded for GET"),
    ("cloudlike_ratelimited_v2_metrics", Retryable, "rate_limited", "Rate limit exceeded"),
    ("cloudlike_ratelimited_metrics_daily", Retryable, "rate_limited", "Rate limit exceeded"),
    ("events_only_v1_observations", Permanent, "not_langfuse", "events_only mode"),
    ("events_only_v1_observations_bad_key", Permanent, "not_langfuse", "events_only mode"),
    ("events_only_v1_traces", Permanent, "not_langfuse", "events_only mode"),
    ("events_only_v1_trace_by_id", Permanent, "not_langfuse", "events_only mode"),
    ("fail_clickhouse_down_v1_observations", Retryable, "server_error", "connect ECONNREFUSED 127.0.0.1:18123"),
    ("fail_clickhouse_down_v2_observations", Retryable, "server_error", "Internal Server Error"),
    ("fail_clickhouse_down_v2_metrics", Retryable, "server_error", "answers 500"),
    ("fail_postgres_down_cached_key_projects", Retryable, "server_error", "answers 500"),
    ("fail_postgres_down_cached_key_v1_observations", Retryable, "server_error", "answers 500"),
    ("fail_postgres_down_cached_key_health_db", Retryable, "server_error", "answers 503"),
    ("fail_postgres_down_uncached_key", Retryable, "server_error", "answers 503: Service Unavailable"),
    ("unknown_path", Permanent, "not_langfuse", r"is not there \(404\)"),
    ("v2_traces", Permanent, "not_langfuse", r"is not there \(404\)"),
    ("method_post_v2_observations", Permanent, "not_langfuse", "405"),
    ("v2_observations_limit_1001", Permanent, "bad_request", "Invalid request data"),
    ("v2_observations_bad_cursor", Permanent, "bad_request", "Invalid cursor format"),
    ("v2_observations_fromStartTime_noZ", Permanent, "bad_request", "Invalid request data"),
    ("v1_observations_limit_101", Permanent, "bad_request", "Invalid request data"),
    ("metrics_v2_bad_json", Permanent, "bad_request", "Invalid JSON in query parameter"),
]


def failure(response: httpx.Response | Exception) -> FusewatchError:
    """What one GET raises when that is the answer."""

    def server(request: httpx.Request) -> httpx.Response:
        if isinstance(response, Exception):
            raise response
        return response

    async def ask() -> None:
        transport = Transport(
            "https://langfuse.example",
            PUBLIC_KEY,
            SECRET_KEY,
            clock=StandingClock(),
            transport=httpx.MockTransport(server),
        )
        try:
            await transport.get("v2_observations", "v2/observations")
        finally:
            await transport.close()

    with pytest.raises(FusewatchError) as caught:
        run(ask())
    return caught.value


@pytest.mark.parametrize(
    ("name", "kind", "reason", "text"), RECORDED_FAILURES, ids=[row[0] for row in RECORDED_FAILURES]
)
def test_a_recorded_failure_becomes_the_error_that_says_what_to_do(
    name: str, kind: type[Permanent | Retryable], reason: str, text: str
) -> None:
    error = failure(recording(name))
    assert isinstance(error, kind)
    assert error.reason == reason
    with pytest.raises(kind, match=text):
        raise error
    assert str(error).startswith("Langfuse at https://langfuse.example (v2/observations) ")


@pytest.mark.parametrize(
    ("response", "retry_after_s"),
    [
        (recording("cloudlike_ratelimited_v2_observations"), 58.0),
        (recording("cloudlike_ratelimited_v2_metrics"), 86394.0),
        (answer({"details": {"retryAfterSeconds": 12.5}}, 429), 12.5),
        (answer({}, 429, **{"Retry-After": "Sun, 22 Nov 2026 14:16:30 GMT"}), 90.0),
        (answer({}, 429, **{"Retry-After": "Sun, 22 Nov 2026 14:00:00 GMT"}), 0.0),
        (answer({}, 503, **{"Retry-After": "30"}), 30.0),
        (answer({}, 429, **{"Retry-After": "soon"}), None),
        (httpx.Response(429, text="429 - rate limit exceeded"), None),
    ],
    ids=["seconds", "a day", "body", "date", "date in the past", "maintenance", "nonsense", "old plain text"],
)
def test_the_wait_that_the_server_wishes_is_handed_on(response: httpx.Response, retry_after_s: float | None) -> None:
    error = failure(response)
    assert isinstance(error, Retryable)
    assert error.retry_after_s == retry_after_s


def test_a_plain_text_429_of_an_old_server_is_a_rate_limit() -> None:
    error = failure(httpx.Response(429, text="429 - rate limit exceeded"))
    assert isinstance(error, Retryable)
    assert (error.reason, "rate limit exceeded" in str(error)) == ("rate_limited", True)


def _caused_by(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


NETWORK_FAILURES = [
    (
        _caused_by(httpx.ConnectError("x"), gaierror(-2, "Name or service not known")),
        "unreachable",
        "cannot be resolved",
    ),
    (
        _caused_by(httpx.ConnectError("x"), ConnectionRefusedError(111, "refused")),
        "unreachable",
        "connection is refused",
    ),
    (httpx.ConnectError("All connection attempts failed"), "unreachable", "All connection attempts failed"),
    (
        _caused_by(httpx.ConnectError("x"), ssl.SSLCertVerificationError(1, "certificate verify failed")),
        "tls",
        "set SSL_CERT_FILE",
    ),
    (httpx.ConnectTimeout("x"), "timeout", "cannot be connected to in time"),
    (httpx.ReadTimeout("x"), "timeout", "does not answer in time"),
    (httpx.PoolTimeout("x"), "timeout", "does not answer in time"),
    (httpx.ProxyError("403 Forbidden"), "unreachable", "the proxy refuses"),
    (httpx.RemoteProtocolError("peer closed connection"), "connection_lost", "dropped the connection"),
    (httpx.DecodingError("bad gzip"), "truncated", "cannot be unpacked"),
]


@pytest.mark.parametrize(("raised", "reason", "text"), NETWORK_FAILURES, ids=[str(row[2]) for row in NETWORK_FAILURES])
def test_a_request_without_an_answer_says_why_and_may_be_tried_again(raised: Exception, reason: str, text: str) -> None:
    error = failure(raised)
    assert isinstance(error, Retryable)
    assert error.reason == reason
    assert text in str(error)


@pytest.mark.parametrize(
    ("status", "location", "kind", "named"),
    [
        (
            301,
            "https://us.langfuse.example/api/public/v2/observations?limit=1",
            Permanent,
            "https://us.langfuse.example;",
        ),
        (308, "/base/api/public/v2/observations", Permanent, "https://langfuse.example/base;"),
        (302, "https://login.example/start?token=geheim", Retryable, "https://login.example/start;"),
        (307, "", Retryable, "nowhere"),
    ],
)
def test_a_redirect_is_not_followed_but_named_without_its_query(
    status: int, location: str, kind: type[FusewatchError], named: str
) -> None:
    error = failure(httpx.Response(status, headers={"Location": location}))
    assert isinstance(error, kind)
    assert f"answers with a redirect to {named}" in str(error)
    assert "geheim" not in str(error)


def test_a_firewall_page_is_told_from_langfuses_own_refusal() -> None:
    assert "a proxy or firewall may stand in between" in str(failure(httpx.Response(403, html="<html>Blocked</html>")))


def test_the_text_of_a_web_page_is_not_repeated() -> None:
    assert str(failure(not_found_page())).endswith("is not there (404)")


def test_what_a_server_says_is_one_short_line() -> None:
    text = str(failure(answer({"message": "a\n\x1b[31mred\x07" + "x" * 5000}, 500)))
    assert "a [31mred x" in text
    assert len(text) < 400


@pytest.mark.parametrize("sign", ["\u202e", "\u0600", "\u200b", "\ufeff", "\u2028", "\x9b", "\U000e0041"])
def test_nothing_that_a_server_says_is_invisible_or_turns_the_line_around(sign: str) -> None:
    assert str(failure(answer({"message": f"a{sign}b"}, 500))).endswith(" answers 500: a b")
    assert str(failure(httpx.Response(500, content=f"a{sign}b".encode()))).endswith(" answers 500: a b")


def test_the_secret_never_reaches_an_error_or_a_representation() -> None:
    header = base64.b64encode(f"{PUBLIC_KEY}:{SECRET_KEY}".encode()).decode()
    error = failure(answer({"message": f"bad {SECRET_KEY} in Basic {header}"}, 401))
    shown = f"{error} {error!r} {error.args}"
    assert SECRET_KEY not in shown
    assert header not in shown
    assert "bad [secret] in Basic [secret]" in shown
    told = reading(lambda _: answer({}))
    assert SECRET_KEY not in repr(told.source)
    assert repr(told.source) == "LangfuseSource('https://langfuse.example')"


def test_an_answer_without_end_is_cut_off_and_asked_for_in_halves() -> None:
    sizes: list[int] = []

    def endless(request: httpx.Request) -> httpx.Response:
        sizes.append(int(request.url.params["limit"]))
        return httpx.Response(200, content=b" " * 70_000_000)

    with pytest.raises(Retryable, match="answers more than 67,108,864 bytes") as caught:
        run(reading(endless).source.walk(Span(NOW_MS - 1000, NOW_MS)).next_page())
    assert caught.value.reason == "too_large"
    assert sizes == [1000, 500, 250, 125, 62, 31, 15, 10]


def test_keys_that_are_missing_are_named_before_any_request() -> None:
    with pytest.raises(Permanent, match="needs both its public and its secret key"):
        open_source("https://langfuse.example", PUBLIC_KEY, "", clock=StandingClock())


def test_requests_carry_the_key_pair_and_name_this_program() -> None:
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer({"data": [], "meta": {}})

    run(reading(server).source.walk(SPAN).next_page())
    (request,) = asked
    assert request.headers["authorization"] == httpx.BasicAuth(PUBLIC_KEY, SECRET_KEY)._auth_header
    assert request.headers["user-agent"].startswith("fusewatch/")
    assert "gzip" in request.headers["accept-encoding"]


def test_a_server_that_closes_idle_connections_costs_no_failure() -> None:
    """On a real socket: each connection answers one request and is then closed without a word."""
    body = b'{"data":[],"meta":{}}'
    served: list[asyncio.Task[None] | None] = []

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head + body)
            await writer.drain()
            await reader.readuntil(b"\r\n\r\n")  # the next request arrives, and the connection is dropped under it
        writer.close()
        await writer.wait_closed()

    async def read_twice() -> list[str]:
        server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        statuses: list[str] = []
        transport = Transport(
            f"http://127.0.0.1:{port}",
            PUBLIC_KEY,
            SECRET_KEY,
            clock=StandingClock(),
            on_request=lambda endpoint, status, seconds: statuses.append(status),
        )
        async with server:
            await transport.get("a", "v2/observations")
            await transport.get("a", "v2/observations")
            await transport.close()
            await asyncio.gather(*(task for task in served if task is not None))
        return statuses

    assert asyncio.run(read_twice()) == ["200", "200"]
    assert len(served) == 2


def test_a_port_that_nobody_listens_on_is_unreachable() -> None:
    async def ask() -> None:
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        transport = Transport(f"http://127.0.0.1:{port}", PUBLIC_KEY, SECRET_KEY, clock=StandingClock())
        try:
            await transport.get("a", "health")
        finally:
            await transport.close()

    with pytest.raises(Retryable, match="the connection is refused") as caught:
        run(ask())
    assert caught.value.reason == "unreachable"

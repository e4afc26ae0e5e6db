"""Who may read: anyone on this machine, whoever knows a token elsewhere, nobody where no token is set."""

import json

import pytest

from fusewatch.errors import StoreFull
from fusewatch.web.access import Reading, is_loopback_host, judge_reading
from fusewatch.web.app import Envelope
from tests.web.pictures import Daemon, asked, get, request

GUARDED = ("/", "/api/v1/budgets", "/api/v1/incidents", "/api/v1/spend", "/api/v1/openapi.json")
OPEN = ("/metrics", "/healthz", "/readyz")
LOCAL = "127.0.0.1:9469"
REBOUND = "evil.example.com:9469"


@pytest.mark.parametrize(
    ("case", "loopback", "host", "presented", "tokens", "expected"),
    [
        ("on this machine nobody needs a token", True, LOCAL, None, (None, None), Reading.ALLOWED),
        ("not even where one is set", True, "localhost", None, ("r", "w"), Reading.ALLOWED),
        ("a rebound name is not this machine", True, REBOUND, None, (None, None), Reading.OFF),
        ("a rebound name needs the token", True, REBOUND, None, ("r", None), Reading.UNPROVEN),
        ("a rebound name with the token is a proxy", True, REBOUND, "r", ("r", None), Reading.ALLOWED),
        ("a request without Host needs the token", True, None, None, ("r", None), Reading.UNPROVEN),
        ("elsewhere a loopback Host proves nothing", False, LOCAL, None, ("r", None), Reading.UNPROVEN),
        ("elsewhere without a token all is off", False, LOCAL, "r", (None, None), Reading.OFF),
        ("an empty token is no token", False, LOCAL, "", ("", None), Reading.OFF),
        ("the read token reads", False, "fw.example.com", "r", ("r", "w"), Reading.ALLOWED),
        ("the web token reads too", False, "fw.example.com", "w", ("r", "w"), Reading.ALLOWED),
        ("a wrong token does not", False, "fw.example.com", "x", ("r", "w"), Reading.UNPROVEN),
        ("half a token does not", False, "fw.example.com", "secre", ("secret", None), Reading.UNPROVEN),
        ("a token of other letters does not", False, "fw.example.com", "gehëim", ("secret", None), Reading.UNPROVEN),
    ],
)
def test_reading_is_open_only_on_this_machine(
    case: str,
    loopback: bool,
    host: str | None,
    presented: str | None,
    tokens: tuple[str | None, str | None],
    expected: Reading,
) -> None:
    assert judge_reading(listen_is_loopback=loopback, host=host, presented=presented, tokens=tokens) is expected, case


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9469", "127.0.0.1", "127.8.9.1:80", "[::1]", "[::1]:9469", "localhost."]
)
def test_these_hosts_are_this_machine(host: str) -> None:
    assert is_loopback_host(host)


NOT_HERE = (
    "",
    "evil.example.com",
    "localhost.evil.com",
    "foo.localhost",
    "127.0.0.1.nip.io",
    "127.0.0.1@evil.com",
    "127.0.0.1:80:80",
    "[::1].evil.com",
    "::1",
    "[::]",
    "0.0.0.0",
    "10.0.0.1",
    "[127.0.0.1]",
    "localhost/",
    "localhost:x",
    " localhost",
    "127.1",
    "2130706433",
)


@pytest.mark.parametrize("host", NOT_HERE)
def test_these_hosts_are_not(host: str) -> None:
    assert not is_loopback_host(host)


@pytest.mark.parametrize("path", GUARDED)
def test_elsewhere_the_page_and_the_api_are_off_until_a_token_is_set(path: str) -> None:
    answer = get(Daemon(listen_is_loopback=False), path)
    assert answer.status_code == 404
    assert "set FUSEWATCH_READ_TOKEN" in answer.text


@pytest.mark.parametrize("path", GUARDED)
def test_elsewhere_a_token_is_asked_for_and_opens(path: str) -> None:
    daemon = Daemon(listen_is_loopback=False, read_token="read-me", web_token="change-me")
    without, wrong, reading, changing = asked(
        daemon.app(), *(request(path, token=token) for token in (None, "guess", "read-me", "change-me"))
    )
    assert [without.status_code, wrong.status_code] == [401, 401]
    assert without.headers["www-authenticate"] == 'Bearer realm="fusewatch"'
    assert [reading.status_code, changing.status_code] == [200, 200]


def test_a_token_in_the_address_opens_nothing() -> None:
    daemon = Daemon(listen_is_loopback=False, read_token="read-me")
    for query in ("token=read-me", "access_token=read-me", "Authorization=Bearer%20read-me"):
        assert get(daemon, f"/api/v1/budgets?{query}").status_code == 401


def test_a_name_that_was_made_to_point_here_reads_nothing() -> None:
    assert get(Daemon(), "/api/v1/spend", host=REBOUND).status_code == 404
    assert get(Daemon(read_token="t"), "/api/v1/spend", host=REBOUND).status_code == 401


@pytest.mark.parametrize("path", OPEN)
def test_metrics_and_probes_are_open_everywhere(path: str) -> None:
    assert get(Daemon(listen_is_loopback=False), path, host=REBOUND).status_code == 200


def paths_of(router: object) -> set[str]:
    """Every path below a router; FastAPI keeps included routers whole, or copies their routes, by its version."""
    found: set[str] = set()
    for route in getattr(router, "routes", ()):
        inner = getattr(route, "original_router", None)
        found |= paths_of(inner) if inner is not None else {route.path}
    return found


def test_whatever_route_is_added_is_guarded_unless_it_is_named_open() -> None:
    app = Daemon(listen_is_loopback=False).app()
    assert isinstance(app, Envelope)
    paths = paths_of(app.app)
    assert paths >= {*GUARDED, *OPEN}
    for path in paths - set(OPEN):
        assert asked(app, request(path))[0].status_code in (404, 405), f"{path} is open"
        assert asked(app, request(path, method="POST"))[0].status_code in (404, 405), f"{path} can be changed"
        assert asked(app, request(path, method="DELETE"))[0].status_code in (404, 405), f"{path} can be deleted"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_changed_here(method: str) -> None:
    for path in (*GUARDED, *OPEN):
        answer = get(Daemon(web_token="t"), path, method=method, token="t")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET"


def test_head_answers_like_get_without_a_body() -> None:
    for path in (*GUARDED, *OPEN):
        full, head = asked(Daemon().app(), request(path), request(path, method="HEAD"))
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == full.headers["content-type"]
        assert head.headers["content-length"] == full.headers["content-length"]


def test_an_unknown_path_is_a_404_as_problem_details() -> None:
    for path in ("/nothing", "/api/v1/budgets/", "/docs", "/redoc", "/openapi.json", "/api/v1/../../etc/passwd"):
        answer = get(Daemon(), path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json() == {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "There is nothing at this path for GET.",
            "instance": str(answer.request.url.raw_path, "ascii"),
            "errors": [],
        }


def test_every_answer_carries_the_security_headers() -> None:
    troubled = Daemon(trouble=RuntimeError("secret words"))
    answers = [get(Daemon(), path) for path in (*GUARDED, *OPEN, "/nothing")] + [get(troubled, "/metrics")]
    for answer in answers:
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers


def test_a_mistake_of_ours_tells_the_outside_nothing() -> None:
    answer = get(Daemon(trouble=RuntimeError("secret words")), "/api/v1/spend")
    assert answer.status_code == 500
    assert "secret words" not in answer.text


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/budgets"])
def test_a_database_that_does_not_answer_is_a_503_and_never_an_old_picture(path: str) -> None:
    daemon = Daemon()
    app = daemon.app()
    assert asked(app, request(path))[0].status_code == 200
    daemon.trouble = StoreFull("disk I/O error on /data/fusewatch.db")
    answer = asked(app, request(path))[0]
    assert answer.status_code == 503
    assert "The database cannot be read" in answer.text
    assert "/data" not in answer.text


def test_tokens_are_not_in_what_the_state_says_of_itself() -> None:
    said = repr(Daemon(read_token="read-me", web_token="change-me").state())
    assert "read-me" not in said
    assert "change-me" not in said


def test_tokens_are_in_no_answer() -> None:
    daemon = Daemon(listen_is_loopback=False, read_token="read-me", web_token="change-me")
    for path in (*GUARDED, *OPEN, "/nothing"):
        for token in ("read-me", "wrong"):
            answer = get(daemon, path, token=token)
            told = json.dumps(dict(answer.headers)) + answer.text
            assert "read-me" not in told
            assert "change-me" not in told

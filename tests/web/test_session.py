"""Who may change something on the page: who logged in with the token for it, from a form of ours, and nobody else."""

from dataclasses import replace
from urllib.parse import urlencode

import httpx
import pytest

from fusewatch.web.sessions import LASTS_MS, Right, Tokens, is_from_our_page
from tests.web.pictures import BUSY, CROSSED, HOUR, NOW, Daemon, asked, request

HOST = "127.0.0.1:9469"
OURS = {"sec-fetch-site": "same-origin"}
TOKENS = Tokens("read-me", "change-me")


def daemon(**changes: object) -> Daemon:
    return replace(Daemon(read_token="read-me", web_token="change-me", incidents=[CROSSED]), **changes)  # type: ignore[arg-type]  # fields by name


def sent(path: str, fields: dict[str, str], cookie: str = "", **headers: str) -> httpx.Request:
    """A form as a browser sends it; `sec_fetch_site` becomes a header."""
    written = {"host": HOST, "content-type": "application/x-www-form-urlencoded", "cookie": cookie, **OURS}
    written |= {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: value for name, value in written.items() if value}
    return httpx.Request("POST", f"http://{HOST}{path}", headers=kept, content=urlencode(fields).encode())


def logged_in(right: Right = Right.CHANGE) -> tuple[str, str]:
    """The cookie header of a session, and its form key."""
    cookie = TOKENS.cookie_for(right, NOW)
    session = TOKENS.session_of(cookie, NOW)
    assert session is not None
    return f"other=1; fusewatch_session={cookie}", session.form_key


SILENCE = {"incident": CROSSED.id, "span": "1h", "comment": "known", "author": "Ana", "back": "/?by=model"}


def test_the_token_is_exchanged_for_a_cookie_that_scripts_and_other_sites_cannot_use() -> None:
    (answer,) = asked(daemon().app(), sent("/login", {"token": "change-me", "back": "/?by=team"}))
    assert (answer.status_code, answer.headers["location"]) == (303, "/?by=team")
    cookie = answer.headers["set-cookie"]
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert "change-me" not in cookie


def test_behind_tls_the_cookie_travels_over_tls_alone() -> None:
    fields = {"token": "change-me"}
    (answer,) = asked(daemon().app(), sent("/login", fields, origin=f"https://{HOST}", sec_fetch_site=""))
    assert answer.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize("token", ["", "guess", "change-m", "read-me change-me"])
def test_a_wrong_token_gets_the_form_again_and_no_cookie(token: str) -> None:
    (answer,) = asked(daemon().app(), sent("/login", {"token": token}))
    assert answer.status_code == 401
    assert "That token opens nothing here." in answer.text
    assert "set-cookie" not in answer.headers
    assert not token or token not in answer.text


def test_a_session_reads_where_a_token_is_needed_and_ends_after_twelve_hours() -> None:
    away = daemon(listen_is_loopback=False)
    cookie, _ = logged_in(Right.READ)
    app = away.app()
    page = request("/")
    page.headers["cookie"] = cookie
    assert asked(app, page)[0].status_code == 200
    away.clock.at_ms += LASTS_MS
    answer = asked(app, page)[0]
    assert answer.status_code == 401
    assert 'name="token"' in answer.text


def test_a_silence_made_on_the_page_holds_that_incident_and_says_who_and_why() -> None:
    ours = daemon()
    cookie, key = logged_in()
    (answer,) = asked(ours.app(), sent("/silence", {**SILENCE, "form_key": key}, cookie))
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/?by=model&told=silenced#incident-{CROSSED.id}"
    (made,) = ours.silences
    assert (made.author, made.comment, made.ends_ms - made.starts_ms) == ("Ana", "known", HOUR)
    facts = {"rule": CROSSED.rule, "feature": "summarization"}
    assert made.covers(facts)
    assert not made.covers({**facts, "feature": "search-assist"})


def test_a_name_that_looks_like_a_pattern_silences_itself_alone() -> None:
    starred = replace(CROSSED, labels=(("feature", "a*[b]?"),))
    ours = daemon(picture=replace(BUSY, open_incidents=(starred,)))
    cookie, key = logged_in()
    asked(ours.app(), sent("/silence", {**SILENCE, "form_key": key}, cookie))
    (made,) = ours.silences
    assert made.covers({"rule": CROSSED.rule, "feature": "a*[b]?"})
    assert not made.covers({"rule": CROSSED.rule, "feature": "axbx"})


def test_acknowledging_and_ending_a_silence_come_back_to_the_page() -> None:
    ours = daemon()
    cookie, key = logged_in()
    app = ours.app()
    asked(app, sent("/silence", {**SILENCE, "form_key": key}, cookie))
    ended, acknowledged, gone = asked(
        app,
        sent("/unsilence", {"silence": ours.silences[0].id, "form_key": key}, cookie),
        sent("/acknowledge", {"incident": CROSSED.id, "author": "Ana", "form_key": key}, cookie),
        sent("/acknowledge", {"incident": "NONE", "author": "Ana", "form_key": key}, cookie),
    )
    assert ended.headers["location"] == "/?told=unsilenced"
    assert ours.silences[0].ended_ms == NOW
    assert acknowledged.headers["location"] == f"/?told=acknowledged#incident-{CROSSED.id}"
    assert gone.headers["location"] == "/?told=gone"


CHANGES = ("/silence", "/unsilence", "/acknowledge")


@pytest.mark.parametrize("path", CHANGES)
def test_nobody_changes_anything_without_a_session_of_the_token_for_changes(path: str) -> None:
    ours = daemon()
    reading, key = logged_in(Right.READ)
    made_up = "fusewatch_session=change.9999999999999.00"
    answers = asked(
        ours.app(),
        sent(path, {**SILENCE, "form_key": key}),
        sent(path, {**SILENCE, "form_key": key}, reading),
        sent(path, {**SILENCE, "form_key": key}, made_up),
        sent(path, {**SILENCE, "form_key": key}, authorization="Bearer change-me"),
    )
    assert [answer.status_code for answer in answers] == [401] * 4
    assert ours.silences == []


@pytest.mark.parametrize("path", [*CHANGES, "/logout"])
def test_a_form_of_another_site_changes_nothing(path: str) -> None:
    ours = daemon()
    cookie, key = logged_in()
    right = {**SILENCE, "form_key": key}
    answers = asked(
        ours.app(),
        sent(path, right, cookie, sec_fetch_site="cross-site"),
        sent(path, right, cookie, sec_fetch_site="same-site"),
        sent(path, right, cookie, sec_fetch_site="", origin="https://evil.example.com"),
        sent(path, right, cookie, sec_fetch_site="", origin="null"),
        sent(path, right, cookie, sec_fetch_site=""),
        sent(path, SILENCE, cookie),
        sent(path, {**SILENCE, "form_key": "0" * 64}, cookie),
    )
    assert [answer.status_code for answer in answers] == [403] * 7
    assert ours.silences == []


@pytest.mark.parametrize("path", [*CHANGES, "/login", "/logout"])
def test_without_tokens_there_is_nothing_to_log_in_to_and_nothing_to_change(path: str) -> None:
    (answer,) = asked(Daemon().app(), sent(path, SILENCE))
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "back",
    ["//evil.example.com", "https://evil.example.com/", "/\\evil.example.com", "/x\r\nset-cookie: a=b", "javascript:1"],
)
def test_logging_in_leads_to_our_page_and_nowhere_else(back: str) -> None:
    (answer,) = asked(daemon().app(), sent("/login", {"token": "change-me", "back": back}))
    location = answer.headers["location"]
    assert location == "/" or location.startswith("/?")
    assert "\n" not in location


def test_a_form_beyond_all_measure_is_refused() -> None:
    cookie, key = logged_in()
    (answer,) = asked(daemon().app(), sent("/silence", {**SILENCE, "comment": "x" * 20_000, "form_key": key}, cookie))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"comment": " "}, "comment: nothing says why"),
        ({"author": ""}, "author: write who you are"),
        ({"span": "9y"}, "span: one of 1h, 4h"),
    ],
)
def test_a_silence_that_says_too_little_is_refused_with_what_would_be_right(changes: dict[str, str], said: str) -> None:
    ours = daemon()
    cookie, key = logged_in()
    (answer,) = asked(ours.app(), sent("/silence", {**SILENCE, "form_key": key, **changes}, cookie))
    assert answer.status_code == 422
    assert said in answer.text
    assert ours.silences == []


def test_another_token_ends_all_sessions() -> None:
    cookie = TOKENS.cookie_for(Right.CHANGE, NOW)
    assert TOKENS.session_of(cookie, NOW) is not None
    assert Tokens("read-me", "another").session_of(cookie, NOW) is None
    assert Tokens("change-me", None).session_of(cookie, NOW) is None


@pytest.mark.parametrize("cookie", [None, "", "a.b.c", "change..", "read.1.2.3", "change.99e9.x", "read.\u0664.\u00e4"])
def test_what_is_no_session_is_none(cookie: str | None) -> None:
    assert TOKENS.session_of(cookie, NOW) is None


def test_a_longer_life_cannot_be_written_into_a_cookie() -> None:
    kind, until, signature = TOKENS.cookie_for(Right.CHANGE, NOW).split(".")
    assert TOKENS.session_of(f"{kind}.{int(until) + 1}.{signature}", NOW + 2) is None
    assert TOKENS.session_of(f"read.{until}.{signature}", NOW) is None


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site", "origin": f"http://{HOST}", "host": HOST}, False),
        ({"origin": f"http://{HOST}", "host": HOST}, True),
        ({"origin": "http://[", "host": HOST}, False),
        ({"origin": "null", "host": HOST}, False),
        ({"origin": "", "host": ""}, False),
        ({}, False),
    ],
)
def test_a_browser_says_whose_form_it_sends(headers: dict[str, str], ours: bool) -> None:
    assert is_from_our_page(headers) is ours

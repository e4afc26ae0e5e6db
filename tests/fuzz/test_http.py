"""Whatever a client asks of the API, or Slack's servers send back: an answer, and never that of a bug."""

import json
from typing import Any
from urllib.parse import urlencode

import httpx
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.actions import Action, Wish, sealed
from tests.fuzz.effort import looked_at
from tests.web.pictures import CROSSED, Daemon, asked, request
from tests.web.test_slack_actions import SECRET, VALUE, Counter, payload, signed

API, SLACK = "requests to the API", "callbacks of Slack"
PATHS = (
    "/api/v1/budgets",
    "/api/v1/incidents",
    "/api/v1/spend",
    "/api/v1/silences",
    "/api/v1/why",
    "/api/v1/deliveries",
)
CHANGES = (
    "/api/v1/silences",
    "/api/v1/incidents/3VXKQ9B2T7M4N0PD/acknowledge",
    "/api/v1/incidents/%00/acknowledge",
    "/api/v1/deliveries/1/revive",
    "/api/v1/deliveries/99999999999999999999/revive",
)
TEXT = st.text(max_size=30)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.sampled_from(["\ud800", "9999-12-31T23:59:60Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
SILENCE: dict[str, Any] = {
    "matchers": {"rule": ["*"]},
    "ends_at": "2026-11-24T18:00:00Z",
    "comment": "known",
    "author": "ana",
}


@st.composite
def silences(draw: st.DrawFn) -> bytes:
    """A wish for a silence with some of it replaced by anything."""
    wish = {**SILENCE, **draw(st.dictionaries(st.sampled_from(sorted(SILENCE)) | TEXT, JSON, max_size=2))}
    if draw(st.booleans()):
        wish["matchers"] = draw(st.dictionaries(TEXT | st.sampled_from(["rule", "feature"]), st.lists(TEXT)))
    return json.dumps(wish).encode("utf-8", "surrogatepass")


@st.composite
def choices(draw: st.DrawFn) -> bytes:
    """What Slack sends with some of it replaced by anything, signed values cut and mixed."""
    value = draw(st.sampled_from([VALUE, sealed(Action(Wish.FOUR_HOURS, "A"), SECRET), VALUE[:-1], ""]) | TEXT)
    shapes = ("type", "user", "actions", "container", "channel")
    changes = draw(st.dictionaries(st.sampled_from(shapes), JSON, max_size=3))
    if draw(st.booleans()):
        changes["actions"] = [{"action_id": "fusewatch_silence", "selected_option": draw(JSON), "value": draw(JSON)}]
    return payload(value, **changes)


@looked_at(60, API)
@given(
    path=st.sampled_from(PATHS),
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "where", "from", "to", "by", "rule", "state", "order", "at", "key", "x"]),
        st.text(max_size=40) | st.from_regex(r"[A-Za-z0-9_-]{1,30}", fullmatch=True),
        max_size=4,
    ),
)
def test_no_question_breaks_the_api(path: str, query: dict[str, str]) -> None:
    wish = request(path)
    wish.url = wish.url.copy_with(params={name: value.encode("utf-8", "replace") for name, value in query.items()})
    answer = asked(Daemon(incidents=[CROSSED]).app(), wish)[0]
    if path != "/api/v1/why":
        assert answer.status_code in (200, 404, 409, 422), (answer.status_code, answer.text)


@looked_at(40, API)
@given(
    path=st.sampled_from(CHANGES),
    body=silences() | st.binary(max_size=100) | JSON.map(lambda v: json.dumps(v).encode()),
)
def test_no_change_breaks_the_api(path: str, body: bytes) -> None:
    wish = request(path, method="POST", token="w")
    headers = {**wish.headers, "content-type": "application/json"}
    daemon = Daemon(web_token="w", incidents=[CROSSED])
    answer = asked(daemon.app(), httpx.Request("POST", wish.url, headers=headers, content=body))[0]
    assert answer.status_code in (200, 201, 400, 404, 409, 422), (answer.status_code, answer.text)
    assert answer.status_code != 201 or len(daemon.silences) == 1


@looked_at(40, SLACK)
@given(
    body=st.binary(max_size=300)
    | st.text(max_size=200).map(lambda text: b"payload=" + text.encode("utf-8", "replace"))
    | JSON.map(lambda value: urlencode({"payload": json.dumps(value)}).encode())
    | choices()
)
def test_no_body_that_slack_signed_breaks_the_callback(body: bytes) -> None:
    counter = Counter()
    (answer,) = asked(counter.daemon().app(), signed(body))
    assert answer.status_code in (200, 400, 401), (answer.status_code, answer.text)
    assert len(counter.taken) <= 1


@looked_at(30, SLACK)
@given(body=st.binary(max_size=200) | choices(), stamp=TEXT | st.integers().map(str), signature=TEXT)
def test_nothing_that_slack_did_not_sign_is_taken(body: bytes, stamp: str, signature: str) -> None:
    counter = Counter()
    right = signed(body)
    headers = [
        *((k, v) for k, v in right.headers.raw if not k.lower().startswith((b"x-slack", b"content-length"))),
        (b"x-slack-request-timestamp", stamp.encode("utf-8", "replace").replace(b"\r", b"").replace(b"\n", b"")),
        (b"x-slack-signature", b"v0=" + signature.encode("utf-8", "replace").replace(b"\r", b"").replace(b"\n", b"")),
    ]
    (answer,) = asked(counter.daemon().app(), httpx.Request("POST", right.url, headers=headers, content=body))
    assert (answer.status_code, counter.taken) == (401, [])

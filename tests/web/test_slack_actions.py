"""`POST /slack/actions`: only what Slack signed lately, whole and for the first time, changes anything."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx
import pytest

from fusewatch.domain.actions import Action, Wish, opened, sealed
from fusewatch.web.slack import LARGEST_BODY, ActionsDesk
from tests.web.pictures import NOW, Daemon, asked, request

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
PATH = "/slack/actions"
VALUE = sealed(Action(Wish.ACKNOWLEDGE, "3VXKQ9B2T7M4N0PD"), SECRET)


@dataclass(slots=True)
class Counter:
    """Takes choices as the daemon does, and remembers them."""

    seen: set[str] = field(default_factory=set)
    taken: list[tuple[Action, str]] = field(default_factory=list)

    async def is_first(self, signature: str) -> bool:
        known = signature in self.seen
        self.seen.add(signature)
        return not known

    async def act(self, action: Action, author: str) -> None:
        self.taken.append((action, author))

    def daemon(self, **given: object) -> Daemon:
        return Daemon(actions=ActionsDesk(SECRET, self.is_first, self.act), **given)  # type: ignore[arg-type]  # fields by name


def payload(*values: str, **changes: object) -> bytes:
    """What Slack sends when somebody chooses in a message (docs.slack.dev, block_actions)."""
    said: dict[str, object] = {
        "type": "block_actions",
        "user": {"id": "U0CA5", "username": "ana", "name": "ana", "team_id": "T9TK3CUKW"},
        "api_app_id": "A02",
        "token": "Shh_its_a_seekrit",
        "container": {"type": "message", "message_ts": "1548261231.000200"},
        "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
        "channel": {"id": "CBR2V3XEX", "name": "llm-spend"},
        "actions": [
            {"action_id": "fusewatch_acknowledge", "block_id": "=qXel", "type": "button", "value": value}
            for value in values
        ],
    }
    return urlencode({"payload": json.dumps({**said, **changes})}).encode()


def signed(body: bytes, *, at_s: int = NOW // 1000, secret: str = SECRET, sent: bytes | None = None) -> httpx.Request:
    base = b"v0:" + str(at_s).encode() + b":" + body
    signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return made(
        body if sent is None else sent, {"x-slack-request-timestamp": str(at_s), "x-slack-signature": signature}
    )


def made(body: bytes, headers: dict[str, str], host: str = "fusewatch.example.com") -> httpx.Request:
    given = {**headers, "host": host, "content-type": "application/x-www-form-urlencoded"}
    return httpx.Request("POST", f"http://127.0.0.1:9469{PATH}", headers=given, content=body)


def test_the_signature_is_that_of_slacks_own_example() -> None:
    """docs.slack.dev, "Verifying requests from Slack": the worked example there."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = signed(body, at_s=1531420618).headers
    assert headers["x-slack-signature"] == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_what_slack_signed_is_done_once_in_the_name_of_who_chose_it() -> None:
    counter = Counter()
    (answer,) = asked(counter.daemon(listen_is_loopback=False).app(), signed(payload(VALUE)))
    assert (answer.status_code, answer.content) == (200, b"")
    assert counter.taken == [(Action(Wish.ACKNOWLEDGE, "3VXKQ9B2T7M4N0PD"), "ana")]


def test_a_chosen_option_counts_as_a_click_does() -> None:
    counter = Counter()
    value = sealed(Action(Wish.FOUR_HOURS, "3VXKQ9B2T7M4N0PD"), SECRET)
    chosen = {"action_id": "fusewatch_silence", "type": "static_select", "selected_option": {"value": value}}
    asked(counter.daemon().app(), signed(payload(actions=[chosen])))
    assert counter.taken == [(Action(Wish.FOUR_HOURS, "3VXKQ9B2T7M4N0PD"), "ana")]


def test_a_replay_is_refused() -> None:
    counter = Counter()
    app = counter.daemon().app()
    first, second = asked(app, signed(payload(VALUE)), signed(payload(VALUE)))
    assert (first.status_code, second.status_code) == (200, 403)
    assert len(counter.taken) == 1


@pytest.mark.parametrize("age_s", [301, -301, 10**6])
def test_what_was_signed_long_ago_or_ahead_is_refused(age_s: int) -> None:
    counter = Counter()
    (answer,) = asked(counter.daemon().app(), signed(payload(VALUE), at_s=NOW // 1000 - age_s))
    assert (answer.status_code, counter.taken, counter.seen) == (401, [], set())


@pytest.mark.parametrize("age_s", [300, -299])
def test_what_was_signed_within_five_minutes_is_taken(age_s: int) -> None:
    (answer,) = asked(Counter().daemon().app(), signed(payload(VALUE), at_s=NOW // 1000 - age_s))
    assert answer.status_code == 200


BODY = payload(VALUE)
RIGHT = dict(signed(BODY).headers)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(signed(BODY, secret="another secret"), id="another secret"),
        pytest.param(signed(BODY, sent=BODY[:-1]), id="cut off"),
        pytest.param(signed(BODY, sent=BODY + b"&"), id="longer"),
        pytest.param(signed(BODY, sent=b""), id="empty"),
        pytest.param(signed(b"\xff\xfe"), id="not UTF-8"),
        pytest.param(made(BODY, {}), id="unsigned"),
        pytest.param(made(BODY, {**RIGHT, "x-slack-signature": ""}), id="an empty signature"),
        pytest.param(made(BODY, {**RIGHT, "x-slack-signature": RIGHT["x-slack-signature"][3:]}), id="no version"),
        pytest.param(made(BODY, {**RIGHT, "x-slack-request-timestamp": "now"}), id="no number"),
        pytest.param(made(BODY, {**RIGHT, "x-slack-request-timestamp": "9" * 5000}), id="an endless number"),
        pytest.param(made(BODY, {**RIGHT, "x-slack-request-timestamp": "-1"}), id="a negative time"),
    ],
)
def test_whatever_slack_did_not_sign_so_changes_nothing(wrong: httpx.Request) -> None:
    counter = Counter()
    (answer,) = asked(counter.daemon(read_token="r", web_token="w").app(), wrong)
    assert (answer.status_code, counter.taken, counter.seen) == (401, [], set())


def test_a_token_is_no_signature() -> None:
    wish = made(BODY, {"authorization": "Bearer w"}, host="127.0.0.1:9469")
    (answer,) = asked(Counter().daemon(web_token="w").app(), wish)
    assert answer.status_code == 401


def test_a_body_larger_than_any_of_slacks_is_not_read() -> None:
    counter = Counter()
    (answer,) = asked(counter.daemon().app(), signed(b"payload=" + b"x" * LARGEST_BODY))
    assert (answer.status_code, counter.seen) == (413, set())


@pytest.mark.parametrize("body", [b"", b"payload", b"payload=%7B", b"other=1", b"payload=[]", b"&".join([b"a=1"] * 99)])
def test_a_signed_body_of_another_shape_is_refused_with_words(body: bytes) -> None:
    (answer,) = asked(Counter().daemon().app(), signed(body))
    assert (answer.status_code, answer.json()["detail"]) == (400, "This is no interaction of Slack's.")


@pytest.mark.parametrize(
    "body",
    [
        payload(""),
        payload("https://example.com/"),
        payload(VALUE[:-1] + ("0" if VALUE[-1] != "0" else "1")),
        payload(VALUE.replace("ack", "4h")),
        payload(sealed(Action(Wish.ACKNOWLEDGE, "3VXKQ9B2T7M4N0PD"), "another secret")),
        payload(VALUE, type="view_submission"),
        payload("ack..é"),
    ],
)
def test_a_click_that_is_none_of_our_choices_is_heard_and_does_nothing(body: bytes) -> None:
    counter = Counter()
    (answer,) = asked(counter.daemon().app(), signed(body))
    assert (answer.status_code, counter.taken) == (200, [])


def test_without_a_signing_secret_there_is_nothing_at_the_path() -> None:
    (answer,) = asked(Daemon().app(), signed(BODY))
    assert answer.status_code == 404


def test_a_sealed_value_opens_with_its_secret_alone_and_fits_slack() -> None:
    for wish in Wish:
        value = sealed(Action(wish, "3VXKQ9B2T7M4N0PD"), SECRET)
        assert opened(value, SECRET) == Action(wish, "3VXKQ9B2T7M4N0PD")
        assert opened(value, "another secret") is None
        assert len(value) <= 75


def test_get_does_nothing() -> None:
    (answer,) = asked(Counter().daemon().app(), request(PATH))
    assert answer.status_code == 405

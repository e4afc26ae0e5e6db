"""Webhooks: signed as the standard says, small enough, exact to the picodollar, and stable over retries."""

import base64
import json
from dataclasses import replace
from datetime import datetime, tzinfo

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from fusewatch.domain.notices import MessageKind, NoticeLink
from fusewatch.errors import Permanent, Retryable
from fusewatch.notify.kinds import WebhookKind
from fusewatch.notify.webhook import Webhook
from fusewatch.notify.webhook_payload import SIZE_LIMIT, payload_schema, webhook_json
from fusewatch.ports import Receipt
from tests.notify.samples import BERLIN, BUDGET, MESSAGES, NOW, REACHED, feature, message, usd
from tests.notify.support import FrozenClock, Receiver, run
from tests.notify.test_slack_payload import hostile_message
from tests.notify.test_text import HOSTILE

URL = "https://hooks.example.com/spend?token=canary-address"
SECRET = "whsec_" + base64.b64encode(b"canary-secret-canary-secret").decode()
MESSAGE = MESSAGES["budget_reached"]
VALIDATOR = Draft202012Validator(payload_schema())


def send(receiver: Receiver, *secrets: str, now_ms: int = NOW) -> Receipt:
    async def work() -> Receipt:
        kind = WebhookKind(URL, secrets)
        notifier = Webhook(kind, FrozenClock(now_ms), timezone=BERLIN, transport=receiver.transport)
        try:
            return await notifier.send(MESSAGE)
        finally:
            await notifier.close()

    return run(work())


def sent(*secrets: str, now_ms: int = NOW) -> httpx.Request:
    receiver = Receiver(200, "")
    send(receiver, *secrets, now_ms=now_ms)
    (request,) = receiver.requests
    return request


@pytest.fixture(autouse=True)
def _verifier_at_our_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's verifier looks at the machine's clock; here it is told ours."""

    class Frozen(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Frozen":
            return cls.fromtimestamp(NOW / 1000, tz)

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Frozen)


def verifies(request: httpx.Request, key: str | bytes) -> bool:
    """Whether the library's own verifier accepts the request under this key."""
    try:
        return bool(Verifier(key).verify(request.content, dict(request.headers)) == json.loads(request.content))
    except WebhookVerificationError:
        return False


# ---------------------------------------------------------------- headers and signatures


def test_the_id_stays_over_retries_and_only_the_timestamp_and_signature_of_the_attempt_change() -> None:
    first, second = sent(SECRET), sent(SECRET, now_ms=NOW + 3_600_000)
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == MESSAGE.id
    assert first.content == second.content
    assert first.headers["webhook-timestamp"] == str(NOW // 1000)
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 3600
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_the_librarys_verifier_accepts_what_we_sign_and_nothing_that_was_changed() -> None:
    request = sent(SECRET)
    assert verifies(request, SECRET)
    assert not verifies(request, b"another key")
    changed = httpx.Request("POST", URL, content=request.content.replace(b"50.31", b"10.31"), headers=request.headers)
    assert not verifies(changed, SECRET)
    stale = sent(SECRET, now_ms=NOW - 3_600_000)
    assert not verifies(stale, SECRET), "a receiver may refuse what is an hour old"


@pytest.mark.parametrize("secret", ["plain secret", "ключ", "C2FVsBQIhrscChlQIMV+b5sSYob7oD8="])
def test_a_secret_without_the_prefix_is_its_own_bytes(secret: str) -> None:
    assert verifies(sent(secret), secret.encode())


def test_two_secrets_give_two_signatures_so_that_one_can_replace_the_other() -> None:
    request = sent(SECRET, "the new one")
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    assert verifies(request, SECRET)
    assert verifies(request, b"the new one")
    assert not verifies(request, b"another")


def test_without_a_secret_messages_go_unsigned() -> None:
    assert "webhook-signature" not in sent().headers


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_accepted_whatever_its_body(status: int) -> None:
    body = "<html>thanks</html>" if status != 204 else ""
    assert send(Receiver(status, body), SECRET) == Receipt(said=f"HTTP {status}")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (301, "redirect"),
        (302, "redirect"),
        (307, "redirect"),
        (400, "rejected"),
        (401, "forbidden"),
        (403, "forbidden"),
        (404, "not_found"),
        (405, "rejected"),
        (410, "gone"),
        (413, "too_large"),
        (422, "rejected"),
    ],
)
def test_what_the_receiver_refuses_is_not_tried_again(status: int, reason: str) -> None:
    receiver = Receiver(status, "no", {"Location": "https://elsewhere.example.com/"})
    with pytest.raises(Permanent) as caught:
        send(receiver, SECRET)
    assert caught.value.reason == reason
    assert len(receiver.requests) == 1


def test_a_redirect_is_followed_to_no_host_and_the_reason_is_told() -> None:
    receiver = Receiver(307, "", {"Location": "https://elsewhere.example.com/"})
    says = r"^hooks\.example\.com redirects \(307\), which is not followed: configure the final address$"
    with pytest.raises(Permanent, match=says):
        send(receiver, SECRET)
    assert [request.url.host for request in receiver.requests] == ["hooks.example.com"]


def test_a_sample_is_of_its_own_type_and_says_what_it_shows() -> None:
    payload = json.loads(webhook_json(MESSAGES["sample_digest"], BERLIN))
    assert (payload["type"], payload["data"]["sample_of"]) == ("fusewatch.sample", "digest")
    assert payload["data"]["digest"]["spend_usd"] == "182.4"
    assert json.loads(webhook_json(MESSAGES["digest_day"], BERLIN))["data"]["sample_of"] == ""


@pytest.mark.parametrize(
    ("status", "headers", "reason", "retry_after_s"),
    [
        (408, {}, "server_error", None),
        (425, {}, "server_error", None),
        (429, {"Retry-After": "15"}, "rate_limited", 15.0),
        (500, {}, "server_error", None),
        (503, {"Retry-After": "Tue, 24 Nov 2026 15:52:00 GMT"}, "server_error", 600.0),
        (504, {"Retry-After": "-4"}, "server_error", 0.0),
    ],
)
def test_what_may_pass_is_tried_again_no_sooner_than_asked(
    status: int, headers: dict[str, str], reason: str, retry_after_s: float | None
) -> None:
    with pytest.raises(Retryable) as caught:
        send(Receiver(status, "", headers), SECRET)
    assert (caught.value.reason, caught.value.retry_after_s) == (reason, retry_after_s)


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("slow"), httpx.ConnectError("refused"), httpx.ReadError("")])
def test_no_answer_is_tried_again(failure: Exception) -> None:
    with pytest.raises(Retryable):
        send(Receiver(fails=failure), SECRET)


# ---------------------------------------------------------------- the payload


@pytest.mark.parametrize("name", MESSAGES)
def test_every_kind_of_message_fits_the_schema_and_the_size(name: str) -> None:
    body = webhook_json(MESSAGES[name], BERLIN)
    assert len(body) < SIZE_LIMIT
    payload = json.loads(body)
    VALIDATOR.validate(payload)
    assert payload["type"] == f"fusewatch.{MESSAGES[name].kind}"
    assert payload["data"]["version"] == 1


def test_the_same_message_gives_the_same_bytes() -> None:
    for one in MESSAGES.values():
        assert webhook_json(one, BERLIN) == webhook_json(replace(one), BERLIN)


def test_amounts_are_exact_to_the_picodollar_beyond_what_a_float_could_hold() -> None:
    measured = usd("20000000.000000000001")
    notice = replace(REACHED, incident=replace(BUDGET, measured=measured))
    (told,) = json.loads(webhook_json(message(notice), BERLIN))["data"]["notices"]
    assert (told["measured"], told["limit"], told["unit"]) == ("20000000.000000000001", "50", "usd")


def test_a_key_is_told_exactly_as_it_is_for_programs_to_compare() -> None:
    (told,) = json.loads(webhook_json(message(feature(1, "76", name="a\u202e<!channel>\n")), BERLIN))["data"]["notices"]
    assert told["key"] == {"feature": "a\u202e<!channel>\n"}
    assert told["text"].startswith("a<!channel> (each-feature) reached")


def test_five_hundred_notices_of_one_pass_reach_a_program_all_of_them() -> None:
    data = json.loads(webhook_json(message(*(feature(n, f"{900 - n}.25") for n in range(500))), BERLIN))["data"]
    assert (len(data["notices"]), data["truncated"]) == (500, 0)


def test_two_thousand_notices_are_cut_to_what_fits_and_the_rest_is_counted() -> None:
    body = webhook_json(message(*(feature(n, f"{4000 - n}.25") for n in range(2000))), BERLIN)
    data = json.loads(body)["data"]
    assert SIZE_LIMIT * 0.9 < len(body) < SIZE_LIMIT, "as many as fit are told"
    assert len(data["notices"]) + data["truncated"] == 2000
    assert data["notices"][0]["key"] == {"feature": "feature-00"}, "the worst come first"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=400)), min_size=1, max_size=12),
    st.sampled_from(list(MessageKind)),
)
def test_whatever_the_names_the_body_is_valid_small_and_tells_at_least_one_notice(
    names: list[str], kind: MessageKind
) -> None:
    body = webhook_json(hostile_message(names, kind), BERLIN)
    assert len(body) < SIZE_LIMIT
    payload = json.loads(body)
    VALIDATOR.validate(payload)
    assert payload["data"]["notices"]
    assert len(payload["data"]["notices"]) + payload["data"]["truncated"] == len(names)


def test_a_notice_of_many_huge_values_is_shortened_rather_than_dropped() -> None:
    labels = tuple((f"dimension-{n}", "\x00" * 5000) for n in range(14))
    notice = replace(REACHED, incident=replace(BUDGET, labels=labels), labels=labels, runbook="\x01" * 5000)
    body = webhook_json(message(notice), BERLIN)
    assert len(body) < SIZE_LIMIT
    assert len(json.loads(body)["data"]["notices"]) == 1


def test_the_links_of_a_notice_are_fields_and_what_is_no_web_address_is_left_out() -> None:
    links = (NoticeLink("Open in Langfuse", "https://lf.example/x?a=%7C", "all of team content"),)
    hostile = (NoticeLink("Open in Langfuse", "javascript:alert(1)"),)
    body = json.loads(webhook_json(message(replace(REACHED, links=(*links, *hostile))), "UTC"))
    assert body["data"]["notices"][0]["links"] == [
        {"label": "Open in Langfuse", "url": "https://lf.example/x?a=%7C", "wider": "all of team content"}
    ]

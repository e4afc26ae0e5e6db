"""What Slack answers decides what happens next: accepted, again later, or not until somebody changes something."""

import json

import httpx
import pytest

from fusewatch.errors import Permanent, Retryable
from fusewatch.notify.kinds import SlackBotKind, SlackWebhookKind
from fusewatch.notify.slack import SlackWebhook
from fusewatch.notify.slack_bot import SlackBot
from fusewatch.notify.slack_payload import bot_body, webhook_body
from fusewatch.ports import Receipt
from tests.notify.samples import BERLIN, MESSAGES, NOW
from tests.notify.support import FrozenClock, Receiver, run

URL = "https://hooks.slack.com/services/T000/B000/canary-webhook"
TOKEN = "xoxb-canary-token"
MESSAGE = MESSAGES["budget_reached"]
HTML = "<!DOCTYPE html><html><body>Sign in to the guest network</body></html>"


def send_webhook(receiver: Receiver) -> Receipt:
    async def work() -> Receipt:
        kind = SlackWebhookKind(URL)
        notifier = SlackWebhook(kind, FrozenClock(NOW), timezone=BERLIN, transport=receiver.transport)
        try:
            return await notifier.send(MESSAGE)
        finally:
            await notifier.close()

    return run(work())


def send_bot(receiver: Receiver) -> Receipt:
    async def work() -> Receipt:
        kind = SlackBotKind(TOKEN, " #llm-spend ")
        notifier = SlackBot(kind, FrozenClock(NOW), timezone=BERLIN, transport=receiver.transport)
        try:
            return await notifier.send(MESSAGE)
        finally:
            await notifier.close()

    return run(work())


# ---------------------------------------------------------------- incoming webhooks


@pytest.mark.parametrize("text", ["ok", "", "ok\n", '{"success": true}', '{"ok": true}'])
def test_a_webhook_message_is_accepted_only_when_the_receiver_said_so(text: str) -> None:
    receiver = Receiver(200, text)
    assert send_webhook(receiver) == Receipt()
    (request,) = receiver.requests
    assert (request.method, str(request.url)) == ("POST", URL)
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert request.content == webhook_body(MESSAGE, BERLIN)


@pytest.mark.parametrize(
    ("status", "text", "reason"),
    [
        (400, "invalid_payload", "invalid_payload"),
        (400, "invalid_blocks", "invalid_blocks"),
        (400, "no_text", "no_text"),
        (400, "user_not_found", "user_not_found"),
        (400, "something_new", "rejected"),
        (403, "action_prohibited", "action_prohibited"),
        (403, "invalid_token", "invalid_token"),
        (403, "posting_to_general_channel_denied", "posting_to_general_channel_denied"),
        (403, HTML, "forbidden"),
        (404, "no_service", "no_service"),
        (404, "channel_not_found", "channel_not_found"),
        (404, "no_team", "no_team"),
        (404, "", "not_found"),
        (410, "channel_is_archived", "channel_is_archived"),
        (410, "", "gone"),
        (413, "", "too_large"),
        (301, "", "redirect"),
        (302, HTML, "redirect"),
        (308, "", "redirect"),
        (200, '{"ok": false, "error": "channel_not_found"}', "channel_not_found"),
    ],
)
def test_a_webhook_that_cannot_work_is_not_tried_again_and_says_why(status: int, text: str, reason: str) -> None:
    receiver = Receiver(status, text, {"Location": "https://elsewhere.example.com/"})
    with pytest.raises(Permanent) as caught:
        send_webhook(receiver)
    assert caught.value.reason == reason
    assert "hooks.slack.com" in str(caught.value)
    assert len(receiver.requests) == 1, "redirects are not followed"


@pytest.mark.parametrize(
    ("status", "text", "headers", "reason", "retry_after_s"),
    [
        (429, "rate_limited", {"Retry-After": "30"}, "rate_limited", 30.0),
        (429, "", {"Retry-After": "7"}, "rate_limited", 7.0),
        (429, "", {"Retry-After": "Tue, 24 Nov 2026 15:43:00 GMT"}, "rate_limited", 60.0),
        (429, "", {"Retry-After": "Tue, 24 Nov 2026 15:00:00 GMT"}, "rate_limited", 0.0),
        (429, "", {"Retry-After": "99999999"}, "rate_limited", 86_400.0),
        (429, "", {"Retry-After": "soon"}, "rate_limited", None),
        (429, "", {"Retry-After": "nan"}, "rate_limited", None),
        (429, "", {}, "rate_limited", None),
        (500, "rollup_error", {}, "server_error", None),
        (502, HTML, {}, "server_error", None),
        (503, "", {"Retry-After": "120"}, "server_error", 120.0),
        (408, "", {}, "server_error", None),
        (200, HTML, {"Content-Type": "text/html"}, "unexpected_answer", None),
        (200, "welcome", {}, "unexpected_answer", None),
        (200, '{"hello": 1}', {}, "unexpected_answer", None),
    ],
)
def test_a_webhook_that_may_work_later_is_tried_again_no_sooner_than_asked(
    status: int, text: str, headers: dict[str, str], reason: str, retry_after_s: float | None
) -> None:
    with pytest.raises(Retryable) as caught:
        send_webhook(Receiver(status, text, headers))
    assert (caught.value.reason, caught.value.retry_after_s) == (reason, retry_after_s)


NETWORK = [
    (httpx.ConnectTimeout("slow"), "timeout"),
    (httpx.ReadTimeout("slow"), "timeout"),
    (TimeoutError(), "timeout"),
    (httpx.ConnectError("[Errno -2] Name or service not known"), "unreachable"),
    (httpx.ReadError(""), "connection"),
    (httpx.RemoteProtocolError("Server disconnected without sending a response."), "connection"),
    (httpx.ProxyError("407 Proxy Authentication Required"), "connection"),
]


@pytest.mark.parametrize(("failure", "reason"), NETWORK)
def test_a_network_that_fails_is_tried_again(failure: Exception, reason: str) -> None:
    for send in (send_webhook, send_bot):
        with pytest.raises(Retryable) as caught:
            send(Receiver(fails=failure))
        assert caught.value.reason == reason
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__, "the vendor's error carries the request with its secrets"


# ---------------------------------------------------------------- bot tokens


def api(**answer: object) -> str:
    return json.dumps(answer)


def test_a_bot_message_is_accepted_with_the_timestamp_that_finds_it_again() -> None:
    receiver = Receiver(200, api(ok=True, channel="C123", ts="1795535520.000100", message={"text": "…"}))
    assert send_bot(receiver) == Receipt("1795535520.000100")
    (request,) = receiver.requests
    assert str(request.url) == "https://slack.com/api/chat.postMessage"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.content == bot_body(MESSAGE, BERLIN, "#llm-spend")


@pytest.mark.parametrize(
    "code",
    [
        "account_inactive",
        "channel_not_found",
        "invalid_auth",
        "invalid_blocks",
        "is_archived",
        "missing_scope",
        "msg_blocks_too_long",
        "not_authed",
        "not_in_channel",
        "restricted_action",
        "token_expired",
        "token_revoked",
    ],
)
def test_a_bot_call_that_cannot_work_is_not_tried_again_and_names_slacks_reason(code: str) -> None:
    with pytest.raises(Permanent, match=code) as caught:
        send_bot(Receiver(200, api(ok=False, error=code)))
    assert caught.value.reason == code


@pytest.mark.parametrize(
    ("status", "text", "reason"),
    [
        (200, api(ok=False, error="ratelimited"), "rate_limited"),
        (200, api(ok=False, error="internal_error"), "server_error"),
        (200, api(ok=False, error="fatal_error"), "server_error"),
        (200, api(ok=False, error="service_unavailable"), "server_error"),
        (503, api(ok=False, error="service_unavailable"), "server_error"),
        (200, api(ok=False, error="an_error_of_tomorrow"), "slack_error"),
        (200, api(ok=False), "unexpected_answer"),
        (200, HTML, "unexpected_answer"),
        (200, "ok", "unexpected_answer"),
        (200, "", "unexpected_answer"),
        (200, '{"ok": "yes"}', "unexpected_answer"),
        (200, '{"ok": true', "unexpected_answer"),
        (500, "", "server_error"),
    ],
)
def test_a_bot_call_that_may_work_later_is_tried_again(status: int, text: str, reason: str) -> None:
    with pytest.raises(Retryable) as caught:
        send_bot(Receiver(status, text))
    assert caught.value.reason == reason


def test_a_rate_limited_bot_waits_as_long_as_slack_says() -> None:
    answer = Receiver(429, api(ok=False, error="ratelimited"), {"Retry-After": "42"})
    with pytest.raises(Retryable) as caught:
        send_bot(answer)
    assert (caught.value.reason, caught.value.retry_after_s) == ("rate_limited", 42.0)


def test_a_redirect_of_the_api_is_not_followed() -> None:
    receiver = Receiver(307, "", {"Location": "https://elsewhere.example.com/"})
    with pytest.raises(Permanent) as caught:
        send_bot(receiver)
    assert caught.value.reason == "redirect"
    assert len(receiver.requests) == 1

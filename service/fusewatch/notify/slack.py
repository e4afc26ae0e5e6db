"""Slack's incoming webhooks, and what Slack's errors mean for us."""

import httpx
import msgspec

from fusewatch.domain.notices import Message
from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.notify.http import Answer, Poster, problem_of
from fusewatch.notify.kinds import SlackWebhookKind
from fusewatch.notify.slack_payload import webhook_body
from fusewatch.ports import Clock, Receipt

MIN_INTERVAL_S = 1.0
"""Slack allows about one message a second to a channel (docs.slack.dev, rate limits)."""

UNKNOWN_REFUSAL = "slack_error"
"""The reason of a refusal whose code we do not know."""

_RETRYABLE = frozenset(
    {
        "fatal_error",
        "internal_error",
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "request_timeout",
        "rollup_error",
        "service_unavailable",
        "team_added_to_org",
    }
)

_PERMANENT = {
    "account_inactive": "the bot's user or workspace is deactivated",
    "access_denied": "the bot may not do this",
    "action_prohibited": "an administrator restricts posting with this webhook",
    "as_user_not_supported": "",
    "cannot_reply_to_message": "",
    "cant_broadcast_message": "",
    "cant_update_message": "the message is not the bot's",
    "channel_is_archived": "unarchive the channel, or configure another one",
    "channel_not_found": "the channel does not exist, or the bot cannot see it",
    "edit_window_closed": "a workspace setting forbids editing by now",
    "ekm_access_denied": "administrators have suspended posting",
    "enterprise_is_restricted": "",
    "invalid_arguments": "",
    "invalid_auth": "the token is wrong or may not be used from this address",
    "invalid_blocks": "",
    "invalid_blocks_format": "",
    "invalid_payload": "",
    "invalid_thread_ts": "",
    "invalid_token": "the webhook is no longer valid; create a new one",
    "is_archived": "unarchive the channel, or configure another one",
    "is_inactive": "the channel is frozen",
    "message_not_found": "somebody deleted it",
    "metadata_must_be_sent_from_app": "the token does not belong to a Slack app",
    "missing_scope": "give the app the scope chat:write",
    "missing_text_or_fallback_or_attachments": "",
    "msg_blocks_too_long": "",
    "msg_too_long": "",
    "no_active_hooks": "the webhook is disabled",
    "no_permission": "the token lacks a permission; give the app the scope chat:write",
    "no_service": "the webhook is disabled, removed or wrong",
    "no_service_id": "the address of the webhook is not complete",
    "no_team": "the workspace of the webhook does not exist",
    "no_text": "",
    "not_allowed_token_type": "use a bot token (xoxb-…)",
    "not_authed": "no token was sent",
    "not_in_channel": "invite the bot to the channel",
    "org_login_required": "",
    "posting_to_general_channel_denied": "an administrator restricts posting to this channel",
    "restricted_action": "a workspace setting does not let the bot post",
    "restricted_action_read_only_channel": "the channel is read-only",
    "team_access_not_granted": "the token has no access to this workspace",
    "team_disabled": "the workspace is disabled",
    "thread_not_found": "somebody deleted it",
    "token_expired": "create a new token",
    "token_revoked": "create a new token",
    "too_many_attachments": "",
    "two_factor_setup_required": "",
    "user_not_found": "the member to post to does not exist",
}


class Payload(msgspec.Struct):
    """Our own part of a message's metadata."""

    id: str = ""


class Metadata(msgspec.Struct):
    """What an app may attach to a message."""

    event_type: str = ""
    event_payload: Payload | None = None


class PastMessage(msgspec.Struct):
    """A message as `conversations.history` and `conversations.replies` give it."""

    ts: str = ""
    thread_ts: str = ""
    metadata: Metadata | None = None


class ApiAnswer(msgspec.Struct):
    """What a Web API method answers; Mattermost and Rocket.Chat answer webhooks with `success` or `status`."""

    ok: bool | None = None
    success: bool | None = None
    error: str = ""
    ts: str = ""
    channel: str = ""
    messages: tuple[PastMessage, ...] = ()
    upload_url: str = ""
    file_id: str = ""


class SlackWebhook:
    """An incoming webhook. It gives no reference, so its messages cannot be found again."""

    min_interval_s = MIN_INTERVAL_S

    def __init__(
        self, kind: SlackWebhookKind, clock: Clock, *, timezone: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._poster = Poster(kind.url, clock, headers={}, transport=transport)
        self._timezone = timezone

    async def send(self, message: Message) -> Receipt:
        """Send and read the answer; only `ok`, an empty 2xx or a JSON success counts as accepted."""
        answer = await self._poster.post(webhook_body(message, self._timezone))
        problem = _webhook_problem(answer, self._poster.host)
        if problem is not None:
            raise problem
        return Receipt()

    async def close(self) -> None:
        await self._poster.close()


def decoded(answer: Answer) -> ApiAnswer | None:
    if answer.html:
        return None
    try:
        return msgspec.json.decode(answer.text, type=ApiAnswer)
    except msgspec.MsgspecError:
        return None


def _webhook_problem(answer: Answer, host: str) -> FusewatchError | None:
    """A webhook names its error in the body, whatever the status: `no_service`, `channel_is_archived` …"""
    if answer.text in _RETRYABLE or answer.text in _PERMANENT:
        return refusal(answer.text, answer, host)
    problem = problem_of(answer, host)
    if problem is not None or answer.text in ("", "ok"):
        return problem
    said = decoded(answer)
    if said is None or (said.ok is None and said.success is None):
        return unexpected(answer, host)
    return refusal(said.error, answer, host) if said.ok is False or said.success is False else None


def unexpected(answer: Answer, host: str) -> FusewatchError:
    return Retryable("unexpected_answer", f"{host} answered {answer.status}, but not as Slack does")


def refusal(code: str, answer: Answer, host: str) -> FusewatchError:
    """What an error code of Slack's means. One that we do not know may pass, so it is tried again."""
    if code in _PERMANENT:
        hint = _PERMANENT[code]
        return Permanent(code, f"{host} refused the message: {code}{f' ({hint})' if hint else ''}")
    if code in ("ratelimited", "rate_limited"):
        text = f"{host} asks to slow down ({code})"
        return Retryable("rate_limited", text, retry_after_s=answer.retry_after_s)
    if code in _RETRYABLE:
        return Retryable("server_error", f"{host} answered {code}", retry_after_s=answer.retry_after_s)
    known = code if code.isascii() and code.isidentifier() and len(code) <= 60 else "an unknown error"
    return Retryable(UNKNOWN_REFUSAL, f"{host} refused the message: {known}", retry_after_s=answer.retry_after_s)

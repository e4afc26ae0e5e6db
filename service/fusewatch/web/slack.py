"""`POST /slack/actions`: what people choose in a message of ours, authorised by Slack's signature alone.

docs.slack.dev, "Verifying requests from Slack": the signature covers the exact body and a timestamp that is at most
five minutes old. A request is taken once; a second one with the same signature is a replay.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs

import msgspec
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from slack_sdk.signature import Clock as SlackClock
from slack_sdk.signature import SignatureVerifier

from fusewatch.domain.actions import Action, opened
from fusewatch.ports import Clock

PATH = "/slack/actions"
LARGEST_BODY = 512 * 1024
"""Bytes. Slack sends the whole message along, percent-encoded."""

VALID_S = 300
ANSWER_WITHIN_S = 2.5
"""Slack shows an error after 3 seconds."""

_UNPROVEN = "This is no request that Slack signed lately."


@dataclass(frozen=True, slots=True)
class ActionsDesk:
    """How choices are taken. `is_first` tells a new request from a replay, by its signature; `act` does what somebody
    chose, and is told their name."""

    signing_secret: str = field(repr=False)
    is_first: Callable[[str], Awaitable[bool]]
    act: Callable[[Action, str], Awaitable[None]]


class _User(msgspec.Struct):
    username: str = ""
    name: str = ""
    id: str = ""


class _Option(msgspec.Struct):
    value: str = ""


class _Chosen(msgspec.Struct):
    action_id: str = ""
    value: str = ""
    selected_option: _Option | None = None


class _Payload(msgspec.Struct):
    """The part of an interaction payload that concerns us."""

    type: str
    user: _User = msgspec.field(default_factory=_User)
    actions: tuple[_Chosen, ...] = ()


class _At(SlackClock):
    """The daemon's clock, as the verifier asks for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now_ms() / 1000


def slack_route(desk: ActionsDesk | None, clock: Clock) -> APIRouter:
    """The route; without a signing secret there is none."""
    router = APIRouter(include_in_schema=False)
    if desk is None:
        return router
    verifier = SignatureVerifier(desk.signing_secret, _At(clock))

    @router.post(PATH)
    async def actions(request: Request) -> Response:
        body = await _body(request)
        signature = _proof(verifier, request, body)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                if not await desk.is_first(signature):
                    raise HTTPException(HTTPStatus.FORBIDDEN, "This request was sent before.")
                payload = _payload(body)
                for action in _chosen(payload, desk.signing_secret):
                    await desk.act(action, payload.user.username or payload.user.name or payload.user.id)
        except TimeoutError:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "The database is busy; choose again.") from None
        return Response(status_code=HTTPStatus.OK)

    return router


async def _body(request: Request) -> bytes:
    """The body as it came, as long as it is no larger than any that Slack sends."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "This is larger than any choice in a message.")
    return body


def _proof(verifier: SignatureVerifier, request: Request, body: bytes) -> str:
    """The signature, once it is known to be Slack's."""
    signatures = request.headers.getlist("x-slack-signature")
    stamps = request.headers.getlist("x-slack-request-timestamp")
    if len(signatures) != 1 or len(stamps) != 1:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, _UNPROVEN)
    signature, stamp = signatures[0], stamps[0]
    wellformed = signature.isascii() and stamp.isascii() and stamp.isdigit() and len(stamp) <= 12
    try:
        valid = wellformed and verifier.is_valid(body, stamp, signature)
    except UnicodeDecodeError:  # Slack's bodies are UTF-8
        valid = False
    if not valid:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, _UNPROVEN)
    return signature


def _payload(body: bytes) -> _Payload:
    try:
        fields = parse_qs(body.decode(), strict_parsing=True, max_num_fields=20)
        return msgspec.json.decode(fields["payload"][0], type=_Payload)
    except (ValueError, KeyError, msgspec.MsgspecError):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "This is no interaction of Slack's.") from None


def _chosen(payload: _Payload, secret: str) -> list[Action]:
    """What was chosen of what we offered. A click on a link is told to us, too, and needs nothing."""
    if payload.type != "block_actions":
        return []
    values = [one.selected_option.value if one.selected_option else one.value for one in payload.actions]
    return [action for value in values if (action := opened(value, secret)) is not None]

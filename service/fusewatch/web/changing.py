"""The token that every change over the API needs; reviving and reloading."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from fusewatch.errors import Problem
from fusewatch.web.access import CHALLENGE, Reading, judge_change
from fusewatch.web.params import Id
from fusewatch.web.problems import MistakeBody, Mistaken
from fusewatch.web.state import ANSWER_WITHIN_S, WebState
from fusewatch.web.story import DeliveryBody, delivery_body
from fusewatch.web.textformat import utf8
from fusewatch.web.words import rfc3339

_BEARER = HTTPBearer(auto_error=False, scheme_name="ChangeToken", description="FUSEWATCH_WEB_TOKEN")
_OFF = "Changes are off here: set FUSEWATCH_WEB_TOKEN and send it as a bearer token."
_UNPROVEN = "A change needs FUSEWATCH_WEB_TOKEN as a bearer token."

_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


@dataclass(frozen=True, slots=True)
class ReloadedBody:
    """The budget file was read and is in force; `changed` says whether it means something else than before. `revision`
    is a hash of its meaning."""

    at: str
    changed: bool
    revision: str


Guard = Callable[[_Credentials], Awaitable[None]]


def change_guard(state: WebState) -> Guard:
    """A dependency that lets a request pass which carries the token for changes."""

    async def may_change(credentials: _Credentials) -> None:
        answer = judge_change(presented=credentials.credentials if credentials else None, token=state.web_token)
        if answer is Reading.OFF:
            raise HTTPException(HTTPStatus.NOT_FOUND, _OFF)
        if answer is Reading.UNPROVEN:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, _UNPROVEN, headers=CHALLENGE)

    return may_change


def add_reviving(router: APIRouter, state: WebState) -> None:
    @router.post("/api/v1/deliveries/{delivery_id}/revive", summary="Send a dead delivery again", tags=["deliveries"])
    async def revive(delivery_id: Id) -> DeliveryBody:
        """Due at once under its old id; it counts its attempts and its two days anew. 404 where none that is dead has
        the id."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            row = await state.desk.revive(delivery_id)
        if row is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"No dead delivery has the id {delivery_id}.")
        return delivery_body(row)


def add_reloading(router: APIRouter, state: WebState) -> None:
    @router.post("/api/v1/reload", summary="Read the budget file again", tags=["reload"])
    async def reload() -> ReloadedBody:
        """The daemon sees changes by itself within seconds; this is for who wants to know at once. 409 with every
        mistake where the file is broken: the last good rules stay in force."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            found = await state.desk.reload()
        if found.problems:
            raise Mistaken(HTTPStatus.CONFLICT, [_mistake(one) for one in found.problems])
        return ReloadedBody(rfc3339(state.clock.now_ms()), found.changed, found.revision)


def _mistake(found: Problem) -> MistakeBody:
    place = f"{found.file}:{found.line}" if found.line else found.file
    what = f"{found.what}; {found.right}" if found.right else found.what
    return MistakeBody(utf8(f"{place}: {found.path}" if found.path else place), utf8(what))

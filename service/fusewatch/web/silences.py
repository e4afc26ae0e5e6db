"""Silences over the API: what is silenced, and, with the token for changes, silencing, ending it, acknowledging."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from fusewatch.domain.silences import Silence, mistakes_in, silence_of
from fusewatch.web.access import Reading, judge_change
from fusewatch.web.acknowledging import acknowledge_route
from fusewatch.web.state import WebState
from fusewatch.web.textformat import utf8
from fusewatch.web.words import rfc3339

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEARER = HTTPBearer(auto_error=False, scheme_name="ChangeToken", description="FUSEWATCH_WEB_TOKEN")
_OFF = "Changes are off here: set FUSEWATCH_WEB_TOKEN and send it as a bearer token."
_UNPROVEN = "A change needs FUSEWATCH_WEB_TOKEN as a bearer token."

_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


@dataclass(frozen=True, slots=True)
class SilenceBody:
    """Nobody is told of what every matcher matches, from `starts_at` until `ends_at`, or until `ended_at`."""

    id: str
    matchers: dict[str, list[str]]
    starts_at: str
    ends_at: str
    ended_at: str | None
    active: bool
    author: str
    comment: str


@dataclass(frozen=True, slots=True)
class SilencesBody:
    at: str
    silences: list[SilenceBody]


@dataclass(frozen=True, slots=True)
class SilenceWish:
    """`matchers` name `rule`, `severity`, `kind` or dimensions, each with globs of which any may match; `ends_at` is an
    instant with its offset from UTC."""

    matchers: dict[str, list[str]]
    ends_at: datetime
    comment: str
    author: str = field(default="")


def silence_routes(state: WebState) -> tuple[APIRouter, APIRouter]:
    """What may be read, and what changes; the first still needs the right to read."""
    return _reading(state), _changing(state)


def _reading(state: WebState) -> APIRouter:
    router = APIRouter()

    @router.get("/api/v1/silences", summary="What is silenced")
    async def silences(
        all: Annotated[bool, Query(description="Those that are over, too.")] = False,  # noqa: A002 - the parameter's name
    ) -> SilencesBody:
        now_ms = state.clock.now_ms()
        found = await state.silences.listed(all)
        return SilencesBody(rfc3339(now_ms), [silence_body(silence, now_ms) for silence in found])

    return router


def _changing(state: WebState) -> APIRouter:
    async def may_change(credentials: _Credentials) -> None:
        answer = judge_change(presented=credentials.credentials if credentials else None, token=state.web_token)
        if answer is Reading.OFF:
            raise HTTPException(HTTPStatus.NOT_FOUND, _OFF)
        if answer is Reading.UNPROVEN:
            raise HTTPException(
                HTTPStatus.UNAUTHORIZED, _UNPROVEN, headers={"www-authenticate": 'Bearer realm="fusewatch"'}
            )

    router = APIRouter(dependencies=[Depends(may_change)])

    @router.post("/api/v1/silences", summary="Silence something", status_code=HTTPStatus.CREATED)
    async def add(wish: SilenceWish) -> SilenceBody:
        now_ms = state.clock.now_ms()
        if wish.ends_at.tzinfo is None:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "ends_at: write its offset, as 2026-11-24T18:00:00Z")
        ends_ms = (wish.ends_at - _EPOCH) // timedelta(milliseconds=1)
        silence = silence_of(wish.matchers, starts_ms=now_ms, ends_ms=ends_ms, author=wish.author, comment=wish.comment)
        if mistakes := mistakes_in(silence, state.rules(), now_ms):
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(map(str, mistakes)))
        await state.silences.add(silence)
        return silence_body(silence, now_ms)

    @router.delete("/api/v1/silences/{silence_id}", summary="End a silence now")
    async def end(silence_id: Annotated[str, Path(max_length=40)]) -> SilenceBody:
        silence = await state.silences.end(silence_id)
        if silence is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"No silence has the id {utf8(silence_id)}.")
        return silence_body(silence, state.clock.now_ms())

    router.include_router(acknowledge_route(state.acknowledge))
    return router


def silence_body(silence: Silence, now_ms: int) -> SilenceBody:
    return SilenceBody(
        id=silence.id,
        matchers={utf8(m.dimension): [utf8(pattern) for pattern in m.patterns] for m in silence.matchers},
        starts_at=rfc3339(silence.starts_ms),
        ends_at=rfc3339(silence.ends_ms),
        ended_at=None if silence.ended_ms is None else rfc3339(silence.ended_ms),
        active=silence.is_active(now_ms),
        author=utf8(silence.author),
        comment=utf8(silence.comment),
    )

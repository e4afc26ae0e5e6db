"""Silences over the API: what is silenced, and, with the token for changes, silencing, ending it, acknowledging."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Query
from pydantic import ConfigDict, Field

from fusewatch.domain.silences import MOST_TEXT, Silence, mistakes_in, silence_of
from fusewatch.web.paging import page
from fusewatch.web.params import USUAL, Cursor, Flag, Id, Instant, Limit
from fusewatch.web.problems import MistakeBody, Mistaken
from fusewatch.web.state import WebState
from fusewatch.web.textformat import utf8
from fusewatch.web.words import rfc3339

_Text = Annotated[str, Field(max_length=MOST_TEXT)]
_Comment = Annotated[str, Field(min_length=1, max_length=MOST_TEXT, pattern=r"\S")]
_Patterns = Annotated[list[Annotated[str, Field(min_length=1, max_length=2000)]], Field(min_length=1, max_length=100)]
_Matchers = Annotated[dict[str, _Patterns], Field(min_length=1, max_length=20)]
_EXAMPLE = {
    "matchers": {"rule": ["each-feature"], "feature": ["eval-*"]},
    "ends_at": "2026-11-24T18:00:00Z",
    "comment": "The re-index is known",
    "author": "ana",
}


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
    """Silences, the one that ends last first; `next` is the cursor of the next page."""

    at: str
    total: int
    silences: list[SilenceBody]
    next: str | None


@dataclass(frozen=True, slots=True)
class SilenceWish:
    """`matchers` name `rule`, `severity`, `kind` or dimensions, each with globs of which any may match; `ends_at` is an
    instant with its offset from UTC."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    matchers: _Matchers
    ends_at: Instant
    comment: _Comment
    author: _Text = field(default="")


def add_silences_reading(router: APIRouter, state: WebState) -> None:
    @router.get("/api/v1/silences", summary="What is silenced", tags=["silences"])
    async def silences(
        all: Annotated[Flag, Query(description="Those that are over, too.")] = False,  # noqa: A002 - the parameter's name
        limit: Limit = USUAL,
        cursor: Cursor = None,
    ) -> SilencesBody:
        now_ms = state.clock.now_ms()
        found = await state.silences.listed(all)
        told, following = page(found, lambda silence: (-silence.ends_ms, silence.id), limit=limit, cursor=cursor)
        return SilencesBody(rfc3339(now_ms), len(found), [silence_body(silence, now_ms) for silence in told], following)


def add_silencing(router: APIRouter, state: WebState) -> None:
    @router.post("/api/v1/silences", summary="Silence something", status_code=HTTPStatus.CREATED, tags=["silences"])
    async def add(wish: Annotated[SilenceWish, Body(examples=[_EXAMPLE])]) -> SilenceBody:
        """409 with what would be right where the rules in force, or the clock, do not allow it."""
        now_ms = state.clock.now_ms()
        silence = silence_of(
            wish.matchers, starts_ms=now_ms, ends_ms=wish.ends_at, author=wish.author, comment=wish.comment
        )
        if mistakes := mistakes_in(silence, state.rules(), now_ms):
            told = [MistakeBody(utf8(m.where), utf8(m.what + (f"; {m.right}" if m.right else ""))) for m in mistakes]
            raise Mistaken(HTTPStatus.CONFLICT, told)
        await state.silences.add(silence)
        return silence_body(silence, now_ms)

    @router.delete("/api/v1/silences/{silence_id}", summary="End a silence now", tags=["silences"])
    async def end(silence_id: Id) -> SilenceBody:
        silence = await state.silences.end(silence_id)
        if silence is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"No silence has the id {silence_id}.")
        return silence_body(silence, state.clock.now_ms())


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

"""`why` over the API: what a rule says of a key now or at an earlier time, who was told, and what kept the rest."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from fusewatch.app.why import Question
from fusewatch.app.whyrules import UnknownKey, UnknownRule
from fusewatch.web.state import WebState
from fusewatch.web.textformat import utf8
from fusewatch.web.whybody import ExplainedBody, OverviewBody, why_body

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 2000


def why_route(state: WebState) -> APIRouter:
    router = APIRouter()

    @router.get("/api/v1/why", summary="Why a rule told what it told, and what kept the rest")
    async def why(
        rule: Annotated[str, Query(max_length=_LONGEST, description="A budget or a spike.")],
        key: Annotated[
            str | None, Query(max_length=_LONGEST, description="`feature=a,team=b`; without it the worst keys.")
        ] = None,
        at: Annotated[datetime | None, Query(description="An instant with its offset; without it now.")] = None,
    ) -> ExplainedBody | OverviewBody:
        if at is not None and at.tzinfo is None:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "at: write its offset, as 2026-11-24T18:00:00Z")
        at_ms = None if at is None else (at - _EPOCH) // timedelta(milliseconds=1)
        try:
            return why_body(await state.why(Question(rule, key, at_ms)))
        except (UnknownRule, UnknownKey) as error:
            raise HTTPException(HTTPStatus.NOT_FOUND, utf8(str(error))) from error

    return router

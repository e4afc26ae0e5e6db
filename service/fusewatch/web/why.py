"""`why` over the API: what a rule says of a key now or at an earlier time, who was told, and what kept the rest."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from fusewatch.app.why import Question
from fusewatch.app.whyrules import UnknownKey, UnknownRule
from fusewatch.web.params import LONGEST, Instant
from fusewatch.web.state import WebState
from fusewatch.web.textformat import utf8
from fusewatch.web.whybody import ExplainedBody, OverviewBody, why_body


def add_why(router: APIRouter, state: WebState) -> None:
    @router.get("/api/v1/why", summary="Why a rule told what it told, and what kept the rest", tags=["why"])
    async def why(
        rule: Annotated[str, Query(max_length=LONGEST, description="A budget or a spike.")],
        key: Annotated[
            str | None, Query(max_length=LONGEST, description="`feature=a,team=b`; without it the worst keys.")
        ] = None,
        at: Annotated[Instant | None, Query(description="An instant with its offset; without it now.")] = None,
    ) -> ExplainedBody | OverviewBody:
        try:
            return why_body(await state.why(Question(rule, key, at)))
        except (UnknownRule, UnknownKey) as error:
            raise HTTPException(HTTPStatus.NOT_FOUND, utf8(str(error))) from error

"""Acknowledging an incident over the API, with the token for changes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path

from fusewatch.domain.notices import Incident, State
from fusewatch.web.textformat import utf8
from fusewatch.web.words import rfc3339

Acknowledge = Callable[[str, str], Awaitable[Incident | None]]
"""Given an incident's id and a name; the incident comes back, None when there is none with that id."""


@dataclass(frozen=True, slots=True)
class AcknowledgeWish:
    """`author` is who looks after it."""

    author: str


@dataclass(frozen=True, slots=True)
class AcknowledgedBody:
    """Who looks after the incident, and since when; nobody where it was over before."""

    id: str
    state: str
    acknowledged_by: str
    acknowledged_at: str | None


def acknowledge_route(acknowledge: Acknowledge) -> APIRouter:
    router = APIRouter()

    @router.post("/api/v1/incidents/{incident_id}/acknowledge", summary="Look after an incident")
    async def acknowledged(incident_id: Annotated[str, Path(max_length=40)], wish: AcknowledgeWish) -> AcknowledgedBody:
        author = wish.author.strip()
        if not author:
            raise HTTPException(
                HTTPStatus.UNPROCESSABLE_ENTITY, "author: nobody stands there; write who looks after it"
            )
        incident = await acknowledge(incident_id, author)
        if incident is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"No incident has the id {utf8(incident_id)}.")
        if incident.acked_ms is None and incident.state is not State.OPEN:
            raise HTTPException(HTTPStatus.CONFLICT, f"Incident {utf8(incident_id)} is over.")
        at = None if incident.acked_ms is None else rfc3339(incident.acked_ms)
        return AcknowledgedBody(incident.id, incident.state.value, utf8(incident.acked_by), at)

    return router

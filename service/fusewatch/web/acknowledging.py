"""Acknowledging an incident over the API, with the token for changes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException
from pydantic import ConfigDict, Field

from fusewatch.domain.notices import Incident, State
from fusewatch.domain.silences import MOST_TEXT
from fusewatch.web.params import Id
from fusewatch.web.textformat import utf8
from fusewatch.web.words import rfc3339

Acknowledge = Callable[[str, str], Awaitable[Incident | None]]
"""Given an incident's id and a name; the incident comes back, None when there is none with that id."""


@dataclass(frozen=True, slots=True)
class AcknowledgeWish:
    """`author` is who looks after it."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    author: Annotated[str, Field(min_length=1, max_length=MOST_TEXT, pattern=r"\S")]


@dataclass(frozen=True, slots=True)
class AcknowledgedBody:
    """Who looks after the incident, and since when; nobody where it was over before."""

    id: str
    state: str
    acknowledged_by: str
    acknowledged_at: str | None


def add_acknowledging(router: APIRouter, acknowledge: Acknowledge) -> None:
    @router.post("/api/v1/incidents/{incident_id}/acknowledge", summary="Look after an incident", tags=["incidents"])
    async def acknowledged(
        incident_id: Id, wish: Annotated[AcknowledgeWish, Body(examples=[{"author": "ana"}])]
    ) -> AcknowledgedBody:
        """It is not told again until it escalates. Somebody who looks after it already stays; 409 where it is over."""
        incident = await acknowledge(incident_id, wish.author.strip())
        if incident is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"No incident has the id {incident_id}.")
        if incident.acked_ms is None and incident.state is not State.OPEN:
            raise HTTPException(HTTPStatus.CONFLICT, f"Incident {incident_id} is over.")
        at = None if incident.acked_ms is None else rfc3339(incident.acked_ms)
        return AcknowledgedBody(incident.id, incident.state.value, utf8(incident.acked_by), at)

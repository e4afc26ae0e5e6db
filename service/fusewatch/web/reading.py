"""The routes of the API that read: budgets, incidents, spend and deliveries."""

import asyncio
import threading
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query

from fusewatch.app.reports import Breakdown, Interrupted, Question
from fusewatch.domain.coverage import Span
from fusewatch.domain.notices import Kind, State
from fusewatch.domain.periods import Every, period_at
from fusewatch.web import listing
from fusewatch.web.api import (
    BudgetsBody,
    IncidentsBody,
    SpendBody,
    UsageBody,
    budgets_body,
    incidents_body,
    spend_body,
    usage_body,
)
from fusewatch.web.apidesk import STATES
from fusewatch.web.listing import IncidentFilter, Order, Severities
from fusewatch.web.paging import page
from fusewatch.web.params import (
    USUAL,
    Cursor,
    Group,
    Id,
    Limit,
    Name,
    Since,
    Until,
    Where,
    known_dimensions,
    wanted_values,
)
from fusewatch.web.state import ANSWER_WITHIN_S, Pictures, WebState
from fusewatch.web.story import DeliveriesBody, StoryBody, delivery_body, story_body
from fusewatch.web.textformat import utf8
from fusewatch.web.words import rfc3339

MOST_BY = 8
"""Dimensions that spend is split by at once."""

By = Annotated[
    str | None,
    Query(
        max_length=400,
        pattern=r"^[^,]+(,[^,]+){0,7}$",
        description="Dimensions, separated by commas; 404 for one that does not exist.",
        examples=["feature,team"],
    ),
]
Over = Annotated[
    Literal["0.5", "0.8", "0.9", "1"] | None,
    Query(description="Those alone of whose limit at least this share is used.", examples=["0.8"]),
]
Ordered = Annotated[Order, Query(description="`name` is safe to page through; `largest` tells the most first.")]


def add_reading(router: APIRouter, state: WebState, pictures: Pictures) -> None:
    _budgets(router, state, pictures)
    _incidents(router, state, pictures)
    _spend(router, state, pictures)


def _budgets(router: APIRouter, state: WebState, pictures: Pictures) -> None:
    @router.get("/api/v1/budgets", summary="How budgets stand", tags=["budgets"])
    async def budgets(
        rule: Name = None,
        project: Name = None,
        group: Group = None,
        where: Where = [],  # noqa: B006 - FastAPI copies it
        over: Over = None,
        order: Ordered = Order.NAME,
        limit: Limit = USUAL,
        cursor: Cursor = None,
    ) -> BudgetsBody:
        """One row for each key of each budget in its present period."""
        values = wanted_values(where, state.rules().dimensions)
        share = None if over is None else float(over)
        snapshot = await pictures.snapshot()
        found = listing.budgets_of(snapshot.budgets, rule=rule, project=project, group=group, values=values, over=share)
        told, following = page(found, lambda line: listing.place_of_budget(order, line), limit=limit, cursor=cursor)
        return budgets_body(snapshot, told, len(found), following)


def _incidents(router: APIRouter, state: WebState, pictures: Pictures) -> None:
    @router.get("/api/v1/incidents", summary="Incidents, the one that opened last first", tags=["incidents"])
    async def incidents(
        rule: Name = None,
        kind: Kind | None = None,
        severity: Severities | None = None,
        # Its own name would hide the daemon's state.
        state_: Annotated[State | None, Query(alias="state")] = None,
        project: Name = None,
        group: Group = None,
        where: Where = [],  # noqa: B006 - read only; FastAPI takes the default of a list so
        since: Since = None,
        until: Until = None,
        limit: Limit = USUAL,
        cursor: Cursor = None,
    ) -> IncidentsBody:
        """Of the latest 10,000. With `from` and `to` those that were open at any time of the span."""
        wanted = IncidentFilter(
            project=project,
            rule=rule,
            kind=kind,
            severity=None if severity is None else severity.value,
            state=state_,
            group=group,
            values=wanted_values(where, state.rules().dimensions),
            from_ms=since,
            to_ms=until,
        )
        snapshot = await pictures.snapshot()
        async with asyncio.timeout(ANSWER_WITHIN_S):
            latest = await state.desk.incidents(state_ is State.OPEN)
        found = [incident for incident in latest if wanted.holds(incident)]
        told, following = page(found, listing.place_of_incident, limit=limit, cursor=cursor)
        open_total = sum(incident.state is State.OPEN for incident in found)
        return incidents_body(snapshot, told, len(found), open_total, following)

    @router.get("/api/v1/incidents/{incident_id}", summary="One incident, whole", tags=["incidents"])
    async def incident(incident_id: Id) -> StoryBody:
        """What drove it, what was told of it, and to whom."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            story = await state.desk.story(incident_id)
        if story is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"No incident has the id {incident_id}.")
        return story_body(story)

    @router.get("/api/v1/deliveries", summary="Deliveries, the newest first", tags=["deliveries"])
    async def deliveries(
        state_: Annotated[Literal["pending", "claimed", "sent", "dead"] | None, Query(alias="state")] = None,
        destination: Name = None,
        limit: Limit = USUAL,
        cursor: Cursor = None,
    ) -> DeliveriesBody:
        """Of the latest 10,000 in these states."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            rows = await state.desk.deliveries(STATES if state_ is None else (state_,))
        found = [row for row in rows if destination in (None, row.destination)]
        told, following = page(found, listing.place_of_delivery, limit=limit, cursor=cursor)
        at = rfc3339(state.clock.now_ms())
        return DeliveriesBody(at, len(found), [delivery_body(row) for row in told], following)


def _spend(router: APIRouter, state: WebState, pictures: Pictures) -> None:
    @router.get("/api/v1/spend", summary="Where the money goes", tags=["spend"])
    async def spend(
        by: By = None,
        since: Since = None,
        until: Until = None,
        project: Name = None,
        where: Where = [],  # noqa: B006 - read only; FastAPI takes the default of a list so
        order: Ordered = Order.NAME,
        limit: Limit = USUAL,
        cursor: Cursor = None,
    ) -> SpendBody | UsageBody:
        """Without `by`, `from` and `to`: this day and month so far by the labels that the metrics have, which costs
        nothing. With any of them: what the calls that started in the span used, from the ledger; `by` is then by
        default `feature,team`, `from` the first of this month and `to` now. Environments that rules leave out are left
        out here, too."""
        rules = state.rules()
        values = wanted_values(where, rules.dimensions) | ({} if project is None else {"project": project})
        if by is None and since is None and until is None and values.keys() <= {"project", *rules.metric_labels}:
            snapshot = await pictures.snapshot()
            lines = listing.spend_of(snapshot.spend, ("project", *snapshot.metric_labels), values)
            told, following = page(lines, lambda line: listing.place_of_spend(order, line), limit=limit, cursor=cursor)
            return spend_body(snapshot, lines, told, following)
        names = tuple(dict.fromkeys((by or "feature,team").split(",")))
        known_dimensions("by", names, rules.dimensions)
        now_ms = state.clock.now_ms()
        from_ms = period_at(rules.calendar, Every.MONTH, now_ms).start_ms if since is None else max(since, 0)
        to_ms = max(now_ms, from_ms + 1) if until is None else until
        if from_ms >= to_ms:
            raise HTTPException(HTTPStatus.CONFLICT, "to: the span ends before it begins; write a time after `from`")
        every = tuple(dict.fromkeys((*names, *values)))
        found = await _broken_down(state, every, Span(from_ms, to_ms), rules.excluded_environments)
        groups = listing.groups_of(found, names, values)
        rows, following = page(groups, lambda group: listing.place_of_group(order, group), limit=limit, cursor=cursor)
        return usage_body(found, names, groups, rows, following, now_ms)


async def _broken_down(state: WebState, by: tuple[str, ...], span: Span, excluded: tuple[str, ...]) -> Breakdown:
    """Ends the work when the time is over or whoever asked has gone. 503 for a span that takes too long."""
    ended = threading.Event()
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await state.desk.breakdown(Question(by, span, excluded, state.clock.now_ms(), ended=ended.is_set))
    except (TimeoutError, Interrupted):
        detail = "The ledger took too long; ask for a shorter span, or use fusewatch report."
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, utf8(detail)) from None
    finally:
        ended.set()

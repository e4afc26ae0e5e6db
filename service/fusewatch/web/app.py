"""The ASGI application: routes, access, and what every answer carries."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fusewatch import __version__
from fusewatch.errors import StoreError
from fusewatch.web.access import Reading, judge_reading
from fusewatch.web.api import (
    BudgetsBody,
    IncidentsBody,
    ProblemBody,
    SpendBody,
    budgets_body,
    incidents_body,
    spend_body,
)
from fusewatch.web.page.routes import FOR_PEOPLE, page_routes
from fusewatch.web.silences import silence_routes
from fusewatch.web.slack import slack_route
from fusewatch.web.state import ANSWER_WITHIN_S, Pictures, WebState
from fusewatch.web.textformat import CONTENT_TYPE
from fusewatch.web.why import why_route

HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every answer that does not say otherwise itself."""

_OFF = (
    "This is off here: it can be read without a token only on this machine. "
    "To read it from elsewhere, set FUSEWATCH_READ_TOKEN and send it as a bearer token."
)
_UNPROVEN = "A valid bearer token is needed here."
_BEARER = HTTPBearer(auto_error=False, description="FUSEWATCH_READ_TOKEN or FUSEWATCH_WEB_TOKEN")
_SCRAPE = "/metrics"

Count = Annotated[int, Query(ge=1, le=10_000, description="At most so many rows.")]


def make_app(state: WebState) -> ASGIApp:
    """The application. `/metrics` and the probes are open; whatever else exists needs the right to read."""
    app = FastAPI(title="Fusewatch", version=__version__, openapi_url=None, redirect_slashes=False)
    pictures = Pictures(state)
    app.include_router(_open_routes(state, pictures))
    app.include_router(slack_route(state.actions, state.clock))
    app.include_router(page_routes(state, pictures))
    app.include_router(_guarded_routes(app, state, pictures))
    app.add_exception_handler(StarletteHTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _misasked)
    app.add_exception_handler(StoreError, _unable)
    app.add_exception_handler(TimeoutError, _unable)
    app.add_exception_handler(Exception, _broken)
    return Envelope(app)


def _open_routes(state: WebState, pictures: Pictures) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get(_SCRAPE)
    async def metrics() -> Response:
        return Response(await pictures.metrics(), headers={"content-type": CONTENT_TYPE})

    @router.get("/healthz")
    async def healthz() -> Response:
        return _probe(state.liveness())

    @router.get("/readyz")
    async def readyz() -> Response:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return _probe(await state.readiness())
        except TimeoutError:
            return _probe([f"the database did not answer within {ANSWER_WITHIN_S:g} s"])

    return router


def _guarded_routes(app: FastAPI, state: WebState, pictures: Pictures) -> APIRouter:
    async def may_read(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    ) -> None:
        hosts = request.headers.getlist("host")
        reading = judge_reading(
            listen_is_loopback=state.listen_is_loopback,
            host=hosts[0] if len(hosts) == 1 else None,
            presented=credentials.credentials if credentials else None,
            tokens=(state.read_token, state.web_token),
        )
        if reading is Reading.OFF:
            raise HTTPException(HTTPStatus.NOT_FOUND, _OFF)
        if reading is Reading.UNPROVEN:
            challenge = {"www-authenticate": 'Bearer realm="fusewatch"'}
            raise HTTPException(HTTPStatus.UNAUTHORIZED, _UNPROVEN, headers=challenge)

    problems: dict[int | str, dict[str, object]] = {status: {"model": ProblemBody} for status in (401, 404, 422, 503)}
    router = APIRouter(dependencies=[Depends(may_read)], responses=problems)

    @router.get("/api/v1/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return JSONResponse(app.openapi())

    @router.get("/api/v1/budgets", summary="How budgets stand")
    async def budgets(limit: Count = 1000) -> BudgetsBody:
        return budgets_body(await pictures.snapshot(), limit)

    @router.get("/api/v1/incidents", summary="Open and latest incidents")
    async def incidents(limit: Count = 1000) -> IncidentsBody:
        return incidents_body(await pictures.snapshot(), limit)

    @router.get("/api/v1/spend", summary="What this day and month cost so far")
    async def spend(limit: Count = 1000) -> SpendBody:
        return spend_body(await pictures.snapshot(), limit)

    router.include_router(why_route(state))
    read, change = silence_routes(state)
    router.include_router(read)
    router.include_router(change)
    return router


def _probe(problems: Sequence[str]) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
    return PlainTextResponse("\n".join(problems or ["ok"]) + "\n", status)


# ---------------------------------------------------------------- what goes wrong


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    detail = error.detail
    if detail == HTTPStatus(error.status_code).phrase:
        detail = f"There is nothing at this path for {request.method}."
    return _problem(request, error.status_code, detail, error.headers)


async def _misasked(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return _problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, wrong)


async def _unable(request: Request, error: Exception) -> Response:
    return _problem(request, HTTPStatus.SERVICE_UNAVAILABLE, "The database cannot be read at the moment.")


async def _broken(request: Request, error: Exception) -> Response:
    return _problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "This is a mistake in Fusewatch; its log says more.")


def _problem(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """A sentence where people look, problem details (RFC 9457) where programs do."""
    if request.url.path in (*FOR_PEOPLE, _SCRAPE):
        return PlainTextResponse(f"{detail}\n", status, headers=headers)
    body = ProblemBody(HTTPStatus(status).phrase, status, detail)
    return JSONResponse(asdict(body), status, headers=headers, media_type="application/problem+json")


class Envelope:
    """Outermost: answers HEAD as GET without a body, and puts the security headers on whatever goes out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"

        async def outgoing(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            elif head:
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"} if head else scope, receive, outgoing)

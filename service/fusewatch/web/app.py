"""The ASGI application: routes, access, and what every answer carries."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fusewatch import __version__
from fusewatch.web.access import CHALLENGE, Reading
from fusewatch.web.acknowledging import add_acknowledging
from fusewatch.web.changing import add_reloading, add_reviving, change_guard
from fusewatch.web.describing import describe, problems
from fusewatch.web.guard import Guard
from fusewatch.web.page.routes import page_routes
from fusewatch.web.params import nothing_unknown
from fusewatch.web.problems import answer_problems
from fusewatch.web.reading import add_reading
from fusewatch.web.silences import add_silences_reading, add_silencing
from fusewatch.web.slack import slack_route
from fusewatch.web.state import ANSWER_WITHIN_S, Pictures, WebState
from fusewatch.web.textformat import CONTENT_TYPE
from fusewatch.web.why import add_why

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
_BEARER = HTTPBearer(
    auto_error=False, scheme_name="ReadToken", description="FUSEWATCH_READ_TOKEN or FUSEWATCH_WEB_TOKEN"
)
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
_SCRAPE = "/metrics"


def make_app(state: WebState) -> ASGIApp:
    """The application. `/metrics` and the probes are open; whatever else exists needs the right to read."""
    app = FastAPI(title="Fusewatch", version=__version__, openapi_url=None, redirect_slashes=False)
    pictures = Pictures(state)
    app.include_router(_open_routes(state, pictures))
    app.include_router(slack_route(state.actions, state.clock))
    app.include_router(page_routes(state, pictures))
    for router in _api_routes(app, state, pictures):
        app.include_router(router)
    answer_problems(app)
    app.add_middleware(Guard)
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


def _api_routes(app: FastAPI, state: WebState, pictures: Pictures) -> tuple[APIRouter, APIRouter]:
    """What reads, and what changes. Two flat routers: FastAPI works every route out anew for each router around it."""
    guards = [Depends(_reading_guard(state)), Depends(nothing_unknown)]
    read = APIRouter(dependencies=guards, responses=problems())

    @read.get("/api/v1/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return JSONResponse(describe(app))

    add_reading(read, state, pictures)
    add_why(read, state)
    add_silences_reading(read, state)

    change = APIRouter(dependencies=[*guards, Depends(change_guard(state))], responses=problems())
    add_silencing(change, state)
    add_acknowledging(change, state.acknowledge)
    add_reviving(change, state)
    add_reloading(change, state)
    return read, change


def _reading_guard(state: WebState) -> Callable[[Request, _Credentials], Awaitable[None]]:
    async def may_read(request: Request, credentials: _Credentials) -> None:
        reading = state.reading(request.headers, credentials.credentials if credentials else None)
        if reading is Reading.OFF:
            raise HTTPException(HTTPStatus.NOT_FOUND, _OFF)
        if reading is Reading.UNPROVEN:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, _UNPROVEN, headers=CHALLENGE)

    return may_read


def _probe(problems: Sequence[str]) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
    return PlainTextResponse("\n".join(problems or ["ok"]) + "\n", status)


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

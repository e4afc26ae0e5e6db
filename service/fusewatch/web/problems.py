"""What goes wrong with a request, as problem details (RFC 9457); a sentence where people look."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from fusewatch.errors import StoreError
from fusewatch.web.textformat import utf8

MEDIA_TYPE = "application/problem+json"
IN_WORDS = frozenset({"/", "/login", "/logout", "/silence", "/unsilence", "/acknowledge", "/metrics"})
"""Where people and scrapers look: they get a line of text."""

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class MistakeBody:
    """One thing that is wrong: `where`, as `query.limit`, `body.matchers` or a place in the budget file, and `what`."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class ProblemBody:
    """What went wrong (RFC 9457). `type` is always `about:blank`: the status says the kind, `detail` says the rest.
    `instance` is the path that was asked for; `errors` are the single mistakes, where there are any."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[MistakeBody] = field(default_factory=list)


class Mistaken(HTTPException):
    """A refusal with its single mistakes."""

    def __init__(self, status: HTTPStatus, mistakes: Iterable[MistakeBody]) -> None:
        self.mistakes = list(mistakes)
        super().__init__(
            status, "; ".join(f"{one.where}: {one.what}" if one.where else one.what for one in self.mistakes)
        )


def answer_problems(app: FastAPI) -> None:
    """Make the application answer whatever goes wrong as a problem, and tell nothing of a mistake of ours."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        detail, headers = error.detail, {name.lower(): value for name, value in (error.headers or {}).items()}
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = _allowed(app.routes, request.scope)
            headers["allow"] = ", ".join(allowed)
            detail = f"This path takes {' and '.join(allowed)} alone."
        elif detail == HTTPStatus(error.status_code).phrase:
            detail = f"There is nothing at this path for {request.method}."
        mistakes = error.mistakes if isinstance(error, Mistaken) else []
        return problem(request, error.status_code, detail, headers, mistakes)

    async def misasked(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        mistakes = [
            MistakeBody(_place(one["loc"]), utf8(str(one["msg"]).removeprefix("Value error, "))[:_LONGEST])
            for one in error.errors()
        ]
        wrong = "; ".join(f"{one.where}: {one.what}" for one in mistakes)
        return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, wrong, None, mistakes)

    async def unable(request: Request, _error: Exception) -> Response:
        return problem(request, HTTPStatus.SERVICE_UNAVAILABLE, "The database cannot be read at the moment.")

    async def broken(request: Request, _error: Exception) -> Response:
        detail = "This is a mistake in Fusewatch; its log says more."
        return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, detail)

    app.add_exception_handler(StarletteHTTPException, refused)
    app.add_exception_handler(RequestValidationError, misasked)
    app.add_exception_handler(StoreError, unable)
    app.add_exception_handler(TimeoutError, unable)
    app.add_exception_handler(Exception, broken)


def problem(
    request: Request,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    mistakes: Iterable[MistakeBody] = (),
) -> Response:
    if request.url.path in IN_WORDS:
        return PlainTextResponse(f"{detail}\n", status, headers=headers)
    instance = quote(utf8(request.scope["path"])[:_LONGEST])
    body = ProblemBody("about:blank", HTTPStatus(status).phrase, status, utf8(detail), instance, list(mistakes))
    return JSONResponse(asdict(body), status, headers=headers, media_type=MEDIA_TYPE)


def _place(loc: Iterable[object]) -> str:
    return utf8(re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", ".".join(map(str, loc))))[:_LONGEST]


def _allowed(routes: Iterable[BaseRoute], scope: Scope) -> list[str]:
    """The methods that some route takes at this path: several routes may share it."""
    return [name for name in _METHODS if any(_takes(route, {**scope, "method": name}) for route in routes)]


def _takes(route: BaseRoute, scope: Scope) -> bool:
    return route.matches(scope)[0] is Match.FULL

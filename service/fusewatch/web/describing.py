"""The OpenAPI document: what each route may answer, with which token, and problems in their own media type."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from fusewatch.web.problems import MEDIA_TYPE, ProblemBody

Responses = dict[int | str, dict[str, Any]]
_SCHEMAS = "#/components/schemas/"

DESCRIPTION = """\
What Fusewatch knows of budgets, incidents and spend. Amounts of money are exact decimals in strings, US dollars;
instants are RFC 3339 in UTC.

Lists come in pages: `next` of one page is the `cursor` of the next one, null at the end. Errors are problem details
(RFC 9457). On the machine itself reading needs no token; from elsewhere it needs FUSEWATCH_READ_TOKEN or
FUSEWATCH_WEB_TOKEN as a bearer token, and is off (404) where none is set. Every change needs FUSEWATCH_WEB_TOKEN."""

_MEANINGS = {
    HTTPStatus.BAD_REQUEST: "The body is no JSON.",
    HTTPStatus.UNAUTHORIZED: "No token came, or a wrong one.",
    HTTPStatus.NOT_FOUND: "There is no such thing, or this is off here.",
    HTTPStatus.CONFLICT: "It contradicts itself, the rules in force, or how things stand.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than anything that can be meant.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A parameter or the body has another shape; `errors` says where and what.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A mistake in Fusewatch.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database does not answer in time.",
}
_TAGS = (
    ("budgets", "How the keys of budgets stand."),
    ("incidents", "What went over a line, what drove it, and who was told."),
    ("spend", "Where the money goes."),
    ("silences", "What nobody is to be told of, for a time."),
    ("why", "Why a rule told what it told."),
    ("deliveries", "Messages on their way to destinations."),
    ("reload", "The budget file."),
)


def problems() -> Responses:
    """What can go wrong everywhere below /api. Without the body, which is the same each time: `describe` adds it."""
    return {int(status): {"description": meaning} for status, meaning in _MEANINGS.items()}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document. What FastAPI does not know of is put right: problems with their media type, the challenge that
    comes with a 401, and that reading on the machine itself needs no token."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in _TAGS],
    )
    for path in document["paths"].values():
        for method, operation in path.items():
            if method == "get":
                operation["security"] = [*operation.get("security", ()), {}]
            else:
                operation["security"] = [{"ChangeToken": []}]
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    response["content"] = {MEDIA_TYPE: _content(int(status), response["description"])}
                if int(status) == HTTPStatus.UNAUTHORIZED:
                    response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}
    problem = TypeAdapter(ProblemBody).json_schema(ref_template=_SCHEMAS + "{model}")
    schemas = document["components"]["schemas"] | problem.pop("$defs") | {"ProblemBody": problem}
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def _content(status: int, meaning: str) -> dict[str, Any]:
    example = ProblemBody("about:blank", HTTPStatus(status).phrase, status, meaning, "/api/v1/budgets")
    return {"schema": {"$ref": _SCHEMAS + "ProblemBody"}, "example": asdict(example)}

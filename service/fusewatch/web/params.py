"""What may be asked with a request: strict, so that what is misspelt is refused instead of guessed."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from difflib import get_close_matches
from http import HTTPStatus
from typing import Annotated

from fastapi import HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BeforeValidator, Field, WithJsonSchema

from fusewatch.web.paging import LONGEST_CURSOR
from fusewatch.web.textformat import utf8

MOST_ROWS = 1000
FEWEST, USUAL = 1, 100
LONGEST = 2000
ID = r"^[0-9A-Z]{1,40}$"
"""Ids are Crockford's base 32."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt](?P<time>[0-9]{2}:[0-9]{2}:)(?P<second>[0-9]{2})(?P<part>\.[0-9]+)?"
    r"(?:(?P<utc>[Zz])|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3]):(?P<minutes>[0-5][0-9]))"
)
_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")
_YEAR_ONE = "0001"


def instant_ms(value: object) -> int:
    """Epoch milliseconds of an RFC 3339 instant; a leap second is the last of its minute, and the year 0, which Python
    has not, reads as 1. ValueError for anything else."""
    found = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("write an instant with its offset, as 2026-11-24T18:00:00Z")
    second = min(int(found["second"]), 59) if found["second"] == "60" else int(found["second"])
    date = _YEAR_ONE + found["date"][4:] if found["date"].startswith("0000") else found["date"]
    try:
        local = datetime.strptime(f"{date} {found['time']}{second:02d}", "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - its zone follows
    except ValueError:
        raise ValueError("there is no such day or time") from None
    ahead = timedelta(hours=int(found["hours"] or 0), minutes=int(found["minutes"] or 0))
    offset = timezone(-ahead if found["sign"] == "-" else ahead)
    milliseconds = int(((found["part"] or ".")[1:4]).ljust(3, "0"))
    whole = local.replace(tzinfo=UTC) - _EPOCH - (offset.utcoffset(None) or timedelta())
    return whole // timedelta(milliseconds=1) + milliseconds


def _whole(value: object) -> object:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("write a whole number, as 100")
    return value


def _truth(value: object) -> object:
    if value not in ("true", "false", True, False):
        raise ValueError("write true or false")
    return value


Instant = Annotated[
    int,
    BeforeValidator(instant_ms),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-24T18:00:00Z"]}),
]
"""In requests a text, here epoch milliseconds."""

Flag = Annotated[bool, BeforeValidator(_truth)]
Limit = Annotated[
    int,
    Field(ge=FEWEST, le=MOST_ROWS),
    BeforeValidator(_whole),
    Query(description="At most so many rows.", examples=[20]),
]
Cursor = Annotated[
    str | None,
    Query(
        max_length=LONGEST_CURSOR,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="`next` of the page before; without it the first page.",
    ),
]
Name = Annotated[str | None, Query(max_length=LONGEST)]
Group = Annotated[
    str | None,
    Query(max_length=LONGEST, description="One key as it is written, `feature=a,team=b`.", examples=["feature=search"]),
]
Where = Annotated[
    list[Annotated[str, Query(max_length=LONGEST, pattern=r"^[^=]+=[\s\S]*$")]],
    Query(
        max_length=20,
        description="`dimension=value`; several must all hold. 404 for a dimension that does not exist.",
        examples=[["team=content"]],
    ),
]
Since = Annotated[Instant | None, Query(alias="from", description="From when on.")]
Until = Annotated[Instant | None, Query(alias="to", description="Until when, exclusive.")]
Id = Annotated[str, Path(pattern=ID, examples=["01JDFQ0M3W8N9V2R"])]


def wanted_values(where: Sequence[str], dimensions: Iterable[str]) -> dict[str, str]:
    """The pairs by dimension; 404 for a dimension that there is not, 409 for one that is to have two values."""
    wanted: dict[str, str] = {}
    for pair in where:
        name, _, value = pair.partition("=")
        known_dimensions("where", [name], dimensions)
        if wanted.setdefault(name, value) != value:
            raise HTTPException(HTTPStatus.CONFLICT, f"where: {utf8(name)} cannot have two values at once")
    return wanted


def known_dimensions(where: str, names: Iterable[str], dimensions: Iterable[str]) -> None:
    known = tuple(dimensions)
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            right = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
            raise HTTPException(HTTPStatus.NOT_FOUND, f"{where}: there is no dimension {utf8(name)!r}; {utf8(right)}")


def nothing_unknown(request: Request) -> None:
    """Refuses parameters that the route does not have, or has once and got twice: a filter that is misspelt would
    otherwise tell everything. A route without parameters takes none."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = {field.alias for field in route.dependant.query_params}
    given = request.query_params.multi_items()
    wrong = [("there is no such parameter", name) for name in dict.fromkeys(n for n, _ in given) if name not in known]
    many = {name for name in known if name != "where" and sum(n == name for n, _ in given) > 1}
    wrong += [("it stands twice", name) for name in sorted(many)]
    if wrong:
        raise RequestValidationError(
            [{"loc": ("query", name), "msg": what, "type": "unexpected", "input": None} for what, name in wrong]
        )

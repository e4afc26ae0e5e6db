"""Pages of a list: rows in a fixed order, and a cursor that says behind which row the next page begins.

A cursor holds the place of the last row, not its number: rows that come or go meanwhile shift nothing, so that no row
is skipped or told twice as long as its own place in the order stays.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TypeVar

from fastapi import HTTPException

T = TypeVar("T")
Place = tuple[int | float | str, ...]

LONGEST_CURSOR = 4_000


def page(
    rows: Iterable[T], place: Callable[[T], Place], *, limit: int, cursor: str | None
) -> tuple[list[T], str | None]:
    """At most `limit` rows behind the cursor, in the order of their `place`, and the cursor of the next page, None at
    the end. 404 for a cursor that no page gave."""
    ordered = sorted(rows, key=place)
    if cursor is not None:
        behind = _place_of(cursor)
        try:
            ordered = [row for row in ordered if place(row) > behind]
        except TypeError:
            raise _lost() from None
    told = ordered[:limit]
    return told, _cursor_of(place(told[-1])) if len(ordered) > limit else None


def _cursor_of(place: Place) -> str:
    text = json.dumps(place, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place_of(cursor: str) -> Place:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        found = json.loads(text)
    except (binascii.Error, ValueError, RecursionError):
        raise _lost() from None
    if not isinstance(found, list) or not all(isinstance(part, int | float | str) for part in found):
        raise _lost()
    return tuple(found)


def _lost() -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, "cursor: no list gave this one; begin again without it.")

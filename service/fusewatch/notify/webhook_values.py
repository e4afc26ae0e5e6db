"""How values are written for programs: instants, exact amounts, words of ours, and text from outside."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from fusewatch.domain.money import usd_json
from fusewatch.domain.notices import MessageKind
from fusewatch.domain.rules import Severity, Unit

LISTED = 20
"""At most so many entries of a list whose length is not ours."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Instant = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
Amount = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]{1,12})?$")]
SeverityWord = Annotated[str, msgspec.Meta(extra_json_schema={"enum": [severity.word for severity in Severity]})]
EventType = Annotated[str, msgspec.Meta(extra_json_schema={"enum": [f"fusewatch.{kind}" for kind in MessageKind]})]


def instant(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-22T15:42:08.000Z`."""
    return f"{(_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec='milliseconds')[:-6]}Z"


def amount_text(value: int, unit: Unit) -> str:
    return usd_json(value) if unit.is_money else str(value)


def value_text(text: str, length: int) -> str:
    """The value itself, as programs compare it: only cut; lone surrogates, which no JSON can carry, become "?"."""
    return text[:length].encode("utf-8", "replace").decode()

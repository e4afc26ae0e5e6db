"""Single values as the webhook tells them: amounts, instants, texts."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from fusewatch.domain.money import usd_json
from fusewatch.domain.rules import Unit

Instant = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
Amount = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]{1,12})?$")]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-22T15:42:08.000Z`."""
    return f"{(_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec='milliseconds')[:-6]}Z"


def amount_text(value: int, unit: Unit) -> str:
    return usd_json(value) if unit.is_money else str(value)


def value_text(text: str, length: int) -> str:
    """The value itself, as programs compare it: only cut; lone surrogates, which no JSON can carry, become "?"."""
    return text[:length].encode("utf-8", "replace").decode()

"""A price that a project adds to the stand-in's list, checked and refused as Langfuse does."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from fusewatch.demo.standin.answers import Refusal, json_reply
from fusewatch.demo.standin.prices import PricedModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fusewatch.demo.standin.wire import JsonValue

UNITS: Final = ("TOKENS", "CHARACTERS", "MILLISECONDS", "SECONDS", "REQUESTS", "IMAGES")
_PRICES: Final = {"input": "inputPrice", "output": "outputPrice", "total": "totalPrice"}


def created(body: bytes, models: Sequence[PricedModel], now_ms: int) -> PricedModel:
    """The entry that a POST to `/api/public/models` asks for; it has no prices but these three."""
    try:
        asked = msgspec.json.decode(body, type=dict[str, object])
    except msgspec.MsgspecError:
        raise _invalid([]) from None
    wrong: list[JsonValue] = [
        {
            "expected": "string",
            "code": "invalid_type",
            "path": [name],
            "message": "Invalid input: expected string, received undefined",
        }
        for name in ("modelName", "matchPattern")
        if not isinstance(asked.get(name), str)
    ]
    if asked.get("unit") not in UNITS:
        named = "|".join(f'"{unit}"' for unit in UNITS)
        units: list[JsonValue] = list(UNITS)
        message = f"Invalid option: expected one of {named}"
        wrong.append({"code": "invalid_value", "values": units, "path": ["unit"], "message": message})
    if wrong:
        raise _invalid(wrong)
    name, pattern = str(asked["modelName"]), str(asked["matchPattern"])
    if any(model.name == name and not model.managed for model in models):
        words = f"Model name '{name}' already exists in project"
        raise Refusal(json_reply({"message": words, "error": "InvalidRequestError"}, 400))
    _check_pattern(pattern)
    return PricedModel(
        id=f"cm{zlib.crc32(body):08x}{len(models):015d}",
        name=name,
        pattern=pattern,
        created=datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        prices={key: Decimal(str(asked[field])) for key, field in _PRICES.items() if asked.get(field) is not None},
        tokenizer=None,
        unit=str(asked["unit"]),
        managed=False,
    )


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error:
        words = "matchPattern is not a valid regex (Postgres)"
        raise Refusal(json_reply({"message": words, "error": "InvalidRequestError"}, 400)) from None


def _invalid(wrong: list[JsonValue]) -> Refusal:
    return Refusal(json_reply({"message": "Invalid request data", "error": wrong}, 400))

"""How Langfuse writes values: JavaScript's numbers, ISO times with milliseconds, metadata decoded on the way out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

METADATA_CUT: Final = 200  # characters of a value that v2 shows unless `expandMetadata` is given
_SAFE_INTEGER: Final = 2**53 - 1
_MIGHT_BE_JSON: Final = frozenset('{["-0123456789tfn \t\r\n')


def iso(ms: int) -> str:
    """Epoch milliseconds as `2026-11-22T14:11:38.136Z`."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def number(value: Decimal | float) -> int | float:
    """The number as JavaScript prints it: a double, and a whole one without a fraction."""
    double = float(value)
    return int(double) if double.is_integer() and abs(double) <= _SAFE_INTEGER else double


def price_text(price: Decimal) -> str:
    """A price as v2 prints it: `1.5e-7`, but `0.0000025` above that."""
    if price == 0:
        return "0"
    exponent = price.adjusted()
    if exponent > -7:
        return format(price.normalize(), "f")
    mantissa = format(price.scaleb(-exponent).normalize(), "f")
    return f"{mantissa}e{exponent}"


def decoded(stored: str) -> JsonValue:
    """A stored metadata value as the API returns it: JSON where it is JSON, else the string itself."""
    if not stored or stored[0] not in _MIGHT_BE_JSON:
        return stored
    try:
        value: JsonValue = msgspec.json.decode(stored)
    except msgspec.DecodeError:
        return stored
    return _as_javascript(value)


def _as_javascript(value: JsonValue) -> JsonValue:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, list):
        return [_as_javascript(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_javascript(item) for key, item in value.items()}
    return value


def flat_metadata(stored: Mapping[str, str], *, expand: bool) -> dict[str, JsonValue]:
    """The v2 form: flat dotted keys, values cut at 200 characters before they are decoded."""
    if expand:
        return {key: decoded(value) for key, value in stored.items()}
    return {key: decoded(value[:METADATA_CUT]) for key, value in stored.items()}


def nested_metadata(stored: Mapping[str, str]) -> dict[str, JsonValue]:
    """The v1 form: `scope` and `resourceAttributes` are objects, values are whole.

    Inside these two, values stay strings: `scope.version` "1" is 1 in v2 and "1" here.
    """
    result: dict[str, JsonValue] = {}
    resource: dict[str, JsonValue] = {}
    scope: dict[str, JsonValue] = {}
    attributes: dict[str, JsonValue] = {}
    for key, value in stored.items():
        if key.startswith("resourceAttributes."):
            resource[key.removeprefix("resourceAttributes.")] = value
        elif key.startswith("scope.attributes."):
            attributes[key.removeprefix("scope.attributes.")] = value
        elif key.startswith("scope."):
            scope[key.removeprefix("scope.")] = value
        else:
            result[key] = decoded(value)
    if resource:
        result["resourceAttributes"] = resource
    if scope or attributes:
        result["scope"] = {**scope, "attributes": attributes} if attributes else scope
    return result

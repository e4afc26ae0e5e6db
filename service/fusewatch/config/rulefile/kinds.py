"""The field types of the budget file: how each kind of value is read, and how it is described to editors."""

from fractions import Fraction
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, SecretStr

from fusewatch.config import words
from fusewatch.config.fields import Also, JsonSchema, Text, complaint
from fusewatch.config.words import Wrong, shown
from fusewatch.domain.rules import Limit, Severity, Unit
from fusewatch.domain.windows import LONGEST_BUDGET, LONGEST_SPIKE

_TEXT: JsonSchema = {"type": "string"}
_NAME: JsonSchema = {"type": "string", "pattern": r"""^[^\s"'`(){}\[\]<>|&$#@!?*=+%^~,;:/\\]{1,80}$"""}
_DURATION: JsonSchema = {
    "type": "string",
    "pattern": r"^[0-9]+[smhdy]$",
    "examples": ["90s", "15m", "24h", "7d"],
}
_MONEY: JsonSchema = {
    "type": ["string", "number"],
    "pattern": r"^(US\$|\$|USD)? ?[0-9.,]+( ?USD)?$|\$\{",
    "examples": ["$5", "$0.25"],
}
_LIMIT: JsonSchema = {
    "type": ["string", "number"],
    "pattern": r"^(US\$|\$|USD)? ?[0-9.,]+ ?(USD|[kKMGB]? ?(tokens?|requests?))?$|\$\{",
    "examples": ["$500", "2M tokens", "500 requests"],
}
_OVERRIDE_LIMIT: JsonSchema = {**_LIMIT, "pattern": rf"{_LIMIT['pattern']}|^none$", "examples": ["$75", "none"]}
_SCALAR: JsonSchema = {"type": ["string", "number", "boolean"]}
_CLOCK: JsonSchema = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["09:00"]}


UNSET_SHARE = Fraction(-1)
"""Stands in for a percentage whose variable is not set; no text gives it."""


def whole(least: int, most: int) -> Text:
    """A whole number in a range."""

    def parse(text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) <= 12 and least <= int(text) <= most:
            return int(text)
        raise Wrong(f"{{}} is not a whole number from {least} to {most}")

    return Text(parse, {"type": "integer", "minimum": least, "maximum": most}, unset=least)


def choice(*words_: str) -> Text:
    """One of some words."""
    return Text(lambda text: words.parse_choice(text, words_), {"type": "string", "enum": list(words_)}, words_[0])


def _flag(text: str) -> bool:
    if text in ("true", "false"):
        return text == "true"
    raise Wrong("{} is neither true nor false")


def _day_start(text: str) -> int:
    minutes = words.parse_clock(text)
    if minutes % 15:
        raise Wrong("{} is not a multiple of 15 minutes", 'write "06:00", "06:15", "06:30" or "06:45", say')
    return minutes


def _weekday(text: str) -> int:
    return words.WEEKDAYS.index(words.parse_choice(text, words.WEEKDAYS))


def _override_limit(text: str) -> Limit | None:
    return None if text == "none" else words.parse_limit(text)


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    seen: set[str] = set()
    for value in values:
        if value and value in seen:
            raise complaint(f"{shown(value)} stands twice in this list", "keep one")
        seen.add(value)
    return values


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Name: TypeAlias = Annotated[str, Text(words.parse_name, _NAME, "unset")]
Label: TypeAlias = Annotated[str, Text(words.parse_label, _TEXT, "unset")]
Words: TypeAlias = Annotated[str, Text(str, _TEXT)]
Flag: TypeAlias = Annotated[bool, Text(_flag, {"type": "boolean"}, unset=False)]
Duration: TypeAlias = Annotated[int, Text(words.parse_duration, _DURATION, words.DAY_MS)]
BudgetWindow: TypeAlias = Annotated[int, Text(words.parse_window(LONGEST_BUDGET), _DURATION, words.DAY_MS)]
SpikeWindow: TypeAlias = Annotated[int, Text(words.parse_window(LONGEST_SPIKE), _DURATION, words.DAY_MS)]
ClockTime: TypeAlias = Annotated[int, Text(words.parse_clock, _CLOCK, 0)]
DayStart: TypeAlias = Annotated[int, Text(_day_start, {**_CLOCK, "examples": ["00:00", "06:30"]}, 0)]
Weekday: TypeAlias = Annotated[int, Text(_weekday, {"type": "string", "enum": list(words.WEEKDAYS)}, 0)]
Zone: TypeAlias = Annotated[str, Text(words.parse_zone, {**_TEXT, "examples": ["Europe/Berlin", "UTC"]}, "UTC")]
SeverityWord: TypeAlias = Annotated[
    Severity, Text(words.parse_severity, {"type": "string", "enum": [s.word for s in Severity]}, Severity.WARNING)
]
Percent: TypeAlias = Annotated[
    Fraction, Text(words.parse_percent, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?%$"}, UNSET_SHARE)
]
Money: TypeAlias = Annotated[int, Text(words.parse_money, _MONEY, 0)]
Amount: TypeAlias = Annotated[Limit, Text(words.parse_limit, _LIMIT, Limit(Unit.USD, 1))]
OverrideAmount: TypeAlias = Annotated[Limit | None, Text(_override_limit, _OVERRIDE_LIMIT, None)]
Factor: TypeAlias = Annotated[
    Fraction, Text(words.parse_factor, {"type": "number", "exclusiveMinimum": 1}, Fraction(2))
]
Price: TypeAlias = Annotated[Fraction, Text(words.parse_price, _MONEY, Fraction(0))]
WebAddress: TypeAlias = Annotated[str, Text(words.parse_web_address, _TEXT)]
SecretAddress: TypeAlias = Annotated[SecretStr, Text(words.parse_web_address, _TEXT, SecretStr(""), secret=True)]
Secret: TypeAlias = Annotated[SecretStr, Text(words.parse_secret, _TEXT, SecretStr(""), secret=True)]

Dimension: TypeAlias = Annotated[str, Text(words.parse_dimension, _TEXT, refers=True)]
DestinationName: TypeAlias = Annotated[str, Text(words.parse_destination, _TEXT, refers=True)]
Pattern: TypeAlias = Annotated[str, Text(words.parse_pattern, _SCALAR, "*")]
Patterns: TypeAlias = Annotated[tuple[Pattern, ...], Also(_listed, _SCALAR)]
Where: TypeAlias = dict[Dimension, Patterns]
Dimensions: TypeAlias = Annotated[tuple[Dimension, ...], AfterValidator(_unique)]
Notify: TypeAlias = Annotated[tuple[DestinationName, ...], AfterValidator(_unique)]

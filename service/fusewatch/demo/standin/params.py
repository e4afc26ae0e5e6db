"""Reading query parameters as strictly as Langfuse does, with its list of issues when one is wrong."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from fusewatch.demo.standin.answers import invalid_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fusewatch.demo.standin.wire import JsonValue

_DATE: Final = (
    r"(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29|"
    r"\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|"
    r"(?:02)-(?:0[1-9]|1\d|2[0-8])))"
)
_CLOCK: Final = r"(?:(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|([+-](?:[01]\d|2[0-3]):[0-5]\d)))"
_INSTANT: Final = f"^{_DATE}T{_CLOCK}$"
OBSERVATION_TYPES: Final = (
    "GENERATION",
    "SPAN",
    "EVENT",
    "AGENT",
    "TOOL",
    "CHAIN",
    "RETRIEVER",
    "EVALUATOR",
    "EMBEDDING",
    "GUARDRAIL",
)
LEVELS: Final = ("DEBUG", "DEFAULT", "WARNING", "ERROR")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Params:
    """The parameters of one request. Each reader notes what is wrong; `check` raises the 400 with all of it."""

    def __init__(self, pairs: Iterable[tuple[str, str]], path: Sequence[str | int] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)
        self._path = tuple(path)
        self._issues: list[JsonValue] = []

    def text(self, name: str) -> str | None:
        values = self._values.get(name)
        return values[0] if values else None

    def many(self, name: str) -> tuple[str, ...]:
        """A repeated parameter; a single one may list its values with commas."""
        values = self._values.get(name, [])
        return tuple(values[0].split(",")) if len(values) == 1 else tuple(values)

    def whole(self, name: str, default: int, *, minimum: int, maximum: int | None, exclusive: bool = False) -> int:
        """A whole number. `exclusive` words the lower bound as Langfuse does for `page` (> 0 instead of >= 1)."""
        text = self.text(name)
        if text is None:
            return default
        value = _javascript_number(text)
        path: list[JsonValue] = [*self._path, name]
        if math.isnan(value):
            self._issues.append(
                {
                    "expected": "number",
                    "code": "invalid_type",
                    "received": "NaN",
                    "path": path,
                    "message": "Invalid input: expected number, received NaN",
                }
            )
            return default
        if value < minimum:
            self._issues.append(_too_small(path, minimum, exclusive=exclusive))
        elif maximum is not None and value > maximum:
            self._issues.append(too_big(path, maximum))
        return int(value)

    def instant(self, name: str) -> int | None:
        """A time with a zone as epoch milliseconds, cut to the millisecond; anything else is an issue."""
        text = self.text(name)
        if text is None:
            return None
        found = epoch_ms(text)
        if found is None:
            self._issues.append(bad_instant([*self._path, name]))
        return found

    def choice(self, name: str, values: Sequence[str]) -> str | None:
        text = self.text(name)
        if text is not None and text not in values:
            self._issues.append(bad_choice([*self._path, name], values))
        return text

    def problem(self, issue: JsonValue) -> None:
        self._issues.append(issue)

    def check(self) -> None:
        if self._issues:
            raise invalid_data(self._issues)


def epoch_ms(text: str) -> int | None:
    """Epoch milliseconds of an ISO time with a zone, or None when Langfuse would refuse it."""
    if re.match(_INSTANT, text) is None:
        return None
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)


def bad_instant(path: list[JsonValue]) -> JsonValue:
    return {
        "origin": "string",
        "code": "invalid_format",
        "format": "datetime",
        "pattern": f"/{_INSTANT}/",
        "path": path,
        "message": "Invalid ISO datetime",
    }


def bad_choice(path: list[JsonValue], values: Sequence[str]) -> JsonValue:
    options = "|".join(f'"{value}"' for value in values)
    return {
        "code": "invalid_value",
        "values": list(values),
        "path": path,
        "message": f"Invalid option: expected one of {options}",
    }


def too_big(path: list[JsonValue], maximum: int) -> JsonValue:
    return {
        "origin": "number",
        "code": "too_big",
        "maximum": maximum,
        "inclusive": True,
        "path": path,
        "message": f"Too big: expected number to be <={maximum}",
    }


def _too_small(path: list[JsonValue], minimum: int, *, exclusive: bool) -> JsonValue:
    bound = minimum - 1 if exclusive else minimum
    return {
        "origin": "number",
        "code": "too_small",
        "minimum": bound,
        "inclusive": not exclusive,
        "path": path,
        "message": f"Too small: expected number to be >{'' if exclusive else '='}{bound}",
    }


def _javascript_number(text: str) -> float:
    if not text.strip():
        return 0.0
    try:
        return float(text)
    except ValueError:
        return math.nan

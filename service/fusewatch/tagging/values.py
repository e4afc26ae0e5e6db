"""Dimensions as Langfuse accepts them: texts of at most 200 characters under plain names.

The SDKs *drop* a propagated value that is longer, and 5 counts the value with its JSON quotes and escapes; a value
cut short still says which feature or team pays, so it is cut here. A lone surrogate would cost the whole batch of
spans, which then cannot be encoded.
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from uuid import UUID

from fusewatch.tagging.complaints import complain_once

LONGEST = 200
"""Characters of a propagated value (Langfuse: "must be strings <=200 characters")."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_NAME_SIGNS = re.compile(r"[^A-Za-z0-9_-]+")
_BLANKS = re.compile(r"[\x00-\x20\x7f]+")


def clean_dimensions(given: Mapping[str, object]) -> dict[str, str]:
    """The dimensions that can be sent. None is no value and leaves out the name; what is bad is told once a name."""
    cleaned: dict[str, str] = {}
    for name, value in given.items():
        text = clean_value(name, value)
        if text is None:
            continue
        if not _NAME.fullmatch(name):
            plain = _NAME_SIGNS.sub("_", name).strip("_")
            complain_once(
                f"name {name}", f"dimension {name!r}: only letters, digits, _ and - can be asked for; sent as {plain!r}"
            )
            if not plain:
                continue
            name = plain  # noqa: PLW2901 - the name as it is sent
        cleaned[name] = text
    return cleaned


def clean_value(name: str, value: object) -> str | None:
    """One value as a trimmed text of at most 200 characters, JSON quotes counted; None for no value.

    Texts, numbers, booleans, enum members (their value), UUIDs and dates have one; anything else is told once and
    left out.
    """
    if value is None:
        return None
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, str | int | float | Decimal | UUID | date):
        text = str(value)
    else:
        complain_once(
            f"kind {name}", f"dimension {name!r} is a {type(value).__name__}, not a text or a number; left out"
        )
        return None
    text = _BLANKS.sub(" ", text.encode("utf-8", "replace").decode()).strip()
    if not text:
        complain_once(f"empty {name}", f"dimension {name!r} is empty; left out")
        return None
    short = _cut(text)
    if short != text:
        complain_once(
            f"long {name}",
            f"dimension {name!r} has more than {LONGEST} characters (Langfuse would drop it); cut to {short[:20]!r}...",
        )
    return short


def _cut(text: str) -> str:
    """The longest start of `text` whose JSON, quotes included, has at most 200 characters."""
    text = text[:LONGEST]
    while (excess := len(json.dumps(text, ensure_ascii=False)) - LONGEST) > 0:
        text = text[: -max(excess // 6, 1)]
    return text.rstrip()

"""From whatever stands in metadata to a label: one clean line of text, or nothing."""

import json
import re
import unicodedata

LONGEST = 200
"""Characters. Langfuse's v2 API cuts metadata values at 200 itself, and its SDKs drop longer propagated ones."""

_PLAIN = re.compile(r"[!#-\[\]-~](?: ?[!-\[\]-~])*")
_SPACES = re.compile(r"\s+")
_HALF_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:u[0-9a-fA-F]{0,3})?$")


def label_of(value: object) -> str:
    """The label that a decoded JSON value stands for, "" when it stands for none.

    Texts are trimmed, white space is one space, control characters go, and what is longer than 200 characters is cut.
    Numbers and booleans are written as JSON does (`5`, `1.5`, `true`); a whole float loses its `.0`, as it does in
    JavaScript. A list of one value is that value. Null, "", `{}`, other lists and objects are no label.
    Texts that are JSON-encoded once more (`"\\"search\\""`, from SDK 5) are decoded.
    """
    if isinstance(value, str):
        return label_of_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**LONGEST else ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list | dict):
        return label_of(value[0])
    return ""


def label_of_text(text: str) -> str:
    """`label_of` for a text."""
    if len(text) <= LONGEST and _PLAIN.fullmatch(text):
        return text
    text = text.strip()
    if text.startswith('"'):
        text = _decoded(text)
    text = "".join(char for char in text if char.isspace() or unicodedata.category(char) not in {"Cc", "Cs"})
    return _SPACES.sub(" ", text).strip()[:LONGEST].rstrip()


def _decoded(text: str) -> str:
    """The text inside a JSON string, also one that was cut: then its closing quote is missing."""
    whole = _json_text(text)
    if whole is not None:
        return whole
    if len(text) < LONGEST or text.endswith('"'):
        return text
    cut = _json_text(_HALF_ESCAPE.sub(r"\1", text) + '"')
    return text[1:] if cut is None else cut


def _json_text(text: str) -> str | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, str) else None

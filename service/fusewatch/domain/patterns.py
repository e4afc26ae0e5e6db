"""Regular expressions that others wrote: compiled only where no text can make them run for ever.

Langfuse matches model names in PostgreSQL, whose engine is safe from that; Python's backtracks, and a pattern such as
`(a+)+$` would keep the daemon busy for years.
"""

import re
import warnings

LONGEST_PATTERN = 1_000
MOST_OPEN = 3
"""Repetitions without a close bound that stand side by side: each multiplies the work by the length of the text."""

MOST_OPTIONAL = 16
"""Optional parts: each may double the work."""

_POSIX = {
    "[:alnum:]": "0-9A-Za-z",
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:upper:]": "A-Z",
    "[:space:]": r"\s",
    "[:word:]": r"\w",
    "[:xdigit:]": "0-9A-Fa-f",
}
_COUNT = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}")


def compile_pattern(text: str) -> re.Pattern[str]:
    """The expression, to be searched for in a short text; ValueError, with the reason, for one that is none, or that
    may take too long."""
    if len(text) > LONGEST_PATTERN:
        raise ValueError(f"longer than {LONGEST_PATTERN:,} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sets that a later Python may read otherwise
            compiled = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(error.msg if isinstance(error, re.error) else "too large") from None
    _refuse_slow(text)
    return compiled


def compile_postgres(text: str) -> re.Pattern[str]:
    """As `compile_pattern`, for an expression of PostgreSQL: its named sets are known, what Python lacks is refused."""
    for name, characters in _POSIX.items():
        text = text.replace(name, characters)
    if re.search(r"\[[:.=]", text) or text.startswith("***"):
        raise ValueError("of a kind that only PostgreSQL knows")
    return compile_pattern(text)


def _refuse_slow(text: str) -> None:
    """A repeated group must hold nothing that can match in two ways, and open repetitions must be few."""
    open_ones = optional = 0
    varies = [False]  # by depth: whether the group so far can match a text in more than one way
    inner = False  # the same of the group or atom that ended last
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at, inner = at + 2, False
        elif char == "[":
            at, inner = _end_of_set(text, at), False
        elif char == "(":
            varies.append(False)
            at += 2 if text.startswith("(?", at) else 1
        elif char == ")":
            inner = varies.pop()
            varies[-1] |= inner
            at += 1
        elif char in "*+?{" and (width := _width(text, at)):
            repeats, opens = _repetition(text, at)
            if repeats and inner:
                raise ValueError("a repeated group that can match in several ways may take too long")
            varies[-1] |= char != "{" or opens or "," in text[at : at + width]
            open_ones += opens
            optional += char == "?"
            at, inner = at + width, True
        else:
            varies[-1] |= char == "|"
            at, inner = at + 1, False
    if open_ones > MOST_OPEN or optional > MOST_OPTIONAL:
        raise ValueError("so many repetitions may take too long")


def _end_of_set(text: str, at: int) -> int:
    """Behind the `]` that ends the set that begins at `at`."""
    at += 2 if text.startswith("[^", at) else 1
    at += text.startswith("]", at)
    while at < len(text) and text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _width(text: str, at: int) -> int:
    """How many characters the quantifier takes, the lazy or possessive mark behind it too; 0 when it is none."""
    width = 1
    if text[at] == "{":
        match = _COUNT.match(text, at)
        if match is None or not (match[1] or match[3]):
            return 0
        width = match.end() - at
    return width + (text[at + width : at + width + 1] in ("?", "+"))


def _repetition(text: str, at: int) -> tuple[bool, bool]:
    """Whether it repeats at all, and whether it has no close bound."""
    if text[at] != "{":
        return text[at] != "?", text[at] != "?"
    match = _COUNT.match(text, at)
    assert match is not None, "only asked of a quantifier"
    least = int(match[1] or 0)
    most = int(match[3]) if match[3] else None if match[2] else least
    return most is None or most > 1, most is None or most - least > 10

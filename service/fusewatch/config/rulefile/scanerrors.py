"""What is told about a text that is no YAML: where, what the writer most likely meant, and never the text itself."""

import re
from collections.abc import Sequence

from ruamel.yaml.error import MarkedYAMLError

QUOTES = "put it in quotes"

_SPECIAL = re.compile(r"""(?:^\s*-|[:,\[{])\s+(?P<sign>\$\{|[#*&!%@`|>])|[\[{,](?P<tight>[*&!%@`])""")
"""A sign at the start of a value to which YAML gives a meaning of its own."""

_LINES_LOOKED_AT = 50


def explain(error: MarkedYAMLError, lines: Sequence[str]) -> tuple[int, str, str]:
    """(line from 1, what is wrong, what would be right)"""
    mark = error.problem_mark or error.context_mark
    last = mark.line + 1 if mark else 1
    first = error.context_mark.line + 1 if error.context_mark else last
    problem, context = str(error.problem or ""), str(error.context or "")
    at_mark = _line(lines, last)[mark.column : mark.column + 1] if mark else ""
    if "\\t" in problem or at_mark == "\t":
        told = last, "a tab stands here", "indent with spaces"
    elif "mapping values are not allowed" in problem:
        told = last, "a second colon stands in this line", f"{QUOTES} if it is part of the value"
    elif special := _special(lines, first, last):
        told = special[0], f"a value begins with {special[1]}, which YAML reads as its own", QUOTES
    elif "block end" in problem or "indent" in problem:
        told = last, "the indentation of this line does not fit the lines before it", "align the keys"
    elif "quoted scalar" in context:
        told = first, "a quotation mark is opened here and not closed", "close it"
    elif "flow" in context:
        told = first, "what is opened here by { or [ is not closed rightly", "close it, with commas inside"
    else:
        told = last, "this is not YAML", "look at this line, and at the one before"
    return told


def _special(lines: Sequence[str], first: int, last: int) -> tuple[int, str] | None:
    """The line and the sign that most likely broke it, looking back from where YAML noticed."""
    for number in range(last, max(first, last - _LINES_LOOKED_AT) - 1, -1):
        if found := _SPECIAL.search(_line(lines, number)):
            return number, (found["sign"] or found["tight"])[0]
    return None


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""

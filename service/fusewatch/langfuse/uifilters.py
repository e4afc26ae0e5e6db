"""Filters as they stand in the address of Langfuse's tables (`filterQueryEncoding.ts` and `productUrl.ts` of 4.16.0).

Filters are joined by `,`; each is `column;type;key;operator;value`, the value encoded as by `encodeURIComponent`,
several options joined by `|` before that; then the whole is encoded once more as the value of a query parameter.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urlsplit

LONGEST_FILTER = 4000
"""Characters of the `filter` parameter before the last encoding; Langfuse takes no more."""

LONGEST_URL = 2900
"""Slack takes 3,000 characters of an address."""

_AS_THEY_ARE = "-_.!~*'()"
"""What `encodeURIComponent` leaves, beside letters and digits."""

_PLAIN_KEY = re.compile(r"[^;,%|\\\s]+")


class Filter(NamedTuple):
    """One filter of a table. `value` holds options where the type ends in `Options`, else one text or number."""

    column: str
    type: str
    operator: str
    value: tuple[str, ...] | str | int
    key: str = ""


def can_be_key(key: str) -> bool:
    """Whether a metadata key can stand in a filter: keys are not encoded there."""
    return _PLAIN_KEY.fullmatch(key) is not None


def filter_text(filters: Sequence[Filter]) -> str:
    """The `filter` parameter, before its last encoding."""
    return ",".join(";".join((f.column, f.type, f.key, f.operator, _value(f.value))) for f in filters)


def table_url(host: str, project_id: str, filters: Sequence[Filter], from_ms: int, to_ms: int) -> str:
    """The table of the observations that start in [from_ms, to_ms). A table shows its last instant, so that is one
    millisecond before the end."""
    dates = f"dateRange={from_ms}-{max(from_ms, to_ms - 1)}"
    shown = f"filter={_component(filter_text(filters))}&" if filters else ""
    return f"{_project(host, project_id)}/observations?{shown}{dates}"


def trace_url(host: str, project_id: str, trace_id: str) -> str:
    return f"{_project(host, project_id)}/traces/{_component(trace_id)}"


def leads_somewhere(host: str) -> bool:
    """Whether a browser can go there: http or https, and a host."""
    try:
        parts = urlsplit(host)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "?" not in host and "#" not in host


def _project(host: str, project_id: str) -> str:
    return f"{host.rstrip('/')}/project/{_component(project_id)}"


def _value(value: tuple[str, ...] | str | int) -> str:
    if isinstance(value, tuple):
        value = "|".join(option.replace("\\", "\\\\").replace("|", "\\|") for option in value)
    return _component(str(value))


def _component(text: str) -> str:
    return quote(text, safe=_AS_THEY_ARE, errors="replace")

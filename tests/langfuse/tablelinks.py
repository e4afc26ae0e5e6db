"""Reads the address of a Langfuse table as API notes on `filterQueryEncoding.ts` tell, without a line of `langfuse/`:
an independent decoder, and an evaluator over the stand-in's own spans."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from fusewatch.demo.standin import Span


class Asked(NamedTuple):
    """One filter as the page would apply it: `values` holds one text, or all options."""

    column: str
    type: str
    key: str
    operator: str
    values: tuple[str, ...]


class Table(NamedTuple):
    host: str
    project_id: str
    filters: tuple[Asked, ...]
    from_ms: int
    to_ms: int


def table_of(url: str) -> Table:
    """What an address says. The browser undoes the encoding of the query; the page splits, and undoes its own."""
    parts = urlsplit(url)
    before, _, after = parts.path.partition("/project/")
    project, _, table = after.partition("/")
    assert table == "observations"
    query = parse_qs(parts.query, strict_parsing=True)
    assert set(query) <= {"filter", "dateRange"}
    (dates,) = query["dateRange"]
    from_ms, _, to_ms = dates.partition("-")
    filters = tuple(_asked(text) for text in query["filter"][0].split(",")) if "filter" in query else ()
    return Table(f"{parts.scheme}://{parts.netloc}{before}", unquote(project), filters, int(from_ms), int(to_ms))


def _asked(text: str) -> Asked:
    column, kind, key, operator, value = text.split(";")
    plain = unquote(value)
    return Asked(column, kind, key, operator, _options(plain) if kind.endswith("Options") else (plain,))


def _options(text: str) -> tuple[str, ...]:
    """Split at each `|` that has no backslash before it."""
    options, current, escaped = [], "", False
    for sign in text:
        if escaped:
            current, escaped = current + sign, False
        elif sign == "\\":
            escaped = True
        elif sign == "|":
            options.append(current)
            current = ""
        else:
            current += sign
    assert not escaped
    return (*options, current)


# ---------------------------------------------------------------- the rows that a table shows

_COLUMNS: Mapping[str, Callable[[Span], str]] = {
    "environment": lambda span: span.environment,
    "model": lambda span: span.model,
    "name": lambda span: span.name,
    "release": lambda span: span.release,
    "sessionId": lambda span: span.session_id,
    "type": lambda span: span.type,
    "userId": lambda span: span.user_id,
    "version": lambda span: span.version,
    "promptName": lambda span: span.prompt_name,
}
_NUMBERS: Mapping[str, Callable[[Span], float]] = {
    "totalCost": lambda span: float(sum(span.cost.values())),
    "totalTokens": lambda span: sum(span.usage.values()),
    "promptVersion": lambda span: span.prompt_version or 0,
}


def rows_of(url: str, spans: Iterable[Span]) -> set[str]:
    """The ids of those that the table at the address shows."""
    table = table_of(url)
    return {
        span.id
        for span in spans
        if span.project_id == table.project_id
        and table.from_ms <= span.start_ms <= table.to_ms
        and all(_passes(asked, span) for asked in table.filters)
    }


def _passes(asked: Asked, span: Span) -> bool:  # noqa: PLR0911 - one line for each kind of filter
    match asked.type, asked.operator:
        case "string", "=":
            return _COLUMNS[asked.column](span) == asked.values[0]
        case "stringOptions", "any of":
            return _COLUMNS[asked.column](span) in asked.values
        case "stringOptions", "none of":
            return _COLUMNS[asked.column](span) not in asked.values
        case "number", ">":
            return _NUMBERS[asked.column](span) > float(asked.values[0])
        case "number", "=":
            return _NUMBERS[asked.column](span) == float(asked.values[0])
        case "arrayOptions", "any of":
            assert asked.column == "traceTags"
            return not set(span.tags).isdisjoint(asked.values)
        case "stringObject", "contains":
            assert asked.column == "metadata"
            return asked.values[0] in span.all_metadata().get(asked.key, "")
        case _:
            raise AssertionError(f"the table knows no such filter: {asked}")

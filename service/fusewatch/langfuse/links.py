"""From what a rule counts to the rows in Langfuse: as filters of its table, or the narrowest wider ones.

Langfuse's filters are AND only, and look at one place each. So a dimension can be filtered where it comes from one
place alone; globs become lists of the values that exist. What cannot be said is left out, never guessed: a link may
show more than was meant, and says so, but no row that was meant is missing. Two things are taken for granted: metadata
is under the key as it was declared, and what was propagated within a trace stands on each of its calls (as Langfuse
stores it since SDK 4; the trace's name does not, so it is never filtered on there).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from fusewatch.domain.attribution import FIELDS
from fusewatch.domain.rules import AttributionSource, Matcher
from fusewatch.domain.usage import UNKNOWN
from fusewatch.domain.views import matches
from fusewatch.langfuse.probe import V2
from fusewatch.langfuse.uifilters import (
    LONGEST_FILTER,
    LONGEST_URL,
    Filter,
    can_be_key,
    filter_text,
    leads_somewhere,
    table_url,
    trace_url,
)
from fusewatch.ports import Condition, Counted, ProjectState, RowsLink, RowsMeant

MOST_OPTIONS = 30
"""A longer list of values is no filter that anybody reads."""

MOST_NAMED = 4
"""How many values words name."""

_COLUMNS = {
    "environment": "environment",
    "model": "model",
    "name": "name",
    "operation": "name",
    "release": "release",
    "session": "sessionId",
    "trace_name": "traceName",
    "type": "type",
    "user": "userId",
    "version": "version",
}
_ONLY_V1 = frozenset({"trace_name"})
"""On v2 a call has the name of its trace only where that was propagated; v1 joins the trace."""
_ONLY_V2 = frozenset({"release"})
_AS_TEXT = frozenset({"sessionId", "userId", "version", "release"})
"""Columns whose single value is a text; that of the others is an option."""

_STORED_ALIKE = re.compile(r"[A-Za-z0-9_.:@+=#~-]+")
"""Texts that stand in stored metadata as they are read, JSON-encoded or not: no quotes, no escapes, no spaces."""

_GLOB = re.compile(r"[*?\[]")


class _Said(NamedTuple):
    """A condition as filters. `exact`: they let nothing else pass; `kept` says in words what they keep to, `also` what
    passes beside."""

    filters: tuple[Filter, ...] = ()
    kept: str = ""
    also: str = ""


class Links:
    """Implements `ports.Linker`."""

    def rows(self, project: ProjectState, meant: RowsMeant) -> RowsLink | None:
        if not leads_somewhere(project.host):
            return None
        said = [_said(condition, meant, project.api) for condition in meant.conditions]
        said.append(_counted(meant))
        url = table_url(project.host, project.project_id, _filters(said), meant.from_ms, meant.to_ms)
        while len(url) > LONGEST_URL or len(filter_text(_filters(said))) > LONGEST_FILTER:
            longest = max(range(len(said)), key=lambda i: len(filter_text(said[i].filters)))
            said[longest] = _Said(also=said[longest].kept or "what is left out")
            url = table_url(project.host, project.project_id, _filters(said), meant.from_ms, meant.to_ms)
            if not _filters(said):
                break
        return RowsLink(url, _wider(said, project.name))

    def trace(self, project_key: str, trace_id: str) -> str:
        host, _, project_id = project_key.rpartition("|")
        return trace_url(host, project_id, trace_id) if leads_somewhere(host) and project_id and trace_id else ""


def _filters(said: Sequence[_Said]) -> list[Filter]:
    return [one for condition in said for one in condition.filters]


def _wider(said: Sequence[_Said], project: str) -> str:
    """`all of team content, whatever its feature`; "" where every condition is said exactly."""
    also = [one.also for one in said if one.also]
    if not also:
        return ""
    kept = [one.kept for one in said if one.kept]
    return ", ".join([f"all of {' and '.join(kept) or project}", *also])


# ---------------------------------------------------------------- conditions


def _said(condition: Condition, meant: RowsMeant, api: str) -> _Said:
    name, words = condition.dimension, _words(condition)
    if "*" in condition.patterns and not (condition.excluded or condition.literal):
        return _Said()
    known = meant.known(name)
    values = _values(condition, known)
    if condition.excluded and values == ():
        return _Said()  # nothing that exists is left out
    also = ""
    filters: tuple[Filter, ...] | None = None
    source = _source(name, meant)
    if source is not None and values and UNKNOWN not in values and len(values) <= MOST_OPTIONS:
        if source.kind == "field":
            filters = _by_field(source.name, values, api, excluded=condition.excluded)
        elif source.kind == "tag" and not condition.excluded:
            tags = tuple(f"{source.name}:{value}" for value in values)
            filters = (Filter("traceTags", "arrayOptions", "any of", tags),)
        elif source.kind == "metadata" and not condition.excluded and api == V2 and can_be_key(source.name):
            filters, also = _by_metadata(name, source.name, values, known)
    if filters is None and known and values and not condition.excluded and _are_all(values, known):
        return _Said(kept=words)  # it has no other value
    if filters is None:
        return _Said(also=f"{words} too" if condition.excluded else f"whatever its {name.replace('_', ' ')}")
    return _Said(filters, "" if condition.excluded else words, also)


def _values(condition: Condition, known: Sequence[str] | None) -> tuple[str, ...] | None:
    """The values that the patterns fit, as far as they exist: literal ones as they are, globs by what they match; None
    where nobody can know."""
    literal = tuple(p for p in condition.patterns if condition.literal or not _GLOB.search(p))
    if condition.literal:
        return literal
    if known is None:
        return literal if len(literal) == len(condition.patterns) else None
    found = {value for value in known if matches(Matcher(condition.dimension, condition.patterns), value)}
    if not condition.excluded:
        found.update(literal)
    return tuple(sorted(found))


def _are_all(values: tuple[str, ...], known: Sequence[str]) -> bool:
    """Whether there is no other value."""
    return len(known) <= len(values) and set(known) <= set(values)


def _source(dimension: str, meant: RowsMeant) -> AttributionSource | None:
    """The one place where the dimension comes from; None where there are several, or none that is stored."""
    declared = dict(meant.attribution).get(dimension)
    if declared is None:
        return AttributionSource("field", dimension) if dimension in FIELDS else None
    return declared[0] if len(declared) == 1 else None


def _by_field(field: str, values: tuple[str, ...], api: str, *, excluded: bool) -> tuple[Filter, ...] | None:
    if field == "prompt":
        return None if excluded else _by_prompt(values)
    column = _COLUMNS[field]
    if (field in _ONLY_V1 and api == V2) or (field in _ONLY_V2 and api != V2):
        return None
    if excluded:
        return (Filter(column, "stringOptions", "none of", values),)
    if column in _AS_TEXT and len(values) == 1:
        return (Filter(column, "string", "=", values[0]),)
    return (Filter(column, "stringOptions", "any of", values),)


def _by_prompt(values: tuple[str, ...]) -> tuple[Filter, ...] | None:
    """A prompt is read as `name:version`; Langfuse has a column for each."""
    name, _, version = values[0].rpartition(":")
    if len(values) > 1 or not name or not re.fullmatch(r"[0-9]{1,9}", version):
        return None
    return (
        Filter("promptName", "stringOptions", "any of", (name,)),
        Filter("promptVersion", "number", "=", int(version)),
    )


def _by_metadata(
    dimension: str, key: str, values: tuple[str, ...], known: Sequence[str] | None
) -> tuple[tuple[Filter, ...] | None, str]:
    """`contains`, because SDK 5 stores texts with quotes around them, so that `=` finds nothing. It finds every value
    that holds the text, so it is exact only while no other value does."""
    if len(values) > 1:
        return None, ""
    parts = _STORED_ALIKE.findall(values[0])
    if not parts:
        return None, ""
    asked = max(parts, key=len)
    exact = known is not None and not any(asked in value and value != values[0] for value in known)
    also = "" if exact else f"and each {dimension.replace('_', ' ')} that contains {asked}"
    return (Filter("metadata", "stringObject", "contains", asked, key),), also


def _counted(meant: RowsMeant) -> _Said:
    match meant.counted:
        case Counted.COST:
            return _Said((Filter("totalCost", "number", ">", 0),))
        case Counted.TOKENS:
            return _Said((Filter("totalTokens", "number", ">", 0),))
        case Counted.CALLS:
            types = tuple(t for t in meant.known("type") or () if t != UNKNOWN)
            filters = (Filter("type", "stringOptions", "any of", types),) if types else ()
            return _Said(filters, also="also without usage")
        case Counted.ALL:
            return _Said()


def _words(condition: Condition) -> str:
    """`team content`, `model a or b`, `model a or b or 7 more`."""
    shown, more = condition.patterns[:MOST_NAMED], len(condition.patterns) - MOST_NAMED
    named = " or ".join((*shown, f"{more} more") if more > 0 else shown)
    return f"{condition.dimension.replace('_', ' ')} {named}"

"""Months that were closed: what they summed to then, by project and set of dimensions."""

from fusewatch.domain.breakdown import Part, Usage
from fusewatch.domain.coverage import Span
from fusewatch.domain.money import join, split
from fusewatch.domain.usage import UNKNOWN, Tokens
from fusewatch.ports import ClosedMonth
from fusewatch.store import bulk, projects
from fusewatch.store.connection import Link
from fusewatch.store.interning import Interning
from fusewatch.store.schema import TOKEN_COLUMNS

_SUMS = ("calls", "unpriced", *TOKEN_COLUMNS, "total", "cost_hi", "cost_lo", "estimate_hi", "estimate_lo")
_COLUMNS = ("month", "project", "dims", *_SUMS)


def close(link: Link, interning: Interning, month: ClosedMonth) -> bool:
    """Keep what a month sums to now. False, and nothing done, when it is closed already."""
    fresh = bulk.insert_missing(
        link, "closed_month", ("month", "closed_ms", "from_ms", "to_ms"), [(month.label, month.closed_ms, *month.span)]
    )
    if not fresh:
        return False
    numbers = {key: number for number, key in projects.keys(link).items()}
    sums: dict[tuple[int, int], Usage] = {}
    for part in month.parts:
        place = numbers[part.project], interning.dims_id(part.dimensions)
        sums[place] = sums.get(place, Usage()).plus(part.usage)
    bulk.insert(link, "closed_part", _COLUMNS, [(month.label, *place, *_row(used)) for place, used in sums.items()])
    return True


def closed(link: Link, interning: Interning, label: str) -> ClosedMonth | None:
    found = link.row("SELECT closed_ms, from_ms, to_ms FROM closed_month WHERE month = ?", (label,))
    if found is None:
        return None
    rows = link.rows(f"SELECT {', '.join(_COLUMNS[1:])} FROM closed_part WHERE month = ?", (label,))  # noqa: S608 our own names only
    keys = projects.keys(link)
    dims = interning.dims({row[1] for row in rows})
    parts = [Part(keys[project], dims[d], UNKNOWN, UNKNOWN, _usage(sums)) for project, d, *sums in rows]
    return ClosedMonth(label, found[0], Span(*found[1:]), parts)


def _row(used: Usage) -> tuple[int, ...]:
    return (used.calls, used.unpriced, *used.tokens, *split(used.cost_pico), *split(used.estimate_pico))


def _usage(sums: list[int]) -> Usage:
    calls, unpriced, *tokens, cost_hi, cost_lo, est_hi, est_lo = sums
    return Usage(calls, unpriced, Tokens._make(tokens), join(cost_hi, cost_lo), join(est_hi, est_lo))

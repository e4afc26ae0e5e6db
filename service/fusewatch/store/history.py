"""The ledger's rows as a replay reads them: in slices of start times, each with when it was first seen."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from fusewatch.domain.usage import UNKNOWN, Amounts
from fusewatch.ports import Past
from fusewatch.store import projects
from fusewatch.store.connection import Link
from fusewatch.store.interning import Interning


def between(link: Link, interning: Interning, from_ms: int, to_ms: int, *, people: bool) -> Sequence[Past]:
    """The counted rows of all projects that start in the span, by start time, in the order of `AssessUnit.rows`."""
    found: list[Past] = []
    several = projects.keys(link)
    for project, key in several.items():
        rows: Sequence[Any] = link.rows(
            "SELECT start_ms, coalesce(duration_ms, 0), seen_ms, dims, person, session, cost, total, pricing,"
            " coalesce(estimate, 0)"
            " FROM generation WHERE project = ? AND start_ms >= ? AND start_ms < ? AND counted = 1"
            " ORDER BY start_ms, trace, obs",
            (project, from_ms, to_ms),
        )
        dims = interning.dims({row[3] for row in rows})
        if people:
            texts = interning.texts({text for row in rows for text in row[4:6]})
            found += [
                Past(
                    key,
                    start,
                    start + ms,
                    seen,
                    dims[d],
                    texts[u],
                    texts[s],
                    Amounts(cost, total, 1, guess),
                    pricing != 0,
                )
                for start, ms, seen, d, u, s, cost, total, pricing, guess in rows
            ]
        else:
            found += [
                Past(
                    key,
                    start,
                    start + ms,
                    seen,
                    dims[d],
                    UNKNOWN,
                    UNKNOWN,
                    Amounts(cost, total, 1, guess),
                    pricing != 0,
                )
                for start, ms, seen, d, _, _, cost, total, pricing, guess in rows
            ]
    return sorted(found, key=attrgetter("start_ms")) if len(several) > 1 else found

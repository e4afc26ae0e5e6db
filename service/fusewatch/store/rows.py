"""The rows of the ledger as plain tuples: their columns, and how a counted part of the ledger is walked through."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from fusewatch.errors import Leaving
from fusewatch.store.connection import Link
from fusewatch.store.schema import TOKEN_COLUMNS

LedgerRow: TypeAlias = tuple[Any, ...]
"""One row in the order of `COLUMNS`."""

COLUMNS = (
    "project",
    "start_ms",
    "trace",
    "obs",
    "updated_ms",
    "cost",
    "pricing",
    "dims",
    "person",
    "session",
    *TOKEN_COLUMNS,
    "total",
    "duration_ms",
    "digest",
    "estimate",
    "attribution",
    "inherited",
    "counted",
    "seen_ms",
    "replaced_cost",
    "changed_ms",
)
KEY = ("project", "start_ms", "trace", "obs")

MOSTLY_ALIKE = frozenset(
    {"project", "pricing", "estimate", "attribution", "inherited", "counted", "seen_ms", "replaced_cost", "changed_ms"}
    | set(TOKEN_COLUMNS)
)
"""Columns of which a batch of new rows mostly holds one value."""

PROJECT, START, TRACE, OBS, UPDATED, COST, PRICING, DIMS, PERSON, SESSION = range(10)
TOKENS = slice(10, 17)
TOTAL, DURATION, DIGEST, ESTIMATE, ATTRIBUTION, INHERITED, COUNTED, SEEN, REPLACED, CHANGED = range(17, 27)
CONTENT = slice(0, 21)
"""What Langfuse said, and what we make of usage that it could not price, without what we remember about the row. The
digest is that of the row's own dimensions; the stored ones may be inherited: `inherited` tells which are, and from whom
(`inheriting.Codec`)."""

SELECT = f"SELECT {', '.join(COLUMNS)} FROM generation"  # noqa: S608 our own names only

_HOUR_MS = 3_600_000


def with_state(
    row: LedgerRow, *, counted: bool, seen_ms: int, replaced_cost: int | None, changed_ms: int | None
) -> LedgerRow:
    """The row with what we remember of it: when it was first seen, what it cost before, and since when it does not."""
    return (*row[:COUNTED], int(counted), seen_ms, replaced_cost, changed_ms)


def with_estimate(row: LedgerRow, estimate: int | None) -> LedgerRow:
    return (*row[:ESTIMATE], estimate, *row[ESTIMATE + 1 :])


def order_of(row: LedgerRow) -> tuple[int, int, int, int]:
    """`merge.order_key` of a stored row."""
    return row[UPDATED], row[COST], row[START], row[DIGEST]


def hours(link: Link, project: int, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    """The clock hours of the span that hold any row, so that a walk sorts and holds an hour at a time.

    A sort over the whole ledger would need room for it in memory or in a temporary file. Raises Leaving when the
    process is asked to end: a walk through millions of rows takes longer than there is time for then.
    """
    query = (
        "SELECT start_ms FROM generation WHERE project = ? AND start_ms >= ? AND start_ms < ? ORDER BY start_ms LIMIT 1"
    )
    at = from_ms
    while (row := link.row(query, (project, at, to_ms))) is not None:
        if link.leaving:
            raise Leaving(
                "asked to end in the middle of a walk through the ledger, which begins anew at the next start"
            )
        end = row[0] // _HOUR_MS * _HOUR_MS + _HOUR_MS
        yield row[0], min(end, to_ms)
        at = end

"""Rows that are too old: added to the archive by hour and set of dimensions, and deleted with their identities.

Archive and rows together are the ledger: what is summed of the whole of it is summed over both.
"""

from itertools import pairwise
from typing import NamedTuple

from fusewatch.domain.money import join
from fusewatch.ports import DURATION_BOUNDS_S, Pruned
from fusewatch.store import identity
from fusewatch.store.connection import Link
from fusewatch.store.schema import ARCHIVED, DURATION_COLUMNS, TOKEN_COLUMNS

_HOUR_MS = 3_600_000
_MICRO = 1_000_000
_NO_HOUR = 0
"""Where sums stand that are too old to keep their hour, and older than what counters count."""

_EDGES_MS = (-1, *(round(bound * 1000) for bound in DURATION_BOUNDS_S), 2**62)
_BUCKETS = tuple(
    f"count(CASE WHEN duration_ms > {low} AND duration_ms <= {high} THEN 1 END)" for low, high in pairwise(_EDGES_MS)
)
_OF_ROWS = (
    *(f"sum({name} {sign} {_MICRO})" for name in ("cost", "estimate") for sign in "/%"),
    *("count(*)", "count(CASE WHEN pricing <> 0 THEN 1 END)", "sum(total)"),
    *(f"sum({name})" for name in TOKEN_COLUMNS),
    *_BUCKETS,
    "sum(duration_ms)",
)
_COLUMNS = ", ".join(("project", "from_ms", "dims", *ARCHIVED))
_ADDED = ", ".join(f"{name} = hour_total.{name} + excluded.{name}" for name in ARCHIVED)
_ON_CONFLICT = f"GROUP BY 1, 2, 3 ON CONFLICT (project, from_ms, dims) DO UPDATE SET {_ADDED}"
_ADD_ROWS = (
    f"INSERT INTO hour_total ({_COLUMNS}) SELECT project,"  # noqa: S608 our own names only
    f" CASE WHEN start_ms >= ?1 AND start_ms / {_HOUR_MS} = ?1 / {_HOUR_MS}"
    f" THEN ?1 ELSE start_ms / {_HOUR_MS} * {_HOUR_MS} END AS at, dims,"
    f" {', '.join(f'coalesce({each}, 0)' for each in _OF_ROWS)} FROM generation"
    f" WHERE project = ?2 AND start_ms >= ?3 AND start_ms < ?4 AND counted = 1 {_ON_CONFLICT}"
)
_FOLD = (
    f"INSERT INTO hour_total ({_COLUMNS}) SELECT project, CASE WHEN from_ms >= ?1 THEN ?1 ELSE {_NO_HOUR} END AS at,"  # noqa: S608 our own names only
    f" dims, {', '.join(f'sum({name})' for name in ARCHIVED)} FROM hour_total"
    f" WHERE project = ?2 AND from_ms > {_NO_HOUR} AND from_ms <> ?1 AND from_ms < ?3 {_ON_CONFLICT}"
)
_NEVER = 2**62


class Archived(NamedTuple):
    """What pruned rows of one set of dimensions summed to. `durations` are counts by bucket, then their sum."""

    dims: int
    cost_pico: int
    requests: int
    unpriced: int
    tokens: tuple[int, ...]
    durations: tuple[int, ...]


def prune(link: Link, project: int, to_ms: int, most: int) -> Pruned:
    """See `ports.UpkeepUnit.prune`."""
    floor_ms, counters_from_ms = link.row("SELECT floor_ms, counters_from_ms FROM project WHERE id = ?", (project,))
    from_ms = -_NEVER if floor_ms is None else floor_ms
    if from_ms >= to_ms:
        return Pruned(0, from_ms, more=False)
    end_ms = _end_of_step(link, project, from_ms, to_ms, most)
    span = (project, from_ms, end_ms)
    link.run(_ADD_ROWS, (_NEVER if counters_from_ms is None else counters_from_ms, *span))
    where = "WHERE project = ? AND start_ms >= ? AND start_ms < ?"
    rows = link.rows(f"SELECT trace, obs, start_ms, counted FROM generation {where}", span)  # noqa: S608 no input in it
    identity.forget(link, project, rows)
    link.run(f"DELETE FROM generation {where}", span)  # noqa: S608 no input in it
    link.run("DELETE FROM hour_reading WHERE project = ? AND hour_ms < ?", (project, end_ms))
    link.run("UPDATE project SET floor_ms = ? WHERE id = ?", (end_ms, project))
    return Pruned(len(rows), end_ms, more=end_ms < to_ms)


def _end_of_step(link: Link, project: int, from_ms: int, to_ms: int, most: int) -> int:
    """Before the row that would be one too many; rows of one instant stay together."""
    query = (
        "SELECT start_ms FROM generation WHERE project = ? AND start_ms >= ? AND start_ms < ?"
        " ORDER BY start_ms LIMIT 1 OFFSET ?"
    )
    over = link.row(query, (project, from_ms, to_ms, most))
    if over is None:
        return to_ms
    first = link.row(query, (project, from_ms, to_ms, 0))
    return int(over[0]) if over[0] > first[0] else int(over[0]) + 1


def fold(link: Link, project: int, before_ms: int, most: int) -> bool:
    """Sums older than `before_ms` lose their hour, about `most` at once; whether more are left."""
    (counters_from_ms,) = link.row("SELECT coalesce(counters_from_ms, ?) FROM project WHERE id = ?", (_NEVER, project))
    over = link.row(
        "SELECT from_ms FROM hour_total WHERE project = ? AND from_ms > ? AND from_ms <> ? AND from_ms < ?"
        " ORDER BY from_ms LIMIT 1 OFFSET ?",
        (project, _NO_HOUR, counters_from_ms, before_ms, most),
    )
    end_ms = before_ms if over is None else int(over[0]) + 1
    link.run(_FOLD, (counters_from_ms, project, end_ms))
    link.run(
        "DELETE FROM hour_total WHERE project = ? AND from_ms > ? AND from_ms <> ? AND from_ms < ?",
        (project, _NO_HOUR, counters_from_ms, end_ms),
    )
    return over is not None


def since(link: Link, project: int, from_ms: int) -> list[Archived]:
    """What was pruned that started at or after `from_ms`, by set of dimensions. `from_ms` is minus infinity, or from
    when on the project's counters count."""
    sums = ", ".join(f"sum({name})" for name in ARCHIVED)
    rows = link.rows(
        f"SELECT dims, {sums} FROM hour_total WHERE project = ? AND from_ms >= ? GROUP BY dims",  # noqa: S608 our own names only
        (project, from_ms),
    )
    tokens_end = 8 + len(TOKEN_COLUMNS)
    assert all(len(row) == tokens_end + len(DURATION_COLUMNS) + 1 for row in rows)
    return [Archived(row[0], join(row[1], row[2]), row[5], row[6], row[8:tokens_end], row[tokens_end:]) for row in rows]

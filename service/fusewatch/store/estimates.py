"""Estimates for usage without a price: the rows that have them, the price list they come from, and by which they were
formed."""

from collections.abc import Sequence

from fusewatch.domain.prices import ModelPrices
from fusewatch.ports import EstimatePlace, ModelList
from fusewatch.store import codec
from fusewatch.store.connection import Link
from fusewatch.store.rows import COLUMNS, DIMS, ESTIMATE, OBS, START, TRACE, LedgerRow

_ROWS = (
    f"SELECT {', '.join(COLUMNS)} FROM generation INDEXED BY generation_unpriced"  # noqa: S608 our own names only
    " WHERE project = ? AND counted = 1 AND pricing <> 0"
)
_ORDER = " ORDER BY start_ms, dims, trace, obs LIMIT ?"
_IN_WORK = "+"
"""Behind a revision: the walk that forms the estimates by it has begun, and not yet ended."""


def rows_after(link: Link, project: int, after: EstimatePlace | None, limit: int) -> list[LedgerRow]:
    """Counted rows without a whole price, in the order of `EstimatePlace`."""
    if after is None:
        return link.rows(f"{_ROWS}{_ORDER}", (project, limit))
    # The first comparison is all that the index can seek by; the second one is exact.
    behind = " AND start_ms >= ? AND (start_ms, dims, trace, obs) > (?, ?, ?, ?)"
    return link.rows(f"{_ROWS}{behind}{_ORDER}", (project, after[0], *after, limit))


def place_of(row: LedgerRow) -> EstimatePlace:
    return row[START], row[DIMS], row[TRACE], row[OBS]


def write(link: Link, project: int, rows: Sequence[LedgerRow]) -> None:
    link.run_many(
        "UPDATE generation SET estimate = ? WHERE project = ? AND start_ms = ? AND trace = ? AND obs = ?",
        [(row[ESTIMATE], project, row[START], row[TRACE], row[OBS]) for row in rows],
    )


def any_since(link: Link, project: int, from_ms: int) -> bool:
    """Whether any counted row without a whole price starts at `from_ms` or later."""
    query = (
        "SELECT 1 FROM generation INDEXED BY generation_unpriced"
        " WHERE project = ? AND start_ms >= ? AND counted = 1 AND pricing <> 0 LIMIT 1"
    )
    return link.row(query, (project, from_ms)) is not None


# ---------------------------------------------------------------- the price list


def models_ms(link: Link, project: int) -> int | None:
    at_ms: int | None
    (at_ms,) = link.row("SELECT models_ms FROM project WHERE id = ?", (project,))
    return at_ms


def models(link: Link, project: int) -> tuple[ModelPrices, ...]:
    (text,) = link.row("SELECT models FROM project WHERE id = ?", (project,))
    return codec.models_of(text) if text else ()


def put_models(link: Link, project: int, found: ModelList, at_ms: int) -> None:
    link.run("UPDATE project SET models = ?, models_ms = ? WHERE id = ?", (codec.encode(found.models), at_ms, project))


# ---------------------------------------------------------------- by which book they were formed


def begin(link: Link, project: int, revision: str) -> bool:
    """Note that the estimates are being formed by this book; False when all are already."""
    if _formed_by(link, project) == revision:
        return False
    _set(link, project, revision + _IN_WORK)
    return True


def end(link: Link, project: int, revision: str) -> bool:
    """All rows were walked through. False when somebody wrote rows by another book meanwhile: walk again."""
    if _formed_by(link, project) != revision + _IN_WORK:
        return False
    _set(link, project, revision)
    return True


def formed_by(link: Link, project: int, revision: str) -> None:
    """Rows were written whose estimates come from this book. If it is not the one that the others come from, they are
    all to be formed again."""
    if _formed_by(link, project).removesuffix(_IN_WORK) not in ("", revision):
        _set(link, project, "")


def _formed_by(link: Link, project: int) -> str:
    (revision,) = link.row("SELECT estimated_by FROM project WHERE id = ?", (project,))
    return str(revision)


def _set(link: Link, project: int, text: str) -> None:
    link.run("UPDATE project SET estimated_by = ? WHERE id = ?", (text, project))

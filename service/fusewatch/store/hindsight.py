"""What the ledger's rows sum to, and what of that was not known at an earlier instant."""

from collections.abc import Sequence

from fusewatch.domain.money import join
from fusewatch.domain.usage import UNKNOWN, Amounts
from fusewatch.ports import Sums
from fusewatch.store import projects
from fusewatch.store.connection import Link
from fusewatch.store.interning import Interning

_PARTS = ("1", "cost / 1000000", "cost % 1000000", "total", "estimate / 1000000", "estimate % 1000000")
_ROWS = (
    "SELECT dims, person, session, cost, total, coalesce(estimate, 0) AS estimate,"
    " coalesce(replaced_cost, 0) AS replaced, CASE WHEN seen_ms > ? THEN 1 ELSE 0 END AS late,"
    " CASE WHEN seen_ms <= ? AND changed_ms > ? AND replaced_cost IS NOT NULL THEN 1 ELSE 0 END AS changed"
    " FROM generation WHERE project = ? AND start_ms >= ? AND start_ms < ? AND counted = 1"
)


def _summed(flag: str) -> str:
    """The six sums of the rows with this flag: count, money in its two halves, tokens, our estimate in two halves."""
    return ", ".join(f"sum({flag} * ({part}))" for part in _PARTS)


def _query(who: str) -> str:
    by = "dims, person, session" if who else "dims"
    return (
        f"SELECT dims, {who or '0, 0'}, {_summed('1')}, {_summed('late')}, {_summed('changed')},"  # noqa: S608 our own names only
        f" sum(changed * (replaced / 1000000)), sum(changed * (replaced % 1000000)) FROM ({_ROWS}) AS r GROUP BY {by}"
    )


_BY_DIMS, _BY_PEOPLE = _query(""), _query("person, session")


def sums(link: Link, interning: Interning, from_ms: int, to_ms: int, *, known_ms: int, people: bool) -> Sequence[Sums]:
    """As `ports.ReadUnit.sums`."""
    found: list[Sums] = []
    for project, key in projects.keys(link).items():
        rows = link.rows(
            _BY_PEOPLE if people else _BY_DIMS,
            (known_ms, known_ms, known_ms, project, from_ms, to_ms),
        )
        dims = interning.dims({row[0] for row in rows})
        texts = interning.texts({text for row in rows for text in row[1:3]}) if people else {}
        found += [
            Sums(
                key,
                dims[row[0]],
                texts.get(row[1], UNKNOWN),
                texts.get(row[2], UNKNOWN),
                _amounts(*row[3:9]),
                _amounts(*row[9:15]),
                _amounts(*row[15:21]),
                join(*row[21:23]),
            )
            for row in rows
        ]
    return found


def _amounts(count: int, hi: int, lo: int, tokens: int, est_hi: int, est_lo: int) -> Amounts:
    return Amounts(join(hi, lo), tokens, count, join(est_hi, est_lo))

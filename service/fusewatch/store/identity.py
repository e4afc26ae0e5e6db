"""Where an observation was seen before: a version that starts at another instant has another place in the ledger.

`seen` maps the hash of an identity to the first start that came with it; `seen_more` holds the further ones, and the
rare identities that share a hash. A hit is verified against the ledger's own rows. Pruning forgets the starts of the
rows that it deletes, but for one that counted while other starts of it are known: it goes on to say that the
observation was counted.
"""

from collections.abc import Iterable
from operator import itemgetter

from fusewatch.domain.coverage import Span
from fusewatch.store import bulk
from fusewatch.store.connection import Link
from fusewatch.store.ids import identity_hash, identity_hashes, trace_hashes
from fusewatch.store.rows import OBS, SELECT, START, TRACE, LedgerRow

_PLACE = itemgetter(START, TRACE, OBS)
_STARTS_WITHIN = " UNION ALL ".join(
    f"SELECT 1 FROM {table} WHERE h64 BETWEEN ? AND ? AND start_ms >= ? AND start_ms < ?"  # noqa: S608 our own names only
    for table in ("seen", "seen_more")
)


def claim(link: Link, project: int, fresh: Iterable[LedgerRow]) -> set[int]:
    """Remember where these new rows of a project start; the hashes that are known with another start, or came with two.

    Sorted, because the index is far larger than what a batch touches of it. One statement both remembers and asks:
    only when it inserted less than it was given does anybody look further.
    """
    columns = tuple(zip(*map(_PLACE, fresh), strict=True))
    if not columns:
        return set()
    starts, traces, observations = columns
    claims = sorted(zip(identity_hashes(project, traces, observations), starts, strict=True))
    contested: set[int] = set()
    for chunk in bulk.chunks(claims, 1000):
        if bulk.insert_missing(link, "seen", ("h64", "start_ms"), chunk) == len(chunk):
            continue
        first = dict(bulk.select_in(link, "SELECT h64, start_ms FROM seen WHERE h64 IN", (), [h for h, _ in chunk]))
        others = [(h, start) for h, start in chunk if first[h] != start]
        bulk.insert_missing(link, "seen_more", ("h64", "start_ms"), others)
        contested.update(h for h, _ in others)
    return contested


def stored_versions(link: Link, project: int, trace: bytes, obs: bytes) -> dict[int, LedgerRow]:
    """The rows of one observation by their start, the one that counts and those that lost."""
    h64 = identity_hash(project, trace, obs)
    starts = link.rows(
        "SELECT start_ms FROM seen WHERE h64 = ? UNION SELECT start_ms FROM seen_more WHERE h64 = ?", (h64, h64)
    )
    versions = {}
    for (start,) in starts:
        row = link.row(
            f"{SELECT} WHERE project = ? AND start_ms = ? AND trace = ? AND obs = ?", (project, start, trace, obs)
        )
        if row is not None:
            versions[start] = row
    return versions


def of_trace(link: Link, project: int, trace: bytes) -> list[LedgerRow]:
    """All rows of a trace, those that lost included: its observations lie side by side in `seen`."""
    hashes = trace_hashes(project, trace)
    starts = link.rows(
        "SELECT start_ms FROM seen WHERE h64 BETWEEN ? AND ?"
        " UNION SELECT start_ms FROM seen_more WHERE h64 BETWEEN ? AND ?",
        (*hashes, *hashes),
    )
    found: list[LedgerRow] = []
    for (start,) in starts:
        found += link.rows(f"{SELECT} WHERE project = ? AND start_ms = ? AND trace = ?", (project, start, trace))
    return found


def starts_within(link: Link, project: int, trace: bytes, span: Span) -> bool:
    """Whether anything of the trace may start in the span; now and then it says so of one that shares its hash."""
    hashes = trace_hashes(project, trace)
    return link.row(_STARTS_WITHIN, (*hashes, *span, *hashes, *span)) is not None


def forget(link: Link, project: int, pruned: Iterable[tuple[bytes, bytes, int, int]]) -> None:
    """Forget where these rows (trace, observation, start, counted) started, which are being pruned."""
    places = sorted((identity_hash(project, trace, obs), start, counted) for trace, obs, start, counted in pruned)
    for chunk in bulk.chunks(places, 1024):
        query = "SELECT h64 FROM seen_more WHERE h64 IN"
        several = {h for (h,) in bulk.select_in(link, query, (), [h for h, _, _ in chunk])}
        alone = [(h, start) for h, start, _ in chunk if h not in several]
        link.run_many("DELETE FROM seen WHERE h64 = ? AND start_ms = ?", alone)
        for h, start, counted in chunk:
            if h in several and not counted:
                _forget_one_of_several(link, h, start)


def _forget_one_of_several(link: Link, h64: int, start_ms: int) -> None:
    if link.run("DELETE FROM seen_more WHERE h64 = ? AND start_ms = ?", (h64, start_ms)):
        return
    if not link.run("DELETE FROM seen WHERE h64 = ? AND start_ms = ?", (h64, start_ms)):
        return
    other = link.row("SELECT start_ms FROM seen_more WHERE h64 = ? ORDER BY start_ms LIMIT 1", (h64,))
    if other is not None:  # a hash is always known in `seen` first
        link.run("DELETE FROM seen_more WHERE h64 = ? AND start_ms = ?", (h64, other[0]))
        link.run("INSERT INTO seen (h64, start_ms) VALUES (?, ?)", (h64, other[0]))


def counted_below_floor(link: Link, project: int, trace: bytes, obs: bytes) -> bool:
    """Whether a version of the observation counts in the archive of pruned rows: none of the others may count again."""
    h64 = identity_hash(project, trace, obs)
    row = link.row(
        "SELECT 1 FROM project p WHERE p.id = ? AND"
        " (EXISTS (SELECT 1 FROM seen WHERE h64 = ? AND start_ms < p.floor_ms)"
        " OR EXISTS (SELECT 1 FROM seen_more WHERE h64 = ? AND start_ms < p.floor_ms))",
        (project, h64, h64),
    )
    return row is not None

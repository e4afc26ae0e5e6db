"""Where an observation was seen before: a version that starts at another instant has another place in the ledger.

`seen` maps the hash of an identity to the first start that came with it; `seen_more` holds the further ones, and the
rare identities that share a hash. Both only ever gain rows; a hit is verified against the ledger's own rows.
"""

from collections.abc import Iterable

from fusewatch.store import bulk
from fusewatch.store.connection import Link
from fusewatch.store.ids import identity_hash, trace_hashes
from fusewatch.store.rows import OBS, SELECT, START, TRACE, LedgerRow


def claim(link: Link, project: int, fresh: Iterable[LedgerRow]) -> set[int]:
    """Remember where these new rows of a project start; the hashes that are known with another start, or came with two.

    Sorted, because the index is far larger than what a batch touches of it. One statement both remembers and asks:
    only when it inserted less than it was given does anybody look further.
    """
    claims = sorted([(identity_hash(project, row[TRACE], row[OBS]), row[START]) for row in fresh])
    contested: set[int] = set()
    for chunk in bulk.chunks(claims, 1024):
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

"""The budget files that were in force: the last good one, and for `why` those before it."""

from collections.abc import Sequence

from fusewatch.ports import StoredRules
from fusewatch.store import codec
from fusewatch.store.connection import Link

KEPT = 200
"""How many versions stay: who edits the file every working day can ask about most of a year."""


def keep(link: Link, rules: StoredRules) -> None:
    """Remember a version that came into force; the same text again is no new version."""
    files = codec.encode(rules.files)
    row = link.row("SELECT id, files FROM rules_text ORDER BY id DESC LIMIT 1")
    if row is not None and row[1] == files:
        return
    number = 1 if row is None else row[0] + 1
    link.run("INSERT INTO rules_text (id, files, loaded_ms) VALUES (?, ?, ?)", (number, files, rules.loaded_ms))
    link.run("DELETE FROM rules_text WHERE id <= ?", (number - KEPT,))


def stored(link: Link) -> StoredRules | None:
    """The newest version."""
    return next(iter(_versions(link, 1)), None)


def versions(link: Link) -> Sequence[StoredRules]:
    """All that are kept, the newest first."""
    return _versions(link, KEPT)


def _versions(link: Link, limit: int) -> list[StoredRules]:
    rows = link.rows("SELECT files, loaded_ms FROM rules_text ORDER BY id DESC LIMIT ?", (limit,))
    return [StoredRules(codec.pairs_of(files), loaded_ms) for files, loaded_ms in rows]

"""The last good budget file."""

from fusewatch.ports import StoredRules
from fusewatch.store import codec
from fusewatch.store.connection import Link


def keep(link: Link, rules: StoredRules) -> None:
    link.run(
        "INSERT INTO rules_text (id, files, loaded_ms) VALUES (1, ?, ?) ON CONFLICT (id)"
        " DO UPDATE SET files = excluded.files, loaded_ms = excluded.loaded_ms",
        (codec.encode(rules.files), rules.loaded_ms),
    )


def stored(link: Link) -> StoredRules | None:
    row = link.row("SELECT files, loaded_ms FROM rules_text WHERE id = 1")
    return None if row is None else StoredRules(codec.pairs_of(row[0]), row[1])

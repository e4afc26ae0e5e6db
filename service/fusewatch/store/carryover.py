"""What a restored backup takes from the database that it replaces, where that can still be read: which messages were
delivered, who asked for silence, and how long Langfuse asked to be left alone.

The backup does not know of messages sent after it was taken. Their ids follow from what they say, so a message that is
worked out again after the restore meets its own id here and is not sent a second time.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fusewatch.store import codec
from fusewatch.store.schema import APPLICATION_ID
from fusewatch.store.told_before import FACT, ids_in

_WHOLE = ("silence", "rate_limit")
"""Tables whose rows have an id of their own; the newer state of each row wins."""

_TAKEN = (*_WHOLE, "delivery")


@dataclass(frozen=True, slots=True)
class Carried:
    """`readable` is whether there was a replaced database that could be read; `sent` messages are known as delivered
    that the backup did not know as such; so many `silences` are in force or over that it did not have."""

    readable: bool = False
    sent: int = 0
    silences: int = 0


def carry_over(replaced: Path, draft: Path) -> Carried:
    """Write into `draft`, in one transaction, what `replaced` knows; nothing when that is missing or damaged."""
    if not replaced.exists():
        return Carried()
    with closing(sqlite3.connect(draft, isolation_level=None)) as link:
        try:
            link.execute("ATTACH DATABASE ? AS old", (str(replaced),))
            if link.execute("PRAGMA old.application_id").fetchone()[0] != APPLICATION_ID:
                return Carried()
            if any(link.execute(f"PRAGMA old.quick_check({table})").fetchone()[0] != "ok" for table in _TAKEN):
                return Carried()
            link.execute("BEGIN IMMEDIATE")
            silences = link.execute("SELECT count(*) FROM main.silence").fetchone()[0]
            for table in _WHOLE:
                names = ", ".join(_shared(link, table))
                link.execute(f"INSERT OR REPLACE INTO main.{table} ({names}) SELECT {names} FROM old.{table}")  # noqa: S608 our own names
            more = link.execute("SELECT count(*) FROM main.silence").fetchone()[0] - silences
            sent = _sent(link)
            link.execute("COMMIT")
        except sqlite3.Error:  # damaged, or so old that it lacks a table: the backup stands as it is
            if link.in_transaction:
                link.execute("ROLLBACK")
            return Carried()
    return Carried(True, sent, more)


def _sent(link: sqlite3.Connection) -> int:
    """Take over the deliveries that were sent; how many of them the backup did not know as sent."""
    _remember_notices(link)
    known = link.execute(
        "UPDATE main.delivery SET state = 'sent', claimed_until_ms = NULL, holder = '', reason = '', text = '',"
        " ended_ms = o.ended_ms, reference = o.reference FROM old.delivery AS o"
        " WHERE o.id = main.delivery.id AND o.state = 'sent' AND main.delivery.state <> 'sent'"
    ).rowcount
    names = ", ".join(name for name in _shared(link, "delivery") if name != "seq")
    new = link.execute(
        f"INSERT INTO main.delivery ({names}) SELECT {names} FROM old.delivery WHERE state = 'sent'"  # noqa: S608 our own names
        " AND id NOT IN (SELECT id FROM main.delivery) ORDER BY seq"
    ).rowcount
    return int(known + new)


def _remember_notices(link: sqlite3.Connection) -> None:
    """Note the identity of every notice in the messages that the backup does not know as sent."""
    found = link.execute("SELECT value FROM main.meta WHERE name = ?", (FACT,)).fetchone()
    told = set(codec.strings_of(found[0])) if found else set()
    for (text,) in link.execute(
        "SELECT message FROM old.delivery WHERE state = 'sent'"
        " AND id NOT IN (SELECT id FROM main.delivery WHERE state = 'sent')"
    ):
        try:
            told.update(ids_in(codec.message_of(text)))
        except msgspec.MsgspecError:  # written by another version: it may be told again
            continue
    row = (FACT, codec.encode(tuple(sorted(told))))
    link.execute("INSERT OR REPLACE INTO main.meta (name, value) VALUES (?, ?)", row)


def _shared(link: sqlite3.Connection, table: str) -> list[str]:
    """The columns of a table that both schemas have."""
    old = {row[1] for row in link.execute(f"PRAGMA old.table_info({table})")}
    return [row[1] for row in link.execute(f"PRAGMA main.table_info({table})") if row[1] in old]

"""Silences: who asked for quiet about what, and until when. They are kept after their end, to be looked up."""

from collections.abc import Sequence
from typing import Any

from fusewatch.domain.silences import Silence
from fusewatch.store import codec
from fusewatch.store.connection import Link

_COLUMNS = "id, matchers, starts_ms, ends_ms, author, comment, ended_ms"
"""In the order of the fields of a `Silence`."""


def add(link: Link, silence: Silence) -> None:
    link.run(
        f"INSERT INTO silence ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",  # noqa: S608 no input in it
        (
            silence.id,
            codec.encode(silence.matchers),
            silence.starts_ms,
            silence.ends_ms,
            silence.author,
            silence.comment,
            silence.ended_ms,
        ),
    )


def end(link: Link, silence_id: str, at_ms: int) -> Silence | None:
    link.run(
        "UPDATE silence SET ended_ms = ? WHERE id = ? AND ended_ms IS NULL AND ends_ms > ?", (at_ms, silence_id, at_ms)
    )
    row = link.row(f"SELECT {_COLUMNS} FROM silence WHERE id = ?", (silence_id,))  # noqa: S608 no input in it
    return None if row is None else _silence(row)


def listed(link: Link, active_at_ms: int | None) -> Sequence[Silence]:
    """Those that are active then, or all; the one that ends last first."""
    if active_at_ms is None:
        rows = link.rows(f"SELECT {_COLUMNS} FROM silence ORDER BY ends_ms DESC, id")  # noqa: S608 no input in it
        return [_silence(row) for row in rows]
    rows = link.rows(
        f"SELECT {_COLUMNS} FROM silence WHERE ends_ms > ? ORDER BY ends_ms DESC, id",  # noqa: S608 no input in it
        (active_at_ms,),
    )
    return [silence for silence in map(_silence, rows) if silence.is_active(active_at_ms)]


def rewrite(link: Link, silence: Silence) -> None:
    """Put other matchers and another comment in place of those that it has."""
    link.run(
        "UPDATE silence SET matchers = ?, comment = ? WHERE id = ?",
        (codec.encode(silence.matchers), silence.comment, silence.id),
    )


def _silence(row: tuple[Any, ...]) -> Silence:
    return Silence(row[0], codec.matchers_of(row[1]), *row[2:])

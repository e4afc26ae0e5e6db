"""Many rows at once: statements with several rows of VALUES, in sizes that repeat so that they stay prepared.

A row costs about 2 µs this way, 5 with the driver's `executemany` and 9 through SQLAlchemy's own insert.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from itertools import count as counting
from typing import Any, TypeVar

from fusewatch.store.connection import Link

T = TypeVar("T")

_MAX_VARIABLES = 4000
"""SQLite takes 32,766. Twice as many gained nothing, and a prepared statement is held with all its variables."""

_FEWEST_ALIKE = 50


def insert(link: Link, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows that are known to be new."""
    _write(link, table, columns, "", rows)


def insert_alike(
    link: Link, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], alike: frozenset[str]
) -> None:
    """`insert` where in most batches the columns `alike` hold one value: that is given once, not with every row.

    Of the 27 columns of a ledger row half are such, and giving a column takes as long as storing it.
    """
    places = tuple(i for i, name in enumerate(columns) if name in alike)
    # 1 and True are equal, and so are 1 and 1.0: no column holds more than one kind of value.
    for at, size in _pieces(len(rows), _MAX_VARIABLES // len(columns)):
        values = list(zip(*rows[at : at + size], strict=True))
        same = tuple([i for i in places if values[i].count(values[i][0]) == size]) if size >= _FEWEST_ALIKE else ()
        given = [values[i][0] for i in same]
        for i in reversed(same):
            del values[i]
        link.run(
            _statement_alike(table, columns, same, size), (*given, *chain.from_iterable(zip(*values, strict=True)))
        )


def insert_missing(link: Link, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> int:
    """Insert the rows whose key is not there yet; how many those were."""
    return _write(link, table, columns, " ON CONFLICT DO NOTHING", rows)


def replace(
    link: Link, table: str, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows, or set all their other columns where the key is there already."""
    changes = ", ".join(f"{c} = excluded.{c}" for c in columns if c not in key)
    _write(link, table, columns, f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}", rows)


def add(
    link: Link, table: str, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows, or add their other columns to what the key holds already."""
    changes = ", ".join(f"{c} = {table}.{c} + excluded.{c}" for c in columns if c not in key)
    _write(link, table, columns, f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}", rows)


def select_in(link: Link, sql: str, before: Sequence[object], values: Iterable[object]) -> Iterator[Any]:
    """The rows of a query that ends with `IN`, asked for a few hundred values at a time."""
    for chunk in chunks(values, 500):
        # A list is padded to one of a few lengths, so that the statement stays prepared; repeating a value is harmless.
        size = _size_for(len(chunk))
        padded = (*before, *chunk, *(chunk[-1:] * (size - len(chunk))))
        yield from link.rows(f"{sql} ({', '.join('?' * size)})", padded)


def chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _size_for(count: int) -> int:
    return next(size for size in (1, 8, 32, 128, 500) if size >= count)


def _write(link: Link, table: str, columns: tuple[str, ...], conflict: str, rows: Sequence[tuple[Any, ...]]) -> int:
    changed = 0
    for at, size in _pieces(len(rows), _MAX_VARIABLES // len(columns)):
        sql = _statement(table, columns, conflict, size)
        changed += link.run(sql, tuple(chain.from_iterable(rows[at : at + size])))
    return changed


def _pieces(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Where each statement's rows begin, and how many they are."""
    at = 0
    while at < count:
        while size > count - at:
            size = max(size // 4, 1)
        yield at, size
        at += size


@lru_cache(maxsize=256)
def _statement(table: str, columns: tuple[str, ...], conflict: str, count: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    values = ", ".join([row] * count)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}{conflict}"  # noqa: S608 our own names only


@lru_cache(maxsize=64)
def _statement_alike(table: str, columns: tuple[str, ...], same: tuple[int, ...], count: int) -> str:
    """The first variables stand in every row."""
    variables = counting(len(same) + 1)
    rows = [
        f"({', '.join(f'?{same.index(i) + 1 if i in same else next(variables)}' for i in range(len(columns)))})"
        for _ in range(count)
    ]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join(rows)}"  # noqa: S608 our own names only

"""A table in somebody's database, whichever kind it is: made by us, marked as ours, and never anybody else's."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Protocol, TypeVar

from fusewatch.errors import Permanent
from fusewatch.ports import Cell, Cells, Column, Record

T = TypeVar("T")

AT_ONCE = 1_000
HOUR_MS = 3_600_000
_OURS, _HOURS = "fusewatch_export", "fusewatch_export_hour"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,54}")


class Database(Protocol):
    """What SQLite and PostgreSQL do each in their own way. Statements have `?` for their parameters."""

    def transaction(self) -> AbstractContextManager[None]:
        """Everything within it, or nothing."""

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None: ...

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None: ...

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Sequence[Sequence[object]]: ...

    def exists(self, table: str) -> bool: ...

    def columns(self, column: Column) -> Sequence[tuple[str, str]]:
        """(name, type) of the columns that hold one column of an export."""

    def values(self, column: Column, cells: Sequence[Cell]) -> Sequence[Sequence[object]]:
        """What stands in those columns for these cells, column by column."""

    def close(self) -> None: ...


def quoted(name: str) -> str:
    """A name as SQL takes it, `schema.table` included. Permanent for one that is no plain name."""
    parts = name.split(".")
    if len(parts) > 2 or not all(_NAME.fullmatch(part) for part in parts):
        raise Permanent("bad_table", f"{name} is no name of a table; write letters, digits and _, as llm_spend")
    return ".".join(f'"{part}"' for part in parts)


class SqlTable:
    """Implements `ports.TableTarget`."""

    def __init__(self, database: Database, table: str) -> None:
        self._db = database
        self._name = table
        self._table = quoted(table)
        self._made = False

    def replace(
        self,
        columns: Sequence[Column],
        key: Sequence[str],
        records: Iterable[Record],
        *,
        within: str,
        values: Sequence[str],
    ) -> int:
        with self._db.transaction():
            self._prepare(columns, key)
            if within:
                for chunk in _chunks(values, AT_ONCE):
                    self._db.run_many(f"DELETE FROM {self._table} WHERE {quoted(within)} = ?", [(v,) for v in chunk])  # noqa: S608 checked names
            else:
                self._db.run(f"DELETE FROM {self._table}")  # noqa: S608 checked names
            return self._insert(columns, key, records)

    def hours(self, columns: Sequence[Column], key: Sequence[str]) -> Mapping[tuple[str, int], str]:
        with self._db.transaction():
            self._prepare(columns, key)
            # Without it every hour that is written would look through the whole table.
            index = quoted(f"{self._name.rpartition('.')[2]}_start")
            self._db.run(f'CREATE INDEX IF NOT EXISTS {index} ON {self._table} ("project_key", "start")')
            rows = self._db.rows(f"SELECT project, hour_ms, mark FROM {_HOURS} WHERE name = ?", (self._name,))  # noqa: S608 our own names only
        return {(str(project), int(str(hour_ms))): str(mark) for project, hour_ms, mark in rows}

    def put_hour(
        self, columns: Sequence[Column], place: tuple[str, int], mark: str | None, records: Iterable[Record]
    ) -> int:
        project, hour_ms = place
        start = Column("start", Cells.TIME)
        (bounds,) = self._db.values(start, [hour_ms, hour_ms + HOUR_MS])
        key = ("project_key", "trace_id", "id")
        with self._db.transaction():
            self._db.run(
                f'DELETE FROM {self._table} WHERE "project_key" = ? AND "start" >= ? AND "start" < ?',  # noqa: S608 checked names
                (project, *bounds),
            )
            self._db.run(f"DELETE FROM {_HOURS} WHERE name = ? AND project = ? AND hour_ms = ?", (self._name, *place))  # noqa: S608 our own names only
            if mark is not None:
                self._db.run(
                    f"INSERT INTO {_HOURS} (name, project, hour_ms, mark) VALUES (?, ?, ?, ?)",  # noqa: S608 our own names only
                    (self._name, *place, mark),
                )
            return self._insert(columns, key, records)

    def close(self) -> None:
        self._db.close()

    def _prepare(self, columns: Sequence[Column], key: Sequence[str]) -> None:
        """Make the table where it is missing. Permanent for one that is not ours, or that has other columns."""
        db = self._db
        db.run(f"CREATE TABLE IF NOT EXISTS {_OURS} (name text PRIMARY KEY, columns text NOT NULL)")
        db.run(
            f"CREATE TABLE IF NOT EXISTS {_HOURS} (name text NOT NULL, project text NOT NULL, hour_ms bigint NOT NULL,"
            " mark text NOT NULL, PRIMARY KEY (name, project, hour_ms))"
        )
        wanted = f"{','.join(key)}: {','.join(column.name for column in columns)}"
        known = db.rows(f"SELECT columns FROM {_OURS} WHERE name = ?", (self._name,))  # noqa: S608 our own names only
        there = db.exists(self._name)
        if there and not known:
            raise Permanent("foreign_table", f"the table {self._name} is there and not made by us; name another one")
        if there and known[0][0] == wanted:
            return
        if there:
            held = str(known[0][0]).partition(": ")[2]
            raise Permanent(
                "other_columns",
                f"the table {self._name} has the columns {held}; name another table, or drop that one first",
            )
        made = [f"{quoted(name)} {kind}" for column in columns for name, kind in db.columns(column)]
        if key:
            made.append(f"PRIMARY KEY ({', '.join(map(quoted, key))})")
        db.run(f"CREATE TABLE {self._table} ({', '.join(made)})")
        db.run(f"DELETE FROM {_OURS} WHERE name = ?", (self._name,))  # noqa: S608 our own names only
        db.run(f"DELETE FROM {_HOURS} WHERE name = ?", (self._name,))  # noqa: S608 our own names only
        db.run(f"INSERT INTO {_OURS} (name, columns) VALUES (?, ?)", (self._name, wanted))  # noqa: S608 our own names only

    def _insert(self, columns: Sequence[Column], key: Sequence[str], records: Iterable[Record]) -> int:
        names = [name for column in columns for name, _ in self._db.columns(column)]
        sql = f"INSERT INTO {self._table} ({', '.join(map(quoted, names))}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 checked names
        if key:
            changes = ", ".join(f"{quoted(n)} = excluded.{quoted(n)}" for n in names if n not in key)
            sql += f" ON CONFLICT ({', '.join(map(quoted, key))}) DO UPDATE SET {changes}"
        count = 0
        for chunk in _chunks(records, AT_ONCE):
            by_column = zip(columns, zip(*chunk, strict=True), strict=True)
            values = [shown for column, cells in by_column for shown in self._db.values(column, cells)]
            self._db.run_many(sql, list(zip(*values, strict=True)))
            count += len(chunk)
        return count


def _chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk

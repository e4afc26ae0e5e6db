"""Tables in an SQLite file."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fusewatch.domain.money import usd_json
from fusewatch.errors import Permanent, Retryable
from fusewatch.export.instants import iso
from fusewatch.export.sqltable import SqlTable
from fusewatch.ports import Cell, Cells, Column

_MOST = 2**63 - 1
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def open_sqlite(path: str, table: str) -> SqlTable:
    """The table in that file, which is made where it is missing. The file of our own database is refused."""
    with _explained(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=10.0)
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application == 0x46555345:
            connection.close()
            raise Permanent("own_database", f"{path} is Fusewatch's own database; name another file")
    return SqlTable(SqliteDatabase(connection, path), table)


class SqliteDatabase:
    """Implements `sqltable.Database`.

    SQLite has no exact decimals: money stands as text in USD, and beside it as whole 1e-12 USD for sums, under the name
    of the column with `_usd` replaced by `_pico`; that is NULL above nine million dollars, which 64 bits do not hold.
    """

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with _explained(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        self._connection.execute(sql, parameters)

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None:
        self._connection.executemany(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Sequence[Sequence[object]]:
        return self._connection.execute(sql, parameters).fetchall()

    def exists(self, table: str) -> bool:
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?", (table,)))

    def columns(self, column: Column) -> Sequence[tuple[str, str]]:
        match column.cells:
            case Cells.NUMBER:
                return [(column.name, "integer")]
            case Cells.MONEY:
                return [(column.name, "text"), (_pico(column.name), "integer")]
            case Cells.TEXT | Cells.TIME:
                return [(column.name, "text")]

    def values(self, column: Column, cells: Sequence[Cell]) -> Sequence[Sequence[object]]:
        match column.cells:
            case Cells.MONEY:
                picos = [cell if isinstance(cell, int) else None for cell in cells]
                return [
                    [None if pico is None else usd_json(pico) for pico in picos],
                    [None if pico is None or abs(pico) > _MOST else pico for pico in picos],
                ]
            case Cells.TIME:
                return [[iso(cell) if isinstance(cell, int) else cell for cell in cells]]
            case Cells.NUMBER | Cells.TEXT:
                return [cells]

    def close(self) -> None:
        self._connection.close()


def _pico(name: str) -> str:
    return f"{name.removesuffix('_usd')}_pico"


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY:
            raise Retryable("locked", f"{path} is locked by another writer") from error
        raise Permanent("cannot_write", f"cannot write {path}: {error}") from error

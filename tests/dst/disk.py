"""The disk under the database: it gets full, it fails, and at a chosen statement the process ends."""

import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import sqlalchemy as sa

from tests.dst.history import Fault
from tests.dst.universe import Killed, Universe

_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "COMMIT", "CREATE", "BEGIN IMMEDIATE")


@dataclass(slots=True)
class Disk:
    """What happens to statements. `fatal_at` is the number of the statement that the process does not survive;
    `after` says that it was still executed."""

    universe: Universe
    full: tuple[Fault, ...]
    dice: random.Random
    die: Callable[[str], None]
    statements: int = 0
    fatal_at: int | None = None
    after: bool = False
    dead: bool = False
    refused: int = 0
    open: list[sqlite3.Connection] = field(default_factory=list)

    def before(self, connection: sqlite3.Connection, sql: str) -> None:
        if self.dead:
            raise Killed
        self.statements += 1
        if self.statements == self.fatal_at and not self.after:
            self.die(f"before {sql[:60]!r}")
        now_ms = self.universe.true_ms()
        for fault in self.full:
            if fault.at_ms <= now_ms < fault.until_ms and sql.startswith(_WRITES):
                self._refuse(connection, fault)

    def done(self, sql: str) -> None:
        if self.statements == self.fatal_at and self.after and not self.dead:
            self.die(f"after {sql[:60]!r}")

    def _refuse(self, connection: sqlite3.Connection, fault: Fault) -> None:
        """`number` is how many of a hundred writes fail. SQLite may or may not have rolled back by itself."""
        if self.dice.randrange(100) >= fault.number:
            return
        self.refused += 1
        if connection.in_transaction and self.dice.random() < 0.5:
            connection.rollback()
        code, text = (sqlite3.SQLITE_FULL, "database or disk is full")
        if fault.text == "ioerr":
            code, text = (sqlite3.SQLITE_IOERR, "disk I/O error")
        error = sqlite3.OperationalError(text)
        error.sqlite_errorcode = code
        raise error


_mounted: list[Disk] = []


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        disk = _mounted[-1]
        disk.before(self.connection, sql)
        super().execute(sql, parameters)
        disk.done(sql)
        return self

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Self:
        disk = _mounted[-1]
        disk.before(self.connection, sql)
        super().executemany(sql, parameters)
        disk.done(sql)
        return self


class _Connection(sqlite3.Connection):
    """The driver's own `execute` goes past the cursor that we give it."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        disk = _mounted[-1]
        disk.before(self, sql)
        cursor = super().execute(sql, parameters)
        disk.done(sql)
        return cursor

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        disk = _mounted[-1]
        disk.before(self, sql)
        cursor = super().executemany(sql, parameters)
        disk.done(sql)
        return cursor

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)


def _connect(_dialect: object, _record: object, _args: object, parameters: dict[str, Any]) -> None:
    parameters["factory"] = _Connection


@contextmanager
def mounted(disk: Disk) -> Iterator[None]:
    """Every database that SQLAlchemy opens in here lies on this disk."""
    sa.event.listen(sa.Engine, "do_connect", _connect)
    _mounted.append(disk)
    try:
        yield
    finally:
        _mounted.pop()
        sa.event.remove(sa.Engine, "do_connect", _connect)

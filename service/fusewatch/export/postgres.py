"""Tables in PostgreSQL, through psycopg (the extra `postgres`). Imported only when one is to be written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from fusewatch.domain.money import pico_to_decimal
from fusewatch.errors import Permanent, Retryable
from fusewatch.export.instants import utc
from fusewatch.export.sqltable import SqlTable, quoted
from fusewatch.ports import Cell, Cells, Column

TIMEOUT_S = 10
_TYPES = {Cells.TEXT: "text", Cells.NUMBER: "bigint", Cells.MONEY: "numeric(38, 12)", Cells.TIME: "timestamptz"}


def open_postgres(url: str, table: str) -> SqlTable:
    """The table in the database that the address names; what the address lacks comes from PGHOST, PGPASSWORD and their
    like, as with psql."""
    quoted(table)
    try:
        info = psycopg.conninfo.make_conninfo(url.replace("postgres://", "postgresql://", 1))
    except psycopg.ProgrammingError as error:
        # The text of that error may show the address with its password.
        raise Permanent(
            "bad_address", "the address of PostgreSQL cannot be read; write postgresql://user@host/name"
        ) from error
    with _explained():
        connection = psycopg.connect(
            info, connect_timeout=TIMEOUT_S, autocommit=True, application_name="fusewatch export"
        )
    return SqlTable(PostgresDatabase(connection), table)


class PostgresDatabase:
    """Implements `sqltable.Database`. Money is numeric(38, 12), exact in every sum; instants are timestamptz."""

    def __init__(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with _explained(), self._connection.transaction():
            yield

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        self._connection.execute(_own(sql), parameters)

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(_own(sql), parameters)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Sequence[Sequence[object]]:
        return self._connection.execute(_own(sql), parameters).fetchall()

    def exists(self, table: str) -> bool:
        return self.rows("SELECT to_regclass(?)", (quoted(table),))[0][0] is not None

    def columns(self, column: Column) -> Sequence[tuple[str, str]]:
        return [(column.name, _TYPES[column.cells])]

    def values(self, column: Column, cells: Sequence[Cell]) -> Sequence[Sequence[object]]:
        match column.cells:
            case Cells.TEXT:  # PostgreSQL's text holds every character but this one
                return [[cell.replace("\0", "�") if isinstance(cell, str) else cell for cell in cells]]
            case Cells.MONEY:
                return [[pico_to_decimal(cell) if isinstance(cell, int) else cell for cell in cells]]
            case Cells.TIME:
                return [[utc(cell) if isinstance(cell, int) else cell for cell in cells]]
            case Cells.NUMBER:
                return [cells]

    def close(self) -> None:
        self._connection.close()


def _own(sql: str) -> bytes:
    """With psycopg's own sign for parameters; as bytes, since it takes no text that was put together."""
    return sql.replace("?", "%s").encode()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        raise Retryable("unreachable", f"PostgreSQL cannot be used now: {' '.join(str(error).split())}") from error
    except psycopg.Error as error:
        raise Permanent("refused", f"PostgreSQL refuses: {' '.join(str(error).split())}") from error

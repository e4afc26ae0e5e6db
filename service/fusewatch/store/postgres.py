"""The way to a PostgreSQL server: its connections and their settings, and what its errors mean for us.

Writers run at READ COMMITTED and take an advisory lock as their first statement. At that level every later statement
sees all that was committed when it began, so who holds the lock sees what all holders before it wrote, and may read and
then write as if it were alone. A stricter level would take its snapshot with the statement that waits for the lock, and
see less. Readers take one snapshot for all they ask: REPEATABLE READ, READ ONLY.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Format, TransactionStatus
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import StrDumperUnknown

from fusewatch.errors import ConfigError, Problem, StoreBusy, StoreError, StoreFull, StoreLost, StoreUnusable
from fusewatch.store.link import Lock, number_of

NAMESPACE = 0x46555345
"""The first half of our advisory locks ("FUSE"), so that they are not somebody else's."""

LEAST_VERSION = 13
_SCHEMES = re.compile(r"^(postgres|postgresql)(\+psycopg)?://", re.IGNORECASE)
_SETTINGS = {
    # A process that was paused in the middle of a unit must not keep all others from writing.
    "idle_in_transaction_session_timeout": "8s",
    # The same where it sits in front of an answer that nobody reads, or its machine is gone.
    "tcp_user_timeout": "10s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "TimeZone": "UTC",
}
_READING = _SETTINGS | {"idle_in_transaction_session_timeout": "5min"}
_CONNECTING: dict[str, Any] = {
    "client_encoding": "UTF8",
    "connect_timeout": 5,
    "fallback_application_name": "fusewatch",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


# ---------------------------------------------------------------- the address


class Address:
    """Where the database is. Its text and its errors never show the password."""

    def __init__(self, url: str) -> None:
        """ConfigError for what cannot be meant."""
        try:
            asked = conninfo_to_dict(_SCHEMES.sub("postgresql://", url))
        except psycopg.Error:
            raise wrong_url("not a PostgreSQL URL") from None  # the driver's own message repeats what it was given
        host = str(asked.get("host") or asked.get("hostaddr") or "the local socket")
        port = str(asked.get("port") or "").strip(",")
        name = str(asked.get("dbname") or asked.get("user") or "")
        # What stands in these may be a part of the password, so nothing of it is shown.
        if "@" in host + name or port.strip(",0123456789"):
            raise wrong_url("not a PostgreSQL URL: a sign in the user or the password has to be written otherwise")
        self.place = f"PostgreSQL at {host}{port and f':{port}'}/{name}"
        self._conninfo = make_conninfo("", **_CONNECTING | asked)

    def connect(self, settings: dict[str, str]) -> "psycopg.Connection[tuple[Any, ...]]":
        connection: psycopg.Connection[tuple[Any, ...]] = psycopg.connect(self._conninfo, autocommit=True)
        connection.prepared_max = 400
        adapters = connection.adapters
        adapters.register_dumper(int, Int8BinaryDumper)
        adapters.register_dumper(bool, _BoolAsNumber)
        adapters.register_dumper(str, _Text)
        adapters.register_loader("numeric", _WholeNumber)
        try:
            connection.execute("; ".join(f"SET {name} = '{value}'" for name, value in settings.items()).encode())
            if connection.info.server_version < LEAST_VERSION * 10_000:
                raise StoreUnusable(f"{self.place} is older than PostgreSQL {LEAST_VERSION}; upgrade the server")
        except BaseException:
            connection.close()
            raise
        return connection


def wrong_url(what: str) -> ConfigError:
    right = "write postgresql://user:password@host/database, with %40 for @ and %2F for / inside the password"
    return ConfigError([Problem("FUSEWATCH_DATABASE_URL", 0, "", what, right)])


# ---------------------------------------------------------------- values


class _BoolAsNumber(Dumper):
    """Truth is a number in every table."""

    format = Format.BINARY
    oid = psycopg.adapters.types["int8"].oid

    def dump(self, obj: bool) -> Buffer:
        return b"\0\0\0\0\0\0\0" + (b"\1" if obj else b"\0")


class _Text(StrDumperUnknown):
    """PostgreSQL keeps no NUL in a text. Names hold none (`domain.attribution`), so this is for what others tell us."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)


class _WholeNumber(Loader):
    """Every sum of ours is one of integers, which PostgreSQL makes a `numeric`."""

    format = Format.TEXT

    def load(self, data: Buffer) -> int:
        return int(bytes(data))


# ---------------------------------------------------------------- statements

_PARTS = re.compile(r"\?(\d*)|\binstr\(| INDEXED BY \w+")


@lru_cache(maxsize=4096)
def translated(sql: str) -> bytes:
    """A portable statement in the words of PostgreSQL. No string of ours holds a question mark."""
    count = 0

    def word(found: re.Match[str]) -> str:
        nonlocal count
        if found[0][0] == "?":
            count += 1
            return f"${found[1] or count}"
        return "strpos(" if found[0] == "instr(" else ""

    return _PARTS.sub(word, sql).encode()


class PostgresLink:
    """Implements `link.Link` over one connection."""

    leaving = False

    def __init__(self, address: Address, *, busy_timeout_ms: int, reading: bool = False) -> None:
        settings = _READING if reading else _SETTINGS
        self.driver = address.connect({**settings, "lock_timeout": f"{busy_timeout_ms}ms"})
        self._cursor: psycopg.RawCursor[tuple[Any, ...]] = psycopg.RawCursor(self.driver)
        self._written = 0

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        cursor = self._cursor.execute(translated(sql), parameters)
        found = cursor.fetchall()
        if not sql.startswith("SELECT"):
            self._written += cursor.rowcount
        return found

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        return self._cursor.execute(translated(sql), parameters).fetchone()

    def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
        changed = self._cursor.execute(translated(sql), parameters).rowcount
        self._written += max(changed, 0)
        return changed

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None:
        # Not `executemany`: its pipeline leaves the connection unusable after an error in the middle.
        statement = translated(sql)
        for each in parameters:
            self._written += max(self._cursor.execute(statement, each).rowcount, 0)

    def written(self) -> int:
        return self._written

    def foreign_version(self) -> int:
        row = self.row("SELECT value FROM meta WHERE name = 'version'")
        return 0 if row is None else int(row[0])

    def begin(self, lock: Lock) -> None:
        self._cursor.execute(b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        if lock is not Lock.NONE:
            self._cursor.execute(b"SELECT pg_advisory_xact_lock($1::int, $2::int)", (NAMESPACE, int(lock)))

    def begin_reading(self) -> None:
        self._cursor.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def commit(self) -> None:
        self._cursor.execute(b"COMMIT")

    def roll_back(self) -> None:
        if self.driver.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            self._cursor.execute(b"ROLLBACK")

    def alone(self, name: str) -> None:
        self._cursor.execute(b"SELECT pg_advisory_xact_lock($1::int, $2::int)", (NAMESPACE + 1, number_of(name)))

    def skip_locked(self) -> str:
        return " FOR UPDATE SKIP LOCKED"

    def is_broken(self) -> bool:
        return self.driver.closed or self.driver.info.transaction_status is TransactionStatus.UNKNOWN

    def close(self) -> None:
        self.driver.close()


# ---------------------------------------------------------------- errors

_AGAIN = {
    "40001": "two units of work got in each other's way",
    "40P01": "two units of work waited for each other",
    "25P03": "a unit of work stood still for too long and was ended",
    "57P01": "the server ended the connection",
    "57P02": "the server ended the connection",
    "57P03": "the server is starting, stopping or catching up",
    "53300": "the server takes no more connections; raise max_connections, or run fewer replicas",
    "25006": "the server takes no writes now: it is a standby, or read-only; name the primary, or several hosts with"
    " ?target_session_attrs=read-write",
}
_NOT_WRITABLE = {
    "53100": "free some space on its disk",
    "53200": "the server is out of memory",
    "42501": "the user needs rights: GRANT CREATE, USAGE ON SCHEMA public TO the user, and let it own the tables",
    "3F000": "there is no schema to make tables in; create one, or set search_path for the user",
    "58030": "look at the server's disk",
}
_UNUSABLE = {
    "28P01": "the password is wrong; correct FUSEWATCH_DATABASE_URL",
    "28000": "the server refuses this user from here; look at its pg_hba.conf",
    "3D000": "there is no such database; make it: CREATE DATABASE … OWNER …",
    "42P01": "a table is missing; restore a backup, or name an empty database",
    "42703": "a column is missing; restore a backup, or name an empty database",
    "XX001": "the server reports damaged data; restore a backup",
    "XX002": "the server reports a damaged index; REINDEX it, or restore a backup",
}
_WORDS_OF_REFUSAL = (
    ("password authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ("no pg_hba.conf entry", "28000"),
    ('role "', "28000"),
    ('database "', "3D000"),
    ("too many clients", "53300"),
    ("remaining connection slots", "53300"),
    ("the database system is", "57P03"),
    ("session is read-only", "25006"),
    ("not accepting", "57P03"),
)
"""libpq tells no code for what a server said before a session began."""


def explain(error: BaseException, place: str) -> StoreError | None:
    """What a driver's error means, with the place and what to do; None when it is a mistake of ours."""
    if not isinstance(error, psycopg.Error):
        return None
    said = _first_line(error)
    code = error.sqlstate or next((code for words, code in _WORDS_OF_REFUSAL if words in str(error)), "")
    meaning: StoreError | None = None
    if code == "55P03":
        meaning = StoreBusy(f"{place} is locked by another writer ({said})")
    elif code in _AGAIN:
        meaning = StoreLost(f"{place}: {_AGAIN[code]} ({said})")
    elif code in _NOT_WRITABLE:
        meaning = StoreFull(f"cannot write {place}: {said}; {_NOT_WRITABLE[code]}")
    elif code in _UNUSABLE:
        meaning = StoreUnusable(f"{place} cannot be used: {said}; {_UNUSABLE[code]}")
    elif code == "0A000" and "cached plan" in said:
        meaning = StoreLost(f"{place}: the schema has just been changed ({said})")
    elif code.startswith("08") or (not code and isinstance(error, psycopg.OperationalError)):
        meaning = StoreLost(f"{place} cannot be reached, or the connection was lost ({said})")
    return meaning


def _first_line(error: psycopg.Error) -> str:
    primary = error.diag.message_primary or str(error)
    return " ".join(primary.split("\n")[0].split())[:300]

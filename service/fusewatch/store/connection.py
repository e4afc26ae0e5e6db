"""The way to an SQLite file: its lock, its connections and their settings, and what its errors mean for us.

Everything that only SQLite has is here and in `file`. SQLAlchemy makes the connections and the schema; statements are
written as portable SQL with `?` and go straight to the driver, which takes 2 µs where an expression takes 100.
"""

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from fusewatch.errors import AlreadyRunning, ConfigError, Problem, StoreBusy, StoreError, StoreFull, StoreUnusable
from fusewatch.store.link import Link as Link
from fusewatch.store.link import Lock

_MAGIC = b"SQLite format 3\x00"
_CACHE_KIB = 4 * 1024
"""Three times as much made recording no faster, neither into an empty ledger nor into one of 5 million rows."""

_READER_CACHE_KIB = 1 * 1024
"""What is shown are a few hundred pages; each of several readers would keep as much as the writer."""

_WAY_OUT = (
    "restore a backup with `fusewatch restore FILE`,"
    " or move the file away: Fusewatch then reads everything again from Langfuse"
)
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_NOT_WRITABLE = {
    sqlite3.SQLITE_FULL: "free some space on its disk",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable for this user, and the file system too",
    sqlite3.SQLITE_PERM: "make the file and its folder writable for this user",
    sqlite3.SQLITE_AUTH: "make the file and its folder writable for this user",
    sqlite3.SQLITE_IOERR: "look at the disk: it may be full, over a quota, failing, or a network file system",
    sqlite3.SQLITE_CANTOPEN: "the folder must exist and be writable for this user, and the path must name a file",
}
_UNUSABLE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def database_path(url: str) -> Path:
    """The file that an SQLite URL names. ConfigError for what cannot be opened; never shows a password."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise _wrong_url("not a database URL") from None
    backend = parsed.drivername.partition("+")[0]
    if backend != "sqlite":
        raise _wrong_url(f"{backend}:// is not supported")
    if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:") or parsed.query:
        raise _wrong_url("the database must be a plain file, without options")
    return Path(parsed.database).absolute()


def _wrong_url(what: str) -> ConfigError:
    right = (
        "write sqlite:///fusewatch.db, or sqlite:////data/fusewatch.db for an absolute path, or"
        " postgresql://user:password@host/database"
    )
    return ConfigError([Problem("FUSEWATCH_DATABASE_URL", 0, "", what, right)])


def explain(error: BaseException, path: Path) -> StoreError | None:
    """What a driver's error means, with the path and what to do; None when it is a mistake of ours."""
    if isinstance(error, sa.exc.DBAPIError) and isinstance(error.orig, BaseException):
        error = error.orig
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None:
        return None
    primary = code & 0xFF
    if primary in _BUSY:
        return StoreBusy(f"{path} is locked by another writer ({error})")
    if primary in _NOT_WRITABLE:
        return StoreFull(f"cannot write {path}: {error}; {_NOT_WRITABLE[primary]}")
    if primary in _UNUSABLE:
        return StoreUnusable(f"{path} cannot be used: {error}; {_WAY_OUT}")
    return None


def refuse_foreign_file(path: Path) -> None:
    """Look at the first bytes before SQLite touches the file: StoreUnusable when it is no database at all."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreFull(f"cannot read {path}: {error.strerror}; {_NOT_WRITABLE[sqlite3.SQLITE_CANTOPEN]}") from error
    if start and start != _MAGIC:
        raise StoreUnusable(f"{path} is not a database; name another file, or {_WAY_OUT}")


class FileLock:
    """The right to be the one daemon on a database: a lock on `<file>-lock` that the system frees when we die."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + "-lock")
        self._fd: int | None = None

    def take(self, holder: str) -> bool:
        """Take the lock and write down who holds it; False when somebody else does."""
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreFull(
                f"cannot write {self.path}: {error.strerror}; {_NOT_WRITABLE[sqlite3.SQLITE_CANTOPEN]}"
            ) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(fd, 0)
            os.pwrite(fd, holder.encode(), 0)
        except BlockingIOError:
            os.close(fd)
            return False
        except OSError as error:
            os.close(fd)
            raise StoreFull(f"cannot lock {self.path}: {error.strerror}; put the database on a local disk") from error
        self._fd = fd
        return True

    def refuse(self) -> AlreadyRunning:
        """The error that names the present holder."""
        try:
            holder = self.path.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            holder = ""
        return AlreadyRunning(holder or f"its name is not in {self.path} yet")

    def free(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class SqliteLink:
    """Implements `link.Link` over a file. `core` is the connection as SQLAlchemy knows it, for migrations."""

    leaving = False

    def __init__(self, engine: sa.Engine, *, busy_timeout_ms: int) -> None:
        self.core = engine.connect()
        driver = self.core.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self._driver = driver
        self.run(f"PRAGMA busy_timeout = {int(busy_timeout_ms)}")
        self.run(f"PRAGMA cache_size = -{_CACHE_KIB}")
        # A container with a read-only root has no place for temporary files; sorts are kept small instead.
        self.run("PRAGMA temp_store = MEMORY")

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """All rows of a query, as tuples."""
        return self._driver.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """The first row of a query, None when there is none."""
        return self._driver.execute(sql, parameters).fetchone()

    def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Execute one statement; how many rows it changed."""
        return self._driver.execute(sql, parameters).rowcount

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None:
        self._driver.executemany(sql, parameters)

    def written(self) -> int:
        """How many rows this connection ever changed: the difference tells whether a transaction wrote."""
        return self._driver.total_changes

    def foreign_version(self) -> int:
        """Changes when another connection has committed something since this one last looked."""
        return int(self.row("PRAGMA data_version")[0])

    def begin(self, lock: Lock) -> None:
        del lock  # there is but one writer
        self.run("BEGIN IMMEDIATE")

    def begin_reading(self) -> None:
        self.run("BEGIN DEFERRED")

    def commit(self) -> None:
        self.run("COMMIT")

    def roll_back(self) -> None:
        # After "disk full" SQLite has already rolled back by itself.
        if self._driver.in_transaction:
            self.run("ROLLBACK")

    def alone(self, name: str) -> None:
        """Who writes is alone already."""

    def skip_locked(self) -> str:
        return ""

    def only_read(self) -> None:
        self.run("PRAGMA query_only = ON")
        self.run(f"PRAGMA cache_size = -{_READER_CACHE_KIB}")

    def close(self) -> None:
        self.core.close()


def make_engine(path: Path) -> sa.Engine:
    """An engine whose connections begin no transaction by themselves: SQLAlchemy's default reads outside of one."""
    return sa.create_engine(
        sa.URL.create("sqlite+pysqlite", database=str(path)),
        poolclass=sa.NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"check_same_thread": False, "cached_statements": 256},
    )


def prepare_for_writing(link: SqliteLink, path: Path) -> None:
    """Write-ahead log, so that readers and the writer do not wait for each other; every commit reaches the disk."""
    mode = link.row("PRAGMA journal_mode = WAL")[0]
    if mode != "wal":
        raise StoreUnusable(f"{path}: its file system has no shared memory for a write-ahead log; use a local disk")
    link.run("PRAGMA synchronous = FULL")
    # 16 MB between checkpoints: catching up writes the same index pages again and again.
    link.run("PRAGMA wal_autocheckpoint = 4000")
    link.run("PRAGMA journal_size_limit = 67108864")


def check_pages(link: SqliteLink, path: Path) -> None:
    """SQLite's own quick look at every page. StoreUnusable when it finds anything."""
    found = link.row("PRAGMA quick_check(1)")[0]
    if found != "ok":
        raise StoreUnusable(f"{path} is damaged: {' '.join(found.split())}; {_WAY_OUT}")


def rewrite(link: SqliteLink) -> bool:
    """Copy everything that lives into fresh pages and empty the write-ahead log; whether that could be emptied."""
    try:
        link.run("PRAGMA temp_store = FILE")
        link.run("VACUUM")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CANTOPEN:
            raise
        link.run("PRAGMA temp_store = MEMORY")  # no folder for temporary files
        link.run("VACUUM")
    return bool(link.row("PRAGMA wal_checkpoint(TRUNCATE)")[0] == 0)

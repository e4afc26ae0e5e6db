"""A database in one SQLite file, which one daemon holds at a time."""

from pathlib import Path

from fusewatch.errors import StoreBusy, StoreError, StoreUnusable
from fusewatch.store import migrate
from fusewatch.store.connection import (
    FileLock,
    SqliteLink,
    check_pages,
    explain,
    make_engine,
    prepare_for_writing,
    refuse_foreign_file,
    rewrite,
)
from fusewatch.store.link import Link, Lock
from fusewatch.store.schema import APPLICATION_ID, HEAD

_CHECKED_BYTES = 64 * 2**20
"""A file up to this size is looked through when a daemon opens it (about 0.2 s). In a larger one a damaged page is
found when it is read: WAL survives a kill, so an unclean end is no reason to suspect the file."""


class SqliteFile:
    """Implements `link.Database`."""

    is_shared = False

    def __init__(self, path: Path, *, exclusive: bool, busy_timeout_ms: int) -> None:
        self.path = path
        self.place = str(path)
        self._exclusive = exclusive
        self._busy_timeout_ms = busy_timeout_ms
        self._lock = FileLock(path)
        self._engine = make_engine(path)

    def take(self, holder: str) -> None:
        refuse_foreign_file(self.path)
        if self._exclusive and not self._lock.take(holder):
            raise self._lock.refuse()
        if not self._exclusive and not self.path.exists():
            raise StoreUnusable(f"there is no database at {self.path} yet; `fusewatch run` makes it")

    def connect(self) -> SqliteLink:
        return SqliteLink(self._engine, busy_timeout_ms=self._busy_timeout_ms)

    def connect_reader(self) -> Link:
        link = self.connect()
        link.only_read()
        return link

    def prepare(self, link: Link, holder: str) -> None:
        assert isinstance(link, SqliteLink)
        present = _revision(link, self.path)
        if self._exclusive and present is not None and self.path.stat().st_size <= _CHECKED_BYTES:
            check_pages(link, self.path)
        if present == HEAD:
            prepare_for_writing(link, self.path)
            return
        if not self._exclusive and not self._lock.take(holder):
            raise StoreUnusable(f"{self.path} has an older schema and a daemon is using it; restart the daemon first")
        prepare_for_writing(link, self.path)
        # SQLAlchemy is told of the transaction, so that Alembic finds itself inside one and leaves it alone.
        with link.core.begin():
            link.begin(Lock.LEDGER)
            migrate.upgrade(link.core, self.place, present)
            link.run(f"PRAGMA application_id = {APPLICATION_ID}")
        if not self._exclusive:
            self._lock.free()

    def explain(self, error: BaseException) -> StoreError | None:
        return explain(error, self.path)

    def pauses_s(self, error: StoreBusy) -> tuple[float, ...]:
        """A writer that finds another one waits for the busy timeout, twice."""
        del error
        return (0.0,)

    def is_broken(self, link: Link) -> bool:
        del link
        return False

    def wipe(self) -> bool:
        """SQLite copies the whole file, in its folder for temporary files or else in memory."""
        link = self.connect()
        try:
            return rewrite(link)
        finally:
            link.close()

    def close(self) -> None:
        self._engine.dispose()
        self._lock.free()


def _revision(link: Link, path: Path) -> str | None:
    """The migration that a database stands at, None when it is empty. StoreUnusable when it is not ours."""
    tables = {name for (name,) in link.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    if link.row("PRAGMA application_id")[0] != APPLICATION_ID or "alembic_version" not in tables:
        raise StoreUnusable(f"{path} is a database of something else; name another file")
    row = link.row("SELECT version_num FROM alembic_version")
    return None if row is None else str(row[0])

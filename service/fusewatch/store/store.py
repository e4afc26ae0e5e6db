"""`ports.Store` on one SQLite file: transactions, who may write, and what is remembered between them.

Threads: any thread may call any method. All write units share one connection, one after the other; each read takes a
connection of its own from a small stack, so that readers wait neither for the writer nor for each other.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from fusewatch import ports
from fusewatch.domain.silences import Silence
from fusewatch.errors import StoreBusy, StoreError, StoreUnusable
from fusewatch.store import attributions, meta, migrate, outbox, projects, ratelimits, rules, silences
from fusewatch.store.connection import (
    FileLock,
    Link,
    check_pages,
    database_path,
    explain,
    make_engine,
    prepare_for_writing,
    refuse_foreign_file,
    rewrite,
)  # fmt: skip
from fusewatch.store.counters import Counters
from fusewatch.store.desk import Desk
from fusewatch.store.interning import Caches, Interning
from fusewatch.store.schema import HEAD
from fusewatch.store.threads import Threads
from fusewatch.store.units import AssessUnit, IngestUnit, ReadUnit
from fusewatch.store.upkeep import UpkeepUnit

T = TypeVar("T")

BUSY_TIMEOUT_MS = 10_000
_TRIES = 2
"""How often a unit waits for another writer; each time up to the busy timeout."""

_CHECKED_BYTES = 64 * 2**20
"""A file up to this size is looked through when a daemon opens it (about 0.2 s). In a larger one a damaged page is
found when it is read: WAL survives a kill, so an unclean end is no reason to suspect the file."""


class _Unit(Protocol):
    def finish(self) -> None: ...


U = TypeVar("U", bound=_Unit)


def open_store(url: str, *, holder: str, exclusive: bool, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> "SqlStore":
    """Open the database that `url` names, for a daemon (`exclusive`) or for a command beside one.

    A daemon makes the file if it is missing and brings its schema up to date; a command does the latter only while no
    daemon runs, and refuses a missing file. `holder` says who we are (process, host, since when) to whom we refuse.

    Raises ConfigError (a URL that this version cannot open), AlreadyRunning, StoreFull, StoreBusy, StoreUnusable.
    """
    path = database_path(url)
    refuse_foreign_file(path)
    lock = FileLock(path)
    if exclusive and not lock.take(holder):
        raise lock.refuse()
    try:
        if not exclusive and not path.exists():
            raise StoreUnusable(f"there is no database at {path} yet; `fusewatch run` makes it")
        store = SqlStore(path, lock, exclusive=exclusive, busy_timeout_ms=busy_timeout_ms)
        try:
            store.prepare(holder)
        except BaseException:
            store.close()
            raise
    except BaseException:
        lock.free()
        raise
    return store


class SqlStore:
    """Implements `ports.Store`."""

    def __init__(self, path: Path, lock: FileLock, *, exclusive: bool, busy_timeout_ms: int) -> None:
        self.path = path
        self._lock = lock
        self._exclusive = exclusive
        self._busy_timeout_ms = busy_timeout_ms
        self._engine = make_engine(path)
        self._caches = Caches()
        self._writing = threading.RLock()
        self._readers_lock = threading.Lock()
        self._readers: list[Link] = []
        with self._explained():
            self._writer = Link(self._engine, busy_timeout_ms=busy_timeout_ms)
        self._foreign_version = -1
        self._in_unit = False

    def prepare(self, holder: str) -> None:
        """Look at the file, bring its schema up to date, set the connection up for writing."""
        link = self._writer
        with self._explained():
            present = migrate.revision(link, self.path)
            if self._exclusive and present is not None and self.path.stat().st_size <= _CHECKED_BYTES:
                check_pages(link, self.path)
            if present == HEAD:
                prepare_for_writing(link, self.path)
                return
            if not self._exclusive and not self._lock.take(holder):
                raise StoreUnusable(
                    f"{self.path} has an older schema and a daemon is using it; restart the daemon first"
                )
            prepare_for_writing(link, self.path)
            migrate.upgrade(link, self.path, present)
            if not self._exclusive:
                self._lock.free()

    # ------------------------------------------------------------ units of work

    def ingest(self, project: str, work: Callable[[ports.IngestUnit], T], /) -> T:
        """LookupError when the project was never registered."""
        return self._unit(lambda link: IngestUnit(link, self._caches, project), work)

    def assess(self, work: Callable[[ports.AssessUnit], T], /) -> T:
        return self._unit(lambda link: AssessUnit(link, self._caches), work)

    def deliver(self, work: Callable[[ports.DeliverUnit], T], /) -> T:
        return self._write(lambda link: work(outbox.Outbox(link)))

    def threads(self, work: Callable[[ports.ThreadUnit], T], /) -> T:
        return self._write(lambda link: work(Threads(link)))

    def desk(self, work: Callable[[ports.DeskUnit], T], /) -> T:
        return self._write(lambda link: work(Desk(link)))

    def read(self, work: Callable[[ports.ReadUnit], T], /) -> T:
        return self._read(lambda link: work(ReadUnit(link)))

    def upkeep(self, work: Callable[[ports.UpkeepUnit], T], /) -> T:
        return self._write(lambda link: work(UpkeepUnit(link, self._caches)))

    # ------------------------------------------------------------ single changes

    def register(self, identity: ports.ProjectIdentity, name: str, *, now_ms: int) -> ports.ProjectState:
        return self._write(lambda link: projects.register(link, identity, name, now_ms))

    def known(self, host: str, name: str) -> ports.ProjectState | None:
        return self._read(lambda link: projects.known(link, host, name))

    def failed(self, project: str, *, at_ms: int, reason: str, text: str, retry_at_ms: int | None) -> None:
        self._write(
            lambda link: projects.failed(link, projects.row_id(link, project), at_ms, reason, text, retry_at_ms)
        )

    def add_silence(self, silence: Silence) -> None:
        self._write(lambda link: silences.add(link, silence))

    def end_silence(self, silence_id: str, *, at_ms: int) -> Silence | None:
        return self._write(lambda link: silences.end(link, silence_id, at_ms))

    def keep_rules(self, stored: ports.StoredRules) -> None:
        self._write(lambda link: rules.keep(link, stored))

    def set_metric_labels(self, labels: Sequence[str], max_series: int) -> None:
        """Another choice of labels walks through the whole ledger, in one transaction. ValueError for `project`,
        which is always the first label, and for users and sessions, which never are one."""

        def choose(link: Link) -> None:
            Counters(link, self._caches, Interning(link, self._caches)).choose_labels(tuple(labels), max_series)

        self._write(choose)

    def set_attribution(self, revision: str) -> None:
        self._write(lambda link: attributions.put_in_force(link, revision))

    def load_rate(self, organisation: str) -> str | None:
        """See `ports.RateMemory`."""
        return self._read(lambda link: ratelimits.load(link, organisation))

    def save_rate(self, organisation: str, text: str) -> None:
        self._write(lambda link: ratelimits.save(link, organisation, text))

    def free_claims(self) -> int:
        if not self._exclusive:
            raise ValueError("claims are freed only by the daemon that holds the database")
        return self._write(outbox.free_claims)

    def wipe(self) -> bool:
        """See `ports.Store`. SQLite copies the whole file, in its folder for temporary files or else in memory."""
        with self._writing, self._explained():
            link = Link(self._engine, busy_timeout_ms=self._busy_timeout_ms)
            try:
                return rewrite(link)
            finally:
                link.close()

    def close(self) -> None:
        """Close all connections and give up the lock; the write-ahead log is folded into the file."""
        with self._writing, self._readers_lock:
            for reader in self._readers:
                reader.close()
            self._readers.clear()
            self._writer.close()
            self._engine.dispose()
            self._lock.free()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------ transactions

    def _unit(self, make: Callable[[Link], U], work: Callable[[U], T]) -> T:
        def run(link: Link) -> T:
            unit = make(link)
            result = work(unit)
            unit.finish()
            return result

        return self._write(run)

    def _read(self, work: Callable[[Link], T]) -> T:
        """Run `work` in one read transaction: it sees one state, whoever writes meanwhile."""
        with self._explained():
            link = self._reader()
            try:
                link.begin(write=False)
                return work(link)
            finally:
                link.roll_back()
                with self._readers_lock:
                    self._readers.append(link)

    def _write(self, work: Callable[[Link], T]) -> T:
        """Run `work` in one write transaction; again when another writer was in the way."""
        with self._writing:
            if self._in_unit:
                raise RuntimeError("a write unit inside another one would be part of its transaction")
            for last in (*[False] * (_TRIES - 1), True):
                try:
                    with self._explained():
                        return self._transaction(work)
                except StoreBusy:
                    if last:
                        raise
        raise AssertionError("unreachable")

    def _transaction(self, work: Callable[[Link], T]) -> T:
        link = self._writer
        link.begin(write=True)
        self._in_unit = True
        try:
            self._forget_if_others_wrote(link)
            before = link.written()
            result = work(link)
            if link.written() != before:
                meta.bump_version(link)
            link.commit()
        except BaseException:
            self._caches.roll_back()
            link.roll_back()
            raise
        finally:
            self._in_unit = False
        self._caches.commit()
        return result

    def _forget_if_others_wrote(self, link: Link) -> None:
        """What another process changed may be what we remember."""
        version = link.foreign_version()
        if version != self._foreign_version:
            self._caches.clear()
            self._foreign_version = version

    def _reader(self) -> Link:
        with self._readers_lock:
            if self._readers:
                return self._readers.pop()
        link = Link(self._engine, busy_timeout_ms=self._busy_timeout_ms)
        link.only_read()
        return link

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            meaning = explain(error, self.path)
            if meaning is None:
                raise
            raise meaning from error

"""`ports.Store` on an SQLite file or a PostgreSQL server: transactions, who may write, and what is remembered between
them.

Threads: any thread may call any method. All write units share one connection, one after the other; each read takes a
connection of its own from a small stack, so that readers wait neither for the writer nor for each other.
"""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from fusewatch import ports
from fusewatch.domain.silences import Silence
from fusewatch.errors import ConfigError, Problem, StoreBusy, StoreError
from fusewatch.ports.leases import JUDGE, Rights, reading
from fusewatch.store import attributions, meta, outbox, projects, ratelimits, rules, silences
from fusewatch.store.assessunit import AssessUnit
from fusewatch.store.connection import database_path
from fusewatch.store.counters import Counters
from fusewatch.store.desk import Desk
from fusewatch.store.file import SqliteFile
from fusewatch.store.ingestunit import IngestUnit
from fusewatch.store.interning import Caches, Interning
from fusewatch.store.leases import Leases, check
from fusewatch.store.link import Database, Link, Lock
from fusewatch.store.readunit import ReadUnit
from fusewatch.store.threads import Threads
from fusewatch.store.upkeep import UpkeepUnit

T = TypeVar("T")

BUSY_TIMEOUT_MS = 10_000

_POSTGRES = re.compile(r"^(postgres|postgresql)(\+\w+)?:", re.IGNORECASE)


class _Unit(Protocol):
    def finish(self) -> None: ...


U = TypeVar("U", bound=_Unit)


def is_postgres(url: str) -> bool:
    return _POSTGRES.match(url) is not None


def database(url: str, *, exclusive: bool, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Database:
    """The database that `url` names; nothing is opened yet. ConfigError for a URL that cannot be meant."""
    if not is_postgres(url):
        return SqliteFile(database_path(url), exclusive=exclusive, busy_timeout_ms=busy_timeout_ms)
    try:
        # Only here: most installations have no PostgreSQL, and need no driver for it.
        from fusewatch.store.server import PostgresServer  # noqa: PLC0415 - as said above
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "psycopg":
            raise
        problem = Problem(
            *("FUSEWATCH_DATABASE_URL", 0, "", "PostgreSQL needs psycopg, which is not installed"),
            "install fusewatch[postgres]; the container image has it",
        )
        raise ConfigError([problem]) from None
    return PostgresServer(url, exclusive=exclusive, busy_timeout_ms=busy_timeout_ms)


def open_store(url: str, *, holder: str, exclusive: bool, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> "SqlStore":
    """Open the database that `url` names, for a daemon (`exclusive`) or for a command beside one.

    A daemon makes the database if it is missing and brings its schema up to date; a command does the latter only while
    no daemon runs, and refuses a missing one. `holder` says who we are (process, host, since when) to whom we refuse.

    Raises ConfigError (a URL that this version cannot open), AlreadyRunning, StoreFull, StoreBusy, StoreUnusable.
    """
    named = database(url, exclusive=exclusive, busy_timeout_ms=busy_timeout_ms)
    try:
        named.take(holder)
        store = SqlStore(named, exclusive=exclusive)
        try:
            store.prepare(holder)
        except BaseException:
            store.close()
            raise
    except BaseException:
        named.close()
        raise
    return store


class SqlStore:
    """Implements `ports.Store`."""

    def __init__(self, named: Database, *, exclusive: bool) -> None:
        self._database = named
        self._exclusive = exclusive
        self._caches = Caches()
        self._writing = threading.RLock()
        self._readers_lock = threading.Lock()
        self._readers: list[Link] = []
        with self._explained():
            self._writer = named.connect()
        self._foreign_version = -1
        self._in_unit = False
        self._leaving = False
        self._rights: Rights | None = None

    def guard(self, rights: Rights) -> None:
        """From now on, write only what these rights allow (`ports.leases`): LeaseLost for the rest."""
        self._rights = rights

    def leases(self, holder: str, monotonic: Callable[[], float]) -> Leases:
        """The way to the leases of a shared database, for one daemon."""
        return Leases(self._database, holder, monotonic)

    @property
    def is_shared(self) -> bool:
        """Whether several daemons may work on this database."""
        return self._database.is_shared

    @property
    def path(self) -> Path:
        """The file. TypeError where there is none."""
        if isinstance(self._database, SqliteFile):
            return self._database.path
        raise TypeError(f"{self._database.place} is no file")

    def leave(self) -> None:
        """From now on, break off what walks through the ledger for long: it raises Leaving. From any thread."""
        self._leaving = self._writer.leaving = True

    def prepare(self, holder: str) -> None:
        """Look at the database, bring its schema up to date, set the connection up for writing."""
        with self._explained():
            self._database.prepare(self._writer, holder)

    # ------------------------------------------------------------ units of work

    def ingest(self, project: str, work: Callable[[ports.IngestUnit], T], /) -> T:
        """LookupError when the project was never registered."""

        def begin(link: Link) -> IngestUnit:
            self._check_reading(link, project)
            return IngestUnit(link, self._caches, project)

        return self._unit(begin, work)

    def assess(self, work: Callable[[ports.AssessUnit], T], /) -> T:
        def begin(link: Link) -> AssessUnit:
            self._check(link, JUDGE)
            return AssessUnit(link, self._caches)

        return self._unit(begin, work)

    def deliver(self, work: Callable[[ports.DeliverUnit], T], /) -> T:
        return self._write(lambda link: work(outbox.Outbox(link)), Lock.NONE)

    def threads(self, work: Callable[[ports.ThreadUnit], T], /) -> T:
        return self._write(lambda link: work(Threads(link)), Lock.THREADS)

    def desk(self, work: Callable[[ports.DeskUnit], T], /) -> T:
        return self._write(lambda link: work(Desk(link)))

    def read(self, work: Callable[[ports.ReadUnit], T], /) -> T:
        return self._read(lambda link: work(ReadUnit(link)))

    def upkeep(self, work: Callable[[ports.UpkeepUnit], T], /) -> T:
        def run(link: Link) -> T:
            self._check(link, JUDGE)
            return work(UpkeepUnit(link, self._caches))

        return self._write(run)

    # ------------------------------------------------------------ single changes

    def register(self, identity: ports.ProjectIdentity, name: str, *, now_ms: int) -> ports.ProjectState:
        return self._write(lambda link: projects.register(link, identity, name, now_ms))

    def known(self, host: str, name: str) -> ports.ProjectState | None:
        return self._read(lambda link: projects.known(link, host, name))

    def failed(self, project: str, *, at_ms: int, reason: str, text: str, retry_at_ms: int | None) -> None:
        def note(link: Link) -> None:
            self._check_reading(link, project)
            projects.failed(link, projects.row_id(link, project), at_ms, reason, text, retry_at_ms)

        self._write(note)

    def add_silence(self, silence: Silence) -> None:
        self._write(lambda link: silences.add(link, silence))

    def end_silence(self, silence_id: str, *, at_ms: int) -> Silence | None:
        return self._write(lambda link: silences.end(link, silence_id, at_ms))

    def keep_rules(self, stored: ports.StoredRules) -> None:
        def keep(link: Link) -> None:
            self._check(link, JUDGE)
            rules.keep(link, stored)

        self._write(keep)

    def set_metric_labels(self, labels: Sequence[str], max_series: int) -> None:
        """Another choice of labels walks through the whole ledger, in one transaction. ValueError for `project`,
        which is always the first label, and for users and sessions, which never are one."""

        def choose(link: Link) -> None:
            self._check(link, JUDGE)
            Counters(link, self._caches, Interning(link, self._caches)).choose_labels(tuple(labels), max_series)

        self._write(choose)

    def set_attribution(self, revision: str) -> None:
        def put(link: Link) -> None:
            self._check(link, JUDGE)
            attributions.put_in_force(link, revision)

        self._write(put)

    def load_rate(self, organisation: str) -> str | None:
        """See `ports.RateMemory`."""
        return self._read(lambda link: ratelimits.load(link, organisation))

    def save_rate(self, organisation: str, text: str) -> None:
        self._write(lambda link: ratelimits.save(link, organisation, text), Lock.NONE)

    def free_claims(self) -> int:
        if not self._exclusive:
            raise ValueError("claims are freed only by the daemon that holds the database")
        if self.is_shared:  # another daemon may be sending; `Leases` frees those of the dead
            return 0
        return self._write(outbox.free_claims, Lock.NONE)

    def wipe(self) -> bool:
        """See `ports.Store`."""
        with self._writing, self._explained():
            return self._database.wipe()

    def close(self) -> None:
        """Close all connections and give up the lock; a write-ahead log is folded into its file."""
        with self._writing, self._readers_lock:
            for reader in self._readers:
                reader.close()
            self._readers.clear()
            self._writer.close()
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------ rights

    def _check(self, link: Link, name: str) -> None:
        if self._rights is not None:
            check(link, self._rights, name)

    def _check_reading(self, link: Link, project: str) -> None:
        if self._rights is not None:
            state = projects.state(link, project)
            check(link, self._rights, reading(state.host, state.organisation_id))

    # ------------------------------------------------------------ transactions

    def _unit(self, make: Callable[[Link], U], work: Callable[[U], T]) -> T:
        def run(link: Link) -> T:
            unit = make(link)
            result = work(unit)
            unit.finish()
            return result

        return self._write(run)

    def _read(self, work: Callable[[Link], T]) -> T:
        """Run `work` in one read transaction: it sees one state, whoever writes meanwhile. Again, where connections
        that had been idle turned out to be lost."""
        with self._explained():
            link, was_idle = self._reader()
            while True:
                try:
                    link.begin_reading()
                    break
                except Exception:
                    link.close()
                    if not was_idle:
                        raise
                    link, was_idle = self._reader()
            try:
                return work(link)
            finally:
                self._give_back(link)

    def _give_back(self, link: Link) -> None:
        with suppress(Exception):
            link.roll_back()
        if self._database.is_broken(link):
            link.close()
            return
        with self._readers_lock:
            self._readers.append(link)

    def _write(self, work: Callable[[Link], T], lock: Lock = Lock.LEDGER) -> T:
        """Run `work` in one write transaction; again when another writer was in the way, or the connection was lost:
        whatever became of a commit that was not answered, a unit of work may be run again."""
        with self._writing:
            if self._in_unit:
                raise RuntimeError("a write unit inside another one would be part of its transaction")
            pauses: Iterator[float] | None = None
            while True:
                try:
                    with self._explained():
                        return self._transaction(work, lock)
                except StoreBusy as error:
                    pauses = iter(self._database.pauses_s(error)) if pauses is None else pauses
                    pause_s = next(pauses, None)
                    if pause_s is None:
                        raise
                    threading.Event().wait(pause_s)

    def _transaction(self, work: Callable[[Link], T], lock: Lock) -> T:
        if self._database.is_broken(self._writer):
            self._writer.close()
            self._writer = self._database.connect()
            self._writer.leaving = self._leaving
            self._foreign_version = -1
        link = self._writer
        self._in_unit = True
        is_ledger = lock is Lock.LEDGER
        try:
            link.begin(lock)
            if is_ledger:
                self._forget_if_others_wrote(link)
            before = link.written()
            result = work(link)
            if link.written() != before:
                meta.bump_version(link, of_ledger=is_ledger)
            version = link.foreign_version() if is_ledger else self._foreign_version
            link.commit()
        except BaseException:
            self._caches.roll_back()
            with suppress(Exception):
                link.roll_back()
            raise
        finally:
            self._in_unit = False
        self._caches.commit()
        self._foreign_version = version
        return result

    def _forget_if_others_wrote(self, link: Link) -> None:
        """What another process changed may be what we remember."""
        version = link.foreign_version()
        if version != self._foreign_version:
            self._caches.clear()
            self._foreign_version = version

    def _reader(self) -> tuple[Link, bool]:
        """A connection for reading, and whether it had been idle."""
        with self._readers_lock:
            if self._readers:
                return self._readers.pop(), True
        return self._database.connect_reader(), False

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            meaning = self._database.explain(error)
            if meaning is None:
                raise
            raise meaning from error

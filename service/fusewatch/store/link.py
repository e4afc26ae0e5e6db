"""What the store asks of a connection, whichever database it leads to.

Statements are SQL that both databases understand, with `?` (or `?1`, `?2` …) for parameters, and go straight to the
driver. Integers have 64 bits, truth is 0 or 1, a sum of integers is an exact integer.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Protocol
from zlib import crc32

from fusewatch.errors import StoreBusy, StoreError


class Lock(IntEnum):
    """Which writers exclude each other. On SQLite all do; on PostgreSQL those that take the same lock."""

    LEDGER = 1
    """Everything that is read and then written: the ledger, its ids and cells, incidents, rules, silences."""
    THREADS = 2
    """What was posted where."""
    NONE = 3
    """Single statements over single rows, each right whatever stands beside it."""


def number_of(name: str) -> int:
    """A name as half of an advisory lock, a signed 32-bit number."""
    return crc32(name.encode()) - 2**31


class Link(Protocol):
    """One connection. It may be used by one thread at a time, whichever it is: its owner holds a lock around it.

    `leaving`, which any thread may set, asks long walks through the ledger to end: they raise `errors.Leaving`.
    """

    leaving: bool

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """All rows of a query, as tuples."""

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """The first row of a query, None when there is none."""

    def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Execute one statement; how many rows it changed."""

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None: ...

    def written(self) -> int:
        """How many rows this connection ever changed: the difference tells whether a transaction wrote."""

    def foreign_version(self) -> int:
        """Changes when another connection has written to the ledger since this one last looked."""

    def begin(self, lock: Lock) -> None:
        """Begin a transaction that writes, alone among those with this lock."""

    def begin_reading(self) -> None:
        """Begin a transaction that sees one state, whoever writes meanwhile."""

    def commit(self) -> None: ...

    def roll_back(self) -> None: ...

    def alone(self, name: str) -> None:
        """Until the end of the transaction nobody else is alone under this name. Waits for who is."""

    def skip_locked(self) -> str:
        """What ends a query for rows that are about to be changed, where another transaction may hold some."""

    def close(self) -> None: ...


class Database(Protocol):
    """One database: the ways to it, and what is different about it. `place` names it in messages, without a secret."""

    place: str
    is_shared: bool
    """Whether several daemons may work on it."""

    def take(self, holder: str) -> None:
        """AlreadyRunning when another daemon holds what only one may."""

    def connect(self) -> Link:
        """A connection for writing."""

    def connect_reader(self) -> Link:
        """A connection that cannot write."""

    def prepare(self, link: Link, holder: str) -> None:
        """Look at the database, bring its schema up to date, set the connection up for writing."""

    def explain(self, error: BaseException) -> StoreError | None:
        """What a driver's error means, with the place and what to do; None when it is a mistake of ours."""

    def pauses_s(self, error: StoreBusy) -> tuple[float, ...]:
        """How long a unit of work that met this error pauses before it is tried again, once for each."""

    def is_broken(self, link: Link) -> bool:
        """Whether the connection is lost, and another one is needed."""

    def wipe(self) -> bool:
        """See `ports.Store`."""

    def close(self) -> None: ...

"""The tree of errors; the type of an error says what its caller must do.

FusewatchError
 ├─ ConfigError          what the operator wrote is wrong: show every problem, change nothing, exit 2
 ├─ Retryable            try again, not before `retry_after_s`
 ├─ Permanent            trying again cannot help: say so and stop trying
 ├─ StoreError           the database cannot do its work
 │   ├─ StoreBusy        another writer holds it: try again
 │   │   └─ StoreLost    its server cannot be reached, or gave up the unit of work: try again
 │   ├─ LeaseLost        another daemon does this work now: leave it to that one
 │   ├─ StoreFull        no space or no right to write: say so, keep the work, try again
 │   └─ StoreUnusable    corrupt, newer than this code, or not a Fusewatch database: refuse to start
 └─ AlreadyRunning       another daemon holds this database
"""

from collections.abc import Iterable
from dataclasses import dataclass


class FusewatchError(Exception):
    """Base of everything that Fusewatch raises on purpose; its text is meant for the operator."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in what the operator wrote.

    `file` as given on the command line; `line` counts from 1, 0 where a line makes no sense; `path` as in
    ``budgets[2].limit``; `right` says what would be right, empty when `what` already does.
    """

    file: str
    line: int
    path: str
    what: str
    right: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        text = f"{place}: {self.path}: {self.what}" if self.path else f"{place}: {self.what}"
        return f"{text}; {self.right}" if self.right else text


class ConfigError(FusewatchError):
    """Everything that is wrong with a configuration, all at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(p) for p in self.problems))


class Retryable(FusewatchError):
    """It may work later. `reason` is a short constant for metrics; `retry_after_s` is the receiver's own wish."""

    def __init__(self, reason: str, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after_s = retry_after_s


class Permanent(FusewatchError):
    """It will not work until somebody changes something. `reason` is a short constant for metrics."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StoreError(FusewatchError):
    """The database cannot do its work."""


class StoreBusy(StoreError):
    """Another writer holds the database for longer than we wait."""


class StoreLost(StoreBusy):
    """The database's server cannot be reached, ended the connection, or gave up this unit of work for another one."""


class LeaseLost(StoreError):
    """The lease under which the work began is not ours any more; nothing was written."""


class Leaving(StoreError):
    """The process was asked to end in the middle of a long walk through the ledger; nothing was written."""


class StoreFull(StoreError):
    """The database cannot be written: disk full, read-only, no permission, or an I/O error."""


class StoreUnusable(StoreError):
    """The file is corrupt, newer than this code, or no Fusewatch database."""


class AlreadyRunning(FusewatchError):
    """Another daemon holds this database; `holder` names it."""

    def __init__(self, holder: str) -> None:
        super().__init__(
            f"another Fusewatch already runs on this database: {holder}; end it first, or name another with --database"
        )
        self.holder = holder

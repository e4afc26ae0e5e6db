"""Copies of an SQLite database: made while a daemon writes, checked, put in place in one step, and put back.

A backup is one file without a write-ahead log. It is taken by SQLite's backup interface inside one read transaction,
so it is the database as it stood at one commit, and no writer can make it start again.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fusewatch.errors import StoreError, StoreFull, StoreUnusable
from fusewatch.store.carryover import Carried, carry_over
from fusewatch.store.connection import FileLock, explain, refuse_foreign_file
from fusewatch.store.migrate import known_revisions
from fusewatch.store.schema import APPLICATION_ID, HEAD

Progress = Callable[[int, int], None]
"""Called with how many pages are done, of how many."""

_STEP = 2_000
"""Pages (8 MB) between two looks at the progress."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A database file that was looked through and found whole. `revision` is its schema, empty when it has none yet."""

    path: Path
    size: int
    revision: str
    generations: int
    newest_ms: int | None
    """When its newest change was committed, as far as the ledger tells: the last successful reading of a project."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place, and where the file is that it replaced (None when there was none)."""

    copy: Copy
    aside: Path | None
    carried: Carried


def back_up(path: Path, target: Path, *, force: bool = False, progress: Progress | None = None) -> Copy:
    """Copy the database at `path` to `target`, whoever is writing to it.

    The copy is made beside `target`, looked through by SQLite's full integrity check, flushed to the disk, and then
    renamed: what has the name `target` is always a whole backup. Raises FileExistsError when there is a target
    already and not `force`, StoreUnusable when the database or its copy is damaged or not ours, StoreFull when the
    target cannot be written.
    """
    refuse_foreign_file(path)
    if not path.exists():
        raise StoreUnusable(f"there is no database at {path}")
    if target.exists() and (target.samefile(path) or target.is_dir()):
        raise StoreFull(f"{target} is {'a folder' if target.is_dir() else 'the database itself'}; name another file")
    if target.exists() and not force:
        raise FileExistsError(target)
    with _draft(target) as draft:
        _copy(path, draft, progress)
        copy = look_through(draft)
        _flush(draft)
        draft.replace(target)
    _flush_folder(target)
    return replace(copy, path=target)


def restore(backup: Path, path: Path, *, holder: str, at: str, progress: Progress | None = None) -> Restored:
    """Put a backup in the place of the database at `path`; the file that was there is kept as
    `<name>.before-restore-<at>`, and what of it saves people a second message is carried over.

    Nothing changes before the copy is complete and whole. Raises AlreadyRunning while a daemon holds the database,
    StoreUnusable when the backup is damaged, not ours, or newer than this code.
    """
    if not backup.exists():
        raise StoreUnusable(f"there is no file {backup}")
    refuse_foreign_file(backup)
    if path.exists() and path.samefile(backup):
        raise StoreUnusable(f"{backup} is the database itself; name a backup")
    lock = FileLock(path)
    if not lock.take(holder):
        raise lock.refuse()
    try:
        with _draft(path) as draft:
            _copy(backup, draft, progress)
            copy = look_through(draft, name=backup)
            if copy.revision and copy.revision not in known_revisions():
                raise StoreUnusable(
                    f"{backup} was written by a newer Fusewatch (schema {copy.revision}, this one knows {HEAD});"
                    " restore it with that version, or take an older backup"
                )
            carried = carry_over(path, draft)
            _keep_owner(path, draft)
            _flush(draft)
            aside = _set_aside(path, at)
            draft.replace(path)
        _flush_folder(path)
    finally:
        lock.free()
    return Restored(replace(copy, path=path), aside, carried)


def look_through(path: Path, *, name: Path | None = None) -> Copy:
    """Read every page of a file that nobody writes. StoreUnusable when it is damaged or not ours; `name` is what
    the message calls it."""
    shown = name or path
    with _explained(shown), closing(_open(path)) as link:
        if link.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreUnusable(f"{shown} is no database of Fusewatch; name another file")
        found = link.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreUnusable(f"{shown} is damaged: {' '.join(found.split())}; take another backup")
        version = link.execute("SELECT version_num FROM alembic_version").fetchone()
        generations = link.execute("SELECT count(*) FROM generation").fetchone()[0]
        newest = link.execute("SELECT max(last_success_ms) FROM project").fetchone()[0]
    return Copy(path, path.stat().st_size, "" if version is None else str(version[0]), generations, newest)


def _open(path: Path) -> sqlite3.Connection:
    link = sqlite3.connect(path, isolation_level=None)
    link.execute("PRAGMA temp_store = MEMORY")
    return link


def _copy(source: Path, draft: Path, progress: Progress | None) -> None:
    """All pages of one moment of `source`, in one file."""

    def shown(_status: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    with _explained(source), closing(_open(source)) as link:
        link.execute("PRAGMA busy_timeout = 10000")
        # The read transaction pins one state: without it every commit of a daemon makes the copy start again.
        link.execute("BEGIN")
        link.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with _explained(draft), closing(_open(draft)) as copy:
            # No journal for a file that nobody needs when this fails.
            copy.execute("PRAGMA synchronous = OFF")
            link.backup(copy, pages=_STEP, progress=shown)
            copy.execute("PRAGMA journal_mode = DELETE")
        link.execute("ROLLBACK")


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A new file beside `target`, for us alone to read: gone when this fails, flushed to the disk before it is used."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreFull(f"cannot write {draft}: {error.strerror}; its folder must exist and be writable") from error
    try:
        yield draft
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """What was written to a file, or a folder, reaches the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _keep_owner(path: Path, draft: Path) -> None:
    """The daemon of the replaced file can use the new one, too, when root restores it."""
    before = (path if path.exists() else path.parent).stat()
    if path.exists():
        draft.chmod(before.st_mode & 0o777)
    if os.geteuid() == 0:
        os.chown(draft, before.st_uid, before.st_gid)


def _set_aside(path: Path, at: str) -> Path | None:
    """Keep the present file under another name, and take away its write-ahead log, which must never meet another
    file. Until the new file is in place the old one keeps its name, so that there is a database at every instant."""
    if not path.exists():
        return None
    aside = path.with_name(f"{path.name}.before-restore-{at}")
    _fold(path)
    log = path.with_name(path.name + "-wal")
    for file, kept in ((path, aside), (log, aside.with_name(aside.name + "-wal"))):
        if file.exists():
            _keep(file, kept)
    _flush_folder(path)
    log.unlink(missing_ok=True)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    return aside


def _fold(path: Path) -> None:
    """Bring the write-ahead log into the file, where it is whole enough for that."""
    try:
        with closing(_open(path)) as link:
            link.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error:
        return  # a damaged one: its log is kept beside it


def _keep(file: Path, kept: Path) -> None:
    try:
        kept.hardlink_to(file)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        shutil.copy2(file, kept)
        _flush(kept)


def _flush_folder(file: Path) -> None:
    _flush(file.absolute().parent)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except StoreError:
        raise
    except sqlite3.Error as error:
        meaning = explain(error, path)
        if meaning is None:
            raise StoreUnusable(f"{path} is no database of Fusewatch: {error}") from error
        raise meaning from error

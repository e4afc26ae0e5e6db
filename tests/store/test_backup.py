"""Backups: whole, of one instant, never in the way of a writer; and back in place without a moment of no database."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from fusewatch.domain.usage import Generation
from fusewatch.errors import AlreadyRunning, StoreFull, StoreUnusable
from fusewatch.store import SqlStore
from fusewatch.store.backup import back_up, restore
from fusewatch.store.schema import HEAD
from tests.store.samples import T0, generation, opened, record

DATABASES = ("sqlite",)

AT = "20261122T100000"


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def batch(number: int, size: int = 50) -> list[Generation]:
    return [generation(f"{number:08x}{i:08x}", start_ms=T0 + number) for i in range(size)]


def rows(store: SqlStore) -> int:
    return store.read(lambda unit: unit.totals()).generations


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as link:
        return list(link.iterdump())


def test_a_backup_is_the_database_in_one_file_that_only_its_owner_may_read(url: str, tmp_path: Path) -> None:
    target = tmp_path / "kept" / "monday.db"
    target.parent.mkdir()
    with opened(url) as store:
        record(store, batch(1))
        copy = back_up(path_of(url), target)
        assert (copy.generations, copy.revision, copy.size) == (50, HEAD, target.stat().st_size)
    assert [file.name for file in target.parent.iterdir()] == ["monday.db"]
    assert target.stat().st_mode & 0o777 == 0o600
    assert dump(target) == dump(path_of(url))


def test_a_backup_while_somebody_writes_is_one_instant_and_keeps_nobody_waiting(url: str, tmp_path: Path) -> None:
    with opened(url) as store:
        for number in range(40):
            record(store, batch(number, 500))
        written: list[int] = []

        def write_on(done: int, total: int) -> None:
            """A commit of another connection at every step of the copy."""
            del done, total
            record(store, batch(100 + len(written)))
            written.append(1)

        copy = back_up(path_of(url), tmp_path / "b.db", progress=write_on)
        assert written
        assert copy.generations == 20_000
        assert rows(store) == 20_000 + 50 * len(written)


def test_a_backup_under_a_writer_in_another_thread_comes_to_an_end(url: str, tmp_path: Path) -> None:
    ended = threading.Event()
    with opened(url) as store:
        for number in range(40):
            record(store, batch(number, 500))

        def write() -> None:
            number = 1000
            while not ended.is_set():
                number += 1
                record(store, batch(number, 5))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            copies = [back_up(path_of(url), tmp_path / f"{i}.db") for i in range(3)]
        finally:
            ended.set()
            writer.join()
    assert [copy.generations >= 20_000 and copy.generations % 5 == 0 for copy in copies] == [True] * 3


def test_a_file_that_is_there_is_replaced_only_when_that_is_asked_for(url: str, tmp_path: Path) -> None:
    target = tmp_path / "b.db"
    target.write_text("precious")
    with opened(url):
        with pytest.raises(FileExistsError):
            back_up(path_of(url), target)
        assert target.read_text() == "precious"
        back_up(path_of(url), target, force=True)
    assert target.read_bytes().startswith(b"SQLite format 3")


def test_the_database_itself_a_folder_and_a_missing_folder_are_refused(url: str, tmp_path: Path) -> None:
    with opened(url):
        for target, said in (
            (path_of(url), "is the database itself"),
            (tmp_path, "is a folder"),
            (tmp_path / "nowhere" / "b.db", "its folder must exist"),
        ):
            with pytest.raises(StoreFull, match=said):
                back_up(path_of(url), target, force=True)


def test_a_damaged_database_gives_no_backup_and_leaves_the_last_one_alone(url: str, tmp_path: Path) -> None:
    with opened(url) as store:
        for number in range(10):
            record(store, batch(number, 200))
        back_up(path_of(url), tmp_path / "b.db")
    whole = (tmp_path / "b.db").read_bytes()
    damaged = bytearray(path_of(url).read_bytes())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 20_000] = b"\x5a" * 20_000
    path_of(url).write_bytes(damaged)
    with pytest.raises(StoreUnusable, match="damaged"):
        back_up(path_of(url), tmp_path / "b.db", force=True)
    assert (tmp_path / "b.db").read_bytes() == whole
    assert not list(tmp_path.glob(".*.part*"))


def test_a_restore_brings_back_what_was_and_keeps_what_is(url: str, tmp_path: Path) -> None:
    with opened(url) as store:
        record(store, batch(1))
        back_up(path_of(url), tmp_path / "b.db")
        record(store, batch(2))
    done = restore(tmp_path / "b.db", path_of(url), holder="t", at=AT)
    assert done.aside == path_of(url).with_name(f"{path_of(url).name}.before-restore-{AT}")
    assert done.carried.readable
    with opened(url) as store:
        assert rows(store) == 50
    with opened(f"sqlite:///{done.aside}") as store:
        assert rows(store) == 100


def test_a_restore_replaces_a_damaged_database_and_its_log(url: str, tmp_path: Path) -> None:
    with opened(url) as store:
        record(store, batch(1))
        back_up(path_of(url), tmp_path / "b.db")
    garbage = b"\x5a" * 100_000
    path_of(url).write_bytes(b"SQLite format 3\x00" + garbage)
    log = path_of(url).with_name(path_of(url).name + "-wal")
    log.write_bytes(garbage)
    done = restore(tmp_path / "b.db", path_of(url), holder="t", at=AT)
    assert (done.carried.readable, done.copy.generations) == (False, 50)
    assert not log.exists()
    assert done.aside is not None
    assert done.aside.read_bytes().endswith(garbage)
    with opened(url) as store:
        assert rows(store) == 50


def test_a_restore_where_nothing_was_makes_the_database(url: str, tmp_path: Path) -> None:
    with opened(url) as store:
        record(store, batch(1))
        back_up(path_of(url), tmp_path / "b.db")
    done = restore(tmp_path / "b.db", tmp_path / "new.db", holder="t", at=AT)
    assert (done.aside, done.copy.generations) == (None, 50)
    with opened(f"sqlite:///{tmp_path}/new.db") as store:
        assert rows(store) == 50


def test_a_restore_under_a_daemon_is_refused_and_names_it(url: str, tmp_path: Path) -> None:
    with opened(url, holder="process 7") as store:
        back_up(path_of(url), tmp_path / "b.db")
        with pytest.raises(AlreadyRunning, match="process 7"):
            restore(tmp_path / "b.db", path_of(url), holder="t", at=AT)
        record(store, batch(1))
        assert rows(store) == 50


@pytest.mark.parametrize("case", ["newer", "damaged", "foreign", "text", "missing", "itself"])
def test_a_backup_that_cannot_be_used_changes_nothing(url: str, tmp_path: Path, case: str) -> None:
    backup = tmp_path / "b.db"
    with opened(url) as store:
        for number in range(10):
            record(store, batch(number, 200))
        back_up(path_of(url), backup)
    before = path_of(url).read_bytes()
    said = _spoil(backup, case)
    with pytest.raises(StoreUnusable, match=said):
        restore(path_of(url) if case == "itself" else backup, path_of(url), holder="t", at=AT)
    assert path_of(url).read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} - {"b.db"} == {path_of(url).name, path_of(url).name + "-lock"}
    with opened(url) as store:
        assert rows(store) == 2000


def _spoil(backup: Path, case: str) -> str:
    """Make the backup unusable in this way; what is said of it."""
    if case == "newer":
        with closing(sqlite3.connect(backup)) as link:
            link.execute("UPDATE alembic_version SET version_num = '9999'")
            link.commit()
        return r"newer Fusewatch \(schema 9999"
    if case == "damaged":
        content = bytearray(backup.read_bytes())
        content[len(content) // 2 : len(content) // 2 + 20_000] = b"\x5a" * 20_000
        backup.write_bytes(content)
        return "damaged"
    if case == "foreign":
        backup.unlink()
        with closing(sqlite3.connect(backup)) as link:
            link.execute("CREATE TABLE notes (text)")
        return "no database of Fusewatch"
    if case == "text":
        backup.write_text("buy milk, and much else so that this is longer than a header")
        return "is not a database"
    if case == "missing":
        backup.unlink()
        return "there is no file"
    return "is the database itself"

"""Opening a database: each thing that can be wrong has one clear error, and nothing is harmed."""

import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from fusewatch.errors import AlreadyRunning, ConfigError, StoreError, StoreFull, StoreUnusable
from fusewatch.store import open_store
from fusewatch.store.migrate import MIGRATIONS
from fusewatch.store.schema import HEAD, metadata
from tests.store.samples import PROJECT, T0, generation, opened, record

DATABASES = ("sqlite",)


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write everywhere: tests of permissions step down."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can reach."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("postgresql://user:p@secret@db/fusewatch", "has to be written otherwise"),
        ("postgres://user:p/secret@db/fusewatch", "has to be written otherwise"),
        ("postgresql+psycopg://user:1/secret@db/fusewatch", "has to be written otherwise"),
        ("postgresql://user:secret@db/fusewatch?nonsense=1", "not a PostgreSQL URL"),
        ("mysql://user:secret@db/fusewatch", "mysql:// is not supported"),
        ("fusewatch.db", "not a database URL"),
        ("sqlite://", "must be a plain file"),
        ("sqlite:///:memory:", "must be a plain file"),
        ("sqlite:///x.db?mode=ro", "must be a plain file"),
    ],
)
def test_a_url_that_cannot_be_opened_is_a_mistake_in_the_configuration(url: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(url, holder="test", exclusive=True)
    text = str(caught.value)
    assert text.startswith("FUSEWATCH_DATABASE_URL: ")
    assert what in text
    assert "secret" not in text


def test_a_daemon_makes_the_database_and_a_command_refuses_a_missing_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with pytest.raises(StoreUnusable, match=r"no database at .*new.db yet"):
        open_store(url, holder="command", exclusive=False)
    assert list(tmp_path.iterdir()) == []
    with opened(url) as store:
        assert store.register(PROJECT, "production", now_ms=1).name == "production"
    with open_store(url, holder="command", exclusive=False) as command:
        assert command.read(lambda unit: [p.name for p in unit.projects()]) == ["production"]


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    with opened(f"sqlite:///{path}") as store:
        assert store.read(lambda unit: unit.totals()).generations == 0


def test_a_second_daemon_is_refused_and_told_who_the_first_is(url: str) -> None:
    with opened(url, holder="pid 7 on host a since noon"):
        with pytest.raises(AlreadyRunning, match="pid 7 on host a since noon"):
            opened(url, holder="pid 8")
        open_store(url, holder="a command", exclusive=False).close()
        with pytest.raises(AlreadyRunning, match="pid 7"):
            opened(url, holder="pid 8")
    with opened(url, holder="pid 9"), pytest.raises(AlreadyRunning, match="pid 9"):
        opened(url)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreFull, match=r"missing/f.db.*the folder must exist"):
        opened(f"sqlite:///{tmp_path}/missing/f.db")


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "f.db").mkdir()
    with pytest.raises(StoreFull, match=r"f.db.*must name a file"):
        opened(f"sqlite:///{tmp_path}/f.db")


def test_a_folder_without_the_right_to_write_says_what_to_do(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    with as_nobody(), pytest.raises(StoreFull, match=r"f.db.*writable for this user"):
        opened(f"sqlite:///{open_folder}/f.db")


def test_a_database_without_the_right_to_write_says_what_to_do(open_folder: Path) -> None:
    url = f"sqlite:///{open_folder}/f.db"
    opened(url).close()
    for file in open_folder.iterdir():
        file.chmod(0o444 if file.suffix == ".db" else 0o666)
    open_folder.chmod(0o777)
    with as_nobody(), pytest.raises(StoreFull, match=r"cannot write .*f.db: .*readonly"), opened(url) as store:
        store.register(PROJECT, "production", now_ms=1)


def test_a_full_disk_loses_nothing_and_goes_on_when_there_is_room(url: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    batch = [generation(f"{i:016x}", session=f"session {i}") for i in range(4_000)]
    with opened(url) as store:
        record(store, batch[:5])
        before = store.read(lambda unit: (unit.version(), unit.totals()))
        largest = max(file.stat().st_size for file in path_of(url).parent.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 65_536, hard))
        try:
            with pytest.raises(StoreFull, match=r"cannot write .*fusewatch.db: .*(full|I/O).*disk"):
                record(store, batch)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert store.read(lambda unit: (unit.version(), unit.totals())) == before
        assert record(store, batch).new == len(batch) - 5


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("buy milk, and much else so that this is longer than a header")
    with pytest.raises(StoreUnusable, match=r"notes.txt is not a database; name another file"):
        opened(f"sqlite:///{path}")
    assert path.read_text().startswith("buy milk")


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE alembic_version (version_num TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match=r"other.db is a database of something else"):
        opened(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_damaged_file_is_refused_with_a_way_out(url: str) -> None:
    with opened(url) as store:
        record(store, [generation(f"{i:016x}", trace_id=f"{i:032x}") for i in range(2_000)])
    path = path_of(url)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 20_000] = b"\x5a" * 20_000
    path.write_bytes(damaged)
    with pytest.raises(
        StoreUnusable,
        match=r"restore a backup with `fusewatch restore FILE`, or move the file away.*again from Langfuse",
    ):
        opened(url)


def test_damage_found_while_running_is_named_too(url: str) -> None:
    with opened(url) as store:
        record(store, [generation(f"{i:016x}", trace_id=f"{i:032x}") for i in range(2_000)])
    with open_store(url, holder="command", exclusive=False) as command:
        path = path_of(url)
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 8 :] = b"\x5a" * (len(damaged) - len(damaged) // 8)
        path.write_bytes(damaged)
        with pytest.raises(StoreUnusable, match="restore a backup"):
            command.assess(lambda unit: unit.rows(0, 2**60))


def test_a_database_of_a_newer_version_is_refused(url: str) -> None:
    with closing(sqlite3.connect(path_of(url))) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()
    with pytest.raises(StoreUnusable, match=r"written by a newer Fusewatch \(schema 9999"):
        opened(url)
    with pytest.raises(StoreUnusable, match="newer"):
        open_store(url, holder="command", exclusive=False)


def test_after_any_refusal_the_lock_is_free(url: str) -> None:
    with closing(sqlite3.connect(path_of(url))) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()
        for _ in range(2):
            with pytest.raises(StoreError):
                opened(url)
        raw.execute("UPDATE alembic_version SET version_num = ?", (HEAD,))
        raw.commit()
    opened(url).close()


def test_a_command_does_not_change_the_schema_under_a_running_daemon(url: str) -> None:
    with opened(url):
        with closing(sqlite3.connect(path_of(url))) as raw:
            raw.execute("DELETE FROM alembic_version")
            raw.commit()
        with pytest.raises(StoreUnusable, match="restart the daemon"):
            open_store(url, holder="command", exclusive=False)


def test_the_migrations_make_the_tables_that_the_code_expects(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        without_rowid = {
            name
            for name, sql in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")
            if "WITHOUT ROWID" in (sql or "")
        }
    engine.dispose()
    assert without_rowid == {
        table.name for table in metadata.tables.values() if table.dialect_options["sqlite"]["with_rowid"] is False
    }


def test_the_newest_migration_is_the_one_the_code_names() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


def test_a_database_at_the_newest_schema_is_opened_without_alembic(url: str) -> None:
    code = (
        "import sys; from fusewatch.store import open_store\n"
        "open_store(sys.argv[1], holder='x', exclusive=True).close()\n"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, url], check=True)


def test_every_commit_reaches_the_disk_and_readers_cannot_write(url: str) -> None:
    with opened(url) as store:
        settings = {name: store._writer.row(f"PRAGMA {name}")[0] for name in ("journal_mode", "synchronous")}
        assert settings == {"journal_mode": "wal", "synchronous": 2}
        with pytest.raises(StoreFull, match="readonly"):
            store.read(lambda unit: unit._link.run("DELETE FROM meta"))  # type: ignore[attr-defined]  # under the unit on purpose
        assert record(store, [generation(start_ms=T0)]).new == 1

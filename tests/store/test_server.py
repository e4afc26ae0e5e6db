"""What only a PostgreSQL server has: its address, its own schema, its refusals, and connections that get lost."""

import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from fusewatch.errors import ConfigError, StoreBusy, StoreFull, StoreUnusable
from fusewatch.ports import IngestUnit, Span
from fusewatch.store import SqlStore, open_store
from fusewatch.store.postgres import Address, explain, translated
from fusewatch.store.schema import metadata
from tests.store import server
from tests.store.samples import PROJECT, T0, generation, opened, raw, record
from tests.store.server import cut

DATABASES = ("postgres",)


@pytest.fixture
def empty() -> Iterator[str]:
    url = server.empty_database()
    yield url
    server.admin(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")


def test_a_daemon_makes_the_tables_and_a_command_refuses_an_empty_database(empty: str) -> None:
    with pytest.raises(StoreUnusable, match=r"no database of ours at PostgreSQL at 127.0.0.1.* yet; `fusewatch run`"):
        open_store(empty, holder="command", exclusive=False)
    with opened(empty) as store:
        assert store.register(PROJECT, "production", now_ms=1).name == "production"
    with open_store(empty, holder="command", exclusive=False) as command:
        assert command.read(lambda unit: [p.name for p in unit.projects()]) == ["production"]


def test_daemons_that_start_together_make_the_tables_once(empty: str) -> None:
    code = (
        "import sys; from fusewatch.store import open_store\n"
        "with open_store(sys.argv[1], holder='x', exclusive=True) as s: s.read(lambda unit: unit.totals())"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, empty]) for _ in range(3)]
    assert [each.wait(100) for each in started] == [0, 0, 0]


def test_the_migrations_make_the_tables_that_the_code_expects_and_all_texts_compare_byte_by_byte(url: str) -> None:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    with raw(url) as ask:
        kinds = ask(
            "SELECT DISTINCT data_type, collation_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
        )
    assert set(kinds) == {("text", "C"), ("bigint", None), ("bytea", None)}


def test_the_tables_of_something_else_are_left_alone(empty: str) -> None:
    with raw(empty) as ask:
        ask("CREATE TABLE alembic_version (version_num TEXT)")
    with pytest.raises(StoreUnusable, match="has tables of something else; name another database"):
        opened(empty)
    with raw(empty) as ask:
        assert ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("alembic_version",)]


def test_a_database_of_a_newer_version_is_refused(empty: str) -> None:
    opened(empty).close()
    with raw(empty) as ask:
        ask("UPDATE alembic_version SET version_num = '9999'")
    for exclusive in (True, False):
        with pytest.raises(StoreUnusable, match=r"written by a newer Fusewatch \(schema 9999"):
            open_store(empty, holder="x", exclusive=exclusive)


def test_a_connection_that_was_lost_is_made_again_and_the_unit_of_work_run_again(url: str, store: SqlStore) -> None:
    record(store, [generation("a1" * 8)])
    cut(url)
    assert record(store, [generation("a2" * 8)]).new == 1
    cut(url)
    assert store.read(lambda unit: unit.totals()).generations == 2


def test_a_connection_that_is_lost_in_the_middle_of_a_unit_loses_nothing_of_it(url: str, store: SqlStore) -> None:
    runs = []

    def work(unit: IngestUnit) -> int:
        runs.append(1)
        unit.record(Span(T0, T0 + 1), [generation("a1" * 8, user="new")], now_ms=T0)
        if len(runs) == 1:
            cut(url)
        return unit.record(Span(T0, T0 + 1), [generation("a2" * 8, user="another")], now_ms=T0).new

    assert store.ingest(PROJECT.key, work) == 1
    assert len(runs) == 2
    users = store.assess(lambda unit: {row.user for row in unit.rows(0, 2**60)})
    assert users == {"new", "another"}


def test_a_server_that_cannot_be_reached_is_named_without_the_password() -> None:
    with pytest.raises(StoreBusy, match=r"PostgreSQL at 127.0.0.1:1/fusewatch cannot be reached") as caught:
        open_store("postgresql://user:hunter2@127.0.0.1:1/fusewatch", holder="x", exclusive=True)
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__}"


def test_a_database_or_a_user_that_does_not_exist_is_named_with_a_way_out(url: str) -> None:
    address = url.rpartition("/")[0]
    with pytest.raises(StoreUnusable, match=r"no_such.*does not exist.*CREATE DATABASE"):
        opened(f"{address}/no_such")
    with pytest.raises(StoreUnusable, match=r"nobody.*pg_hba.conf"):
        opened(f"{address.replace('fuse@', 'nobody@')}/postgres")


def test_a_user_without_rights_is_told_which_it_needs(empty: str) -> None:
    with raw(empty) as ask:
        ask("CREATE ROLE guest LOGIN")
        ask("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    with pytest.raises(StoreFull, match=r"permission denied.*GRANT CREATE, USAGE ON SCHEMA public"):
        opened(empty.replace("fuse@", "guest@"))
    with raw(empty) as ask:
        ask("DROP ROLE guest")


def test_a_server_that_only_reads_is_named_with_a_way_out(url: str, store: SqlStore) -> None:
    name = url.rpartition("/")[2]
    server.admin(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with opened(url) as reading:  # what we ask for ourselves wins over a default
        record(reading, [generation()])
    server.admin(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    error = psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction")
    assert "target_session_attrs=read-write" in str(explain(error, "PostgreSQL at db"))


@pytest.mark.parametrize(
    ("error", "kind", "what"),
    [
        (psycopg.errors.DiskFull("no space left"), StoreFull, "free some space"),
        (psycopg.errors.SerializationFailure("again"), StoreBusy, "in each other's way"),
        (psycopg.errors.DeadlockDetected("again"), StoreBusy, "waited for each other"),
        (psycopg.errors.AdminShutdown("terminating"), StoreBusy, "ended the connection"),
        (psycopg.errors.TooManyConnections("too many"), StoreBusy, "max_connections"),
        (psycopg.errors.InvalidPassword("no"), StoreUnusable, "the password is wrong"),
        (psycopg.OperationalError("consuming input failed: EOF"), StoreBusy, "cannot be reached, or"),
        (psycopg.errors.UndefinedTable("no generation"), StoreUnusable, "restore a backup"),
        (psycopg.errors.IndexCorrupted("bad page"), StoreUnusable, "REINDEX"),
    ],
)
def test_each_refusal_of_a_server_says_what_to_do(error: psycopg.Error, kind: type[Exception], what: str) -> None:
    meaning = explain(error, "PostgreSQL at db/fusewatch")
    assert isinstance(meaning, kind)
    assert what in str(meaning)
    assert "PostgreSQL at db/fusewatch" in str(meaning)


def test_a_mistake_of_ours_is_no_refusal() -> None:
    assert explain(psycopg.errors.SyntaxError("at or near"), "PostgreSQL at db") is None
    assert explain(ValueError("x"), "PostgreSQL at db") is None


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_usual_scheme_is_understood_and_no_password_shown(scheme: str) -> None:
    assert Address(f"{scheme}://user:pw%40x@db.example:5433/spend").place == "PostgreSQL at db.example:5433/spend"
    assert Address(f"{scheme}://u@one,two/spend?target_session_attrs=read-write").place == "PostgreSQL at one,two/spend"


def test_without_the_driver_it_says_what_to_install(url: str) -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from fusewatch.store import open_store\n"
        "open_store(sys.argv[1], holder='x', exclusive=True)"
    )
    ended = subprocess.run([sys.executable, "-c", code, url], check=False, capture_output=True, text=True)
    assert "install fusewatch[postgres]" in ended.stderr


def test_a_url_with_a_part_of_the_password_in_the_wrong_place_is_refused_without_it() -> None:
    with pytest.raises(ConfigError) as caught:
        Address("postgresql://user:p@hunter2@db/fusewatch")
    assert "hunter2" not in str(caught.value)


def test_parameters_are_numbered_and_words_of_sqlite_left_out() -> None:
    assert (
        translated("SELECT ? FROM t INDEXED BY i WHERE instr(a, ?) > 0") == b"SELECT $1 FROM t WHERE strpos(a, $2) > 0"
    )
    assert translated("SELECT ?2, ?1, a % 3") == b"SELECT $2, $1, a % 3"

"""Deadlocks, serialization failures, a failover and a full disk of a real server: waited for, and done again."""

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from fusewatch.errors import StoreFull, StoreLost
from fusewatch.ports import AssessUnit
from fusewatch.ports.leases import JUDGE, reading
from fusewatch.store import SqlStore
from fusewatch.store.leases import Leases
from fusewatch.store.link import Lock
from fusewatch.store.postgres import NAMESPACE
from tests.replicas.pair import Pair
from tests.store import server
from tests.store.samples import CHAT, PROJECT, T0, generation, opened, raw, record

DATABASES = ("postgres",)


def test_a_unit_of_work_that_is_given_up_for_another_one_is_run_again(url: str, store: SqlStore) -> None:
    """Somebody's maintenance holds a row that we want, and wants our lock: the server ends one of the two."""
    name = url.rpartition("/")[2]
    server.admin(f"ALTER DATABASE {name} SET deadlock_timeout = '20ms'")
    record(store, [generation("a1" * 8)])
    runs = []
    with opened(url) as ours, psycopg.connect(url) as theirs:
        theirs.execute("SET deadlock_timeout = '1min'")
        theirs.execute("SELECT value FROM meta WHERE name = 'version' FOR UPDATE")
        waiting = threading.Thread(target=lambda: _take_lock(theirs))

        def work(unit: AssessUnit) -> None:
            runs.append(1)
            if len(runs) == 1:
                waiting.start()
            unit.put_mark("m", 7)

        ours.assess(work)
        waiting.join(10)
    assert len(runs) == 2
    assert store.assess(lambda unit: unit.mark("m")) == 7
    server.admin(f"ALTER DATABASE {name} RESET deadlock_timeout")


def _take_lock(link: "psycopg.Connection[tuple[object, ...]]") -> None:
    link.execute("SELECT pg_advisory_xact_lock(%s::int, %s::int)", (NAMESPACE, int(Lock.LEDGER)))
    link.commit()


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_a_serialization_failure_of_the_server_is_run_again(url: str, store: SqlStore, code: str) -> None:
    """As a standby that is just being promoted, or a pooler with its own mind, reports one."""
    _run(
        url,
        "CREATE SEQUENCE tries",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'again' USING ERRCODE = '{code}'; END IF;"
        " RETURN NEW; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON generation FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    assert record(store, [generation("a1" * 8), generation("a2" * 8, dimensions=CHAT, user="bob")]).new == 2
    with raw(url) as ask:
        assert ask("SELECT last_value FROM tries")[0][0] == 4
    _run(url, "DROP TRIGGER refuse ON generation", "DROP FUNCTION refuse", "DROP SEQUENCE tries")
    assert store.read(lambda unit: unit.totals()).generations == 2


def _run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as link:
        for statement in statements:
            link.execute(statement.encode())


def test_a_failover_to_the_standby_loses_nothing_and_leaves_the_work_where_it_was() -> None:
    read = reading(PROJECT.host, PROJECT.organisation_id)
    with Pair() as pair, opened(pair.url) as store:
        store.register(PROJECT, "production", now_ms=1)
        leases: Leases = store.leases("process 1 on a (aa)", _Watch())
        store.guard(leases)
        leases.turn([JUDGE, read])
        record(store, [generation("a1" * 8)])
        pair.fail_over()
        assert record(store, [generation("a1" * 8), generation("a2" * 8)]).new == 1
        assert store.read(lambda unit: unit.totals()).generations == 2
        with pytest.raises(StoreLost):
            leases.turn([JUDGE, read])
        assert [leases.turn([JUDGE, read]).gained, leases.fence(JUDGE)] == [(), 1]
        leases.end()


class _Watch:
    def __call__(self) -> float:
        return 1000.0


@pytest.fixture
def small_disk(url: str) -> Iterator[Path]:
    """A file system of 24 MB, on which the tables of the database at `url` lie."""
    place = Path(mkdtemp(prefix="fusewatch-disk-"))  # the server's user could not reach the folder of a test
    asked = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=777", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(asked, capture_output=True, check=False).returncode != 0:
        place.rmdir()
        pytest.skip("needs the right to mount a file system")
    name = url.rpartition("/")[2]
    try:
        owner = Path(_data_folder()).stat()
        folder = place / "space"
        folder.mkdir()
        os.chown(folder, owner.st_uid, owner.st_gid)
        server.admin(f"CREATE TABLESPACE small LOCATION '{folder}'")
        server.admin(f"ALTER DATABASE {name} SET TABLESPACE small")
        yield place
        server.admin(f"ALTER DATABASE {name} SET TABLESPACE pg_default")
        server.admin("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


def _data_folder() -> str:
    with raw(f"{server.address()}/postgres") as ask:
        return str(ask("SHOW data_directory")[0][0])


def test_a_full_disk_of_the_server_is_said_and_over_when_there_is_room(url: str, small_disk: Path) -> None:
    with opened(url) as store:
        record(store, [generation("a1" * 8)])
        filler = small_disk / "filler"
        with filler.open("wb") as file:
            room = os.statvfs(small_disk)
            file.write(bytes(room.f_bavail * room.f_frsize))
        many = [generation(f"{number:016x}", user=f"user {number}", start_ms=T0 + number) for number in range(3000)]
        with pytest.raises(StoreFull, match="free some space on its disk"):
            record(store, many)
        assert store.read(lambda unit: unit.totals()).generations == 1
        filler.unlink()
        assert record(store, many).new == 3000
        assert store.read(lambda unit: unit.totals()).generations == 3001

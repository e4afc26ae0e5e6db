"""Databases of every earlier version are brought up to date, and the daemon goes on as if nothing had been."""

import subprocess
import sys
from pathlib import Path

import pytest

from fusewatch.store import open_store
from fusewatch.store.schema import HEAD
from tests.app import truth
from tests.app.stage import Stage
from tests.upgrades.frozen import FROZEN, REVISIONS, columns, database_at, facts, migrate, revision_of
from tests.upgrades.story import ENDS, RULES, spend_all


def test_the_frozen_databases_have_the_schema_that_the_migrations_make(tmp_path: Path) -> None:
    assert REVISIONS[-1] == HEAD
    assert len(list(FROZEN.glob("*.sql"))) >= 5
    for revision in REVISIONS:
        made = tmp_path / f"made-{revision}.db"
        made.touch()
        migrate(made, revision)
        assert columns(database_at(revision, tmp_path / f"{revision}.db")) == columns(made)


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_daemon_goes_on_with_the_database_of_an_earlier_version(tmp_path: Path, revision: str) -> None:
    database = database_at(revision, tmp_path / "fusewatch.db")
    assert revision_of(database) == revision
    before = facts(database)
    assert len(before["ledger"]) == 40
    assert len(before["incidents"]) == 13
    assert {row[2] for row in before["deliveries"]} == {"sent", "pending"}
    open_store(f"sqlite:///{database}", holder="a start", exclusive=True).close()
    assert facts(database) == before
    assert revision_of(database) == HEAD

    stage = Stage(rules=RULES, folder=tmp_path, begins=ENDS)
    try:
        spend_all(stage)
        stage.at("11-18 12:10", "11-18 12:30")
        after = facts(database)
        assert after["ledger"] == before["ledger"]
        assert [row[0] for row in after["incidents"]] == [row[0] for row in before["incidents"]]
        waited = {row[0] for row in before["deliveries"] if row[2] == "pending"}
        assert {message.id for message in stage.told("diary")} == waited
        assert stage.told("finops") == []
        stage.spend("30", at="11-18 12:40", team="search", feature="f1", user="u1")
        stage.at("11-18 12:50", "11-18 13:00")
        assert len(stage.told("finops")) == 1
        truth.check(stage)
    finally:
        stage.close()


def test_an_upgrade_that_is_killed_at_any_statement_leaves_a_database_that_the_next_start_brings_up_to_date(
    tmp_path: Path,
) -> None:
    before = facts(database_at(REVISIONS[0], tmp_path / "old.db"))
    subprocess.run([sys.executable, "-m", "tests.upgrades.dying", str(tmp_path)], check=True, timeout=100)
    killed = sorted(tmp_path.glob("[0-9]*.db"), key=lambda file: int(file.stem))
    assert len(killed) > 50
    assert revision_of(killed.pop()) == HEAD
    for path in killed:
        assert revision_of(path) in (REVISIONS[0], HEAD)
        assert facts(path) == before
    for path in killed[:: len(killed) // 5]:
        open_store(f"sqlite:///{path}", holder="the next start", exclusive=True).close()
        assert (revision_of(path), facts(path)) == (HEAD, before)

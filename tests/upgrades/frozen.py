"""Databases as earlier versions left them: `frozen/*.sql` were written by the code of that time, the revisions between
are made from the one before by the migrations themselves."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config

from fusewatch.store.connection import SqliteLink, make_engine
from fusewatch.store.link import Lock
from fusewatch.store.migrate import MIGRATIONS

FROZEN = Path(__file__).parent / "frozen"
REVISIONS = tuple(sorted(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py")))
_WRITTEN = tuple(sorted(file.stem for file in FROZEN.glob("*.sql")))
_UNDO = {"0003": "DROP INDEX generation_unpriced", "0002": "DROP TABLE rate_limit"}
"""The oldest file is of 0003; the two before it lack just this."""


def database_at(revision: str, path: Path) -> Path:
    """A database with three days of data at this revision."""
    written = max((name for name in _WRITTEN if name <= revision), default=_WRITTEN[0])
    with closing(sqlite3.connect(path)) as link:
        link.executescript((FROZEN / f"{written}.sql").read_text(encoding="utf-8"))
        for step, undo in _UNDO.items():
            if revision < step <= written:
                link.executescript(f"{undo}; UPDATE alembic_version SET version_num = '{int(step) - 1:04}'")
        link.execute("PRAGMA journal_mode = WAL")
    if revision > written:
        migrate(path, revision)
    return path


def migrate(path: Path, revision: str) -> None:
    """What `store.migrate.upgrade` does, up to a revision of choice."""
    engine = make_engine(path)
    link = SqliteLink(engine, busy_timeout_ms=1000)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = link.core
    with link.core.begin():
        link.begin(Lock.LEDGER)
        command.upgrade(config, revision)
    link.close()
    engine.dispose()


def facts(path: Path) -> dict[str, list[Any]]:
    """What no upgrade may change, by columns that every revision has."""
    asked = {
        "ledger": "SELECT start_ms, hex(trace), hex(obs), updated_ms, cost, counted FROM generation ORDER BY obs",
        "cells": "SELECT count(*), sum(cost_hi), sum(cost_lo), sum(tokens), sum(requests) FROM series",
        "counters": "SELECT * FROM counter_series ORDER BY 1, 2",
        "incidents": "SELECT id, rule, key, period, state, facts FROM incident ORDER BY id",
        "deliveries": "SELECT id, destination, state, created_ms, message FROM delivery ORDER BY id",
        "coverage": "SELECT * FROM coverage ORDER BY 1, 2",
    }
    with closing(sqlite3.connect(path)) as link:
        assert link.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {name: link.execute(sql).fetchall() for name, sql in asked.items()}


def columns(path: Path) -> dict[str, set[tuple[Any, ...]]]:
    """The columns of each table and index, with type and whether they must be there."""
    with closing(sqlite3.connect(path)) as link:
        names = [name for (name,) in link.execute("SELECT name FROM sqlite_master WHERE sql IS NOT NULL")]
        return {name: {row[1:4] for row in link.execute(f"PRAGMA table_info({name})")} for name in names}


def revision_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as link:
        return str(link.execute("SELECT version_num FROM alembic_version").fetchone()[0])

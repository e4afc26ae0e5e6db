"""A file system that is really full: said, waited for, nothing half applied, and over when there is room again."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from fusewatch.demo.standin import DEMO_PROJECT, StandinServer, Store
from tests.process.home import Home, now_ms, spend, wait_for

RULES = "version: 1\nbudgets:\n  - {name: cap, each: [feature], limit: $10000, every: month}\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    asked = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(asked, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_file_system_is_said_and_waited_for(tmp_path: Path, small_disk: Path) -> None:
    with StandinServer(Store(), now_ms=now_ms) as langfuse:
        home = Home.make(tmp_path, langfuse.url)
        home.env["FUSEWATCH_DATABASE_URL"] = f"sqlite:///{small_disk}/fusewatch.db"
        home.write(RULES)
        try:
            langfuse.store.add([spend("1")])
            daemon = home.run()
            wait_for(lambda: daemon.events("history_loaded"), "the first load", 60)
            filler = small_disk / "filler"
            with filler.open("wb") as file:
                room = os.statvfs(small_disk)
                file.write(bytes(room.f_bavail * room.f_frsize - 65_536))
            langfuse.store.add(spend("0.01", feature=f"feature-{number}") for number in range(2000))
            wait_for(lambda: daemon.events("loop_failed"), "the full disk is said", 60)
            assert "free some space" in daemon.events("loop_failed")[0]["error"]
            assert daemon.get("/healthz")[0] == 200
            with closing(sqlite3.connect(f"file:{small_disk}/fusewatch.db?mode=ro", uri=True)) as link:
                rows, told = link.execute(
                    "SELECT (SELECT count(*) FROM generation), (SELECT sum(generations) FROM project)"
                ).fetchone()
            assert rows == told
            filler.unlink()
            wait_for(lambda: _spent(home) == Decimal(21), "it goes on", 60)
            assert daemon.stop() == 0
            truth = sum(span.total_pico() for span in langfuse.store.newest(DEMO_PROJECT))
            assert _spent(home) == Decimal(truth).scaleb(-12)
        finally:
            home.end()


def _spent(home: Home) -> Decimal:
    return Decimal(json.loads(home.call("status", "--json", within_s=60).stdout)["spend_usd"])

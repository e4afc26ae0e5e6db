"""Promises 3, 5 and 6 with three daemons on one PostgreSQL: no trouble of one of them loses a notice or a cent."""

from pathlib import Path

import pytest

from fusewatch.demo.standin import StandinServer, Store
from tests.export.postgres import Server
from tests.process.home import Home, now_ms, spend, wait_for
from tests.replicas.rounds import NOTHING, Trouble, World, world
from tests.store.wire import Wire


@pytest.mark.timeout(300)
def test_whatever_happens_to_one_of_three_daemons_no_notice_is_lost_and_the_ledger_is_right(tmp_path: Path) -> None:
    with world(tmp_path, seed=8) as replicas:
        _one_series_each(replicas)
        for trouble in (Trouble.KILL_HOLDER, Trouble.TERMINATE, Trouble.FAILOVER, Trouble.PAUSE):
            # 9 s until the lease of a paused daemon ends; that of a killed one is free at once.
            done = replicas.round(trouble)
            assert done.took_s < 60, done.why
        assert replicas.lost() == 0
        found = replicas.repeats()
        assert (found.unexplained, found.under_two_ids) == (0, 0)
        replicas.ready()
        wait_for(lambda: replicas.difference() == NOTHING, "a ledger that equals the truth", 30)
        assert [daemon.stop() for daemon in replicas.running] == [0, 0, 0]


def test_a_database_that_is_away_just_when_a_daemon_connects_is_waited_for(tmp_path: Path) -> None:
    """It serves by then, and has not begun to watch: that the server failed over in this moment ended it."""
    spent = Store([spend("1")])
    with Server() as server, Wire(server.url) as wire, StandinServer(spent, now_ms=now_ms) as langfuse:
        home = Home.make(tmp_path, langfuse.url)
        home.env["FUSEWATCH_DATABASE_URL"] = wire.url
        home.write("version: 1\nbudgets:\n  - {name: cap, limit: $10, every: day}\n")
        try:
            wire.cut_off_at(b"ORDER BY registered_ms DESC")
            daemon = home.run()
            wait_for(lambda: daemon.events("loop_failed"), "it says so", 60)
            assert daemon.events("loop_failed")[0]["loop"] == "connections"
            assert daemon.get("/healthz")[0] == 200
            wire.mend()
            wait_for(lambda: daemon.events("history_loaded"), "it goes on", 60)
            assert daemon.stop() == 0
        finally:
            home.end()


def _one_series_each(replicas: World) -> None:
    """What one daemon shows Prometheus no other shows."""
    replicas.cross()
    replicas.wait_until_told(60)

    def found() -> list[list[str]]:
        names = ("llm_requests_total", "fusewatch_budget_used_ratio", "fusewatch_data_lag_seconds")
        return [[key for key in daemon.metrics() if key.startswith(names)] for daemon in replicas.running]

    wait_for(lambda: len({key for keys in found() for key in keys}) >= 4, "series of rules and of both projects", 30)
    shown = [key for keys in found() for key in keys]
    assert len(shown) == len(set(shown))

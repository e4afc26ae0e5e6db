"""Promises 3, 5 and 6 with three daemons on one PostgreSQL: no trouble of one of them loses a notice or a cent."""

from pathlib import Path

import pytest

from tests.process.home import wait_for
from tests.replicas.rounds import NOTHING, Trouble, World, world


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

"""Whole histories by fixed seeds: `make dst` runs others. A failure here prints the seed that repeats it."""

import gc
from dataclasses import replace
from typing import Any

import pytest

from fusewatch.app.ingest import ingest_pass
from tests.dst.author import PLACES, write
from tests.dst.history import HOUR_MS, History
from tests.dst.simulation import simulate
from tests.dst.verdict import live

SEEDS = (6, 10, 19, 44, 132, 1115, 1279, 1304, 1307, 1308, 1311, 1316, 1317, 1318, 1325, 1326, 1329, 1332)
"""What fits in three minutes of one core. 1115 and 1279 found something."""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_the_ledger_is_right_and_every_notice_comes_once(seed: int) -> None:
    outcome = live(write(seed))
    assert outcome.wrong == [], f"make dst SEED={seed}"
    assert outcome.judged.due > 0


def test_the_seeds_meet_every_zone_every_server_and_every_trouble() -> None:
    histories = [write(seed) for seed in SEEDS]
    assert {history.zone for history in histories} == {zone for zone, _ in PLACES}
    assert {history.mode for history in histories} == {"cloud", "legacy", "dual", "events_only"}
    assert {fault.kind.split()[0] for history in histories for fault in history.faults} == {
        "bad_edit",
        "crash",
        "disk",
        "edit",
        "langfuse",
        "receiver",
        "silence",
        "skew",
        "stop",
        "upgrade",
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_seed_is_one_history_to_the_last_byte() -> None:
    history = _short(write(10))
    first, second = simulate(history), simulate(history)
    assert first.log == second.log
    assert first.digest == second.digest
    assert len(history.projects) > 1, "else nothing happens at the same instant"
    assert len(first.crashes) >= 1, "else it would say little"


@pytest.mark.slow
def test_the_garbage_collector_waits_while_there_is_history_to_read_and_then_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    objects: list[int] = []

    async def noted(*args: Any, **options: Any) -> Any:
        objects.append(gc.get_threshold()[0])
        return await ingest_pass(*args, **options)

    monkeypatch.setattr("fusewatch.daemon.loops.ingest_pass", noted)
    simulate(_short(write(10, faults=False)))
    assert objects[0] == 50_000
    assert objects[-1] == gc.get_threshold()[0] < 50_000


def _short(history: History) -> History:
    """The same faults, brought together into six hours."""
    began, span = history.begins_ms, history.calm_ms - history.begins_ms

    def sooner(at_ms: int) -> int:
        return began + (at_ms - began) * 5 * HOUR_MS // span if at_ms else 0

    faults = tuple(replace(f, at_ms=sooner(f.at_ms), until_ms=sooner(f.until_ms)) for f in history.faults)
    return replace(history, faults=faults, calm_ms=began + 5 * HOUR_MS, ends_ms=began + 6 * HOUR_MS)

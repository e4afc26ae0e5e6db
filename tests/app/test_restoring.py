"""After an old backup is restored the ledger is right again, and nobody hears twice what can be known as told."""

from pathlib import Path

from fusewatch.store.backup import back_up, restore
from tests.app.conftest import Play
from tests.app.stage import Stage

RULES = """
history: 5d
budgets:
  - {name: daily, limit: $10, every: day, thresholds: [50%, 100%]}
  - {name: monthly, limit: $40, every: month, thresholds: [50%, 100%]}
"""
DOLLAR = 10**12


def two_days(play: Play) -> tuple[Stage, Path]:
    """A stage at noon of its second day, and the backup of its first evening."""
    stage = play(RULES)
    stage.spend("6", at="06:10")
    stage.at("06:20", "20:00")
    backup = stage.folder / "evening.bak"
    back_up(stage.folder / "fusewatch.db", backup)
    stage.spend("5", at="20:10")
    stage.at("20:20")
    stage.spend("12", at="11-19 08:00")
    stage.at("11-19 08:10", "11-19 12:00")
    assert stage.news() == ["daily escalated critical 100%", "daily opened critical 100%"]
    return stage, backup


def put_back(stage: Stage, backup: Path, *, damaged: bool) -> bool:
    """The daemon ends, the backup comes in its place, the daemon starts; whether the replaced file could be read."""
    path = stage.folder / "fusewatch.db"
    stage._stop()
    if damaged:
        content = path.read_bytes()
        path.write_bytes(content[:100] + b"\x5a" * (len(content) - 100))
    done = restore(backup, path, holder="a test", at="later")
    stage._start()
    return done.carried.readable


def test_the_gap_is_read_again_and_nothing_is_told_twice_while_the_replaced_file_can_be_read(play: Play) -> None:
    stage, backup = two_days(play)
    told = [message.id for message in stage.told()]
    assert put_back(stage, backup, damaged=False)
    assert stage.shown().totals.cost_pico == 6 * DOLLAR
    stage.at("11-19 12:10", "11-19 13:00")
    assert stage.shown().totals.cost_pico == 23 * DOLLAR
    assert [message.id for message in stage.told()] == told


def test_without_the_replaced_file_what_was_told_since_the_backup_is_told_once_more(play: Play) -> None:
    stage, backup = two_days(play)
    assert not put_back(stage, backup, damaged=True)
    stage.at("11-19 12:10", "11-19 13:00")
    assert stage.shown().totals.cost_pico == 23 * DOLLAR
    assert stage.news() == ["daily opened critical 100%; daily escalated critical 100% late"]


def test_what_happens_after_the_restore_is_told_once(play: Play) -> None:
    stage, backup = two_days(play)
    put_back(stage, backup, damaged=False)
    stage.at("11-19 12:10")
    stage.news()
    stage.spend("20", at="11-19 12:20")
    stage.at("11-19 12:30", "11-19 12:31")
    assert stage.news() == ["daily escalated critical 200%; monthly escalated critical 100%"]

"""Calls that end long after they began: how far each poll looks back follows from how late they come."""

from datetime import datetime

from tests.app.conftest import Play
from tests.app.stage import Stage
from tests.app.test_reconcile import compare
from tests.app.when import MINUTE_MS, clock_of

RULES = "history: 1d\nbudgets:\n  - {name: daily, limit: $1000, every: day}\n"


def looked_back(stage: Stage, polls: int) -> list[int]:
    """How many minutes before now each of the last polls reached, rounded down."""
    asked = [seen for seen in stage.standin.log if "observations" in seen.path][-polls:]
    starts = [instant_of(seen.param("fromStartTime") or "") for seen in asked]
    return [(seen.at_ms - start) // MINUTE_MS for seen, start in zip(asked, starts, strict=True)]


def instant_of(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def half_an_hour_late(stage: Stage, first: int, last: int) -> None:
    """A call every ten minutes of these hours, each readable half an hour after it began."""
    for minute in range(first * 60, last * 60, 10):
        ends = minute + 30
        stage.spend(
            "1",
            at=f"11-{18 + minute // 1440} {minute // 60 % 24:02}:{minute % 60:02}",
            arrives=f"11-{18 + ends // 1440} {ends // 60 % 24:02}:{ends % 60:02}",
        )


def known(stage: Stage) -> int:
    return stage.shown().totals.generations


def test_a_project_whose_calls_take_half_an_hour_is_soon_read_live(play: Play) -> None:
    stage = play(RULES)
    half_an_hour_late(stage, 6, 20)
    stage.at("06:00")
    stage.every(1, until="08:00")
    assert known(stage) == 0, "no lookback of 20 minutes finds them"
    compare(stage)
    found = known(stage)
    assert found > 0
    for ends in range(1, 40):
        stage.every(1, until=f"{8 + ends // 6:02}:{ends % 6}0")
        stage.every(1, until=f"{8 + ends // 6:02}:{ends % 6}1")
        appeared = (8 - 6) * 6 + ends - 3 + 1
        assert known(stage) == appeared, f"by {clock_of(stage.clock.now_ms())} those that ended are known"


def test_what_was_found_late_once_is_forgotten_and_the_lookback_shrinks_again(play: Play) -> None:
    stage = play(RULES)
    half_an_hour_late(stage, 6, 9)
    stage.at("06:00")
    stage.every(1, until="08:00")
    compare(stage)
    stage.every(1, until="08:10")
    assert min(looked_back(stage, 5)) >= 30
    stage.every(10, until="11-19 15:00")
    stage.every(1, until="11-19 15:10")
    assert sorted(looked_back(stage, 5)) == [4, 4, 4, 4, 21]


def test_a_restart_remembers_how_late_calls_come(play: Play) -> None:
    stage = play(RULES)
    half_an_hour_late(stage, 6, 12)
    stage.at("06:00")
    stage.every(1, until="08:00")
    compare(stage)
    stage.restart()
    stage.every(1, until="09:00")
    assert known(stage) == 16
    assert min(looked_back(stage, 5)) >= 30


def test_a_quiet_project_keeps_the_defaults_and_one_request_for_each_poll(play: Play) -> None:
    stage = play(RULES)
    for minute in range(0, 120, 7):
        stage.spend(
            "1", at=f"{7 + minute // 60:02}:{minute % 60:02}:30", arrives=f"{7 + minute // 60:02}:{minute % 60:02}:55"
        )
    stage.at("06:00")
    stage.every(1, until="09:00")
    compare(stage)
    before = len(stage.standin.requests(""))
    stage.every(1, until="10:00")
    assert len(stage.standin.requests("")) - before == 60
    assert sorted(looked_back(stage, 5)) == [4, 4, 4, 4, 21]


def test_a_poll_that_looks_far_back_is_still_one_request(play: Play) -> None:
    stage = play(RULES)
    half_an_hour_late(stage, 6, 9)
    stage.at("06:00")
    stage.every(1, until="08:00")
    compare(stage)
    stage.every(1, until="09:40")
    before = len(stage.standin.requests(""))
    stage.every(1, until="10:40")
    assert len(stage.standin.requests("")) - before == 60
    assert min(looked_back(stage, 5)) >= 30


def test_calls_that_an_outage_hid_do_not_make_the_lookback_grow(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00", "06:01")
    for minute in range(10, 50, 5):
        stage.spend("1", at="06:00:30", arrives=f"06:{minute}")
    stage.langfuse_down()
    stage.every(5, until="09:00")
    stage.langfuse_up()
    stage.every(1, until="09:10")
    assert known(stage) == 8
    assert sorted(looked_back(stage, 5)) == [4, 4, 4, 4, 21]


def test_history_that_appears_days_late_does_not_make_the_lookback_grow(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00")
    stage.every(10, until="20:00")
    for minute in range(50):
        stage.spend("1", at=f"08:{minute:02}", arrives="20:00")
    stage.every(1, until="20:30")
    compare(stage)
    assert known(stage) == 50
    stage.every(1, until="20:40")
    assert sorted(looked_back(stage, 5)) == [4, 4, 4, 4, 21]

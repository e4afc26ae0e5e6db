"""`repeat`: what is still open is told again, each interval, to those who know of it."""

import pytest

from tests.app.conftest import Play

AGAIN = """
history: 1d
repeat: {critical: 4h}
budgets:
  - {name: teams, each: [team], limit: $100, every: week}
"""


def test_what_is_open_is_told_again_each_interval_of_its_severity(play: Play) -> None:
    stage = play(AGAIN)
    stage.at("06:59")
    stage.spend("100", at="07:10", team="a")
    stage.spend("80", at="07:10", team="b")
    stage.at("07:11", "11:10")
    assert stage.news() == ["teams team=a opened critical 100%; teams team=b opened warning 80%"]
    stage.at("11:11", "11:12")
    assert stage.news() == ["teams team=a repeated critical 100% no. 1"]
    stage.at("15:11", "15:12", "19:11")
    assert stage.news() == [
        "teams team=a repeated critical 100% no. 2",
        "teams team=a repeated critical 100% no. 3",
    ]


def test_any_news_of_it_begins_the_interval_anew(play: Play) -> None:
    stage = play(AGAIN)
    stage.at("06:59")
    stage.spend("100", at="07:10", team="a")
    stage.at("07:11")
    stage.spend("100", at="10:10", team="a")
    stage.at("10:11", "11:11", "14:10")
    assert stage.news() == ["teams team=a opened critical 100%", "teams team=a escalated critical 200%"]
    stage.at("14:11")
    assert stage.news() == ["teams team=a repeated critical 200% no. 1"]


def test_a_restart_neither_repeats_nor_forgets_to(play: Play) -> None:
    stage = play(AGAIN)
    stage.at("06:59")
    stage.spend("100", at="07:10", team="a")
    stage.at("07:11")
    stage.restart()
    stage.at("08:00", "11:11")
    stage.restart()
    stage.at("11:12", "15:10")
    assert stage.news() == ["teams team=a opened critical 100%", "teams team=a repeated critical 100% no. 1"]


def test_a_lowered_interval_works_at_once_and_no_interval_is_off(play: Play) -> None:
    """Yelp #2304 (FIELD 47)."""
    stage = play(AGAIN)
    stage.at("06:59")
    stage.spend("100", at="07:10", team="a")
    stage.at("07:11", "08:30")
    stage.news()
    stage.reload(AGAIN.replace("4h", "1h"))
    assert stage.news() == ["teams team=a repeated critical 100% no. 1"]
    stage.reload(AGAIN.replace("repeat: {critical: 4h}", ""))
    stage.at("23:00")
    assert stage.silent()


def test_what_is_over_is_not_told_again(play: Play) -> None:
    stage = play(AGAIN.replace("every: week", "every: day"))
    stage.at("06:59")
    stage.spend("100", at="21:10", team="a")
    stage.at("21:11", "11-19 00:01", "11-19 02:00")
    assert stage.news() == ["teams team=a opened critical 100%"]


def test_nothing_is_repeated_in_quiet_hours_or_in_a_silence(play: Play) -> None:
    stage = play(AGAIN + 'quiet_hours: {from: "22:00", to: "07:00"}\n')
    stage.at("07:00")
    stage.spend("100", at="21:10", team="a")
    stage.at("21:11", "11-19 01:11", "11-19 06:59")
    assert stage.news() == ["teams team=a opened critical 100%"]
    stage.at("11-19 07:00")
    assert stage.news() == ["teams team=a repeated critical 100% no. 1"]
    stage.silence("11-19 12:00", rule="teams")
    stage.at("11-19 11:30")
    assert stage.silent()
    stage.at("11-19 12:00")
    assert stage.news() == ["teams team=a repeated critical 100% no. 2"]


def test_only_destinations_that_know_of_it_are_told_again(play: Play) -> None:
    stage = play(AGAIN.replace("every: week", "every: week, notify: [finops, pager]"))
    stage.at("06:59")
    stage.spend("80", at="07:10", team="a")
    stage.at("07:11")
    stage.reload(AGAIN.replace("critical", "warning").replace("every: week", "every: week, notify: [finops, pager]"))
    stage.at("11:12")
    assert stage.news("finops") == ["teams team=a opened warning 80%", "teams team=a repeated warning 80% no. 1"]
    assert stage.silent()


@pytest.mark.parametrize("after_commit", [False, True])
@pytest.mark.parametrize("fatal", range(1, 7))
def test_killed_at_any_transaction_it_is_repeated_once(play: Play, fatal: int, after_commit: bool) -> None:
    stage = play(AGAIN)
    stage.at("06:59")
    stage.spend("100", at="07:10", team="a")
    stage.at("07:11")
    stage.runner.fatal, stage.runner.after_commit = stage.runner.done + fatal, after_commit
    if stage.dies(lambda: stage.at("11:11")):
        stage.repeats_allowed += 1
        stage.restart()
    stage.at("11:12", "11:14")
    assert len({message.id for message in stage.told("finops")}) == 2

"""Quiet hours: what comes in them waits, and at their end one message tells what still stands."""

import pytest

from fusewatch.domain.notices import Message, MessageKind
from tests.app.conftest import Play
from tests.app.when import clock_of

NIGHT = """
version: 1
history: 1d
quiet_hours: {from: "22:00", to: "07:00", except: [critical]}
destinations:
  finops: {type: console}
  content: {type: console, timezone: Asia/Kolkata, quiet_hours: {from: "22:00", to: "07:00"}}
notify: [finops]
budgets:
  - {name: teams, each: [team], limit: $100, every: week}
"""
"""`finops` is quiet from 22:00 to 07:00, `content` from 16:30 to 01:30."""


def test_what_is_crossed_in_quiet_hours_is_told_at_their_end_in_one_message(play: Play) -> None:
    stage = play(NIGHT)
    stage.at("06:59")
    stage.spend("80", at="22:10", team="a")
    stage.spend("85", at="23:10", team="b")
    stage.at("22:11", "23:11", "11-19 03:00", "11-19 06:59")
    assert stage.silent()
    assert {held.destination for held in stage.shown().held} == {"finops"}
    assert {clock_of(held.hold.until_ms) for held in stage.shown().held} == {"11-19 07:00:00"}
    stage.at("11-19 07:00", "11-19 07:01")
    assert stage.news() == ["summary: quiet_hours; teams team=b opened warning 80%; teams team=a opened warning 80%"]
    assert stage.shown().held == ()
    assert all(incident.told == ("finops",) for incident in stage.open("teams"))


def test_what_is_excepted_comes_at_once(play: Play) -> None:
    stage = play(NIGHT)
    stage.at("06:59")
    stage.spend("100", at="22:10", team="a")
    stage.at("22:11")
    assert stage.news() == ["teams team=a opened critical 100%"]
    stage.at("11-19 07:00")
    assert stage.silent()


def test_what_grew_into_an_exception_is_told_at_once_and_not_again_in_the_morning(play: Play) -> None:
    stage = play(NIGHT)
    stage.at("06:59")
    stage.spend("80", at="22:10", team="a")
    stage.at("22:11")
    stage.spend("20", at="23:10", team="a")
    stage.at("23:11")
    assert stage.news() == ["teams team=a escalated critical 100%"]
    stage.at("11-19 07:00", "11-19 08:00")
    assert stage.silent()


def test_what_came_and_went_in_quiet_hours_is_told_to_nobody(play: Play) -> None:
    stage = play(NIGHT)
    stage.at("06:59")
    span = stage.spend("80", at="22:10", team="a")
    stage.at("22:11")
    stage.update(span, at="22:20", usd="40")
    stage.at("22:21", "11-19 07:00", "11-19 07:01")
    assert stage.silent()
    assert [incident.state.value for incident in stage.incidents("teams")] == ["resolved"]


def test_escalations_in_quiet_hours_are_one_line_with_the_highest(play: Play) -> None:
    stage = play(NIGHT.replace("$100, every: week", "$100, every: week, notify: [content]"))
    stage.at("06:59")
    for clock, usd in (("17:00", "80"), ("18:00", "20"), ("19:00", "100")):
        stage.spend(usd, at=clock, team="a")
        stage.at(f"{clock[:3]}01")
    assert stage.silent()
    stage.at("11-19 01:29")
    assert stage.silent()
    stage.at("11-19 01:30")
    assert stage.news("content") == ["summary: quiet_hours; teams team=a opened critical 200%"]


def test_the_end_of_what_was_told_before_is_told_at_the_end_of_quiet_hours(play: Play) -> None:
    stage = play(NIGHT)
    stage.at("06:59")
    span = stage.spend("80", at="21:50", team="a")
    stage.at("21:51")
    assert stage.news() == ["teams team=a opened warning 80%"]
    stage.update(span, at="22:10", usd="40")
    stage.at("22:11")
    assert stage.silent()
    stage.at("11-19 07:00", "11-19 07:01")
    assert stage.news() == ["summary: quiet_hours; teams team=a resolved warning (corrected)"]


def test_what_was_told_before_resolved_and_came_back_is_not_told_again(play: Play) -> None:
    stage = play(NIGHT)
    stage.at("06:59")
    span = stage.spend("80", at="21:58", team="a")
    stage.at("21:59")
    assert stage.news() == ["teams team=a opened warning 80%"]
    span = stage.update(span, at="22:00:10", usd="40")
    stage.at("22:00:30")
    stage.update(span, at="22:01:10", usd="81")
    stage.at("22:01:30")
    assert [incident.episode for incident in stage.open("teams")] == [2]
    stage.at("11-19 07:00", "11-19 07:01")
    assert stage.silent()
    stage.reload(NIGHT.replace("$100", "$300"))
    assert stage.news() == ["teams team=a resolved warning (limit raised)"]


def test_a_period_that_ended_in_quiet_hours_is_in_the_summary_all_the_same(play: Play) -> None:
    stage = play(NIGHT.replace("every: week", "every: day"))
    stage.at("06:59")
    stage.spend("80", at="23:10", team="a")
    stage.at("23:11", "11-19 00:01", "11-19 07:00", "11-19 07:01")
    assert stage.news() == ["summary: quiet_hours; teams team=a opened warning 80%"]
    assert stage.incidents("teams")[0].state.value == "rolled_over"


def test_each_destination_has_its_own_quiet_hours(play: Play) -> None:
    stage = play(NIGHT.replace("notify: [finops]\nbudgets", "notify: [finops, content]\nbudgets"))
    stage.at("06:59")
    stage.spend("80", at="17:00", team="a")
    stage.at("17:01")
    assert stage.news("finops") == ["teams team=a opened warning 80%"]
    assert stage.silent()
    stage.spend("80", at="23:00", team="b")
    stage.at("23:01", "11-19 01:30")
    assert stage.news("content") == [
        "summary: quiet_hours; teams team=a opened warning 80%; teams team=b opened warning 80%"
    ]
    assert stage.silent()
    stage.at("11-19 07:00")
    assert stage.news("finops") == ["summary: quiet_hours; teams team=b opened warning 80%"]
    assert stage.silent()


def test_a_restart_in_quiet_hours_loses_nothing_and_doubles_nothing(play: Play) -> None:
    stage = play(NIGHT)
    stage.at("06:59")
    stage.spend("80", at="22:10", team="a")
    stage.at("22:11")
    stage.restart()
    stage.at("23:00")
    stage.restart()
    stage.at("11-19 07:00")
    stage.restart()
    stage.at("11-19 07:05")
    assert stage.news() == ["summary: quiet_hours; teams team=a opened warning 80%"]


def test_a_daemon_that_was_down_at_the_end_of_quiet_hours_tells_when_it_is_back(play: Play) -> None:
    stage = play(NIGHT)
    stage.at("06:59")
    stage.spend("80", at="22:10", team="a")
    stage.at("22:11")
    stage.clock.move(stage.ms("11-19 09:00"))
    stage.restart()
    stage.at("11-19 09:01")
    assert stage.news() == ["summary: quiet_hours; teams team=a opened warning 80%"]


@pytest.mark.parametrize("after_commit", [False, True])
@pytest.mark.parametrize("fatal", range(1, 7))
def test_killed_at_any_transaction_around_a_wait_it_is_told_once(play: Play, fatal: int, after_commit: bool) -> None:
    stage = play(NIGHT)
    stage.at("06:59")
    stage.spend("80", at="22:10", team="a")
    stage.runner.fatal, stage.runner.after_commit = stage.runner.done + fatal, after_commit
    if stage.dies(lambda: stage.at("22:11")):
        stage.restart()
    stage.at("23:00")
    stage.runner.fatal, stage.runner.after_commit = stage.runner.done + fatal, after_commit
    if stage.dies(lambda: stage.at("11-19 07:00")):
        stage.repeats_allowed += 1
        stage.restart()
    stage.at("11-19 07:02", "11-19 07:04")
    told = {message.id: message for message in stage.told("finops") if _is_about_teams(message)}
    assert [message.kind for message in told.values()] == [MessageKind.SUMMARY]


def _is_about_teams(message: Message) -> bool:
    return any(notice.incident.rule == "teams" for notice in message.notices)


def test_quiet_hours_that_are_taken_out_of_the_file_end_at_once(play: Play) -> None:
    stage = play(NIGHT)
    stage.at("06:59")
    stage.spend("80", at="22:10", team="a")
    stage.at("22:11")
    stage.reload("\n".join(line for line in NIGHT.splitlines() if not line.startswith("quiet_hours")))
    assert stage.news() == ["summary: quiet_hours; teams team=a opened warning 80%"]


def test_what_waits_for_a_destination_that_is_taken_out_of_the_file_is_dropped(play: Play) -> None:
    stage = play(NIGHT.replace("every: week", "every: week, notify: [content]"))
    stage.at("06:59")
    stage.spend("80", at="17:00", team="a")
    stage.at("17:01")
    assert len(stage.shown().held) == 1
    stage.reload(NIGHT.replace("  content:", "  other:"))
    stage.at("17:10")
    assert stage.shown().held == ()


def test_an_unreadable_project_is_told_in_the_morning_if_it_still_is(play: Play) -> None:
    rules = NIGHT.replace(", except: [critical]", "")
    stage = play(rules)
    stage.at("06:59", "22:00")
    stage.langfuse_down()
    stage.every(5, until="23:00")
    stage.langfuse_up()
    stage.every(5, until="23:30")
    assert stage.silent()
    stage.at("11-19 07:00")
    assert stage.silent()
    stage.at("11-19 22:00")
    stage.langfuse_down()
    stage.every(5, until="11-19 22:30")
    stage.at("11-20 07:01")
    assert stage.news() == ["summary: quiet_hours; unreadable project=langfuse opened critical 100%"]
    stage.langfuse_up()
    stage.at("11-20 07:30", "11-20 07:31")
    assert stage.news() == ["readable: langfuse"]


def test_flapping_at_a_line_in_quiet_hours_is_told_once(play: Play) -> None:
    """SpeedCurve #154 (FIELD 44)."""
    stage = play(NIGHT)
    stage.at("06:59")
    span = stage.spend("81", at="22:00", team="a")
    stage.at("22:00:30")
    for minute in (1, 3):
        span = stage.update(span, at=f"22:{minute:02}", usd="50")
        stage.at(f"22:{minute:02}:30")
        span = stage.update(span, at=f"22:{minute + 1:02}", usd="81")
        stage.at(f"22:{minute + 1:02}:30")
    assert [incident.episode for incident in stage.open("teams")] == [3]
    assert stage.silent()
    stage.at("11-19 07:00", "11-19 07:01")
    assert stage.news() == ["summary: quiet_hours; teams team=a opened warning 80%"]

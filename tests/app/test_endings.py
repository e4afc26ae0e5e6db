"""Ends that are no news: only destinations whose earlier messages can change learn of them."""

from tests.app.conftest import Play
from tests.app.stage import Stage

DESTINATIONS = """
version: 1
history: 1d
destinations:
  finops: {type: console}
  channel: {type: slack, channel: "#llm-spend", token: xoxb-1}
  pager: {type: slack, channel: C0123456789, token: xoxb-1, from: critical}
notify: [finops, channel, pager]
"""
DAILY = "budgets:\n  - {name: daily, limit: $10, every: day}\n"


def crossed(play: Play, extra: str = "") -> Stage:
    stage = play(DESTINATIONS + extra + DAILY)
    stage.at("06:00")
    stage.spend("8.50", at="07:00")
    stage.at("07:01")
    assert stage.news("finops") == ["daily opened warning 80%"]
    assert stage.news("channel") == ["daily opened warning 80%"]
    assert not stage.news("pager")
    return stage


def test_a_period_that_is_over_is_told_to_those_that_follow_and_were_told_of_it(play: Play) -> None:
    stage = crossed(play)
    stage.at("11-19 00:00:20")
    assert stage.news("channel") == ["update: daily rolled_over warning 80%"]
    assert not stage.news("finops"), "a terminal cannot change what it showed"
    assert not stage.news("pager"), "it never heard of the incident"
    stage.at("11-19 00:01", "11-19 00:02")
    assert not stage.news("channel"), "once"


def test_an_incident_of_a_rule_that_is_gone_ends_for_those_that_follow(play: Play) -> None:
    stage = crossed(play)
    stage.reload(DESTINATIONS + DAILY.replace("daily,", "other,"))
    stage.at("07:02")
    assert "update: daily withdrawn warning 80%" in stage.news("channel")
    assert stage.news("finops") == ["start: other opened warning 80%"]


def test_an_end_waits_for_no_quiet_hours_since_it_calls_nobody(play: Play) -> None:
    stage = crossed(play, 'quiet_hours: {from: "22:00", to: "07:00"}\n')
    stage.at("11-19 00:00:20")
    assert stage.news("channel") == ["update: daily rolled_over warning 80%"]

"""A notice carries what its key spent in each of the last 24 hours, in the unit of its rule."""

from tests.app.conftest import Play

RULES = """
history: 2d
budgets:
  - {name: teams, each: [team], limit: $10, every: day}
  - {name: calls, each: [team], limit: 4 requests, every: day}
"""


def test_the_hours_before_the_notice_are_those_of_its_key(play: Play) -> None:
    stage = play(RULES)
    stage.spend("1", at="11-17 06:00", team="a")  # more than a day ago
    stage.spend("2", at="11-17 07:20", team="a")
    stage.spend("50", at="11-17 09:00", team="b")
    stage.spend("4", at="05:20", team="a")
    stage.at("06:59")
    stage.spend("3", at="07:05", team="a")
    stage.spend("4", at="07:10", team="a")
    stage.spend("0.1", at="07:11", team="a")
    stage.at("07:12")
    notices = {n.incident.rule: n for m in stage.told() for n in m.notices if n.incident.key == ("a",)}
    dollars = [pico / 10**12 for pico in notices["teams"].hours]
    assert dollars == [2, *[0] * 21, 4, 7.1]
    assert notices["calls"].hours == (1, *[0] * 21, 1, 3)

"""A rule that matches nothing is no quiet rule: it is told, with what its author may have meant."""

from tests.app.conftest import Play

RULES = """
history: 8d
budgets:
  - {name: typo, where: {team: contents}, limit: $5, every: day}
  - {name: right, where: {team: content}, limit: $500, every: day}
  - {name: pair, where: {team: content, feature: nothing-like-it}, limit: $5, every: day}
"""


def test_a_rule_whose_pattern_fits_no_value_is_flagged_with_the_nearest(play: Play) -> None:
    stage = play(RULES)
    stage.spend("1.00", at="07:00", team="content", feature="chat")
    stage.at("07:30")
    unmatched = {one.rule: one.misfits for one in stage.shown().unmatched}
    assert set(unmatched) == {"typo", "pair"}
    assert [(m.dimension, m.patterns, m.nearest) for m in unmatched["typo"]] == [("team", ("contents",), ("content",))]
    assert [(m.dimension, m.nearest) for m in unmatched["pair"]] == [("feature", ())]


def test_nothing_is_flagged_where_nothing_was_spent_at_all(play: Play) -> None:
    stage = play(RULES)
    stage.at("07:30")
    assert stage.shown().unmatched == ()


def test_a_rule_that_matched_within_the_week_is_not_flagged(play: Play) -> None:
    stage = play(RULES)
    stage.spend("1.00", at="07:00", team="content")
    stage.at("07:30")
    stage.spend("1.00", at="11-22 07:00", team="search")
    stage.at("11-22 07:30")
    assert "right" not in {one.rule for one in stage.shown().unmatched}
    stage.spend("1.00", at="11-27 07:00", team="search")
    stage.at("11-27 07:30")
    assert "right" in {one.rule for one in stage.shown().unmatched}

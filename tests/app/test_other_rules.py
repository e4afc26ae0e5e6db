"""The budget file changes while the daemon runs: what that announces, and what it does not."""

import pytest

from fusewatch.errors import ConfigError
from tests.app.conftest import Play
from tests.app.scene import PROJECTS
from tests.app.stage import Stage

TEN = "history: 1d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n"


def _limit(usd: str) -> str:
    return TEN.replace("$10", f"${usd}")


def _over(play: Play, usd: str, rules: str = TEN, *, team: str = "", feature: str = "") -> Stage:
    """A day on which so much was spent, and told."""
    stage = play(rules)
    stage.at("06:00")
    stage.spend(usd, at="07:00", team=team, feature=feature)
    stage.at("07:01")
    stage.news()
    return stage


def test_raising_a_limit_resolves_the_incident_and_says_why(play: Play) -> None:
    stage = _over(play, "11")
    stage.reload(_limit("20"))
    assert stage.news() == ["daily resolved critical (limit raised)"]
    stage.at("07:02")
    assert stage.silent()


def test_a_raised_limit_is_announced_again_when_it_is_crossed(play: Play) -> None:
    stage = _over(play, "11")
    stage.reload(_limit("20"))
    stage.news()
    stage.spend("5", at="07:02:30")
    stage.at("07:03")
    stage.spend("5", at="07:03:30")
    stage.at("07:04")
    assert stage.news() == ["daily opened warning 80%", "daily escalated critical 100%"]


def test_raising_a_limit_that_stays_crossed_says_nothing_and_arms_what_lies_above(play: Play) -> None:
    stage = _over(play, "25")
    stage.reload(_limit("15"))
    stage.at("07:02")
    assert stage.silent()
    stage.spend("5", at="07:02:30")
    stage.at("07:03")
    assert stage.news() == ["daily escalated critical 200%"]


def test_lowering_a_limit_announces_the_highest_threshold_newly_crossed(play: Play) -> None:
    stage = _over(play, "6")
    stage.reload(_limit("5.50"))
    assert stage.news() == ["daily escalated critical 100%"]
    stage.at("07:02")
    assert stage.silent()


def test_lowering_a_limit_below_spend_that_was_quiet_opens_an_incident(play: Play) -> None:
    stage = _over(play, "4")
    stage.reload(_limit("1"))
    assert stage.news() == ["daily opened critical 400%"]


def test_lifting_the_limit_of_a_key_resolves_its_incident(play: Play) -> None:
    rules = "history: 1d\nbudgets:\n  - {name: teams, each: [team], limit: $10, every: day}\n"
    stage = _over(play, "11", rules, team="content")
    stage.reload(rules.replace("every: day}", "every: day, overrides: [{team: content, limit: none}]}"))
    assert stage.news() == ["teams team=content resolved critical (limit raised)"]


def test_renaming_a_rule_with_was_goes_on_with_its_incidents(play: Play) -> None:
    stage = _over(play, "9")
    stage.reload(TEN.replace("name: daily", "name: each-day, was: daily"))
    stage.at("07:02")
    assert stage.silent()
    assert stage.open("daily") == []
    assert [float(i.level) for i in stage.open("each-day")] == [0.8]
    stage.spend("1", at="07:02:30")
    stage.at("07:03")
    assert stage.news() == ["each-day escalated critical 100%"]


def test_a_rename_with_was_remembers_what_was_resolved_too(play: Play) -> None:
    stage = play(TEN)
    stage.at("06:00")
    call = stage.spend("11", at="07:00")
    stage.at("07:00:30")
    stage.update(call, at="07:00:40", usd="8.50")
    stage.at("07:01")
    stage.news()
    stage.reload(TEN.replace("name: daily", "name: each-day, was: daily"))
    stage.at("07:02")
    assert stage.silent()


def test_renaming_a_rule_without_was_makes_a_new_rule(play: Play) -> None:
    stage = _over(play, "11")
    stage.reload(TEN.replace("name: daily", "name: each-day"))
    stage.at("07:02")
    assert stage.news() == ["start: each-day opened critical 100%"]
    assert [i.state.value for i in stage.incidents("daily")] == ["withdrawn"]


def test_removing_a_rule_withdraws_its_incidents_without_a_word(play: Play) -> None:
    stage = _over(play, "11")
    stage.reload("history: 1d\nbudgets: []\n")
    stage.at("07:02")
    assert stage.silent()
    assert [i.state.value for i in stage.incidents("daily")] == ["withdrawn"]
    assert stage.shown().budgets == ()


def test_a_rule_that_is_brought_back_does_not_announce_again_what_was_announced(play: Play) -> None:
    stage = _over(play, "9")
    stage.reload("history: 1d\nbudgets: []\n")
    stage.at("07:02")
    stage.reload(TEN)
    stage.at("07:03")
    assert stage.silent()
    assert [float(i.level) for i in stage.open("daily")] == [0.8]
    stage.spend("1", at="07:03:30")
    stage.at("07:04")
    assert stage.news() == ["daily escalated critical 100%"]


def test_a_rule_split_by_another_dimension_withdraws_what_it_had_without_a_word(play: Play) -> None:
    rules = "history: 1d\nbudgets:\n  - {name: each, each: [team], limit: $10, every: day}\n"
    stage = _over(play, "11", rules, team="content", feature="chat")
    stage.reload(rules.replace("[team]", "[feature]"))
    stage.at("07:02")
    assert "resolved" not in "".join(stage.news())
    states = {i.group: i.state.value for i in stage.incidents("each")}
    assert states == {"team=content": "withdrawn", "feature=chat": "open"}


def test_a_rule_with_another_scope_keeps_what_it_announced(play: Play) -> None:
    stage = _over(play, "11", team="content")
    stage.reload(TEN.replace("limit:", "where: {team: content}, limit:"))
    stage.at("07:02")
    assert stage.silent()


def test_a_rule_with_another_period_withdraws_what_it_had(play: Play) -> None:
    stage = _over(play, "11")
    stage.reload(TEN.replace("every: day", "every: week"))
    stage.at("07:02")
    assert stage.news() == ["start: daily opened critical 100%"]
    assert sorted((i.period, i.state.value) for i in stage.incidents("daily")) == [
        ("day:2026-11-18", "withdrawn"),
        ("week:2026-11-16", "open"),
    ]


def test_another_time_zone_does_not_announce_the_same_day_again(play: Play) -> None:
    stage = _over(play, "11")
    stage.reload("timezone: Europe/Berlin\n" + TEN)
    stage.at("07:02")
    assert stage.silent()


def test_a_file_with_other_destinations_tells_them_what_comes_from_then_on(play: Play) -> None:
    stage = _over(play, "9")
    stage.reload(TEN.replace("every: day", "every: day, notify: [content]"))
    stage.at("07:02")
    assert stage.silent()
    stage.spend("1", at="07:02:30")
    stage.at("07:03")
    assert stage.news("content") == ["daily escalated critical 100%"]


def test_a_resolution_does_not_go_to_a_destination_that_is_gone(play: Play) -> None:
    named = TEN.replace("every: day", "every: day, notify: [content, finops]")
    stage = play(named)
    stage.at("06:00")
    call = stage.spend("11", at="07:00")
    stage.at("07:00:30")
    assert (len(stage.news("content")), len(stage.news("finops"))) == (1, 1)
    stage.reload("version: 1\ndestinations: {finops: {type: console}}\nnotify: [finops]\n" + TEN)
    stage.update(call, at="07:00:50", usd="1")
    stage.at("07:01")
    assert stage.news("finops") == ["daily resolved critical (corrected)"]
    assert stage.news("content") == []


def test_a_broken_file_changes_nothing_and_the_last_good_rules_go_on(play: Play) -> None:
    stage = play(TEN)
    stage.at("06:00")
    with pytest.raises(ConfigError, match="limit"):
        stage.reload(TEN.replace("$10", "ten dollars"))
    stage.spend("11", at="07:00")
    stage.at("07:01")
    assert stage.news() == ["daily opened critical 100%"]
    stage.restart()
    stage.spend("10", at="07:01:30")
    stage.at("07:02")
    assert stage.news() == ["daily escalated critical 200%"]


NAMED = "version: 1\nhistory: 1d\ndestinations: {finops: {type: console}}\nnotify: [finops]\n"
BY_PROJECT = """
budgets:
  - {name: each, each: [project], limit: $10, every: day}
  - {name: labs, where: {project: labs}, limit: $5, every: day}
"""


def test_renaming_a_project_in_the_file_changes_nothing(play: Play) -> None:
    stage = play(NAMED + PROJECTS + BY_PROJECT)
    stage.at("06:00")
    stage.spend("9", at="07:00", project="labs")
    stage.at("07:01")
    assert stage.news() == ["labs opened critical 100%; each project=labs opened warning 80%"]
    renamed = (PROJECTS + BY_PROJECT).replace("name: labs, base", "name: research, base")
    stage.reload(NAMED + renamed.replace("{project: labs}", "{project: research}"))
    stage.at("07:02", "07:03")
    assert stage.silent()
    assert {i.rule: i.episode for i in stage.incidents() if i.state.value == "open"} == {"each": 1, "labs": 1}
    stage.spend("1", at="07:03:30", project="labs")
    stage.at("07:04")
    assert stage.news() == ["each project=research escalated critical 100%; labs escalated critical 200%"]


def test_a_project_added_to_the_file_is_read_and_counted_without_disturbing_the_other(play: Play) -> None:
    shop_only = "\n".join(line for line in PROJECTS.splitlines() if "labs" not in line)
    stage = play(NAMED + shop_only + "\nbudgets:\n  - {name: daily, limit: $10, every: day}\n")
    stage.spend("6", at="05:00", project="labs")
    stage.spend("5", at="05:00", project="shop")
    stage.at("06:00")
    assert stage.silent()
    stage.reload(NAMED + PROJECTS + "\nbudgets:\n  - {name: daily, limit: $10, every: day}\n")
    stage.at("06:01", "06:02")
    assert stage.news() == ["daily escalated critical 100%"]


def test_a_project_taken_out_of_the_file_keeps_its_spend_in_the_ledger(play: Play) -> None:
    stage = play(NAMED + PROJECTS + "\nbudgets:\n  - {name: daily, limit: $10, every: day}\n")
    stage.spend("6", at="05:00", project="labs")
    stage.at("06:00")
    shop_only = "\n".join(line for line in PROJECTS.splitlines() if "labs" not in line)
    stage.reload(NAMED + shop_only + "\nbudgets:\n  - {name: daily, limit: $10, every: day}\n")
    stage.at("06:01")
    assert stage.shown().totals.cost_pico == 6_000_000_000_000
    assert stage.silent()


def test_other_attribution_rules_hold_for_what_is_read_from_then_on(play: Play) -> None:
    rules = "history: 1d\nbudgets:\n  - {name: features, each: [feature], limit: $10, every: day}\n"
    stage = play(rules)
    stage.at("06:00")
    stage.feature_of = lambda span: span.release
    stage.reload("attribution: {feature: [release]}\n" + rules)
    stage.spend("11", at="07:00", feature="chat", release="r7")
    stage.at("07:01")
    assert stage.news() == ["features feature=r7 opened critical 100%"]

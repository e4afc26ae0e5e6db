"""What Langfuse says anew: costs that change, calls that move, and what was told of them."""

from tests.app.conftest import Play
from tests.app.when import clock_of

DAILY = "history: 1d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n"
TEAMS = "history: 1d\nbudgets:\n  - {name: teams, each: [team], limit: $10, every: day}\n"


def test_a_newer_version_replaces_the_cost_of_a_call_and_never_adds_to_it(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    call = stage.spend("6", at="07:00")
    stage.at("07:01")
    for minute, usd in enumerate(["6", "7", "7.99"], start=1):
        call = stage.update(call, at=f"07:{minute:02}:30", usd=usd)
        stage.at(f"07:{minute + 1:02}")
    assert stage.silent()
    assert stage.shown().totals[:2] == (1, 7_990_000_000_000)


def test_a_cost_that_arrives_later_crosses_when_it_arrives(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    call = stage.spend(None, at="07:00")
    stage.at("07:01")
    assert stage.shown().totals.unpriced == 1
    stage.update(call, at="07:01:30", usd="11")
    stage.at("07:02")
    assert stage.news() == ["daily opened critical 100%"]
    assert stage.shown().totals.unpriced == 0


def test_a_call_whose_start_moves_to_another_hour_counts_there_and_only_there(play: Play) -> None:
    stage = play("history: 1d\nbudgets:\n  - {name: hourly, limit: $10, every: hour}\n")
    stage.at("06:00")
    call = stage.spend("9", at="07:58")
    stage.at("07:59")
    stage.update(call, at="08:00:30", start="08:00:05")
    stage.every(1, until="08:06")
    assert stage.news() == ["hourly opened warning 80%", "hourly opened warning 80%"]
    assert stage.shown().totals[:2] == (1, 9_000_000_000_000)
    (line,) = stage.shown().budgets
    assert line.spent == 9_000_000_000_000


def test_a_call_that_moves_to_another_team_leaves_the_first_one(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:00")
    call = stage.spend("12", at="07:00", team="content")
    stage.at("07:01")
    stage.update(call, at="07:01:30", team="search")
    stage.at("07:02")
    assert stage.news() == [
        "teams team=content opened critical 100%",
        "teams team=search opened critical 100%; teams team=content resolved critical (corrected)",
    ]


def test_when_cost_falls_the_incident_resolves_only_where_its_opening_went(play: Play) -> None:
    rules = """
history: 1d
budgets:
  - {name: daily, limit: $10, every: day, notify: [finops, pager]}
"""
    stage = play(rules)
    stage.at("06:00")
    call = stage.spend("9", at="07:00")
    stage.at("07:01")
    stage.update(call, at="07:01:30", usd="1")
    stage.at("07:02")
    assert stage.news("finops") == ["daily opened warning 80%", "daily resolved warning (corrected)"]
    assert stage.news("pager") == []
    assert stage.silent()


def test_an_incident_that_nobody_was_told_of_resolves_in_silence(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    call = stage.spend("6", at="07:00")
    stage.at("07:01")
    stage.update(call, at="07:01:30", usd="1")
    stage.at("07:02")
    assert stage.silent()
    assert [i.state.value for i in stage.incidents("daily")] == ["resolved"]


def test_a_fall_of_less_than_two_percent_of_the_limit_does_not_resolve(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    call = stage.spend("10", at="07:00")
    stage.at("07:00:05")
    assert stage.news() == ["daily opened critical 100%"]
    for ten, usd in enumerate(["9.81", "10.00", "9.85", "10.10"], start=1):
        call = stage.update(call, at=f"07:00:{ten}0", usd=usd)
        stage.at(f"07:00:{ten}5")
    assert stage.silent()
    stage.update(call, at="07:01:00", usd="9.80")
    stage.at("07:01:05")
    assert stage.news() == ["daily resolved critical (corrected)"]


def test_crossing_again_after_a_resolution_is_a_new_episode(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    call = stage.spend("11", at="07:00")
    stage.at("07:01")
    stage.update(call, at="07:01:30", usd="1")
    stage.at("07:02")
    stage.spend("10", at="07:02:30")
    stage.at("07:03", "07:04")
    assert stage.news() == [
        "daily opened critical 100%",
        "daily resolved critical (corrected)",
        "daily opened critical 100%",
    ]
    assert sorted((i.episode, i.state.value) for i in stage.incidents("daily")) == [(1, "resolved"), (2, "open")]


def test_a_resolution_to_a_lower_threshold_arms_only_what_lies_above_it(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    call = stage.spend("11", at="07:00")
    stage.at("07:01")
    stage.update(call, at="07:01:30", usd="8.50")
    stage.at("07:02", "07:03")
    stage.spend("1", at="07:03:30")
    stage.at("07:04")
    stage.spend("1", at="07:04:30")
    stage.at("07:05")
    assert stage.news() == [
        "daily opened critical 100%",
        "daily resolved critical (corrected)",
        "daily opened critical 100%",
    ]


def test_a_correction_of_yesterday_resolves_nothing_and_says_nothing(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    call = stage.spend("11", at="23:55")
    stage.at("23:56", "23:58", "23:59", "11-19 00:01")
    assert stage.news() == ["daily opened critical 100%"]
    stage.update(call, at="11-19 00:01:30", usd="1")
    stage.every(1, until="11-19 00:08")
    assert stage.silent()
    assert stage.shown().totals.cost_pico == 1_000_000_000_000
    assert [i.state.value for i in stage.incidents("daily")] == ["rolled_over"]


def test_the_crossing_time_is_the_start_of_the_call_that_crossed(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    for second, usd in [("07:00:10", "4"), ("07:00:20", "4"), ("07:00:40", "4"), ("07:00:50", "1")]:
        stage.spend(usd, at=second)
    stage.at("07:02")
    (incident,) = stage.open("daily")
    assert [(float(c.share), clock_of(c.at_ms)) for c in incident.crossings] == [
        (0.5, "11-18 07:00:20"),
        (0.8, "11-18 07:00:20"),
        (1.0, "11-18 07:00:40"),
    ]


def test_versions_that_stand_side_by_side_are_one_call_however_often_they_are_read(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    call = stage.spend("3", at="07:00")
    later = stage.update(call, at="07:00:30", usd="4", start="07:00:20")
    stage.update(later, at="07:00:40", usd="5", start="07:00:10")
    stage.every(1, until="07:12")
    assert stage.silent()
    assert stage.shown().totals[:2] == (1, 5_000_000_000_000)

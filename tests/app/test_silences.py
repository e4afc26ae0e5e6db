"""Silences: nobody is told while one lasts; at its end what still stands is told once."""

from tests.app.conftest import Play
from tests.app.when import clock_of

TEAMS = """
history: 1d
budgets:
  - {name: teams, each: [team], limit: $100, every: week}
  - {name: shop, where: {team: a}, limit: $1000, every: week}
"""


def test_what_is_silenced_is_kept_and_told_once_at_the_end_if_it_still_stands(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:59")
    silence = stage.silence("10:00", rule="teams")
    stage.spend("80", at="07:10", team="a")
    stage.at("07:11")
    stage.spend("20", at="08:10", team="a")
    stage.at("08:11", "09:59")
    assert stage.silent()
    (incident,) = stage.open("teams")
    assert incident.told == ()
    held = stage.shown().held_of(incident)
    assert [(h.destination, h.hold.silence, clock_of(h.hold.until_ms)) for h in held] == [
        ("finops", silence.id, "11-18 10:00:00")
    ]
    stage.at("10:00", "10:01")
    assert stage.news() == ["summary: silence; teams team=a opened critical 100%"]
    stage.at("11:00")
    assert stage.silent()


def test_only_what_its_matchers_mean_is_silenced(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:59")
    stage.silence("10:00", team="a", severity="warning")
    stage.spend("80", at="07:10", team="a")
    stage.spend("80", at="07:11", team="b")
    stage.at("07:12")
    assert stage.news() == ["teams team=b opened warning 80%"]
    stage.spend("20", at="07:20", team="a")
    stage.at("07:21")
    assert stage.news() == ["teams team=a escalated critical 100%"]
    stage.at("10:00")
    assert stage.silent()


def test_a_silence_of_a_value_covers_a_rule_that_is_about_nothing_else(play: Play) -> None:
    stage = play(TEAMS.replace("$1000", "$50"))
    stage.at("06:59")
    stage.silence("10:00", team="a")
    stage.spend("60", at="07:10", team="a")
    stage.at("07:11")
    assert stage.silent()
    assert len(stage.open("shop")) == 1


def test_a_silence_that_is_ended_early_lets_go_at_once(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:59")
    silence = stage.silence("10:00", team="*")
    stage.spend("80", at="07:10", team="a")
    stage.at("07:11")
    assert stage.silent()
    stage.clock.go_on(60_000)
    ended = stage.store.end_silence(silence.id, at_ms=stage.clock.now_ms())
    assert ended is not None
    assert ended.until_ms == stage.clock.now_ms()
    stage.at("07:13")
    assert stage.news() == ["summary: silence; teams team=a opened warning 80%"]


def test_a_silence_outlives_a_restart(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:59")
    stage.silence("10:00", team="*")
    stage.spend("80", at="07:10", team="a")
    stage.at("07:11")
    stage.restart()
    stage.at("07:20")
    assert stage.silent()
    stage.clock.move(stage.ms("11:00"))
    stage.restart()
    stage.at("11:01", "11:02")
    assert stage.news() == ["summary: silence; teams team=a opened warning 80%"]


def test_what_was_told_before_a_silence_is_not_told_again_after_it(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:59")
    stage.spend("80", at="07:00", team="a")
    stage.at("07:01")
    assert stage.news() == ["teams team=a opened warning 80%"]
    stage.silence("10:00", team="*")
    stage.at("08:00", "10:00", "10:01")
    assert stage.silent()


def test_what_was_told_before_and_ends_in_a_silence_is_told_to_be_over_at_its_end(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:59")
    span = stage.spend("80", at="07:00", team="a")
    stage.at("07:01")
    assert stage.news() == ["teams team=a opened warning 80%"]
    stage.silence("10:00", team="*")
    stage.update(span, at="07:10", usd="40")
    stage.at("07:11")
    assert stage.silent()
    stage.at("10:00")
    assert stage.news() == ["summary: silence; teams team=a resolved warning (corrected)"]


def test_what_ended_with_its_period_in_a_silence_is_told_to_nobody(play: Play) -> None:
    stage = play(TEAMS.replace("every: week", "every: day"))
    stage.at("06:59")
    stage.silence("11-19 10:00", team="*")
    stage.spend("80", at="23:10", team="a")
    stage.at("23:11", "11-19 00:01", "11-19 10:00", "11-19 10:01")
    assert stage.silent()


def test_each_destination_is_told_once_at_the_end(play: Play) -> None:
    stage = play(TEAMS.replace("limit: $100, every: week", "limit: $100, every: week, notify: [finops, pager]"))
    stage.at("06:59")
    stage.silence("10:00", team="*")
    stage.spend("80", at="07:05", team="b")
    stage.spend("100", at="07:10", team="a")
    stage.at("07:11", "10:00", "10:01")
    assert stage.news("finops") == [
        "summary: silence; teams team=a opened critical 100%; teams team=b opened warning 80%"
    ]
    assert stage.news("pager") == ["summary: silence; teams team=a opened critical 100%"]
    assert stage.silent()


def test_a_silence_that_ends_in_quiet_hours_hands_over_to_them(play: Play) -> None:
    stage = play(TEAMS + 'quiet_hours: {from: "22:00", to: "07:00"}\n')
    stage.at("07:59")
    stage.silence("23:00", team="*")
    stage.spend("100", at="20:10", team="a")
    stage.at("20:11", "23:00")
    assert stage.silent()
    stage.at("11-19 07:00")
    assert stage.news() == ["summary: quiet_hours; teams team=a opened critical 100%"]


def test_a_rule_that_is_renamed_while_it_is_silenced_is_told_under_its_new_name(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:59")
    stage.silence("10:00", team="*")
    stage.spend("80", at="07:10", team="a")
    stage.at("07:11")
    stage.reload(TEAMS.replace("name: teams,", "name: squads, was: teams,"))
    stage.at("10:00", "10:01")
    assert stage.news() == ["summary: silence; squads team=a opened warning 80%"]


def test_a_rule_that_is_removed_while_it_is_silenced_is_told_to_nobody(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:59")
    stage.silence("10:00", team="*")
    stage.spend("80", at="07:10", team="a")
    stage.at("07:11")
    stage.reload(TEAMS.replace("name: teams,", "name: others,").replace("$100,", "$500,"))
    stage.at("10:00", "10:01")
    assert stage.silent()

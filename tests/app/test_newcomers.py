"""`watch: new`: the first real money of a value that was never seen."""

from tests.app.conftest import Play
from tests.app.when import clock_of

NEW = """
history: 5d
watch: {new: {each: [model], floor: $5}}
notify: [diary]
"""
HEAD = """
version: 1
destinations:
  diary: {type: console, from: info}
"""
RULES = HEAD + NEW


def test_a_new_value_is_told_once_when_it_has_cost_the_floor(play: Play) -> None:
    stage = play(RULES)
    stage.spend("50", at="05:00", model="gpt-4o")
    stage.at("06:59")
    assert stage.silent()
    stage.spend("4.99", at="07:10", model="o9-pro")
    stage.at("07:11")
    assert stage.silent()
    stage.spend("0.01", at="07:20", model="o9-pro")
    stage.at("07:21", "07:22")
    assert stage.news("diary") == ["new model=o9-pro opened info 100%"]
    (incident,) = stage.open("new")
    assert (incident.key, incident.period, incident.measured) == (("model", "o9-pro"), "new", 5 * 10**12)
    assert [clock_of(crossing.at_ms) for crossing in incident.crossings] == ["11-18 07:10:00"]
    stage.spend("500", at="07:30", model="o9-pro")
    stage.spend("500", at="07:31", model="gpt-4o")
    stage.at("07:32", "11-19 00:01", "11-19 08:00")
    assert stage.silent()
    assert stage.open("new") == []


def test_it_learns_silently_what_was_there_at_the_first_start_however_long_that_takes_to_read(play: Play) -> None:
    stage = play(RULES, window_ms=6 * 3_600_000)
    for day, model in (("11-13", "a"), ("11-15", "b"), ("11-17", "c")):
        stage.spend("50", at=f"{day} 12:00", model=model)
    stage.spend("50", at="06:20", model="d")
    stage.at("06:30", "06:35")
    for minute, model in enumerate("abcd", start=40):
        stage.spend("50", at=f"06:{minute}", model=model)
    stage.at("07:00")
    assert stage.silent()


def test_it_learns_silently_when_it_is_switched_on_and_again_when_it_was_off(play: Play) -> None:
    stage = play(RULES.replace("watch: {new: {each: [model], floor: $5}}", ""))
    stage.spend("50", at="05:00", model="a")
    stage.at("06:59")
    stage.reload(RULES)
    stage.spend("50", at="07:10", model="a")
    stage.at("07:11")
    stage.reload(RULES.replace("watch: {new: {each: [model], floor: $5}}", ""))
    stage.spend("50", at="07:20", model="b")
    stage.at("07:21")
    stage.reload(RULES)
    stage.spend("50", at="07:40", model="b")
    stage.at("07:41")
    assert stage.silent()
    stage.spend("50", at="08:00", model="c")
    stage.at("08:01")
    assert stage.news("diary") == ["new model=c opened info 100%"]


def test_it_is_told_once_for_ever_whatever_restarts(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:59")
    stage.spend("50", at="07:10", model="a")
    stage.at("07:11")
    assert stage.news("diary") == ["new model=a opened info 100%"]
    stage.restart()
    stage.spend("50", at="07:20", model="a")
    stage.at("07:21", "11-20 07:21")
    stage.spend("50", at="11-20 08:20", model="a")
    stage.at("11-20 08:21")
    assert stage.silent()


def test_each_of_several_dimensions_is_watched_by_itself(play: Play) -> None:
    stage = play(RULES.replace("[model]", "[model, feature]"))
    stage.spend("50", at="05:00", model="a", feature="chat")
    stage.spend("50", at="05:00", model="b", feature="search")
    stage.at("06:59")
    stage.spend("50", at="07:10", model="a", feature="search")
    stage.at("07:11")
    assert stage.silent()
    stage.spend("50", at="07:20", model="a", feature="mail")
    stage.at("07:21")
    assert stage.news("diary") == ["new feature=mail opened info 100%"]


def test_a_missing_value_is_no_newcomer(play: Play) -> None:
    stage = play(RULES.replace("[model]", "[team]"))
    stage.spend("1", at="05:00", team="a")
    stage.at("06:59")
    stage.spend("50", at="07:10")
    stage.at("07:11")
    assert stage.silent()


def test_what_comes_late_but_happened_before_the_watch_is_no_newcomer(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:59")
    stage.spend("50", at="06:52", arrives="07:01", model="slow")
    stage.every(1, until="07:10")
    assert stage.shown().totals.generations == 1
    assert stage.silent()


def test_a_warning_destination_is_not_told(play: Play) -> None:
    stage = play(RULES.replace(", from: info", ""))
    stage.at("06:59")
    stage.spend("50", at="07:10", model="a")
    stage.at("07:11")
    assert stage.silent()
    assert len(stage.open("new")) == 1

"""Rolling windows: budgets over the last hours or days, in episodes."""

from tests.app.conftest import Play
from tests.app.stage import Stage
from tests.app.when import clock_of, instant_ms

LAST_HOUR = """
budgets:
  - {name: hot, limit: $10, last: 1h, thresholds: [80%, 100%]}
"""


def _crossed(stage: Stage, rule: str) -> list[str]:
    incident = stage.incidents(rule)[0]
    return [f"{float(c.share * 100):g}% {clock_of(c.at_ms)[6:]}" for c in incident.crossings]


def _windows_told(stage: Stage) -> list[str]:
    """Of what was told last."""
    incidents = [notice.incident for notice in stage.told()[-1].notices]
    return [f"{clock_of(i.period_start_ms)[6:11]} to {clock_of(i.period_end_ms)[6:11]}" for i in incidents]


def test_a_window_counts_the_quarter_hour_that_runs_and_those_that_end_less_than_its_length_before_that(
    play: Play,
) -> None:
    stage = play(LAST_HOUR)
    stage.spend("4", at="05:59")
    stage.spend("5", at="06:14")
    stage.at("06:14:30")
    assert stage.shown().budgets[0].spent == 9 * 10**12
    stage.at("06:44:59")
    assert stage.shown().budgets[0].spent == 9 * 10**12
    stage.at("06:45")
    assert stage.shown().budgets[0].spent == 5 * 10**12
    stage.at("07:00")
    assert stage.shown().budgets[0].spent == 0


def test_an_episode_opens_escalates_and_ends_after_a_calm_window(play: Play) -> None:
    stage = play(LAST_HOUR)
    stage.at("06:00")
    stage.spend("5", at="06:05")
    stage.spend("3.50", at="06:20:10")
    stage.at("06:06", "06:21")
    assert stage.news() == ["hot opened warning 80%"]
    stage.spend("2", at="06:31:20")
    stage.at("06:32")
    assert stage.news() == ["hot escalated critical 100%"]
    assert _crossed(stage, "hot") == ["80% 06:20:10", "100% 06:31:20"]
    stage.every(5, until="07:16")
    assert stage.silent(), "5 dollars left the window at 07:00; 5.50 lie below 90 % of 8"
    stage.every(5, until="07:56")
    assert [i.state.value for i in stage.incidents("hot")] == ["open"]
    stage.every(5, until="08:06")
    assert stage.news() == ["hot resolved critical (subsided)"]
    stage.every(5, until="09:06")
    assert stage.silent()


def test_what_comes_again_after_a_calm_window_is_a_new_episode(play: Play) -> None:
    stage = play(LAST_HOUR)
    stage.at("06:00")
    stage.spend("12", at="06:05")
    stage.every(5, until="09:00")
    assert stage.news() == ["hot opened critical 100%", "hot resolved critical (subsided)"]
    stage.spend("9", at="09:05")
    stage.at("09:06")
    assert stage.news() == ["hot opened warning 80%"]
    assert [i.episode for i in stage.incidents("hot")] == [2, 1]


def test_a_sum_that_falls_and_comes_back_within_the_window_is_told_once(play: Play) -> None:
    stage = play(LAST_HOUR)
    stage.at("06:00")
    for hour in range(6, 12):
        stage.spend("11", at=f"{hour:02}:05")
        stage.spend("1", at=f"{hour:02}:50")
    stage.every(5, until="11:58")
    assert stage.news() == ["hot opened critical 100%"]


def test_the_true_crossing_time_is_found_when_the_episode_began_before_the_first_start(play: Play) -> None:
    stage = play("budgets:\n  - {name: day, limit: $100, last: 24h}\n")
    stage.spend("40", at="11-17 09:00")
    stage.spend("61", at="11-18 02:13:05")
    stage.at("06:00")
    assert stage.news() == ["start: day opened critical 100%"]
    assert _crossed(stage, "day") == ["50% 02:13:05", "80% 02:13:05", "100% 02:13:05"]
    assert instant_ms("02:13:05") == stage.incidents("day")[0].crossings[0].at_ms


def test_a_window_that_was_over_during_an_outage_is_told_late_once_and_is_over(play: Play) -> None:
    stage = play(LAST_HOUR)
    stage.at("06:00")
    stage.langfuse_down()
    stage.spend("6", at="07:05")
    stage.spend("6", at="07:20:30")
    stage.every(30, until="11:00")
    stage.news()
    stage.langfuse_up()
    stage.every(5, until="12:00")
    assert stage.news() == ["hot opened critical 100% late", "readable: langfuse; hot opened critical 100% late"]
    assert _crossed(stage, "hot") == ["80% 07:20:30", "100% 07:20:30"]
    assert _windows_told(stage) == ["06:30 to 07:30"]
    assert [i.state.value for i in stage.incidents("hot")] == ["rolled_over"]
    stage.spend("12", at="12:05")
    stage.at("12:06")
    assert stage.news() == ["hot opened critical 100%"]


def test_a_row_that_comes_late_opens_the_episode_that_it_would_have_opened(play: Play) -> None:
    stage = play(LAST_HOUR)
    stage.spend("4", at="05:20")
    stage.spend("6", at="06:10", arrives="06:15:30")
    stage.every(1, until="06:17")
    assert stage.news() == ["hot opened critical 100%"], "at 06:15 the first four dollars left the window"
    assert _crossed(stage, "hot") == ["80% 06:10:00", "100% 06:10:00"]
    assert _windows_told(stage) == ["05:15 to 06:15"]
    (incident,) = stage.open("hot")
    assert incident.measured == 6 * 10**12, "though it was 10 when the line was crossed"
    assert incident.period_end_ms == instant_ms("06:30:00")
    stage.every(5, until="07:10")
    assert stage.silent()
    stage.every(5, until="07:20")
    assert stage.news() == ["hot resolved critical (subsided)"]


def test_tokens_and_requests_have_windows_too_for_each_key(play: Play) -> None:
    rules = """
budgets:
  - {name: tokens, limit: 3k tokens, last: 2h, each: [user]}
  - {name: requests, limit: 3 requests, last: 30m, each: [user]}
"""
    stage = play(rules)
    stage.at("06:00")
    for minute in (5, 10, 50):
        stage.spend("0.01", at=f"06:{minute:02}", user="ann", tokens=1000)
        stage.spend("0.01", at=f"06:{minute:02}", user="bob", tokens=10)
    stage.spend("0.01", at="06:52", user="bob", tokens=10)
    stage.spend("0.01", at="06:53", user="bob", tokens=10)
    stage.every(1, until="06:55")
    assert stage.news() == [
        "tokens user=ann escalated critical 100%",
        "requests user=bob escalated critical 100%",
    ]


def test_the_limit_of_a_rolling_budget_may_change_at_any_time(play: Play) -> None:
    stage = play(LAST_HOUR)
    stage.at("06:00")
    stage.spend("12", at="06:20")
    stage.at("06:21")
    assert stage.news() == ["hot opened critical 100%"]
    stage.reload(LAST_HOUR.replace("$10", "$20"))
    assert stage.news() == ["hot resolved critical (limit raised)"]
    stage.spend("4", at="06:25")
    stage.at("06:26")
    assert stage.news() == ["hot opened warning 80%"]
    stage.reload(LAST_HOUR.replace("$10", "$15"))
    assert stage.news() == ["hot escalated critical 100%"]
    stage.reload(LAST_HOUR.replace("1h", "2h"))
    assert stage.news() == ["start: hot opened critical 100%"], "another window is another rule"


def test_a_restart_goes_on_with_the_open_episode(play: Play) -> None:
    stage = play(LAST_HOUR)
    stage.at("06:00")
    stage.spend("12", at="06:20")
    stage.at("06:21")
    stage.restart()
    stage.every(5, until="07:20")
    stage.restart()
    stage.every(5, until="08:40")
    assert stage.news() == ["hot opened critical 100%", "hot resolved critical (subsided)"]


def test_a_long_window_reads_as_far_back_as_it_looks(play: Play) -> None:
    stage = play("history: 1d\nbudgets:\n  - {name: quarter, limit: $100, last: 90d}\n")
    stage.spend("50", at="08-21 12:00")
    stage.spend("500", at="08-19 12:00")
    stage.spend("35", at="05:00")
    stage.at("06:00")
    assert stage.news() == ["start: quarter opened warning 80%"]
    (line,) = stage.shown().budgets
    assert (line.every.value, line.spent, line.resets_ms, line.forecast) == ("last:90d", 85 * 10**12, None, None)

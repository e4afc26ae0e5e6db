"""Langfuse cannot be read, and then it can: spend is unknown meanwhile, never zero, and nothing of it gets lost."""

from tests.app.conftest import Play
from tests.app.scene import PROJECTS
from tests.app.stage import Stage
from tests.app.when import DAY_MS, HOUR_MS, clock_of

DAILY = "history: 1d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n"
TEAMS = """
history: 1d
budgets:
  - {name: daily, limit: $100, every: day}
  - {name: teams, each: [team], limit: $10, every: day}
"""


def _outage(stage: Stage, begins: str, ends: str) -> None:
    """Polls that fail, from the first to the last of these times."""
    stage.langfuse_down()
    stage.at(begins)
    stage.every(10, until=ends)
    stage.langfuse_up()


def test_a_project_that_cannot_be_read_for_fifteen_minutes_is_told_once(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00", "07:00")
    stage.langfuse_down()
    stage.at("07:01")
    stage.every(1, until="07:15")
    assert stage.silent()
    stage.every(1, until="08:00")
    assert stage.news() == ["unreadable: langfuse"]
    message = stage.told()[-1]
    assert message.severity.word == "critical"
    assert message.gap is not None
    assert (clock_of(message.created_ms), message.gap.until_ms) == ("11-18 07:16:00", None)
    assert "503" in message.gap.reason


def test_a_shorter_outage_is_no_news(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00", "07:00")
    _outage(stage, "07:01", "07:15")
    stage.spend("3", at="07:05")
    stage.at("07:16", "07:17")
    assert stage.silent()
    assert stage.shown().totals.cost_pico == 3_000_000_000_000


def test_the_watch_can_be_tuned_and_switched_off(play: Play) -> None:
    tuned = play("watch: {unreadable: {after: 3m}}\n" + DAILY)
    off = play("watch: {unreadable: false}\n" + DAILY)
    for stage in (tuned, off):
        stage.at("06:00", "07:00")
        _outage(stage, "07:01", "07:40")
    assert tuned.news() == ["unreadable: langfuse"]
    assert off.silent()
    for stage in (tuned, off):
        stage.at("07:41")


def test_the_budgets_that_are_nearly_used_up_are_named_fullest_first(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:00")
    for team, usd in [("content", "9.50"), ("search", "12"), ("sales", "7.99")]:
        stage.spend(usd, at="07:00", team=team)
    stage.at("07:01")
    _outage(stage, "07:02", "07:30")
    gap = stage.told()[-1].gap
    assert gap is not None
    assert gap.near == (("teams", "team=search", 120), ("teams", "team=content", 95))
    stage.at("07:31")


def test_the_recovery_tells_what_was_spent_in_the_gap_and_what_was_crossed_in_it(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:00")
    stage.spend("5", at="06:59", team="content")
    stage.spend("2", at="06:50", team="search")
    stage.at("07:00")
    _outage(stage, "07:01", "07:59")
    stage.news()
    stage.spend("6", at="07:30", team="content")
    stage.spend("2", at="07:40", team="sales")
    stage.at("08:00", "08:01")
    content = "teams team=content escalated critical 100%"
    assert sorted(stage.news()) == [
        "readable: langfuse; teams team=content opened critical 100%",
        content,
    ]
    gap = stage.told()[-1].gap
    assert gap is not None
    assert gap.until_ms == stage.ms("08:00")
    assert gap.cost_pico == 8_000_000_000_000


def test_the_money_of_the_gap_is_only_that_of_the_gap(play: Play) -> None:
    """It begins and ends inside quarter hours in which there was other spend."""
    stage = play(DAILY.replace("$10", "$100"))
    stage.at("06:00")
    stage.spend("1", at="07:01")
    stage.at("07:02", "07:05")
    _outage(stage, "07:06", "07:36")
    stage.spend("2", at="07:05:30")
    stage.spend("4", at="07:20")
    stage.spend("8", at="07:36:30")
    stage.at("07:37")
    stage.spend("16", at="07:37:30")
    stage.at("07:38")
    assert stage.news() == ["unreadable: langfuse", "readable: langfuse"]
    gap = stage.told()[-1].gap
    assert gap is not None
    assert gap.cost_pico == 14_000_000_000_000
    assert (clock_of(gap.since_ms), clock_of(gap.until_ms or 0)) == ("11-18 07:05:00", "11-18 07:37:00")


def test_the_recovery_goes_only_where_the_outage_was_told(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00", "07:00")
    _outage(stage, "07:01", "07:20")
    stage.at("07:21")
    assert stage.news("finops") == ["unreadable: langfuse", "readable: langfuse"]
    assert stage.silent()


def test_while_a_project_catches_up_only_what_is_over_is_announced_then_the_highest_of_the_rest(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:00", "07:00")
    stage.window_ms = HOUR_MS
    _outage(stage, "07:01", "16:00")
    for team, usd in [("content", "11"), ("search", "9"), ("sales", "4")]:
        stage.spend(usd, at="15:30", team=team)
    stage.spend("5", at="08:00", team="sales")
    stage.spend("10", at="07:30", team="content")
    stage.news()
    (report,) = stage.poll("16:01")
    assert stage.news() == ["teams team=content opened critical 100%"]
    first = stage.told()[-1].notices[0]
    assert (first.at_least, first.incident.measured) == (True, 11_000_000_000_000)
    passes = 1
    while report.more:
        assert stage.silent()
        (report,) = stage.read_on()
        passes += 1
    assert passes > 5
    told = stage.news()
    assert told[-1].startswith("readable: langfuse")
    assert told[:-1] == [
        "teams team=content escalated critical 200%; teams team=sales opened warning 80%; "
        "teams team=search opened warning 80%"
    ]
    stage.at("16:02", "16:03")
    assert stage.silent()


def test_a_restart_in_the_middle_of_catching_up_forgets_nothing(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:00", "07:00")
    stage.window_ms = HOUR_MS
    _outage(stage, "07:01", "16:00")
    stage.spend("9", at="15:30", team="search")
    stage.spend("9", at="08:30", team="content")
    stage.news()
    stage.poll("16:01")
    stage.restart()
    stage.poll("16:02")
    assert stage.silent()
    stage.at("16:03")
    assert [text.split(":")[0] for text in stage.news()] == [
        "teams team=content opened warning 80%; teams team=search opened warning 80%",
        "readable",
    ]


def test_the_daemon_that_was_down_catches_up_as_after_an_outage(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00", "07:00")
    stage.spend("4", at="08:00")
    stage.spend("4", at="12:00")
    stage.clock.move(stage.ms("15:00"))
    stage.restart()
    stage.at("15:00", "15:01")
    assert stage.news() == ["daily opened warning 80%"]


def test_a_crossing_before_midnight_that_is_learned_after_it_is_told_once_and_marked_late(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00", "22:00")
    _outage(stage, "22:01", "11-19 03:59")
    stage.spend("11", at="23:10")
    stage.news()
    stage.at("11-19 04:00", "11-19 04:01")
    told = stage.news()
    assert told[0] == "daily opened critical 100% late"
    assert [text.split(":")[0] for text in told[1:]] == ["readable"]
    notice = stage.told()[-2].notices[0]
    (crossing,) = [c for c in notice.incident.crossings if c.share == 1]
    assert (clock_of(crossing.at_ms), clock_of(notice.at_ms)) == ("11-18 23:10:00", "11-19 04:00:00")
    stage.restart()
    stage.at("11-19 04:02", "11-19 04:10")
    assert stage.silent()


def test_the_recovery_lists_a_crossing_of_the_day_before_too(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00", "22:00")
    _outage(stage, "22:01", "11-19 03:59")
    stage.spend("11", at="23:10")
    stage.news()
    stage.at("11-19 04:00")
    (recovery,) = [message for message in stage.told() if message.kind.value == "readable"]
    assert [notice.incident.period for notice in recovery.notices] == ["day:2026-11-18"]


def test_a_late_crossing_below_the_limit_is_told_only_once_the_gap_is_read(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00", "20:00")
    stage.window_ms = HOUR_MS
    stage.spend("4", at="20:30")
    stage.spend("5", at="23:30")
    stage.clock.move(stage.ms("11-19 04:00"))
    stage.restart()
    (report,) = stage.poll("11-19 04:00")
    while report.more:
        assert stage.silent()
        (report,) = stage.read_on()
    assert stage.news() == ["daily opened warning 80% late"]


def test_a_crossing_that_is_older_than_a_day_is_recorded_only(play: Play) -> None:
    stage = play(DAILY.replace("history: 1d", "history: 5d"))
    stage.at("06:00", "12:00")
    stage.spend("11", at="13:00")
    stage.spend("11", at="11-19 13:00")
    stage.clock.move(stage.ms("11-20 01:00"))
    stage.restart()
    stage.at("11-20 01:00", "11-20 01:01")
    assert stage.news() == ["daily opened critical 100% late"]
    stored = {i.period: (i.timing.value, i.state.value) for i in stage.incidents("daily")}
    assert stored == {
        "day:2026-11-18": ("recorded", "rolled_over"),
        "day:2026-11-19": ("late", "rolled_over"),
    }


def test_calls_that_had_started_before_an_outage_and_ended_in_it_are_found(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00", "07:00")
    stage.spend("6", at="06:45", arrives="07:20")
    stage.spend("5", at="06:59", arrives="07:02")
    _outage(stage, "07:01", "09:00")
    stage.news()
    stage.at("09:01")
    assert stage.news()[0] == "daily opened critical 100%"


def test_calls_that_end_during_a_short_outage_are_found_too(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00", "07:00")
    stage.spend("6", at="06:50", arrives="07:03")
    stage.spend("5", at="06:59", arrives="07:02")
    _outage(stage, "07:01", "07:08")
    stage.every(1, until="07:14")
    assert stage.news() == ["daily escalated critical 100%"]


def test_a_limit_that_is_raised_during_an_outage_resolves_once_all_is_read(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    stage.window_ms = HOUR_MS
    stage.spend("11", at="06:30")
    stage.at("07:00")
    _outage(stage, "07:01", "12:00")
    stage.spend("1", at="09:00")
    stage.news()
    (report,) = stage.poll("12:01")
    assert report.more
    stage.reload(DAILY.replace("$10", "$40"))
    assert stage.silent()
    stage.at("12:02")
    assert "daily resolved critical (limit raised)" in stage.news()


def test_one_project_that_cannot_be_read_does_not_stop_the_other(play: Play) -> None:
    rules = (
        "version: 1\nhistory: 1d\ndestinations: {finops: {type: console}}\nnotify: [finops]\n"
        + PROJECTS
        + "\nbudgets:\n  - {name: each, each: [project], limit: $10, every: day}\n"
    )
    stage = play(rules)
    stage.at("06:00", "07:00")
    stage.langfuse_down(only="sk-labs")
    stage.spend("11", at="07:00:30", project="shop")
    stage.spend("11", at="07:00:30", project="labs")
    stage.at("07:01")
    assert stage.news() == ["each project=shop opened critical 100%"]
    stage.every(1, until="07:20")
    assert stage.news() == ["unreadable: labs"]
    stage.langfuse_up()
    stage.at("07:21")
    assert stage.news()[0] == "each project=labs opened critical 100%"


def test_an_outage_at_the_first_start_ends_in_an_ordinary_first_start(play: Play) -> None:
    stage = play(DAILY)
    stage.spend("11", at="05:00")
    stage.langfuse_down()
    stage.at("06:00")
    stage.every(1, until="06:30")
    assert stage.silent()
    stage.langfuse_up()
    stage.at("06:31", "06:32")
    assert stage.news() == ["start: daily opened critical 100%"]


def test_a_restart_during_an_outage_neither_forgets_nor_repeats_that_it_was_told(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00", "07:00")
    stage.langfuse_down()
    stage.at("07:01")
    stage.every(1, until="07:10")
    stage.restart()
    stage.every(1, until="07:30")
    assert stage.news() == ["unreadable: langfuse"]
    stage.restart()
    stage.every(1, until="07:40")
    assert stage.silent()
    stage.spend("3", at="07:20")
    stage.langfuse_up()
    stage.at("07:41")
    assert stage.news() == ["readable: langfuse"]
    gap = stage.told()[-1].gap
    assert gap is not None
    assert gap.cost_pico == 3_000_000_000_000


def test_a_second_outage_is_told_again(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00", "07:00")
    for hour in ("07", "09"):
        _outage(stage, f"{hour}:01", f"{hour}:20")
        stage.at(f"{hour}:21")
    assert stage.news() == ["unreadable: langfuse", "readable: langfuse"] * 2


def test_a_week_without_the_daemon_is_read_back_and_only_the_present_is_announced(play: Play) -> None:
    stage = play("history: 10d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n", window_ms=DAY_MS)
    stage.at("06:00", "07:00")
    for day in range(18, 26):
        stage.spend("12", at=f"11-{day} 12:00")
    stage.clock.move(stage.ms("11-25 13:00"))
    stage.restart()
    stage.at("11-25 13:00", "11-25 13:01")
    assert stage.news() == [
        "daily opened critical 100%",
        "daily opened critical 100% late",
    ]
    assert len(stage.incidents("daily")) == 8


def test_an_outage_stays_one_incident_over_a_restart(play: Play) -> None:
    stage = play("history: 1d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n")
    stage.at("06:00")
    stage.langfuse_down()
    stage.every(5, until="06:30")
    (before,) = stage.open("unreadable")
    stage.restart()
    stage.at("06:35")
    assert [incident.id for incident in stage.open("unreadable")] == [before.id]
    stage.langfuse_up()
    stage.at("06:40")
    assert len(stage.news()) == 2
    assert stage.open("unreadable") == []

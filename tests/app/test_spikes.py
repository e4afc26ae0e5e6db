"""Spikes: today so far against the complete days before it."""

from tests.app.conftest import Play
from tests.app.scene import PROJECTS
from tests.app.stage import Stage
from tests.app.when import DAY_MS

TWICE = """
history: 10d
spikes:
  - {name: twice, each: [feature], factor: 2, floor: $5}
"""


def _spend_daily(stage: Stage, *usd: str, feature: str = "chat") -> None:
    """At noon of the days before the story's, the last one yesterday."""
    for before, amount in enumerate(reversed(usd), start=1):
        stage.spend(amount, at=f"11-{18 - before:02} 12:00", feature=feature)


def _dear_in_labs(play: Play) -> Stage:
    """Four days of a dollar, and at noon of the story's day 200 of them in another project."""
    stage = play(PROJECTS + TWICE)
    _spend_daily(stage, *["1"] * 4)
    stage.at("06:00")
    stage.spend("200", at="12:00", feature="chat", project="labs")
    return stage


def test_a_spike_fires_above_its_factor_and_escalates_at_twice_that(play: Play) -> None:
    stage = play(TWICE)
    _spend_daily(stage, *["10"] * 7)
    stage.spend("20", at="05:00", feature="chat")
    stage.at("06:00")
    assert stage.silent()
    stage.spend("0.01", at="07:00", feature="chat")
    stage.at("07:01", "07:02")
    assert stage.news() == ["twice feature=chat opened warning 100%"]
    stage.spend("19.99", at="07:10", feature="chat")
    stage.at("07:11")
    assert stage.silent()
    stage.spend("0.01", at="07:20", feature="chat")
    stage.at("07:21", "07:22")
    assert stage.news() == ["twice feature=chat escalated critical 200%"]
    (incident,) = stage.open("twice")
    assert (incident.baseline, incident.baseline_days) == (10_000_000_000_000, 7)


def test_a_spike_rolls_over_at_midnight_without_a_word_and_may_fire_again_the_next_day(play: Play) -> None:
    stage = play(TWICE)
    _spend_daily(stage, *["10"] * 7)
    stage.at("06:00")
    stage.spend("30", at="07:00", feature="chat")
    stage.at("07:01", "23:59", "11-19 00:01")
    assert stage.news() == ["twice feature=chat opened warning 100%"]
    assert [i.state.value for i in stage.incidents("twice")] == ["rolled_over"]
    stage.spend("30", at="11-19 08:00", feature="chat")
    stage.at("11-19 08:01")
    assert stage.news() == ["twice feature=chat opened warning 100%"]


def test_with_too_few_days_there_is_no_verdict(play: Play) -> None:
    stage = play(TWICE)
    _spend_daily(stage, "1", "1")
    stage.at("06:00")
    stage.spend("500", at="07:00", feature="chat")
    stage.at("07:01")
    assert stage.silent()
    assert stage.shown().spikes == ()


def test_a_rise_below_the_floor_does_not_fire(play: Play) -> None:
    stage = play(TWICE)
    _spend_daily(stage, *["0.50"] * 7)
    stage.at("06:00")
    stage.spend("5.49", at="07:00", feature="chat")
    stage.at("07:01")
    assert stage.silent()
    stage.spend("0.01", at="07:02", feature="chat")
    stage.at("07:03")
    assert stage.news() == ["twice feature=chat opened critical 200%"]


def test_days_after_the_first_spend_count_even_when_nothing_was_spent(play: Play) -> None:
    stage = play(TWICE)
    stage.spend("20", at="11-14 12:00", feature="chat")
    stage.at("06:00")
    stage.spend("10.01", at="07:00", feature="chat")
    stage.at("07:01")
    (incident,) = stage.open("twice")
    assert (incident.baseline, incident.baseline_days) == (5_000_000_000_000, 4)


def test_after_midnight_a_spike_waits_until_every_project_was_read_up_to_it(play: Play) -> None:
    """Yesterday was dear. One project is read before the other: without yesterday the average would be a tenth."""
    stage = _dear_in_labs(play)
    stage.at("12:01", "23:59")
    assert stage.news() == ["twice feature=chat opened critical 200%"]
    stage.spend("30", at="11-19 00:00:30", feature="chat")
    stage.at("11-19 00:01", "11-19 00:02")
    assert stage.silent()
    stage.spend("60", at="11-19 00:03", feature="chat")
    stage.at("11-19 00:04")
    assert stage.news() == ["twice feature=chat opened warning 100%"]


def test_a_project_that_stays_behind_does_not_keep_spikes_waiting(play: Play) -> None:
    stage = play(PROJECTS + TWICE)
    _spend_daily(stage, *["1"] * 4)
    stage.at("06:00", "23:50")
    stage.langfuse_down("sk-labs")
    stage.spend("30", at="11-19 00:01", feature="chat")
    stage.at("11-19 00:02")
    assert stage.silent()
    stage.at("11-19 00:16")
    assert "twice feature=chat opened critical 200%" in [
        notice for said in stage.news() for notice in said.removeprefix("unreadable: ").split("; ")
    ]


def test_of_a_day_that_was_not_read_completely_counts_what_makes_the_others_dearer(play: Play) -> None:
    """Yesterday was dear, and its end is unread: without it the average of the other days would be a tenth."""
    stage = _dear_in_labs(play)
    stage.at("12:01", "23:50")
    assert stage.news() == ["twice feature=chat opened critical 200%"]
    stage.langfuse_down("sk-labs")
    stage.spend("30", at="11-19 00:01", feature="chat")
    stage.at("11-19 00:02", "11-19 00:16")
    assert stage.silent()
    stage.spend("60", at="11-19 00:17", feature="chat")
    stage.at("11-19 00:18")
    assert stage.news() == ["twice feature=chat opened warning 100%", "unreadable: labs"]
    (incident,) = stage.open("twice")
    assert (incident.baseline, incident.baseline_days) == (40_800_000_000_000, 5)


def test_a_day_that_was_not_read_completely_does_not_count_and_counts_once_it_was(play: Play) -> None:
    """After four days of standing still, newest first: yesterday is known before the days in front of it."""
    stage = play(TWICE)
    stage.spend("10", at="11-17 12:00", feature="chat")
    stage.at("06:00")
    stage.window_ms = DAY_MS // 4
    for day in (19, 20, 21, 22):
        stage.spend("10", at=f"11-{day} 12:00", feature="chat")
    stage.spend("31", at="11-23 00:30", feature="chat")
    (report,) = stage.poll("11-23 06:00")
    assert report.more
    days = []
    while report.more:
        (report,) = stage.read_on()
        days.append(max((line.days for line in stage.shown().spikes), default=0))
    assert days[0] == 0
    assert 3 in days
    assert days[-1] == 6
    assert days == sorted(days)


def test_a_spike_that_only_a_later_read_baseline_shows_is_told_although_nothing_more_is_spent(play: Play) -> None:
    """The days that are read last were without any spend: no row of theirs would make anybody look again."""
    stage = play(TWICE)
    stage.spend("12", at="11-17 12:00", feature="chat")
    stage.at("06:00")
    stage.window_ms = DAY_MS // 4
    stage.spend("20", at="11-22 12:00", feature="chat")
    stage.spend("20", at="11-21 12:00", feature="chat")
    stage.spend("20", at="11-20 12:00", feature="chat")
    stage.spend("30", at="11-23 00:30", feature="chat")
    stage.at("11-23 06:00", "11-23 06:01")
    assert stage.news() == ["twice feature=chat opened warning 100%"]


def test_a_spike_rule_added_by_reload_loads_its_baseline_before_it_is_judged(play: Play) -> None:
    stage = play("history: 1d\nbudgets:\n  - {name: weekly, limit: $500, every: week}\n", begins="11-04 06:00")
    for day in range(20, 32):
        stage.spend("10", at=f"10-{day} 12:00", feature="chat")
    stage.spend("30", at="11-04 05:00", feature="chat")
    stage.at("11-04 06:00")
    stage.window_ms = DAY_MS
    rules = "spikes:\n  - {name: twice, each: [feature], factor: 2, floor: $5, baseline: {days: 14}}\n"
    stage.reload("history: 1d\n" + rules)
    stage.poll("11-04 06:30")
    assert stage.shown().loading == ("twice",)
    stage.at("11-04 06:31")
    assert stage.news() == ["start: twice feature=chat opened warning 100%"]
    (incident,) = stage.open("twice")
    assert incident.baseline_days == 14


def test_the_baseline_may_be_a_median(play: Play) -> None:
    stage = play(TWICE.replace("floor: $5", "floor: $5, baseline: {days: 5, using: median}"))
    _spend_daily(stage, "2", "2", "2", "90", "90")
    stage.at("06:00")
    stage.spend("7", at="07:00", feature="chat")
    stage.at("07:01")
    assert stage.news() == ["twice feature=chat opened warning 100%"]


def test_the_baseline_may_be_the_same_weekdays_alone(play: Play) -> None:
    rules = TWICE.replace("floor: $5", "floor: $5, baseline: {days: 3, same_weekday: true}")
    stage = play(rules.replace("10d", "1d"))
    for day in ("10-28", "11-04", "11-11"):
        stage.spend("3", at=f"{day} 12:00", feature="chat")
    _spend_daily(stage, *["50"] * 4)
    stage.at("06:00")
    stage.spend("9", at="07:00", feature="chat")
    stage.at("07:01")
    assert stage.news() == ["twice feature=chat opened warning 100%"]


def test_a_spike_may_be_of_tokens_or_of_requests(play: Play) -> None:
    rules = """
history: 10d
spikes:
  - {name: tokens, of: tokens, factor: 2, floor: 100 tokens}
  - {name: requests, of: requests, factor: 3, floor: 2 requests}
"""
    stage = play(rules)
    for day in range(10, 18):
        stage.spend("1", at=f"11-{day} 12:00", tokens=1000)
    stage.at("06:00")
    stage.spend("0.01", at="07:00", tokens=2001)
    stage.at("07:01")
    assert stage.news() == ["tokens opened warning 100%"]
    for minute in range(3):
        stage.spend("0.01", at=f"07:1{minute}", tokens=1)
    stage.at("07:14")
    assert stage.news() == ["requests opened warning 100%"]


def test_a_spike_that_a_correction_takes_back_is_resolved(play: Play) -> None:
    stage = play(TWICE)
    _spend_daily(stage, *["10"] * 7)
    stage.at("06:00")
    call = stage.spend("30", at="07:00", feature="chat")
    stage.at("07:01")
    stage.update(call, at="07:01:30", usd="3")
    stage.at("07:02", "07:03")
    assert stage.news() == [
        "twice feature=chat opened warning 100%",
        "twice feature=chat resolved warning (corrected)",
    ]


def test_a_spike_counts_the_local_days_of_its_zone(play: Play) -> None:
    stage = play("timezone: Asia/Kolkata\n" + TWICE)
    for day in range(10, 18):
        stage.spend("10", at=f"11-{day} 18:00", feature="chat")
    stage.at("06:00", "18:00")
    stage.spend("15", at="18:10", feature="chat")
    stage.spend("14", at="18:31", feature="chat")
    stage.at("18:32")
    assert stage.silent()
    stage.spend("8", at="18:40", feature="chat")
    stage.at("18:41")
    assert stage.news() == ["twice feature=chat opened warning 100%"]
    (line,) = stage.shown().spikes
    assert (line.today, line.baseline) == (22_000_000_000_000, (6 * 10 + 15) * 10**12 // 7)

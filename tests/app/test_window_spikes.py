"""Spikes over a window: the last hour against the same hour of the local clock on the days before."""

from tests.app.conftest import Play
from tests.app.stage import Stage
from tests.app.when import clock_of

HOT_HOUR = """
history: 10d
spikes:
  - {name: hot, each: [feature], factor: 2, floor: $2, last: 1h, baseline: {days: 5}}
"""


def _spend_daily(stage: Stage, *usd: str, at: str) -> None:
    """On the days before the story's, the last one yesterday."""
    for before, amount in enumerate(reversed(usd), start=1):
        stage.spend(amount, at=f"11-{18 - before:02} {at}", feature="chat")


def test_the_last_hour_fires_above_its_factor_and_is_critical_at_twice_that(play: Play) -> None:
    stage = play(HOT_HOUR)
    _spend_daily(stage, *["3"] * 6, at="09:05")
    _spend_daily(stage, *["50"] * 6, at="14:00")
    stage.at("06:00")
    stage.spend("6", at="09:16", feature="chat")
    stage.at("09:20:30")
    assert stage.silent()
    stage.spend("0.01", at="09:21", feature="chat")
    stage.at("09:22")
    assert stage.news() == ["hot feature=chat opened warning 100%"]
    stage.spend("6", at="09:25", feature="chat")
    stage.at("09:26")
    assert stage.news() == ["hot feature=chat escalated critical 200%"]
    (incident,) = stage.open("hot")
    assert (incident.baseline, incident.baseline_days) == (3 * 10**12, 5)
    assert [clock_of(c.at_ms) for c in incident.crossings] == ["11-18 09:21:00", "11-18 09:25:00"]
    (line,) = stage.shown().spikes
    assert (line.today, line.baseline) == (12_010_000_000_000, 3 * 10**12)


def test_the_same_spend_an_hour_later_would_be_compared_with_that_hour(play: Play) -> None:
    stage = play(HOT_HOUR)
    _spend_daily(stage, *["3"] * 6, at="09:20")
    _spend_daily(stage, *["50"] * 6, at="14:00")
    stage.at("06:00")
    stage.spend("60", at="14:10", feature="chat")
    stage.at("14:11")
    assert stage.silent()


def test_a_spike_of_an_hour_ends_after_a_calm_hour_and_may_fire_again_the_same_day(play: Play) -> None:
    stage = play(HOT_HOUR)
    _spend_daily(stage, *["1"] * 6, at="09:00")
    stage.at("06:00")
    stage.spend("4.01", at="09:05", feature="chat")
    stage.every(5, until="11:11")
    assert stage.news() == ["hot feature=chat opened critical 200%", "hot feature=chat resolved critical (subsided)"]
    stage.spend("4", at="12:00", feature="chat")
    stage.at("12:01")
    assert stage.news() == ["hot feature=chat opened critical 200%"]


def test_days_before_the_key_existed_make_no_baseline_and_quiet_days_after_that_count_as_zero(play: Play) -> None:
    stage = play(HOT_HOUR)
    stage.spend("9", at="11-16 09:05", feature="chat")
    stage.at("06:00")
    stage.spend("500", at="09:10", feature="chat")
    stage.at("09:11")
    assert stage.silent(), "two days are fewer than three"
    stage.spend("7", at="11-19 09:10", feature="chat")
    stage.at("11-19 09:11")
    assert stage.silent(), "the mean of 9, 0 and 500"
    stage.spend("340", at="11-19 09:12", feature="chat")
    stage.at("11-19 09:13")
    assert stage.news() == ["hot feature=chat opened warning 100%"]


def test_the_hour_is_that_of_the_local_clock_over_a_clock_change(play: Play) -> None:
    """Berlin left summer time on 25 October 2026: nine o'clock is 07:00 UTC before and 08:00 UTC after it."""
    stage = play("timezone: Europe/Berlin\n" + HOT_HOUR, day="2026-10-27", begins="06:00")
    for day in range(21, 25):
        stage.spend("10", at=f"10-{day} 07:05", feature="chat")
    for day in (25, 26):
        stage.spend("10", at=f"10-{day} 08:05", feature="chat")
    stage.at("06:00")
    stage.spend("19", at="08:10", feature="chat")
    stage.at("08:11")
    assert stage.silent()
    stage.spend("2", at="08:12", feature="chat")
    stage.at("08:13")
    assert stage.news() == ["hot feature=chat opened warning 100%"]
    assert stage.open("hot")[0].baseline == 10 * 10**12


def test_an_hourly_spike_that_was_missed_during_an_outage_is_recorded_only(play: Play) -> None:
    stage = play(HOT_HOUR)
    _spend_daily(stage, *["3"] * 6, at="09:20")
    stage.at("06:00")
    stage.langfuse_down()
    stage.spend("40", at="09:21", feature="chat")
    stage.every(30, until="12:00")
    assert not any("hot" in news for news in stage.news())
    stage.langfuse_up()
    stage.every(5, until="13:00")
    assert not any(news.startswith("hot") for news in stage.news())
    (incident,) = stage.incidents("hot")
    assert (incident.state.value, incident.timing.value, incident.told) == ("rolled_over", "recorded", ())
    assert clock_of(incident.crossings[0].at_ms) == "11-18 09:21:00"
    stage.spend("40", at="15:00", feature="chat")
    stage.at("15:01")
    assert stage.news() == ["hot feature=chat opened critical 200%"]

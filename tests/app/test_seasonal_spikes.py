"""Spikes by the method `seasonal`, and of the cost of a request: what is usual at this hour, and what a call costs."""

from tests.app.conftest import Play
from tests.app.stage import Stage
from tests.app.when import clock_of

HOT_HOUR = """
history: 10d
spikes:
  - {name: hot, each: [feature], method: seasonal, last: 1h, floor: $2}
"""
BY_NOW = """
history: 10d
spikes:
  - {name: by-now, each: [feature], method: seasonal, floor: $5}
"""
UNIT_COST = """
history: 10d
spikes:
  - {name: unit-cost, each: [feature], of: cost per request, factor: 2, floor: $5}
"""


def _spend_daily(stage: Stage, days: range, *amounts: tuple[str, str], feature: str = "chat") -> None:
    """(dollars, at) on each of the days of November 2026."""
    for day in days:
        for usd, at in amounts:
            stage.spend(usd, at=f"11-{day:02} {at}", feature=feature)


def _call(stage: Stage, usd: str, *, day: str, count: int, hour: str = "09") -> None:
    for minute in range(count):
        stage.spend(usd, at=f"{day} {hour}:{minute:02}", feature="chat")


def test_an_hour_far_above_what_is_usual_at_that_hour_fires_and_names_the_usual(play: Play) -> None:
    stage = play(HOT_HOUR)
    _spend_daily(stage, range(4, 18), ("1", "08:10"), ("1", "09:10"), ("1", "10:10"), ("40", "14:10"))
    stage.at("06:00")
    stage.spend("1", at="08:10", feature="chat")
    stage.spend("9", at="09:10", feature="chat")
    stage.at("09:11")
    assert stage.news() == ["hot feature=chat opened critical 200%"]
    (incident,) = stage.open("hot")
    assert (incident.baseline, incident.detail) == (10**12, "seasonal")
    assert {clock_of(c.at_ms) for c in incident.crossings} == {"11-18 09:10:00"}
    (line,) = stage.shown().spikes
    assert (line.today, line.baseline, line.ratio, line.fires) == (9 * 10**12, 10**12, 9.0, True)


def test_a_dear_hour_that_comes_every_day_is_usual(play: Play) -> None:
    stage = play(HOT_HOUR)
    _spend_daily(stage, range(4, 18), ("1", "09:10"), ("40", "14:10"))
    stage.at("06:00")
    stage.spend("44", at="14:10", feature="chat")
    stage.at("14:11")
    assert stage.silent()


def test_an_hour_below_the_floor_above_the_usual_does_not_fire(play: Play) -> None:
    stage = play(HOT_HOUR)
    _spend_daily(stage, range(4, 18), ("0.01", "09:10"))
    stage.at("06:00")
    stage.spend("1.99", at="09:10", feature="chat")
    stage.at("09:11")
    assert stage.silent()
    stage.spend("0.05", at="09:12", feature="chat")
    stage.at("09:13")
    assert stage.news() == ["hot feature=chat opened critical 200%"]


def test_a_burst_that_is_no_higher_than_those_of_other_days_is_no_news(play: Play) -> None:
    stage = play(HOT_HOUR)
    for day in range(1, 18):
        for hour in range(24):
            stage.spend("1", at=f"11-{day:02} {hour:02}:10", feature="chat")
    for moment in ("11-09 03:20", "11-11 20:20", "11-14 11:20"):
        stage.spend("12", at=moment, feature="chat")
    stage.at("06:00")
    stage.spend("12", at="07:20", feature="chat")
    stage.at("07:21")
    assert stage.silent(), "three days of the last fortnight had such an hour"
    stage.spend("12", at="07:22", feature="chat")
    stage.at("07:23")
    assert [line.partition(" opened")[0] for line in stage.news()] == ["hot feature=chat"]


def test_a_seasonal_spike_waits_for_a_week_of_days(play: Play) -> None:
    stage = play(HOT_HOUR)
    _spend_daily(stage, range(12, 18), ("1", "09:10"))
    stage.at("06:00")
    stage.spend("500", at="09:10", feature="chat")
    stage.at("09:11")
    assert stage.silent()
    assert stage.shown().spikes == ()


def test_a_factor_is_one_more_line_that_a_seasonal_spike_must_pass(play: Play) -> None:
    stage = play(HOT_HOUR.replace("last: 1h", "last: 1h, factor: 10"))
    _spend_daily(stage, range(4, 18), ("1", "09:10"))
    stage.at("06:00")
    stage.spend("10", at="09:10", feature="chat")
    stage.at("09:11")
    assert stage.silent()
    stage.spend("0.01", at="09:12", feature="chat")
    stage.at("09:13")
    assert stage.news() == ["hot feature=chat opened warning 100%"]


def test_a_seasonal_hour_ends_after_a_calm_hour(play: Play) -> None:
    stage = play(HOT_HOUR)
    _spend_daily(stage, range(4, 18), ("1", "09:10"), ("1", "10:10"), ("1", "11:10"))
    stage.at("06:00")
    stage.spend("30", at="09:10", feature="chat")
    stage.every(5, until="11:40")
    assert stage.news() == ["hot feature=chat opened critical 200%", "hot feature=chat resolved critical (subsided)"]


def test_todays_sum_is_compared_with_what_was_spent_by_this_time_on_other_days(play: Play) -> None:
    """By the plain rule the same $20 would have to exceed twice the whole $60 of a day."""
    stage = play(BY_NOW)
    _spend_daily(stage, range(4, 18), ("2", "03:00"), ("58", "15:00"))
    stage.at("06:00")
    stage.spend("20", at="06:30", feature="chat")
    stage.at("06:31")
    assert stage.news() == ["by-now feature=chat opened warning 100%"]
    (incident,) = stage.open("by-now")
    assert (incident.baseline, incident.period) == (2 * 10**12, "day:2026-11-18")


def test_a_morning_spike_is_not_taken_back_when_other_days_catch_up_in_the_afternoon(play: Play) -> None:
    stage = play(BY_NOW)
    _spend_daily(stage, range(4, 18), ("2", "03:00"), ("58", "15:00"))
    stage.at("06:00")
    stage.spend("20", at="06:30", feature="chat")
    stage.at("06:31")
    stage.news()
    stage.spend("1", at="16:00", feature="chat")
    stage.at("16:01", "23:58", "11-19 00:01")
    assert stage.silent()
    assert [i.state.value for i in stage.incidents("by-now")] == ["rolled_over"]


def test_a_correction_takes_a_seasonal_spike_of_today_back(play: Play) -> None:
    stage = play(BY_NOW)
    _spend_daily(stage, range(4, 18), ("2", "03:00"), ("58", "15:00"))
    stage.at("06:00")
    call = stage.spend("20", at="06:30", feature="chat")
    stage.at("06:31")
    stage.news()
    stage.update(call, at="06:31:30", usd="1")
    stage.at("06:32", "06:33")
    assert [line.partition(" resolved")[2][-11:] for line in stage.news()] == ["(corrected)"]


def test_nothing_after_days_of_nothing_is_no_spike_and_neither_is_a_restart(play: Play) -> None:
    """FIELD complaints: a spike rule fired right after a restart (elastalert2 #667) and on 0 -> 0 (Yelp #455)."""
    rules = HOT_HOUR + BY_NOW.partition("spikes:")[2] + UNIT_COST.partition("spikes:")[2]
    stage = play(rules)
    stage.spend("1", at="11-04 03:00", feature="chat")
    _spend_daily(stage, range(4, 18), ("1", "09:10"), feature="search")
    stage.at("06:00")
    stage.every(15, until="10:00")
    assert stage.silent()
    stage.spend("1", at="10:05", feature="search")
    stage.at("10:06")
    stage.restart()
    stage.at("10:07", "10:30")
    assert stage.silent()


def test_dearer_requests_fire_although_the_day_is_no_dearer(play: Play) -> None:
    stage = play(UNIT_COST)
    for day in range(11, 18):
        _call(stage, "0.5", day=f"11-{day}", count=40)
    stage.at("06:00")
    _call(stage, "1", day="11-18", count=10, hour="07")
    stage.at("07:30")
    assert stage.silent(), "exactly factor times the average"
    _call(stage, "1.5", day="11-18", count=2, hour="08")
    stage.at("08:30")
    assert stage.news() == ["unit-cost feature=chat opened warning 100%"]
    (incident,) = stage.open("unit-cost")
    assert (incident.unit.value, incident.baseline, incident.limit) == ("usd_per_request", 500 * 10**9, 10**12)
    assert incident.measured == 13 * 10**12 // 12


def test_dearer_requests_below_the_floor_of_money_or_too_few_of_them_do_not_fire(play: Play) -> None:
    stage = play(UNIT_COST)
    for day in range(11, 18):
        _call(stage, "0.1", day=f"11-{day}", count=20)
    stage.at("06:00")
    _call(stage, "9", day="11-18", count=9, hour="07")
    stage.at("07:30")
    assert stage.silent(), "nine requests say nothing"
    stage.spend("0.1", at="07:40", feature="chat")
    stage.at("07:41")
    assert stage.news() == ["unit-cost feature=chat opened critical 200%"]
    stage.at("11-19 00:01")
    stage.news()
    _call(stage, "0.3", day="11-19", count=20, hour="07")
    stage.at("11-19 07:30")
    assert stage.silent(), "the mean of the days has risen, and $4 more is below the floor"


def test_the_cost_of_a_request_may_be_that_of_the_last_hour(play: Play) -> None:
    stage = play(UNIT_COST.replace("factor: 2", "factor: 2, last: 1h, baseline: {days: 5}"))
    for day in range(11, 18):
        _call(stage, "0.5", day=f"11-{day}", count=20)
        _call(stage, "5", day=f"11-{day}", count=20, hour="15")
    stage.at("06:00")
    _call(stage, "1.5", day="11-18", count=10)
    stage.at("09:20")
    assert stage.news() == ["unit-cost feature=chat opened warning 100%"]
    (incident,) = stage.open("unit-cost")
    assert (incident.measured, incident.baseline) == (1_500 * 10**9, 500 * 10**9)

"""Budgets of hours, weeks and months, in the zones of their owners."""

import pytest

from tests.app.conftest import Play


def test_an_hourly_budget_starts_clean_every_hour(play: Play) -> None:
    stage = play("history: 1d\nbudgets:\n  - {name: hourly, limit: $10, every: hour}\n")
    stage.at("06:00")
    stage.spend("11", at="07:30")
    stage.at("07:31")
    stage.spend("9", at="08:00")
    stage.at("08:00:30")
    stage.spend("1", at="08:01")
    stage.at("08:02")
    assert stage.news() == [
        "hourly opened critical 100%",
        "hourly opened warning 80%",
        "hourly escalated critical 100%",
    ]


def test_an_hour_that_was_over_before_its_last_call_was_read_is_told_late(play: Play) -> None:
    stage = play("history: 1d\nbudgets:\n  - {name: hourly, limit: $10, every: hour}\n")
    stage.at("06:00", "07:59")
    stage.spend("11", at="07:59:30", arrives="08:00:10")
    stage.at("08:01", "08:02")
    assert stage.news() == ["hourly opened critical 100% late"]


@pytest.mark.parametrize(
    ("zone", "last_call", "first_call"),
    [
        ("Europe/Berlin", "11-18 22:59:30", "11-18 23:00:30"),
        ("Asia/Kolkata", "11-18 18:29:30", "11-18 18:30:30"),
        ("America/New_York", "11-19 04:59:30", "11-19 05:00:30"),
    ],
)
def test_a_day_ends_at_the_midnight_of_its_zone(play: Play, zone: str, last_call: str, first_call: str) -> None:
    stage = play(f"timezone: {zone}\nhistory: 1d\nbudgets:\n  - {{name: daily, limit: $10, every: day}}\n")
    stage.at("07:00")
    stage.spend("9", at="07:30")
    stage.at("07:31")
    assert stage.news() == ["daily opened warning 80%"]
    stage.spend("2", at=last_call, arrives=last_call)
    stage.spend("9", at=first_call, arrives=first_call)
    stage.clock.move(stage.ms(last_call))
    stage.at(last_call, first_call)
    assert stage.news() == ["daily escalated critical 100%", "daily opened warning 80%"]


def test_the_hours_of_a_zone_with_a_half_hour_start_at_its_full_hours(play: Play) -> None:
    rules = "history: 1d\nbudgets:\n  - {name: hourly, limit: $10, every: hour, timezone: Asia/Kolkata}\n"
    stage = play(rules)
    stage.at("06:00")
    stage.spend("6", at="07:20")
    stage.spend("6", at="07:40")
    stage.at("07:41")
    assert stage.silent()
    stage.spend("6", at="08:10")
    stage.at("08:11")
    assert stage.news() == ["hourly escalated critical 100%"]


def test_on_the_day_when_clocks_go_back_a_day_in_berlin_has_twenty_five_hours(play: Play) -> None:
    rules = "timezone: Europe/Berlin\nhistory: 1d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n"
    stage = play(rules, day="2026-10-24", begins="21:00")
    stage.at("21:00")
    stage.spend("6", at="22:00")
    stage.spend("5", at="10-25 22:59")
    stage.every(60, until="10-25 23:00:01")
    assert stage.news() == ["daily escalated critical 100% late"]
    stage.spend("9", at="10-25 23:00:02")
    stage.at("10-25 23:01")
    assert stage.news() == ["daily opened warning 80%"]


def test_on_the_day_when_clocks_go_forward_a_day_in_berlin_has_twenty_three_hours(play: Play) -> None:
    rules = "timezone: Europe/Berlin\nhistory: 1d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n"
    stage = play(rules, day="2026-03-28", begins="22:30")
    stage.at("22:30")
    stage.spend("6", at="23:00")
    stage.spend("5", at="03-29 21:59")
    stage.at("03-29 21:59:30")
    assert stage.news() == ["daily opened critical 100%"]
    stage.spend("9", at="03-29 22:00")
    stage.at("03-29 22:01")
    assert stage.news() == ["daily opened warning 80%"]


def test_a_week_and_a_month_start_where_the_file_says(play: Play) -> None:
    rules = """
history: 40d
week_starts_on: thursday
month_starts_on: 20
budgets:
  - {name: weekly, limit: $10, every: week}
  - {name: monthly, limit: $20, every: month}
"""
    stage = play(rules)
    stage.spend("9", at="11-12 00:00")
    stage.spend("7", at="10-20 00:00")
    stage.spend("100", at="10-19 23:59")
    stage.at("06:00")
    assert stage.news() == ["start: weekly opened warning 80%; monthly opened warning 80%"]
    stage.spend("9", at="11-19 00:00")
    stage.at("11-19 00:01")
    assert stage.news() == ["monthly escalated critical 100%; weekly opened warning 80%"]
    stage.spend("1", at="11-20 00:00")
    stage.at("11-20 00:01")
    assert stage.news() == ["weekly escalated critical 100%"]


def test_a_day_may_start_at_another_hour(play: Play) -> None:
    stage = play('day_starts_at: "05:00"\nhistory: 2d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n')
    stage.spend("100", at="04:59")
    stage.spend("8", at="05:00")
    stage.at("06:00")
    assert stage.news() == ["start: daily opened warning 80%"]
    stage.spend("3", at="11-19 04:59")
    stage.at("11-19 04:59:30", "11-19 05:01")
    assert stage.news() == ["daily escalated critical 100%"]


def test_two_budgets_may_count_the_same_spend_by_different_calendars(play: Play) -> None:
    rules = """
history: 2d
budgets:
  - {name: berlin, limit: $10, every: day, timezone: Europe/Berlin}
  - {name: utc, limit: $10, every: day}
"""
    stage = play(rules, begins="22:00")
    stage.at("22:00")
    stage.spend("6", at="22:50")
    stage.spend("6", at="23:10")
    stage.at("23:11")
    assert stage.news() == ["utc opened critical 100%"]


def test_each_budget_may_have_its_own_day_week_and_month(play: Play) -> None:
    """Wednesday the 18th, 06:00 UTC; what the file says holds where a budget says nothing."""
    rules = """
history: 40d
day_starts_at: "05:00"
week_starts_on: thursday
month_starts_on: 20
budgets:
  - {name: day-file, limit: $10, every: day}
  - {name: day-own, limit: $10, every: day, day_starts_at: "05:30"}
  - {name: week-file, limit: $100, every: week}
  - {name: week-own, limit: $100, every: week, week_starts_on: wednesday}
  - {name: month-file, limit: $1000, every: month}
  - {name: month-own, limit: $1000, every: month, month_starts_on: 18}
"""
    stage = play(rules)
    stage.spend("12", at="05:10")
    stage.spend("90", at="11-17 12:00")
    stage.spend("800", at="11-10 12:00")
    stage.at("06:00")
    spent = {line.budget: line.spent // 10**12 for line in stage.shown().budgets}
    assert spent == {
        "day-file": 12,
        "day-own": 0,
        "week-file": 102,
        "week-own": 12,
        "month-file": 902,
        "month-own": 12,
    }
    assert stage.news() == [
        "start: day-file opened critical 100%; week-file opened critical 100%; month-file opened warning 80%"
    ]

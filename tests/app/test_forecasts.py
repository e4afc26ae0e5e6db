"""The warning before a limit is crossed: once, in time, and not because of one call."""

from fusewatch.domain.forecast import Basis
from fusewatch.domain.notices import Notice
from tests.app.conftest import Play
from tests.app.stage import Stage
from tests.app.when import HOUR_MS, clock_of

RULES = """
history: 14d
budgets:
  - {name: daily, limit: $50, every: day, forecast: true}
"""
WARNED = "daily opened warning 100%"


def _office(stage: Stage, date: str, usd: str, *, until: int = 19, step: int = 15) -> None:
    """A call each quarter of an hour from 09:05 on, 40 of them in a whole day."""
    for minute in range(9 * 60 + 5, until * 60, step):
        stage.spend(usd, at=f"{date} {minute // 60:02}:{minute % 60:02}")


def _ten_days(stage: Stage, usd: str = "0.75") -> None:
    """$30 on each of the ten days before the story's, unless it says otherwise."""
    for day in range(8, 18):
        _office(stage, f"11-{day:02}", usd)


def _notices(stage: Stage) -> list[Notice]:
    return [notice for message in stage.told() for notice in message.notices]


def test_a_day_above_its_usual_pace_is_warned_of_once_and_hours_before_it_crosses(play: Play) -> None:
    stage = play(RULES)
    _ten_days(stage)
    _office(stage, "11-18", "1.80")
    stage.at("08:00")
    stage.every(15, until="15:45")
    assert stage.news() == [WARNED, "daily escalated warning 80%"]
    warning = _notices(stage)[0]
    assert warning.incident.period == "forecast:day:2026-11-18"
    found = warning.forecast
    assert found is not None
    assert (found.basis, found.days) == (Basis.SHAPE, 9)
    assert clock_of(warning.at_ms) < "11-18 12:00"
    assert found.crosses_at_ms is not None
    assert abs(found.crosses_at_ms - stage.ms("15:50")) < 75 * 60_000
    assert 50 < found.low / 1e12 < found.amount / 1e12 < 75


def test_the_warning_ends_without_a_word_when_the_limit_is_crossed(play: Play) -> None:
    stage = play(RULES)
    _ten_days(stage)
    _office(stage, "11-18", "2.00")
    stage.at("08:00")
    stage.every(15, until="17:30")
    assert stage.news() == [WARNED, "daily escalated warning 80%", "daily escalated critical 100%"]
    states = {incident.kind.value: incident.state.value for incident in stage.incidents("daily")}
    assert states == {"budget": "open", "forecast": "resolved"}
    stage.at("19:00", "23:59", "11-19 00:01")
    assert stage.silent()


def test_one_dear_call_after_midnight_warns_nobody(play: Play) -> None:
    stage = play(RULES, begins="00:00")
    _ten_days(stage)
    stage.spend("24", at="00:03")
    stage.at("00:01", "00:05", "00:15", "02:00", "08:00")
    assert stage.silent()


def test_a_handful_of_calls_of_a_new_key_warns_nobody(play: Play) -> None:
    stage = play(RULES)
    for minute in range(9):
        stage.spend("4", at=f"07:{minute:02}")
    stage.at("06:00", "07:10", "07:15", "08:00")
    assert stage.silent()


def test_a_new_key_is_warned_of_from_its_plain_pace(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00")
    for minute in range(12):
        stage.spend("3", at=f"07:{minute:02}")
    stage.at("07:15")
    assert stage.news() == [WARNED]
    (notice,) = _notices(stage)
    assert notice.forecast is not None
    assert notice.forecast.basis is Basis.PACE


def test_the_warning_is_not_told_again_after_a_restart(play: Play) -> None:
    stage = play(RULES)
    _ten_days(stage)
    _office(stage, "11-18", "2.00")
    stage.at("08:00", "12:00")
    assert stage.news() == [WARNED]
    stage.restart()
    stage.at("12:05", "12:16", "12:31", "13:00")
    assert stage.silent()


def test_time_alone_makes_the_forecast_be_looked_at_again(play: Play) -> None:
    """Nothing is spent after 12:05: what was expected of the afternoon does not come."""
    stage = play(RULES)
    _ten_days(stage)
    _office(stage, "11-18", "2.00", until=12)
    stage.at("08:00", "12:00")
    assert stage.news() == [WARNED]
    stage.every(15, until="23:00")
    assert stage.news() == ["daily resolved warning"]
    assert stage.open("daily") == []


def test_a_warning_that_was_taken_back_is_not_told_a_second_time(play: Play) -> None:
    stage = play(RULES)
    _ten_days(stage)
    _office(stage, "11-18", "2.00", until=12)
    stage.at("08:00", "12:00")
    stage.every(15, until="18:00")
    assert stage.news() == [WARNED, "daily resolved warning"]
    for minute in range(30):
        stage.spend("0.80", at=f"18:{minute:02}")
    stage.every(5, until="18:35")
    assert "daily escalated warning 80%" in stage.news()
    told = [notice for notice in _notices(stage) if notice.incident.kind.value == "forecast"]
    assert len(told) == 2


def test_the_next_day_starts_clean_and_may_be_warned_of_again(play: Play) -> None:
    stage = play(RULES)
    _ten_days(stage)
    _office(stage, "11-18", "1.90")
    _office(stage, "11-19", "2.20")
    stage.at("08:00", "12:00", "14:00", "18:45")
    assert stage.news()[0] == WARNED
    stage.at("23:59", "11-19 00:01", "11-19 08:00")
    assert stage.silent()
    stage.at("11-19 12:00")
    assert stage.news() == [WARNED]
    labels = sorted(i.period for i in stage.incidents("daily") if i.kind.value == "forecast")
    assert labels == ["forecast:day:2026-11-18", "forecast:day:2026-11-19"]


def test_while_it_catches_up_nothing_is_warned_of(play: Play) -> None:
    stage = play(RULES)
    _ten_days(stage)
    _office(stage, "11-18", "2.00")
    stage.at("08:00")
    stage.window_ms = HOUR_MS
    stage.langfuse_down()
    stage.every(15, until="12:00")
    assert "daily" not in " ".join(stage.news())
    stage.langfuse_up()
    stage.poll("12:10")
    assert not any(WARNED in text for text in stage.news())
    stage.at("12:30")
    assert any(WARNED in text for text in stage.news())


def test_without_forecast_true_nobody_is_warned_but_everybody_sees_it(play: Play) -> None:
    stage = play(RULES.replace(", forecast: true", ""))
    _ten_days(stage)
    _office(stage, "11-18", "2.00")
    stage.at("08:00", "12:00")
    assert stage.silent()
    (line,) = stage.shown().budgets
    assert line.forecast is not None
    assert line.forecast.crosses_at_ms is not None
    stage.at("14:45")
    (notice,) = _notices(stage)
    assert notice.forecast is not None
    assert notice.forecast.crosses_at_ms is not None


def test_switching_the_warning_off_takes_it_back_silently(play: Play) -> None:
    stage = play(RULES)
    _ten_days(stage)
    _office(stage, "11-18", "2.00")
    stage.at("08:00", "12:00")
    assert stage.news() == [WARNED]
    stage.reload(RULES.replace(", forecast: true", ""))
    stage.at("12:15")
    assert stage.silent()
    assert [incident.kind.value for incident in stage.open("daily")] == ["budget"]


def test_a_raised_limit_takes_the_warning_back(play: Play) -> None:
    stage = play(RULES)
    _ten_days(stage)
    _office(stage, "11-18", "2.00")
    stage.at("08:00", "12:00")
    assert stage.news() == [WARNED]
    stage.reload(RULES.replace("$50", "$90"))
    stage.at("12:01")
    assert stage.news() == ["daily resolved warning (limit raised)"]


def test_on_the_day_on_which_clocks_go_back_the_usual_time_of_day_counts(play: Play) -> None:
    """Sunday, 25 October 2026 has 25 hours in Berlin; at 12:05 there, 11:05 UTC, a usual day has spent as much as
    at 12:05 of summer time, 10:05 UTC. A usual Sunday is therefore nothing to warn of."""
    rules = """
history: 14d
timezone: Europe/Berlin
budgets:
  - {name: daily, limit: $33, every: day, forecast: true}
"""
    stage = play(rules, day="2026-10-25", begins="05:00")
    for day in range(15, 25):
        _office(stage, f"10-{day:02}", "0.75")
    for minute in range(10 * 60 + 5, 20 * 60, 15):
        stage.spend("0.75", at=f"10-25 {minute // 60:02}:{minute % 60:02}")
    stage.every(30, until="19:00")
    assert [text for text in stage.news() if "100%" in text] == []
    (line,) = stage.shown().budgets
    assert line.forecast is not None
    assert abs(line.forecast.amount / 1e12 - 30) < 1


def test_tokens_and_requests_are_forecast_too(play: Play) -> None:
    rules = """
history: 14d
budgets:
  - {name: tokens, limit: 50k tokens, every: day, forecast: true}
  - {name: requests, limit: 50 requests, every: day, forecast: true}
"""
    stage = play(rules)
    _ten_days(stage)
    _office(stage, "11-18", "0.10", step=9)
    stage.at("08:00")
    stage.every(15, until="13:00")
    assert sorted("; ".join(stage.news()).split("; ")) == [
        "requests opened warning 100%",
        "tokens opened warning 100%",
    ]

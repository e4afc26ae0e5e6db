"""The exported counters over a life: first load, restarts, corrections, history that is read later."""

from fusewatch.ports import CounterSeries
from tests.app.conftest import Play
from tests.app.stage import Stage
from tests.app.when import DAY_MS

RULES = "history: 2d\nbudgets:\n  - {name: daily, limit: $1000, every: day}\n"
DOLLAR = 10**12


def _series(stage: Stage, feature: str) -> CounterSeries:
    """The one series of a feature."""
    (found,) = [series for series in stage.shown().counters if series.labels[1] == feature]
    return found


def test_there_are_no_counters_before_the_first_load_is_complete(play: Play) -> None:
    stage = play(RULES.replace("2d", "10d"), window_ms=2 * DAY_MS)
    stage.spend("3", at="11-10 12:00", feature="chat")
    stage.spend("4", at="05:00", feature="chat")
    (report,) = stage.poll("06:00")
    while report.more:
        assert stage.shown().counters == ()
        assert stage.shown().project_counters == ()
        assert stage.shown().durations == ()
        (report,) = stage.read_on()
    assert _series(stage, "chat").cost_pico == 7 * DOLLAR


def test_what_history_held_is_in_the_first_value(play: Play) -> None:
    """So the increase over any span after the start is what was spent in it, never a month in a minute."""
    stage = play(RULES)
    stage.spend("3", at="11-17 12:00", feature="chat")
    stage.at("06:00")
    first = _series(stage, "chat")
    stage.spend("2", at="07:00", feature="chat", tokens=500)
    stage.at("07:01")
    after = _series(stage, "chat")
    assert after.cost_pico - first.cost_pico == 2 * DOLLAR
    assert after.requests - first.requests == 1
    assert sum(after.tokens) - sum(first.tokens) == 500


def test_counters_go_on_where_they_were_after_a_restart(play: Play) -> None:
    stage = play(RULES)
    stage.spend("3", at="05:00", feature="chat")
    stage.at("06:00")
    before = stage.shown()
    stage.restart()
    stage.round()
    after = stage.shown()
    assert after.counters == before.counters
    assert after.durations == before.durations
    assert after.project_counters == before.project_counters


def test_a_cost_that_falls_becomes_debt_that_the_next_growth_pays(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00")
    call = stage.spend("10", at="07:00", feature="chat")
    stage.at("07:00:10")
    stage.update(call, at="07:00:20", usd="4")
    stage.at("07:00:30")
    fallen = _series(stage, "chat")
    assert (fallen.cost_pico, fallen.debt_pico) == (10 * DOLLAR, 6 * DOLLAR)
    stage.spend("5", at="07:00:40", feature="chat")
    stage.at("07:00:50")
    paying = _series(stage, "chat")
    assert (paying.cost_pico, paying.debt_pico) == (10 * DOLLAR, 1 * DOLLAR)
    stage.spend("3", at="07:01:00", feature="chat")
    stage.at("07:01:10")
    paid = _series(stage, "chat")
    assert (paid.cost_pico, paid.debt_pico) == (12 * DOLLAR, 0)


def test_debt_survives_a_restart(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00")
    call = stage.spend("10", at="07:00", feature="chat")
    stage.at("07:00:10")
    stage.update(call, at="07:00:20", usd="4")
    stage.at("07:00:30")
    stage.restart()
    stage.spend("1", at="07:00:40", feature="chat")
    stage.at("07:00:50")
    series = _series(stage, "chat")
    assert (series.cost_pico, series.debt_pico) == (10 * DOLLAR, 5 * DOLLAR)


def test_a_call_that_moves_to_another_feature_is_debt_here_and_growth_there(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00")
    call = stage.spend("10", at="07:00", feature="chat")
    stage.at("07:00:10")
    stage.update(call, at="07:00:20", feature="search")
    stage.at("07:00:30")
    chat, search = _series(stage, "chat"), _series(stage, "search")
    assert (chat.cost_pico, chat.debt_pico) == (10 * DOLLAR, 10 * DOLLAR)
    assert (search.cost_pico, search.debt_pico) == (10 * DOLLAR, 0)


def test_history_that_is_read_later_moves_no_counter(play: Play) -> None:
    stage = play(RULES)
    stage.spend("70", at="10-10 12:00", feature="chat")
    stage.spend("3", at="05:00", feature="chat")
    stage.at("06:00")
    before = _series(stage, "chat")
    stage.reload(RULES.replace("2d", "60d"))
    stage.at("06:01")
    assert stage.shown().totals.cost_pico == 73 * DOLLAR
    assert _series(stage, "chat") == before


def test_counters_keep_growing_over_midnight_while_gauges_of_the_day_start_anew(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00")
    stage.spend("5", at="23:50", feature="chat")
    stage.at("23:51")
    stage.spend("2", at="11-19 00:05", feature="chat")
    stage.at("11-19 00:06")
    assert _series(stage, "chat").cost_pico == 7 * DOLLAR
    (line,) = stage.shown().spend
    assert (line.day_pico, line.month_pico) == (2 * DOLLAR, 7 * DOLLAR)


def test_what_has_no_feature_or_team_is_counted_as_unattributed(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00")
    stage.spend("5", at="07:00", feature="chat", team="content")
    stage.spend("2", at="07:00", feature="chat")
    stage.spend("1", at="07:00", team="content")
    stage.at("07:01")
    (counters,) = stage.shown().project_counters
    assert counters.unattributed_pico == 3 * DOLLAR


def test_other_metric_labels_form_the_counters_anew_from_the_same_spend(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00")
    stage.spend("5", at="07:00", feature="chat", team="content")
    stage.spend("2", at="07:00", feature="search", team="content")
    stage.at("07:01")
    stage.reload("metrics: {labels: [team]}\n" + RULES)
    stage.at("07:02")
    assert [(c.labels, c.cost_pico) for c in stage.shown().counters] == [(("langfuse", "content"), 7 * DOLLAR)]

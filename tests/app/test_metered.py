"""Budgets that are judged by Langfuse's own sums (`source: metrics`): the same notices, for a constant number of
requests."""

import pytest

from fusewatch.demo.standin.troubles import SERVICE_UNAVAILABLE, Trouble
from tests.app.conftest import Play
from tests.app.scene import PROJECTS

HISTORY = "history: 1d\n"
TOTALS = HISTORY + "budgets:\n  - {name: totals, limit: $10, every: day, source: metrics}\n"
BOTH = (
    HISTORY
    + """
budgets:
  - {name: totals, limit: $10, every: day, each: [model], source: metrics}
  - {name: ledger, limit: $10, every: day, each: [model]}
"""
)


def test_the_notices_are_those_of_row_reading_where_nothing_is_stored_twice(play: Play) -> None:
    stage = play(BOTH)
    stage.at("06:00")
    heard: dict[str, list[str]] = {"totals": [], "ledger": []}
    calls = [("gpt-4o", "8.50"), ("o1", "3"), ("gpt-4o", "2"), ("o1", "9"), ("gpt-4o", "11"), ("o1", "0.5")]
    for minute, (model, usd) in enumerate(calls):
        stage.spend(usd, at=f"07:{minute:02}:30", model=model)
        stage.at(f"07:{minute + 1:02}")
        for line in stage.news():
            for one in line.split("; "):
                rule, _, rest = one.partition(" ")
                heard[rule].append(rest)
    assert heard["totals"] == heard["ledger"]
    assert heard["ledger"] == [
        "model=gpt-4o opened warning 80%",
        "model=gpt-4o escalated critical 100%",
        "model=o1 opened critical 100%",
        "model=gpt-4o escalated critical 200%",
    ]


def test_a_poll_asks_once_for_all_budgets_of_one_period_and_split_whatever_the_traffic(play: Play) -> None:
    stage = play(
        HISTORY + "budgets:\n"
        "  - {name: one, limit: $10, every: day, source: metrics}\n"
        "  - {name: two, limit: $20, every: day, source: metrics}\n"
        "  - {name: each, limit: $20, every: day, each: [model], source: metrics}\n"
    )
    stage.at("06:00")
    for n in range(200):
        stage.spend("0.01", at="06:10", model=f"model-{n}")
    stage.at("06:30")
    assert [report.requests for report in stage.totals] == [2, 2]
    (line,) = [line for line in stage.shown().budgets if line.budget == "two"]
    assert line.spent == 2 * 10**12


def test_a_budget_of_the_month_and_one_of_the_day_do_not_mix_their_sums(play: Play) -> None:
    stage = play(
        HISTORY + "budgets:\n"
        "  - {name: today, limit: $100, every: day, source: metrics}\n"
        "  - {name: month, limit: $100, every: month, source: metrics}\n"
    )
    stage.spend("7", at="11-17 12:00")
    stage.spend("2", at="05:00")
    stage.at("06:00", "06:01", "06:02")
    assert {line.budget: line.spent // 10**12 for line in stage.shown().budgets} == {"today": 2, "month": 9}


def test_what_was_over_at_the_first_look_is_told_as_the_state_at_start(play: Play) -> None:
    stage = play(TOTALS)
    stage.spend("12", at="05:00")
    stage.at("06:00", "06:01")
    assert stage.news() == ["start: totals opened critical 100%"]


def test_a_new_day_starts_clean_and_the_last_minutes_of_the_old_one_still_count(play: Play) -> None:
    stage = play(TOTALS)
    stage.at("06:00")
    stage.spend("9", at="20:00")
    stage.at("23:58")
    assert stage.news() == ["totals opened warning 80%"]
    stage.spend("2", at="23:59")
    stage.at("11-19 00:01")
    assert stage.news() == ["totals escalated critical 100% late"]
    (line,) = stage.shown().budgets
    assert line.spent == 0
    stage.spend("10", at="11-19 08:00")
    stage.at("11-19 08:01")
    assert stage.news() == ["totals opened critical 100%"]


def test_a_corrected_sum_resolves(play: Play) -> None:
    stage = play(TOTALS)
    stage.at("06:00")
    dear = stage.spend("12", at="07:00")
    stage.at("07:01")
    assert stage.news() == ["totals opened critical 100%"]
    stage.update(dear, at="07:05", usd="1")
    stage.at("07:10")
    assert stage.news() == ["totals resolved critical (corrected)"]


def test_the_notice_says_whose_sums_it_tells_of_and_explains_nothing(play: Play) -> None:
    stage = play(TOTALS)
    stage.at("06:00")
    stage.spend("12", at="07:00", feature="search")
    stage.at("07:01")
    (message,) = stage.told()
    (notice,) = message.notices
    assert "Langfuse totals" in notice.incident.detail
    assert notice.why is None
    assert notice.hours == ()
    assert notice.incident.crossings[-1].at_ms == stage.clock.now_ms()


def test_projects_are_summed_and_kept_apart_as_the_rule_says(play: Play) -> None:
    stage = play(
        HISTORY + PROJECTS + "budgets:\n"
        "  - {name: all, limit: $100, every: day, source: metrics}\n"
        "  - {name: each, limit: $100, every: day, each: [project], source: metrics}\n"
        "  - {name: labs, limit: $100, every: day, where: {project: labs}, source: metrics}\n"
    )
    stage.spend("3", at="05:00", project="shop")
    stage.spend("4", at="05:00", project="labs")
    stage.at("06:00", "06:01")
    found = {f"{line.budget} {line.group}".strip(): line.spent // 10**12 for line in stage.shown().budgets}
    assert found == {"all": 7, "each project=shop": 3, "each project=labs": 4, "labs": 4}


def test_langfuses_own_environments_are_left_out_as_everywhere(play: Play) -> None:
    stage = play(TOTALS)
    stage.spend("3", at="05:00")
    stage.spend("4", at="05:00", environment="langfuse-llm-as-a-judge")
    stage.at("06:00", "06:01")
    assert [line.spent // 10**12 for line in stage.shown().budgets] == [3]


def test_while_sums_cannot_be_read_the_last_ones_stand_and_rows_are_read_on(play: Play) -> None:
    stage = play(TOTALS)
    stage.at("06:00")
    stage.spend("4", at="06:30")
    stage.at("06:31")
    stage.standin.troubles.add(Trouble(lambda ask: "metrics" in ask.path, times=None, instead=SERVICE_UNAVAILABLE))
    stage.spend("6", at="07:00")
    stage.at("07:01")
    assert stage.silent()
    assert [report.failure is not None for report in stage.totals] == [False, False, True]
    assert [line.spent // 10**12 for line in stage.shown().budgets] == [4]
    stage.standin.troubles.clear()
    stage.at("07:02")
    assert stage.news() == ["totals opened critical 100%"]


@pytest.mark.parametrize("mode", ["ledger", "metrics"])
def test_a_changed_source_starts_anew_and_tells_nothing_twice(play: Play, mode: str) -> None:
    other = "metrics" if mode == "ledger" else "ledger"
    rule = "budgets:\n  - {{name: totals, limit: $10, every: day, source: {}}}\n"
    stage = play(HISTORY + rule.format(mode))
    stage.at("06:00")
    stage.spend("12", at="07:00")
    stage.at("07:01")
    assert stage.news() == ["totals opened critical 100%"]
    stage.reload(HISTORY + rule.format(other))
    stage.at("07:02", "07:03")
    assert stage.silent()


def test_a_restart_tells_nothing_twice(play: Play) -> None:
    stage = play(TOTALS)
    stage.at("06:00")
    stage.spend("12", at="07:00")
    stage.at("07:01")
    stage.news()
    stage.restart()
    stage.at("07:02", "07:03")
    assert stage.silent()


def test_mending_what_the_ledger_sums_to_forgets_nothing_of_what_langfuse_sums_to(play: Play) -> None:
    """Some rows were pruned already, so the views over the ledger keep what they hold of that time."""
    stage = play(TOTALS)
    stage.spend("1", at="01:00")
    stage.at("06:00")
    stage.spend("12", at="07:00")
    stage.at("07:01")
    assert stage.news() == ["totals opened critical 100%"]
    (project,) = stage.active
    stage.store.upkeep(lambda unit: unit.prune(project, stage.ms("02:00"), most=10))
    stage.store.ingest(project, lambda unit: unit.distrust_sums())
    stage.keep_up()
    (line,) = stage.shown().budgets
    assert line.spent == 13 * 10**12
    stage.at("07:02", "07:03")
    assert stage.news() == []

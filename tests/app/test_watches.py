"""The watches over a project's day: missing prices, drift, and spend without a dimension."""

import sqlite3
from dataclasses import replace

from fusewatch.app.daywatches import PARTS
from fusewatch.demo.standin import Span
from fusewatch.domain.notices import State
from fusewatch.store.shown import UNPRICED as UNPRICED_QUERY
from tests.app.conftest import Play
from tests.app.scene import PROJECTS
from tests.app.stage import Stage

DAILY = "history: 10d\nbudgets:\n  - {name: daily, limit: $1000, every: day}\n"
TEAMS = "history: 2d\nbudgets:\n  - {name: teams, each: [team], limit: $1000, every: day}\n"
FEW = "watch: {unpriced: {above: 3 requests}}\n" + DAILY
UNPRICED = "unpriced project=langfuse opened warning 100%"
UNPRICED_OVER = "unpriced project=langfuse resolved warning (corrected)"
TEAM = "unattributed project=langfuse,dimension=team"
DOLLAR = 10**12


def unpriced(stage: Stage, count: int, *, at: str, model: str = "my-ft", environment: str = "production") -> list[Span]:
    """So many calls without a price, from this time on, one a second."""
    return [stage.spend(None, at=f"{at}:{n:02d}", model=model, environment=environment) for n in range(count)]


# ---------------------------------------------------------------- unpriced


def test_more_than_a_hundred_requests_without_a_price_are_told_once_a_day(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    unpriced(stage, 50, at="07:00")
    unpriced(stage, 50, at="07:01")
    stage.at("07:10")
    assert stage.silent()
    stage.spend(None, at="07:11", model="my-ft")
    stage.at("07:12", "07:13")
    assert stage.news() == [UNPRICED]
    incident = stage.told()[-1].notices[0].incident
    assert (incident.measured, incident.limit, incident.parts) == (101, 100, (("my-ft", 101),))
    stage.spend(None, at="07:14", model="my-ft")
    stage.at("07:15", "12:00")
    assert stage.silent()
    assert [i.measured for i in stage.open("unpriced")] == [102]


def test_the_models_are_named_with_most_requests_first_and_no_more_than_five(play: Play) -> None:
    stage = play(FEW)
    stage.at("06:00")
    for number in range(1, 8):
        unpriced(stage, number, at=f"07:{number:02d}", model=f"model-{number}")
    stage.at("07:10")
    (incident,) = stage.open("unpriced")
    assert incident.parts == tuple((f"model-{n}", n) for n in range(7, 7 - PARTS, -1))
    assert incident.measured == 28


def test_requests_that_langfuse_prices_after_all_resolve_it_and_it_is_told_no_second_time_that_day(play: Play) -> None:
    stage = play(FEW)
    stage.at("06:00")
    first, *others = unpriced(stage, 4, at="07:00")
    stage.at("07:01")
    assert stage.news() == [UNPRICED]
    stage.update(first, at="07:02", usd="0.10")
    stage.at("07:03")
    assert stage.news() == [UNPRICED_OVER]
    unpriced(stage, 1, at="07:04")
    stage.at("07:05")
    assert [incident.measured for incident in stage.open("unpriced")] == [4]
    for call in others:
        stage.update(call, at="07:06", usd="0.10")
    stage.every(1, until="07:15")
    assert stage.open("unpriced") == []
    assert stage.silent()


def test_a_price_for_a_part_of_the_usage_is_no_price(play: Play) -> None:
    stage = play(FEW)
    stage.at("06:00")
    for minute in range(4):
        call = stage.spend("0.10", at=f"07:0{minute}", model="half-known")
        stage.warehouse.add([replace(call, usage={"input": 1000, "output": 10}, updated_ms=call.updated_ms + 1)])
    stage.at("07:10")
    assert stage.news() == [UNPRICED]


def test_a_day_begins_at_nothing_and_the_day_before_rolls_over(play: Play) -> None:
    stage = play(FEW)
    stage.at("06:00")
    unpriced(stage, 9, at="23:50")
    stage.at("23:52")
    assert stage.news() == [UNPRICED]
    unpriced(stage, 3, at="11-19 00:10")
    stage.at("11-19 00:11")
    assert stage.silent()
    assert [i.state for i in stage.incidents("unpriced")] == [State.ROLLED_OVER]
    unpriced(stage, 1, at="11-19 00:12")
    stage.at("11-19 00:13")
    assert stage.news() == [UNPRICED]


def test_the_day_is_that_of_the_files_calendar(play: Play) -> None:
    stage = play("timezone: Asia/Kolkata\n" + FEW)
    stage.at("06:00")
    unpriced(stage, 3, at="18:20")
    unpriced(stage, 3, at="18:40")
    stage.at("18:45")
    assert stage.silent()
    unpriced(stage, 1, at="18:46")
    stage.at("18:47")
    assert stage.news() == [UNPRICED]
    assert [i.period for i in stage.open("unpriced")] == ["day:2026-11-19"]


def test_environments_that_rules_leave_out_are_not_watched(play: Play) -> None:
    stage = play(FEW)
    stage.at("06:00")
    unpriced(stage, 9, at="07:00", environment="langfuse-llm-as-a-judge")
    stage.at("07:01")
    assert stage.silent()


def test_each_project_has_its_own_watch_and_it_goes_to_the_default_destinations_by_severity(play: Play) -> None:
    stage = play(
        "version: 1\ndestinations:\n  finops: {type: console}\n  pager: {type: console, from: critical}\n"
        "  content: {type: console}\nnotify: [finops, pager]\n" + PROJECTS + FEW
    )
    stage.at("06:00")
    for second in range(4):
        stage.spend(None, at=f"07:00:0{second}", project="labs")
    stage.spend(None, at="07:00", project="shop")
    stage.at("07:01")
    assert stage.news("finops") == ["unpriced project=labs opened warning 100%"]
    assert stage.news("pager") == stage.news("content") == []


def test_what_is_so_at_the_first_start_is_in_its_one_message(play: Play) -> None:
    stage = play(FEW)
    unpriced(stage, 9, at="05:00")
    stage.at("06:00", "06:01")
    assert stage.news() == [f"start: {UNPRICED}"]


def test_a_watch_can_be_tuned_and_switched_off_and_then_its_incident_ends_silently(play: Play) -> None:
    stage = play("watch: {unpriced: false}\n" + DAILY)
    stage.at("06:00")
    unpriced(stage, 9, at="07:00")
    stage.at("07:01")
    assert stage.silent()
    stage.reload("watch: {unpriced: {above: 8 requests}}\n" + DAILY)
    assert stage.news() == [UNPRICED]
    stage.reload("watch: {unpriced: false}\n" + DAILY)
    assert stage.silent()
    assert [i.state for i in stage.incidents("unpriced")] == [State.WITHDRAWN]
    stage.reload(FEW)
    assert stage.silent()
    assert len(stage.open("unpriced")) == 1


def test_a_restart_and_an_outage_neither_end_nor_repeat_it(play: Play) -> None:
    stage = play("version: 1\ndestinations: {finops: {type: console}}\nnotify: [finops]\n" + PROJECTS + FEW)
    stage.at("06:00")
    for second in range(4):
        stage.spend(None, at=f"07:00:0{second}", project="labs")
    stage.at("07:01")
    assert stage.news() == ["unpriced project=labs opened warning 100%"]
    stage.restart()
    stage.langfuse_down()
    stage.at("07:02", "07:05")
    stage.langfuse_up()
    stage.at("07:06", "07:10")
    assert stage.silent()
    assert len(stage.open("unpriced")) == 1


# ---------------------------------------------------------------- drift


def _drift(stage: Stage, usd: str) -> None:
    """A comparison ends now and leaves this unexplained."""
    pico = round(float(usd) * 100) * DOLLAR // 100
    (watched,) = stage.watched
    assert watched.state is not None
    key = watched.state.key
    stage.store.ingest(key, lambda unit: unit.reconciled(at_ms=stage.clock.now_ms(), drift_pico=pico))


def test_a_ledger_that_stays_apart_by_more_than_a_dollar_is_told_until_it_agrees_again(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    _drift(stage, "-1.00")
    stage.at("07:00")
    assert stage.silent()
    _drift(stage, "-1.01")
    stage.at("08:00", "08:01")
    assert stage.news() == ["drift project=langfuse opened warning 100%"]
    assert stage.told()[-1].notices[0].incident.measured == -101 * DOLLAR // 100
    _drift(stage, "0.30")
    stage.at("09:00", "09:01")
    assert stage.news() == ["drift project=langfuse resolved warning"]


def test_a_comparison_of_yesterday_says_nothing_about_today(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    _drift(stage, "5")
    stage.at("07:00")
    assert stage.news() == ["drift project=langfuse opened warning 100%"]
    stage.at("11-19 00:01", "11-19 00:30")
    assert stage.silent()
    assert [i.state for i in stage.incidents("drift")] == [State.ROLLED_OVER]
    _drift(stage, "5")
    stage.at("11-19 01:00")
    assert stage.news() == ["drift project=langfuse opened warning 100%"]


# ---------------------------------------------------------------- unattributed


def test_spend_without_a_dimension_that_a_rule_uses_is_told_above_a_fifth_and_five_dollars(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:00")
    stage.spend("4.99", at="07:00")
    stage.at("07:01")
    assert stage.silent()
    stage.spend("20.01", at="07:02", team="content")
    stage.spend("0.01", at="07:02")
    stage.at("07:03")
    assert stage.silent()
    stage.spend("0.01", at="07:04")
    stage.at("07:05", "07:06")
    assert stage.news() == [f"{TEAM} opened warning 100%"]
    incident = stage.told()[-1].notices[0].incident
    assert (incident.measured, incident.baseline) == (501 * DOLLAR // 100, 2502 * DOLLAR // 100)


def test_it_resolves_when_the_share_is_clearly_lower(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:00")
    call = stage.spend("6", at="07:00")
    stage.at("07:01")
    assert stage.news() == [f"{TEAM} opened warning 100%"]
    stage.spend("24.01", at="07:02", team="content")
    stage.at("07:03")
    assert stage.silent()
    stage.update(call, at="07:04", team="content")
    stage.at("07:05")
    assert stage.news() == [f"{TEAM} resolved warning"]


def test_only_dimensions_that_rules_over_the_project_use_are_watched(play: Play) -> None:
    rules = (
        "version: 1\nhistory: 2d\ndestinations: {finops: {type: console}}\nnotify: [finops]\n"
        + PROJECTS
        + "\nbudgets:\n"
        + "  - {name: shop-teams, where: {project: shop, team: '*'}, limit: $1000, every: day}\n"
        + "  - {name: features, each: [project, feature], where: {project: labs}, limit: $1000, every: day}\n"
        + "  - {name: users, each: [user], where: {project: labs}, limit: $1000, every: day}\n"
    )
    stage = play(rules)
    stage.at("06:00")
    stage.spend("9", at="07:00", project="shop", user="ada")
    stage.spend("9", at="07:00", project="labs", team="content", user="bob")
    stage.at("07:01")
    assert sorted("; ".join(stage.news()).split("; ")) == [
        "unattributed project=labs,dimension=feature opened warning 100%",
        "unattributed project=shop,dimension=team opened warning 100%",
    ]


def test_without_a_rule_that_uses_a_dimension_none_is_watched(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    stage.spend("50", at="07:00")
    stage.at("07:01")
    assert stage.silent()


def test_a_day_that_is_not_read_from_its_start_is_not_judged(play: Play) -> None:
    stage = play(TEAMS)
    stage.at("06:00", "07:00")
    stage.window_ms = 3_600_000
    stage.spend("20", at="08:00", team="content")
    stage.spend("20", at="09:00", team="sales")
    stage.spend("6", at="15:30")
    stage.clock.move(stage.ms("16:00"))
    stage.restart()
    (report,) = stage.poll("16:00")
    while report.more:
        assert stage.silent()
        (report,) = stage.read_on()
    assert stage.silent()


# ---------------------------------------------------------------- what it costs


def test_counting_what_has_no_price_reads_no_other_row(play: Play) -> None:
    stage = play(FEW)
    stage.spend("1", at="05:00")
    stage.at("06:00")
    with sqlite3.connect(stage.store.path) as database:
        plan = database.execute(f"EXPLAIN QUERY PLAN {UNPRICED_QUERY}", (1, 0, 9)).fetchall()
    database.close()
    assert "USING INDEX generation_unpriced (project=? AND start_ms>? AND start_ms<?)" in plan[0][3]

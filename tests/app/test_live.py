"""While the daemon polls: what is told, when, to whom, and how often."""

import pytest

from tests.app.conftest import Play
from tests.app.scene import PROJECTS
from tests.app.when import clock_of

DAILY = "budgets:\n  - {name: daily, limit: $10, every: day}\n"
HISTORY = "history: 1d\n"


def test_a_threshold_is_told_once_and_not_at_every_poll(play: Play) -> None:
    stage = play(HISTORY + DAILY)
    stage.at("06:00")
    stage.spend("8.50", at="07:00")
    stage.at("07:01", "07:02", "07:03")
    assert stage.news() == ["daily opened warning 80%"]
    stage.spend("1.40", at="07:03:30")
    stage.at("07:04", "07:05")
    assert stage.news() == []
    stage.spend("0.10", at="07:05:30")
    stage.at("07:06", "07:07")
    assert stage.news() == ["daily escalated critical 100%"]


def test_a_crossing_is_told_within_one_poll_of_its_appearance(play: Play) -> None:
    stage = play(HISTORY + DAILY)
    stage.at("06:00", "07:00")
    stage.spend("12", at="07:00:10", arrives="07:00:40")
    stage.every(1, until="07:05")
    assert [clock_of(at) for at, _ in stage.inbox("finops").attempts] == ["11-18 07:01:00"]


def test_of_several_thresholds_crossed_at_once_only_the_highest_is_told(play: Play) -> None:
    stage = play(HISTORY + DAILY)
    stage.at("06:00")
    stage.spend("10.50", at="07:00")
    stage.at("07:01")
    assert stage.news("diary") == []
    assert stage.news() == ["daily opened critical 100%"]
    (incident,) = stage.open("daily")
    assert [float(crossing.share) for crossing in incident.crossings] == [0.5, 0.8, 1.0]
    stage.at("07:02", "07:03")
    assert stage.silent()


def test_every_doubling_is_told_so_that_a_runaway_does_not_go_quiet(play: Play) -> None:
    stage = play(HISTORY + DAILY)
    stage.at("06:00")
    for minute, usd in enumerate(["10", "9.99", "0.01", "19", "1", "41"]):
        stage.spend(usd, at=f"07:{minute:02}:30")
        stage.at(f"07:{minute + 1:02}")
    assert stage.news() == [
        "daily opened critical 100%",
        "daily escalated critical 200%",
        "daily escalated critical 400%",
        "daily escalated critical 800%",
    ]


def test_info_is_stored_and_goes_to_nobody_who_did_not_ask_for_it(play: Play) -> None:
    stage = play(HISTORY + DAILY)
    stage.at("06:00")
    stage.spend("5", at="07:00")
    stage.at("07:01")
    assert stage.silent()
    (incident,) = stage.open("daily")
    assert incident.severity.word == "info"


def test_a_destination_that_asks_for_info_gets_it(play: Play) -> None:
    stage = play(HISTORY + "budgets:\n  - {name: daily, limit: $10, every: day, notify: [finops, diary, pager]}\n")
    stage.at("06:00")
    for minute, usd in enumerate(["5", "3", "2"]):
        stage.spend(usd, at=f"07:{minute:02}:30")
        stage.at(f"07:{minute + 1:02}")
    warning, critical = "daily escalated warning 80%", "daily escalated critical 100%"
    assert stage.news("diary") == ["daily opened info 50%", warning, critical]
    assert stage.news("finops") == [warning, critical]
    assert stage.news("pager") == [critical]


def test_a_new_day_starts_clean_and_the_old_incident_rolls_over_without_a_word(play: Play) -> None:
    stage = play(HISTORY + DAILY)
    stage.at("06:00")
    stage.spend("11", at="23:30")
    stage.at("23:31")
    assert stage.news() == ["daily opened critical 100%"]
    stage.at("23:59", "11-19 00:00", "11-19 00:01")
    assert stage.silent()
    assert [incident.state.value for incident in stage.incidents("daily")] == ["rolled_over"]
    stage.spend("9", at="11-19 00:01:30")
    stage.at("11-19 00:02")
    assert stage.news() == ["daily opened warning 80%"]


def test_two_hundred_users_over_their_limit_at_once_are_one_message(play: Play) -> None:
    stage = play(HISTORY + "budgets:\n  - {name: users, each: [user], limit: $1, every: day}\n")
    stage.at("06:00")
    for number in range(200):
        stage.spend(f"{1 + number / 1000:.3f}", at="07:00", user=f"user-{number:03}")
    stage.at("07:01", "07:02")
    (message,) = stage.told()
    assert len(message.notices) == 200
    shares = [notice.incident.measured for notice in message.notices]
    assert shares == sorted(shares, reverse=True)


def test_tokens_and_requests_are_limits_too(play: Play) -> None:
    rules = """
history: 1d
budgets:
  - {name: tokens, limit: 2M tokens, every: day}
  - {name: requests, limit: 5 requests, every: day}
"""
    stage = play(rules)
    stage.at("06:00")
    for minute in range(4):
        stage.spend("0.01", at=f"07:0{minute}:10", tokens=499_999)
    stage.at("07:05")
    assert stage.news() == ["tokens opened warning 80%; requests opened warning 80%"]
    stage.spend("0.01", at="07:05:10", tokens=4)
    stage.at("07:06")
    assert stage.news() == ["requests escalated critical 100%; tokens escalated critical 100%"]


def test_where_not_and_globs_decide_what_counts(play: Play) -> None:
    rules = """
history: 1d
budgets:
  - {name: shops, where: {team: ["shop-*", search]}, not: {feature: [draft, "test-*"]}, limit: $10, every: day}
"""
    stage = play(rules)
    stage.at("06:00")
    for team, feature in [("shop-de", "chat"), ("search", "index")]:
        stage.spend("4.50", at="07:00", team=team, feature=feature)
    for team, feature in [
        ("shop-de", "draft"),
        ("shop-fr", "test-1"),
        ("Search", "index"),
        ("sales", "chat"),
        ("", ""),
    ]:
        stage.spend("100", at="07:00", team=team, feature=feature)
    stage.at("07:01")
    assert stage.news() == ["shops opened warning 80%"]
    (incident,) = stage.open("shops")
    assert incident.measured == 9_000_000_000_000


def test_a_value_that_is_missing_is_judged_under_the_key_unknown(play: Play) -> None:
    stage = play(HISTORY + "budgets:\n  - {name: teams, each: [team], limit: $4, every: day}\n")
    stage.at("06:00")
    stage.spend("4.50", at="07:00")
    stage.at("07:01")
    assert stage.news() == ["teams team=unknown opened critical 100%"]


def test_overrides_give_keys_other_limits_other_destinations_or_none(play: Play) -> None:
    rules = """
history: 1d
budgets:
  - name: features
    each: [feature]
    limit: $10
    every: day
    overrides:
      - {feature: big, limit: $100, notify: [content]}
      - {feature: "eval-*", limit: none}
"""
    stage = play(rules)
    stage.at("06:00")
    for feature, usd in [("big", "85"), ("eval-nightly", "5000"), ("small", "11")]:
        stage.spend(usd, at="07:00", feature=feature)
    stage.at("07:01")
    assert stage.news("finops") == ["features feature=small opened critical 100%"]
    assert stage.news("content") == ["features feature=big opened warning 80%"]


def test_when_an_override_ends_the_usual_limit_holds_although_nothing_is_spent(play: Play) -> None:
    rules = """
history: 1d
budgets:
  - name: features
    each: [feature]
    limit: $10
    every: month
    overrides:
      - {feature: search, limit: $90, until: 2026-11-19}
      - {feature: index, limit: none, until: 2026-11-19}
"""
    stage = play(rules)
    stage.at("06:00")
    stage.spend("12", at="07:00", feature="search")
    stage.spend("12", at="07:00", feature="index")
    stage.at("07:01", "23:59")
    assert stage.silent()
    stage.at("11-19 00:00")
    over = ["features feature=index opened critical 100%", "features feature=search opened critical 100%"]
    assert stage.news() == ["; ".join(over)]


def test_langfuses_own_environments_are_in_the_ledger_and_in_no_rule_that_does_not_name_them(play: Play) -> None:
    rules = """
history: 1d
budgets:
  - {name: all, limit: $10, every: day}
  - {name: judges, where: {environment: "langfuse-*"}, limit: $10, every: day}
"""
    stage = play(rules)
    stage.at("06:00")
    stage.spend("12", at="07:00", environment="langfuse-llm-as-a-judge")
    stage.spend("12", at="07:00", environment="sdk-experiment")
    stage.at("07:01")
    assert stage.news() == ["judges opened critical 100%"]
    assert stage.shown().totals.cost_pico == 24_000_000_000_000


def test_the_excluded_environments_can_be_chosen(play: Play) -> None:
    stage = play("environments: {exclude: [staging]}\n" + HISTORY + DAILY)
    stage.at("06:00")
    stage.spend("100", at="07:00", environment="staging")
    stage.spend("12", at="07:01", environment="langfuse-llm-as-a-judge")
    stage.at("07:02")
    (incident,) = stage.open("daily")
    assert incident.measured == 12_000_000_000_000


@pytest.mark.parametrize("type_", ["EMBEDDING", "SPAN", "AGENT", "TOOL", "EVENT"])
def test_observations_of_every_type_count_where_they_carry_cost(play: Play, type_: str) -> None:
    stage = play(HISTORY + DAILY)
    stage.at("06:00")
    stage.spend("10", at="07:00", type=type_, tokens=0)
    stage.at("07:01")
    assert stage.news() == ["daily opened critical 100%"]


def test_usage_without_a_price_is_counted_as_unpriced_and_never_as_free(play: Play) -> None:
    stage = play(HISTORY + "budgets:\n  - {name: tokens, limit: 1000 tokens, every: day}\n")
    stage.spend(None, at="05:00", model="my-ft-model", tokens=400)
    stage.at("06:00")
    stage.spend(None, at="07:00", model="my-ft-model", tokens=400)
    stage.spend("0.01", at="07:00", tokens=200)
    stage.at("07:01")
    assert stage.news() == ["tokens opened critical 100%"]
    shown = stage.shown()
    assert shown.totals.unpriced == 2
    assert [counters.unpriced_requests for counters in shown.project_counters] == [2]


def test_spans_that_neither_used_nor_cost_anything_are_no_requests(play: Play) -> None:
    stage = play(HISTORY + "budgets:\n  - {name: requests, limit: 2 requests, every: day}\n")
    stage.at("06:00")
    stage.spend(None, at="07:00", type="SPAN", tokens=0)
    stage.spend(None, at="07:00", type="EVENT", tokens=0)
    stage.spend("0.01", at="07:00")
    stage.at("07:01")
    assert stage.shown().totals.generations == 1


def test_the_first_matching_route_names_the_owner_and_the_rules_own_notify_wins(play: Play) -> None:
    rules = """
history: 1d
routes:
  - {where: {team: content}, notify: [content], labels: {owner: ann}, runbook: "https://wiki.example.com/c"}
  - {where: {team: "*"}, notify: [diary]}
budgets:
  - {name: teams, each: [team], limit: $10, every: day}
  - {name: one, where: {team: content}, limit: $11, every: day}
  - {name: own, each: [team], limit: $10, every: day, notify: [pager]}
  - {name: all, limit: $20, every: day}
"""
    stage = play(rules)
    stage.at("06:00")
    stage.spend("12", at="07:00", team="content")
    stage.spend("11", at="07:00", team="sales")
    stage.at("07:01")
    assert stage.news("content") == ["teams team=content opened critical 100%; one opened critical 100%"]
    assert stage.news("diary") == ["teams team=sales opened critical 100%"]
    assert stage.news("finops") == ["all opened critical 100%"]
    own = "own team=content opened critical 100%; own team=sales opened critical 100%"
    assert stage.news("pager") == [own]
    first = stage.told("content")[0].notices[0]
    assert (first.labels, first.runbook) == ((("owner", "ann"),), "https://wiki.example.com/c")


def test_a_threshold_may_have_a_severity_and_destinations_of_its_own(play: Play) -> None:
    rules = """
history: 1d
budgets:
  - name: daily
    limit: $10
    every: day
    thresholds: [80%, {at: 100%, severity: warning}, {at: 150%, severity: critical, notify: [pager]}]
"""
    stage = play(rules)
    stage.at("06:00")
    stage.spend("10", at="07:00")
    stage.at("07:01")
    stage.spend("5", at="07:01:30")
    stage.at("07:02")
    assert stage.news("finops") == ["daily opened warning 100%"]
    assert stage.news("pager") == ["daily escalated critical 150%"]


def test_a_budget_over_all_projects_sums_them_and_one_over_each_does_not(play: Play) -> None:
    rules = (
        "version: 1\nhistory: 1d\ndestinations: {finops: {type: console}}\nnotify: [finops]\n"
        + PROJECTS
        + """
budgets:
  - {name: all, limit: $10, every: day}
  - {name: each, each: [project], limit: $8, every: day}
  - {name: labs, where: {project: labs}, limit: $5, every: day}
"""
    )
    stage = play(rules)
    stage.at("06:00")
    stage.spend("4", at="07:00", project="shop")
    stage.spend("6.50", at="07:00", project="labs")
    stage.at("07:01")
    assert stage.news() == ["labs opened critical 100%; all opened critical 100%; each project=labs opened warning 80%"]


def test_a_call_that_started_before_the_last_poll_and_appears_after_it_is_found(play: Play) -> None:
    stage = play(HISTORY + DAILY)
    stage.at("06:00")
    stage.spend("5", at="07:00:30", arrives="07:02:10")
    stage.spend("6", at="06:50:00", arrives="07:04:10")
    stage.every(1, until="07:10")
    assert stage.news() == ["daily escalated critical 100%"]


def test_a_row_dated_a_little_into_the_next_day_is_judged_when_that_day_begins(play: Play) -> None:
    stage = play(HISTORY + DAILY)
    stage.at("06:00", "23:57")
    stage.spend("12", at="11-19 00:01", arrives="23:58:30")
    stage.at("23:59")
    assert stage.silent()
    stage.at("11-19 00:01")
    assert stage.news() == ["daily opened critical 100%"]


def test_a_server_whose_clock_runs_ahead_of_ours_is_read_all_the_same(play: Play) -> None:
    """Whole batches of pages then start after our present; they are known, and covered once their time has come."""
    stage = play("history: 1d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n")
    stage.small_pages()
    stage.at("06:00")
    for number in range(120):
        stage.spend("0.10", at=f"07:01:{number // 2:02}.{number % 2}", arrives="07:00")
    stage.at("07:00:30", "07:03")
    assert stage.news() == ["daily opened critical 100%"]
    assert stage.shown().totals[:2] == (120, 12_000_000_000_000)

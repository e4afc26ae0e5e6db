"""Files of rule tests: what is wrong with one is told all at once, each with its line and what would be right."""

from pathlib import Path

import pytest

from fusewatch.app.ruletests import RuleTest
from fusewatch.config.testfile import load_tests, load_tests_text
from fusewatch.domain.periods import local_clock
from fusewatch.errors import ConfigError

RULES = """rules: |
  version: 1
  timezone: Europe/Berlin
  destinations: {finops: {type: console}}
  budgets:
    - {name: daily-cap, limit: $5, every: day}
"""


def read(tests: str) -> tuple[RuleTest, ...]:
    return load_tests_text(RULES + tests, "t.yaml", {}, folder=Path()).tests


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_tests_text(text, "t.yaml", {}, folder=Path("/nowhere"))
    return [str(problem) for problem in caught.value.problems]


def spent(entry: str) -> list[str]:
    (test,) = read(f"tests:\n  - name: one\n    spend:\n      - {entry}\n    expect: nothing\n")
    return [
        f"{local_clock('Europe/Berlin', s.at_ms):%m-%d %H:%M:%S} {s.amounts.cost_pico // 10**10} {s.amounts.tokens}"
        f" {s.amounts.requests}"
        for s in test.spend
    ]


def test_times_are_wall_times_of_the_budget_files_zone() -> None:
    assert spent('{at: "day 2 14:00", cost: $5}') == ["06-02 14:00:00 500 1000 1"]
    assert spent('{at: "2026-11-18 14:00:30", tokens: 7, requests: 2}') == ["11-18 14:00:30 0 7 2"]


def test_daily_spend_stands_on_each_day_from_the_first_to_the_last() -> None:
    assert spent('{daily: $1.50, from: day 2, to: day 4, time: "09:15"}') == [
        f"06-0{day} 09:15:00 150 1000 1" for day in (2, 3, 4)
    ]
    assert spent("{daily: 3 requests}") == ["06-01 12:00:00 0 3000 3"]


def test_hourly_spend_ends_before_its_last_hour_and_a_day_of_changed_clocks_has_its_own_number_of_hours() -> None:
    assert len(spent('{hourly: 2k tokens, from: "day 1 08:00", to: "day 1 17:00"}')) == 9
    assert len(spent('{hourly: $2, from: "2026-10-25 00:00", to: "2026-10-26 00:00"}')) == 25


def test_every_mistake_is_told_with_its_line() -> None:
    text = """
start: soon
tests:
  - name: one
    spend:
      - {at: "14:00", cost: $5}
      - {at: "day 1 14:00", cost: 5€, feture: chat}
      - {daily: $5, hourly: $5}
      - {daily: $5, at: "day 1", from: "day 3", to: day 1}
      - {hourly: $5, from: "day 1 08:00"}
      - {at: "day 1 25:00", cost: $1}
      - {at: "day 1 12:00"}
    expect:
      - {at: "day 1 14:00", rule: daily-cup, severity: bad, to: [nobody]}
      - {rule: daily-cap, threshold: often}
  - name: one
    expect: something
    spnd: []
"""
    assert problems(RULES + text) == [
        't.yaml:8: start: "soon" is not a date; write it as 2026-06-01',
        't.yaml:12: tests[0].spend[0].at: "14:00" is not a time; write it as "day 3 14:00" or "2026-06-03 14:00"',
        't.yaml:13: tests[0].spend[1].cost: "5€" is not in US dollars; only USD is supported, as Langfuse'
        " reports costs in USD",
        't.yaml:13: tests[0].spend[1].feture: unknown key "feture"; did you mean "feature"?',
        't.yaml:14: tests[0].spend[2]: daily and hourly exclude each other; write one of "at", "daily" and "hourly"',
        't.yaml:15: tests[0].spend[3]: at and daily exclude each other; write one of "at", "daily" and "hourly"',
        't.yaml:16: tests[0].spend[4]: "hourly" needs "from" and "to"; as from: "day 1 08:00", to: "day 1 17:00"',
        't.yaml:17: tests[0].spend[5].at: "day 1 25:00" has no such time of day; write it as "day 3 14:00" or'
        ' "2026-06-03 14:00"',
        "t.yaml:18: tests[0].spend[6]: how much is not said; write cost: $5, tokens: 1000 or requests: 3",
        't.yaml:20: tests[0].expect[0].rule: there is no rule "daily-cup"; did you mean "daily-cap"?',
        't.yaml:20: tests[0].expect[0].severity: "bad" is not known here; write info, warning or critical',
        't.yaml:20: tests[0].expect[0].to: there is no destination "nobody"; known here: finops, terminal',
        't.yaml:21: tests[0].expect[1]: "at" is missing; as {at: "day 1 14:00", rule: daily-cap}',
        't.yaml:21: tests[0].expect[1].threshold: "often" is not a percentage; write a percentage such as 80% or 62.5%',
        't.yaml:22: tests[1].name: "one" stands twice; give each test a name of its own',
        't.yaml:23: tests[1].expect: what to expect is not said; list the notices, or write "expect: nothing"',
        't.yaml:24: tests[1].spnd: unknown key "spnd"; did you mean "spend"?',
    ]


def test_a_mistake_in_rules_that_stand_inside_is_told_at_its_own_line() -> None:
    assert problems(
        "# tests\nrules: |\n  version: 1\n  budgets:\n    - {name: a, limit: $5, evry: day}\ntests: []\n"
    ) == [
        't.yaml:5: rules: budgets[0]: "every" or "last" is missing; write every: hour, day, week or month',
        't.yaml:5: rules: budgets[0].evry: unknown key "evry"; did you mean "every"?',
    ]


def test_a_file_without_rules_or_tests_says_what_is_missing() -> None:
    assert problems("tests: []") == [
        't.yaml:1: "rules" is missing; name the budget file, as "rules: ../budgets.yaml", or write it below "rules: |"'
    ]
    assert problems(RULES) == ['t.yaml:1: "tests" is missing; write at least one test']
    (told,) = problems("rules: other.yaml\ntests: []")
    assert told.startswith("/nowhere/other.yaml: there is no such file")


def test_a_folder_is_no_file_of_tests(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this is a folder"):
        load_tests(tmp_path, {})

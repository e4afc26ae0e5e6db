"""Digests: one message at its time, once, with what the day before cost; none where there is nothing to tell."""

import pytest

from fusewatch.domain.notices import DigestFacts, MessageKind
from tests.app.conftest import Play
from tests.app.stage import Stage

DOLLAR = 10**12
RULES = """
history: 3d
budgets:
  - {name: daily, limit: $10, every: day}
  - {name: monthly, limit: $100, every: month}
digest:
  - {every: day, at: "09:00", to: [diary]}
"""


def digests(stage: Stage, name: str = "diary") -> list[DigestFacts]:
    fresh = stage.inbox(name).fresh()
    return [message.digest for message in fresh if message.kind is MessageKind.DIGEST and message.digest is not None]


def test_yesterday_is_told_at_nine_and_only_once(play: Play) -> None:
    stage = play(RULES, begins="09:30")
    stage.spend("4", at="10:00", feature="chat", team="content")
    stage.spend("5", at="10:01", feature="search", team="content")
    stage.at("09:30", "10:30", "12:00")
    assert digests(stage) == [], "what was due before watching began is left out"
    stage.at("11-19 08:59")
    assert digests(stage) == []
    stage.at("11-19 09:00", "11-19 09:01", "11-19 15:00")
    (facts,) = digests(stage)
    assert (facts.cost_pico, facts.before_pico, facts.requests, facts.at_least) == (9 * DOLLAR, 0, 2, False)
    assert [(m.value, m.cost_pico) for m in facts.up] == [("search", 5 * DOLLAR), ("chat", 4 * DOLLAR)]
    assert [(n.rule, n.measured, n.limit) for n in facts.near] == [("daily", 9 * DOLLAR, 10 * DOLLAR)]


def test_it_says_what_rose_and_what_fell_against_the_day_before(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00")
    stage.spend("4", at="07:00", feature="chat")
    stage.spend("1", at="07:00", feature="search")
    stage.spend("2", at="07:00", feature="steady")
    stage.at("08:00")
    stage.spend("1", at="11-19 07:00", feature="chat")
    stage.spend("3", at="11-19 07:00", feature="search")
    stage.spend("2", at="11-19 07:00", feature="steady")
    stage.at("11-19 08:00", "11-19 10:00", "11-20 09:00")
    facts = digests(stage)[-1]
    assert [(m.value, m.before_pico, m.cost_pico) for m in facts.up] == [("search", DOLLAR, 3 * DOLLAR)]
    assert [(m.value, m.before_pico, m.cost_pico) for m in facts.down] == [("chat", 4 * DOLLAR, DOLLAR)]


def test_a_day_without_anything_has_no_digest(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00", "11-19 09:00", "11-20 09:00")
    assert digests(stage) == []
    stage.spend("1", at="11-20 10:00")
    stage.at("11-20 10:01", "11-21 09:00")
    assert len(digests(stage)) == 1
    stage.at("11-22 09:00")
    assert [facts.cost_pico for facts in digests(stage)] == [0], "the fall to nothing is worth a line"
    stage.at("11-23 09:00")
    assert digests(stage) == []


def test_a_restart_neither_loses_nor_repeats_it_and_an_old_one_is_left_out(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00")
    stage.spend("1", at="07:00")
    stage.at("07:01")
    stage.restart()
    stage.at("11-19 14:00")
    assert len(digests(stage)) == 1, "late, but still that day"
    stage.restart()
    stage.at("11-19 15:00")
    assert digests(stage) == []
    stage.restart()
    stage.at("11-22 08:30")
    assert [facts.cost_pico for facts in digests(stage)] == []


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_kill_in_the_transaction_that_decides_it_changes_nothing(play: Play, after_commit: bool) -> None:
    stage = play(RULES)
    stage.at("06:00")
    stage.spend("1", at="07:00")
    stage.at("07:01")
    stage.clock.move(stage.ms("11-19 09:00"))
    for step in range(1, 9):
        stage.runner.fatal = stage.runner.done + step
        stage.runner.after_commit = after_commit
        if stage.dies(stage.round):
            stage.restart()
        stage.clock.go_on(1000)
    stage.runner.fatal = None
    stage.round()
    stage.deliver_until("11-19 09:30")
    told = [m for m in stage.told("diary") if m.kind is MessageKind.DIGEST]
    assert len({m.id for m in told}) == 1
    stage.repeats_allowed = len(told) - 1


def test_unpriced_and_unattributed_spend_are_named(play: Play) -> None:
    stage = play(RULES + '  - {every: week, at: "09:00", to: [finops]}\n')
    stage.at("06:00")
    stage.spend("1", at="07:00", feature="chat")
    stage.spend(None, at="07:01", model="my-ft", feature="chat", team="content")
    stage.at("07:30", "11-19 09:00")
    (facts,) = digests(stage)
    assert facts.unpriced == (("my-ft", 1),)
    assert digests(stage, "finops") == []
    stage.at("11-23 09:00")
    (week,) = digests(stage, "finops")
    assert (week.every, week.cost_pico, week.requests) == ("week", DOLLAR, 2)


def test_a_running_month_near_its_limit_is_told_with_the_day_it_is_on(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00")
    stage.spend("85", at="07:00")
    stage.at("07:30", "11-19 09:00")
    (facts,) = digests(stage)
    assert [(n.rule, n.day, n.days) for n in facts.near] == [("daily", 0, 0), ("monthly", 19, 30)]
    assert facts.open_incidents == (("warning", 1),)

"""A backtest over the ledger tells exactly what the daemon told that lived through the same days."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from fusewatch.app.backtest import Course, Outcome, Recorded, backtest
from fusewatch.app.lookout import foreseeable
from fusewatch.config.rulefile import load_text
from fusewatch.demo.standin import Span
from fusewatch.domain.notices import Message, MessageKind, Reason
from fusewatch.domain.rules import RuleSet
from tests.app.conftest import Play
from tests.app.inbox import said
from tests.app.stage import HEADER, Stage
from tests.app.when import MINUTE_MS, clock_of

RULES = """
history: 8d
timezone: Europe/Berlin
quiet_hours: {from: "22:00", to: "07:00", except: [critical]}
repeat: {critical: 4h, warning: 150m}
routes:
  - {where: {team: content}, notify: [content], runbook: "https://wiki.example.com/llm"}
budgets:
  - {name: all, limit: $180, every: week}
  - {name: hourly, limit: $3, every: hour, notify: [diary]}
  - name: teams
    each: [team]
    limit: $12
    every: day
    notify: [finops, diary]
    overrides: [{team: search, limit: $30, until: 2026-11-20, because: a test}]
  - {name: chat-users, where: {feature: chat}, each: [user], limit: 20 requests, every: day}
spikes:
  - {name: twice, each: [feature], factor: 1.5, floor: $1, notify: [finops, pager]}
  - {name: more-calls, of: requests, factor: 1.2, floor: 3 requests, baseline: {days: 5, using: median}}
watch:
  unpriced: {above: 5 requests}
"""

FULL = """
history: 16d
timezone: Europe/Berlin
quiet_hours: {from: "22:00", to: "07:00", except: [critical]}
repeat: {critical: 4h, warning: 150m}
digest: [{every: day, at: "08:30", to: [finops]}]
routes: [{where: {model: "my-ft*"}, notify: [diary]}]
prices:
  - {match: "^my-ft", input: 600, output: 600, per: 1M}
budgets:
  - {name: all, limit: $40, every: day, forecast: true}
  - {name: teams, each: [team], limit: $90, every: week, forecast: true, notify: [finops, diary]}
  - name: last-hours
    each: [feature]
    limit: $5
    last: 3h
    notify: [finops, diary]
    overrides: [{feature: search, limit: $3, until: 2026-11-20, because: a test}]
  - {name: last-days, limit: $75, last: 2d, notify: [diary]}
  - {name: last-calls, each: [user], limit: 9 requests, last: 1h, notify: [diary]}
spikes:
  - {name: burst, each: [feature], last: 2h, factor: 2, floor: $1, notify: [finops, diary]}
  - {name: usual, each: [feature], method: seasonal, factor: 1.3, floor: $1, notify: [finops, diary]}
  - {name: usual-calls, of: requests, method: seasonal, last: 1h, factor: 1.1, floor: 2 requests}
  - {name: dearer, each: [feature], of: cost per request, factor: 1.5, floor: $1, notify: [diary]}
watch:
  unpriced: {above: 5 requests}
  unattributed: {above: 25%, floor: $1}
  new: {each: [model, feature], floor: $1}
"""
"""Every kind of rule, and everything that holds back or repeats."""


def replay(stage: Stage, *rules: str, since: str, until: str, poll_minutes: int = 10) -> list[Outcome]:
    projects, coverage = stage.store.read(lambda unit: (unit.projects(), unit.coverage()))
    course = Course(stage.ms(since), stage.ms(until), poll_minutes * MINUTE_MS, projects, coverage)
    return backtest(Recorded(stage.store), course, [read(text) for text in rules])


def read(rules: str) -> RuleSet:
    return load_text(HEADER + rules, "budgets.yaml", {}, secrets=False).rules


def spend_days(stage: Stage, seed: int, days: range) -> None:
    """Several hundred calls a day: busy hours and quiet ones, some a while after their start, some without a
    price, a team or a feature, and one feature that runs away now and then."""
    rnd = random.Random(seed)
    for day in days:
        loud = rnd.choice(["chat", "search", "mail"]) if rnd.random() < 0.5 else ""
        for _ in range(rnd.randrange(80, 160)):
            minute = min(int(rnd.gauss(13 * 60, 4 * 60)) % 1440, 1439)
            feature = rnd.choice(["chat", "search", "mail", ""])
            usd = rnd.uniform(0.01, 0.4) * (5 if feature == loud and minute > 600 else 1)
            start = f"11-{day:02} {minute // 60:02}:{minute % 60:02}:{rnd.randrange(60):02}"
            late_ms = rnd.choice([1000, 5000, 40_000, 40_000, 1000 * rnd.randrange(1, 160)])
            stage.spend(
                None if rnd.random() < 0.06 else f"{usd:.4f}",
                at=start,
                arrives=clock_of(stage.ms(start) + late_ms),
                feature=feature,
                team=rnd.choice(["content", "content", "search", ""]),
                user=rnd.choice(["ann", "bob", "eve"]),
            )


def own_price(span: Span) -> int:
    """What a call without a price of Langfuse's costs by ours."""
    own = span.model.startswith("my-ft") and span.usage and not span.cost
    return span.usage["input"] * 600 * 10**6 if own else 0


def spend_anew(stage: Stage, seed: int) -> None:
    """Models and a feature that were not there before, some without a price of Langfuse's but with one of ours."""
    rnd = random.Random(seed)
    for number in range(40):
        start_ms = stage.ms("11-18 08:00") + number * 100 * MINUTE_MS + rnd.randrange(60 * MINUTE_MS)
        stage.spend(
            None if number % 2 else f"{rnd.uniform(0.1, 0.5):.4f}",
            at=clock_of(start_ms),
            feature="digest" if number > 20 else "chat",
            team="search",
            user="ann",
            model=f"my-ft-{number // 15}",
        )


def lived(stage: Stage, destination: str = "finops") -> list[Message]:
    """What a destination was told, without what explains it: a replay is about what is told when, not about why."""
    return [replace(m, notices=tuple(replace(n, why=None) for n in m.notices)) for m in stage.told(destination)]


def told(messages: list[Message]) -> list[str]:
    return [f"{clock_of(m.created_ms)} {m.destination} {said(m)}" for m in messages]


@pytest.mark.parametrize("seed", range(3))
def test_a_backtest_sends_exactly_the_messages_that_the_daemon_sent_which_lived_through_these_days(
    play: Play, seed: int
) -> None:
    stage = play(RULES, begins="11-18 06:00")
    spend_days(stage, seed, range(7, 22))
    stage.round()
    stage.every(10, "11-21 06:00")
    (outcome,) = replay(stage, RULES, since="11-18 06:00", until="11-21 06:00:01")
    by_destination = {
        name: [m for m in outcome.messages if m.destination == name] for name in ("finops", "content", "pager", "diary")
    }
    for name, replayed in by_destination.items():
        assert told(replayed) == told(lived(stage, name))
        assert replayed == lived(stage, name)
    assert len(by_destination["diary"]) > 15
    assert outcome.steps < 400, "most polls change nothing"


@pytest.mark.parametrize("seed", range(2))
def test_a_backtest_tells_what_the_daemon_told_whatever_kind_of_rules_there_are(play: Play, seed: int) -> None:
    """But the digests: a backtest is about notices."""
    stage = play(FULL, begins="11-18 06:00")
    stage.estimate_of = own_price
    spend_days(stage, seed, range(3, 22))
    spend_anew(stage, seed)
    stage.round()
    stage.every(10, "11-21 12:00")
    (outcome,) = replay(stage, FULL, since="11-18 06:00", until="11-21 12:00:01")
    for name in ("finops", "content", "pager", "diary"):
        replayed = [m for m in outcome.messages if m.destination == name and m.kind is not MessageKind.DIGEST]
        heard = [m for m in lived(stage, name) if m.kind is not MessageKind.DIGEST]
        assert told(replayed) == told(heard)
        assert replayed == heard
    said_of = Counter((n.incident.rule, n.reason) for m in outcome.messages for n in m.notices)
    assert {MessageKind.SUMMARY, MessageKind.NOTICES} <= {m.kind for m in outcome.messages}
    assert {reason for _, reason in said_of} == {Reason.OPENED, Reason.ESCALATED, Reason.RESOLVED, Reason.REPEATED}


def test_a_call_that_was_found_late_arrives_in_the_backtest_when_it_was_found(play: Play) -> None:
    rules = "budgets:\n  - {name: daily, limit: $10, every: day}\n"
    stage = play(rules, begins="11-18 08:00")
    stage.spend("7", at="09:00")
    stage.spend("4", at="09:10:30", arrives="09:24")
    stage.every(1, "10:00")
    (message,) = [m for m in stage.told() if m.notices[0].threshold == 1]
    assert message.created_ms > stage.ms("09:24")
    (outcome,) = replay(stage, rules, since="08:00", until="10:00", poll_minutes=1)
    assert outcome.messages == lived(stage)


def test_what_was_over_when_the_backtest_begins_is_told_once_as_the_state_at_its_start(play: Play) -> None:
    rules = "budgets:\n  - {name: daily, limit: $10, every: day}\n"
    stage = play(rules, begins="11-18 05:00")
    stage.spend("12", at="04:00")
    stage.spend("9", at="07:30")
    stage.every(10, "09:00")
    (outcome,) = replay(stage, rules, since="06:00", until="09:00")
    assert [said(m) for m in outcome.messages] == ["start: daily opened critical 100%", "daily escalated critical 200%"]
    assert [(t.at_start, t.destinations) for t in outcome.told] == [(True, ("finops",)), (False, ("finops",))]


def test_two_rule_sets_are_replayed_in_one_walk_each_as_if_alone(play: Play) -> None:
    stage = play(RULES, begins="11-18 06:00")
    spend_days(stage, 7, range(7, 20))
    stage.round()
    stage.every(30, "11-19 12:00")
    other = RULES.replace("limit: $12", "limit: $6")
    both = replay(stage, RULES, other, since="11-18 06:00", until="11-19 12:00")
    for rules, outcome in zip((RULES, other), both, strict=True):
        (alone,) = replay(stage, rules, since="11-18 06:00", until="11-19 12:00")
        assert outcome.messages == alone.messages
    assert both[0].messages != both[1].messages


@pytest.mark.parametrize("seed", range(2))
def test_folding_the_polls_that_change_nothing_changes_no_message(play: Play, seed: int) -> None:
    """The watch for silence has every poll judged, and says nothing itself."""
    stage = play(RULES, begins="11-20 00:00")
    spend_days(stage, seed, range(7, 20))
    stage.round()
    every_poll = RULES + "  silent: {after: 60h}\n"
    folded, unfolded = replay(stage, RULES, every_poll, since="11-17 00:00", until="11-19 12:00", poll_minutes=20)
    assert (foreseeable(folded.rules), foreseeable(unfolded.rules)) == (True, False)
    assert folded.messages == unfolded.messages
    assert folded.messages
    assert folded.steps < unfolded.steps

"""Notices that say why: what is told of what drove the spend, from the read to the message."""

from dataclasses import replace

from fusewatch.app.drivers import MOST_EXPLAINED, explain
from fusewatch.app.forget import forget_user
from fusewatch.domain.explanations import Against, Explanation
from fusewatch.domain.notices import Incident, Notice, Reason
from tests.app.conftest import Play
from tests.app.stage import Stage

DAILY = """
history: 10d
budgets:
  - {name: chat, where: {feature: chat}, limit: $20, every: day, notify: [diary]}
"""


def usual_week(stage: Stage, *, feature: str = "chat", usd: str = "1") -> None:
    """Five calls at noon on each of the seven days before, by two users, in the early morning one more."""
    for day in range(11, 18):
        for number in range(5):
            stage.spend(usd, at=f"11-{day} 07:{number:02}", feature=feature, user=f"u{number % 2}", model="gpt-4o")


def told(stage: Stage, destination: str = "diary") -> Notice:
    (message,) = [m for m in stage.told(destination) if m.notices][-1:]
    return message.notices[0]


def why(stage: Stage, destination: str = "diary") -> Explanation:
    found = told(stage, destination).why
    assert found is not None
    return found


def now(stage: Stage, incident: Incident) -> Explanation | None:
    """What any reader finds."""
    rules, now_ms = stage.book.rules, stage.clock.now_ms()
    return stage.store.read(lambda unit: explain(unit.drivers(), rules, incident, now_ms))


def test_a_notice_says_who_drove_the_spend_against_the_same_hours_of_the_last_week(play: Play) -> None:
    stage = play(DAILY)
    usual_week(stage)
    stage.spend("3", at="11-17 23:00", feature="chat", user="late")
    stage.at("06:00")
    for number in range(20):
        stage.spend("1", at=f"07:{number:02}", feature="chat", user="eve", trace=f"{number:032x}")
    stage.spend("90", at="07:10", feature="mail", user="ann")
    stage.at("08:00")
    found = why(stage)
    assert (found.against, found.count) == (Against.HOURS, 7)
    assert (found.amount, found.baseline) == (20 * 10**12, 5 * 10**12)
    assert [(d.part.dimension, d.part.value, d.part.growth) for d in found.drivers] == [("user", "eve", 20 * 10**12)]
    assert found.rest == -5 * 10**12
    assert {trace.cost_pico for trace in found.traces} == {10**12}


def test_a_reader_finds_the_same_explanation_as_the_notice(play: Play) -> None:
    stage = play(DAILY)
    usual_week(stage)
    stage.at("06:00")
    stage.spend("25", at="07:30", feature="chat", user="eve")
    stage.at("08:00")
    (incident,) = stage.open("chat")
    assert now(stage, incident) == why(stage)


def test_the_first_days_of_a_key_are_explained_without_a_comparison(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    stage.spend("18", at="07:00", feature="chat", user="eve", model="gpt-4o")
    stage.spend("4", at="07:01", feature="chat", user="ann", model="haiku")
    stage.at("08:00")
    found = why(stage)
    assert (found.against, found.count, found.baseline, found.effect) == (Against.NOTHING, 0, None, None)
    assert found.drivers[0].part.amount == 18 * 10**12
    assert found.rest == 4 * 10**12


def test_a_model_that_took_the_place_of_another_is_told_with_the_time(play: Play) -> None:
    stage = play(DAILY)
    usual_week(stage)
    stage.at("06:00")
    for number in range(6):
        stage.spend("0.5", at=f"06:{10 + number}", feature="chat", user=f"u{number % 2}", model="gpt-4o")
        stage.spend("6", at=f"07:{20 + number}", feature="chat", user=f"u{number % 2}", model="o1-pro")
    stage.at("08:00")
    part = why(stage).drivers[0].part
    assert (part.dimension, part.value) == ("model", "o1-pro")
    assert part.was is not None
    assert (part.was.value, part.was.until_ms) == ("gpt-4o", stage.ms("07:20"))


def test_only_the_first_notices_of_a_pass_are_explained(play: Play) -> None:
    stage = play("history: 2d\nbudgets:\n  - {name: each, each: [feature], limit: $1, every: day, notify: [diary]}\n")
    stage.at("06:00")
    for number in range(12):
        stage.spend("2", at="07:00", feature=f"f{number:02}", user="ann")
    stage.at("08:00")
    notices = [n for m in stage.told("diary") for n in m.notices]
    assert len(notices) == 12
    assert [n.why is not None for n in notices] == [True] * 3 + [False] * 9
    assert MOST_EXPLAINED >= 3


def test_a_resolved_notice_needs_no_explanation(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    stage.spend("25", at="07:30", feature="chat", user="eve")
    stage.at("08:00")
    stage.reload(DAILY.replace("$20", "$200"))
    assert told(stage).reason is Reason.RESOLVED
    assert told(stage).why is None


def test_what_quiet_hours_held_back_is_explained_when_it_is_told(play: Play) -> None:
    rules = 'quiet_hours: {from: "00:00", to: "09:00"}\n' + DAILY
    stage = play(rules)
    usual_week(stage)
    stage.at("06:00")
    stage.spend("25", at="07:30", feature="chat", user="eve")
    stage.at("08:00")
    assert not [m for m in stage.told("diary") if m.notices]
    stage.at("09:01")
    assert why(stage).to_ms == stage.ms("09:01")


def test_a_user_who_is_forgotten_leaves_the_explanations_too(play: Play) -> None:
    stage = play(DAILY)
    usual_week(stage)
    stage.at("06:00")
    for number in range(25):
        stage.spend("1", at=f"07:{number + 10}", feature="chat", user="eve-of-example")
    stage.at("08:00")
    assert "eve-of-example" in repr(why(stage))
    (incident,) = stage.open("chat")
    stage.forgotten.add("eve-of-example")
    assert forget_user(stage.store, "eve-of-example", stage.book.rules).messages == 1
    posted = stage.store.read(lambda unit: unit.posted(incident.id, from_ms=0))
    assert all("eve-of-example" not in repr(each.message) for each in posted)
    assert "eve-of-example" not in repr(now(stage, incident))


def test_a_rolling_window_an_hour_and_a_week_are_compared_with_their_like(play: Play) -> None:
    stage = play(
        "history: 21d\nbudgets:\n"
        "  - {name: window, limit: $5, last: 3h, notify: [diary]}\n"
        "  - {name: hour, limit: $5, every: hour, notify: [diary]}\n"
        "  - {name: week, limit: $5, every: week, notify: [diary]}\n"
    )
    usual_week(stage)
    stage.at("06:00")
    stage.spend("9", at="07:30", feature="chat", user="eve")
    stage.at("07:45")
    found = {}
    for rule in ("window", "hour", "week"):
        (incident,) = stage.open(rule)
        explanation = now(stage, incident)
        assert explanation is not None
        found[rule] = explanation.against, explanation.count, explanation.amount, explanation.baseline
    usd = 10**12
    assert found["window"] == (Against.HOURS, 7, 9 * usd, 5 * usd)
    assert found["hour"] == (Against.HOURS, 7, 9 * usd, 5 * usd)
    assert found["week"][:3] == (Against.WEEKS, 1, 19 * usd)


def test_a_rule_that_is_no_more_explains_nothing(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    stage.spend("25", at="07:30", feature="chat", user="eve")
    stage.at("08:00")
    (incident,) = stage.open("chat")
    assert now(stage, replace(incident, rule="another")) is None

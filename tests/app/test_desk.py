"""What people choose in a Slack message: it is done for what the message shows, and the message says so."""

import json
from datetime import timedelta

import pytest

from fusewatch.app.desk import acknowledge, act
from fusewatch.domain.actions import Action, Wish, opened
from fusewatch.domain.notices import State
from tests.app.conftest import Play
from tests.app.slackdesk import HEADER, SECRET, slack_desk
from tests.app.stage import Stage
from tests.app.when import clock_of
from tests.notify.workspace import Said

TEAMS = HEADER + "repeat: {critical: 4h}\nbudgets:\n  - {name: teams, each: [team], limit: $10, every: day}\n"


def choices(root: Said) -> dict[str, str]:
    """What can be chosen below a message: label to value."""
    found = {}
    attachments = root.payload["attachments"]
    assert isinstance(attachments, list)
    for block in attachments[0]["blocks"]:
        for element in block.get("elements", []) if block["type"] == "actions" else []:
            if element["type"] == "button" and "value" in element:
                found[element["text"]["text"]] = element["value"]
            for option in element.get("options", []):
                found[option["text"]["text"]] = option["value"]
    return found


def choose(stage: Stage, root: Said, label: str, author: str = "ana") -> None:
    action = opened(choices(root)[label], SECRET)
    assert action is not None, "what goes out comes back"
    act(stage.store, action, author, stage.book.rules, stage.clock.now_ms())
    stage.clock.go_on(1000)
    stage.deliver_until(clock_of(stage.clock.now_ms()))


def test_acknowledged_is_shown_and_stops_repeats_until_it_escalates(play: Play) -> None:
    stage = play(TEAMS)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("11", at="07:10", team="a")
    stage.at("07:11")
    (root,) = slack.roots
    assert list(choices(root)) == ["Acknowledge", "Silence for 1 h", "Silence for 4 h", "Silence until tomorrow"]
    choose(stage, root, "Acknowledge")
    assert "acknowledged by ana at 07:11" in root.text
    assert list(choices(root)) == ["Silence for 1 h", "Silence for 4 h", "Silence until tomorrow"]
    stage.at("11:30", "15:30")
    assert slack.replies(root) == []
    stage.spend("10", at="15:40", team="a")
    stage.at("15:41")
    assert "acknowledged" not in root.text
    assert len(slack.replies(root)) == 1
    stage.at("19:50")
    assert len(slack.replies(root)) == 2


def test_acknowledged_twice_is_the_first_ones(play: Play) -> None:
    stage = play(TEAMS)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("11", at="07:10", team="a")
    stage.at("07:11")
    (incident,) = stage.open("teams")
    first = acknowledge(stage.store, incident.id, "ana", stage.clock.now_ms())
    second = acknowledge(stage.store, incident.id, "ben", stage.clock.now_ms() + 5)
    assert first is not None
    assert second is not None
    assert (first.destinations, second.destinations) == (("slack",), ())
    assert [i.acked_by for i in stage.open("teams")] == ["ana"]
    stage.at("07:20")
    assert "acknowledged by ana" in slack.roots[0].text
    assert acknowledge(stage.store, "NONE", "ana", 1) is None


def test_what_is_over_cannot_be_acknowledged(play: Play) -> None:
    stage = play(TEAMS)
    slack_desk(stage)
    stage.at("06:59")
    stage.spend("11", at="23:10", team="a")
    stage.at("23:11", "11-19 00:05")
    (incident,) = stage.incidents("teams")
    assert incident.state is State.ROLLED_OVER
    outcome = acknowledge(stage.store, incident.id, "ana", stage.clock.now_ms())
    assert outcome is not None
    assert outcome.incidents[0].acked_ms is None


@pytest.mark.parametrize(
    ("label", "until"),
    [("Silence for 1 h", "08:11"), ("Silence for 4 h", "11:11"), ("Silence until tomorrow", "11-19 00:00")],
)
def test_a_silence_from_a_message_holds_back_what_comes_of_its_incident(play: Play, label: str, until: str) -> None:
    stage = play(TEAMS.replace("every: day", "every: week"))
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("11", at="07:10", team="a")
    stage.at("07:11")
    (root,) = slack.roots
    choose(stage, root, label)
    (silence,) = stage.store.read(lambda unit: unit.silences(active_at_ms=stage.clock.now_ms()))
    assert (silence.author, silence.ends_ms) == ("ana", stage.ms(until))
    assert "silenced by ana until" in root.text
    stage.spend("10", at="07:30", team="a")
    stage.spend("11", at="07:30", team="b")
    stage.at("07:31")
    assert [said.headline for said in slack.messages[1:]] == [
        "● b (teams) reached 100 % of its weekly budget: $11.00 of $10.00"
    ]
    stage.clock.move(stage.ms(until))
    stage.round()
    assert "After a silence" in slack.messages[-1].headline


def test_below_many_keys_one_choice_is_for_all_of_them(play: Play) -> None:
    stage = play(TEAMS)
    slack = slack_desk(stage)
    stage.at("06:59")
    for team in "abcdefghijkl":
        stage.spend("11", at="07:10", team=team)
    stage.at("07:11")
    (root,) = slack.roots
    assert list(choices(root))[:2] == ["Acknowledge all 12", "Silence their rules for 1 h"]
    choose(stage, root, "Acknowledge all 12")
    assert {incident.acked_by for incident in stage.open("teams")} == {"ana"}
    assert root.text.count("acknowledged by ana") == 8
    choose(stage, root, "Silence their rules for 1 h")
    (silence,) = stage.store.read(lambda unit: unit.silences(active_at_ms=stage.clock.now_ms()))
    assert [(m.dimension, m.patterns) for m in silence.matchers] == [("rule", ("teams",))]


def test_without_a_signing_secret_nothing_can_be_chosen(play: Play) -> None:
    stage = play(TEAMS)
    slack = slack_desk(stage, secret="")
    stage.at("06:59")
    stage.spend("11", at="07:10", team="a")
    stage.at("07:11")
    assert choices(slack.roots[0]) == {}


def test_a_choice_about_what_is_no_longer_known_does_nothing(play: Play) -> None:
    stage = play(TEAMS)
    slack_desk(stage)
    stage.at("06:59")
    outcome = act(stage.store, Action(Wish.ACKNOWLEDGE, "NOBODY"), "ana", stage.book.rules, stage.clock.now_ms())
    assert (outcome.incidents, outcome.silences, outcome.destinations) == ((), (), ())


def test_a_request_is_first_once_and_is_forgotten_when_it_is_too_old_to_be_taken(play: Play) -> None:
    stage = play(TEAMS)
    at_ms = stage.clock.now_ms()

    def is_first(signature: str, later_s: int) -> bool:
        now_ms = at_ms + later_s * 1000
        return stage.store.desk(lambda u: u.is_first(signature, at_ms=now_ms, forget_before_ms=now_ms - 1_200_000))

    assert is_first("v0=a", 0)
    stage.restart()
    assert not is_first("v0=a", timedelta(minutes=19).seconds)
    assert is_first("v0=b", 1)
    assert is_first("v0=a", timedelta(minutes=21).seconds)


def test_what_a_bot_posts_is_valid_json_with_choices_in_the_attachment(play: Play) -> None:
    stage = play(TEAMS)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("11", at="07:10", team="a")
    stage.at("07:11")
    assert SECRET not in json.dumps(slack.roots[0].payload)

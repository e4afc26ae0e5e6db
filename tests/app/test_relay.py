"""Reminders: what a destination that relays hears again and again between its messages."""

from fusewatch.app.relay import Relaying
from tests.app.conftest import Play
from tests.app.places import PLACES, Wired, wire
from tests.app.stage import Stage

RULES = f"""
version: 1
history: 1d
destinations:
  place: {PLACES["alertmanager"].yaml}
notify: [place]
budgets:
  - {{name: daily, limit: $10, every: day}}
"""


def _reminded(stage: Stage, place: Wired) -> list[tuple[str, str]]:
    """The alerts of one reminder: severity, and until when each fires."""
    before = len(place.remote.bodies)
    notifier = place.notifier
    assert isinstance(notifier, Relaying)
    assert stage._run(notifier.remind()) is None
    if len(place.remote.bodies) == before:
        return []
    return [(alert["labels"]["severity"], alert["endsAt"][5:16]) for alert in place.remote.alerts]


def _started(play: Play) -> tuple[Stage, Wired]:
    stage = play(RULES)
    stage.at("06:00", "07:00")
    return stage, wire(stage, "place", PLACES["alertmanager"])


def test_what_stands_is_told_again_and_an_end_that_got_through_is_not(play: Play) -> None:
    stage, place = _started(play)
    assert _reminded(stage, place) == []
    stage.spend("11", at="07:00:30")
    stage.at("07:01", "23:00")
    assert _reminded(stage, place) == [("critical", "11-18T23:05")]
    stage.at("11-19 00:01")
    assert _reminded(stage, place) == []
    assert [alert["endsAt"][5:16] for alert in place.remote.alerts] == ["11-19T00:01"]


def test_a_silenced_escalation_stays_unknown_to_the_receiver(play: Play) -> None:
    stage, place = _started(play)
    stage.spend("9", at="07:00:30")
    stage.at("07:01")
    stage.silence("09:00", rule="daily")
    stage.spend("2", at="07:01:30")
    stage.at("07:02", "08:00")
    assert _reminded(stage, place) == [("warning", "11-18T08:05")]
    stage.at("09:01", "09:30")
    assert _reminded(stage, place) == [("critical", "11-18T09:35")]

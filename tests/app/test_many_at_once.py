"""Five hundred keys in one pass: one message that can be read, whatever the destination."""

import json
from collections.abc import Callable

import pytest

from tests.app.conftest import Play
from tests.app.places import PLACES, Wired, wire
from tests.app.stage import Stage

KEYS = 500
RULES = """
version: 1
history: 1d
destinations:
  place: {place}
notify: [place]
budgets:
  - {{name: each-user, each: [user], limit: $1, every: day}}
"""


def _crossed(play: Play, kind: str) -> tuple[Stage, Wired]:
    stage = play(RULES.format(place=PLACES[kind].yaml))
    stage.at("06:00", "07:00")
    place = wire(stage, "place", PLACES[kind])
    for number in range(KEYS):
        stage.spend(f"{2 + number / 1000}", at="07:00:30", user=f"user-{number:03}")
    stage.at("07:01")
    return stage, place


@pytest.mark.parametrize("kind", PLACES)
def test_five_hundred_keys_that_cross_in_one_pass_are_one_message(play: Play, kind: str) -> None:
    stage, place = _crossed(play, kind)
    (message,) = stage.told("place")
    assert len(message.notices) == KEYS
    assert len(place.remote.asked) == _REQUESTS.get(kind, 1)
    stage.at("07:02")
    assert len(stage.told("place")) == 1
    _CHECKS[kind](place)


def _people_read_how_many_and_the_worst_of_them(place: Wired) -> None:
    text = "".join(place.remote.bodies)
    assert f"{KEYS} users" in text
    assert "user-499" in text, "the worst"
    assert "user-000" not in text, "the least bad of 500"
    assert len(text) < 8_000


def _programs_get_as_many_as_fit_and_the_number_of_the_others(place: Wired) -> None:
    (body,) = place.remote.bodies
    told = json.loads(body)["data"]
    assert len(told["notices"]) + told["truncated"] == KEYS


def _each_is_an_alert_of_its_own(place: Wired) -> None:
    users = [alert["labels"]["user"] for alert in place.remote.alerts]
    assert sorted(users) == [f"user-{number:03}" for number in range(KEYS)]
    assert {alert["labels"]["severity"] for alert in place.remote.alerts} == {"critical"}


def _the_worst_page_by_name_and_the_rest_together(place: Wired) -> None:
    told = [json.loads(body)["payload"]["summary"] for body in place.remote.bodies]
    assert [text.split()[1] for text in told[:-1]] == [f"user-{number}" for number in range(499, 494, -1)]
    assert "495" in told[-1], "how many others"


_REQUESTS = {"console": 0, "pagerduty": 6}
"""How many requests tell it, where that is not one: PagerDuty takes one event at a time."""

_CHECKS: dict[str, Callable[[Wired], None]] = {
    "console": _people_read_how_many_and_the_worst_of_them,
    "slack webhook": _people_read_how_many_and_the_worst_of_them,
    "slack bot": _people_read_how_many_and_the_worst_of_them,
    "webhook": _programs_get_as_many_as_fit_and_the_number_of_the_others,
    "alertmanager": _each_is_an_alert_of_its_own,
    "pagerduty": _the_worst_page_by_name_and_the_rest_together,
}
"""What must be so of each kind; a kind that is not here fails the test."""

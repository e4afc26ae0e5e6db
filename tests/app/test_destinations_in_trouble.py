"""Every kind of destination in every trouble: nothing lost, nothing doubled, the other destinations on time."""

import httpx
import pytest

from fusewatch.app.deliver import Outcome
from tests.app.conftest import Play
from tests.app.places import OVER_HTTP, PASSING, PLACES, Wired, babbles, breaks_off, redirects, slows_down, wire
from tests.app.stage import Stage

RULES = """
version: 1
history: 1d
destinations:
  place: {place}
  other: {{type: console}}
notify: [place, other]
budgets:
  - {{name: monthly, limit: $10, every: month}}
"""
BOTH = ["monthly opened warning 80%", "monthly escalated critical 100%"]
TROUBLES = [(kind, trouble) for kind in OVER_HTTP for trouble in PASSING] + [("console", "refuses")]


def _started(play: Play, kind: str) -> tuple[Stage, Wired]:
    stage = play(RULES.format(place=PLACES[kind].yaml))
    stage.at("06:00", "07:00")
    return stage, wire(stage, "place", PLACES[kind])


def _two_notices(stage: Stage) -> None:
    """A budget is passed in two steps; the other destination hears of each in the poll after it."""
    stage.spend("9", at="07:00:30")
    stage.at("07:01")
    assert stage.news("other") == BOTH[:1]
    stage.spend("2", at="07:01:30")
    stage.at("07:02")
    assert stage.news("other") == BOTH[1:]


def _arrived(stage: Stage, place: Wired) -> None:
    """Both notices, each once, and nothing waits any more."""
    assert sorted(stage.news("place")) == sorted(BOTH)
    assert stage.shown().deliveries[("place", "sent")] == 2
    assert ("place", "pending") not in stage.shown().deliveries
    assert any("100" in body for body in place.remote.bodies)


@pytest.mark.parametrize(("kind", "trouble"), TROUBLES)
def test_a_destination_in_trouble_for_a_day_gets_everything_once_afterwards(
    play: Play, kind: str, trouble: str
) -> None:
    stage, place = _started(play, kind)
    place.remote.trouble = PASSING[trouble]
    _two_notices(stage)
    stage.deliver_until("11-19 07:02")
    assert stage.news("place") == []
    assert 150 < len(place.attempts) < 260, "in growing pauses, of 15 minutes in the end"
    place.remote.trouble = None
    stage.deliver_until("11-19 07:30")
    _arrived(stage, place)
    assert stage.silent()


@pytest.mark.parametrize("kind", OVER_HTTP)
def test_a_destination_that_wants_an_hour_of_rest_gets_it(play: Play, kind: str) -> None:
    stage, place = _started(play, kind)
    place.remote.trouble = slows_down
    stage.spend("9", at="07:00:30")
    stage.at("07:01")
    stage.deliver_until("08:00")
    assert len(place.attempts) == 1
    place.remote.trouble = None
    stage.spend("2", at="08:00:30")
    stage.at("08:01")
    assert stage.news("other") == BOTH
    stage.deliver_until("08:10")
    _arrived(stage, place)
    assert {attempt.reason for attempt in stage.attempts if attempt.outcome is Outcome.RETRY} == {"rate_limited"}


@pytest.mark.parametrize("kind", OVER_HTTP)
def test_an_answer_that_breaks_off_repeats_the_message_with_the_same_id_and_no_other(play: Play, kind: str) -> None:
    """It may have been taken: at least once is what can be promised, and by its id a receiver can tell."""
    stage, place = _started(play, kind)
    taken = place.remote.took

    def takes_and_breaks_off(request: httpx.Request) -> httpx.Response:
        taken(request.content.decode())
        place.remote.trouble = None
        return breaks_off(request)

    place.remote.trouble = takes_and_breaks_off
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    stage.deliver_until("07:10")
    assert stage.news("place") == ["monthly opened critical 100%"]
    assert len(place.remote.bodies) == 2
    assert len({id_ for _, id_ in place.attempts}) == 1


@pytest.mark.parametrize("kind", [kind for kind in OVER_HTTP if PLACES[kind].wants_its_words])
def test_garbage_with_a_200_is_no_yes_where_a_yes_has_words(play: Play, kind: str) -> None:
    stage, place = _started(play, kind)
    place.remote.trouble = babbles
    _two_notices(stage)
    assert stage.news("place") == []
    place.remote.trouble = None
    stage.deliver_until("07:10")
    _arrived(stage, place)


REFUSALS = [(kind, *refusal) for kind in OVER_HTTP for refusal in PLACES[kind].refusals]


def refused_for_good(play: Play, kind: str, status: int, text: str) -> tuple[Stage, Wired]:
    """A story in which one notice is dead, and then the mistake is mended: what a revival starts from."""
    stage, place = _started(play, kind)
    place.remote.trouble = lambda _: httpx.Response(status, text=text)
    stage.spend("9", at="07:00:30")
    stage.at("07:01")
    stage.deliver_until("09:00")
    place.remote.trouble = None
    return stage, place


@pytest.mark.parametrize(("kind", "text", "status", "reason"), REFUSALS)
def test_what_is_refused_for_good_is_dead_with_its_reason_and_keeps_nothing_else_back(
    play: Play, kind: str, text: str, status: int, reason: str
) -> None:
    stage, place = refused_for_good(play, kind, status, text)
    assert len(place.attempts) == 1
    (stuck,) = stage.shown().stuck
    assert (stuck.destination, stuck.state, stuck.reason) == ("place", "dead", reason)
    stage.spend("2", at="09:00:30")
    stage.at("09:01")
    assert stage.news("place") == BOTH[1:]
    assert stage.news("other") == BOTH
    assert stage.shown().deliveries[("place", "dead")] == 1


@pytest.mark.parametrize(("kind", "text", "status", "reason"), REFUSALS)
def test_what_is_dead_goes_out_once_under_its_id_when_somebody_revives_it(
    play: Play, kind: str, text: str, status: int, reason: str
) -> None:
    stage, place = refused_for_good(play, kind, status, text)
    now_ms = stage.clock.now_ms()
    (revived,) = stage.store.deliver(lambda unit: unit.revive(None, at_ms=now_ms))
    stage.deliver_until("09:10")
    assert [id_ for _, id_ in place.attempts] == [revived, revived]
    assert [message.id for message in stage.told("place")] == [revived]
    assert stage.shown().deliveries.get(("place", "dead"), 0) == 0
    stage.deliver_until("12:00")
    assert len(stage.told("place")) == 1


@pytest.mark.parametrize("kind", OVER_HTTP)
def test_a_redirect_is_not_followed(play: Play, kind: str) -> None:
    stage, place = _started(play, kind)
    place.remote.trouble = redirects
    stage.spend("9", at="07:00:30")
    stage.at("07:01")
    assert [(row.state, row.reason) for row in stage.shown().stuck] == [("dead", "redirect")]
    assert len(place.remote.asked) == 1
    assert stage.news("other") == BOTH[:1]

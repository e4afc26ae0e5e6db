"""What keeps a notice from a destination, and what is told when the wait is over: a sentence each."""

from dataclasses import replace
from fractions import Fraction

import pytest

from fusewatch.domain.heartbeat import ProjectRound, missing_for_a_round
from fusewatch.domain.holding import Held, held_with, hold_of, knows_already, still_worth_telling
from fusewatch.domain.notices import Crossing, Hold, Kind, Notice, Reason, State, Why
from fusewatch.domain.quiet import QuietHours
from fusewatch.domain.repeating import is_due_again
from fusewatch.domain.rules import DestinationPolicy, Severity
from fusewatch.domain.silences import Silence, silence_of
from tests.app.when import HOUR_MS, instant_ms
from tests.domain.notice_samples import CRITICAL, INCIDENT, NOTICE, WARNING

NIGHT_MS = instant_ms("23:00")
NOON_MS = instant_ms("12:00")
QUIET = DestinationPolicy("content", "slack", quiet=QuietHours(22 * 60, 7 * 60))
LOUD = replace(QUIET, urgent=(CRITICAL,))
RELAY = replace(QUIET, relays=True)
OPEN = DestinationPolicy("finops", "slack")
AT_NIGHT = Hold(Why.QUIET_HOURS, instant_ms("22:00"), instant_ms("11-19 07:00"))
WARNED = replace(NOTICE, severity=WARNING, threshold=Fraction(4, 5))


def silence(ends_ms: int, **wanted: str) -> Silence:
    return silence_of(
        {name: [value] for name, value in wanted.items()}, starts_ms=1, ends_ms=ends_ms, author="", comment=""
    )


SHORT, LONG = silence(NIGHT_MS + 1, rule="*"), silence(NIGHT_MS + 9, rule="each-*")
OTHER = silence(NIGHT_MS + 9, rule="all-llm")


@pytest.mark.parametrize(
    ("notice", "policy", "silences", "at_ms", "hold"),
    [
        pytest.param(NOTICE, OPEN, (), NIGHT_MS, None, id="a destination without quiet hours is told at any time"),
        pytest.param(NOTICE, QUIET, (), NOON_MS, None, id="quiet hours hold nothing by day"),
        pytest.param(NOTICE, QUIET, (), NIGHT_MS, AT_NIGHT, id="at night they hold"),
        pytest.param(NOTICE, LOUD, (), NIGHT_MS, None, id="an excepted severity goes through"),
        pytest.param(WARNED, LOUD, (), NIGHT_MS, AT_NIGHT, id="another one waits"),
        pytest.param(NOTICE, RELAY, (), NIGHT_MS, None, id="what relays keeps its own quiet hours"),
        pytest.param(NOTICE, OPEN, (OTHER,), NIGHT_MS, None, id="a silence of something else holds nothing"),
        pytest.param(
            NOTICE, OPEN, (SHORT,), NIGHT_MS, Hold(Why.SILENCE, 1, NIGHT_MS + 1, SHORT.id), id="a silence holds"
        ),
        pytest.param(NOTICE, OPEN, (SHORT,), NIGHT_MS + 1, None, id="until its end"),
        pytest.param(
            NOTICE,
            LOUD,
            (SHORT, LONG),
            NIGHT_MS,
            Hold(Why.SILENCE, 1, NIGHT_MS + 9, LONG.id),
            id="of several the longest, whatever is excepted from quiet hours",
        ),
        pytest.param(
            NOTICE, RELAY, (LONG,), NIGHT_MS, Hold(Why.SILENCE, 1, NIGHT_MS + 9, LONG.id), id="a relay is silenced, too"
        ),
    ],
)
def test_what_holds_a_notice(
    notice: Notice, policy: DestinationPolicy, silences: tuple[Silence, ...], at_ms: int, hold: Hold | None
) -> None:
    assert hold_of(notice, {}, policy, silences, at_ms) == hold


def held(notice: Notice = NOTICE, why: Why = Why.QUIET_HOURS) -> Held:
    return held_with(None, "content", notice, replace(AT_NIGHT, why=why), NIGHT_MS)


def test_of_several_openings_the_highest_is_held_as_severe_as_the_worst_under_the_first_reason() -> None:
    higher = replace(NOTICE, reason=Reason.ESCALATED, severity=WARNING, threshold=Fraction(2))
    both = held_with(held(NOTICE), "content", higher, AT_NIGHT, NIGHT_MS + 5)
    assert (both.notice.reason, both.notice.severity, both.notice.threshold) == (Reason.OPENED, CRITICAL, Fraction(2))
    assert both.from_ms == NIGHT_MS


def test_the_end_of_something_takes_the_place_of_what_was_held_of_it() -> None:
    ended = replace(NOTICE, reason=Reason.RESOLVED)
    assert held_with(held(NOTICE), "content", ended, AT_NIGHT, NIGHT_MS).notice == ended


RESOLVED = replace(NOTICE, reason=Reason.RESOLVED)


@pytest.mark.parametrize(
    ("notice", "why", "state", "later", "told"),
    [
        pytest.param(NOTICE, Why.QUIET_HOURS, State.OPEN, None, True, id="what is open is told"),
        pytest.param(NOTICE, Why.SILENCE, State.OPEN, None, True, id="after a silence, too"),
        pytest.param(NOTICE, Why.QUIET_HOURS, State.RESOLVED, None, False, id="what came and went is not"),
        pytest.param(NOTICE, Why.QUIET_HOURS, State.ROLLED_OVER, None, True, id="what ended with its period is"),
        pytest.param(NOTICE, Why.SILENCE, State.ROLLED_OVER, None, False, id="but not after a silence"),
        pytest.param(NOTICE, Why.QUIET_HOURS, State.WITHDRAWN, None, False, id="what no rule stands behind is not"),
        pytest.param(RESOLVED, Why.QUIET_HOURS, State.RESOLVED, None, True, id="the end of what was told is"),
        pytest.param(RESOLVED, Why.QUIET_HOURS, State.OPEN, None, False, id="but not if it is open again"),
        pytest.param(RESOLVED, Why.SILENCE, State.RESOLVED, State.OPEN, False, id="or if a later episode is"),
        pytest.param(RESOLVED, Why.SILENCE, State.RESOLVED, State.RESOLVED, True, id="a later one may be over, too"),
    ],
)
def test_what_is_told_when_the_wait_is_over(
    notice: Notice, why: Why, state: State, later: State | None, told: bool
) -> None:
    after = None if later is None else replace(INCIDENT, id="II", episode=2, state=later)
    found = still_worth_telling(held(notice, why), replace(INCIDENT, state=state), after, NOON_MS)
    assert (found is not None) is told
    if found is not None:
        assert (found.at_ms, found.incident.state) == (NOON_MS, state)


def test_what_fell_meanwhile_is_told_at_the_threshold_at_which_it_stands() -> None:
    high = held(replace(NOTICE, threshold=Fraction(4)))
    found = still_worth_telling(high, replace(INCIDENT, level=Fraction(2)), None, NOON_MS)
    assert found is not None
    assert found.threshold == 2


def crossed(share: str, learned_ms: int) -> Crossing:
    return Crossing(Fraction(share), CRITICAL, INCIDENT.limit, learned_ms, learned_ms)


@pytest.mark.parametrize(
    ("share", "period", "known"),
    [
        pytest.param("1", INCIDENT.period, True, id="as high as it was told before the wait"),
        pytest.param("4/5", INCIDENT.period, True, id="or lower"),
        pytest.param("2", INCIDENT.period, False, id="higher is news"),
        pytest.param("1", "day:2026-11-23", False, id="and so is another period"),
    ],
)
def test_who_was_never_told_of_the_end_knows_what_came_back(share: str, period: str, known: bool) -> None:
    crossings = (crossed("1", NIGHT_MS - 9), crossed("2", NIGHT_MS + 9))
    ended = held(replace(RESOLVED, incident=replace(INCIDENT, crossings=crossings)))
    again = replace(NOTICE, incident=replace(INCIDENT, id="II", period=period), threshold=Fraction(share))
    assert knows_already(again, [ended]) is known
    assert not knows_already(again, [held(replace(again, reason=Reason.OPENED))])


@pytest.mark.parametrize(
    ("changes", "hours", "due"),
    [
        pytest.param({}, 4, True, id="when the interval has passed since it was last told"),
        pytest.param({}, 3, False, id="not before"),
        pytest.param({"severity": WARNING}, 9, False, id="not a severity without an interval"),
        pytest.param({"state": State.RESOLVED}, 9, False, id="not what is over"),
        pytest.param({"told": ()}, 9, False, id="not what nobody was told of"),
        pytest.param({"kind": Kind.NEW}, 9, False, id="not a newcomer, which is told once for ever"),
        pytest.param({"told_ms": None, "changed_ms": NOON_MS}, 4, True, id="else by its last change"),
    ],
)  # fmt: skip
def test_an_open_incident_is_due_again(changes: dict[str, object], hours: int, due: bool) -> None:
    incident = replace(INCIDENT, told=("finops",), told_ms=NOON_MS)
    incident = replace(incident, **changes)  # type: ignore[arg-type]  # fields by name
    assert is_due_again(incident, ((Severity.CRITICAL, 4 * HOUR_MS),), NOON_MS + hours * HOUR_MS) is due


READ = ProjectRound(20, failing=False)


@pytest.mark.parametrize(
    ("projects", "assessed_ms", "dead", "missing"),
    [
        pytest.param([READ, READ], 20, 0, "", id="all read and assessed: well"),
        pytest.param([READ], 20, 0, "unreadable", id="a project that never answered"),
        pytest.param([READ, replace(READ, failing=True)], 20, 0, "unreadable", id="a project that fails"),
        pytest.param([READ, replace(READ, last_success_ms=10)], 20, 0, "not_read", id="one not read since the last"),
        pytest.param([READ, replace(READ, last_success_ms=None)], 20, 0, "not_read", id="one never read"),
        pytest.param([READ, READ], 19, 0, "not_assessed", id="what was read last is not assessed"),
        pytest.param([READ, READ], 20, 1, "deliveries_dead", id="a delivery died"),
    ],
)
def test_a_heartbeat_needs_a_full_healthy_round(
    projects: list[ProjectRound], assessed_ms: int, dead: int, missing: str
) -> None:
    found = missing_for_a_round(projects, expected=2, since_ms=10, assessed_ms=assessed_ms, newly_dead=dead)
    assert found == missing

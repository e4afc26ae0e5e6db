"""Incidents of periods that are read late, that end, or whose rule comes and goes; the budget is $50 a day."""

import pytest

from fusewatch.domain.incidents import timing_of
from fusewatch.domain.notices import Timing
from tests.domain.lifecycle import (
    TODAY,
    Act,
    Watched,
    a_gap,
    after,
    after_end,
    all_read,
    at_start,
    budget,
    clock_back,
    limit,
    no_limit,
    polled,
    rule_back,
    rule_gone,
    spent,
)
from tests.domain.zones import DAY_MS, HOUR_MS

CATCHING_UP = [
    pytest.param([a_gap, spent(45)], [], "none", id="while catching up a threshold below 100 % waits"),
    pytest.param(
        [a_gap, spent(51)],
        ["opened 100% critical"],
        "open",
        id="while catching up 100 % is announced: a partial sum is a lower bound",
    ),
    pytest.param(
        [a_gap, spent(30), spent(45), all_read],
        ["opened 80% warning"],
        "open",
        id="after catching up only the highest is announced",
    ),
    pytest.param(
        [spent(30), a_gap, spent(45), all_read],
        ["opened 50% info", "escalated 80% warning"],
        "open",
        id="an open incident, too, waits with what lies below 100 %",
    ),
    pytest.param(
        [spent(51), a_gap, spent(40), all_read],
        ["opened 100% critical", "resolved corrected"],
        "resolved",
        id="a partial sum resolves nothing, the whole does",
    ),
    pytest.param(
        [spent(51), a_gap, spent(40), spent(51), all_read],
        ["opened 100% critical"],
        "open",
        id="a sum that recovers while catching up was never resolved",
    ),
    pytest.param(
        [spent(51), a_gap, limit(100), all_read],
        ["opened 100% critical", "resolved limit_raised"],
        "resolved",
        id="a limit raised while catching up is known as the reason afterwards",
    ),
    pytest.param(
        [a_gap, spent(30), limit(20)],
        ["opened 100% critical"],
        "open",
        id="a limit lowered while catching up is announced from 100 % on",
    ),
]

ENDED = [
    pytest.param([spent(45), after_end(0)], ["opened 80% warning"], "rolled_over", id="rolling over tells nothing"),
    pytest.param(
        [after_end(4), spent(51)],
        ["opened 100% critical late"],
        "rolled_over",
        id="a crossing learned within 24 hours of the period's end is told, marked late",
    ),
    pytest.param(
        [after_end(24), spent(51)],
        ["opened 100% critical late"],
        "rolled_over",
        id="24 hours sharp are within 24 hours",
    ),
    pytest.param(
        [after_end(24.001), spent(51)],
        ["opened 100% critical recorded"],
        "rolled_over",
        id="an older crossing is recorded only",
    ),
    pytest.param(
        [spent(45), after_end(1), spent(51)],
        ["opened 80% warning", "escalated 100% critical late"],
        "rolled_over",
        id="a rolled-over incident escalates late",
    ),
    pytest.param(
        [spent(45), after_end(1), spent(51), spent(52), polled],
        ["opened 80% warning", "escalated 100% critical late"],
        "rolled_over",
        id="and does so once",
    ),
    pytest.param(
        [spent(51), after_end(1), spent(5)],
        ["opened 100% critical"],
        "rolled_over",
        id="an ended period never resolves by a correction",
    ),
    pytest.param(
        [spent(51), after_end(1), limit(500)],
        ["opened 100% critical"],
        "rolled_over",
        id="nor by a higher limit",
    ),
    pytest.param(
        [spent(51), after_end(1), no_limit],
        ["opened 100% critical"],
        "rolled_over",
        id="nor by a lifted one",
    ),
    pytest.param(
        [spent(45), after_end(1), limit(40)],
        ["opened 80% warning"],
        "rolled_over",
        id="a limit lowered after the period's end crosses nothing in it",
    ),
    pytest.param(
        [spent(45), after_end(1), a_gap, spent(49), all_read],
        ["opened 80% warning"],
        "rolled_over",
        id="reading the rest of an ended period announces nothing again",
    ),
    pytest.param(
        [a_gap, after_end(1), spent(45), all_read],
        ["opened 80% warning late"],
        "rolled_over",
        id="what waited for the catch-up is late when the period ended meanwhile",
    ),
    pytest.param(
        [spent(51), spent(40), after_end(1), spent(51)],
        ["opened 100% critical", "resolved corrected", "opened 100% critical late episode 2"],
        "rolled_over",
        id="a resolved incident that is crossed again late is a new episode",
    ),
    pytest.param(
        [spent(51), after_end(1), clock_back],
        ["opened 100% critical"],
        "open",
        id="a clock set back opens the incident again without a word",
    ),
    pytest.param(
        [spent(51), after_end(1), clock_back, spent(100), after_end(1)],
        ["opened 100% critical", "escalated 200% critical"],
        "rolled_over",
        id="and its marks stand",
    ),
]

START_AND_RULES = [
    pytest.param(
        [at_start, spent(51)],
        ["opened 100% critical at_start"],
        "open",
        id="what was over when first judged is told as so at the start",
    ),
    pytest.param(
        [at_start, after_end(1), spent(51)],
        ["opened 100% critical recorded"],
        "rolled_over",
        id="a period that had ended before its rule was first judged is not announced",
    ),
    pytest.param(
        [spent(51), rule_gone],
        ["opened 100% critical"],
        "withdrawn",
        id="a rule that is taken out withdraws its incident without a message",
    ),
    pytest.param(
        [spent(51), rule_gone, rule_back],
        ["opened 100% critical"],
        "open",
        id="a rule that comes back in the same period is not announced again",
    ),
    pytest.param(
        [spent(45), rule_gone, spent(51)],
        ["opened 80% warning", "escalated 100% critical"],
        "open",
        id="unless it crossed a higher threshold meanwhile",
    ),
    pytest.param(
        [spent(51), rule_gone, spent(5), spent(30), spent(45)],
        ["opened 100% critical"],
        "withdrawn",
        id="a withdrawn incident is not resolved by spend that grows again",
    ),
    pytest.param(
        [spent(51), rule_gone, limit(100), spent(81)],
        ["opened 100% critical", "escalated 80% warning"],
        "open",
        id="a rule that comes back with a higher limit is armed above the present share",
    ),
    pytest.param(
        [spent(51), rule_gone, limit(500), a_gap, spent(300)],
        ["opened 100% critical"],
        "withdrawn",
        id="and stays withdrawn while a threshold waits for the catch-up",
    ),
    pytest.param(
        [spent(51), rule_gone, after_end(1), spent(100)],
        ["opened 100% critical", "escalated 200% critical late"],
        "rolled_over",
        id="a rule that comes back after the period escalates late",
    ),
]


@pytest.mark.parametrize(("acts", "told", "state"), [*CATCHING_UP, *ENDED, *START_AND_RULES])
def test_a_budget_incident_lives_like_this(acts: list[Act], told: list[str], state: str) -> None:
    watched = after(Watched(budget(50)), acts)
    assert (watched.words, watched.state) == (told, state)


@pytest.mark.parametrize(
    ("now_ms", "first", "expected"),
    [
        pytest.param(TODAY.end_ms - 1, False, Timing.LIVE, id="the last millisecond of the period is live"),
        pytest.param(TODAY.end_ms - 1, True, Timing.AT_START, id="what is found at the first look was so at the start"),
        pytest.param(TODAY.end_ms, False, Timing.LATE, id="its end is late"),
        pytest.param(TODAY.end_ms + DAY_MS, False, Timing.LATE, id="for 24 hours"),
        pytest.param(TODAY.end_ms + DAY_MS + 1, False, Timing.RECORDED, id="and then recorded only"),
        pytest.param(TODAY.end_ms, True, Timing.RECORDED, id="ended periods are not announced at the first look"),
        pytest.param(TODAY.start_ms - HOUR_MS, False, Timing.LIVE, id="a clock before the period is live"),
    ],
)
def test_the_timing_of_a_crossing(now_ms: int, first: bool, expected: Timing) -> None:
    assert timing_of(TODAY, now_ms, first=first) is expected

"""What one step of an incident holds: identity, crossings, what went before."""

from dataclasses import replace
from fractions import Fraction

import pytest

from fusewatch.domain.incidents import Standing, fingerprint, lift, stable_id, with_crossings
from fusewatch.domain.notices import Crossing, Reason, State
from fusewatch.domain.rules import Severity
from fusewatch.domain.usage import Amounts
from tests.domain.lifecycle import (
    MORNING_MS,
    TODAY,
    Act,
    Watched,
    a_gap,
    after,
    after_end,
    all_read,
    budget,
    limit,
    pico,
    polled,
    rule_gone,
    spent,
    threshold,
    thresholds,
    tokens,
)
from tests.domain.zones import DAY_MS, HOUR_MS

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def test_what_waits_for_the_catch_up_is_judged_again() -> None:
    watched = after(Watched(budget(50)), [a_gap, spent(45)])
    assert watched.held
    all_read(watched)
    assert not watched.held


def test_a_resolution_that_waits_for_the_catch_up_is_judged_again() -> None:
    watched = after(Watched(budget(50)), [spent(51), a_gap, spent(40)])
    assert watched.held
    assert watched.state == "open"


def test_the_notice_of_a_jump_names_all_that_was_crossed() -> None:
    watched = after(Watched(budget(50)), [spent(30), spent(110)])
    step = watched.told[-1]
    assert [str(t.share) for t in step.crossed] == ["4/5", "1", "2"]
    assert step.threshold == threshold(200, CRITICAL)


def test_every_crossing_is_kept_once_for_each_limit() -> None:
    watched = after(Watched(budget(50)), [spent(30), spent(51), limit(40), spent(90)])
    assert watched.memory is not None
    kept = [(c.share, c.limit) for c in watched.memory.crossings]
    assert len(kept) == len(set(kept))
    assert {(Fraction(1), pico(50)), (Fraction(2), pico(40))} <= set(kept)


def test_crossings_stand_in_the_order_in_which_they_happened() -> None:
    watched = after(Watched(budget(50)), [spent(51)])
    assert watched.memory is not None
    early = Crossing(Fraction(2), CRITICAL, pico(50), MORNING_MS - 5, MORNING_MS)
    again = with_crossings(watched.memory, (early, early))
    assert again.crossings[0] == early
    learned_again = replace(early, at_ms=MORNING_MS + 5, learned_ms=MORNING_MS + 9)
    assert with_crossings(again, (learned_again,)) == again, "the first time that was found stays"
    assert len(again.crossings) == len(watched.memory.crossings) + 1


def test_a_resolution_tells_what_was_measured_before_or_the_former_limit() -> None:
    corrected = after(Watched(budget(50)), [spent(51), spent(40)])
    raised = after(Watched(budget(50)), [spent(51), limit(100)])
    assert [step.previous for step in (corrected.told[-1], raised.told[-1])] == [pico(51), pico(50)]


def test_another_unit_is_not_compared_with_the_former_measure() -> None:
    watched = after(Watched(budget(50)), [spent(51), tokens(400)])
    assert watched.words[-1] == "escalated 200% critical"
    assert watched.told[-1].previous is None


def test_an_edit_of_the_time_zone_moves_the_end_of_the_period_and_announces_nothing() -> None:
    watched = after(Watched(budget(50)), [spent(51)])
    watched.period = replace(TODAY, start_ms=TODAY.start_ms - HOUR_MS, end_ms=TODAY.end_ms - HOUR_MS)
    watched.judge()
    assert watched.words == ["opened 100% critical"]
    assert watched.memory is not None
    assert watched.memory.period_end_ms == TODAY.end_ms - HOUR_MS


def test_a_new_period_starts_clean() -> None:
    first = after(Watched(budget(50)), [spent(51)])
    tomorrow = replace(TODAY, label="day:2026-11-23", start_ms=TODAY.end_ms, end_ms=TODAY.end_ms + DAY_MS)
    second = after(Watched(budget(50), period=tomorrow, now_ms=tomorrow.start_ms), [spent(51)])
    assert second.words == first.words
    assert first.memory is not None
    assert second.memory is not None
    assert first.memory.id != second.memory.id


def test_the_id_of_an_incident_never_depends_on_when_it_was_opened() -> None:
    early, late = Watched(budget(50)), Watched(budget(50), now_ms=MORNING_MS + 5 * HOUR_MS)
    for watched in (early, late):
        spent(51)(watched)
    assert early.memory is not None
    assert late.memory is not None
    assert early.memory.id == late.memory.id
    assert early.memory.opened_ms != late.memory.opened_ms


def test_lifting_the_limit_after_the_period_only_rolls_over() -> None:
    watched = after(Watched(budget(50)), [spent(51)])
    assert watched.memory is not None
    step = lift(watched.memory, TODAY.end_ms)
    assert (step.reason, step.incident and step.incident.state) == (Reason.ROLLED_OVER, State.ROLLED_OVER)


def test_a_judgement_without_news_changes_nothing() -> None:
    watched = after(Watched(budget(50)), [spent(51)])
    before = watched.memory
    polled(watched)
    assert watched.memory == before


def test_an_incident_is_as_severe_as_what_it_announced() -> None:
    watched = Watched(budget(50), standing=Standing.READY, spent=Amounts())
    severities = []
    for amount in (30, 41, 51, 110):
        spent(amount)(watched)
        assert watched.memory is not None
        severities.append(watched.memory.severity)
    assert severities == [INFO, WARNING, CRITICAL, CRITICAL]


MILD_ABOVE_SEVERE = budget(50, threshold(100, CRITICAL), threshold(120, INFO))


@pytest.mark.parametrize(
    ("watched", "acts", "expected"),
    [
        pytest.param(
            Watched(MILD_ABOVE_SEVERE),
            [spent(51), after_end(1), spent(61)],
            CRITICAL,
            id="a mild one passed late",
        ),
        pytest.param(
            Watched(budget(50)), [spent(51), thresholds(threshold(100, WARNING))], CRITICAL, id="a file made milder"
        ),
        pytest.param(
            Watched(budget(50)), [spent(51), rule_gone, limit(500), spent(250)], INFO, id="a rule that came back milder"
        ),
    ],
)
def test_the_severity_of_an_incident_after(watched: Watched, acts: list[Act], expected: Severity) -> None:
    memory = after(watched, acts).memory
    assert memory is not None
    assert memory.severity is expected


def test_fingerprints_differ_by_rule_key_and_period() -> None:
    prints = {
        fingerprint(rule, key, period)
        for rule in ("a", "b")
        for key in ((), ("x",), ("x", "y"), ("xy",))
        for period in ("day:2026-11-22", "day:2026-11-23")
    }
    assert len(prints) == 16


def test_stable_ids_are_short_and_depend_on_each_part() -> None:
    ids = {stable_id("a", "b"), stable_id("ab"), stable_id("a", "b", ""), stable_id("b", "a")}
    assert len(ids) == 4
    assert stable_id("a", "b") == stable_id("a", "b")
    assert all(len(name) == 16 and set(name) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for name in ids)

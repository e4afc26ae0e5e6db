"""What is read next: the live end, then the newest hole behind it, and how far back anything looks."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.coverage import Span, covers, frontier, holes, merged
from fusewatch.domain.periods import Calendar, Every
from fusewatch.domain.readplan import (
    AHEAD_MS,
    MINUTE_MS,
    Lookback,
    live_span,
    looks_from,
    need_from,
    newest_hole,
    unread_ms,
)
from fusewatch.domain.rules import Baseline, Rule, RuleSet
from tests.domain.lifecycle import budget, spike
from tests.domain.zones import DAY_MS, HOUR_MS, ms

NOW_MS = ms("2026-11-22T15:30")
LOOKBACK_MS = 3 * MINUTE_MS


def _read_until(end_ms: int) -> list[Span]:
    return [Span(NOW_MS - 30 * DAY_MS, end_ms)]


# ---------------------------------------------------------------- the live end


def test_every_fifth_poll_looks_back_far_and_so_does_the_first() -> None:
    minutes = [Lookback().of_poll(number) // MINUTE_MS for number in range(11)]
    assert minutes == [20, 3, 3, 3, 3, 20, 3, 3, 3, 3, 20]


@pytest.mark.parametrize(
    ("end_ms", "expected_from_ms"),
    [
        pytest.param(NOW_MS - MINUTE_MS, NOW_MS - 4 * MINUTE_MS, id="from the frontier, and the lookback behind it"),
        pytest.param(NOW_MS - 10 * MINUTE_MS, NOW_MS - 13 * MINUTE_MS, id="ten minutes are no outage"),
        pytest.param(NOW_MS - 10 * MINUTE_MS - 1, NOW_MS - 3 * MINUTE_MS, id="after an outage from now on"),
        pytest.param(NOW_MS - 9 * HOUR_MS, NOW_MS - 3 * MINUTE_MS, id="however long it was"),
        pytest.param(NOW_MS + HOUR_MS, NOW_MS - 3 * MINUTE_MS, id="a frontier ahead of a clock set back counts as now"),
    ],
)
def test_where_a_live_poll_starts(end_ms: int, expected_from_ms: int) -> None:
    span = live_span(_read_until(end_ms), NOW_MS, LOOKBACK_MS)
    assert span == Span(expected_from_ms, NOW_MS + AHEAD_MS)


def test_the_first_poll_ever_reads_the_lookback() -> None:
    assert live_span([], NOW_MS, LOOKBACK_MS) == Span(NOW_MS - LOOKBACK_MS, NOW_MS + AHEAD_MS)


def test_a_long_lookback_bridges_a_longer_pause() -> None:
    ended = NOW_MS - 15 * MINUTE_MS
    assert live_span(_read_until(ended), NOW_MS, 20 * MINUTE_MS).from_ms == ended - 20 * MINUTE_MS


# ---------------------------------------------------------------- holes


def test_the_newest_hole_is_read_first_and_at_most_a_window_of_it() -> None:
    known = [Span(0, 100), Span(200, 300), Span(900, 1000)]
    assert newest_hole(known, 0, 50, 10) == Span(850, 900)


def test_where_a_hole_reaches_back_to_what_was_read_the_lookback_is_read_again() -> None:
    known = [Span(0, 100), Span(200, 300), Span(900, 1000)]
    assert newest_hole(known, 0, 600, 10) == Span(290, 900)
    assert newest_hole(known, 0, 5000, 10) == Span(290, 900)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param([], id="nothing read yet: the live poll comes first"),
        pytest.param([Span(0, 1000)], id="everything read"),
        pytest.param([Span(500, 1000)], id="what nobody needs is no hole"),
    ],
)
def test_no_hole(known: list[Span]) -> None:
    assert newest_hole(known, 500, 100, 10) is None
    assert unread_ms(known, 500) == 0


def test_what_is_unread_is_counted_up_to_the_frontier() -> None:
    assert unread_ms([Span(100, 200), Span(300, 400)], 50) == 150


SPANS = st.lists(st.builds(Span, st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=8)


@given(spans=SPANS, need_from_ms=st.integers(0, 500), window_ms=st.integers(1, 90), lookback_ms=st.integers(0, 30))
def test_reading_hole_after_hole_ends_with_everything_read(
    spans: list[Span], need_from_ms: int, window_ms: int, lookback_ms: int
) -> None:
    known = merged(spans)
    latest = frontier(known)
    steps = 0
    while (hole := newest_hole(known, need_from_ms, window_ms, lookback_ms)) is not None:
        unread = unread_ms(known, need_from_ms)
        assert hole.to_ms - hole.from_ms <= window_ms + lookback_ms
        assert latest is not None
        assert covers(known, hole.to_ms, latest), "nothing newer is left unread"
        known = merged([*known, hole])
        assert unread_ms(known, need_from_ms) < unread, "each reading brings it nearer"
        steps += 1
        assert steps <= 501
    assert frontier(known) == latest
    assert latest is None or not holes(known, need_from_ms, latest)


# ---------------------------------------------------------------- how far back


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(replace(budget(), every=Every.HOUR), "2026-11-22T15:00", id="an hour"),
        pytest.param(budget(), "2026-11-22T00:00", id="a day"),
        pytest.param(replace(budget(), every=Every.WEEK), "2026-11-16T00:00", id="a week from Monday"),
        pytest.param(replace(budget(), every=Every.MONTH), "2026-11-01T00:00", id="a month"),
        pytest.param(
            replace(budget(), every=Every.MONTH, calendar=Calendar("Europe/Berlin", month_starts_on=25)),
            "2026-10-24T22:00",
            id="a month of its own calendar",
        ),
        pytest.param(spike(), "2026-11-15T00:00", id="a spike looks over its seven days"),
        pytest.param(
            replace(spike(), baseline=Baseline(days=4, same_weekday=True)),
            "2026-10-25T00:00",
            id="or over as many weeks",
        ),
    ],
)
def test_how_far_back_a_rule_looks(rule: Rule, expected: str) -> None:
    assert looks_from(rule, NOW_MS) == ms(expected)


@pytest.mark.parametrize(
    ("rules", "expected_ms"),
    [
        pytest.param(RuleSet(history_ms=35 * DAY_MS), NOW_MS - 35 * DAY_MS, id="at least the history"),
        pytest.param(RuleSet(history_ms=DAY_MS), ms("2026-11-01T00:00"), id="and the month of the gauges"),
        pytest.param(
            RuleSet(history_ms=DAY_MS, spikes=(replace(spike(), baseline=Baseline(days=60)),)),
            ms("2026-09-23T00:00"),
            id="and the longest baseline",
        ),
        pytest.param(
            RuleSet(
                history_ms=DAY_MS,
                budgets=(replace(budget(), every=Every.MONTH, calendar=Calendar(month_starts_on=23)),),
            ),
            ms("2026-10-23T00:00"),
            id="and the longest period",
        ),
    ],
)
def test_how_far_back_anything_looks(rules: RuleSet, expected_ms: int) -> None:
    assert need_from(rules, NOW_MS) == expected_ms

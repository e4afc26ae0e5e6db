"""How late generations come, measured: what counts, what is forgotten, and how far it lets a lookback grow."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.coverage import Span, merged
from fusewatch.domain.lateness import DAY_MS, EDGES_MIN, HOUR_MS, MINUTE_MS, OUTAGE_MS, SLOT_MS, Lateness, late_starts
from fusewatch.domain.readplan import OFTEN_AT_MOST_MS, SELDOM_AT_MOST_MS, Lookback

NOW_MS = 1_795_361_400_000
DEFAULT = Lookback()
LATE_MS = st.integers(1, 12 * HOUR_MS)


def measured(*late_ms: int, at_ms: int = NOW_MS) -> Lateness:
    return Lateness().with_starts([at_ms - late for late in late_ms], at_ms)


def minutes(lookback: Lookback) -> tuple[float, float]:
    return lookback.often_ms / MINUTE_MS, lookback.seldom_ms / MINUTE_MS


# ---------------------------------------------------------------- what is late


@pytest.mark.parametrize(
    ("coverage", "late"),
    [
        pytest.param([Span(0, 1000)], [10, 990], id="what starts where all had been read"),
        pytest.param([Span(0, 500)], [10], id="not what starts in an unread part"),
        pytest.param([Span(0, 10), Span(11, 990)], [], id="the ends of spans are half-open"),
        pytest.param([], [], id="nothing at the first read"),
    ],
)
def test_what_counts_as_late(coverage: list[Span], late: list[int]) -> None:
    assert late_starts([10, 990], coverage, 1000) == late


def test_the_first_read_after_an_outage_measures_nothing() -> None:
    known = [Span(0, NOW_MS)]
    assert late_starts([NOW_MS - 5], known, NOW_MS + OUTAGE_MS) == [NOW_MS - 5]
    assert late_starts([NOW_MS - 5], known, NOW_MS + OUTAGE_MS + 1) == []


# ---------------------------------------------------------------- quantiles


def test_without_a_late_generation_the_lookback_is_the_default() -> None:
    assert Lateness().quantile_ms(950, NOW_MS) == 0
    assert DEFAULT.grown(Lateness(), NOW_MS) == DEFAULT


def test_what_comes_within_the_default_leaves_it() -> None:
    assert DEFAULT.grown(measured(*[2 * MINUTE_MS] * 100), NOW_MS) == DEFAULT


def test_often_follows_95_in_100_and_seldom_995_in_1000() -> None:
    common, slow, rare = [MINUTE_MS] * 94, [25 * MINUTE_MS] * 5, [100 * MINUTE_MS]
    assert minutes(DEFAULT.grown(measured(*common, *slow, *rare), NOW_MS)) == (25, 120)
    assert minutes(DEFAULT.grown(measured(*[MINUTE_MS] * 95, *slow), NOW_MS)) == (3, 25)
    assert minutes(DEFAULT.grown(measured(*[MINUTE_MS] * 995, *slow), NOW_MS)) == (3, 20)


def test_both_have_an_end() -> None:
    assert minutes(DEFAULT.grown(measured(*[6 * HOUR_MS] * 10), NOW_MS)) == (60, 360)


def test_what_no_lookback_could_find_is_not_counted() -> None:
    assert measured(6 * HOUR_MS + 1, 3 * DAY_MS) == Lateness()


def test_a_start_in_the_future_is_not_late() -> None:
    assert measured(0, -MINUTE_MS) == Lateness()


@given(st.lists(LATE_MS, min_size=1, max_size=60), st.integers(1, 1000))
def test_a_quantile_reaches_as_many_as_it_says_and_no_edge_too_far(late: list[int], per_mille: int) -> None:
    counted = [ms for ms in late if ms <= EDGES_MIN[-1] * MINUTE_MS]
    found = measured(*late).quantile_ms(per_mille, NOW_MS)
    if not counted:
        assert found == 0
        return
    assert sum(ms <= found for ms in counted) * 1000 >= per_mille * len(counted)
    shorter = [edge * MINUTE_MS for edge in EDGES_MIN if edge * MINUTE_MS < found]
    if shorter:
        assert sum(ms <= shorter[-1] for ms in counted) * 1000 < per_mille * len(counted)


# ---------------------------------------------------------------- growing and shrinking


@given(st.lists(st.tuples(st.integers(0, 3 * DAY_MS), LATE_MS), max_size=60))
def test_a_lookback_stays_between_its_default_and_its_end_and_the_measure_stays_small(
    seen: list[tuple[int, int]],
) -> None:
    lateness = Lateness()
    for after_ms, late_ms in sorted(seen):
        now_ms = NOW_MS + after_ms
        lateness = lateness.with_starts([now_ms - late_ms], now_ms)
        grown = DEFAULT.grown(lateness, now_ms)
        assert DEFAULT.often_ms <= grown.often_ms <= OFTEN_AT_MOST_MS
        assert DEFAULT.seldom_ms <= grown.seldom_ms <= SELDOM_AT_MOST_MS
        assert grown.often_ms <= grown.seldom_ms
        assert grown.seldom_every == DEFAULT.seldom_every
        assert len(lateness.seen) <= (DAY_MS // SLOT_MS + 1) * len(EDGES_MIN)


@given(st.lists(LATE_MS, max_size=30))
def test_a_day_and_a_slot_later_everything_is_forgotten(late: list[int]) -> None:
    lateness = measured(*late)
    assert DEFAULT.grown(lateness, NOW_MS + DAY_MS - SLOT_MS) == DEFAULT.grown(lateness, NOW_MS)
    assert DEFAULT.grown(lateness, NOW_MS + DAY_MS + SLOT_MS) == DEFAULT
    assert lateness.with_starts([], NOW_MS + DAY_MS + SLOT_MS) == Lateness()


@given(st.lists(LATE_MS, max_size=30), st.lists(LATE_MS, max_size=30))
def test_it_matters_neither_in_what_order_nor_in_how_many_reads_they_came(one: list[int], other: list[int]) -> None:
    at_once = measured(*one, *other)
    assert measured(*one).with_starts([NOW_MS - late for late in other], NOW_MS) == at_once
    assert measured(*other, *one) == at_once


def test_measured_while_the_clock_was_ahead_does_not_count() -> None:
    ahead = measured(HOUR_MS, at_ms=NOW_MS + 30 * DAY_MS)
    assert DEFAULT.grown(ahead, NOW_MS) == DEFAULT


def test_a_longer_default_is_kept() -> None:
    wide = replace(DEFAULT, often_ms=2 * HOUR_MS, seldom_ms=8 * HOUR_MS)
    assert wide.grown(measured(*[30 * MINUTE_MS] * 9), NOW_MS) == wide


@given(st.lists(st.integers(0, 1000), max_size=20), st.lists(st.tuples(st.integers(0, 999), st.integers(1, 99))))
def test_only_starts_that_were_covered_are_late(starts: list[int], parts: list[tuple[int, int]]) -> None:
    coverage = merged(Span(at, at + length) for at, length in parts)
    instants = {at for span in coverage for at in range(*span)}
    assert late_starts(starts, coverage, 1100) == [start for start in starts if start in instants]

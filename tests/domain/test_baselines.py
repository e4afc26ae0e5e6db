"""What seasonal spikes and the cost of a request are compared with."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.baselines import (
    HOURS,
    LEAST_REQUESTS,
    judge_day_so_far,
    judge_unit_cost,
    judge_window,
    window_days,
)
from fusewatch.domain.rules import Baseline, BaselineUsing, Method, Severity, Spike, Unit
from fusewatch.domain.usage import Amounts

SEASONAL = Spike("hot", Fraction(1), 0, baseline=Baseline(days=14, at_least=3), method=Method.SEASONAL)
UNIT_COST = Spike("unit", Fraction(2), 5, unit=Unit.USD_PER_REQUEST, baseline=Baseline(at_least=1))
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def even_days(count: int, amount: int = 100) -> list[list[int]]:
    return [[amount] * HOURS for _ in range(count)]


def with_burst(days: list[list[int]], *places: tuple[int, int], amount: int) -> list[list[int]]:
    """The days with bursts; a place is (days before today, hour of the row)."""
    changed = [list(day) for day in days]
    for days_before, hour in places:
        changed[days_before - 1][hour] = amount
    return changed


def window_fires(measured: int, days: list[list[int]], rule: Spike = SEASONAL) -> list[Severity]:
    verdict = judge_window(rule, measured, days)
    assert verdict is not None
    return [t.severity for t in verdict.passed]


@pytest.mark.parametrize(
    ("measured", "days", "expected"),
    [
        pytest.param(150, even_days(21), [], id="five tenths of the usual above it is the line where nothing moves"),
        pytest.param(151, even_days(21), [WARNING], id="above it fires"),
        pytest.param(301, even_days(21), [WARNING, CRITICAL], id="above twice the line is critical"),
        pytest.param(0, even_days(21, 0), [], id="nothing after nothing is no spike"),
        pytest.param(
            1, even_days(21, 0), [WARNING, CRITICAL], id="something after nothing is one, when no floor is set"
        ),
        pytest.param(
            400, with_burst(even_days(21), (3, 5), amount=500), [WARNING, CRITICAL], id="one dear day raises nothing"
        ),
        pytest.param(
            400,
            with_burst(even_days(21), (3, 5), (9, 17), amount=500),
            [],
            id="less than on two other days of the fortnight is no news",
        ),
        pytest.param(
            501,
            with_burst(even_days(21), (3, 5), (9, 17), amount=500),
            [WARNING],
            id="more than on these days is",
        ),
        pytest.param(
            400,
            with_burst(even_days(21), (3, 5), (3, 6), (3, 7), amount=500),
            [WARNING, CRITICAL],
            id="many dear hours of one day are one day",
        ),
        pytest.param(
            400,
            with_burst(even_days(21), (15, 5), (16, 17), amount=500),
            [WARNING, CRITICAL],
            id="days before the fortnight are forgotten",
        ),
        pytest.param(
            900,
            with_burst(even_days(21), *((day, 1) for day in range(1, 22)), amount=1000),
            [],
            id="a job that runs each day at this hour is usual",
        ),
        pytest.param(
            900,
            with_burst(even_days(21), *((day, 9) for day in range(1, 22)), amount=1000),
            [WARNING, CRITICAL],
            id="at another hour it is not",
        ),
    ],
)
def test_when_a_window_is_unusual(measured: int, days: list[list[int]], expected: list[Severity]) -> None:
    assert window_fires(measured, days) == expected


def test_the_floor_is_the_least_above_the_usual_and_the_factor_one_more_line() -> None:
    assert window_fires(200, even_days(21), replace(SEASONAL, floor=101)) == []
    assert window_fires(201, even_days(21), replace(SEASONAL, floor=101)) == [WARNING]
    assert window_fires(300, even_days(21), replace(SEASONAL, factor=Fraction(3))) == []
    assert window_fires(301, even_days(21), replace(SEASONAL, factor=Fraction(3))) == [WARNING]


def test_a_restless_hour_needs_more_than_a_steady_one() -> None:
    steady = judge_window(SEASONAL, 200, even_days(21))
    restless = judge_window(SEASONAL, 200, [[100 + 40 * (-1) ** day] * HOURS for day in range(21)])
    assert steady is not None
    assert restless is not None
    assert restless.limit > steady.limit


def test_fewer_days_than_at_least_give_no_verdict_on_a_window_or_a_day() -> None:
    assert judge_window(SEASONAL, 500, even_days(2)) is None
    assert judge_window(SEASONAL, 500, even_days(3)) is not None
    assert judge_day_so_far(SEASONAL, [500], [[100, 200]] * 2) is None
    assert judge_day_so_far(SEASONAL, [500], []) is None


def test_a_verdict_tells_the_usual_the_line_and_the_days() -> None:
    verdict = judge_window(replace(SEASONAL, floor=20), 500, even_days(21))
    assert verdict is not None
    assert (verdict.measured, verdict.baseline, verdict.limit, verdict.baseline_days) == (500, 100, 150, 7)
    assert verdict.least == 120
    assert window_days(SEASONAL) == 21


ROW = st.lists(st.integers(0, 1000), min_size=HOURS, max_size=HOURS)
PAST = st.lists(ROW, min_size=3, max_size=9)


@given(measured=st.integers(0, 5000), days=PAST, floor=st.integers(0, 500))
def test_ten_times_the_money_and_the_floor_give_the_same_verdict(
    measured: int, days: list[list[int]], floor: int
) -> None:
    rule = replace(SEASONAL, floor=floor, baseline=Baseline(days=4, at_least=3))
    tenfold = [[10 * amount for amount in day] for day in days]
    assert window_fires(measured, days, rule) == window_fires(10 * measured, tenfold, replace(rule, floor=10 * floor))
    day = judge_day_so_far(rule, [measured], [[row[0], sum(row)] for row in days])
    ten = judge_day_so_far(replace(rule, floor=10 * floor), [10 * measured], [[row[0], sum(row)] for row in tenfold])
    assert day is not None
    assert ten is not None
    assert day.passed == ten.passed


@given(measured=st.integers(0, 5000), days=PAST, floor=st.integers(0, 5000), factor=st.fractions(1, 5))
def test_what_fires_is_above_the_line_the_factor_and_the_floor(
    measured: int, days: list[list[int]], floor: int, factor: Fraction
) -> None:
    verdict = judge_window(replace(SEASONAL, floor=floor, factor=factor), measured, days)
    assert verdict is not None
    assert verdict.baseline is not None
    if verdict.passed:
        assert measured > verdict.limit >= int(factor * verdict.baseline)
        assert measured >= verdict.least
    elif measured >= verdict.least and measured > 0:
        assert measured <= verdict.limit


@given(measured=st.integers(-10, 4999), days=st.integers(3, 21))
def test_a_history_of_nothing_never_fires_below_the_floor(measured: int, days: int) -> None:
    rule = replace(SEASONAL, floor=5000)
    assert window_fires(measured, even_days(days, 0), rule) == []
    by_now = judge_day_so_far(rule, [measured], [[0, 0]] * days)
    assert by_now is not None
    assert by_now.passed == ()


@given(days=PAST, more=st.integers(0, 10_000), measured=st.integers(0, 5000))
def test_more_spend_never_makes_a_window_less_of_a_spike(days: list[list[int]], more: int, measured: int) -> None:
    assert len(window_fires(measured, days)) <= len(window_fires(measured + more, days))


# ---------------------------------------------------------------- today


def test_today_is_compared_with_the_same_time_of_the_other_days() -> None:
    days = [[10, 20, 240]] * 7
    quiet = judge_day_so_far(SEASONAL, [10, 60], days)
    loud = judge_day_so_far(SEASONAL, [10, 61], days)
    assert quiet is not None
    assert loud is not None
    assert quiet.passed == (), "the usual by now and four average hours of 10"
    assert (loud.baseline, loud.limit, len(loud.passed)) == (20, 60, 1)


def test_what_was_unusual_in_the_morning_stays_so_when_the_others_catch_up() -> None:
    verdict = judge_day_so_far(SEASONAL, [70, 70, 75], [[10, 120, 200, 240]] * 7)
    assert verdict is not None
    assert (verdict.measured, verdict.limit, len(verdict.passed)) == (75, 50, 1)


def test_the_latest_line_is_told_where_nothing_is_unusual() -> None:
    verdict = judge_day_so_far(SEASONAL, [10, 120, 130], [[10, 120, 200, 240]] * 7)
    assert verdict is not None
    assert (verdict.measured, verdict.baseline, verdict.passed) == (130, 200, ())


# ---------------------------------------------------------------- cost per request


@pytest.mark.parametrize(
    ("now", "days", "expected"),
    [
        pytest.param(Amounts(200, 0, 10), [Amounts(1000, 0, 100)], [], id="exactly factor times the average is none"),
        pytest.param(Amounts(201, 0, 10), [Amounts(1000, 0, 100)], [WARNING], id="above it is one"),
        pytest.param(Amounts(401, 0, 10), [Amounts(1000, 0, 100)], [WARNING, CRITICAL], id="above twice the factor"),
        pytest.param(Amounts(9000, 0, 90), [Amounts(900, 0, 90), Amounts(2000, 0, 10)], [WARNING], id="days by weight"),
        pytest.param(Amounts(44, 0, 20), [Amounts(100, 0, 100)], [WARNING], id="the floor is money above the average"),
        pytest.param(Amounts(24, 0, 10), [Amounts(200, 0, 100)], [], id="below the floor"),
        pytest.param(Amounts(0, 0, 50), [Amounts(0, 0, 50)], [], id="free requests after free requests"),
    ],
)
def test_when_requests_are_dearer(now: Amounts, days: list[Amounts], expected: list[Severity]) -> None:
    verdict = judge_unit_cost(UNIT_COST, now, days)
    assert verdict is not None
    assert [t.severity for t in verdict.passed] == expected


def test_too_few_requests_now_or_before_give_no_verdict() -> None:
    few, enough = Amounts(100, 0, LEAST_REQUESTS - 1), Amounts(100, 0, LEAST_REQUESTS)
    assert judge_unit_cost(UNIT_COST, few, [enough]) is None
    assert judge_unit_cost(UNIT_COST, enough, [few]) is None
    assert judge_unit_cost(UNIT_COST, enough, []) is None
    assert judge_unit_cost(UNIT_COST, enough, [few, few]) is not None, "the days count together"


def test_the_median_of_the_cost_of_a_request_skips_days_without_requests() -> None:
    rule = replace(UNIT_COST, floor=0, baseline=Baseline(at_least=1, using=BaselineUsing.MEDIAN))
    days = [Amounts(100, 0, 10), Amounts(), Amounts(300, 0, 10), Amounts(90_000, 0, 10)]
    verdict = judge_unit_cost(rule, Amounts(610, 0, 10), days)
    assert verdict is not None
    assert (verdict.measured, verdict.baseline, verdict.limit, len(verdict.passed)) == (61, 30, 60, 1)


@given(
    cost=st.integers(0, 10**6),
    requests=st.integers(LEAST_REQUESTS, 10**4),
    days=st.lists(st.tuples(st.integers(0, 10**6), st.integers(LEAST_REQUESTS, 10**4)), min_size=1, max_size=7),
    floor=st.integers(0, 10**5),
)
def test_the_cost_of_a_request_fires_by_the_words_of_the_contract(
    cost: int, requests: int, days: list[tuple[int, int]], floor: int
) -> None:
    verdict = judge_unit_cost(
        replace(UNIT_COST, floor=floor), Amounts(cost, 0, requests), [Amounts(c, 0, r) for c, r in days]
    )
    assert verdict is not None
    average = Fraction(sum(c for c, _ in days), sum(r for _, r in days))
    fires = cost > 2 * average * requests and cost - average * requests >= floor and cost > 0
    assert bool(verdict.passed) is fires

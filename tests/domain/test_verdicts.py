"""One judgement, without memory: which thresholds a sum passes, which limit holds, when a day is a spike."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.rules import (
    DEFAULT_THRESHOLDS,
    Baseline,
    BaselineUsing,
    Limit,
    Matcher,
    Override,
    Severity,
    Spike,
    Threshold,
    Unit,
)
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import (
    HYSTERESIS,
    BaselineDay,
    ahead,
    average,
    counted_days,
    judge_budget,
    judge_spike,
    limit_for,
    measure,
    override_for,
    passed,
)
from tests.domain.lifecycle import MORNING_MS, budget, pico, spike, threshold

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def _percents(thresholds: tuple[Threshold, ...]) -> list[int]:
    return [int(t.share * 100) for t in thresholds]


@pytest.mark.parametrize(
    ("measured", "shares", "next_ones"),
    [
        pytest.param(-1, [], [50, 80, 100, 200], id="corrections below zero pass nothing"),
        pytest.param(0, [], [50, 80, 100, 200], id="nothing spent passes nothing"),
        pytest.param(499, [], [50, 80, 100, 200], id="one below a threshold is below it"),
        pytest.param(500, [50], [80, 100, 200], id="a threshold is passed when it is reached"),
        pytest.param(1000, [50, 80, 100], [200], id="the limit itself is passed when it is reached"),
        pytest.param(1999, [50, 80, 100], [200], id="one below the doubling"),
        pytest.param(2000, [50, 80, 100, 200], [400], id="the first doubling"),
        pytest.param(8000, [50, 80, 100, 200, 400, 800], [1600], id="and every one after it"),
    ],
)
def test_the_default_thresholds_and_doublings(measured: int, shares: list[int], next_ones: list[int]) -> None:
    assert _percents(passed(DEFAULT_THRESHOLDS, measured, 1000)) == shares
    assert _percents(ahead(DEFAULT_THRESHOLDS, measured, 1000)) == next_ones


def test_the_default_severities() -> None:
    severities = {int(t.share * 100): t.severity for t in passed(DEFAULT_THRESHOLDS, 400, 100)}
    assert severities == {50: INFO, 80: WARNING, 100: CRITICAL, 200: CRITICAL, 400: CRITICAL}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        pytest.param((threshold(50, INFO),), [(50, INFO), (200, CRITICAL), (400, CRITICAL)], id="only 50 %"),
        pytest.param(
            (threshold(120, WARNING),),
            [(120, WARNING), (200, CRITICAL), (400, CRITICAL)],
            id="only 120 %: without 100 %, which nobody asked for",
        ),
        pytest.param(
            (threshold(100, WARNING), threshold(200, INFO, "finops")),
            [(100, WARNING), (200, INFO), (400, CRITICAL)],
            id="a declared doubling keeps its severity",
        ),
        pytest.param(
            (threshold(300, INFO),),
            [(200, CRITICAL), (300, INFO), (400, CRITICAL)],
            id="doublings stand between and after declared ones",
        ),
    ],
)
def test_declared_thresholds_and_doublings(
    declared: tuple[Threshold, ...], expected: list[tuple[int, Severity]]
) -> None:
    assert [(int(t.share * 100), t.severity) for t in passed(declared, 499, 100)] == expected


def test_a_declared_doubling_keeps_its_destinations() -> None:
    assert passed((threshold(200, INFO, "finops"),), 200, 100)[-1].notify == ("finops",)


def test_a_limit_of_zero_is_passed_once_by_any_spend_as_severe_as_the_worst_threshold() -> None:
    declared = (threshold(100, CRITICAL), threshold(120, INFO))
    assert passed(declared, 0, 0) == ()
    assert passed(declared, 1, 0) == (threshold(120, CRITICAL),)
    assert passed(declared, 10**18, 0) == (threshold(120, CRITICAL),)
    assert ahead(declared, 0, 0) == ()


def test_thresholds_of_rules_that_are_gone_are_never_taken_for_those_of_another() -> None:
    """More of them than are remembered, each gone before the next comes, so that most get the place of the last."""
    for share in range(1, 2000):
        assert [t.share for t in passed((threshold(share, INFO),), share, 100)][-1] >= Fraction(share, 100)
        assert threshold(share, INFO) in passed((threshold(share, INFO),), 10**6, 100)


SHARES = st.lists(st.integers(1, 900), min_size=1, max_size=5, unique=True).map(sorted)


@given(shares=SHARES, measured=st.integers(-50, 10**7), limit=st.integers(1, 10**5))
def test_what_is_passed_and_what_lies_ahead_are_one_rising_ladder(shares: list[int], measured: int, limit: int) -> None:
    declared = tuple(Threshold(Fraction(share, 100), WARNING) for share in shares)
    behind, before = passed(declared, measured, limit), ahead(declared, measured, limit)
    ladder = [t.share for t in (*behind, *before)]
    assert ladder == sorted(set(ladder))
    assert {t.share for t in declared} <= set(ladder)
    assert all(measured >= limit * t.share for t in behind)
    assert all(measured < limit * t.share for t in before)
    assert before, "there is always a next line"
    doublings = {Fraction(2) ** n for n in range(1, 40)}
    assert {share for share in doublings if measured >= limit * share} <= set(ladder)
    assert set(ladder) <= doublings | {t.share for t in declared}


def test_the_worst_severity_counts_where_a_mild_threshold_stands_above_a_severe_one() -> None:
    verdict = judge_budget(budget(50, threshold(100, CRITICAL), threshold(120, INFO)), {}, Amounts(pico(60)), 0)
    assert verdict is not None
    assert (verdict.highest, verdict.severity) == (threshold(120, INFO), CRITICAL)


@pytest.mark.parametrize("unit", list(Unit))
def test_each_unit_counts_its_own_amount(unit: Unit) -> None:
    expected = {Unit.USD: 7, Unit.TOKENS: 2, Unit.REQUESTS: 3, Unit.USD_PER_REQUEST: 2}
    assert measure(Amounts(7, 2, 3), unit) == expected[unit]
    assert measure(Amounts(), unit) == 0


# ---------------------------------------------------------------- overrides

UNTIL_MS = MORNING_MS + 1000
OVERRIDDEN = replace(
    budget(20),
    each=("feature",),
    overrides=(
        Override((Matcher("feature", ("search",)),), Limit(Unit.USD, pico(90)), until_ms=UNTIL_MS),
        Override((Matcher("feature", ("eval-*", "test")),), None),
        Override((Matcher("feature", ("*",)), Matcher("team", ("content",))), Limit(Unit.USD, pico(75)), ("content",)),
        Override((Matcher("feature", ("search",)),), Limit(Unit.TOKENS, 5)),
    ),
)


@pytest.mark.parametrize(
    ("labels", "at_ms", "expected"),
    [
        pytest.param({"feature": "chat"}, 0, Limit(Unit.USD, pico(20)), id="no override matches"),
        pytest.param({"feature": "search"}, UNTIL_MS - 1, Limit(Unit.USD, pico(90)), id="the first from the top wins"),
        pytest.param({"feature": "search"}, UNTIL_MS, Limit(Unit.TOKENS, 5), id="an ended one gives way to the next"),
        pytest.param({"feature": "eval-nightly"}, 0, None, id="a glob lifts the limit"),
        pytest.param({"feature": "test"}, 0, None, id="any pattern of a list may match"),
        pytest.param({"feature": "Test"}, 0, Limit(Unit.USD, pico(20)), id="values are compared with case"),
        pytest.param(
            {"feature": "chat", "team": "content"}, 0, Limit(Unit.USD, pico(75)), id="all entries of one must match"
        ),
        pytest.param(
            {"team": "content"}, 0, Limit(Unit.USD, pico(20)), id="a dimension that is not known matches nothing"
        ),
    ],
)
def test_the_limit_that_holds(labels: dict[str, str], at_ms: int, expected: Limit | None) -> None:
    assert limit_for(OVERRIDDEN, labels, at_ms) == expected
    verdict = judge_budget(OVERRIDDEN, labels, Amounts(pico(30), 7, 1), at_ms)
    assert (verdict and Limit(verdict.unit, verdict.limit)) == expected
    if verdict is not None:
        assert verdict.measured == (7 if verdict.unit is Unit.TOKENS else pico(30))


def test_the_destinations_of_an_override_stand_in_the_verdict() -> None:
    labels = {"feature": "chat", "team": "content"}
    verdict = judge_budget(OVERRIDDEN, labels, Amounts(), 0)
    assert verdict is not None
    assert verdict.notify == ("content",)
    assert override_for(OVERRIDDEN, labels, 0) is OVERRIDDEN.overrides[2]
    plain = judge_budget(OVERRIDDEN, {"feature": "chat"}, Amounts(), 0)
    assert plain is not None
    assert plain.notify is None


# ---------------------------------------------------------------- hysteresis


@pytest.mark.parametrize(
    ("dollars", "share", "expected"),
    [
        pytest.param("49", Fraction(1), True, id="2 % of the limit below the line is clearly below"),
        pytest.param("49.000000000001", Fraction(1), False, id="a picodollar less is not"),
        pytest.param("39", Fraction(4, 5), True, id="2 % of the limit, not of the line"),
        pytest.param("39.01", Fraction(4, 5), False, id="also at 80 %"),
        pytest.param("99", Fraction(2), True, id="and at a doubling"),
    ],
)
def test_clearly_below_a_budgets_line(dollars: str, share: Fraction, expected: bool) -> None:
    verdict = judge_budget(budget(50), {}, Amounts(pico(dollars)), 0)
    assert verdict is not None
    assert verdict.clearly_below(share) is expected


@given(measured=st.integers(0, 10**15), limit=st.integers(0, 10**13), share=st.fractions(0, 8))
def test_what_is_clearly_below_a_line_is_below_it(measured: int, limit: int, share: Fraction) -> None:
    verdict = judge_budget(replace(budget(), limit=Limit(Unit.USD, limit)), {}, Amounts(measured), 0)
    assert verdict is not None
    if verdict.clearly_below(share):
        assert measured <= limit * share
        assert limit * share - measured >= limit * HYSTERESIS


# ---------------------------------------------------------------- spikes


def _fires(rule: Spike, today: float | str, *days: float) -> list[Severity]:
    verdict = judge_spike(rule, pico(today), [pico(day) for day in days])
    assert verdict is not None
    return [t.severity for t in verdict.passed]


@pytest.mark.parametrize(
    ("today", "days", "expected"),
    [
        pytest.param("20", (10, 10, 10), [], id="exactly factor times the baseline is none"),
        pytest.param("20.000000000001", (10, 10, 10), [WARNING], id="a picodollar above it is one"),
        pytest.param("40", (10, 10, 10), [WARNING], id="exactly twice the factor is a warning"),
        pytest.param("40.000000000001", (10, 10, 10), [WARNING, CRITICAL], id="above twice the factor it is critical"),
        pytest.param("5.99", (1, 1, 1), [], id="a cent under the floor above the baseline is none"),
        pytest.param("6", (1, 1, 1), [WARNING, CRITICAL], id="the floor itself is enough"),
        pytest.param("5", (0, 0, 0), [WARNING, CRITICAL], id="over a baseline of zero the floor alone decides"),
        pytest.param("4.99", (0, 0, 0), [], id="below the floor it does not"),
        pytest.param("4.99", (-6, 0, 0), [], id="a baseline is never below zero"),
        pytest.param("-100", (-200, -200, -200), [], id="a day below zero is never a spike"),
        pytest.param("20.01", (0, 0, 30), [WARNING], id="zero days count in the mean"),
    ],
)
def test_when_a_day_is_a_spike(today: str, days: tuple[float, ...], expected: list[Severity]) -> None:
    assert _fires(spike(factor=2, floor=5, at_least=3), today, *days) == expected


def test_without_a_floor_a_first_spend_over_a_baseline_of_zero_is_a_spike_but_no_spend_is_none() -> None:
    rule = spike(factor=2, floor=0)
    assert _fires(rule, "0.000000000001", 0, 0, 0) == [WARNING, CRITICAL]
    assert _fires(rule, 0, 0, 0, 0) == []


def test_the_median_does_not_follow_one_dear_day() -> None:
    mean = spike(factor=2, floor=1)
    typical = replace(mean, baseline=Baseline(using=BaselineUsing.MEDIAN))
    assert _fires(mean, 25, 10, 10, 100) == []
    assert _fires(typical, 25, 10, 10, 100) == [WARNING]


def test_the_median_of_an_even_number_of_days_lies_between_the_middle_two() -> None:
    rule = replace(spike(factor=2, floor=0), baseline=Baseline(using=BaselineUsing.MEDIAN))
    verdict = judge_spike(rule, 26, [1, 10, 15, 90])
    assert verdict is not None
    assert (verdict.baseline, verdict.limit, len(verdict.passed)) == (12, 25, 1)
    quiet = judge_spike(rule, 25, [1, 10, 15, 90])
    assert quiet is not None
    assert quiet.passed == ()


@pytest.mark.parametrize(("days", "judged"), [(0, False), (2, False), (3, True), (7, True)])
def test_fewer_days_than_at_least_give_no_verdict(days: int, judged: bool) -> None:
    assert (judge_spike(spike(at_least=3), pico(50), [pico(1)] * days) is not None) is judged


def _day(known: int, *, complete: bool) -> BaselineDay:
    return BaselineDay(Amounts(known), complete)


@given(
    days=st.lists(
        st.tuples(st.builds(_day, st.integers(-5, 10**13), complete=st.booleans()), st.integers(0, 10**13)),
        max_size=9,
    ),
    using=st.sampled_from(BaselineUsing),
    at_least=st.integers(1, 3),
)
def test_what_is_known_of_unread_days_counts_only_where_all_of_them_would_raise_the_average_too(
    days: list[tuple[BaselineDay, int]], using: BaselineUsing, at_least: int
) -> None:
    """Beside each day stands what is not known of it yet."""
    rule = replace(spike(floor=0), baseline=Baseline(using=using, at_least=at_least))
    complete = [day.amounts.cost_pico for day, _ in days if day.complete]
    found = [day.cost_pico for day in counted_days(rule, [day for day, _ in days])]
    more = Counter(found) - Counter(complete)
    if len(complete) < at_least:
        assert found == complete
        return
    assert not Counter(complete) - Counter(found)
    assert average(rule.baseline, found) >= average(rule.baseline, complete)
    others = sorted((d.amounts.cost_pico, rest) for d, rest in days if not d.complete)
    dear = others[len(others) - more.total() :]
    assert Counter(known for known, _ in dear) == more
    whole = average(rule.baseline, [*complete, *(known + rest for known, rest in dear)])
    assert whole >= average(rule.baseline, found)
    assert all(known <= average(rule.baseline, found) for known, _ in others[: len(others) - more.total()])


def test_unread_days_alone_are_nothing_to_compare_with_and_the_dear_ones_stand_where_they_were() -> None:
    rule = spike(at_least=2)
    days = [_day(20, complete=False), _day(4, complete=True), _day(30, complete=False), _day(3, complete=True)]
    assert [day.cost_pico for day in counted_days(rule, days)] == [20, 4, 30, 3]
    assert [day.cost_pico for day in counted_days(rule, days[:2])] == [4]
    assert counted_days(rule, days[:1]) == []
    of_requests = replace(rule, unit=Unit.USD_PER_REQUEST)
    assert [day.cost_pico for day in counted_days(of_requests, days)] == [4, 3]


def test_without_any_day_there_is_no_verdict_whatever_the_rule_says() -> None:
    assert judge_spike(spike(at_least=0), pico(50), []) is None


def test_a_spike_tells_its_line_its_baseline_and_its_days() -> None:
    verdict = judge_spike(spike(factor=2.5, floor=5), pico(60), [pico(10), pico(20), pico(30), 0])
    assert verdict is not None
    assert (verdict.limit, verdict.baseline, verdict.baseline_days) == (pico("37.5"), pico(15), 4)
    assert (verdict.measured, verdict.least) == (pico(60), pico(20))
    assert _percents(verdict.ahead) == [200]


def test_a_spike_of_tokens_or_requests_is_judged_in_its_unit() -> None:
    verdict = judge_spike(replace(spike(), unit=Unit.REQUESTS, floor=10), 31, [10, 10, 10])
    assert verdict is not None
    assert (verdict.unit, verdict.limit, len(verdict.passed)) == (Unit.REQUESTS, 20, 1)


AMOUNTS = st.integers(-(10**6), 10**6)


@given(
    today=AMOUNTS,
    days=st.lists(AMOUNTS, min_size=1, max_size=9),
    factor=st.fractions(Fraction(11, 10), 5),
    floor=st.integers(0, 10**5),
    using=st.sampled_from(BaselineUsing),
)
def test_a_spike_fires_by_the_words_of_the_contract(
    today: int, days: list[int], factor: Fraction, floor: int, using: BaselineUsing
) -> None:
    rule = Spike("s", factor, floor, baseline=Baseline(at_least=1, using=using))
    verdict = judge_spike(rule, today, days)
    assert verdict is not None
    ranked = sorted(days)
    middle = Fraction(ranked[(len(days) - 1) // 2] + ranked[len(days) // 2], 2)
    baseline = max(Fraction(sum(days), len(days)) if using is BaselineUsing.MEAN else middle, Fraction(0))
    fires = today > factor * baseline and today - baseline >= floor
    assert bool(verdict.passed) is fires
    assert (len(verdict.passed) == 2) is (fires and today > 2 * factor * baseline)
    if verdict.clearly_below(Fraction(1)):
        assert not fires, "what fires is not clearly below its line"

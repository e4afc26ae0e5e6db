"""A growth split into more requests, more tokens in each, and a dearer token."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.effects import baseline_of, effect_of
from fusewatch.domain.explanations import Effect
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import measure

UNITS = st.sampled_from([Unit.USD, Unit.TOKENS, Unit.REQUESTS])
SCALES = st.fractions(min_value=0, max_value=1, max_denominator=10**7)
AMOUNTS = st.builds(
    Amounts,
    st.integers(-(10**6), 10**20),
    st.integers(0, 10**12),
    st.integers(0, 10**9),
    st.integers(0, 10**15),
)


@given(now=AMOUNTS, before=AMOUNTS, scale=SCALES, unit=UNITS)
def test_the_three_parts_sum_to_exactly_the_growth(now: Amounts, before: Amounts, scale: Fraction, unit: Unit) -> None:
    effect = effect_of(now, before, scale, unit)
    growth = measure(now, unit) - baseline_of(measure(before, unit), scale)
    assert effect.requests + effect.size + effect.price == growth


@given(
    requests=st.integers(1, 10**6), size=st.integers(1, 10**5), price=st.integers(1, 10**9), factor=st.integers(2, 50)
)
def test_a_factor_that_alone_changed_has_the_whole_growth(requests: int, size: int, price: int, factor: int) -> None:
    def of(n: int, s: int, p: int) -> Amounts:
        return Amounts(n * s * p, n * s, n)

    before = of(requests, size, price)
    grown = requests * size * price * (factor - 1)
    one, by = Fraction(1), Fraction(factor)
    more = effect_of(of(requests * factor, size, price), before, one, Unit.USD)
    assert more == Effect(grown, 0, 0, by, one, one)
    larger = effect_of(of(requests, size * factor, price), before, one, Unit.USD)
    assert larger == Effect(0, grown, 0, one, by, one)
    dearer = effect_of(of(requests, size, price * factor), before, one, Unit.USD)
    assert dearer == Effect(0, 0, grown, one, one, by)


def test_the_baseline_is_the_average_of_the_spans_compared() -> None:
    week = Amounts(7000, 700, 70)
    effect = effect_of(Amounts(3000, 300, 30), week, Fraction(1, 7), Unit.USD)
    assert effect == Effect(2000, 0, 0, Fraction(3), Fraction(1), Fraction(1))


@pytest.mark.parametrize(("now", "before"), [(Amounts(50, 5, 1), Amounts()), (Amounts(), Amounts(50, 5, 1))])
def test_what_is_new_or_gone_is_all_requests_without_a_factor(now: Amounts, before: Amounts) -> None:
    effect = effect_of(now, before, Fraction(1), Unit.USD)
    assert effect == Effect(now.cost_pico - before.cost_pico, 0, 0)


def test_without_tokens_what_is_not_more_requests_is_the_price_of_a_request() -> None:
    effect = effect_of(Amounts(4000, 0, 20), Amounts(1000, 0, 10), Fraction(1), Unit.USD)
    assert effect == Effect(1500, 0, 1500, Fraction(2), None, Fraction(2))


def test_our_estimate_for_usage_without_a_price_is_money_too() -> None:
    effect = effect_of(Amounts(0, 10, 2, 600), Amounts(0, 10, 2, 200), Fraction(1), Unit.USD)
    assert effect == Effect(0, 0, 400, Fraction(1), Fraction(1), Fraction(3))

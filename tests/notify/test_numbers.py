"""Numbers read the same to a person who is half asleep, and two different amounts never look alike."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.domain.rules import Unit
from fusewatch.notify.numbers import amount, amount_of, duration, multiple, percent, rough_span
from tests.notify.samples import usd


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (usd("50.31"), Unit.USD, "$50.31"),
        (usd("0.000053"), Unit.USD, "$0.000053"),
        (usd("8912.437"), Unit.USD, "$8,912.44"),
        (1, Unit.TOKENS, "1 token"),
        (450_000, Unit.TOKENS, "450,000 tokens"),
        (2_000_000, Unit.TOKENS, "2M tokens"),
        (2_104_511, Unit.TOKENS, "2.1M tokens"),
        (1_254_000_000, Unit.TOKENS, "1.25B tokens"),
        (96_400_000, Unit.TOKENS, "96.4M tokens"),
        (1, Unit.REQUESTS, "1 request"),
        (41_203, Unit.REQUESTS, "41,203 requests"),
    ],
)
def test_amounts_read_in_their_unit(value: int, unit: Unit, text: str) -> None:
    assert amount(value, unit) == text


@pytest.mark.parametrize(
    ("measured", "limit", "unit", "text"),
    [
        (usd("50.31"), usd("50"), Unit.USD, "$50.31 of $50.00"),
        (usd("50"), usd("50"), Unit.USD, "$50.00 of $50.00"),
        (usd("49.9996"), usd("50"), Unit.USD, "$49.9996 of $50.00"),
        (usd("50.000000000001"), usd("50"), Unit.USD, "$50.000000000001 of $50.00"),
        (usd("0.05349"), usd("0.053"), Unit.USD, "$0.0535 of $0.053"),
        (usd("0.9999"), usd("1"), Unit.USD, "$0.9999 of $1.00"),
        (2_104_511, 2_000_000, Unit.TOKENS, "2.1M of 2M tokens"),
        (1_999_999, 2_000_000, Unit.TOKENS, "1,999,999 of 2,000,000 tokens"),
        (12_001, 12_000, Unit.REQUESTS, "12,001 of 12,000 requests"),
    ],
)
def test_what_is_just_below_a_limit_never_reads_as_the_limit(measured: int, limit: int, unit: Unit, text: str) -> None:
    assert amount_of(measured, limit, unit) == text


@settings(deadline=None)
@given(
    st.integers(min_value=0, max_value=10**17),
    st.one_of(st.integers(min_value=-(10**7), max_value=10**7), st.integers(min_value=-(10**13), max_value=10**13)),
    st.sampled_from(list(Unit)),
)
def test_two_different_amounts_never_look_alike(limit: int, difference: int, unit: Unit) -> None:
    measured = max(limit + difference, 0)
    word = "per request" if unit is Unit.USD_PER_REQUEST else unit.value
    shown, _, line = amount_of(measured, limit, unit).removesuffix(f" {word}").partition(" of ")
    assert (shown == line) is (measured == limit)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (Fraction(4, 5), "80 %"),
        (Fraction(2), "200 %"),
        (Fraction(1, 3), "33.3 %"),
        (Fraction(9999, 10000), "99.9 %"),
        (Fraction(0), "0 %"),
    ],
)
def test_a_share_is_rounded_down_so_that_nothing_below_a_line_reads_as_having_reached_it(
    share: Fraction, text: str
) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(Fraction(2160, 905), "2.4x"), (Fraction(2), "2x"), (Fraction(99, 10), "9.9x"), (Fraction(1234, 100), "12x")],
)
def test_multiples_read_short(value: Fraction, text: str) -> None:
    assert multiple(value) == text


@pytest.mark.parametrize(
    ("span_ms", "text"),
    [
        (-5, "0 s"),
        (40_000, "40 s"),
        (16 * 60_000, "16 min"),
        (438 * 60_000, "7 h 18 min"),
        (367 * 60_000, "6 h 07 min"),
        (47 * 3_600_000, "47 h 00 min"),
        (196 * 3_600_000, "8 d 4 h"),
        (48 * 3_600_000, "2 d"),
    ],
)
def test_durations_read_in_two_units(span_ms: int, text: str) -> None:
    assert duration(span_ms) == text


@pytest.mark.parametrize(
    ("low", "high", "unit", "text"),
    [
        (71_200_000_000_000, 79_100_000_000_000, Unit.USD, "$71 – $79"),
        (1_200_500_000_000_000, 1_300_000_000_000_000, Unit.USD, "$1,200 – $1,300"),
        (7_210_000_000_000, 12_600_000_000_000, Unit.USD, "$7.21 – $13"),
        (50_100_000_000_000, 50_300_000_000_000, Unit.USD, "about $50"),
        (1_900_000, 2_400_000, Unit.TOKENS, "1.9M – 2.4M tokens"),
        (800, 800, Unit.REQUESTS, "about 800 requests"),
    ],
)
def test_a_range_is_as_rough_as_a_guess(low: int, high: int, unit: Unit, text: str) -> None:
    assert rough_span(low, high, unit) == text

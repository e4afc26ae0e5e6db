"""Money is exact from the JSON double to the SQL sum, and reads the way people write it."""

import json
import sqlite3
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fusewatch.domain.money import (
    PICO_PER_USD,
    Usd,
    format_usd,
    join,
    pico_from_json,
    pico_to_decimal,
    pico_to_float,
    split,
    usd_json,
)

INT64_MAX = 2**63 - 1
DOUBLE_ENDS_PICO = 8192 * PICO_PER_USD

any_pico = st.integers(-(10**30), 10**30)
int64_pico = st.integers(-INT64_MAX, INT64_MAX)


def twelve_decimals(pico: int) -> str:
    """The amount as Langfuse's Decimal(18, 12) prints it; written apart from the code under test."""
    digits = str(abs(pico)).rjust(13, "0")
    return f"{'-' if pico < 0 else ''}{digits[:-12]}.{digits[-12:]}"


# In from JSON


@given(st.integers(-DOUBLE_ENDS_PICO + 1, DOUBLE_ENDS_PICO - 1))
@example(DOUBLE_ENDS_PICO - 1)
@example(2048 * PICO_PER_USD)
@example(2048 * PICO_PER_USD - 1)
@example(-2048 * PICO_PER_USD - 1)
@example(1)
@example(53)
def test_a_cost_with_twelve_decimals_below_8192_dollars_survives_json_exactly(pico: int) -> None:
    assert pico_from_json(json.loads(twelve_decimals(pico))) == pico


@given(st.integers(2047 * PICO_PER_USD, DOUBLE_ENDS_PICO - 1))
def test_a_large_cost_survives_json_exactly(pico: int) -> None:
    assert pico_from_json(json.loads(twelve_decimals(pico))) == pico


@given(st.floats(min_value=8192, allow_infinity=False))
@example(1.7976931348623157e308)
def test_beyond_what_a_double_resolves_the_result_is_the_nearest_picodollar_of_the_shortest_decimal(
    value: float,
) -> None:
    assert pico_from_json(value) == round(Fraction(repr(value)) * PICO_PER_USD)


@given(st.integers())
def test_a_json_integer_is_whole_dollars_at_any_size(dollars: int) -> None:
    assert pico_from_json(dollars) == dollars * PICO_PER_USD


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_no_money(value: float) -> None:
    with pytest.raises(ValueError, match="not an amount of money"):
        pico_from_json(value)


# Usd


def test_a_float_is_refused_with_the_two_right_ways() -> None:
    with pytest.raises(TypeError, match=r'not 0\.1: use Usd\.parse\("0\.10"\).*Usd\(pico_from_json\(0\.1\)\)'):
        Usd(0.1)  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize("value", [1.0, True, "5", Decimal(5), None])
def test_only_an_int_counts_picodollars(value: object) -> None:
    with pytest.raises(TypeError, match="whole picodollars"):
        Usd(value)  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize(
    ("text", "pico"),
    [
        ("$50", 50 * PICO_PER_USD),
        ("50", 50 * PICO_PER_USD),
        ("  $50 ", 50 * PICO_PER_USD),
        ("50 USD", 50 * PICO_PER_USD),
        ("50usd", 50 * PICO_PER_USD),
        ("USD 50", 50 * PICO_PER_USD),
        ("US$50", 50 * PICO_PER_USD),
        ("$1,250.50", 1250_500_000_000_000),
        ("$1,000,000", 1_000_000 * PICO_PER_USD),
        ("1250.5", 1250_500_000_000_000),
        ("007", 7 * PICO_PER_USD),
        ("$0", 0),
        ("$.25", 250_000_000_000),
        ("$0.000053", 53_000_000),
        ("0.000000000001", 1),
        ("$999,999,999,999.999999999999", 10**24 - 1),
    ],
)
def test_an_amount_reads_the_way_people_write_it(text: str, pico: int) -> None:
    assert Usd.parse(text).pico == pico


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("€5", "only USD is supported"),
        ("5 €", "only USD is supported"),
        ("£5", "only USD is supported"),
        ("5 EUR", "only USD is supported"),
        ("eur 5", "only USD is supported"),
        ("C$5", "only USD is supported"),
        ("CHF5.00", "only USD is supported"),
        ("-5", "is negative"),
        ("$-5", "is negative"),
        ("-$5", "is negative"),
        ("−$5", "is negative"),
        ("", "an amount is missing"),
        ("   ", "an amount is missing"),
        ("nan", "is not an amount"),
        ("inf", "is not an amount"),
        ("$", "is not an amount"),
        ("USD", "is not an amount"),
        (".", "is not an amount"),
        ("5.", "is not an amount"),
        ("1e3", "is not an amount"),
        ("1_000", "is not an amount"),
        ("$1,25", "is not an amount"),
        ("$12,50.00", "is not an amount"),
        ("1.250,50", "is not an amount"),
        ("5 dollars", "is not an amount"),
        ("5 $", "is not an amount"),
        ("5\n6", "is not an amount"),
        ("٥", "is not an amount"),
        ("0.0000000000001", "has 13 decimals; at most 12"),
        ("1,000,000,000,000", "stays below"),
        ("9" * 5000, "stays below"),
    ],
)
def test_what_is_no_amount_in_dollars_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Usd.parse(text)


@given(st.integers(0, 10**24 - 1))
def test_every_amount_reads_back_exactly_from_its_plain_decimal(pico: int) -> None:
    assert Usd.parse(usd_json(pico)) == Usd.parse(twelve_decimals(pico)) == Usd(pico)


@given(any_pico, any_pico, st.integers(-1000, 1000))
def test_amounts_add_subtract_scale_and_compare_as_their_picodollars(a: int, b: int, factor: int) -> None:
    assert (Usd(a) + Usd(b)).pico == a + b
    assert (Usd(a) - Usd(b)).pico == a - b
    assert (-Usd(a)).pico == -a
    assert (Usd(a) * factor).pico == (factor * Usd(a)).pico == a * factor
    assert (Usd(a) < Usd(b)) == (a < b)
    assert (Usd(a) >= Usd(b)) == (a >= b)
    assert (Usd(a) == Usd(b)) == (a == b)


def test_money_never_mixes_with_bare_numbers() -> None:
    with pytest.raises(TypeError):
        Usd(5) + 5  # type: ignore[operator]  # the mistake
    with pytest.raises(TypeError):
        Usd(5) - 5  # type: ignore[operator]  # the mistake
    with pytest.raises(TypeError):
        Usd(5) * 0.5  # type: ignore[operator]  # the mistake
    with pytest.raises(TypeError):
        Usd(5) * True
    with pytest.raises(TypeError):
        assert Usd(5) > 4  # type: ignore[operator]  # the mistake
    bare: object = 5
    assert Usd(5) != bare


# Out to SQL


@given(int64_pico)
@example(-1)
@example(-1_000_000)
@example(-1_000_001)
def test_split_cuts_exactly_as_sql_does(pico: int) -> None:
    connection = sqlite3.connect(":memory:")
    in_sql = connection.execute("SELECT ? / 1000000, ? % 1000000", (pico, pico)).fetchone()
    connection.close()
    assert split(pico) == in_sql


@given(any_pico)
def test_join_gives_back_what_split_cut(pico: int) -> None:
    hi, lo = split(pico)
    assert join(hi, lo) == pico
    assert abs(lo) < 1_000_000
    assert hi * pico >= 0
    assert lo * pico >= 0


@given(st.lists(any_pico))
def test_sums_of_both_parts_join_to_the_sum(amounts: list[int]) -> None:
    parts = [split(pico) for pico in amounts]
    assert join(sum(hi for hi, _ in parts), sum(lo for _, lo in parts)) == sum(amounts)


def test_twenty_million_dollars_sum_exactly_in_sql_where_one_sum_overflows() -> None:
    costs = [8191_999_999_999_999 + nth for nth in range(2442)]
    assert sum(costs) > 20_000_000 * PICO_PER_USD > INT64_MAX
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE cost (pico INTEGER NOT NULL)")
    connection.executemany("INSERT INTO cost VALUES (?)", [(pico,) for pico in costs])
    with pytest.raises(sqlite3.OperationalError, match="integer overflow"):
        connection.execute("SELECT SUM(pico) FROM cost").fetchone()
    hi, lo = connection.execute("SELECT SUM(pico / 1000000), SUM(pico % 1000000) FROM cost").fetchone()
    connection.close()
    assert join(hi, lo) == sum(costs)


# Out to people and programs


@pytest.mark.parametrize(
    ("pico", "text"),
    [
        (0, "$0"),
        (50_310_000_000_000, "$50.31"),
        (8912_440_000_000_000, "$8,912.44"),
        (50 * PICO_PER_USD, "$50.00"),
        (1_234_567 * PICO_PER_USD, "$1,234,567.00"),
        (PICO_PER_USD, "$1.00"),
        (53_000_000_000, "$0.053"),
        (53_000_000, "$0.000053"),
        (500_000_000_000, "$0.50"),
        (50_000_000_000, "$0.050"),
        (123_456_789_012, "$0.12"),
        (12, "$0.000000000012"),
        (1, "$0.000000000001"),
        # a rounding that carries keeps two digits, and reads as dollars once it reaches one
        (99_600_000_000, "$0.10"),
        (996, "$0.0000000010"),
        (994_999_999_999, "$0.99"),
        (996_000_000_000, "$1.00"),
        (999_999_999_999, "$1.00"),
        (1999_995_000_000_000, "$2,000.00"),
        # ties go to the even digit
        (125_000_000_000, "$0.12"),
        (135_000_000_000, "$0.14"),
        (1_125_000_000_000, "$1.12"),
        (1_135_000_000_000, "$1.14"),
        # the sign is a minus, not a hyphen
        (-4_100_000_000_000, "−$4.10"),
        (-53_000_000_000, "−$0.053"),
        (-996_000_000_000, "−$1.00"),
    ],
)
def test_money_is_shown_to_the_cent_from_a_dollar_up_and_to_two_digits_below(pico: int, text: str) -> None:
    assert format_usd(pico) == text
    assert str(Usd(pico)) == text


@given(st.integers(-100 * PICO_PER_USD, 100 * PICO_PER_USD) | any_pico | st.integers(-10_000, 10_000))
def test_what_is_shown_is_off_by_at_most_half_of_its_last_digit(pico: int) -> None:
    shown = Decimal(format_usd(pico).replace("−", "-").replace("$", "").replace(",", ""))
    exponent = shown.as_tuple().exponent
    assert isinstance(exponent, int)
    assert abs(Fraction(shown) - Fraction(pico, PICO_PER_USD)) <= Fraction(10) ** exponent / 2
    if 10 <= abs(pico) < PICO_PER_USD and abs(shown) < 1:
        assert len(shown.as_tuple().digits) == 2


@given(any_pico)
def test_programs_get_the_exact_amount_and_gauges_the_nearest_double(pico: int) -> None:
    exact = Fraction(pico, PICO_PER_USD)
    assert Fraction(pico_to_decimal(pico)) == exact
    assert Fraction(usd_json(pico)) == exact
    assert json.loads(usd_json(pico)) == pytest.approx(float(exact))
    assert pico_to_float(pico) == float(exact)


def test_a_plain_decimal_has_no_exponent_and_no_idle_zeros() -> None:
    cases = {0: "0", 1: "0.000000000001", 50_310_000_000_000: "50.31", 50 * PICO_PER_USD: "50", -1: "-0.000000000001"}
    assert {pico: usd_json(pico) for pico in cases} == cases

"""Estimates: a pure function of model, tokens, Langfuse's own cost and the price book, exact and rounded once."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.prices import NO_PRICES, ModelPrices, Price, PriceBook, Tier, UsageCondition
from fusewatch.domain.usage import TOKEN_TYPES, Pricing, Tokens

DOLLAR = 10**12
MILLION = Fraction(1, 1_000_000)

prices = st.dictionaries(st.sampled_from(TOKEN_TYPES), st.decimals(0, 1000, places=6), min_size=1)
counts = st.dictionaries(st.sampled_from(TOKEN_TYPES), st.integers(1, 10**7))


def tokens_of(used: dict[str, int]) -> Tokens:
    return Tokens(**used)._replace(total=sum(used.values()))


def book_of(stated: dict[str, Decimal], match: str = "^m") -> PriceBook:
    """Prices per million."""
    return PriceBook([Price(match, tuple((name, Fraction(usd) * MILLION) for name, usd in stated.items()))])


def model(name: str, *tiers: Tier, pattern: str = "", managed: bool = True, start_ms: int | None = None) -> ModelPrices:
    return ModelPrices(name, pattern or f"(?i)^({name})$", managed, start_ms, tiers)


def tier(*conditions: UsageCondition, **per_million: str) -> Tier:
    return Tier(tuple((key, Fraction(usd) * MILLION) for key, usd in per_million.items()), conditions)


def of(book: PriceBook, name: str, tokens: Tokens, pricing: Pricing = Pricing.UNPRICED, cost: int = 0) -> int | None:
    return book.estimate(name, tokens, pricing, cost)


@given(prices, counts)
def test_a_call_is_estimated_to_the_picodollar_where_every_used_type_has_a_price(
    stated: dict[str, Decimal], used: dict[str, int]
) -> None:
    found = of(book_of(stated), "m", tokens_of(used))
    if not used or not used.keys() <= stated.keys():
        assert found is None
        return
    exact = sum((count * stated[name] for name, count in used.items()), Decimal(0)) * 1_000_000
    assert found == int(exact.to_integral_value(ROUND_HALF_EVEN))


@given(prices, counts, st.integers(-(10**13), 10**14))
def test_of_a_partly_priced_call_only_what_is_missing_is_estimated_and_never_less_than_nothing(
    stated: dict[str, Decimal], used: dict[str, int], cost: int
) -> None:
    book, tokens = book_of(stated), tokens_of(used)
    whole = of(book, "m", tokens)
    partly = of(book, "m", tokens, Pricing.PARTLY, cost)
    assert partly == (None if whole is None else max(0, whole - cost))
    assert of(book, "m", tokens, Pricing.PRICED, cost) is None


def test_the_largest_call_at_the_largest_price_still_fits_the_ledger() -> None:
    book = PriceBook([Price("", (("input", Fraction(10**6)),))])
    assert of(book, "m", Tokens(input=2**53 - 1, total=2**53 - 1)) == 9 * 10**18


def test_an_unknown_model_and_usage_known_as_a_total_only_are_not_estimated() -> None:
    book = book_of({"input": Decimal(1)})
    assert of(book, "other", Tokens(input=1, total=1)) is None
    assert of(book, "m", Tokens(total=500)) is None
    assert of(NO_PRICES, "m", Tokens(input=1, total=1)) is None


def test_a_price_of_zero_is_a_price() -> None:
    assert of(book_of({"input": Decimal(0)}), "m", Tokens(input=5, total=5)) == 0


def test_a_model_priced_by_its_total_costs_its_total() -> None:
    book = PriceBook((), [model("embed", tier(total="0.02"))])
    assert of(book, "embed", Tokens(input=1_000_000, total=1_000_000)) == DOLLAR // 50


def test_the_first_entry_that_matches_decides_those_of_the_file_before_the_projects_before_langfuses() -> None:
    file = [Price("^gpt-4o$", (("input", 9 * MILLION),)), Price("^gpt", (("input", 8 * MILLION),))]
    models = [
        model("gpt-4o", tier(input="1")),
        model("claude", tier(input="1")),
        model("claude", tier(input="2"), start_ms=1),
        model("claude", tier(input="3"), start_ms=2),
        model("own", tier(input="4"), start_ms=9),
        model("own", tier(input="5"), managed=False),
    ]
    used = Tokens(input=1_000_000, total=1_000_000)
    found = {name: of(PriceBook(file, models), name, used) for name in ("gpt-4o", "gpt-5", "claude", "own")}
    assert found == {"gpt-4o": 9 * DOLLAR, "gpt-5": 8 * DOLLAR, "claude": 3 * DOLLAR, "own": 5 * DOLLAR}


LARGE = UsageCondition("(input|prompt|cached)", "gt", Fraction(200_000))
GEMINI = model(
    "gemini-2.5-pro",
    tier(LARGE, input="2.5", promptTokenCount="2.5", input_cached_tokens="0.25", output="15", thoughtsTokenCount="15"),
    tier(input="1.25", promptTokenCount="1.25", input_cached_tokens="0.125", output="10", thoughtsTokenCount="10"),
)


@pytest.mark.parametrize(
    ("used", "usd"),
    [
        ({"input": 200_000}, "0.25"),
        ({"input": 200_001}, "0.5000025"),
        ({"input": 100_000, "cache_read": 100_000}, "0.1375"),
        ({"input": 100_000, "cache_read": 100_001}, "0.27500025"),
        ({"input": 100_000, "output": 900_000}, "9.125"),
        ({"input": 1_000, "reasoning": 1_000}, "0.01125"),
    ],
)
def test_the_tier_follows_the_tokens_of_the_keys_that_its_condition_names(used: dict[str, int], usd: str) -> None:
    assert of(PriceBook((), [GEMINI]), "gemini-2.5-pro", tokens_of(used)) == int(Decimal(usd) * DOLLAR)


@pytest.mark.parametrize(
    ("operator", "holds"),
    [
        ("gt", [False, False, True]),
        ("gte", [False, True, True]),
        ("lt", [True, False, False]),
        ("lte", [True, True, False]),
        ("eq", [False, True, False]),
        ("neq", [True, False, True]),
    ],
)
def test_each_operator_compares_as_its_name_says(operator: str, holds: list[bool]) -> None:
    condition = UsageCondition("^INPUT", operator, Fraction(10))
    book = PriceBook((), [model("m", tier(condition, input="2"), tier(input="1"))])
    found = [of(book, "m", Tokens(input=n, total=n)) == 2_000_000 * n for n in (9, 10, 11)]
    assert found == holds


def test_a_condition_that_minds_case_minds_it() -> None:
    condition = UsageCondition("^INPUT", "gt", Fraction(0), case_sensitive=True)
    book = PriceBook((), [model("m", tier(condition, input="2"), tier(input="1"))])
    assert of(book, "m", Tokens(input=10, total=10)) == 10_000_000


def test_of_several_keys_of_one_type_the_usual_one_gives_the_price_else_the_dearest() -> None:
    claude = tier(
        input="5", cache_creation_input_tokens="6.25", input_cache_creation_1h="10", input_audio="4", output_audio="40"
    )
    book = PriceBook((), [model("claude", claude)])
    assert of(book, "claude", Tokens(cache_write=1_000_000, total=1_000_000)) == 6_250_000_000_000
    assert of(book, "claude", Tokens(audio=1_000_000, total=1_000_000)) == 40 * DOLLAR


def test_what_is_no_token_is_not_priced_by_langfuses_list() -> None:
    book = PriceBook((), [model("m", tier(input="1", web_search_queries="14000"))])
    assert of(book, "m", Tokens(input=1, other=1, total=2)) is None


def test_a_model_whose_pattern_cannot_be_used_is_skipped_and_named_and_the_others_stay() -> None:
    bad = [model("slow", tier(input="1"), pattern="(a+)+$"), model("broken", tier(input="1"), pattern="[")]
    odd = model("odd", tier(UsageCondition("x", "about", Fraction(1)), input="1"))
    book = PriceBook((), [*bad, odd, model("m", tier(input="1"))])
    assert sorted(book.skipped) == ["broken", "odd", "slow"]
    assert of(book, "m", Tokens(input=1, total=1)) == 1_000_000


def test_a_call_without_a_models_name_is_none_of_langfuses_models() -> None:
    everything = model("all", tier(input="1"), pattern=".")
    assert of(PriceBook((), [everything]), "unknown", Tokens(input=1, total=1)) is None
    assert of(PriceBook([Price(".", (("input", MILLION),))]), "unknown", Tokens(input=1, total=1)) == 1_000_000


def test_the_revision_follows_the_content_and_nothing_else() -> None:
    first, second = model("a", tier(input="1")), model("a", tier(input="2"))
    file = Price("a", (("input", MILLION),))
    revisions = {PriceBook(*parts).revision for parts in [((), ()), ((file,), ()), ((), (first,)), ((), (second,))]}
    assert len(revisions) == 4
    assert PriceBook([file], [first]).revision == PriceBook((file,), (first,)).revision

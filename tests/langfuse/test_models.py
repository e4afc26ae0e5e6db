"""Langfuse's price list: read page by page, exactly, and what it makes of calls that Langfuse priced itself."""

from fractions import Fraction

import httpx
import pytest

from fusewatch.domain.attribution import Resolver
from fusewatch.domain.merge import generation_of
from fusewatch.domain.prices import PriceBook, Tier, UsageCondition
from fusewatch.domain.rules import DEFAULT_ATTRIBUTION
from fusewatch.domain.usage import Generation, Pricing, Tokens
from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.ports import ModelList, Span
from tests.langfuse.asking import Reading, observations, read_all, reading, recording, run
from tests.langfuse.servers import answer

TRUNCATED_PICO = 8
"""Langfuse cuts the cost of each usage key at a picodollar, and its doubles are off by less."""


def recorded(request: httpx.Request) -> httpx.Response:
    assert request.url.path == "/api/public/models"
    assert request.url.params["limit"] == "100"
    return recording({"1": "models_list", "2": "models_list_page2"}[request.url.params["page"]])


def models_of(told_by: Reading) -> ModelList:
    return run(told_by.source.models())


def one(**fields: object) -> Reading:
    """A server with a single model."""
    row = {"modelName": "m", "matchPattern": "^m$", "isLangfuseManaged": False, **fields}
    return reading(lambda _: answer({"data": [row], "meta": {"totalPages": 1}}))


def test_the_recorded_list_is_read_whole_in_one_request_for_each_hundred() -> None:
    told_by = reading(recorded)
    found = models_of(told_by)
    assert (len(found.models), found.skipped) == (175, ())
    assert told_by.endpoints() == ["models", "models"]
    assert PriceBook((), found.models).skipped == ()
    model = next(model for model in found.models if model.name == "gpt-4o")
    assert model.managed
    assert dict(model.tiers[-1].prices)["input"] == Fraction(25, 10_000_000)


def test_tiers_over_usage_come_before_the_default_and_those_over_parameters_are_left_out() -> None:
    models = {model.name: model for model in models_of(reading(recorded)).models}
    large, default = models["gemini-2.5-pro"].tiers
    assert large.conditions == (UsageCondition("(input|prompt|cached)", "gt", Fraction(200_000)),)
    assert default.conditions == ()
    assert [tier.conditions for tier in models["gpt-4.1-mini-2025-04-14"].tiers] == [()]


def test_what_langfuse_priced_itself_is_estimated_at_the_very_same_cost() -> None:
    book = PriceBook((), models_of(reading(recorded)).models)
    compared = 0
    for call in recorded_calls():
        found = book.estimate(call.dimensions.model, call.tokens, Pricing.UNPRICED, 0)
        if found is not None:
            assert abs(found - call.cost_pico) <= TRUNCATED_PICO, call
            compared += 1
    assert compared == 98


def recorded_calls() -> list[Generation]:
    """All calls of the recorded project, three pages of it."""
    pages = iter(["page1", "page2", "page3"])
    walked = read_all(reading(lambda _: recording(f"v2_observations_cursor_l50_{next(pages)}")).source, Span(0, 2**42))
    resolver = Resolver(DEFAULT_ATTRIBUTION)
    return [g for o in observations(walked) if (g := generation_of(o, resolver)) is not None]


def test_an_older_server_without_tiers_or_usage_keys_is_read_too() -> None:
    assert models_of(one(prices={"input": {"price": 2e-06}})).models[0].tiers == (
        Tier((("input", Fraction(1, 500_000)),)),
    )
    (plain,) = models_of(one(inputPrice=0.001, outputPrice="0.002", totalPrice=None)).models
    assert plain.tiers == (Tier((("input", Fraction(1, 1000)), ("output", Fraction(1, 500)))),)


def test_a_model_without_any_price_prices_nothing() -> None:
    (found,) = models_of(one()).models
    assert PriceBook((), [found]).estimate("m", Tokens(input=1, total=1), Pricing.UNPRICED, 0) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"matchPattern": None},
        {"prices": {"input": {"price": -1}}},
        {"prices": {"input": {"price": "dear"}}},
        {"startDate": "yesterday"},
        {"pricingTiers": [{"prices": {"input": 1}, "conditions": [{"usageDetailPattern": "x", "operator": "about"}]}]},
        {"pricingTiers": [{"prices": {"input": 1}, "conditions": [{"usageDetailPattern": "x", "operator": "gt"}]}]},
        {"pricingTiers": "many"},
    ],
)
def test_a_malformed_model_is_left_out_and_named(fields: dict[str, object]) -> None:
    found = models_of(one(**fields))
    assert (found.models, found.skipped) == ((), ("m",))


def test_a_list_that_never_ends_is_given_up_after_fifty_pages() -> None:
    told_by = reading(lambda _: answer({"data": [], "meta": {"totalPages": 10**9}}))
    models_of(told_by)
    assert len(told_by.requests) == 50


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (recording("auth_bad_secret_projects"), Permanent),
        (httpx.Response(503, json={"message": "Service Unavailable"}), Retryable),
        (httpx.Response(200, json={"data": 3}), Retryable),
        (httpx.Response(200, text="<!DOCTYPE html>"), Retryable),
    ],
)
def test_a_list_that_cannot_be_read_is_an_error_that_says_what_to_do(
    response: httpx.Response, kind: type[FusewatchError]
) -> None:
    with pytest.raises(kind):
        models_of(reading(lambda _: response))

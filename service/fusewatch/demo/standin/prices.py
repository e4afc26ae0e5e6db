"""The stand-in's price list: a few models of Langfuse's own list, and what a call costs by it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from fusewatch.demo.standin.model import dollars
from fusewatch.demo.standin.wire import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fusewatch.demo.standin.wire import JsonValue

_CLAUDE_PRICES: Final = {
    "input": "3e-6",
    "input_tokens": "3e-6",
    "output": "1.5e-5",
    "output_tokens": "1.5e-5",
    "cache_creation_input_tokens": "3.75e-6",
    "cache_read_input_tokens": "3e-7",
    "input_cached_tokens": "3e-7",
    "input_cache_read": "3e-7",
}


@dataclass(frozen=True, slots=True)
class PricedModel:
    """One entry of `/api/public/models`. `prices` are US dollars per token by exact usage key; those of `large_tier`
    hold for more input tokens than it says. A model that is not `managed` is the project's own."""

    id: str
    name: str
    pattern: str
    created: str
    prices: Mapping[str, Decimal]
    tokenizer: str | None
    unit: str | None = "TOKENS"
    tokenizer_config: Mapping[str, str | int] | None = None
    fast_tier: tuple[str, Mapping[str, Decimal]] | None = None
    large_tier: tuple[str, int, Mapping[str, Decimal]] | None = None
    managed: bool = True

    @property
    def default_tier_id(self) -> str:
        return f"{self.id}_tier_default"

    def price(self, key: str) -> Decimal | None:
        return self.prices.get(key)

    def row(self) -> dict[str, JsonValue]:
        tiers: list[JsonValue] = [_tier(self.default_tier_id, "Standard", self.prices, priority=0)]
        if self.fast_tier is not None:
            tier_id, prices = self.fast_tier
            tiers.append(_tier(tier_id, "Fast mode", prices, priority=1))
        if self.large_tier is not None:
            tier_id, above, prices = self.large_tier
            tier = _tier(tier_id, "Large Context", prices, priority=1)
            condition: JsonValue = {
                "value": above,
                "operator": "gt",
                "caseSensitive": False,
                "usageDetailPattern": "(input|prompt|cached)",
            }
            tiers.append({**tier, "conditions": [condition]})
        return {
            "id": self.id,
            "createdAt": self.created,
            "modelName": self.name,
            "matchPattern": self.pattern,
            "startDate": None,
            "tokenizerId": self.tokenizer,
            "tokenizerConfig": dict(self.tokenizer_config) if self.tokenizer_config else None,
            "unit": self.unit,
            **{f"{key}Price": number_or_none(self.price(key)) for key in ("input", "output", "total")},
            "prices": {key: {"price": number(price)} for key, price in self.prices.items()},
            "isLangfuseManaged": self.managed,
            "pricingTiers": tiers,
        }


def number_or_none(value: Decimal | None) -> int | float | None:
    return None if value is None else number(value)


def _tier(tier_id: str, name: str, prices: Mapping[str, Decimal], *, priority: int) -> dict[str, JsonValue]:
    fast: list[JsonValue] = [
        {"key": "service_tier", "source": "model_parameters", "values": ["fast", "priority"], "operator": "in"}
    ]
    return {
        "id": tier_id,
        "name": name,
        "isDefault": priority == 0,
        "priority": priority,
        "conditions": fast if priority else [],
        "prices": {key: number(price) for key, price in prices.items()},
    }


def _exact(prices: Mapping[str, str]) -> dict[str, Decimal]:
    return {key: Decimal(price) for key, price in prices.items()}


def _openai_prices(plain: str, cached: str, output: str) -> dict[str, Decimal]:
    return _exact(
        {
            "input": plain,
            "input_cached_tokens": cached,
            "input_cache_read": cached,
            "output": output,
            "cache_read_input_tokens": cached,
        }
    )


def _gemini_prices(plain: str, cached: str, output: str) -> dict[str, Decimal]:
    keys = {
        plain: ("input", "input_text", "input_modality_1", "prompt_token_count", "promptTokenCount"),
        cached: ("input_cached_tokens", "cached_content_token_count"),
        output: (
            *("output", "output_text", "output_modality_1", "candidates_token_count", "candidatesTokenCount"),
            *("thoughtsTokenCount", "thoughts_token_count", "output_reasoning_tokens", "output_reasoning"),
        ),
    }
    return _exact({key: price for price, names in keys.items() for key in names})


_OPENAI_TOKENIZER: Final[Mapping[str, str | int]] = {
    "tokensPerName": 1,
    "tokenizerModel": "gpt-4o",
    "tokensPerMessage": 3,
}

MODELS: Final[tuple[PricedModel, ...]] = (
    PricedModel(
        id="cmazmkzlm00000djp1e1qe4k4",
        name="claude-sonnet-4-20250514",
        pattern="(?i)^(anthropic/)?(claude-sonnet-4(-20250514)?|claude-sonnet-4(@20250514)?)$",
        created="2025-05-22T17:09:02.131Z",
        prices=_exact(_CLAUDE_PRICES),
        tokenizer="claude",
        unit=None,
    ),
    PricedModel(
        id="c5qmrqolku82tra3vgdixmys",
        name="claude-sonnet-4-5-20250929",
        pattern="(?i)^(anthropic/)?(claude-sonnet-4-5(-20250929)?|claude-sonnet-4-5(@20250929)?)$",
        created="2025-09-29T00:00:00.000Z",
        prices=_exact(_CLAUDE_PRICES),
        tokenizer="claude",
        unit=None,
    ),
    PricedModel(
        id="b9854a5c92dc496b997d99d20",
        name="gpt-4o",
        pattern="(?i)^(openai/)?(gpt-4o)$",
        created="2026-11-22T13:59:30.320Z",
        prices=_openai_prices("2.5e-6", "1.25e-6", "1e-5"),
        tokenizer="openai",
        tokenizer_config=_OPENAI_TOKENIZER,
        fast_tier=("ba3b2121-9c68-4333-af3b-26f98fbab7ee", _openai_prices("4.25e-6", "2.125e-6", "1.7e-5")),
    ),
    PricedModel(
        id="clyrjp56f0000t0mzapoocd7u",
        name="gpt-4o-mini",
        pattern="(?i)^(openai/)?(gpt-4o-mini)$",
        created="2026-11-22T13:59:33.415Z",
        prices=_openai_prices("1.5e-7", "7.5e-8", "6e-7"),
        tokenizer="openai",
        tokenizer_config=_OPENAI_TOKENIZER,
        fast_tier=("6a318ead-09a7-49cd-9cfd-e3c799b3716a", _openai_prices("2.5e-7", "1.25e-7", "1e-6")),
    ),
    PricedModel(
        id="cmig1hb7i000104l72qrzgc6h",
        name="gemini-2.5-pro",
        pattern="(?i)^(google(ai)?/)?(gemini-2.5-pro)$",
        created="2025-11-26T13:27:53.545Z",
        prices=_gemini_prices("1.25e-6", "1.25e-7", "1e-5"),
        tokenizer=None,
        unit=None,
        large_tier=(
            "bcf39e8f-9969-455f-be9a-541a00256092",
            200_000,
            _gemini_prices("2.5e-6", "2.5e-7", "1.5e-5"),
        ),
    ),
    PricedModel(
        id="clruwn3pc00010al7bl611c8o",
        name="text-embedding-3-small",
        pattern="(?i)^(text-embedding-3-small)$",
        created="2026-11-22T13:59:27.065Z",
        prices=_exact({"total": "2e-8"}),
        tokenizer="openai",
        tokenizer_config={"tokenizerModel": "text-embedding-ada-002"},
    ),
)
_ALIASES: Final = {"claude-sonnet-4": "claude-sonnet-4-20250514", "claude-sonnet-4-5": "claude-sonnet-4-5-20250929"}
_BY_NAME: Final = {model.name: model for model in MODELS}


def priced_model(name: str) -> PricedModel | None:
    """The entry that prices calls of `name`, or None for a model the list does not know."""
    return _BY_NAME.get(_ALIASES.get(name, name))


def cost_of_call(model: str, usage: Mapping[str, int]) -> dict[str, Decimal]:
    """US dollars by usage key, only for keys that have a price of their own; empty for an unknown model.

    A model priced by `total` alone (embeddings) gets just `total`.
    """
    entry = priced_model(model)
    if entry is None:
        return {}
    counted = usage if "total" in usage else {**usage, "total": sum(usage.values())}
    return {key: dollars(tokens * entry.prices[key]) for key, tokens in counted.items() if key in entry.prices}


def cost_by(
    models: Sequence[PricedModel], model: str, usage: Mapping[str, int], parameters: Mapping[str, str | int | float]
) -> dict[str, Decimal]:
    """What Langfuse works out when a call comes in: US dollars by usage key; empty when no pattern of `models` matches.

    A project's own model goes before Langfuse's; the first tier whose condition holds has the prices.
    """
    for entry in sorted(models, key=lambda entry: entry.managed):
        if re.search(entry.pattern, model):
            break
    else:
        return {}
    prices = entry.prices
    if entry.fast_tier is not None and parameters.get("service_tier") in {"fast", "priority"}:
        prices = entry.fast_tier[1]
    elif entry.large_tier is not None:
        read = sum(tokens for key, tokens in usage.items() if re.search("input|prompt|cached", key))
        prices = entry.large_tier[2] if read > entry.large_tier[1] else prices
    counted = usage if "total" in usage else {**usage, "total": sum(usage.values())}
    return {key: dollars(tokens * prices[key]) for key, tokens in counted.items() if key in prices}

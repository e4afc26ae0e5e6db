"""Each usage key of Langfuse belongs to exactly one token type."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.usage import TOKEN_TYPES, Tokens
from fusewatch.domain.usage_keys import MOST_TOKENS, count_tokens, is_total, token_type

KEYS = {
    "input": "input input_tokens inputTokens prompt_tokens promptTokenCount prompt_token_count input_text"
    " input_text_tokens input_image input_modality_1 inputTokenCount toolUsePromptTokenCount INPUT_TOKENS",
    "output": "output output_tokens outputTokens completion_tokens candidatesTokenCount candidates_token_count"
    " output_text output_modality_1 output_accepted_prediction_tokens output_rejected_prediction_tokens"
    " outputTokenCount",
    "cache_read": "input_cached_tokens cache_read_input_tokens input_cache_read cached_content_token_count"
    " cachedContentTokenCount cacheReadInputTokens cacheReadInputTokenCount input_cached_text_tokens"
    " input_cached_audio_tokens",
    "cache_write": "cache_creation_input_tokens input_cache_creation input_cache_creation_5m input_cache_creation_1h"
    " cacheWriteInputTokens cacheWriteInputTokenCount cache_write_tokens ephemeral_5m_input_tokens",
    "reasoning": "output_reasoning output_reasoning_tokens reasoning_tokens reasoningTokens thoughts_token_count"
    " thoughtsTokenCount",
    "audio": "input_audio input_audio_tokens output_audio output_audio_tokens",
    "other": "web_search_queries webSearchQueries grounding_queries groundingQueries weird_units images",
}


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, keys in KEYS.items() for key in keys.split()])
def test_the_keys_of_the_providers_belong_to_their_type(kind: str, key: str) -> None:
    assert token_type(key) == kind
    assert not is_total(key)


@pytest.mark.parametrize("key", ["total", "total_tokens", "totalTokens", "totalTokenCount", "total_token_count"])
def test_a_total_is_no_type(key: str) -> None:
    assert is_total(key)
    assert count_tokens({"input": 3, key: 10}) == Tokens(input=3, total=10)


def test_every_key_that_langfuse_has_a_price_for_is_known() -> None:
    recorded = Path(__file__).parent.parent / "recorded"
    keys = {
        key
        for name in ("models_list.json", "models_list_page2.json")
        for model in json.loads((recorded / name).read_text())["body"]["data"]
        for key in model["prices"]
    }
    assert len(keys) > 30
    assert {key for key in keys if not is_total(key) and token_type(key) == "other"} == {
        "groundingQueries",
        "grounding_queries",
        "webSearchQueries",
        "web_search_queries",
    }


def test_langfuses_total_counts_and_not_the_sum() -> None:
    assert count_tokens({"input": 100, "output": 100, "output_reasoning_tokens": 50, "total": 250}) == Tokens(
        input=100, output=100, reasoning=50, total=250
    )
    assert count_tokens({"input": 1, "total": 7, "total_tokens": 9}).total == 7


def test_without_a_total_the_types_are_summed() -> None:
    assert count_tokens({"input": 1, "cache_read_input_tokens": 2, "input_cached_tokens": 3, "images": 4}) == Tokens(
        input=1, cache_read=5, other=4, total=10
    )
    assert count_tokens({}) == Tokens()


def test_a_count_that_no_ledger_holds_is_bounded() -> None:
    counted = count_tokens({f"input_{i}": 2**70 for i in range(2000)})
    assert counted.input == counted.total == MOST_TOKENS
    assert count_tokens({"input": -5, "output": 5}) == Tokens(output=5, total=5)


@given(st.text(max_size=30))
def test_every_key_has_exactly_one_type(key: str) -> None:
    assert token_type(key) in TOKEN_TYPES


@given(st.dictionaries(st.sampled_from(" ".join(KEYS.values()).split()), st.integers(0, 10**9)))
def test_no_token_is_counted_twice_or_lost_in_any_order(usage: dict[str, int]) -> None:
    counted = count_tokens(usage)
    assert sum(counted[:-1]) == counted.total == sum(usage.values())
    assert count_tokens(dict(reversed(usage.items()))) == counted

"""Every token is in one key: the keys of a call sum up to what the provider billed, and the daemon reads them so."""

from typing import Any

from anthropic.types import Usage as MessageUsage
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CompletionUsage
from openai.types.responses import ResponseUsage

from fusewatch.domain.usage_keys import count_tokens
from fusewatch.tagging import usage_of
from fusewatch.tagging.values import clean_value

COUNT = st.integers(0, 10**6)


@given(COUNT, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT)
def test_the_keys_of_a_chat_completion_sum_up_to_its_total_whatever_its_parts_say(
    read: int, made: int, cached: int, written: int, heard: int, thought: int, spoken: int
) -> None:
    usage = CompletionUsage.model_validate(
        {
            "prompt_tokens": read,
            "completion_tokens": made,
            "total_tokens": read + made,
            "prompt_tokens_details": {
                "cached_tokens": cached,
                "cache_write_tokens": written,
                "audio_tokens": heard,
            },
            "completion_tokens_details": {"reasoning_tokens": thought, "audio_tokens": spoken},
        }
    )
    found = usage_of({"object": "chat.completion", "model": "m", "usage": usage})
    assert found is not None
    assert found.total == read + made
    tokens = count_tokens(found.details)
    assert tokens.input + tokens.cache_read + tokens.cache_write + tokens.output + tokens.reasoning + tokens.audio == (
        read + made
    )
    assert tokens.cache_read == min(cached, read)
    assert tokens.reasoning == min(thought, made)
    assert (tokens.other, min(found.details.values())) == (0, min(found.details.values()))
    assert min(found.details.values()) >= 0


@given(COUNT, COUNT, COUNT, COUNT)
def test_the_keys_of_a_response_sum_up_to_its_total(read: int, made: int, cached: int, thought: int) -> None:
    usage = ResponseUsage.model_validate(
        {
            "input_tokens": read,
            "output_tokens": made,
            "total_tokens": read + made,
            "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": thought},
        }
    )
    found = usage_of({"object": "response", "model": "m", "usage": usage})
    assert found is not None
    assert found.total == read + made
    assert found.provider == "openai"


@given(COUNT, COUNT, COUNT, COUNT, COUNT, COUNT)
def test_the_keys_of_a_message_sum_up_to_what_anthropic_bills(
    read: int, made: int, cached: int, written: int, hourly: int, thought: int
) -> None:
    usage = MessageUsage.model_validate(
        {
            "input_tokens": read,
            "output_tokens": made,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": written,
            "cache_creation": {"ephemeral_1h_input_tokens": hourly, "ephemeral_5m_input_tokens": 0},
            "output_tokens_details": {"thinking_tokens": thought},
        }
    )
    found = usage_of({"type": "message", "model": "m", "usage": usage})
    assert found is not None
    tokens = count_tokens(found.details)
    assert (tokens.input, tokens.output, tokens.cache_read, tokens.cache_write) == (read, made, cached, written)
    assert found.total == tokens.total == read + made + cached + written
    assert found.reasoning == min(thought, made)


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["usage", "model", "type", "object", "response", "prompt_tokens", "input_tokens", "x"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_shape_of_an_answer_breaks_the_reading(answer: object) -> None:
    found = usage_of(answer)
    assert found is None or all(count >= 0 for count in found.details.values())


@given(st.text() | st.integers() | st.floats() | st.booleans())
def test_every_dimension_is_short_trimmed_and_can_be_encoded_or_left_out(value: object) -> None:
    text = clean_value("feature", value)
    if text is not None:
        assert 0 < len(text.encode().decode()) <= 200
        assert text == text.strip()

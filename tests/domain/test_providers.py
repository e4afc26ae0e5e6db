"""Who served a model, from its name."""

import pytest

from fusewatch.domain.providers import provider_named, provider_of_model
from fusewatch.domain.usage import UNKNOWN


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o-mini-2024-07-18", "openai"),
        ("chatgpt-4o-latest", "openai"),
        ("o1-preview", "openai"),
        ("o3", "openai"),
        ("o4-mini", "openai"),
        ("text-embedding-3-small", "openai"),
        ("ft:gpt-4o-mini:acme::abc", "openai"),
        ("claude-3-5-sonnet-20241022", "anthropic"),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", "anthropic"),
        ("gemini-1.5-pro", "google"),
        ("models/gemini-1.5-pro", "google"),
        ("mistral-large-latest", "mistral"),
        ("open-mixtral-8x7b", UNKNOWN),
        ("codestral-2405", "mistral"),
        ("command-r-plus", "cohere"),
        ("llama-3.1-70b", "meta"),
        ("Llama-3.1-70B-Instruct", "meta"),
        ("meta-llama/Llama-3-70b", "meta"),
        ("deepseek-chat", "deepseek"),
        ("grok-2", "xai"),
        ("qwen2.5-72b", "alibaba"),
        ("openai/gpt-4o", "openai"),
        ("openrouter/anthropic/claude-3", "openrouter"),
        ("azure/gpt-4o", "azure"),
        ("bedrock/anthropic.claude-3", "bedrock"),
        ("vertex_ai/gemini-pro", "google"),
        ("my-own-model", UNKNOWN),
        ("/gpt-4o", "openai"),
        ("", UNKNOWN),
        ("  ", UNKNOWN),
    ],
)
def test_a_models_name_gives_its_provider_away(model: str, provider: str) -> None:
    assert provider_of_model(model) == provider


def test_the_names_that_tracing_libraries_use_for_one_provider_are_one() -> None:
    assert {provider_named(name) for name in ("vertex_ai", "gcp.gemini", "Google_GenAI", "google")} == {"google"}

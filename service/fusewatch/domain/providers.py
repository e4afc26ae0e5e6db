"""Who served a model: what the tracing said, else what the model's name gives away."""

from collections.abc import Mapping

from fusewatch.domain.usage import UNKNOWN

PROVIDER_KEYS = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "ls_provider")
"""Metadata paths, first that yields wins: OpenTelemetry's new and old name, OpenInference's, LangChain's."""

_ALIASES: Mapping[str, str] = {
    "az.ai.openai": "azure",
    "az.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure_openai": "azure",
    "azure-openai": "azure",
    "aws.bedrock": "bedrock",
    "aws_bedrock": "bedrock",
    "amazon_bedrock": "bedrock",
    "amazon-bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "vertex_ai": "google",
    "vertexai": "google",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "meta-llama": "meta",
    "x_ai": "xai",
    "x-ai": "xai",
    "qwen": "alibaba",
    "dashscope": "alibaba",
    "deepseek-ai": "deepseek",
}

_FAMILIES: tuple[tuple[str, str], ...] = (
    ("gpt-", "openai"),
    ("chatgpt", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding", "openai"),
    ("davinci", "openai"),
    ("babbage", "openai"),
    ("whisper", "openai"),
    ("dall-e", "openai"),
    ("tts-", "openai"),
    ("claude", "anthropic"),
    ("gemini", "google"),
    ("gemma", "google"),
    ("mistral", "mistral"),
    ("mixtral", "mistral"),
    ("codestral", "mistral"),
    ("ministral", "mistral"),
    ("pixtral", "mistral"),
    ("command", "cohere"),
    ("embed-", "cohere"),
    ("rerank-", "cohere"),
    ("llama", "meta"),
    ("deepseek", "deepseek"),
    ("grok", "xai"),
    ("qwen", "alibaba"),
    ("nova-", "amazon"),
    ("titan-", "amazon"),
)
_NO_PROVIDERS = frozenset({"models", "model", "accounts", "publishers", "projects", "ft", "hf", "arn:aws:bedrock"})


def provider_named(label: str) -> str:
    """The provider that tracing named, in lower case, one name for each."""
    name = label.lower()
    return _ALIASES.get(name, name)


def provider_of_model(model: str) -> str:
    """`openai` of `openai/gpt-4o` or of `gpt-4o`, `anthropic` of `us.anthropic.claude-3-5-sonnet`; else `unknown`."""
    name = model.strip().lower()
    if not name:
        return UNKNOWN
    first, slash, _ = name.partition("/")
    if slash and first and first not in _NO_PROVIDERS:
        return provider_named(first)
    return _family_of(name)


def _family_of(name: str) -> str:
    """By the first part of the name that begins like a known family: `ft:gpt-4o:acme`, `anthropic.claude-3`."""
    for part in name.replace("/", ":").replace(".", ":").split(":"):
        for prefix, provider in _FAMILIES:
            if part.startswith(prefix):
                return provider
    return UNKNOWN

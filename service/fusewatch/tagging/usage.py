"""Tokens as a provider reported them, under keys of which no two count the same token.

OpenAI's `prompt_tokens` hold the cached and the audio tokens, its `completion_tokens` the reasoning; Anthropic's
`input_tokens` hold neither what was read from the cache nor what was written to it. Langfuse multiplies each key by
the price of that very key and sums them, so here every token is in one key, and the keys are those that Langfuse's
price lists know. Sources: the types of openai (`CompletionUsage`, `ResponseUsage`) and anthropic (`Usage`); the
`prices` of `GET /api/public/models`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Usage:
    """One call's tokens. `details` is what Langfuse stores: disjoint keys, whole numbers, no zeros but `input` and
    `output`; their sum is the provider's total.

    `reasoning` is told apart even where it is no key of its own: Anthropic bills thinking as output, and Langfuse
    has no price for it under another name.
    """

    provider: str
    model: str
    details: Mapping[str, int] = field(default_factory=dict)
    reasoning: int = 0
    embedding: bool = False
    tier: str = ""
    """How the provider says it served the call when that is not its standard way (`priority`, `flex`, `batch`): it
    decides which prices Langfuse takes."""

    @property
    def total(self) -> int:
        return sum(self.details.values())


def usage_of(response: object) -> Usage | None:
    """The usage in a response object of openai or anthropic, in the dict that it came from, or in a last chunk.

    Chat completions, responses, embeddings, messages and what streams end with are known; None for anything else and
    for a response without usage. Never raises on a strange shape: a count that is no whole number counts as absent.
    """
    inner = read(response, "response") if text_of(response, "type").startswith("response.") else None
    source = response if inner is None else inner
    usage = read(source, "usage")
    if usage is None:
        return None
    found = _read(source, usage, text_of(source, "model"))
    tier = _tier(text_of(source, "service_tier"))
    return replace(found, tier=tier) if found is not None and tier else found


def _read(source: object, usage: object, model: str) -> Usage | None:
    if read(usage, "prompt_tokens") is not None:
        return _openai_chat(usage, model, embedding=text_of(source, "object") == "list")
    if text_of(source, "object") == "response" or read(usage, "input_tokens_details") is not None:
        return _openai_response(usage, model)
    if read(usage, "input_tokens") is not None or read(usage, "output_tokens") is not None:
        return anthropic_usage(usage, model)
    return None


def _openai_chat(usage: object, model: str, *, embedding: bool) -> Usage:
    parts = read(usage, "prompt_tokens_details"), read(usage, "completion_tokens_details")
    return _openai(
        model,
        (_count(usage, "prompt_tokens"), _count(usage, "completion_tokens")),
        parts,
        embedding=embedding,
    )


def _openai_response(usage: object, model: str) -> Usage:
    parts = read(usage, "input_tokens_details"), read(usage, "output_tokens_details")
    return _openai(model, (_count(usage, "input_tokens"), _count(usage, "output_tokens")), parts)


def _openai(model: str, sides: tuple[int, int], parts: tuple[object, object], *, embedding: bool = False) -> Usage:
    """Takes the parts off each side, the cache first: a cached audio token is billed as cached."""
    given, made_of = parts
    plain_input, taken = _taken(
        sides[0],
        input_cached_tokens=_count(given, "cached_tokens"),
        input_cache_creation=_count(given, "cache_write_tokens"),
        input_audio_tokens=_count(given, "audio_tokens"),
    )
    plain_output, made = _taken(
        sides[1],
        output_reasoning_tokens=_count(made_of, "reasoning_tokens"),
        output_audio_tokens=_count(made_of, "audio_tokens"),
    )
    # Models for audio have prices for text and for audio, none for plain `input` and `output`.
    kind = "_text_tokens" if taken.get("input_audio_tokens") or made.get("output_audio_tokens") else ""
    details = {f"input{kind}": plain_input, **taken}
    if not embedding:
        details |= {f"output{kind}": plain_output, **made}
    return Usage("openai", model, details, made.get("output_reasoning_tokens", 0), embedding)


def _taken(whole: int, **parts: int) -> tuple[int, dict[str, int]]:
    """What remains of `whole` after its parts, in order; a part never takes more than is left."""
    taken: dict[str, int] = {}
    for key, count in parts.items():
        if part := min(count, whole):
            taken[key] = part
            whole -= part
    return whole, taken


def anthropic_usage(usage: object, model: str) -> Usage:
    """Anthropic's counts are disjoint already. Cache writes that live an hour cost more and have their own key."""
    written = _count(usage, "cache_creation_input_tokens")
    hourly = min(_count(read(usage, "cache_creation"), "ephemeral_1h_input_tokens"), written)
    details = {
        "input": _count(usage, "input_tokens"),
        "output": _count(usage, "output_tokens"),
        "cache_read_input_tokens": _count(usage, "cache_read_input_tokens"),
        "cache_creation_input_tokens": written - hourly,
        "input_cache_creation_1h": hourly,
    }
    thinking = min(_count(read(usage, "output_tokens_details"), "thinking_tokens"), details["output"])
    kept = {key: count for key, count in details.items() if count or key in {"input", "output"}}
    tier = "fast" if text_of(usage, "speed") == "fast" else _tier(text_of(usage, "service_tier"))
    return Usage("anthropic", model, kept, thinking, tier=tier)


def _tier(named: str) -> str:
    return "" if named in {"auto", "default", "standard"} else named


def read(holder: object, name: str) -> object:
    """A field of a response: an attribute of the provider's type, or a key of the dict it came from."""
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def text_of(holder: object, name: str) -> str:
    value = read(holder, name)
    return value if isinstance(value, str) else ""


def _count(holder: object, name: str) -> int:
    value = read(holder, name)
    return max(value, 0) if isinstance(value, int) and not isinstance(value, bool) else 0

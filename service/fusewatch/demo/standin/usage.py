"""The usage that an OTLP span reports, under the keys that Langfuse stores it with.

Langfuse takes OpenAI's own shapes apart (`prompt_tokens` holds the cached ones), keeps any other keys, and drops
counts that are negative or no whole numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_DETAILS: Final = "langfuse.observation.usage_details"
_GEN_AI: Final = "gen_ai.usage."
_GEN_AI_NAMES: Final = {
    "prompt_tokens": "input",
    "input_tokens": "input",
    "completion_tokens": "output",
    "output_tokens": "output",
    "total_tokens": "total",
}
_OPENAI: Final = (
    ("prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details"),
    ("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details"),
)


def usage_of(given: Mapping[str, object]) -> dict[str, int]:
    """Tokens by usage key; empty where the span reports none."""
    text = given.get(_DETAILS)
    if not isinstance(text, str):
        plain = {
            key.removeprefix(_GEN_AI): value
            for key, value in given.items()
            if key.startswith(_GEN_AI) and key != "gen_ai.usage.cost"
        }
        return _counts({_GEN_AI_NAMES.get(key, key): value for key, value in plain.items()})
    try:
        details = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}
    if not isinstance(details, dict):
        return {}
    for names in _OPENAI:
        if "total_tokens" in details and all(name in details for name in names[:2]):
            return _from_openai(details, *names)
    return _counts(details)


def _from_openai(
    details: Mapping[str, object], input_name: str, output_name: str, input_parts: str, output_parts: str
) -> dict[str, int]:
    """As Langfuse does it: every detail gets a key of its own and is taken off its side."""
    found: dict[str, object] = {}
    for side, name, parts_name in (("input", input_name, input_parts), ("output", output_name, output_parts)):
        parts = details.get(parts_name)
        counts = _counts(parts) if isinstance(parts, dict) else {}
        whole = details.get(name)
        plain = (whole if isinstance(whole, int) else 0) - sum(counts.values())
        found |= {f"{side}_{key}": count for key, count in counts.items()}
        found[side] = max(plain, 0)
    return _counts(found | {"total": details["total_tokens"]})


def _counts(details: Mapping[str, object]) -> dict[str, int]:
    return {
        key: value
        for key, value in details.items()
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0
    }

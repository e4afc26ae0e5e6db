"""Which token type a usage key of Langfuse belongs to, and the tokens of a call by type.

Langfuse passes on the keys that the SDKs and integrations send, so one thing has many names: OpenAI's
`input_cached_tokens`, Anthropic's `cache_read_input_tokens`, LangChain's `input_cache_read`, Gemini's
`cachedContentTokenCount`, Bedrock's `cacheReadInputTokenCount`. A key is judged by its words.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import cast

from fusewatch.domain.usage import TOKEN_TYPES, Tokens

MOST_TOKENS = 2**53 - 1
"""Above this a JSON number is no exact integer; it also keeps every count in 64 bits."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_TOTAL = frozenset({"total"})
_FILLERS = frozenset({"token", "tokens", "count", "usage", "units"})
_CACHE = frozenset({"cache", "cached", "caching", "cachewrite", "cacheread", "ephemeral"})
_WRITTEN = frozenset({"write", "written", "writes", "creation", "created", "create", "cachewrite", "ephemeral"})
_AUDIO = frozenset({"audio", "speech"})
_REASONING = frozenset({"reasoning", "thoughts", "thought", "thinking"})
_INPUT = frozenset({"input", "inputs", "prompt", "embedding", "embeddings", "query"})
_OUTPUT = frozenset(
    {"output", "outputs", "completion", "candidates", "generated", "generation", "response", "prediction"}
)

_TOTAL_PLACE = len(TOKEN_TYPES)
_IGNORED_PLACE = _TOTAL_PLACE + 1


_tokens = cast("Callable[[Iterable[int]], Tokens]", partial(tuple.__new__, Tokens))


def is_total(key: str) -> bool:
    """Whether the key is a sum of others (`total`, `total_tokens`, `totalTokenCount`) and so no type."""
    words = _words(key)
    return "total" in words and words <= _TOTAL | _FILLERS


def token_type(key: str) -> str:
    """The one of `TOKEN_TYPES` that `key` belongs to; `other` for what is no token kind we know.

    Cache goes before audio (cached audio is billed as cache), audio and reasoning before their side.
    """
    words = _words(key)
    if words & _CACHE:
        return "cache_write" if words & _WRITTEN else "cache_read"
    for name, kind in (("audio", _AUDIO), ("reasoning", _REASONING), ("input", _INPUT), ("output", _OUTPUT)):
        if words & kind:
            return name
    return "other"


def count_tokens(usage: Mapping[str, int]) -> Tokens:
    """Tokens by type; `total` is Langfuse's, or the sum of the types where it gives none.

    Each key counts once. Negative counts, which Langfuse drops itself, count as 0.
    """
    keys = tuple(usage)
    values: Iterable[int] = usage.values()
    if usage and (min(values) < 0 or max(values) > MOST_TOKENS):
        values = map(_bounded, values)
    elif (pick := _pick(keys)) is not None and values:
        found = Tokens._make(pick((*values, 0)))
        if found.total:
            return found
    counts = [0] * (_IGNORED_PLACE + 1)
    for place, count in zip(_places(keys), values, strict=False):
        counts[place] += count
    counts[_TOTAL_PLACE] = counts[_TOTAL_PLACE] or sum(counts[:_TOTAL_PLACE])
    del counts[_IGNORED_PLACE]
    return Tokens._make(counts if max(counts) <= MOST_TOKENS else map(_bounded, counts))


def count_all(usages: Sequence[Mapping[str, int]]) -> list[Tokens]:
    """`count_tokens` of each. Where all come in shapes with one key a type, their bounds are looked at by columns."""
    shapes = list(map(tuple, usages))
    picks = {shape: _pick(shape) for shape in set(shapes)}
    if not usages or None in picks.values():
        return list(map(count_tokens, usages))
    pick = cast("dict[tuple[str, ...], Callable[[tuple[int, ...]], tuple[int, ...]]]", picks)
    found = [pick[shape]((*usage.values(), 0)) for shape, usage in zip(shapes, usages, strict=True)]
    columns = tuple(zip(*found, strict=True))
    if min(map(min, columns)) < 0 or max(map(max, columns)) > MOST_TOKENS or 0 in columns[_TOTAL_PLACE]:
        return list(map(count_tokens, usages))
    return list(map(_tokens, found))


@lru_cache(maxsize=1024)
def _pick(keys: tuple[str, ...]) -> Callable[[tuple[int, ...]], tuple[int, ...]] | None:
    """Takes the counts of these keys, and a 0 behind them, in the order of `Tokens`; None where a type has several."""
    places = _places(keys)
    if len(set(places)) < len(places):
        return None
    return itemgetter(*(places.index(n) if n in places else len(keys) for n in range(_IGNORED_PLACE)))


@lru_cache(maxsize=1024)
def _places(keys: tuple[str, ...]) -> tuple[int, ...]:
    """The place in `Tokens` of each key; calls come in few shapes. Of several totals one counts."""
    totals = sorted(filter(is_total, keys), key=lambda key: (key != "total", key))
    return tuple(
        TOKEN_TYPES.index(token_type(key))
        if not is_total(key)
        else _TOTAL_PLACE
        if key == totals[0]
        else _IGNORED_PLACE
        for key in keys
    )


def _bounded(count: int) -> int:
    return min(max(count, 0), MOST_TOKENS)


def _words(key: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORDS.findall(key))

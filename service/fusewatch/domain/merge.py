"""From an observation to the ledger's generation, and which of several versions counts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import repeat
from operator import add
from struct import Struct
from typing import cast
from zlib import adler32, crc32

from fusewatch.domain.attribution import Attributed, Attributions, Resolver
from fusewatch.domain.money import EXACT_BELOW_USD, pico_from_json
from fusewatch.domain.usage import Dimensions, Generation, Observation, Pricing
from fusewatch.domain.usage_keys import count_all, count_tokens, is_total

LARGEST_COST_PICO = 9 * 10**18
"""$9,000,000, the largest whole million whose picodollars fit 64 bits; Langfuse caps a cost below $1,000,000."""

_USAGE = Observation._fields.index("usage")
_SEPARATOR = "\x1f"
_NUMBERS = Struct("<14q").pack
_HALF = 1 << 31
_MOST_CHECKS = 4_000
_checks: dict[int, tuple[Dimensions, tuple[int, int]]] = {}
"""By the identity of dimensions, which mostly are one object: a look by their twelve values costs ten times as much.
They are kept beside it: while they stand here, nothing else has their identity."""


_generation = cast("Callable[[Iterable[object]], Generation]", partial(tuple.__new__, Generation))
"""`Generation._make` without its call of Python code, which takes as long as all else that makes one."""


def generation_of(o: Observation, resolver: Resolver) -> Generation | None:
    """The ledger row of an observation, None when it was no call."""
    return call_of(o, resolver.resolve(o)) if is_call(o) else None


def is_call(o: Observation) -> bool:
    """Whether the observation carries usage or cost."""
    return bool(o.usage or o.cost or o.total_cost)


def call_of(o: Observation, attributed: Attributed) -> Generation:
    """The ledger row of a call, with its own dimensions."""
    dimensions, user, session = attributed
    usd = o.total_cost
    cost_pico = round(usd * 1e12) if 0 < usd < EXACT_BELOW_USD else cost_of(o)
    pricing = pricing_of(o)
    tokens = count_tokens(o.usage)
    trace_id, id_, start_ms, end_ms, updated_ms = o[:5]
    duration_ms = None if end_ms is None or end_ms < start_ms else end_ms - start_ms
    numbers = _NUMBERS(
        start_ms, updated_ms, cost_pico, pricing, *tokens, -1 if duration_ms is None else duration_ms, len(trace_id)
    )
    # Labels hold no control characters, so the separators behind the ids are unambiguous.
    text = f"{trace_id}{id_}\x1f{user}\x1f{session}".encode("utf-8", "surrogatepass")
    check, adler = _checks_of(dimensions)
    digest = (crc32(text, crc32(numbers, check)) - _HALF << 32) | adler32(text, adler32(numbers, adler))
    return Generation(
        trace_id,
        id_,
        start_ms,
        updated_ms,
        cost_pico,
        pricing,
        tokens,
        duration_ms,
        dimensions,
        user,
        session,
        digest,
    )


def calls_of(observations: Sequence[Observation], attributed: Attributions) -> list[Generation]:
    """`call_of` of each, by columns: what runs inside map and zip costs a third of a loop over the rows."""
    if not observations:
        return []
    dimensions, users, sessions = attributed
    traces, ids, starts, ends, updates, *_ = columns = tuple(zip(*observations, strict=True))
    usages, costs, totals = columns[_USAGE:]
    money = [
        round(usd * 1e12) if 0 < usd < EXACT_BELOW_USD else cost_of(o)
        for usd, o in zip(totals, observations, strict=True)
    ]
    pricing = _pricing_of_all(observations, usages, costs)
    tokens = count_all(usages)
    durations = [None if end is None or end < start else end - start for start, end in zip(starts, ends, strict=True)]
    lasted = [-1 if ms is None else ms for ms in durations] if None in durations else durations
    numbers = map(_NUMBERS, starts, updates, money, pricing, *zip(*tokens, strict=True), lasted, map(len, traces))
    texts = map(_SEPARATOR.join, zip(map(add, traces, ids), users, sessions, strict=True))
    content = list(map(add, numbers, map(str.encode, texts, repeat("utf-8"), repeat("surrogatepass"))))
    checks, adlers = zip(*map(_checks_of, dimensions), strict=True)
    digests = [
        (crc - _HALF << 32) | adler
        for crc, adler in zip(map(crc32, content, checks), map(adler32, content, adlers), strict=True)
    ]
    whole = zip(
        *(traces, ids, starts, updates, money, pricing, tokens, durations, dimensions, users, sessions, digests),
        strict=True,
    )
    return list(map(_generation, whole))


def _pricing_of_all(
    observations: Sequence[Observation], usages: Sequence[Mapping[str, int]], costs: Sequence[Mapping[str, float]]
) -> list[Pricing]:
    """`pricing_of` of each; most have a price for each of their keys, which their shape tells."""
    shapes = list(zip(map(tuple, usages), map(tuple, costs), strict=True))
    whole = {shape for shape in set(shapes) if shape[1] and not _without_price(*shape)}
    if len(whole) == len(set(shapes)):
        return [Pricing.PRICED] * len(shapes)
    return [Pricing.PRICED if shape in whole else pricing_of(o) for shape, o in zip(shapes, observations, strict=True)]


def cost_of(o: Observation) -> int:
    """Langfuse's own cost in 1e-12 USD; it may be negative (a correction).

    It is `total_cost`, never the sum of the parts, which differs (FINDINGS part 2, item 8) — except where the parts
    come without a `total`: then Langfuse says 0 although they cost (API 1.5), and their sum is the cost.
    """
    if o.total_cost or not o.cost or "total" in o.cost:
        return _bounded(pico_from_json(o.total_cost))
    return _bounded(sum(map(pico_from_json, o.cost.values())))


def pricing_of(o: Observation) -> Pricing:
    """Whether the cost covers the usage.

    Without any cost key, used tokens are unpriced (an explicit zero has the key `total`). A cost of nothing but a
    `total` was given from outside and covers all. Else each used key needs a price of its own.
    """
    cost = o.cost
    if not cost:
        return Pricing.UNPRICED if not o.total_cost and any(o.usage.values()) else Pricing.PRICED
    for key in _without_price(tuple(o.usage), tuple(cost)):
        if o.usage[key]:
            return Pricing.PARTLY
    return Pricing.PRICED


def order_key(g: Generation) -> tuple[int, int, int, int]:
    """The total order of versions of one observation: the greatest counts. Equal keys mean equal content."""
    return g.updated_ms, g.cost_pico, g.start_ms, g.digest


def newest(versions: Iterable[Generation]) -> Generation:
    """The version that counts, in whatever order they come; ValueError when there is none."""
    return max(versions, key=order_key)


@lru_cache(maxsize=1024)
def _without_price(usage_keys: tuple[str, ...], cost_keys: tuple[str, ...]) -> tuple[str, ...]:
    """The usage keys that no cost key stands for; calls come in few shapes."""
    if cost_keys == ("total",):
        return ()
    return tuple(key for key in usage_keys if key not in cost_keys and not is_total(key))


def _bounded(cost_pico: int) -> int:
    return min(max(cost_pico, -LARGEST_COST_PICO), LARGEST_COST_PICO)


def _checks_of(dimensions: Dimensions) -> tuple[int, int]:
    """Both checksums of the dimensions, from which those of a row go on."""
    known = _checks.get(id(dimensions))
    if known is None:
        parts = (*dimensions[:-1], *(part for pair in dimensions.extra for part in pair))
        text = _SEPARATOR.join(parts).encode("utf-8", "surrogatepass")
        if len(_checks) >= _MOST_CHECKS:
            _checks.clear()
        known = _checks[id(dimensions)] = (dimensions, (crc32(text), adler32(text)))
    return known[1]

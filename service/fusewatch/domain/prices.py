"""Our own estimate for usage that Langfuse could not price: the budget file's prices first, then its list of models.

An estimate is a pure function of the model's name, the tokens by type, Langfuse's own cost and a price book, so it can
be formed again from the ledger whenever the book changes. It is exact, and rounded once for each generation.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from operator import ge, gt, le, lt, ne

from fusewatch.domain.money import PICO_PER_USD
from fusewatch.domain.patterns import compile_pattern, compile_postgres
from fusewatch.domain.usage import TOKEN_TYPES, UNKNOWN, Pricing, Tokens
from fusewatch.domain.usage_keys import is_total, token_type

LONGEST_NAME = 200
"""Characters of a model's name that patterns are compared with."""

LARGEST_ESTIMATE_PICO = 9 * 10**18
"""As `merge.LARGEST_COST_PICO`: what fits 64 bits."""

_REMEMBERED = 10_000

_USUAL_KEYS = {
    "input": ("input", "input_tokens", "prompt_tokens"),
    "output": ("output", "output_tokens", "completion_tokens"),
    "cache_read": ("cache_read_input_tokens", "input_cached_tokens", "input_cache_read"),
    "cache_write": ("cache_creation_input_tokens", "input_cache_creation", "cache_write_tokens"),
    "reasoning": ("output_reasoning_tokens", "output_reasoning", "reasoning_tokens"),
}
"""Of several usage keys of one token type, those whose price stands for the type. Without any the dearest does: an
estimate is rather too high than too low."""

_COMPARED = {"gt": gt, "gte": ge, "lt": lt, "lte": le, "eq": lambda a, b: a == b, "neq": ne}
OPERATORS = frozenset(_COMPARED)


@dataclass(frozen=True, slots=True)
class Price:
    """One entry of the budget file's `prices`: US dollars per token, by token type, for the models that `match`."""

    match: str
    prices: tuple[tuple[str, Fraction], ...]


@dataclass(frozen=True, slots=True)
class UsageCondition:
    """A pricing tier holds where the tokens of the usage keys that fit `pattern` sum up so (API.md, part 5).

    `operator` is one of `OPERATORS`.
    """

    pattern: str
    operator: str
    value: Fraction
    case_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Tier:
    """US dollars per unit by usage key, and when they hold. Tiers come in the order in which they are tried; one
    without conditions always holds."""

    prices: tuple[tuple[str, Fraction], ...]
    conditions: tuple[UsageCondition, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """A model of Langfuse's list. `pattern` is a regular expression of PostgreSQL, searched for in the name.

    `tiers` hold only what usage alone decides: tiers that hang on model parameters or metadata, which the ledger does
    not keep, are left out. `start_ms` is from when on the definition is meant, None for always.
    """

    name: str
    pattern: str
    managed: bool
    start_ms: int | None
    tiers: tuple[Tier, ...]


class _Entry:
    """A model or an entry of the file, ready to be used: picodollars per token by token type."""

    __slots__ = ("pattern", "tiers")

    def __init__(self, pattern: re.Pattern[str], tiers: Sequence["_Rates"]) -> None:
        self.pattern = pattern
        self.tiers = tiers

    def rates(self, tokens: Tokens) -> "_Rates | None":
        """Those of the first tier that holds."""
        return next((tier for tier in self.tiers if tier.holds(tokens)), None)


class _Rates:
    """The prices of one tier by token type, a price of the total where there is one, and when they hold."""

    __slots__ = ("conditions", "of_total", "of_types")

    def __init__(self, prices: Mapping[str, Fraction], conditions: Sequence["_Condition"] = ()) -> None:
        self.of_types = tuple(prices.get(name) for name in TOKEN_TYPES)
        self.of_total = prices.get("total")
        self.conditions = conditions

    def holds(self, tokens: Tokens) -> bool:
        return all(condition.holds(tokens) for condition in self.conditions)

    def cost_of(self, tokens: Tokens) -> int | None:
        """The whole call in picodollars; None where a used type has no price, or usage is known as a total only."""
        if self.of_total is not None:
            return _rounded(tokens.total * self.of_total)
        whole = Fraction(0)
        used = False
        for count, price in zip(tokens, self.of_types, strict=False):
            if count:
                if price is None:
                    return None
                whole += count * price
                used = True
        return _rounded(whole) if used else None


class _Condition:
    """A condition of a tier over our token types."""

    __slots__ = ("_compare", "_types", "_value")

    def __init__(self, condition: UsageCondition, keys: Iterable[str]) -> None:
        pattern = compile_postgres(condition.pattern)
        if not condition.case_sensitive:
            pattern = re.compile(pattern.pattern, re.IGNORECASE)
        self._compare = _COMPARED[condition.operator]
        self._value = condition.value
        # The ledger keeps token types, not usage keys: a type counts where one of its keys in the model's own price
        # list would.
        named: dict[str, set[str]] = {name: {name} for name in TOKEN_TYPES}
        for key in keys:
            if not is_total(key):
                named[token_type(key)].add(key)
        self._types = tuple(any(pattern.search(key) for key in named[name]) for name in TOKEN_TYPES)

    def holds(self, tokens: Tokens) -> bool:
        used = sum(count for count, counts in zip(tokens, self._types, strict=False) if counts)
        return bool(self._compare(used, self._value))


class PriceBook:
    """What a call costs by our own reckoning. The first entry that matches a model decides: those of the budget file
    from the top, then Langfuse's models, the project's own before Langfuse's, the latest `start_ms` first.

    `revision` is a hash of everything in it; `skipped` names the models whose pattern cannot be used here.
    """

    def __init__(self, prices: Sequence[Price] = (), models: Sequence[ModelPrices] = ()) -> None:
        """ValueError for a price of the file whose `match` is no usable regular expression; `config` refuses it
        before."""
        self.revision = blake2b(repr((tuple(prices), tuple(models))).encode(), digest_size=9).hexdigest()
        self._file = [_Entry(compile_pattern(price.match), [_Rates(_per_token(price.prices))]) for price in prices]
        self._models: list[_Entry] = []
        skipped: list[str] = []
        for model in sorted(models, key=_matching_order):
            try:
                self._models.append(_entry_of(model))
            except ValueError:
                skipped.append(model.name)
        self.skipped = tuple(skipped)
        self._found: dict[str, _Entry | None] = {}

    def estimate(self, model: str, tokens: Tokens, pricing: Pricing, cost_pico: int) -> int | None:
        """What the usage without a price may cost in 1e-12 USD, beside `cost_pico`, which is Langfuse's own.

        For a call without any price it is the whole call, for one that is partly priced what is missing to it. None
        for a priced call, for a model that the book does not know, and where a used token type has no price.
        """
        if pricing == Pricing.PRICED:
            return None
        entry = self._entry(model)
        rates = entry.rates(tokens) if entry is not None else None
        whole = rates.cost_of(tokens) if rates is not None else None
        if whole is None or pricing == Pricing.UNPRICED:
            return whole
        return min(max(0, whole - cost_pico), LARGEST_ESTIMATE_PICO)

    def _entry(self, model: str) -> _Entry | None:
        name = model[:LONGEST_NAME]
        if name not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            # A call without a model's name matches nothing of Langfuse's, whatever we call it.
            entries = self._file if name == UNKNOWN else (*self._file, *self._models)
            self._found[name] = next((entry for entry in entries if entry.pattern.search(name)), None)
        return self._found[name]


def _matching_order(model: ModelPrices) -> tuple[bool, bool, int]:
    """Langfuse's own: the project's models first, then the latest start date, those without one last."""
    return model.managed, model.start_ms is None, -(model.start_ms or 0)


def _entry_of(model: ModelPrices) -> _Entry:
    """ValueError where a pattern cannot be used here, or an operator is unknown."""
    keys = [key for tier in model.tiers for key, _ in tier.prices]
    tiers = [
        _Rates(_by_type(tier.prices), [_condition(condition, keys) for condition in tier.conditions])
        for tier in model.tiers
    ]
    return _Entry(compile_postgres(model.pattern), tiers)


def _condition(condition: UsageCondition, keys: Sequence[str]) -> _Condition:
    if condition.operator not in OPERATORS:
        raise ValueError(f"{condition.operator} compares nothing")
    return _Condition(condition, keys)


def _by_type(prices: Sequence[tuple[str, Fraction]]) -> dict[str, Fraction]:
    """One price for each token type. What no type of ours knows (searches, images) gets none: its unit is not sure."""
    keys: dict[str, dict[str, Fraction]] = {}
    found: dict[str, Fraction] = {}
    for key, price in prices:
        if is_total(key):
            found["total"] = price * PICO_PER_USD
        elif (kind := token_type(key)) != "other":
            keys.setdefault(kind, {})[key] = price * PICO_PER_USD
    for kind, priced in keys.items():
        usual = next((key for key in _USUAL_KEYS.get(kind, ()) if key in priced), None)
        found[kind] = priced[usual] if usual is not None else max(priced.values())
    return found


def _per_token(prices: Sequence[tuple[str, Fraction]]) -> dict[str, Fraction]:
    return {kind: price * PICO_PER_USD for kind, price in prices}


def _rounded(pico: Fraction) -> int:
    """To the nearest picodollar, a tie to the even one; never negative."""
    return min(max(round(pico), 0), LARGEST_ESTIMATE_PICO)


NO_PRICES = PriceBook()
"""Knows nothing, and so estimates nothing."""

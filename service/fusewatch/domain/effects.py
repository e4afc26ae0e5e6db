"""A growth split into more requests, more tokens in each, and a dearer token.

Spend is the product requests x tokens per request x price per token. The split is the Shapley value of the three
factors: what a factor adds, averaged over all orders in which the three could have changed. It is exact in rational
numbers, treats the factors alike, and gives a factor that did not change nothing (Shapley 1953; for the decomposition
of sums of products Albrecht, François and Schoors, Energy Policy 30, 2002). The log-mean split (LMDI) is as good but
irrational, a sequential one depends on the order.
"""

from fractions import Fraction

from fusewatch.domain.explanations import Effect
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import measure

_PRECISION = 10_000
"""The greatest denominator of a factor: it is for words, the amounts are exact."""


def effect_of(now: Amounts, before: Amounts, scale: Fraction, unit: Unit) -> Effect:
    """The split of ``measure(now) - floor(measure(before) * scale)``; its three parts sum to exactly that.

    What spent nothing before, or spends nothing now, is all requests: it has no size or price to compare.
    """
    growth = measure(now, unit) - baseline_of(measure(before, unit), scale)
    were = before.requests * scale
    if now.requests <= 0 or were <= 0:
        return Effect(growth, 0, 0)
    by = Fraction(now.requests) / were
    if unit is Unit.REQUESTS:
        return Effect(growth, 0, 0, _factor(by))
    tokens_now, tokens_were = Fraction(now.tokens, now.requests), before.tokens * scale / were
    size = tokens_now / tokens_were if tokens_now > 0 and tokens_were > 0 else None
    if unit is Unit.TOKENS:
        part = int((now.requests - were) * (tokens_now + tokens_were) / 2 // 1)
        return Effect(part, growth - part, 0, _factor(by), _factor(size))
    sizes = (tokens_were, tokens_now) if size is not None else (Fraction(1), Fraction(1))
    prices = (
        measure(before, unit) * scale / (were * sizes[0]),
        Fraction(measure(now, unit)) / (now.requests * sizes[1]),
    )
    more = int((now.requests - were) * _others(sizes, prices) // 1)
    larger = int((sizes[1] - sizes[0]) * _others((were, Fraction(now.requests)), prices) // 1)
    price = prices[1] / prices[0] if prices[0] > 0 and prices[1] > 0 else None
    return Effect(more, larger, growth - more - larger, _factor(by), _factor(size), _factor(price))


def baseline_of(before: int, scale: Fraction) -> int:
    """What is usual: the sum of the earlier spans brought to the length of one, rounded down."""
    return before * scale.numerator // scale.denominator


def _others(first: tuple[Fraction, Fraction], second: tuple[Fraction, Fraction]) -> Fraction:
    """By what a change of the third factor counts: the product of the other two, averaged over the orders."""
    (a0, a1), (b0, b1) = first, second
    return (a0 * b0 + a1 * b1) / 3 + (a1 * b0 + a0 * b1) / 6


def _factor(ratio: Fraction | None) -> Fraction | None:
    return None if ratio is None else ratio.limit_denominator(_PRECISION)

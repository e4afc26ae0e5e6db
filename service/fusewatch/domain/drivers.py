"""Which values explain the spend of a key: the dimension along which its growth is most concentrated and surprising.

A dimension is judged by its most telling value. With e the value's share of all growth along the dimension, and u the
share that would be expected of it, the score is e x ln(e / u): the value's part of the Kullback-Leibler divergence
between where the growth is and where the spend usually is (as "surprise" in Bhagwan et al., Adtributor, NSDI 2014,
which takes the symmetric form). It is high only where much of the growth is in one place that usually has little of
the spend; along a dimension that all traffic shares, or where everything grew alike, it is nothing.

The expected share u is the value's share of the usual spend, with three corrections:
- Half of what other values of the dimension lost is taken as usual for those that grew, by their growth: where a
  release replaced another one it inherits from that, so that a mere replacement is little surprise.
- A small part of the present spend (`_SMOOTH`) is spread evenly over the values as if it were usual, so that there is
  an expectation where nothing is usual, and no surprise in the single value of a dimension. Within a driver it is a
  large part, spread as the spend of the whole scope usually is.
- It is never below `_FLOOR`: a value that spent nothing before is not infinitely surprising, and of many new users
  each of whom spends a little none is.

Along a dimension of many values (users above all) some rise and some fall every day. There the share is that of the net
growth, and what a value rose is counted above the median of the next highest ones.

Traces and sessions never come back, so none has a usual spend. What counts of one is what it spent above the dearest
one of a usual day, as a share of the whole growth.

Dimensions often say the same (a feature with one operation with one prompt). Of those that score nearly alike only
those are kept that grew by the greatest factor, as they are the narrowest, and of these the one that is most useful to
a person is taken, by `_PREFERRED`. Where most of the growth is a dearer token, model and provider count for more:
little else changes a price.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import log
from statistics import median
from typing import NamedTuple

from fusewatch.domain.effects import baseline_of, effect_of
from fusewatch.domain.explanations import Against, DearTrace, Driver, Explanation, Part
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import measure

PEOPLE = ("user", "session", "trace")
"""Dimensions that only the rows know."""

PASSING = ("session", "trace")
"""Those of them whose values do not come back."""

_FLOOR = 0.02
_SMOOTH = 0.05
_SMOOTH_WITHIN = 0.5
_INHERITED = 0.5
_MANY = 20
"""From so many values on a dimension has ordinary comings and goings."""
_PRICED, _PRICING = 1.5, frozenset({"model", "provider"})
_MOST_LIFT = 100.0
_ALIKE = 0.85
"""Scores that differ by no more than this factor are the same finding told in other words."""
_TELLING = 0.1
"""Below this score nothing is telling: everything grew alike."""
_WITHIN = 0.2
"""The score from which on a value explains something within another one."""
_NAMED = 0.2
"""The share of all growth from which on further values of the dimension are named."""
_SAME = 0.02
_MOST, _MOST_UNDER, _LOOKED_AT = 2, 2, 8

_BEFORE = ("trace", "user")
_PREFERRED = (
    *("feature", "operation", "model", "prompt", "release", "version", "environment", "team", "trace_name"),
    *("provider", "session", "type", "project"),
)
"""Traces and users first, then what the budget file names itself, then these."""


class Fact(NamedTuple):
    """What one combination of values spent: `values` in the order of the table's names, `before` over all spans that
    are compared together (`Table.scale` brings it to one). "" is no value: it stands for all that are not told apart.
    """

    values: tuple[str, ...]
    now: Amounts
    before: Amounts


@dataclass(frozen=True, slots=True)
class Table:
    """Facts by the dimensions `names`, of which those in `tells` may be named from this table at the first level.

    `whole`: they are all the facts of the span, not only those of its busiest part. `dearest` has for each of `PASSING`
    what its dearest value usually spends, in the rule's unit.
    """

    names: tuple[str, ...]
    facts: Sequence[Fact]
    scale: Fraction
    tells: frozenset[str]
    whole: bool = True
    dearest: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frame:
    """What is to be explained: the sums of the span, and of the earlier spans it is compared with (`scale` brings
    these to one; 0 where there are none)."""

    unit: Unit
    from_ms: int
    to_ms: int
    now: Amounts
    before: Amounts
    scale: Fraction
    against: Against = Against.NOTHING
    count: int = 0


class _Candidate(NamedTuple):
    score: float
    dimension: str
    value: str
    table: Table
    facts: Sequence[Fact]
    held: dict[str, list[int]]


def explain(frame: Frame, tables: Sequence[Table], traces: Sequence[DearTrace] = ()) -> Explanation:
    """The explanation by the facts of the tables. Pure; equal facts in any order give equal explanations."""
    unit = Unit.USD if frame.unit is Unit.USD_PER_REQUEST else frame.unit
    compared = frame.against is not Against.NOTHING
    amount = measure(frame.now, unit)
    baseline = baseline_of(measure(frame.before, unit), frame.scale) if compared else None
    grew = baseline is not None and amount > baseline
    whole = amount - (baseline or 0) if grew else amount
    effect = effect_of(frame.now, frame.before, frame.scale, unit) if compared else None
    priced = grew and effect is not None and effect.price * 2 > whole
    drivers = _Search(unit, grew, tables, priced).drivers()
    named = sum(d.part.growth if grew else d.part.amount for d in drivers)
    return Explanation(
        against=frame.against,
        count=frame.count,
        from_ms=frame.from_ms,
        to_ms=frame.to_ms,
        unit=unit,
        amount=amount,
        baseline=baseline,
        effect=effect,
        drivers=drivers,
        rest=whole - named,
        traces=tuple(traces),
        sampled=any(not table.whole for table in tables),
    )


def preference(dimension: str) -> int:
    """The rank of a dimension among those that say the same; the lowest is told."""
    if dimension in _BEFORE:
        return _BEFORE.index(dimension)
    if dimension in _PREFERRED:
        return 10 + _PREFERRED.index(dimension)
    return 5


def _tally(sums: Iterable[tuple[tuple[str, ...], int, int]], place: int) -> dict[str, list[int]]:
    """What the values at one place of the facts spent: now, and before."""
    held: dict[str, list[int]] = {}
    for values, now, before in sums:
        pair = held.get(values[place])
        if pair is None:
            held[values[place]] = [now, before]
        else:
            pair[0] += now
            pair[1] += before
    return held


@dataclass(frozen=True, slots=True)
class _Search:
    """`priced`: most of the growth comes from a dearer token."""

    unit: Unit
    grew: bool
    tables: Sequence[Table]
    priced: bool

    def drivers(self) -> tuple[Driver, ...]:
        found = [c for t in self.tables for c in self._candidates(t, t.facts, t.tells)]
        if not found:
            return ()
        first = self._most_useful(found)
        if first.score < _TELLING:  # everything grew alike: the largest values of the most useful dimension
            common = [c for c in found if c.dimension not in PEOPLE] or found
            first = min(common, key=lambda c: preference(c.dimension))
            value = max(filter(None, first.held), key=lambda v: (self._weight(first.held[v], first.table.scale), v))
            first = first._replace(value=value)
        drivers = [Driver(self._part(first, first.value), self._under(first))]
        if first.dimension not in PASSING:
            drivers += [Driver(self._part(first, value)) for value in self._others(first)]
        return tuple(drivers)

    def _candidates(
        self, table: Table, facts: Sequence[Fact], names: Iterable[str], *, within: bool = False
    ) -> Iterator[_Candidate]:
        """The most telling value of each dimension that has more than one."""
        sums = self._sums(facts)
        for place, name in enumerate(table.names):
            if name not in names:
                continue
            held = _tally(sums, place)
            if len(held) < 2 or not any(held):
                continue
            if name in PASSING:
                best = self._dearest(held, table, name)
            else:
                best = self._best(held, table.scale, self._around(name) if within else {})
            if best is not None:
                weight = _PRICED if self.priced and name in _PRICING else 1.0
                yield _Candidate(best[0] * weight, name, best[1], table, facts, held)

    def _around(self, name: str) -> dict[str, list[int]]:
        """The values of a dimension in the whole scope, from the smallest table that has it."""
        table = min((t for t in self.tables if name in t.names), key=lambda t: len(t.facts))
        return _tally(self._sums(table.facts), table.names.index(name))

    def _sums(self, facts: Sequence[Fact]) -> list[tuple[tuple[str, ...], int, int]]:
        return [(f.values, measure(f.now, self.unit), measure(f.before, self.unit)) for f in facts]

    def _best(
        self, held: dict[str, list[int]], scale: Fraction, around: dict[str, list[int]]
    ) -> tuple[float, str] | None:
        """(score, value) of the most telling value; None where nothing grew. `around` are the values of the whole
        table where `held` are those within a driver."""
        by = float(scale) if self.grew else 0.0
        usual = {value: before * by for value, (_, before) in held.items()}
        rises = {value: now - usual[value] for value, (now, _) in held.items()}
        up = sum(rise for rise in rises.values() if rise > 0)
        if up <= 0:
            return None
        down = _INHERITED * (up - sum(rises.values()))
        now = sum(now for now, _ in held.values())
        ordinary = 0.0
        top = sorted((v for v in rises if v), key=lambda value: (-rises[value], value))[:_LOOKED_AT]
        if not top:
            return None
        if len(held) >= _MANY:  # where there are many values, some rise and some fall every day
            ordinary, down = max(0.0, median(rises[value] for value in top[1:] or top)), 0.0
            up = max(sum(rises.values()), _SMOOTH * now)
        spread = (_SMOOTH_WITHIN if around else _SMOOTH) * now
        whole = sum(usual.values()) + spread
        at = 1 if self.grew else 0
        shares = {value: around[value][at] if value in around else 0 for value in top} if around else {}
        of_all = sum(pair[at] for pair in around.values())

        def score(value: str) -> float:
            share = min(1.0, (rises[value] - ordinary) / up)
            if share <= 0:
                return 0.0
            prior = shares[value] / of_all if of_all > 0 else 1 / len(held)
            expected = (usual[value] + down * share + spread * prior) / whole
            return max(0.0, share * log(share / min(1.0, max(expected, _FLOOR))))

        best = max(top, key=lambda value: (score(value), rises[value], value))
        return score(best), best

    def _dearest(self, held: dict[str, list[int]], table: Table, name: str) -> tuple[float, str] | None:
        """The same for values that do not come back."""
        by = float(table.scale) if self.grew else 0.0
        growth = sum(now - before * by for now, before in held.values())
        best = max(held, key=lambda value: (value != "", held[value][0], value))
        share = (held[best][0] - (table.dearest.get(name, 0) if self.grew else 0)) / growth if growth > 0 else 0.0
        if share <= 0:
            return None
        share = min(share, 1.0)
        return max(0.0, share * log(share / max(_FLOOR, 1 / len(held)))), best

    def _under(self, driver: _Candidate) -> tuple[Part, ...]:
        """What explains the growth within the driver's value."""
        inner = list(self._within(driver.table, driver, set(driver.table.names)))
        for table in self.tables:
            if table is not driver.table and driver.dimension in table.names:
                inner += self._within(table, driver, table.tells)
        chosen: list[_Candidate] = []
        while inner and len(chosen) < _MOST_UNDER:
            best = self._most_useful(inner)
            if best.score < _WITHIN:
                break
            chosen.append(best)
            inner = [c for c in inner if c.dimension != best.dimension and not self._same(c, best)]
        return tuple(self._part(c, c.value) for c in chosen)

    def _within(self, table: Table, driver: _Candidate, names: Iterable[str]) -> Iterator[_Candidate]:
        place = table.names.index(driver.dimension)
        facts = [fact for fact in table.facts if fact.values[place] == driver.value]
        names = {name for name in names if name != driver.dimension}
        for found in self._candidates(table, facts, names, within=True):
            now, before = found.held[found.value]
            all_now, all_before = (sum(pair[i] for pair in found.held.values()) for i in (0, 1))
            if now < (1 - _SAME) * all_now or before < (1 - _SAME) * all_before:
                yield found

    def _most_useful(self, found: Sequence[_Candidate]) -> _Candidate:
        """Of the highest score; of what scores nearly alike the narrowest, and of these what people know best."""
        highest = max(found, key=lambda c: c.score)
        alike = (c for c in found if c.score >= highest.score * _ALIKE or (c.score > 0 and self._same(c, highest)))
        near = [(c, self._lift(c)) for c in alike]
        narrow = max(lift for _, lift in near) / 2
        return min((c for c, lift in near if lift >= narrow), key=lambda c: (preference(c.dimension), -c.score))

    def _lift(self, found: _Candidate) -> float:
        """How many times its usual spend the value spends; no more than `_MOST_LIFT`."""
        now, before = found.held[found.value]
        usual = before * float(found.table.scale) if self.grew else 0.0
        return min(_MOST_LIFT, now / usual) if usual > 0 else _MOST_LIFT

    def _same(self, one: _Candidate, other: _Candidate) -> bool:
        """Whether two values stand for the same spend."""
        (now, before), (now2, before2) = one.held[one.value], other.held[other.value]
        first, second = float(one.table.scale) * before, float(other.table.scale) * before2
        near = _SAME * max(now, now2, first, second)
        return abs(now - now2) <= near and abs(first - second) <= near

    def _others(self, first: _Candidate) -> list[str]:
        """Further values of the driver's dimension that have much of the growth."""
        scale = first.table.scale
        weights = {value: self._weight(pair, scale) for value, pair in first.held.items()}
        up = sum(weight for weight in weights.values() if weight > 0)
        rest = sorted((v for v in weights if v and v != first.value), key=lambda v: (-weights[v], v))
        return [v for v in rest[: _MOST - 1] if up > 0 and weights[v] >= _NAMED * up]

    def _weight(self, pair: list[int], scale: Fraction) -> int:
        return pair[0] - baseline_of(pair[1], scale) if self.grew else pair[0]

    def _part(self, found: _Candidate, value: str) -> Part:
        place, scale = found.table.names.index(found.dimension), found.table.scale
        facts = [fact for fact in found.facts if fact.values[place] == value]
        now, before = _sum(f.now for f in facts), _sum(f.before for f in facts)
        return Part(
            dimension=found.dimension,
            value=value,
            amount=measure(now, self.unit),
            baseline=baseline_of(measure(before, self.unit), scale),
            effect=effect_of(now, before, scale, self.unit),
            at_least=not found.table.whole,
        )


def _sum(amounts: Iterable[Amounts]) -> Amounts:
    cost = tokens = requests = estimate = 0
    for each in amounts:
        cost += each.cost_pico
        tokens += each.tokens
        requests += each.requests
        estimate += each.estimate_pico
    return Amounts(cost, tokens, requests, estimate)


Series = Sequence[tuple[int, int]]
"""(cell, requests), rising."""


def replaced_at(new: Series, old: Series) -> int | None:
    """The first cell of `new` after it took the place of `old`; None where it did not.

    It is the cut that leaves fewest requests on the wrong side of it: those of `new` before, those of `old` from it
    on; of each at most a tenth may be there.
    """
    cells = sorted({*(cell for cell, _ in new), *(cell for cell, _ in old)})
    came, went = dict(new), dict(old)
    all_new, all_old = sum(came.values()), sum(went.values())
    best: tuple[int, int] | None = None
    early = gone = 0
    for cell in cells:
        late = all_old - gone
        if gone and came.get(cell) and early * 10 <= all_new and late * 10 <= all_old:
            best = min(best or (early + late, cell), (early + late, cell))
        early += came.get(cell, 0)
        gone += went.get(cell, 0)
    return None if best is None else best[1]

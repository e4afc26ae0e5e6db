"""What the observations of one trace tell each other: a call that lacks a dimension takes it from the earliest of its
trace that has a value of its own.

Which one gives does not depend on the order of reading: of all offers for a dimension the one of the smallest (start,
id) counts, of several versions of that observation the newest. Taking the better of two offers is commutative,
associative and idempotent.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, compress, islice
from operator import neg
from typing import NamedTuple, TypeAlias

from fusewatch.domain.attribution import Attributed, Attributions, Resolver
from fusewatch.domain.merge import calls_of, is_call
from fusewatch.domain.usage import UNKNOWN, Dimensions, Generation, Observation

_MOST_REMEMBERED = 20_000
_MOST_AT_HAND = 4_000

_AT_ONCE = 250
"""So many observations are read by columns at a time: what belongs to more does not fit the processor's cache."""


Values: TypeAlias = tuple[tuple[str, str], ...]
"""(dimension, value) pairs."""


_Own: TypeAlias = tuple[int, Values]
"""What dimensions lack, as bits, and what they have."""


class Gift(NamedTuple):
    """What one version of an observation gives: values of its own that no better one of its trace has."""

    start_ms: int
    id: str
    updated_ms: int
    values: Values


Facts: TypeAlias = tuple[Gift, ...]
"""What is known of one trace, each dimension once: the offers that count, in the order in which they do."""


def merged(*parts: Facts) -> Facts:
    """What parts of a trace give together: of each dimension the offer of the smallest (start, id), of several versions
    of that observation the newest. Versions that differ in nothing but the value are told apart by it."""
    best: dict[str, tuple[tuple[int, str, int], str]] = {}
    for gift in chain.from_iterable(parts):
        whose = gift[:3]
        for name, value in gift.values:
            held = best.get(name)
            if held is None or _beats((whose, value), held):
                best[name] = (whose, value)
    groups: dict[tuple[int, str, int], list[tuple[str, str]]] = {}
    for name, (whose, value) in best.items():
        groups.setdefault(whose, []).append((name, value))
    return tuple(Gift(*whose, tuple(sorted(values))) for whose, values in sorted(groups.items()))


def _beats(a: tuple[tuple[int, str, int], str], b: tuple[tuple[int, str, int], str]) -> bool:
    (start_ms, id_, updated_ms), value = a
    (b_start_ms, b_id, b_updated_ms), b_value = b
    if (start_ms, id_) != (b_start_ms, b_id):
        return (start_ms, id_) < (b_start_ms, b_id)
    return (updated_ms, value) > (b_updated_ms, b_value)


def values_of(facts: Facts) -> dict[str, str]:
    """The value that each dimension has."""
    return {name: value for gift in facts for name, value in gift.values}


class Heirs:
    """Reads, takes away and fills in the dimensions `names`, those that may be inherited. Its memo only saves time."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._plain = tuple(name for name in names if name not in ("user", "session"))
        self._bits = {name: 1 << place for place, name in enumerate(names)}
        self._memo: dict[Dimensions, _Own] = {}
        self._at_hand: dict[int, tuple[Dimensions, _Own]] = {}

    def bits(self, names: Iterable[str]) -> int:
        """A set of names as a number, one bit for each in their order."""
        return sum(self._bits[name] for name in names)

    def given(self, facts: Facts) -> int:
        """The names that a trace gives, as bits."""
        return sum(self._bits[name] for gift in facts for name, _ in gift.values)

    def lacks(self, who: Attributed) -> int:
        """The names that are `unknown`, as bits."""
        bits = self._read(who.dimensions)[0]
        if who.user == UNKNOWN:
            bits |= self._bits.get("user", 0)
        if who.session == UNKNOWN:
            bits |= self._bits.get("session", 0)
        return bits

    def offers(self, who: Attributed) -> Values:
        """The names that have a value, with it."""
        found = self._read(who.dimensions)[1]
        for name, value in (("session", who.session), ("user", who.user)):
            if value != UNKNOWN and name in self._bits:
                found = (*found, (name, value))
        return found

    def filled(self, own: Attributed, facts: Facts) -> tuple[Attributed, Facts]:
        """With what it lacks taken from `facts`, and what that was. Own values stay."""
        lacks = self.lacks(own)
        if not lacks & self.given(facts):
            return own, ()
        chosen = (gift._replace(values=tuple(v for v in gift.values if self._bits[v[0]] & lacks)) for gift in facts)
        taken = tuple(gift for gift in chosen if gift.values)
        return _with(own, values_of(taken)), taken

    def stripped(self, who: Attributed, inherited: Iterable[str]) -> Attributed:
        """Without what was inherited: its own values."""
        return _with(who, dict.fromkeys(inherited, UNKNOWN))

    def _read(self, dimensions: Dimensions) -> _Own:
        """Found by identity, as equal ones mostly are one object; a look by twelve values costs ten times as much."""
        at_hand = self._at_hand.get(id(dimensions))
        if at_hand is None or at_hand[0] is not dimensions:
            if len(self._at_hand) >= _MOST_AT_HAND:
                self._at_hand.clear()
            at_hand = self._at_hand[id(dimensions)] = (dimensions, self._read_anew(dimensions))
        return at_hand[1]

    def _read_anew(self, dimensions: Dimensions) -> _Own:
        found = self._memo.get(dimensions)
        if found is None:
            if len(self._memo) >= _MOST_REMEMBERED:
                self._memo.clear()
            values = {**dict(dimensions.extra), **dict(zip(Dimensions._fields[:-1], dimensions[:-1], strict=True))}
            present = tuple((n, values[n]) for n in self._plain if values.get(n, UNKNOWN) != UNKNOWN)
            lacking = set(self._plain) - {name for name, _ in present}
            found = self._memo[dimensions] = (self.bits(lacking), present)
        return found


class TraceRead(NamedTuple):
    """What was read of one trace: the offers that count, and (as bits) what any of its calls lacks."""

    facts: Facts
    lacks: int


class Inheritance(NamedTuple):
    """What the observations of one reading give to the calls of their traces, by trace id.

    `revision` is that of the attribution by which they were read (`attribution.Resolver.revision`), "" where none was.
    """

    revision: str
    heirs: Heirs
    traces: Mapping[str, TraceRead]


NOTHING_INHERITED = Inheritance("", Heirs(()), {})


class Reading(NamedTuple):
    """What observations are to the ledger: its rows with their own values, and what these may inherit."""

    generations: list[Generation]
    inheritance: Inheritance


_Seen: TypeAlias = tuple[int, str, int, Values, int]
"""Start, id, minus the update, what it offers and lacks."""


def read(observations: Iterable[Observation], resolver: Resolver) -> Reading:
    """The ledger's rows among the observations, and what all of them, calls or not, give to their traces."""
    reading = GradualReading(resolver)
    reading.add(observations)
    return reading.whole()


class GradualReading:
    """`read` of observations that come page by page."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._heirs = _heirs_of(resolver.inheritable)
        self._generations: list[Generation] = []
        self._traces: dict[str, list[_Seen]] = {}

    def add(self, observations: Iterable[Observation]) -> None:
        rows = iter(observations)
        traces = self._traces
        while some := list(islice(rows, _AT_ONCE)):
            attributed = self._resolver.resolve_all(some)
            offers, lacks = _told(self._heirs, attributed)
            called = list(map(is_call, some))
            if all(called):
                self._generations += calls_of(some, attributed)
            else:
                self._generations += calls_of(list(compress(some, called)), attributed.of(called))
                lacks = [bits if call else 0 for bits, call in zip(lacks, called, strict=True)]
            of, ids, starts, _, updates, *_ = zip(*some, strict=True)
            for trace, seen in zip(of, zip(starts, ids, map(neg, updates), offers, lacks, strict=True), strict=True):
                members = traces.get(trace)
                if members is None:
                    traces[trace] = [seen]
                else:
                    members.append(seen)

    def whole(self) -> Reading:
        """What was added so far."""
        found = {trace: _trace_read(members) for trace, members in self._traces.items() if trace}
        return Reading(self._generations, Inheritance(self._resolver.revision, self._heirs, found))


def _told(heirs: Heirs, attributed: Attributions) -> tuple[Sequence[Values], Sequence[int]]:
    """What each offers, and what it lacks. Equal dimensions are mostly one object; where they are not, they are merely
    read twice."""
    whose = list(zip(map(id, attributed.dimensions), attributed.users, attributed.sessions, strict=True))
    distinct = dict(zip(whose, map(Attributed, *attributed), strict=True))
    told = {key: (heirs.offers(who), heirs.lacks(who)) for key, who in distinct.items()}
    offers, lacks = zip(*map(told.__getitem__, whose), strict=True)
    return offers, lacks


@lru_cache(maxsize=8)
def _heirs_of(names: tuple[str, ...]) -> Heirs:
    """One for all readings: what it remembers is worth keeping."""
    return Heirs(names)


def _trace_read(members: list[_Seen]) -> TraceRead:
    """The offers of these versions. What a better one offers alike adds nothing, so most traces have one gift."""
    first = min(members)
    lacks = 0
    others = False
    for member in members:
        lacks |= member[4]
        others = others or member[3] != first[3]
    if not others:
        start_ms, id_, older, offers, _ = first
        return TraceRead((Gift(start_ms, id_, -older, offers),) if offers else (), lacks)
    members.sort()
    gifts: dict[Values, Gift] = {}
    for start_ms, id_, older, offers, _ in members:
        if offers and offers not in gifts:
            gifts[offers] = Gift(start_ms, id_, -older, offers)
    return TraceRead(merged(tuple(gifts.values())), lacks)


def _with(who: Attributed, values: Mapping[str, str]) -> Attributed:
    """The same with other values."""
    if not values:
        return who
    dimensions = who.dimensions
    fields = {name: value for name, value in values.items() if name in Dimensions._fields}
    extra = tuple((name, values.get(name, value)) for name, value in dimensions.extra)
    return Attributed(
        dimensions._replace(**fields, extra=extra),
        values.get("user", who.user),
        values.get("session", who.session),
    )

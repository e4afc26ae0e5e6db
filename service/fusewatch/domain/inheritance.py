"""What the observations of one trace tell each other: a call that lacks a dimension takes it from the earliest of its
trace that has a value of its own.

Which one gives does not depend on the order of reading: of all offers for a dimension the one of the smallest (start,
id) counts, of several versions of that observation the newest. Taking the better of two offers is commutative,
associative and idempotent.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from fusewatch.domain.attribution import Attributed, Resolver
from fusewatch.domain.merge import call_of, is_call
from fusewatch.domain.usage import UNKNOWN, Dimensions, Generation, Observation

_MOST_REMEMBERED = 20_000


class Donor(NamedTuple):
    """An offer: the value that a version of an observation has of its own, by which version of it and whose."""

    start_ms: int
    id: str
    updated_ms: int
    value: str


Facts: TypeAlias = Mapping[str, Donor]
"""What is known of one trace: by dimension the offer that counts."""


def better(a: Donor, b: Donor) -> Donor:
    """The offer that counts. Versions that differ in nothing but the value are told apart by it."""
    if a[:2] != b[:2]:
        return a if a[:2] < b[:2] else b
    return a if a[2:] >= b[2:] else b


def merged(a: Facts, b: Facts) -> dict[str, Donor]:
    """What two parts of a trace give together."""
    both = dict(a)
    for name, donor in b.items():
        held = both.get(name)
        both[name] = donor if held is None else better(held, donor)
    return both


class Heirs:
    """Reads, takes away and fills in the dimensions `names`, those that may be inherited. Its memo only saves time."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._plain = tuple(name for name in names if name not in ("user", "session"))
        self._bits = {name: 1 << place for place, name in enumerate(names)}
        self._memo: dict[Dimensions, tuple[int, tuple[tuple[str, str], ...]]] = {}

    def bits(self, names: Iterable[str]) -> int:
        """A set of names as a number, one bit for each in their order."""
        return sum(self._bits[name] for name in names)

    def names_of(self, bits: int) -> tuple[str, ...]:
        return tuple(name for name, bit in self._bits.items() if bits & bit)

    def lacks(self, who: Attributed) -> int:
        """The names that are `unknown`, as bits."""
        bits = self._read(who.dimensions)[0]
        if who.user == UNKNOWN:
            bits |= self._bits.get("user", 0)
        if who.session == UNKNOWN:
            bits |= self._bits.get("session", 0)
        return bits

    def offers(self, who: Attributed) -> list[tuple[str, str]]:
        """The names that have a value, with it."""
        found = list(self._read(who.dimensions)[1])
        for name, value in (("user", who.user), ("session", who.session)):
            if value != UNKNOWN and name in self._bits:
                found.append((name, value))
        return found

    def filled(self, own: Attributed, facts: Facts) -> tuple[Attributed, dict[str, Donor]]:
        """With what it lacks taken from `facts`, and what that was. Own values stay."""
        lacks = self.lacks(own)
        taken = {name: donor for name, donor in facts.items() if self._bits.get(name, 0) & lacks}
        return (_with(own, {name: donor.value for name, donor in taken.items()}), taken) if taken else (own, {})

    def stripped(self, who: Attributed, inherited: Iterable[str]) -> Attributed:
        """Without what was inherited: its own values."""
        return _with(who, dict.fromkeys(inherited, UNKNOWN))

    def _read(self, dimensions: Dimensions) -> tuple[int, tuple[tuple[str, str], ...]]:
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


_Seen: TypeAlias = tuple[int, str, int, Attributed, bool]


def read(observations: Iterable[Observation], resolver: Resolver) -> Reading:
    """The ledger's rows among the observations, and what all of them, calls or not, give to their traces."""
    heirs = Heirs(resolver.inheritable)
    generations: list[Generation] = []
    traces: dict[str, list[_Seen]] = {}
    for o in observations:
        who = resolver.resolve(o)
        called = is_call(o)
        if called:
            generations.append(call_of(o, who))
        if o.trace_id:
            seen = (o.start_ms, o.id, -o.updated_ms, who, called)
            members = traces.get(o.trace_id)
            if members is None:
                traces[o.trace_id] = [seen]
            else:
                members.append(seen)
    found = {trace: _trace_read(members, heirs) for trace, members in traces.items()}
    return Reading(generations, Inheritance(resolver.revision, heirs, found))


def _trace_read(members: list[_Seen], heirs: Heirs) -> TraceRead:
    """The offers of these versions, taken in the order in which they count."""
    if len(members) > 1:
        members.sort()
    lacks = 0
    facts: dict[str, Donor] = {}
    known: set[tuple[int, str, str]] = set()
    for start_ms, id_, older, who, called in members:
        if called:
            lacks |= heirs.lacks(who)
        # Equal dimensions are mostly one object; where they are not, they are merely looked at twice.
        same = (id(who.dimensions), who.user, who.session)
        if same in known:
            continue
        known.add(same)
        for name, value in heirs.offers(who):
            donor = Donor(start_ms, id_, -older, value)
            held = facts.get(name)
            facts[name] = donor if held is None else better(held, donor)
    return TraceRead(facts, lacks)


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

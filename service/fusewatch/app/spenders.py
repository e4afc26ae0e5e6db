"""Who spent it: users, sessions and traces, which only the rows know. A bounded number of rows is looked at.

Where the span and what it is compared with hold more rows than that, the quarter hours that grew most are looked at,
and the same ones of as many earlier days as the bound allows. What is found there is a lower bound.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import nlargest
from itertools import groupby
from typing import NamedTuple

from fusewatch.app.comparing import Comparison
from fusewatch.domain.drivers import PEOPLE, Fact, Table
from fusewatch.domain.explanations import DearTrace
from fusewatch.domain.periods import cell_start_ms
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import UNKNOWN, Amounts, Dimensions
from fusewatch.domain.verdicts import measure
from fusewatch.domain.views import Key, View, dimension_value
from fusewatch.ports import Call, DriverUnit

MOST_ROWS = 8_000
"""About how many rows one explanation looks at."""

_NAMED = 40
"""How many users, sessions and traces are told apart."""

_TRACES = 3

_Calls = Sequence[tuple[str, Sequence[Call]]]
"""By project, possibly in several pieces."""

By = Mapping[int, Amounts]
"""Amounts by quarter hour."""


class Plan(NamedTuple):
    """Which quarter hours of the span are looked at, as offsets from its first; those of which earlier spans; whether
    that is all."""

    offsets: Sequence[int]
    spans: Sequence[tuple[int, int]]
    whole: bool


class Spenders(NamedTuple):
    """What the rows tell: a table of who spent it, and the dearest traces of the span."""

    table: Table
    traces: tuple[DearTrace, ...]


def plan(compared: Comparison, own: By, rows: By, unit: Unit) -> Plan:
    """What to look at. `own` is what the key spent, `rows` what all did, both over the span and the earlier ones."""
    first, end = compared.first, compared.end
    spent = [cell - first for cell in range(first, end) if cell in own]
    there = {
        span: [cell - span[0] for cell in range(*span) if cell in own] for span in compared.spans
    }  # cells in which the key spent nothing need no look
    count = _counts(rows, first, spent)
    if sum(count.values()) + sum(sum(_counts(rows, s[0], o).values()) for s, o in there.items()) <= MOST_ROWS:
        offsets = sorted({*spent, *(o for found in there.values() for o in found)})
        return Plan(offsets, compared.spans, True)

    def grew(offset: int) -> int:
        usual = sum(measure(own.get(span[0] + offset, Amounts()), unit) for span in compared.spans)
        return measure(own[first + offset], unit) - usual // max(1, len(compared.spans))

    chosen: list[int] = []
    left = MOST_ROWS
    for offset in sorted(spent, key=lambda o: (-grew(o), o)):
        if chosen and left - count[offset] < MOST_ROWS * 2 // 3:
            break
        chosen.append(offset)
        left -= count[offset]
    return Plan(sorted(chosen), _fitting(compared, rows, chosen, left), False)


def _fitting(compared: Comparison, rows: By, offsets: Sequence[int], left: int) -> list[tuple[int, int]]:
    """Of the earlier spans as many as fit: first that of the same day of the week, then the latest."""
    spans = list(compared.spans)
    if len(spans) >= 7:
        spans.insert(0, spans.pop(6))
    fitting: list[tuple[int, int]] = []
    for span in spans:
        left -= sum(_counts(rows, span[0], offsets).values())
        if fitting and left < 0:
            break
        fitting.append(span)
    return fitting


def _counts(rows: By, first: int, offsets: Iterable[int]) -> dict[int, int]:
    return {offset: rows.get(first + offset, Amounts()).requests for offset in offsets}


@dataclass(slots=True)
class Reader:
    """Reads the rows of one key. Where the key or its scope looks at users or sessions only the rows tell what belongs
    to it, and all dimensions are told from them."""

    unit: DriverUnit
    view: View
    key: Key
    names: tuple[str, ...]
    counted: Unit
    left: int = MOST_ROWS + MOST_ROWS // 2
    _dims: dict[int, Dimensions] = field(default_factory=dict)
    _people: dict[int, str] = field(default_factory=dict)
    _matches: dict[tuple[str, int, int, int], bool] = field(default_factory=dict)
    _by_people: bool = field(init=False)

    def __post_init__(self) -> None:
        self._by_people = self.view.uses_people

    def read(self, projects: Sequence[str], compared: Comparison, look: Plan) -> Spenders:
        """Who spent it by this plan."""
        now = list(self._calls(projects, compared, look, compared.first))
        before = [list(self._calls(projects, compared, look, start)) for start, _ in look.spans]
        days = max(1, len(look.spans))
        scale = compared.scale if look.whole else Fraction(1, days)
        spent = [_Spent.of(calls, self.counted) for calls in (now, *before)]
        tops = spent[0].top(spent[1:], scale)
        named = {place: self._values(*place) for calls in (now, *before) for place in _places(calls)}
        facts = [Fact((*named[at[:2]], *_texts(at)), Amounts(*held), Amounts()) for at, held in _grouped(now, tops)]
        facts += [
            Fact((*named[at[:2]], str(at[2]) if at[2] else "", "", ""), Amounts(), Amounts(*held))
            for calls in before
            for at, held in _grouped(calls, tops)
        ]
        table = Table(
            names=(*self.names, *PEOPLE),
            facts=facts,
            scale=scale,
            tells=frozenset((*self.names, *PEOPLE) if self._by_people else PEOPLE),
            whole=look.whole and self.left > 0,
            dearest={
                "session": sum(max(day.sessions.values(), default=0) for day in spent[1:]) // days,
                "trace": sum(max(day.traces.values(), default=0) for day in spent[1:]) // days,
            },
        )
        return Spenders(table, self._dearest(now))

    def first_ms(
        self, projects: Sequence[str], compared: Comparison, look: Plan, wanted: Mapping[str, str]
    ) -> int | None:
        """When the first of the key's generations with these values started."""
        return min(
            (
                call[0]
                for project, calls in self._calls(projects, compared, look, compared.first)
                for call in calls
                if all(self._value(name, project, call[2]) == value for name, value in wanted.items())
            ),
            default=None,
        )

    def _calls(
        self, projects: Sequence[str], compared: Comparison, look: Plan, start: int
    ) -> Iterator[tuple[str, list[Call]]]:
        """The key's generations, by project, in the planned quarter hours of one span."""
        for from_ms, to_ms in _ranges(look.offsets, start, compared.end_ms(start)):
            for project in projects:
                if self.left <= 0:
                    return
                found = self.unit.calls(project, from_ms, to_ms, most=self.left)
                self.left -= len(found)
                self._learn(found)
                if self._by_people:
                    yield project, [c for c in found if self._is_ours(project, c[2], c[3], c[4])]
                else:
                    ours = {dims for dims in {c[2] for c in found} if self._is_ours(project, dims, 0, 0)}
                    yield project, [c for c in found if c[2] in ours]

    def _learn(self, calls: Sequence[Call]) -> None:
        dims = {call[2] for call in calls} - self._dims.keys()
        if dims:
            self._dims.update(self.unit.dimensions(dims))
        if self._by_people:
            people = {number for call in calls for number in call[3:5]} - self._people.keys()
            self._people.update(self.unit.people(people))

    def _is_ours(self, project: str, dims: int, user: int, session: int) -> bool:
        place = (project, dims, user, session)
        known = self._matches.get(place)
        if known is None:
            who = (self._people[user], self._people[session]) if self._by_people else (UNKNOWN, UNKNOWN)
            known = self._matches[place] = self.view.key_of(project, self._dims[dims], *who) == self.key
        return known

    def _values(self, project: str, dims: int) -> tuple[str, ...]:
        """The values of `drivers_view`, in its order."""
        *plain, _ = held = self._dims[dims]
        custom = self.names[1 + len(plain) :]
        return (project, *held[:-1], *(self._value(name, project, dims) for name in custom))

    def _value(self, name: str, project: str, dims: int) -> str:
        return dimension_value(name, project, self._dims[dims], UNKNOWN, UNKNOWN)

    def _dearest(self, now: _Calls) -> tuple[DearTrace, ...]:
        sums: defaultdict[tuple[str, bytes], int] = defaultdict(int)
        for project, calls in now:
            for _, trace, _, _, _, cost, estimate, _ in calls:
                sums[project, trace] += cost + estimate
        dear = sorted((place for place in sums if sums[place] > 0), key=lambda place: (-sums[place], place))
        return tuple(DearTrace(p, self.unit.trace_id(trace), sums[p, trace]) for p, trace in dear[:_TRACES])


class _Tops(NamedTuple):
    """The users, sessions and traces that may be named; all others are one."""

    users: frozenset[int]
    sessions: frozenset[int]
    traces: frozenset[bytes]


@dataclass(slots=True)
class _Spent:
    """What the calls of one span sum to by user, by session and by trace, in what the rule counts."""

    users: dict[int, int] = field(default_factory=dict)
    sessions: dict[int, int] = field(default_factory=dict)
    traces: dict[bytes, int] = field(default_factory=dict)

    @classmethod
    def of(cls, by_project: _Calls, counted: Unit) -> "_Spent":
        spent = cls()
        users, sessions, traces = spent.users, spent.sessions, spent.traces
        money, tokened = counted is Unit.USD, counted is Unit.TOKENS
        for _, calls in by_project:
            for _, trace, _, user, session, cost, estimate, tokens in calls:
                amount = cost + estimate if money else tokens if tokened else 1
                users[user] = users.get(user, 0) + amount
                sessions[session] = sessions.get(session, 0) + amount
                traces[trace] = traces.get(trace, 0) + amount
        return spent

    def top(self, before: Sequence["_Spent"], scale: Fraction) -> _Tops:
        """Those that rose most, and those that spent most."""
        usual: defaultdict[int, int] = defaultdict(int)
        for day in before:
            for user, amount in day.users.items():
                usual[user] += amount
        by = float(scale)
        risen = nlargest(_NAMED, self.users, key=lambda user: (self.users[user] - usual[user] * by, user))
        return _Tops(
            frozenset((*risen, *nlargest(_NAMED, self.users, key=lambda user: (self.users[user], user)))),
            frozenset(nlargest(_NAMED, self.sessions, key=lambda session: (self.sessions[session], session))),
            frozenset(nlargest(_NAMED, self.traces, key=lambda trace: (self.traces[trace], trace))),
        )


_Place = tuple[str, int, int, int, bytes]
"""Project, dimensions, user, session, trace; 0 and no bytes for those that are not told apart."""


def _grouped(by_project: _Calls, tops: _Tops) -> Iterable[tuple[_Place, list[int]]]:
    """Cost, tokens, requests and estimate by place."""
    sums: dict[_Place, list[int]] = {}
    users, sessions, traces = tops
    for project, calls in by_project:
        for _, trace, dims, user, session, cost, estimate, tokens in calls:
            place = (
                project,
                dims,
                user if user in users else 0,
                session if session in sessions else 0,
                trace if trace in traces else b"",
            )
            held = sums.get(place)
            if held is None:
                sums[place] = [cost, tokens, 1, estimate]
            else:
                held[0] += cost
                held[1] += tokens
                held[2] += 1
                held[3] += estimate
    return sums.items()


def _places(by_project: _Calls) -> set[tuple[str, int]]:
    return {(project, call[2]) for project, calls in by_project for call in calls}


def _texts(place: _Place) -> tuple[str, str, str]:
    project, _, user, session, trace = place
    return str(user) if user else "", str(session) if session else "", f"{project} {trace.hex()}" if trace else ""


def _ranges(offsets: Sequence[int], start: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """The spans of time of neighbouring quarter hours, as far as they lie before `end_ms`."""
    for _, run in groupby(enumerate(offsets), key=lambda each: each[1] - each[0]):
        cells = [start + offset for _, offset in run]
        from_ms, to_ms = cell_start_ms(cells[0]), min(cell_start_ms(cells[-1] + 1), end_ms)
        if from_ms < to_ms:
            yield from_ms, to_ms

"""Who spent it: users, sessions and traces, which only the rows know. A bounded number of rows is looked at.

Where the span and what it is compared with hold more rows than that, the quarter hours that grew most are looked at,
and the same ones of as many earlier days as the bound allows. What is found there is a lower bound.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

from fusewatch.app.comparing import Comparison
from fusewatch.domain.drivers import PASSING, PEOPLE, Fact, Table
from fusewatch.domain.explanations import DearTrace
from fusewatch.domain.periods import cell_start_ms
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import UNKNOWN, Amounts, Dimensions
from fusewatch.domain.verdicts import measure
from fusewatch.domain.views import Key, View, dimension_value
from fusewatch.ports import Call, DriverUnit

MOST_ROWS = 20_000
"""How many rows one explanation looks at: about 50 ms."""

_TRACES = 3

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
    """Reads the rows of one key. `people`: the key or the scope looks at users or sessions, so that only the rows
    tell what belongs to it, and all dimensions are told from them."""

    unit: DriverUnit
    view: View
    key: Key
    names: tuple[str, ...]
    counted: Unit
    left: int = MOST_ROWS + MOST_ROWS // 2
    _dims: dict[int, Dimensions] = field(default_factory=dict)
    _people: dict[int, str] = field(default_factory=dict)
    _matches: dict[tuple[str, int, int, int], bool] = field(default_factory=dict)

    def read(self, projects: Sequence[str], compared: Comparison, look: Plan) -> Spenders:
        """Who spent it by this plan; beyond the bound even of one quarter hour nothing is read."""
        now: defaultdict[tuple[str, int, int, int, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        before: defaultdict[tuple[str, int, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for project, calls in self._calls(projects, compared, look, compared.first):
            for call in calls:
                _add(now[project, call.dims, call.user, call.session, call.trace], call)
        dearest = dict.fromkeys(PASSING, 0)
        for start, _ in look.spans:
            passing: tuple[defaultdict[object, int], ...] = (defaultdict(int), defaultdict(int))
            for project, calls in self._calls(projects, compared, look, start):
                for call in calls:
                    _add(before[project, call.dims, call.user], call)
                    amount = measure(Amounts(call.cost_pico, call.tokens, 1, call.estimate_pico), self.counted)
                    passing[0][call.session] += amount
                    passing[1][call.trace] += amount
            for name, sums in zip(PASSING, passing, strict=True):
                dearest[name] += max(sums.values(), default=0)
        scale = compared.scale if look.whole else Fraction(1, max(1, len(look.spans)))
        table = Table(
            names=(*self.names, *PEOPLE),
            facts=[*self._facts(now), *self._facts_before(before)],
            scale=scale,
            tells=frozenset((*self.names, *PEOPLE) if self.view.uses_people else PEOPLE),
            whole=look.whole and self.left > 0,
            dearest={name: amount // max(1, len(look.spans)) for name, amount in dearest.items()},
        )
        return Spenders(table, _dearest(now))

    def first_ms(
        self, projects: Sequence[str], compared: Comparison, look: Plan, wanted: Mapping[str, str]
    ) -> int | None:
        """When the first of the key's generations with these values started."""
        return min(
            (
                call.start_ms
                for project, calls in self._calls(projects, compared, look, compared.first)
                for call in calls
                if all(self._value(name, project, call.dims) == value for name, value in wanted.items())
            ),
            default=None,
        )

    def _calls(
        self, projects: Sequence[str], compared: Comparison, look: Plan, start: int
    ) -> Iterator[tuple[str, list[Call]]]:
        """The key's generations in the planned quarter hours of one span."""
        for from_ms, to_ms in _ranges(look.offsets, start, compared.end_ms(start)):
            for project in projects:
                if self.left <= 0:
                    return
                found = self.unit.calls(project, from_ms, to_ms, most=self.left)
                self.left -= len(found)
                self._learn(found)
                yield project, [call for call in found if self._is_ours(project, call)]

    def _learn(self, calls: Sequence[Call]) -> None:
        dims = {call.dims for call in calls} - self._dims.keys()
        self._dims.update(self.unit.dimensions(dims))
        if self.view.uses_people:
            people = {number for call in calls for number in call[3:5]} - self._people.keys()
            self._people.update(self.unit.people(people))

    def _is_ours(self, project: str, call: Call) -> bool:
        people = (call.user, call.session) if self.view.uses_people else (0, 0)
        place = (project, call.dims, *people)
        known = self._matches.get(place)
        if known is None:
            texts = (self._people[n] for n in people) if self.view.uses_people else (UNKNOWN, UNKNOWN)
            known = self._matches[place] = self.view.key_of(project, self._dims[call.dims], *texts) == self.key
        return known

    def _facts(self, sums: Mapping[tuple[str, int, int, int, str], list[int]]) -> list[Fact]:
        named = self._named({place[:2] for place in sums})
        return [
            Fact((*named[place[:2]], str(place[2]), str(place[3]), f"{place[0]} {place[4]}"), Amounts(*held), Amounts())
            for place, held in sums.items()
        ]

    def _facts_before(self, sums: Mapping[tuple[str, int, int], list[int]]) -> list[Fact]:
        named = self._named({place[:2] for place in sums})
        return [
            Fact((*named[place[:2]], str(place[2]), "", ""), Amounts(), Amounts(*held)) for place, held in sums.items()
        ]

    def _named(self, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], tuple[str, ...]]:
        return {place: tuple(self._value(name, *place) for name in self.names) for place in places}

    def _value(self, name: str, project: str, dims: int) -> str:
        return dimension_value(name, project, self._dims[dims], UNKNOWN, UNKNOWN)


def _add(held: list[int], call: Call) -> None:
    held[0] += call.cost_pico
    held[1] += call.tokens
    held[2] += 1
    held[3] += call.estimate_pico


def _ranges(offsets: Sequence[int], start: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """The spans of time of neighbouring quarter hours, as far as they lie before `end_ms`."""
    for _, run in groupby(enumerate(offsets), key=lambda each: each[1] - each[0]):
        cells = [start + offset for _, offset in run]
        from_ms, to_ms = cell_start_ms(cells[0]), min(cell_start_ms(cells[-1] + 1), end_ms)
        if from_ms < to_ms:
            yield from_ms, to_ms


def _dearest(now: Mapping[tuple[str, int, int, int, str], list[int]]) -> tuple[DearTrace, ...]:
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for (project, _, _, _, trace), (cost, _, _, estimate) in now.items():
        sums[project, trace] += cost + estimate
    dear = sorted((place for place in sums if sums[place] > 0), key=lambda place: (-sums[place], place))
    return tuple(DearTrace(project, trace, sums[project, trace]) for project, trace in dear[:_TRACES])

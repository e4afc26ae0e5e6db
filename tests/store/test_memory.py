"""The store in memory answers an assess pass as the database does, whatever is asked in whatever order."""

from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.app.memory import MemoryStore
from fusewatch.domain.notices import Incident, Kind, Message, MessageKind, State
from fusewatch.domain.rules import Severity, Unit
from fusewatch.domain.usage import Amounts, Delta, Dimensions, Generation, Pricing
from fusewatch.domain.verdicts import measure
from fusewatch.ports import AssessUnit, CellSpan, Row, RuleState
from tests.store.samples import CELL_MS, CHAT, NOBODY, PROJECT, SEARCH, T0, fresh_store, generation, record

Step: TypeAlias = Callable[[AssessUnit], object]
Key: TypeAlias = tuple[str, ...]

CELL = T0 // CELL_MS
RULES, VIEWS = ("daily", "twice"), ("v1", "v2")
KEYS: tuple[Key, ...] = ((), ("chat",), ("a", "b"), ("ü",))

cells = st.integers(CELL - 3, CELL + 100)
rules, keys, views = st.sampled_from(RULES), st.sampled_from(KEYS), st.sampled_from(VIEWS)
amounts = st.builds(
    Amounts, st.integers(-(10**20), 10**20), st.integers(-5, 5), st.integers(-1, 3), st.integers(-(10**20), 10**20)
)
times = st.integers(T0, T0 + 20)
periods = st.sampled_from(["day:1", "day:2"])


def _no_rows(from_ms: int, to_ms: int) -> list[Row]:
    return []


def _incident(rule: str, key: Key, period: str, episode: int, state: State, measured: int, ends_ms: int) -> Incident:
    return Incident(
        id=f"{'|'.join(key)}/{period}/{episode}",  # without its rule: a renamed rule takes its incidents along
        kind=Kind.BUDGET,
        rule=rule,
        key=key,
        labels=(),
        period=period,
        period_start_ms=0,
        period_end_ms=ends_ms,
        timezone="UTC",
        episode=episode,
        state=state,
        severity=Severity.WARNING,
        level=Fraction(1),
        limit=5,
        unit=Unit.USD,
        measured=measured,
        opened_ms=1,
        changed_ms=2,
    )


incidents = st.builds(
    _incident, rules, keys, periods, st.integers(1, 3), st.sampled_from(State), amounts.map(lambda a: a[1]), times
)


def _add(view: str, key: Key, cell: int, each: Amounts) -> Step:
    return lambda u: u.add(view, key, cell, cell // 96, each)


def _look(view: str, key: Key, start: int, length: int) -> Step:
    def look(unit: AssessUnit) -> object:
        return (
            unit.quarters(view, key, start, start + length),
            unit.days(view, key, start // 96, (start + length) // 96 + 1),
            unit.first_cell(view, key),
            sorted(unit.keys(view, start)),
            unit.built_views(),
        )

    return look


def _message(number: int) -> Message:
    return Message(f"m{number}", "finops", MessageKind.NOTICES, Severity.INFO, T0)


def _state_of(rule: str, key: Key, period: str, at_ms: int) -> Step:
    def look(unit: AssessUnit) -> object:
        return (
            unit.incident(rule, key, period),
            {i.id: i for i in unit.open_incidents()},
            {i.id: i for i in unit.open_incidents(rule)},
            {i.id: i for i in unit.ended_incidents(at_ms)},
            sorted(unit.due(at_ms)),
            dict(unit.rule_states()),
        )

    return look


steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(_add, views, keys, cells, amounts),
    st.builds(_add, views, keys, cells, amounts),
    st.builds(_look, views, keys, cells, st.integers(1, 300)),
    st.builds(_state_of, rules, keys, periods, times),
    incidents.map(lambda incident: lambda u: u.put_incident(incident)),
    st.builds(lambda r, p: lambda u: sorted(u.prepare_incidents(r, KEYS, p)), rules, st.lists(periods, max_size=2)),
    st.builds(lambda r, k, at: lambda u: u.set_due(r, k, at), rules, keys, st.none() | times),
    st.builds(lambda r, at: lambda u: u.put_rule_state(RuleState(r, "budget", str(at), at)), rules, st.none() | times),
    rules.map(lambda rule: lambda u: u.drop_rule(rule)),
    views.map(lambda view: lambda u: u.begin_view(view)),
    st.just(lambda u: sorted(u.built_views())),
    st.integers(0, 3).map(lambda n: lambda u: u.enqueue(_message(n))),
)


def _as_said(answer: object) -> object:
    return list(answer) if isinstance(answer, tuple) else answer


def _build(view: str) -> Step:
    def key_of(project: str, dimensions: Dimensions, user: str, session: str) -> Key | None:
        return None if dimensions.feature == "unknown" else (dimensions.feature,)

    return lambda u: u.build_view(view, key_of, lambda cell: cell // 96, uses_people=False)


@settings(max_examples=60, deadline=None)
@given(story=st.lists(st.lists(steps, max_size=8), max_size=5))
def test_the_store_in_memory_answers_as_the_database_does(story: list[list[Step]]) -> None:
    """Each inner list is one transaction."""
    memory = MemoryStore(_no_rows)
    with fresh_store() as sql:
        for view in VIEWS:
            sql.assess(_build(view))
            memory.assess(_build(view))
        end = [_look(v, k, CELL - 3, 200) for v in VIEWS for k in KEYS]
        end += [_state_of(r, k, p, T0 + 10) for r in RULES for k in KEYS for p in ("day:1", "day:2")]
        for transaction in [*story, end]:
            asked = sql.assess(lambda u, steps=transaction: [step(u) for step in steps])  # type: ignore[misc]  # mypy infers no lambda with defaults
            told = memory.assess(lambda u, steps=transaction: [step(u) for step in steps])  # type: ignore[misc]  # mypy infers no lambda with defaults
            assert list(map(_as_said, told)) == list(map(_as_said, asked))


@settings(max_examples=60, deadline=None)
@given(
    spent=st.lists(st.tuples(keys, st.integers(CELL - 3, CELL + 5), amounts), max_size=12),
    before=st.lists(st.tuples(keys, st.integers(CELL - 3, CELL + 5), amounts), max_size=4),
    counted=st.sampled_from([Unit.USD, Unit.TOKENS, Unit.REQUESTS]),
    daily=st.booleans(),
    length=st.integers(1, 9),
    least=st.integers(1, 4) | st.integers(1, 3 * 10**20),
    near=st.integers(-3, 3),
)
def test_which_keys_reached_an_amount_is_told_at_once(
    spent: list[tuple[Key, int, Amounts]],
    before: list[tuple[Key, int, Amounts]],
    counted: Unit,
    daily: bool,
    length: int,
    least: int,
    near: int,
) -> None:
    """The database may name a key that is less than $0.000004 below; where the line is, is tried around a key's sum."""
    memory = MemoryStore(_no_rows)
    first = CELL // 96 if daily else CELL
    span = CellSpan(daily, first, first + (length // 5 + 1 if daily else length))

    def measured(unit: AssessUnit, key: Key) -> int:
        read = unit.days if daily else unit.quarters
        return sum(measure(each, counted) for _, each in read("v1", key, span.start, span.end))

    with fresh_store() as sql:
        for store in (sql, memory):
            store.assess(_build("v1"))
            store.assess(lambda u: [_add("v1", *each)(u) for each in before])
        sums = sql.assess(lambda u: {key: measured(u, key) for key in KEYS})
        line = max(1, max(sums.values()) + near if near else least)

        def ask(unit: AssessUnit) -> tuple[set[Key], dict[Key, int]]:
            for each in spent:
                _add("v1", *each)(unit)
            return set(unit.reaching("v1", KEYS, span, line, counted)), {key: measured(unit, key) for key in KEYS}

        named, sums = sql.assess(ask)
        exact, same = memory.assess(ask)
        assert same == sums
        assert exact == {key for key, amount in sums.items() if amount >= line}
        assert exact <= named <= {key for key, amount in sums.items() if amount > line - 4 * 10**6}


@pytest.mark.parametrize("unit", [Unit.USD, Unit.TOKENS, Unit.REQUESTS])
def test_nobody_reaches_a_limit_that_no_database_can_hold(unit: Unit) -> None:
    """The file may say so: `limit: 999999999999999B tokens`."""
    with fresh_store() as sql:
        sql.assess(_build("v1"))
        sql.assess(_add("v1", KEYS[0], CELL, Amounts(2**62, 2**62, 2**62)))
        assert not sql.assess(lambda u: u.reaching("v1", KEYS, CellSpan(False, CELL, CELL + 1), 10**30, unit))


@pytest.mark.parametrize("store", [MemoryStore(_no_rows), None], ids=["in memory", "database"])
def test_nothing_adds_up_to_dollars_a_request(store: MemoryStore | None) -> None:
    with fresh_store() as sql, pytest.raises(ValueError, match="usd_per_request is no sum"):
        (store or sql).assess(lambda u: u.reaching("v1", KEYS, CellSpan(True, 0, 1), 1, Unit.USD_PER_REQUEST))


generations = st.builds(
    generation,
    id=st.uuids().map(lambda u: u.hex[:16]),
    start_ms=st.integers(T0, T0 + 3 * CELL_MS),
    cost_pico=st.integers(0, 10**15),
    dimensions=st.sampled_from([SEARCH, CHAT, NOBODY]),
    pricing=st.sampled_from(Pricing),
    user=st.sampled_from(["ann", "bob"]),
)


@settings(max_examples=30, deadline=None)
@given(written=st.lists(generations, max_size=12, unique_by=lambda g: g.id))
def test_what_was_spent_is_the_same_in_memory_and_in_the_database(written: list[Generation]) -> None:
    """Changes, rows, views made from rows, totals and what has no price."""
    rows = [
        Row(PROJECT.key, g.start_ms, g.dimensions, g.user, g.session, _amounts(g))
        for g in sorted(written, key=lambda g: (g.start_ms, g.id))
    ]
    memory = MemoryStore(lambda from_ms, to_ms: [row for row in rows if from_ms <= row.start_ms < to_ms])
    memory.feed(
        (Delta(PROJECT.key, g.start_ms // CELL_MS, g.dimensions, g.user, g.session, _amounts(g)) for g in written),
        ((PROJECT.key, g.start_ms, g.dimensions, 0) for g in written if g.pricing is not Pricing.PRICED),
    )

    def look(unit: AssessUnit) -> object:
        taken: dict[object, Amounts] = {}
        for project, cell, dimensions, user, session, held in unit.take_deltas(1000):
            place = (project, cell, dimensions, user, session)
            taken[place] = taken[place].plus(held) if place in taken else held
        _build("v1")(unit)
        return (
            taken,
            unit.rows(T0 + 5, T0 + 2 * CELL_MS),
            sorted(unit.unpriced(PROJECT.key, T0 + 5, T0 + 2 * CELL_MS)),
            unit.totals(),
            [unit.quarters("v1", (name,), CELL, CELL + 5) for name in ("search", "chat", "unknown")],
            sorted(unit.keys("v1", CELL)),
            [unit.values(name) for name in ("feature", "model", "tier", "nothing")],
        )

    with fresh_store() as sql:
        if written:
            record(sql, written)
        assert memory.assess(look) == sql.assess(look)


def _amounts(g: Generation) -> Amounts:
    return Amounts(g.cost_pico, g.tokens.total, 1)

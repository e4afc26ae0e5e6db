"""In the ledger, too, what a trace gives does not depend on the order of reading, nor on what was forgotten since."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.domain.attribution import Resolver
from fusewatch.domain.inheritance import read
from fusewatch.domain.rules import DEFAULT_ATTRIBUTION, AttributionSource
from fusewatch.domain.usage import UNKNOWN, Amounts, Observation
from fusewatch.errors import Retryable
from fusewatch.ports import Recorded, Row, Span
from fusewatch.store import SqlStore
from fusewatch.store.inheriting import FORGOTTEN_AFTER_MS
from tests.domain.observing import observation
from tests.store.samples import PROJECT, T0, fresh_store, opened, raw

DEFAULT = Resolver(DEFAULT_ATTRIBUTION)
OTHER = Resolver((("feature", (AttributionSource("metadata", "team"),)),))
EVER = Span(0, 2**60)


def call(id_: str = "c", start_ms: int = T0, **changes: object) -> Observation:
    bare = {"user": "", "session": "", "trace_name": ""}
    return observation(id=id_, start_ms=start_ms, **(bare | changes))


def span(id_: str = "s", start_ms: int = T0, **changes: object) -> Observation:
    return call(id_, start_ms, **({"usage": {}, "cost": {}, "total_cost": 0.0} | changes))


def record(
    store: SqlStore, *found: Observation, by: Resolver = DEFAULT, now_ms: int = T0, whole: bool = False
) -> Recorded:
    rows, inheritance = read(found, by)
    return store.ingest(
        PROJECT.key, lambda u: u.record(EVER, rows, now_ms=now_ms, whole=whole, inheritance=inheritance)
    )


def rows(store: SqlStore) -> list[Row]:
    return sorted(store.assess(lambda unit: list(unit.rows(*EVER))))


def features(store: SqlStore) -> list[str]:
    return [row.dimensions.feature for row in rows(store)]


def version(store: SqlStore) -> int:
    return store.read(lambda unit: unit.version())


observations = st.builds(
    lambda trace, id_, at, updated, feature, user, session, called: (call if called else span)(
        id_,
        T0 + at,
        trace_id=trace,
        updated_ms=updated,
        user=user,
        session=session,
        metadata={"feature": feature} if feature else {},
    ),
    st.sampled_from(["t1", "t1", "t2"]),
    st.sampled_from("abcd"),
    st.sampled_from([0, 1, 900_000]),
    st.integers(1, 2),
    st.sampled_from(["", "", "f1", "f2"]),
    st.sampled_from(["", "", "u1", "u2"]),
    st.sampled_from(["", "s1"]),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(observations, max_size=4), max_size=5), st.randoms(use_true_random=False))
def test_any_order_of_batches_leads_to_the_same_rows_deltas_and_counters(
    history: list[list[Observation]], chance: object
) -> None:
    shuffled = [list(batch) for batch in history]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis's Random is untyped
    for batch in shuffled:
        chance.shuffle(batch)  # type: ignore[attr-defined]  # Hypothesis's Random is untyped
    with fresh_store() as store, fresh_store() as other, fresh_store() as once:
        for batch in history:
            record(store, *batch)
        for batch in (*shuffled, *history):
            record(other, *batch)
        record(once, *(o for batch in history for o in batch))
        assert rows(store) == rows(other) == rows(once)
        assert _summed(store) == _summed(other) == _summed(once)


def _summed(store: SqlStore) -> dict[tuple[object, ...], Amounts]:
    """What assess is told and what the counters hold, by everything that tells them apart."""
    sums: dict[tuple[object, ...], Amounts] = {}
    for d in store.assess(lambda unit: unit.take_deltas(10_000)):
        key = (d.cell, d.dimensions, d.user, d.session)
        sums[key] = sums.get(key, Amounts()).plus(d.amounts)
    for row in rows(store):
        key = (row.start_ms // 900_000, row.dimensions, row.user, row.session)
        sums[key] = sums.get(key, Amounts()).minus(row.amounts)
    assert not any(any(amounts) for amounts in sums.values())
    counters = store.read(lambda unit: unit.counters())
    return {c.labels: Amounts(c.cost_pico - c.debt_pico) for c in counters if c.cost_pico != c.debt_pico}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(observations, max_size=4), max_size=5))
def test_reading_again_writes_nothing(history: list[list[Observation]]) -> None:
    with fresh_store() as store:
        for batch in history:
            record(store, *batch)
        before = version(store)
        for batch in (*history, *reversed(history)):
            again = record(store, *batch)
            assert (again.new, again.changed, again.completed) == (0, 0, 0)
        assert version(store) == before


def test_how_many_rows_a_late_donor_completed_is_told(store: SqlStore) -> None:
    record(store, call("c1"), call("c2"), call("c3", metadata={"feature": "own"}))
    done = record(store, span(start_ms=T0 - 5, metadata={"feature": "root"}))
    assert (done.new, done.changed, done.completed) == (0, 0, 2)
    assert features(store).count("root") == 2


def test_what_is_known_of_a_trace_is_forgotten_a_day_after_it_was_learned(store: SqlStore) -> None:
    record(store, span(metadata={"feature": "chat"}))
    record(store, call("late", trace_id="t2"), now_ms=T0 + FORGOTTEN_AFTER_MS + 1)
    record(store, call("c"), now_ms=T0 + FORGOTTEN_AFTER_MS + 2)
    assert features(store) == [UNKNOWN, UNKNOWN]


def test_a_newer_version_keeps_what_its_row_inherited_from_a_trace_that_was_forgotten(store: SqlStore) -> None:
    record(store, span(metadata={"feature": "chat"}, user="ann"), call("c", updated_ms=1))
    later = T0 + FORGOTTEN_AFTER_MS + 1
    record(store, call("z", trace_id="t2"), now_ms=later)
    record(store, call("c", updated_ms=2, user="bob"), now_ms=later + 1)
    (row,) = [row for row in rows(store) if row.dimensions.feature != UNKNOWN]
    assert (row.dimensions.feature, row.user) == ("chat", "bob")


def test_a_part_of_a_forgotten_trace_that_is_read_again_takes_no_better_donor_s_place(store: SqlStore) -> None:
    first, second = (span(i, T0 + n, metadata={"feature": i}) for n, i in enumerate(("first", "second")))
    record(store, first, second, call("c", T0 + 2))
    later = T0 + FORGOTTEN_AFTER_MS + 1
    record(store, call("z", trace_id="t2"), now_ms=later)
    record(store, second, call("c", T0 + 2), now_ms=later + 1)
    assert "first" in features(store)
    assert "second" not in features(store)


def test_a_row_of_an_older_attribution_is_replaced_by_the_same_version_once(store: SqlStore) -> None:
    said = {"feature": "chat", "team": "core"}
    store.set_attribution(DEFAULT.revision)
    record(store, call(metadata=said))
    store.set_attribution(OTHER.revision)
    assert record(store, call(metadata=said), by=OTHER).changed == 1
    assert features(store) == ["core"]
    before = version(store)
    assert record(store, call(metadata=said), by=OTHER).changed == 0
    assert version(store) == before


def test_nobody_writes_by_another_attribution_than_the_one_in_force(store: SqlStore) -> None:
    store.set_attribution(OTHER.revision)
    with pytest.raises(Retryable) as refused:
        record(store, call())
    assert refused.value.reason == "rules_changed"
    assert rows(store) == []


def test_what_vanished_in_langfuse_keeps_its_old_attribution_and_stays_gone(store: SqlStore) -> None:
    store.set_attribution(DEFAULT.revision)
    record(store, call(metadata={"feature": "chat"}))
    hour = Span(T0, T0 + 3_600_000)
    store.ingest(PROJECT.key, lambda unit: unit.mark_gone(hour, [], at_ms=T0))
    store.set_attribution(OTHER.revision)
    record(store, span(metadata={"team": "core"}), by=OTHER, whole=True)
    assert features(store) == ["chat"]
    (held,) = store.ingest(PROJECT.key, lambda unit: unit.hours(hour)).values()
    assert held.gone_pico == held.cost_pico > 0


def test_a_change_of_attribution_makes_stale_what_was_covered_until_it_is_covered_again(store: SqlStore) -> None:
    store.set_attribution(DEFAULT.revision)
    store.ingest(PROJECT.key, lambda unit: unit.cover(Span(0, 100), read_at_ms=1))
    store.set_attribution(OTHER.revision)
    store.ingest(PROJECT.key, lambda unit: unit.cover(Span(40, 60), read_at_ms=2))
    assert store.ingest(PROJECT.key, lambda unit: (unit.coverage(), unit.stale())) == (
        [Span(40, 60)],
        [Span(0, 40), Span(60, 100)],
    )
    store.set_attribution(DEFAULT.revision)
    assert store.ingest(PROJECT.key, lambda unit: (unit.coverage(), unit.stale())) == ([], [Span(0, 100)])
    (state,) = [p for p in store.read(lambda unit: unit.projects()) if p.key == PROJECT.key]
    assert (state.stale_ms, state.attribution) == (100, DEFAULT.revision)


def test_what_was_forgotten_leaves_no_row_behind(url: str) -> None:
    with opened(url) as store:
        record(store, span(metadata={"feature": "chat"}), call())
        record(store, call("z", trace_id="t2"), now_ms=T0 + FORGOTTEN_AFTER_MS + 1)
    with raw(url) as ask:
        assert ask("SELECT count(*) FROM trace_fact") == [(1,)]

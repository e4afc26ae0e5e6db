"""What reports read: every generation in exactly one place, whatever the span, the zone and what was pruned."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.app import reports
from fusewatch.app.reports import EVER, Environments, Question
from fusewatch.domain.breakdown import NOTHING, Usage
from fusewatch.domain.coverage import Span
from fusewatch.domain.periods import Calendar, Every
from fusewatch.domain.usage import Generation, Pricing, Tokens
from fusewatch.ports import IngestUnit, Line, ReadUnit
from fusewatch.store import SqlStore
from tests.store.samples import CHAT, OTHER_PROJECT, PROJECT, SEARCH, T0, fresh_store, generation, record

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
JUDGE = SEARCH._replace(environment="langfuse-llm-as-a-judge")
LEFT_OUT = ("langfuse-*", "sdk-experiment")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"]
AROUND = [
    datetime(2026, 3, 29, tzinfo=UTC),  # Berlin and its like go forward
    datetime(2026, 10, 25, tzinfo=UTC),  # and back
    datetime(2026, 11, 1, tzinfo=UTC),  # New York goes back
    datetime(2026, 4, 24, tzinfo=UTC),  # Cairo has a day without a midnight
]


def asked(*by: str, span: Span = EVER, environments: Environments = Environments.ALL) -> Question:
    return Question(by, span, LEFT_OUT, T0 + 10 * DAY_MS, environments)


@st.composite
def ledgers(draw: st.DrawFn) -> list[Generation]:
    around_ms = round(draw(st.sampled_from(AROUND)).timestamp() * 1000)
    made = []
    for number in range(draw(st.integers(1, 25))):
        used, given_out = draw(st.integers(0, 9000)), draw(st.integers(0, 900))
        made.append(
            generation(
                f"{number:016x}",
                trace_id=f"{draw(st.integers(0, 4)):032x}",
                start_ms=around_ms + draw(st.integers(-2 * DAY_MS, 3 * DAY_MS)),
                cost_pico=draw(st.integers(0, 10**18)),
                pricing=draw(st.sampled_from(Pricing)),
                tokens=Tokens(input=used, output=given_out, total=used + given_out),
                dimensions=draw(st.sampled_from([SEARCH, CHAT, JUDGE])),
                user=draw(st.sampled_from(["ann", "bob"])),
            )
        )
    return made


def _breakdown(question: Question, unit: ReadUnit) -> reports.Breakdown:
    return reports.breakdown(unit, question)


def _cover(span: Span, at_ms: int, unit: IngestUnit) -> None:
    unit.cover(span, read_at_ms=at_ms)


def _page(after: Line | None, limit: int, unit: ReadUnit) -> Sequence[Line]:
    return unit.lines(PROJECT.key, EVER, after, limit)


def ledger_sum(generations: list[Generation]) -> Usage:
    found = NOTHING
    for g in generations:
        found = found.plus(Usage(1, int(g.pricing != Pricing.PRICED), g.tokens, g.cost_pico, 0))
    return found


@pytest.mark.parametrize("every", list(Every))
@settings(max_examples=12, deadline=None)
@given(made=ledgers(), zone=st.sampled_from(ZONES))
def test_the_periods_of_any_zone_sum_to_the_whole_and_the_whole_to_the_ledger(
    every: Every, made: list[Generation], zone: str
) -> None:
    with fresh_store() as store:
        record(store, made)
        span = Span(min(g.start_ms for g in made) - 1, max(g.start_ms for g in made) + 1)
        trend = store.read(lambda unit: reports.trend(unit, asked("feature", span=span), Calendar(zone), every))
        parts = reports.total(part.whole for _, part in trend.periods)
        assert parts == ledger_sum(made)
        for _, part in trend.periods:
            inside = [g for g in made if part.span.from_ms <= g.start_ms < part.span.to_ms]
            assert part.whole == ledger_sum(inside)


@settings(max_examples=12, deadline=None)
@given(made=ledgers(), by=st.sets(st.sampled_from(["feature", "model", "user", "environment", "tier", "project"])))
def test_what_counts_and_what_rules_leave_out_are_the_whole_by_any_dimensions(
    made: list[Generation], by: set[str]
) -> None:
    with fresh_store() as store:
        record(store, made)
        for environments in Environments:
            question = asked(*by, environments=environments)
            found = store.read(partial(_breakdown, question))
            assert found.whole == ledger_sum(made)
        judged = [g for g in made if g.dimensions is JUDGE]
        counted = store.read(lambda unit: reports.breakdown(unit, asked(*by, environments=Environments.COUNTED)))
        assert counted.left_out == ledger_sum(judged)


@settings(max_examples=10, deadline=None)
@given(made=ledgers(), cut=st.integers(-2 * DAY_MS, 3 * DAY_MS))
def test_pruning_changes_no_sum_but_those_of_people(made: list[Generation], cut: int) -> None:
    with fresh_store() as store:
        record(store, made)
        by = asked("feature", "environment")
        before = store.read(lambda unit: reports.breakdown(unit, by))
        middle_ms = sorted(g.start_ms for g in made)[len(made) // 2] + cut
        store.upkeep(lambda unit: unit.prune(PROJECT.key, middle_ms, most=10_000))
        after = store.read(lambda unit: reports.breakdown(unit, by))
        assert after.groups == before.groups
        by_day = asked("feature", span=Span(made[0].start_ms - 6 * DAY_MS, made[0].start_ms + 6 * DAY_MS))
        days = store.read(lambda unit: reports.trend(unit, by_day, Calendar("UTC"), Every.DAY))
        assert reports.total(part.whole for _, part in days.periods) == ledger_sum(made)


def test_the_sum_may_be_larger_than_64_bits_hold(store: SqlStore) -> None:
    dear = [generation(f"{n:016x}", start_ms=T0 + n, cost_pico=999_999 * 10**12) for n in range(30)]
    record(store, dear)
    found = store.read(lambda unit: reports.breakdown(unit, asked("team")))
    assert found.whole.cost_pico == 30 * 999_999 * 10**12 > 2**63


def test_a_moved_generation_counts_once_where_it_is_now(store: SqlStore) -> None:
    record(store, [generation(cost_pico=7)])
    record(store, [generation(cost_pico=9, start_ms=T0 + 5 * HOUR_MS, updated_ms=2)])
    found = store.read(lambda unit: reports.trace(unit, "4bf92f3577b34da6a3ce929d0e0e4736"))
    assert [(line.start_ms, line.usage.cost_pico) for line in found] == [(T0 + 5 * HOUR_MS, 9)]
    whole = store.read(lambda unit: reports.breakdown(unit, asked()))
    assert (whole.whole.calls, whole.whole.cost_pico) == (1, 9)


def test_traces_are_ranked_by_what_all_their_hours_cost(store: SqlStore) -> None:
    record(
        store,
        [
            generation("01" * 8, trace_id="aa" * 16, cost_pico=60),
            generation("02" * 8, trace_id="bb" * 16, cost_pico=50, dimensions=CHAT),
            generation("03" * 8, trace_id="bb" * 16, cost_pico=40, start_ms=T0 + 3 * HOUR_MS),
            generation("04" * 8, trace_id="cc" * 16, cost_pico=500, dimensions=JUDGE),
        ],
    )
    counted = asked(environments=Environments.COUNTED)
    found = store.read(lambda unit: reports.top_traces(unit, counted, 10))
    assert [(t.trace_id, t.usage.cost_pico, t.feature) for t in found] == [
        ("bb" * 16, 90, "chat"),
        ("aa" * 16, 60, "search"),
    ]


def test_the_average_is_by_trace_and_a_trace_with_two_values_counts_for_both(store: SqlStore) -> None:
    record(
        store,
        [
            generation("01" * 8, trace_id="aa" * 16, cost_pico=60),
            generation("02" * 8, trace_id="aa" * 16, cost_pico=20, start_ms=T0 + HOUR_MS),
            generation("03" * 8, trace_id="bb" * 16, cost_pico=40),
            generation("04" * 8, trace_id="bb" * 16, cost_pico=7, dimensions=CHAT),
        ],
    )
    found = store.read(lambda unit: reports.averages(unit, asked("feature")))
    assert [(a.key, a.traces, a.usage.calls, a.usage.cost_pico) for a in found] == [
        (("search",), 2, 3, 120),
        (("chat",), 1, 1, 7),
    ]


@settings(max_examples=60, deadline=None)
@given(made=ledgers(), data=st.data())
def test_a_trace_comes_once_and_whole_however_many_hours_and_starts_it_has(
    made: list[Generation], data: st.DataObject
) -> None:
    start_ms = min(g.start_ms for g in made)
    span = data.draw(st.sampled_from([EVER, Span(start_ms, start_ms + DAY_MS), Span(start_ms + HOUR_MS, EVER.to_ms)]))
    with fresh_store() as store:
        record(store, made)
        moved = data.draw(st.lists(st.sampled_from(made), unique=True, max_size=3))
        if moved:
            record(store, [g._replace(start_ms=g.start_ms + 5 * HOUR_MS, updated_ms=9) for g in moved])
        lines = store.read(lambda unit: unit.lines(PROJECT.key, span, None, 10_000))
        found = store.read(lambda unit: list(unit.trace_usage(span)))
    by_trace: dict[str, int] = {}
    for line in lines:
        by_trace[line.trace_id] = by_trace.get(line.trace_id, 0) + line.usage.cost_pico
    assert all(len({part.trace_id for part in parts}) == 1 for parts in found)
    assert len(found) == len(by_trace)
    assert {parts[0].trace_id: sum(part.usage.cost_pico for part in parts) for parts in found} == by_trace


def test_what_was_not_read_of_the_span_is_named_and_the_last_minutes_are_not(store: SqlStore) -> None:
    now_ms = T0 + 10 * DAY_MS

    def cover(project: str, *spans: Span) -> None:
        for span in spans:
            store.ingest(project, partial(_cover, span, now_ms))

    cover(PROJECT.key, Span(T0, T0 + DAY_MS), Span(T0 + 2 * DAY_MS, now_ms - 60_000))
    cover(OTHER_PROJECT.key, Span(T0, now_ms))

    def gaps(unit: ReadUnit) -> list[reports.Gap]:
        return reports.reading(unit, Span(T0, now_ms + DAY_MS), now_ms)[0]

    assert store.read(gaps) == [reports.Gap("production", Span(T0 + DAY_MS, T0 + 2 * DAY_MS))]
    assert store.read(lambda unit: reports.reading(unit, EVER, now_ms))[1] == now_ms - 60_000


def test_a_closed_month_stays_and_what_comes_later_is_its_correction(store: SqlStore) -> None:
    span = Span(T0 - DAY_MS, T0 + DAY_MS)
    record(store, [generation(cost_pico=100), generation("0b" * 8, dimensions=JUDGE, cost_pico=5)])
    made = store.read(lambda unit: reports.to_close(unit, "2025-10 UTC", span, T0 + 2 * DAY_MS))
    assert store.upkeep(lambda unit: unit.close_month(made))
    assert not store.upkeep(lambda unit: unit.close_month(made)), "once closed it is closed"

    record(store, [generation(cost_pico=90, updated_ms=2), generation("0c" * 8, cost_pico=30, dimensions=CHAT)])
    question = asked("feature", span=span, environments=Environments.COUNTED)
    month = store.read(lambda unit: reports.month(unit, question, "2025-10 UTC"))
    assert month.closed is not None
    assert [(g.key, g.usage.cost_pico) for g in month.closed.groups] == [(("search",), 100)]
    assert month.closed.left_out.cost_pico == 5
    assert (month.correction.calls, month.correction.cost_pico) == (1, 20)
    assert month.now.whole == month.closed.whole.plus(month.correction)
    assert store.read(lambda unit: reports.month(unit, question, "2025-10 Europe/Berlin")).closed is None


@settings(max_examples=10, deadline=None)
@given(made=ledgers(), limit=st.integers(1, 7))
def test_pages_of_rows_hold_every_counted_generation_once(made: list[Generation], limit: int) -> None:
    with fresh_store() as store:
        record(store, made)
        found: list[Line] = []
        after: Line | None = None
        while page := store.read(partial(_page, after, limit)):
            found += page
            after = page[-1]
        assert sorted(line.id for line in found) == sorted(g.id for g in made)
        by_id = {g.id: g for g in made}
        assert all(
            (line.start_ms, line.usage.cost_pico, line.usage.tokens, line.pricing, line.dimensions, line.user)
            == ((g := by_id[line.id]).start_ms, g.cost_pico, g.tokens, g.pricing, g.dimensions, g.user)
            for line in found
        )


def test_the_mark_of_an_hour_changes_with_anything_that_is_listed_of_it(store: SqlStore) -> None:
    def marks() -> dict[int, str]:
        return dict(store.read(lambda unit: list(unit.hour_marks(PROJECT.key, EVER))))

    record(store, [generation("01" * 8), generation("02" * 8, user="bob", dimensions=CHAT)])
    seen = [marks()]
    record(store, [generation("01" * 8), generation("02" * 8, user="bob", dimensions=CHAT)])
    assert marks() == seen[0], "reading again changes nothing"
    changes = [
        [generation("01" * 8, updated_ms=2, user="bob")],
        [generation("01" * 8, updated_ms=3, user="bob", dimensions=CHAT)],
        [generation("01" * 8, updated_ms=4, user="bob", dimensions=CHAT, cost_pico=5)],
        [generation("03" * 8, cost_pico=0, tokens=Tokens())],
    ]
    for change in changes:
        record(store, change)
        assert marks() not in seen
        seen.append(marks())
    gone = {("4bf92f3577b34da6a3ce929d0e0e4736", f"{n:02}" * 8, T0) for n in (1, 2)}
    store.ingest(PROJECT.key, lambda unit: unit.mark_gone(Span(T0, T0 + 1), gone, at_ms=T0 + 9))
    assert marks() not in seen

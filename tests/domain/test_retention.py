"""When things become too old, and which night audits which day."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.periods import Calendar, Every, day_index, day_span
from fusewatch.domain.readplan import looks_from, need_from
from fusewatch.domain.retention import (
    DAY_MS,
    HOUR_MS,
    NIGHT_MS,
    audit_due,
    day_to_audit,
    days_looked_back,
    needs,
    prune_due,
    rows_until,
    totals_until,
)
from fusewatch.domain.rules import Baseline, Budget, Limit, Retention, Rule, RuleSet, Spike, Unit
from tests.domain.zones import END_MS, FIRST_MS, ms

instants = st.integers(FIRST_MS, END_MS)
calendars = st.builds(Calendar, st.sampled_from(("UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe")))
rules = st.one_of(
    st.builds(Budget, st.just("b"), st.just(Limit(Unit.USD, 10**12)), st.sampled_from(Every), calendars),
    st.builds(
        Spike,
        st.just("s"),
        st.just(Fraction(2)),
        st.just(0),
        baseline=st.builds(Baseline, days=st.integers(1, 90), same_weekday=st.booleans()),
        calendar=calendars,
    ),
)


@given(rules, instants)
def test_no_rule_ever_looks_further_back_than_is_said_even_a_day_late(rule: Rule, now_ms: int) -> None:
    reach_ms = now_ms - days_looked_back(rule) * DAY_MS
    assert reach_ms <= looks_from(rule, now_ms)
    assert reach_ms <= looks_from(rule, now_ms - DAY_MS)


@given(rules, instants)
def test_rows_that_are_kept_as_long_as_is_needed_are_never_missed(rule: Rule, now_ms: int) -> None:
    found = RuleSet(spikes=(rule,)) if isinstance(rule, Spike) else RuleSet(budgets=(rule,))
    kept_ms = max(need.days for need in needs(found)) * DAY_MS
    until_ms = rows_until(Retention(kept_ms), now_ms)
    assert until_ms is not None
    assert until_ms <= need_from(found, now_ms)
    assert until_ms % HOUR_MS == 0


def test_nothing_is_too_old_where_nothing_is_said() -> None:
    assert rows_until(Retention(), END_MS) is None
    assert totals_until(Retention(), END_MS) is None
    assert not prune_due(Retention(), None, END_MS)


def test_pruning_is_due_once_in_each_hour() -> None:
    kept = Retention(40 * DAY_MS)
    at_ms = ms("2026-11-18T07:10")
    assert prune_due(kept, None, at_ms)
    assert not prune_due(kept, at_ms, ms("2026-11-18T07:59"))
    assert prune_due(kept, at_ms, ms("2026-11-18T08:00"))


def test_an_audit_is_due_from_three_hours_into_the_local_day_until_it_was_done() -> None:
    berlin = Calendar("Europe/Berlin")
    night_ms = day_span(berlin, day_index(berlin, ms("2026-11-18T12:00")))[0] + NIGHT_MS
    assert not audit_due(berlin, None, night_ms - 1)
    assert audit_due(berlin, None, night_ms)
    assert audit_due(berlin, night_ms - 1, night_ms)
    assert not audit_due(berlin, night_ms, night_ms + 20 * HOUR_MS)


@given(calendars, st.integers(1, 20), instants)
def test_every_day_that_has_its_rows_is_audited_in_turn(calendar: Calendar, days: int, now_ms: int) -> None:
    yesterday = day_index(calendar, now_ms) - 1
    rows_from_ms = day_span(calendar, yesterday - days + 1)[0]
    last: int | None = None
    audited = []
    for _ in range(days + 1):
        last = day_to_audit(calendar, last, rows_from_ms, now_ms)
        audited.append(last)
    assert audited == [*range(yesterday, yesterday - days, -1), yesterday]


def test_a_day_without_all_its_rows_is_not_audited() -> None:
    now_ms = ms("2026-11-18T12:00")
    assert day_to_audit(Calendar(), None, ms("2026-11-17T00:01"), now_ms) is None
    assert day_to_audit(Calendar(), None, ms("2026-11-17T00:00"), now_ms) is not None

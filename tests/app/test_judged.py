"""How much one pass judges: what changed and what is due, whatever there is besides."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from fusewatch.app.assess import Assessment, assess_pass
from fusewatch.domain.periods import Every, Last
from fusewatch.domain.rules import Baseline, Budget, Limit, Rule, RuleSet, Spike, Unit
from fusewatch.ports import Span
from fusewatch.store import SqlStore
from tests.app.when import DAY_MS, HOUR_MS, MINUTE_MS, instant_ms
from tests.store.samples import PROJECT, fresh_url, generation, opened

KEYS = 10_000
NOON_MS = instant_ms("12:00")
FIVE = Limit(Unit.USD, 5 * 10**12)
TWO_DAYS = Baseline(days=2, at_least=2)

RULES = [
    pytest.param(Budget("r", FIVE, Every.DAY, each=("user",)), id="budgets of a day"),
    pytest.param(Budget("r", FIVE, Last(DAY_MS), each=("user",)), id="rolling budgets"),
    pytest.param(Spike("r", Fraction(2), 10**12, baseline=TWO_DAYS, each=("user",)), id="spikes of today"),
    pytest.param(
        Spike("r", Fraction(2), 10**12, baseline=TWO_DAYS, each=("user",), last=Last(HOUR_MS)), id="spikes of an hour"
    ),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with opened(fresh_url(tmp_path)) as store:
        yield store


def _spend(store: SqlStore, calls: dict[str, int], at_ms: int) -> None:
    """One call of each of these users, of so many cents; all is read up to then."""
    rows = [
        generation(f"{at_ms}-{user}", start_ms=at_ms, cost_pico=cents * 10**10, user=user)
        for user, cents in calls.items()
    ]
    span = Span(NOON_MS - 4 * DAY_MS, at_ms + 1)
    store.ingest(PROJECT.key, lambda unit: unit.record(span, rows, now_ms=at_ms))
    store.ingest(PROJECT.key, lambda unit: unit.cover(span, read_at_ms=at_ms))
    store.ingest(PROJECT.key, lambda unit: unit.loaded(at_ms=at_ms, counters_from_ms=at_ms))
    store.ingest(PROJECT.key, lambda unit: unit.succeeded(at_ms=at_ms, as_of_ms=at_ms))


def _judged(store: SqlStore, rule: Rule, now_ms: int) -> int:
    rules = RuleSet(budgets=(rule,)) if isinstance(rule, Budget) else RuleSet(spikes=(rule,))
    given = Assessment(rules, frozenset({PROJECT.key}), started_ms=NOON_MS, expected=1)
    return assess_pass(store, given, now_ms).judged


@pytest.mark.parametrize("rule", RULES)
def test_of_ten_thousand_keys_of_which_ten_changed_ten_are_judged(store: SqlStore, rule: Rule) -> None:
    _spend(store, {f"u{key}": 1 for key in range(KEYS)}, NOON_MS)
    assert _judged(store, rule, NOON_MS + 1000) == KEYS
    _spend(store, {f"u{key * 7}": 1 for key in range(10)}, NOON_MS + 5 * MINUTE_MS)
    assert _judged(store, rule, NOON_MS + 5 * MINUTE_MS) == 10
    assert _judged(store, rule, NOON_MS + 20 * MINUTE_MS) == 0, "nor does time alone touch what is not open"


def test_time_alone_judges_the_open_windows_at_each_quarter_hour_and_no_others(store: SqlStore) -> None:
    rule = Budget("r", FIVE, Last(2 * HOUR_MS), each=("user",))
    _spend(store, {f"u{key}": 600 if key < 3 else 10 for key in range(300)}, NOON_MS)
    assert _judged(store, rule, NOON_MS) == 300
    judged = [_judged(store, rule, NOON_MS + minutes * MINUTE_MS) for minutes in (5, 15, 20, 29, 31)]
    assert judged == [0, 3, 0, 0, 3]

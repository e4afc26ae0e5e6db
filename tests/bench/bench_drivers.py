"""How long it takes to explain a notice, over a ledger as dense as one of 5 million generations in five weeks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

from fusewatch.app.assess import Assessment, assess_pass
from fusewatch.app.drivers import explain
from fusewatch.domain.notices import Incident, Kind, State
from fusewatch.domain.periods import Every, period_at
from fusewatch.domain.rules import Budget, Limit, RuleSet, Severity, Unit
from fusewatch.domain.usage import Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import ProjectIdentity, Span
from fusewatch.store import SqlStore, open_store

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
BEGINS_MS = 1_760_313_600_000
PROJECT = ProjectIdentity("https://langfuse.example", "p1", "Shop", "org", "v2", "4.16.0")
CALLS_A_DAY = 143_000
"""Five million in 35 days."""

DAYS = 8
ROUNDS = 5
BUDGET_MS = 100.0

_BATCH = 10_000


def rows(calls_a_day: int = CALLS_A_DAY) -> list[tuple[str, float, str, float | None]]:
    """What `make bench` prints: the slowest and the usual explanation of three kinds of keys."""
    now_ms = BEGINS_MS + DAYS * DAY_MS - 5 * HOUR_MS
    budgets = (
        Budget("all", Limit(Unit.USD, 1), Every.DAY),
        Budget("features", Limit(Unit.USD, 1), Every.DAY, each=("feature",)),
        Budget("week", Limit(Unit.USD, 1), Every.WEEK),
        Budget("users", Limit(Unit.USD, 1), Every.DAY, each=("user",)),
    )
    rules = RuleSet(budgets=budgets, history_ms=DAYS * DAY_MS)
    keys: dict[str, tuple[str, ...]] = {"all": (), "features": ("f3",), "week": (), "users": ("u17",)}
    with dense(calls_a_day, rules, now_ms) as store:
        return [
            (f"explain a notice: {b.name}", _measured(store, rules, b, keys[b.name], now_ms), "ms", BUDGET_MS)
            for b in budgets
        ]


def _measured(store: SqlStore, rules: RuleSet, budget: Budget, key: tuple[str, ...], now_ms: int) -> float:
    incident = _incident(budget, key, now_ms)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = store.read(lambda unit: explain(unit.drivers(), rules, incident, now_ms))
        times.append((time.perf_counter() - began) * 1000)
        assert found is not None, "its views are there"
        assert found.drivers, "there is something to explain"
    return median(times)


def _incident(budget: Budget, key: tuple[str, ...], now_ms: int) -> Incident:
    period = period_at(budget.calendar, budget.every, now_ms)
    return Incident(
        id="bench",
        kind=Kind.BUDGET,
        rule=budget.name,
        key=key,
        labels=tuple(zip(budget.each, key, strict=True)),
        period=period.label,
        period_start_ms=period.start_ms,
        period_end_ms=period.end_ms,
        timezone="UTC",
        episode=1,
        state=State.OPEN,
        severity=Severity.CRITICAL,
        level=Fraction(1),
        limit=1,
        unit=Unit.USD,
        measured=1,
        opened_ms=now_ms,
        changed_ms=now_ms,
    )


@contextmanager
def dense(calls_a_day: int, rules: RuleSet, now_ms: int) -> Iterator[SqlStore]:
    """A database with so much on each day: 300 sets of dimensions, 5,000 users."""
    random = Random(5)
    dims = [
        Dimensions(
            "production" if n % 12 else "staging", f"f{n % 20}", f"t{n % 5}", f"m{n % 7}", "openai", f"op{n % 60}",
            "GENERATION", f"r{n % 2}", "1", f"p{n % 60}:1", f"flow{n % 20}",
        )
        for n in range(300)
    ]  # fmt: skip
    with TemporaryDirectory() as folder, _opened(Path(folder)) as store:
        for day_ms in range(BEGINS_MS, now_ms, DAY_MS):
            starts = sorted(random.randrange(day_ms, min(day_ms + DAY_MS, now_ms)) for _ in range(calls_a_day))
            for at in range(0, len(starts), _BATCH):
                made = [_row(random, start, dims) for start in starts[at : at + _BATCH]]
                span = Span(made[0].start_ms, made[-1].start_ms + 1)
                store.ingest(PROJECT.key, lambda unit, s=span, m=made: unit.record(s, m, now_ms=now_ms))  # type: ignore[misc]  # mypy infers no lambda with defaults
        store.ingest(PROJECT.key, lambda unit: unit.cover(Span(BEGINS_MS, now_ms), read_at_ms=now_ms))
        store.ingest(PROJECT.key, lambda unit: unit.succeeded(at_ms=now_ms, as_of_ms=now_ms))
        while assess_pass(store, Assessment(rules, frozenset((PROJECT.key,)), 0, expected=1), now_ms).more:
            pass
        yield store


@contextmanager
def _opened(folder: Path) -> Iterator[SqlStore]:
    with open_store(f"sqlite:///{folder}/bench.db", holder="bench", exclusive=True) as store:
        store.register(PROJECT, "shop", now_ms=1)
        yield store


def _row(random: Random, start_ms: int, dims: list[Dimensions]) -> Generation:
    tokens = random.randrange(200, 4000)
    return Generation(
        f"{random.getrandbits(128):032x}",
        f"{random.getrandbits(64):016x}",
        start_ms,
        start_ms,
        tokens * 3_000_000,
        Pricing.PRICED,
        Tokens(input=tokens, total=tokens),
        900,
        dims[int(random.random() ** 2 * len(dims))],
        f"u{min(4999, int(random.paretovariate(0.5)))}",
        f"s{random.randrange(20_000)}",
        digest=tokens,
    )

"""What judging costs: as the ledger grows, with many live keys, and when all of them are judged at once."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from fusewatch.app.assess import Assessment, AssessReport, assess_pass
from fusewatch.app.snapshot import Snapshot, take_snapshot
from fusewatch.domain.periods import Every
from fusewatch.domain.rules import Budget, Limit, RuleSet, Unit
from fusewatch.domain.usage import Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import AssessUnit, ProjectIdentity, Span
from fusewatch.runtime import collect_seldom
from fusewatch.store import SqlStore, open_store

DAY_MS = 86_400_000
NOW_MS = 1_763_823_600_000
"""22 November 2025, 15:00 UTC."""

DAYS = 21
LEDGER = 3_000
KEYS = 10_000
GROWTH_BUDGET, KEYS_BUDGET_MS = 1.3, 100.0
"""DESIGN 6: 100 times the ledger costs at most so much more; a pass over 10,000 live keys takes less than this."""

TOUCHED = 10
PROJECT = ProjectIdentity("https://langfuse.example", "p1", "Shop", "org", "v2", "4.16.0")
_AT_ONCE = 10_000
_LIMIT = 20 * 10**12

Row = tuple[str, float, str, float | None]


def rows(ledger: int = LEDGER, keys: int = KEYS, rounds: int = 15) -> list[Row]:
    """(name, value, unit, budget) of each measurement."""
    return [*_growth(ledger, rounds), *_keys(keys, max(rounds // 3, 1))]


def _growth(ledger: int, rounds: int) -> list[Row]:
    """The same changes judged over a ledger, and over one of 100 times the size: the same keys, as many days."""
    rules = budgets(Every.DAY, Every.MONTH)
    with filled(ledger, 50, rules) as small, filled(100 * ledger, 50, rules) as large:
        times: list[tuple[float, float]] = []
        for number in range(rounds):
            one, _ = _pass(small, rules, TOUCHED, 50, number)
            other, _ = _pass(large, rules, TOUCHED, 50, number)
            times.append((one, other))
        return [
            (f"assess: {ledger:,} generations", median(t[0] for t in times) * 1000, "ms", None),
            (f"assess: {100 * ledger:,} generations", median(t[1] for t in times) * 1000, "ms", None),
            ("assess: 100 times the ledger", median(b / a for a, b in times), "x", GROWTH_BUDGET),
        ]


def _keys(keys: int, rounds: int) -> list[Row]:
    rules = budgets(Every.DAY)
    with filled(keys, keys, rules) as store:
        some = median(_pass(store, rules, TOUCHED, keys, n)[0] for n in range(rounds)) * 1000
        everything = median(_pass(store, rules, keys, keys, 100 + n)[0] for n in range(rounds)) * 1000
        due = median(_due_pass(store, rules, keys) for _ in range(rounds)) * 1000
        shown = median(_timed_snapshot(store, rules)[0] for _ in range(rounds)) * 1000
        return [
            (f"assess: {keys:,} live keys, {TOUCHED} changed", some, "ms", KEYS_BUDGET_MS),
            (f"assess: {keys:,} live keys, all due at once", due, "ms", KEYS_BUDGET_MS),
            (f"assess: {keys:,} live keys, all changed at once", everything, "ms", None),
            (f"picture of {keys:,} live keys, taken anew", shown, "ms", None),
        ]


def budgets(*every: Every) -> RuleSet:
    budgets = tuple(Budget(f"per-{each.value}", Limit(Unit.USD, _LIMIT), each, each=("feature",)) for each in every)
    return RuleSet(budgets=budgets, history_ms=DAYS * DAY_MS)


@contextmanager
def filled(generations: int, keys: int, rules: RuleSet) -> Iterator[SqlStore]:
    """A database with so many generations over three weeks, spread over so many features, and judged."""
    random = Random(3)
    dims = [dimensions(n) for n in range(keys)]
    from_ms = NOW_MS - DAYS * DAY_MS
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        with open_store(url, holder="bench", exclusive=True) as store:
            store.register(PROJECT, "shop", now_ms=1)
            step = DAYS * DAY_MS / generations
            for at in range(0, generations, _AT_ONCE):
                batch = [
                    generation(random, int(from_ms + n * step), dims[n % keys])
                    for n in range(at, min(at + _AT_ONCE, generations))
                ]
                _record(store, batch)
            store.ingest(PROJECT.key, lambda unit: unit.cover(Span(from_ms, NOW_MS), read_at_ms=NOW_MS))
            store.ingest(PROJECT.key, lambda unit: unit.succeeded(at_ms=NOW_MS, as_of_ms=NOW_MS))
            # As on a running day: each key has spent something today.
            _record(store, [generation(random, NOW_MS - 3_600_000, each) for each in dims])
            while assess(store, rules).more:
                pass
            yield store


def dimensions(number: int) -> Dimensions:
    return Dimensions(
        "production",
        f"f{number}",
        f"t{number % 11}",
        f"m{number % 4}",
        "openai",
        "chat",
        "GENERATION",
        "r",
        "v",
        "p",
        "t",
    )


def generation(random: Random, start_ms: int, dims: Dimensions) -> Generation:
    tokens = random.randrange(200, 4_000)
    ids = f"{random.getrandbits(128):032x}", f"{random.getrandbits(64):016x}"
    used = Tokens(input=tokens, total=tokens)
    user = f"u{random.randrange(2_000)}"
    return Generation(*ids, start_ms, start_ms, tokens * 10**6, Pricing.PRICED, used, 900, dims, user, "s", tokens)


def assess(store: SqlStore, rules: RuleSet) -> AssessReport:
    given = Assessment(rules, frozenset((PROJECT.key,)), 0, expected=1)
    return assess_pass(store, given, NOW_MS)


def _pass(store: SqlStore, rules: RuleSet, touched: int, keys: int, number: int) -> tuple[float, AssessReport]:
    """Seconds of one pass after so many keys changed."""
    random = Random(number)
    _record(
        store,
        [generation(random, NOW_MS - 60_000 + n % 50_000, dimensions(n * (keys // touched))) for n in range(touched)],
    )
    gc.collect()
    began = perf_counter()
    report = assess(store, rules)
    took = perf_counter() - began
    assert report.judged >= touched, "every key that changed was judged"
    return took, report


def _due_pass(store: SqlStore, rules: RuleSet, keys: int) -> float:
    """Seconds of one pass in which all keys are due and none changed, as when a period begins."""

    def make_due(unit: AssessUnit) -> None:
        for n in range(keys):
            unit.set_due(rules.rules[0].name, (f"f{n}",), NOW_MS)

    store.assess(make_due)
    gc.collect()
    began = perf_counter()
    report = assess(store, rules)
    took = perf_counter() - began
    assert report.judged == keys, "every key was judged"
    return took


def change(store: SqlStore, touched: int, keys: int, number: int) -> None:
    """So many of the keys spend something, `number` tells what."""
    random = Random(number)
    spread = keys // touched
    _record(store, [generation(random, NOW_MS - 60_000 + n % 50_000, dimensions(n * spread)) for n in range(touched)])


def _timed_snapshot(store: SqlStore, rules: RuleSet) -> tuple[float, Snapshot]:
    gc.collect()
    began = perf_counter()
    snapshot = take_snapshot(store, rules, frozenset((PROJECT.key,)), now_ms=NOW_MS, started_ms=0)
    return perf_counter() - began, snapshot


def _record(store: SqlStore, batch: list[Generation]) -> None:
    span = Span(min(g.start_ms for g in batch), max(g.start_ms for g in batch) + 1)
    store.ingest(PROJECT.key, lambda unit: unit.record(span, batch, now_ms=NOW_MS))


if __name__ == "__main__":
    collect_seldom()  # as the daemon does
    for name, value, unit, budget in rows():
        print(f"{name}: {value:.3f} {unit}{f' (budget {budget:g})' if budget else ''}")

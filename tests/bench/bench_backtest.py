"""What a backtest over 30 days and a million generations takes. Alone: `python -m tests.bench.bench_backtest`."""

import gc
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from fusewatch.app.backtest import Course, Recorded, backtest
from fusewatch.config.rulefile import load_text
from fusewatch.domain.usage import Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import ProjectIdentity, Span
from fusewatch.store import SqlStore, open_store

GENERATIONS = 1_000_000
DAYS, BEFORE = 30, 7
BUDGET_S = 60.0
"""Issue: under a minute."""

MINUTE_MS, DAY_MS = 60_000, 86_400_000
TO_MS = 1_764_547_200_000
"""1 December 2025."""

RULES = """
version: 1
destinations: {terminal: {type: console}}
budgets:
  - {name: all, limit: $25000, every: month}
  - {name: teams, each: [team], limit: $250, every: day}
  - {name: features, each: [feature], limit: $60, every: day}
spikes:
  - {name: twice, each: [feature], factor: 2, floor: $5}
"""
_PROJECT = ProjectIdentity("https://langfuse.example", "p1", "Production", "org", "v2", "4.16.0")
_AT_ONCE = 20_000


def fill(store: SqlStore) -> None:
    """A ledger as the daemon writes it: each minute's calls are first seen at a poll soon after them."""
    store.register(_PROJECT, "shop", now_ms=1)
    rnd = random.Random(7)
    from_ms = TO_MS - (DAYS + BEFORE) * DAY_MS
    scopes = [
        Dimensions("prod", f"f{n % 30}", f"t{n % 7}", f"m{n % 5}", "openai", "chat", "GENERATION", "r", "v", "p", "t")
        for n in range(60)
    ]
    used = Tokens(input=100, output=20, total=120)
    starts = sorted(rnd.randrange(from_ms, TO_MS) for _ in range(GENERATIONS * (DAYS + BEFORE) // DAYS))
    store.ingest(_PROJECT.key, lambda u: u.cover(Span(from_ms, TO_MS), read_at_ms=TO_MS))
    store.ingest(_PROJECT.key, lambda u: u.loaded(at_ms=from_ms, counters_from_ms=from_ms))
    rows: list[Generation] = []
    for number, start_ms in enumerate(starts):
        cost = rnd.randrange(10**8, 10**11)
        pricing = Pricing.PRICED if number % 50 else Pricing.UNPRICED
        ids = f"{number:032x}", f"{number:016x}"
        user = f"u{rnd.randrange(2000)}"
        scope, took_ms = rnd.choice(scopes), rnd.randrange(500, 40_000)
        rows.append(
            Generation(*ids, start_ms, start_ms, cost, pricing, used, took_ms, scope, user, f"s{number // 5}", number)
        )
        if len(rows) == _AT_ONCE:
            _record(store, rows)
            rows = []
    _record(store, rows)


def _record(store: SqlStore, rows: list[Generation]) -> None:
    """Each poll, once a minute, writes what it sees first."""
    by_poll: dict[int, list[Generation]] = {}
    for row in rows:
        by_poll.setdefault((row.start_ms + (row.duration_ms or 0)) // MINUTE_MS * MINUTE_MS + MINUTE_MS, []).append(row)
    for seen_ms, seen in by_poll.items():
        _see(store, seen, seen_ms)


def _see(store: SqlStore, seen: list[Generation], seen_ms: int) -> None:
    span = Span(min(row.start_ms for row in seen), max(row.start_ms for row in seen) + 1)
    store.ingest(_PROJECT.key, lambda unit: unit.record(span, seen, now_ms=seen_ms))


def rows() -> list[tuple[str, float, str, float | None]]:
    """(name, value, unit, the most it may be or None)."""
    rules = load_text(RULES, "bench.yaml", {}, secrets=False).rules
    with (
        TemporaryDirectory() as folder,
        open_store(f"sqlite:///{Path(folder)}/bench.db", holder="bench", exclusive=True) as store,
    ):
        fill(store)
        projects, coverage = store.read(lambda unit: (unit.projects(), unit.coverage()))
        course = Course(TO_MS - DAYS * DAY_MS, TO_MS, MINUTE_MS, projects, coverage)
        gc.disable()  # as the command does
        began = perf_counter()
        (outcome,) = backtest(Recorded(store), course, [rules])
        took_s = perf_counter() - began
        gc.enable()
    return [
        ("backtest of 30 days, generations", float(outcome.generations), "", None),
        ("backtest of 30 days, notices", float(sum(bool(t.destinations) for t in outcome.told)), "", None),
        ("backtest of 30 days", took_s, "s", BUDGET_S),
    ]


if __name__ == "__main__":
    for name, value, unit, budget in rows():
        print(f"{name}: {value:.3f} {unit}{f' (budget {budget:g})' if budget else ''}")

"""Ledgers of any size: a few days written as the daemon writes them, then the same days again and again before."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from fusewatch.app.assess import Assessment, assess_pass
from fusewatch.config.rulefile import load_text
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.inheritance import Heirs, Inheritance
from fusewatch.domain.rules import RuleSet
from fusewatch.domain.usage import Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import ProjectIdentity, Span
from fusewatch.store import SqlStore, open_store
from fusewatch.store.connection import SqliteLink, make_engine
from fusewatch.store.link import Lock

DAY_MS, CELL_MS = 86_400_000, 900_000
RULES = """
version: 1
destinations: {log: {type: console}}
budgets:
  - {name: all, limit: $100000, every: month}
  - {name: features, each: [feature], limit: $5000, every: day}
"""
_AT_ONCE = 5_000
_SET = 300


def rules() -> RuleSet:
    return load_text(RULES, "bench.yaml", {}, secrets=False).rules


def write(path: Path, project: ProjectIdentity, generations: int, now_ms: int, *, times: int = 1) -> None:
    """A judged ledger of one project: so many generations over the last day, and that day `times` times in all.

    The copies are made inside the database; their ids are random, their cells and totals are in proportion.
    """
    with open_store(f"sqlite:///{path}", holder="bench", exclusive=True) as store:
        store.register(project, "langfuse", now_ms=now_ms)
        # A whole number of cells, so that copies shift by whole cells and days.
        end_ms = now_ms // CELL_MS * CELL_MS
        from_ms = end_ms - DAY_MS
        revision = Resolver(rules().attribution).revision
        store.set_attribution(revision)  # as the daemon will, so that it finds nothing read by another one
        for batch in _batches(generations, from_ms, end_ms):
            record(store, project.key, batch, revision, now_ms)
        covered = Span(from_ms - (times - 1) * DAY_MS, end_ms)
        store.ingest(project.key, lambda unit: unit.cover(covered, read_at_ms=now_ms))
        store.ingest(project.key, lambda unit: unit.loaded(at_ms=now_ms, counters_from_ms=from_ms))
        store.ingest(project.key, lambda unit: unit.succeeded(at_ms=now_ms, as_of_ms=end_ms))
        store.ingest(project.key, lambda unit: unit.reconciled(at_ms=now_ms, drift_pico=0))
        given = Assessment(rules(), frozenset((project.key,)), 0, expected=1)
        while assess_pass(store, given, now_ms).more:
            pass
    with _open(path) as link:
        for copy in range(1, times):
            _copy(link, copy)
        if times > 1:
            link.run(f"UPDATE series_key SET first_cell = first_cell - {(times - 1) * 96}")
            link.run(f"UPDATE project SET generations = generations * {times}, cost_hi = cost_hi * {times}")
            link.run(f"UPDATE project SET cost_lo = cost_lo * {times}")
            link.run("PRAGMA wal_checkpoint(TRUNCATE)")


def record(store: SqlStore, project: str, batch: list[Generation], revision: str, now_ms: int) -> None:
    """One transaction with these rows, oldest first, read by the attribution of this revision."""
    span = Span(batch[0].start_ms, batch[-1].start_ms + 1)
    read_by = Inheritance(revision, Heirs(()), {})
    store.ingest(project, lambda unit: unit.record(span, batch, now_ms=now_ms, inheritance=read_by))


def generation(random: Random, start_ms: int, dims: Dimensions) -> Generation:
    tokens = random.randrange(200, 4_000)
    ids = f"{random.getrandbits(128):032x}", f"{random.getrandbits(64):016x}"
    used = Tokens(input=tokens, total=tokens)
    user, session = f"u{random.randrange(2_000)}", f"s{random.randrange(20_000)}"
    return Generation(*ids, start_ms, start_ms, tokens * 10**6, Pricing.PRICED, used, 900, dims, user, session, tokens)


def dimensions(number: int, features: int = 60) -> Dimensions:
    return Dimensions(
        environment="production",
        feature=f"f{number % features}",
        team=f"t{number % 11}",
        model=f"m{number % 5}",
        provider="openai",
        operation="chat",
        type="GENERATION",
        release="r",
        version="v",
        prompt="p",
        trace_name="h",
    )


def _batches(generations: int, from_ms: int, end_ms: int) -> Iterator[list[Generation]]:
    random = Random(11)
    dims = [dimensions(n) for n in range(_SET)]
    step = (end_ms - from_ms) / generations
    for at in range(0, generations, _AT_ONCE):
        numbers = range(at, min(at + _AT_ONCE, generations))
        yield [generation(random, int(from_ms + n * step), dims[n % _SET]) for n in numbers]


@contextmanager
def _open(path: Path) -> Iterator[SqliteLink]:
    engine = make_engine(path)
    link = SqliteLink(engine, busy_timeout_ms=1_000)
    try:
        yield link
    finally:
        link.close()
        engine.dispose()


def _copy(link: SqliteLink, number: int) -> None:
    """The last day once more, `number` days earlier."""
    names = [row[1] for row in link.rows("PRAGMA table_info(generation)")]
    shifted = {
        "start_ms": f"start_ms - {number * DAY_MS}",
        "updated_ms": f"updated_ms - {number * DAY_MS}",
        "trace": "randomblob(16)",
        "obs": "randomblob(8)",
    }
    (last,) = link.row("SELECT max(start_ms) FROM generation")
    link.begin(Lock.LEDGER)
    link.run(
        f"INSERT INTO generation ({', '.join(names)}) SELECT {', '.join(shifted.get(n, n) for n in names)}"
        f" FROM generation WHERE start_ms > {last - DAY_MS}"
    )
    link.run(
        "INSERT OR IGNORE INTO seen (h64, start_ms)"
        f" SELECT random(), start_ms FROM generation WHERE start_ms <= {last - number * DAY_MS}"
        f" AND start_ms > {last - (number + 1) * DAY_MS}"
    )
    (cell,) = link.row("SELECT max(bucket) FROM series WHERE grain = 0")
    for grain, by, newest in ((0, number * 96, cell - 96), (1, number, cell // 96 - 1)):
        link.run(
            "INSERT OR IGNORE INTO series (key, grain, bucket, cost_hi, cost_lo, tokens, requests, est_hi, est_lo)"
            f" SELECT key, grain, bucket - {by}, cost_hi, cost_lo, tokens, requests, est_hi, est_lo FROM series"
            f" WHERE grain = {grain} AND bucket > {newest}"
        )
    link.commit()

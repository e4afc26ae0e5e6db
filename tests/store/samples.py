"""Generations, projects and stores for the tests of the database."""

import atexit
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import psycopg

from fusewatch.domain.usage import Amounts, Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import ProjectIdentity, Recorded, Span
from fusewatch.store import SqlStore, open_store

T0 = 1_760_000_400_000
"""A full quarter hour in October 2025."""

CELL_MS = 900_000
PROJECT = ProjectIdentity("https://langfuse.example", "p1", "Production", "org", "v2", "4.16.0")
OTHER_PROJECT = ProjectIdentity("https://langfuse.example", "p2", "Staging", "org", "v2", "4.16.0")

SEARCH = Dimensions("prod", "search", "core", "gpt-4o", "openai", "chat", "GENERATION", "r1", "v1", "p1", "t1")
CHAT = SEARCH._replace(feature="chat", model="claude", extra=(("tier", "gold"),))
USED = Tokens(input=100, output=20, total=120)
NOBODY = SEARCH._replace(feature="unknown", team="unknown")


def generation(
    id: str = "00f067aa0ba902b7",  # noqa: A002 the field's own name
    *,
    trace_id: str = "4bf92f3577b34da6a3ce929d0e0e4736",
    start_ms: int = T0,
    updated_ms: int = 1,
    cost_pico: int = 1_000_000_000,
    pricing: Pricing = Pricing.PRICED,
    tokens: Tokens = USED,
    duration_ms: int | None = 1500,
    dimensions: Dimensions = SEARCH,
    user: str = "ann",
    session: str = "s1",
) -> Generation:
    """A generation whose digest follows from its content, as the domain's does."""
    parts = (trace_id, id, start_ms, updated_ms, cost_pico, pricing, tokens, duration_ms, dimensions, user, session)
    digest = int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "big", signed=True)
    return Generation(*parts, digest=digest)


def span_of(generations: Sequence[Generation]) -> Span:
    """The smallest span that holds them."""
    starts = [g.start_ms for g in generations] or [T0]
    return Span(min(starts), max(starts) + 1)


def record(
    store: SqlStore, generations: Sequence[Generation], *, project: ProjectIdentity = PROJECT, now_ms: int = T0
) -> Recorded:
    return store.ingest(project.key, lambda unit: unit.record(span_of(generations), generations, now_ms=now_ms))


@lru_cache(maxsize=1)
def _template() -> Path:
    folder = mkdtemp(prefix="fusewatch-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "template.db"
    with open_store(f"sqlite:///{path}", holder="template", exclusive=True) as store:
        store.register(PROJECT, "production", now_ms=1)
        store.register(OTHER_PROJECT, "staging", now_ms=2)
    return path


_database = ["sqlite"]
"""Which of the two the tests that now run are about."""


def use(database: str) -> None:
    """From now on fresh databases are of this kind: `sqlite` or `postgres`."""
    _database[0] = database


def fresh_url(folder: Path) -> str:
    """A database with both projects registered and nothing else, copied or emptied rather than migrated each time."""
    if _database[0] == "postgres":
        from tests.store import server

        url = server.taken_database()
        with open_store(url, holder="template", exclusive=True) as store:
            store.register(PROJECT, "production", now_ms=1)
            store.register(OTHER_PROJECT, "staging", now_ms=2)
        return url
    path = folder / "fusewatch.db"
    shutil.copyfile(_template(), path)
    return f"sqlite:///{path}"


def opened(url: str, holder: str = "test") -> SqlStore:
    return open_store(url, holder=holder, exclusive=True, busy_timeout_ms=200)


@contextmanager
def fresh_store() -> Iterator[SqlStore]:
    """A store of its own for one example of a property."""
    with TemporaryDirectory() as folder:
        url = fresh_url(Path(folder))
        with opened(url) as store:
            yield store
        if _database[0] == "postgres":
            from tests.store import server

            server.give_back(url)


@contextmanager
def raw(url: str) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    """What is in the database, asked behind the store's back: statements and their rows."""
    connection: sqlite3.Connection | psycopg.Connection[tuple[Any, ...]]
    is_file = url.startswith("sqlite")
    connection = sqlite3.connect(url.removeprefix("sqlite:///")) if is_file else psycopg.connect(url)

    def ask(statement: str) -> list[tuple[Any, ...]]:
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []

    with closing(connection):
        yield ask
        connection.commit()


def newest_of(versions: Iterable[Generation]) -> Generation:
    """Which version counts, said once more and independently: newest, then dearest, then latest start, then digest."""
    return sorted(versions, key=lambda g: (g.updated_ms, g.cost_pico, g.start_ms, g.digest))[-1]


def counted(versions: Iterable[Generation]) -> list[Generation]:
    """One version of each observation: what the ledger has to hold."""
    by_id: dict[tuple[str, str], list[Generation]] = {}
    for g in versions:
        by_id.setdefault((g.trace_id, g.id), []).append(g)
    return [newest_of(group) for group in by_id.values()]


def amounts_of(generations: Iterable[Generation]) -> Amounts:
    total = Amounts()
    for g in generations:
        total = total.plus(Amounts(g.cost_pico, g.tokens.total, 1))
    return total

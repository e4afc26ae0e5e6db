"""Ledgers of any size, written by SQL into the real schema in a few microseconds a row.

What a daemon writes beside the rows (sums for rules, counters) is left out: reports and exports do not read it.
"""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from fusewatch.domain.usage import Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import ProjectIdentity, Span
from fusewatch.store import open_store
from fusewatch.store.ids import identity_hash, pack

PROJECT = ProjectIdentity("https://langfuse.example", "p1", "Production", "org", "v2", "4.16.0")
DAYS = 30
TO_MS = 1_764_547_200_000
"""1 December 2025."""
FROM_MS = TO_MS - DAYS * 86_400_000

SCOPES, USERS = 60, 2_000
A_TRACE, A_SESSION = 3, 15
"""So many generations each."""

_COLUMNS = (
    *("project", "start_ms", "trace", "obs", "updated_ms", "cost", "pricing", "dims", "person", "session"),
    *("input", "output", "cache_read", "cache_write", "reasoning", "audio", "other", "total", "duration_ms"),
    *("digest", "counted", "seen_ms", "estimate"),
)
_INSERT = f"INSERT INTO generation ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_AT_ONCE = 10_000


def fill(path: Path, generations: int) -> None:
    """Make the ledger: the generations evenly over thirty days, three to a trace that takes half a minute."""
    with open_store(f"sqlite:///{path}", holder="bench", exclusive=True) as store:
        store.register(PROJECT, "shop", now_ms=1)
        store.ingest(PROJECT.key, lambda unit: unit.cover(Span(0, TO_MS), read_at_ms=TO_MS))
        samples = [_sample(number) for number in range(SCOPES)]
        store.ingest(PROJECT.key, lambda unit: unit.record(Span(0, FROM_MS), samples, now_ms=1))
    with closing(sqlite3.connect(path, isolation_level=None)) as link:
        for pragma in ("synchronous = OFF", "cache_size = -400000", "wal_autocheckpoint = 100000"):
            link.execute(f"PRAGMA {pragma}")
        (first,) = link.execute("SELECT max(id) + 1 FROM text").fetchone()
        names = [f"u{number}" for number in range(USERS)]
        names += [f"s{number}" for number in range(generations // A_SESSION + 1)]
        link.execute("BEGIN")
        link.executemany("INSERT INTO text (id, value) VALUES (?, ?)", enumerate(names, first))
        made = _rows(generations, first)
        while few := list(islice(made, _AT_ONCE)):
            link.executemany(_INSERT, [row for row, _ in few])
            link.executemany("INSERT OR IGNORE INTO seen (h64, start_ms) VALUES (?, ?)", [seen for _, seen in few])
        link.execute("COMMIT")
        link.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _sample(number: int) -> Generation:
    """A row by which the ledger learns a set of dimensions; long before all others."""
    names = (f"f{number % 30}", f"t{number % 7}", f"m{number % 5}")
    dims = Dimensions("production", *names, "openai", "chat", "GENERATION", "r1", "v1", "prompt", "answer")
    used = Tokens(input=1, total=1)
    ids = f"{number:032x}", f"{number:016x}"
    return Generation(*ids, number, number, 0, Pricing.PRICED, used, 1, dims, "u", "s", number)


def _rows(generations: int, first_text: int) -> Iterator[tuple[tuple[object, ...], tuple[int, int]]]:
    """Rows of the ledger, and those by which it finds them again."""
    rnd = random.Random(7)
    step = (TO_MS - FROM_MS) / generations
    for number in range(generations):
        start_ms = FROM_MS + int(number * step)
        trace = pack(blake2b(str(number // A_TRACE).encode(), digest_size=16).hexdigest())
        obs = pack(f"{number:016x}")
        dims = 1 + (number // A_TRACE * 7 + number % 2) % SCOPES
        person = first_text + (number // A_SESSION * 31) % USERS
        session = first_text + USERS + number // A_SESSION
        used = rnd.randrange(100, 4000), rnd.randrange(10, 900)
        priced = number % 50 != 0
        cost = rnd.randrange(10**8, 10**11) if priced else 0
        row = (
            *(1, start_ms, trace, obs, start_ms + 2000, cost, 0 if priced else 2, dims, person, session),
            *(*used, 0, 0, 0, 0, 0, sum(used), 1500, number * 7919, 1, start_ms + 60_000),
            None if priced else 10**9,
        )
        yield row, (identity_hash(1, trace, obs), start_ms)

"""Exports read back by somebody else's reader: every text, every instant and every picodollar is there again."""

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fusewatch.app.exports import Listing, row_columns, write_rows
from fusewatch.app.reports import EVER
from fusewatch.domain.rules import BUILT_IN_DIMENSIONS
from fusewatch.domain.usage import Generation
from fusewatch.export.targets import open_target, place_of
from fusewatch.export.text import FORMULA
from fusewatch.ports import TableTarget
from fusewatch.store import SqlStore
from tests.store.samples import SEARCH, T0, fresh_store, generation, record
from tests.store.server import empty_database

LISTING = Listing(EVER, BUILT_IN_DIMENSIONS, row_columns(BUILT_IN_DIMENSIONS))

SUM_OF_DECIMALS = """
SELECT sum(CAST(whole AS integer) * 1000000000000 + CAST(substr(fraction || '000000000000', 1, 12) AS integer)) FROM (
    SELECT substr(cost_usd, 1, instr(cost_usd || '.', '.') - 1) AS whole,
           substr(cost_usd, instr(cost_usd || '.', '.') + 1) AS fraction
    FROM rows
)
"""
"""Decimals as text, summed in whole picodollars by SQL that has no decimals itself."""


class Back(NamedTuple):
    """A generation as it was read back."""

    id: str
    feature: str
    user: str
    cost_pico: int


def write(store: SqlStore, to: str) -> None:
    target = open_target(place_of(to), table="generations")
    try:
        write_rows(store, LISTING, target, lambda _done, _at_ms: None)
    finally:
        if isinstance(target, TableTarget):
            target.close()


def back(row: "dict[str, str]") -> Back:
    return Back(row["id"], row["feature"], row["user"], int(Decimal(row["cost_usd"]).scaleb(12)))


def bare(text: str) -> str:
    """What the documentation says of CSV: take one apostrophe away."""
    return text.removeprefix("'")


def from_csv(store: SqlStore, folder: Path) -> list[Back]:
    write(store, f"{folder}/rows.csv")
    with (folder / "rows.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    texts = [row[name] for row in rows for name in (*BUILT_IN_DIMENSIONS, "id", "trace_id", "priced")]
    assert not [text for text in texts if text.startswith(FORMULA)], "no text begins like a formula"
    return [back({name: bare(value) for name, value in row.items()}) for row in rows]


def from_json_lines(store: SqlStore, folder: Path) -> list[Back]:
    write(store, f"{folder}/rows.jsonl")
    return [back(json.loads(line)) for line in (folder / "rows.jsonl").read_bytes().splitlines()]


def from_parquet(store: SqlStore, folder: Path) -> list[Back]:
    pq = pytest.importorskip("pyarrow.parquet")
    write(store, f"{folder}/rows.parquet")
    return [back(row) for row in pq.read_table(folder / "rows.parquet").to_pylist()]


def from_sqlite(store: SqlStore, folder: Path) -> list[Back]:
    write(store, f"sqlite:///{folder}/warehouse.db")
    with closing(sqlite3.connect(folder / "warehouse.db")) as link:
        return [Back(*row) for row in link.execute('SELECT id, feature, "user", cost_pico FROM generations')]


FILES = [from_csv, from_json_lines, from_parquet, from_sqlite]

# Half of a surrogate pair is no text that UTF-8 or SQL holds; the daemon's readers let none in.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.sampled_from(
    [
        "=cmd|'/c calc'!A0",
        "+1",
        "-1",
        "@x",
        "'=1",
        "''",
        "a,b",
        'say "hi"',
        "two\nlines",
        "a\rb",
        "\r\n",
        ",",
        '"',
        "\0",
    ]
)
COSTS = st.integers(0, 10**18 - 1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("read_back", FILES)
@given(rows=st.lists(st.tuples(NAMES, NAMES, COSTS), min_size=1, max_size=6))
@example(rows=[("=1+1", "a\rb", 1), ("a\rb", "'", 123_456_789_012_345_678), ("plain", "\r", 0)])
def test_hostile_names_and_odd_costs_come_back_as_they_are(
    read_back: Callable[[SqlStore, Path], list[Back]], rows: list[tuple[str, str, int]]
) -> None:
    with fresh_store() as store, TemporaryDirectory() as folder:
        record(store, _generations(rows))
        expected = [Back(f"{n:016x}", feature, user, cost) for n, (feature, user, cost) in enumerate(rows)]
        assert sorted(read_back(store, Path(folder))) == expected


def _generations(rows: list[tuple[str, str, int]]) -> list[Generation]:
    return [
        generation(f"{n:016x}", start_ms=T0 + n, user=user, cost_pico=cost, dimensions=SEARCH._replace(feature=feature))
        for n, (feature, user, cost) in enumerate(rows)
    ]


def test_hostile_names_come_back_from_postgresql_but_for_the_character_it_cannot_hold(store: SqlStore) -> None:
    import psycopg

    url = empty_database()
    names = ["=cmd", "'; DROP TABLE generations; --", 'a,"b"\r\n\\N', "\\.", "nul\0nul", "ü 🧨"]
    record(store, _generations([(name, name, 10**17 + n) for n, name in enumerate(names)]))
    write(store, url)
    with psycopg.connect(url) as server:
        rows = server.execute('SELECT feature, "user", cost_usd FROM generations ORDER BY "start"').fetchall()
    assert [row[:2] for row in rows] == [(name.replace("\0", "�"),) * 2 for name in names]
    assert [int(row[2].scaleb(12)) for row in rows] == [10**17 + n for n in range(len(names))]


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.parquet"])
def test_a_file_put_into_sql_sums_to_the_ledger_to_the_picodollar(store: SqlStore, tmp_path: Path, name: str) -> None:
    record(store, _generations([(f"f{n % 7}", f"u{n}", 123_456_789_012_345 + n * 7919) for n in range(3_000)]))
    whole = store.read(lambda unit: unit.totals())
    write(store, f"{tmp_path}/{name}")
    with closing(sqlite3.connect(":memory:")) as sql:
        sql.execute("CREATE TABLE rows (cost_usd text, total_tokens integer)")
        sql.executemany("INSERT INTO rows VALUES (?, ?)", _cells(tmp_path / name))
        assert sql.execute(SUM_OF_DECIMALS).fetchone() == (whole.cost_pico,)
        assert sql.execute("SELECT count(*), sum(total_tokens) FROM rows").fetchone() == (3_000, 3_000 * 120)


def _cells(file: Path) -> list[tuple[str, object]]:
    match file.suffix:
        case ".csv":
            with file.open(encoding="utf-8", newline="") as lines:
                rows = list(csv.DictReader(lines))
        case ".jsonl":
            rows = [json.loads(line) for line in file.read_bytes().splitlines()]
        case _:
            rows = pytest.importorskip("pyarrow.parquet").read_table(file).to_pylist()
    return [(str(row["cost_usd"]), row["total_tokens"]) for row in rows]

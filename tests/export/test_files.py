"""Export files: whole or not at all, exact, and harmless in a spreadsheet."""

import csv
import json
import os
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.app.exports import Listing, row_columns, write_rows
from fusewatch.app.reports import EVER
from fusewatch.domain.rules import BUILT_IN_DIMENSIONS
from fusewatch.errors import Permanent
from fusewatch.export.instants import iso, utc
from fusewatch.export.targets import open_target, place_of
from fusewatch.export.text import CsvFile, _pages
from fusewatch.ports import Cells, Column, FileTarget, Record, TableTarget
from fusewatch.store import SqlStore
from tests.store.samples import OTHER_PROJECT, SEARCH, T0, generation, record

COLUMNS = [Column("feature", Cells.TEXT), Column("calls", Cells.NUMBER), Column("cost_usd", Cells.MONEY)]


def target(text: str) -> FileTarget:
    found = open_target(place_of(text), table="")
    assert not isinstance(found, TableTarget)
    return found


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")', id="a formula"),
        pytest.param("+1", "'+1", id="a sign"),
        pytest.param("-team", "'-team", id="a dash"),
        pytest.param("@sum", "'@sum", id="an old formula"),
        pytest.param("\tx", "'\tx", id="a tab that is cut off"),
        pytest.param("\rx", "'\rx", id="a carriage return"),
        pytest.param("\n=x", "'\n=x", id="a line feed"),
        pytest.param("＝1", "'＝1", id="a wide sign"),
        pytest.param("'=1", "''=1", id="an apostrophe, so that one can always be taken away"),
        pytest.param("a=b", "a=b", id="a sign within is harmless"),
        pytest.param('a,b "c"\nd', 'a,b "c"\nd', id="what CSV quotes itself"),
    ],
)
def test_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe(tmp_path: Path, value: str, written: str) -> None:
    file = tmp_path / "spend.csv"
    CsvFile(str(file)).write(COLUMNS, [(value, 1, 5)])
    with file.open(encoding="utf-8", newline="") as lines:
        assert list(csv.reader(lines))[1] == [written, "1", "0.000000000005"]
    CsvFile(str(file), escape=False).write(COLUMNS, [(value, 1, 5)])
    with file.open(encoding="utf-8", newline="") as lines:
        assert list(csv.reader(lines))[1][0] == value


def test_numbers_stay_numbers_below_zero_too(tmp_path: Path) -> None:
    file = tmp_path / "spend.csv"
    CsvFile(str(file)).write(COLUMNS, [("x", -3, -53 * 10**6)])
    assert file.read_text() == "feature,calls,cost_usd\nx,-3,-0.000053\n"


@given(pico=st.integers(-(10**24), 10**24))
def test_a_cost_is_a_plain_decimal_of_up_to_twelve_digits(pico: int) -> None:
    ((shown,),) = next(_pages(COLUMNS[2:], [(pico,)]))
    assert Decimal(str(shown)).scaleb(12) == pico
    assert "E" not in str(shown).upper()
    assert len(str(shown).partition(".")[2]) <= 12


@given(at_ms=st.integers(0, 250_000_000_000_000))
def test_an_instant_is_iso_8601_to_the_millisecond_in_utc(at_ms: int) -> None:
    shown = iso(at_ms)
    assert datetime.fromisoformat(shown) == utc(at_ms)
    assert len(shown) == len("2026-11-22T15:30:00.000Z")


def test_a_file_is_what_it_was_when_its_export_fails_on_the_way(tmp_path: Path) -> None:
    file = tmp_path / "spend.csv"
    file.write_text("before")

    def broken() -> Iterator[Record]:
        yield ("x", 1, 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        target(str(file)).write(COLUMNS, broken())
    assert file.read_text() == "before"
    assert os.listdir(tmp_path) == ["spend.csv"]


def test_a_file_keeps_its_mode_and_a_new_one_gets_the_usual_one(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        CsvFile(str(tmp_path / "new.csv")).write(COLUMNS, [])
        (tmp_path / "old.csv").write_text("")
        (tmp_path / "old.csv").chmod(0o604)
        CsvFile(str(tmp_path / "old.csv")).write(COLUMNS, [])
    finally:
        os.umask(mask)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("new.csv", "old.csv")] == [0o640, 0o604]


def test_a_link_goes_on_to_point_where_it_does(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "spend.csv"
    link.symlink_to(tmp_path / "real" / "spend.csv")
    CsvFile(str(link)).write(COLUMNS, [])
    assert link.is_symlink()
    assert (tmp_path / "real" / "spend.csv").read_text() == "feature,calls,cost_usd\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    for place, words in ((tmp_path / "none" / "x.csv", "No such file"), (tmp_path, "it is a folder")):
        with pytest.raises(Permanent, match=f"cannot write {place}.*{words}"):
            CsvFile(str(place)).write(COLUMNS, [])


@pytest.mark.parametrize(
    ("text", "kind", "at"),
    [
        ("csv:/data/spend.csv", "csv", "/data/spend.csv"),
        ("jsonl:spend", "jsonl", "spend"),
        ("out/spend.parquet", "parquet", "out/spend.parquet"),
        ("-", "csv", "-"),
        ("sqlite:///spend.db", "sqlite", "spend.db"),
        ("sqlite:////data/spend.db", "sqlite", "/data/spend.db"),
        ("sqlite:spend.db", "sqlite", "spend.db"),
        ("postgresql://u:p@h/d", "postgresql", "postgresql://u:p@h/d"),
    ],
)
def test_a_target_is_read_as_it_is_written(text: str, kind: str, at: str) -> None:
    place = place_of(text)
    assert (place.kind, place.at) == (kind, at)
    assert "u:p" not in place.shown


@pytest.mark.parametrize("text", ["spend.xlsx", "s3:bucket", "", "sqlite:", "sqlite://host/x"])
def test_a_target_that_is_none_gets_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match=r"csv|sqlite:"):
        place_of(text)


# ---------------------------------------------------------------- rows, read back


LISTING = Listing(EVER, BUILT_IN_DIMENSIONS, row_columns(BUILT_IN_DIMENSIONS))


def filled(store: SqlStore) -> int:
    """Costs that no double holds, in two projects; what they sum to."""
    made = [
        generation(f"{n:016x}", start_ms=T0 + n * 1000, cost_pico=123_456_789_012_345_000 + n, user="=1+1")
        for n in range(4500)
    ]
    record(store, made)
    record(store, [generation(dimensions=SEARCH._replace(feature='ü, "x"\n'))], project=OTHER_PROJECT)
    return store.read(lambda unit: unit.totals()).cost_pico


def pico(text: str) -> int:
    return int(Decimal(text).scaleb(12))


def test_rows_as_csv_sum_to_the_ledger(store: SqlStore, tmp_path: Path) -> None:
    whole, told = filled(store), []
    assert write_rows(store, LISTING, target(f"{tmp_path}/rows.csv"), lambda done, _: told.append(done)) == 4501
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert sum(pico(row["cost_usd"]) for row in rows) == whole
    assert rows[0]["user"] == "'=1+1"
    assert rows[-1]["feature"] == 'ü, "x"\n'
    assert told == [2000, 4000, 4500, 4501]


def test_rows_as_json_lines_sum_to_the_ledger(store: SqlStore, tmp_path: Path) -> None:
    whole = filled(store)
    write_rows(store, LISTING, target(f"{tmp_path}/rows.jsonl"), lambda _done, _at: None)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sum(pico(row["cost_usd"]) for row in rows) == whole
    assert rows[0]["user"] == "=1+1"
    assert (rows[0]["start"], rows[0]["gone"]) == ("2025-10-09T09:00:00.000Z", None)


def test_rows_as_parquet_sum_to_the_ledger_by_its_own_arithmetic(store: SqlStore, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    whole = filled(store)
    write_rows(store, LISTING, target(f"{tmp_path}/rows.parquet"), lambda _done, _at: None)
    table = pq.read_table(tmp_path / "rows.parquet")
    assert table.num_rows == 4501
    assert str(table.schema.field("cost_usd").type) == "decimal128(38, 12)"
    assert int(pc.sum(table["cost_usd"]).as_py().scaleb(12)) == whole
    assert table["start"][0].as_py().isoformat() == "2025-10-09T09:00:00+00:00"


def test_parquet_is_no_text_for_the_terminal() -> None:
    pytest.importorskip("pyarrow")
    found = open_target(place_of("-", "parquet"), table="")
    assert not isinstance(found, TableTarget)
    with pytest.raises(Permanent, match="name a file with --to"):
        found.write(COLUMNS, [])

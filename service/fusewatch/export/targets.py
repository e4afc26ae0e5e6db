"""Where an export is to go, as people write it: `csv:/data/spend.csv`, `spend.parquet`, `postgresql://host/db`."""

from dataclasses import dataclass
from pathlib import Path

from fusewatch.errors import Permanent
from fusewatch.export.files import STANDARD_OUTPUT
from fusewatch.export.text import CsvFile, JsonLines
from fusewatch.ports import FileTarget, TableTarget

FILES = ("csv", "jsonl", "parquet")
TABLES = ("sqlite", "postgresql")
GROUPS_TABLE, ROWS_TABLE = "llm_spend", "llm_generations"
"""The tables that sums and single generations go to, unless another one is named."""

RIGHT = (
    "write a file such as spend.csv, spend.jsonl or spend.parquet, csv:PATH and so on for any other name, "
    "or a database such as sqlite:///spend.db or postgresql://user@host/name"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of target and where it is: the path of a file, or the address of a database."""

    kind: str
    at: str

    @property
    def is_table(self) -> bool:
        return self.kind in TABLES

    @property
    def shown(self) -> str:
        """The place without what is secret in an address."""
        head, at, tail = self.at.rpartition("@")
        return f"{head.partition('://')[0]}://…{at}{tail}" if self.is_table and at else self.at


def place_of(text: str, kind: str | None = None) -> Place:
    """Where `text` points; `kind` overrules what a file's name says. ValueError, with what would be right."""
    if text == STANDARD_OUTPUT:
        return _file(kind or "csv", STANDARD_OUTPUT)
    head, colon, rest = text.partition(":")
    if colon and head in ("postgresql", "postgres"):
        return Place("postgresql", text)
    if colon and head == "sqlite":
        path = rest.removeprefix("///") if rest.startswith("///") else rest
        if not path or path.startswith("//"):
            raise ValueError(
                f"{text} names no file; write sqlite:///spend.db, or sqlite:////data/spend.db from the root"
            )
        return Place("sqlite", path)
    if colon and head in FILES and rest:
        return _file(kind or head, rest)
    suffix = Path(text).suffix.lower().removeprefix(".")
    if kind is None and suffix not in FILES:
        raise ValueError(f"{text} is nowhere to export to; {RIGHT}")
    return _file(kind or suffix, text)


def _file(kind: str, path: str) -> Place:
    if kind not in FILES:
        raise ValueError(f"there is no format {kind}; choose from {', '.join(FILES)}")
    return Place(kind, path)


def open_target(place: Place, *, table: str, escape: bool = True) -> FileTarget | TableTarget:
    """The way to write there. Permanent for what is not installed or refused, Retryable for what cannot be reached."""
    match place.kind:
        case "csv":
            return CsvFile(place.at, escape)
        case "jsonl":
            return JsonLines(place.at)
        case "parquet":
            return _parquet(place.at)
        case "sqlite":
            from fusewatch.export.sqlite import open_sqlite  # noqa: PLC0415 - only who writes there needs it

            return open_sqlite(place.at, table)
        case _:
            return _postgres(place.at, table)


def _parquet(path: str) -> FileTarget:
    try:
        from fusewatch.export.parquet import ParquetFile  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise Permanent("no_pyarrow", 'Parquet needs pyarrow: pip install "fusewatch[parquet]"') from error
    return ParquetFile(path)


def _postgres(url: str, table: str) -> TableTarget:
    try:
        from fusewatch.export.postgres import open_postgres  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise Permanent("no_psycopg", 'PostgreSQL needs psycopg: pip install "fusewatch[postgres]"') from error
    return open_postgres(url, table)

"""CSV and JSON Lines. Records are shown column by column, a page of them at once: most columns need nothing at all."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec

from fusewatch.domain.money import usd_json
from fusewatch.export.files import replaced
from fusewatch.export.instants import iso
from fusewatch.ports import Cell, Cells, Column, Record

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a text for a formula when it begins so (OWASP, CSV injection)."""

ESCAPED = (*FORMULA, "'")
"""What gets an apostrophe in front. Those that begin with one do too, so that taking one away always gives the text."""

AT_ONCE = 1_000

_SHOWN: Mapping[Cells, Callable[[int], str]] = {Cells.MONEY: usd_json, Cells.TIME: iso}
"""What text formats do not show as it is: money is a plain decimal in USD, an instant is in UTC to the millisecond."""


def _pages(columns: Sequence[Column], records: Iterable[Record]) -> Iterator[list[Sequence[Cell]]]:
    """The cells as text formats show them, of some records at once, by column."""
    rest = iter(records)
    while page := list(islice(rest, AT_ONCE)):
        yield [
            _shown(_SHOWN[column.cells], cells) if column.cells in _SHOWN else cells
            for column, cells in zip(columns, zip(*page, strict=True), strict=True)
        ]


def _shown(show: Callable[[int], str], cells: Sequence[Cell]) -> Sequence[Cell]:
    return [show(cell) if isinstance(cell, int) else cell for cell in cells]


@dataclass(frozen=True, slots=True)
class CsvFile:
    """Implements `ports.FileTarget`: UTF-8, a header, lines that end with a line feed, an empty field for no value.

    With `escape` a text that a spreadsheet would take for a formula gets an apostrophe in front, as does one that
    begins with an apostrophe: who takes one away has the text again. Numbers stay numbers.
    """

    path: str
    escape: bool = True

    def write(self, columns: Sequence[Column], records: Iterable[Record]) -> int:
        count = 0
        texts = [at for at, column in enumerate(columns) if column.cells is Cells.TEXT]
        with replaced(self.path) as file:
            lines = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
            writer = csv.writer(lines, lineterminator="\n")
            # The plain writer leaves a carriage return without quotes, where readers begin another line.
            careful = csv.writer(lines, lineterminator="\n", quoting=csv.QUOTE_ALL)
            writer.writerow(column.name for column in columns)
            for page in _pages(columns, records):
                broken = False
                for at in texts:
                    values = {cell for cell in set(page[at]) if isinstance(cell, str)}
                    broken = broken or any("\r" in value for value in values)
                    if self.escape and any(value.startswith(ESCAPED) for value in values):
                        page[at] = [_escaped(cell) for cell in page[at]]
                if broken:
                    for row in _rows(page):
                        (careful if _has_return(row) else writer).writerow(row)
                else:
                    writer.writerows(_rows(page))
                count += len(page[0])
            lines.detach()  # flushes; the file below stays open
        return count


def _rows(page: Sequence[Sequence[Cell]]) -> Iterator[Record]:
    return zip(*page, strict=True)


def _escaped(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(ESCAPED) else cell


def _has_return(row: Record) -> bool:
    return any(isinstance(cell, str) and "\r" in cell for cell in row)


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Implements `ports.FileTarget`: an object in each line. Money is a string, as doubles do not hold it."""

    path: str

    def write(self, columns: Sequence[Column], records: Iterable[Record]) -> int:
        count = 0
        names = [column.name for column in columns]
        with replaced(self.path) as file:
            for page in _pages(columns, records):
                lines = [_json(dict(zip(names, row, strict=True))) for row in _rows(page)]
                file.write(b"\n".join([*lines, b""]))
                count += len(lines)
        return count


def _json(fields: Mapping[str, Cell]) -> bytes:
    try:
        return msgspec.json.encode(fields)
    except UnicodeEncodeError:  # half a surrogate pair, which an id may hold and UTF-8 does not
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")

"""CSV and JSON Lines."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fusewatch.domain.money import usd_json
from fusewatch.export.files import replaced
from fusewatch.export.instants import iso
from fusewatch.ports import Cell, Cells, Column, Record

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a text for a formula when it begins so (OWASP, CSV injection)."""


def plain(column: Column, cell: Cell) -> str | int | None:
    """A cell as text formats show it: money as a plain decimal in USD, instants in UTC to the millisecond."""
    if cell is None or isinstance(cell, str):
        return cell
    match column.cells:
        case Cells.MONEY:
            return usd_json(cell)
        case Cells.TIME:
            return iso(cell)
        case Cells.NUMBER | Cells.TEXT:
            return cell


@dataclass(frozen=True, slots=True)
class CsvFile:
    """Implements `ports.FileTarget`: UTF-8, a header, lines that end with a line feed, an empty field for no value.

    With `escape` a text that a spreadsheet would take for a formula begins with an apostrophe; numbers stay numbers.
    """

    path: str
    escape: bool = True

    def write(self, columns: Sequence[Column], records: Iterable[Record]) -> int:
        count = 0
        with replaced(self.path) as file:
            lines = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
            writer = csv.writer(lines, lineterminator="\n")
            # The plain writer leaves a carriage return without quotes, where readers begin another line.
            careful = csv.writer(lines, lineterminator="\n", quoting=csv.QUOTE_ALL)
            writer.writerow(column.name for column in columns)
            for record in records:
                cells = [self._cell(column, cell) for column, cell in zip(columns, record, strict=True)]
                broken = any(isinstance(cell, str) and "\r" in cell for cell in cells)
                (careful if broken else writer).writerow(cells)
                count += 1
            lines.detach()  # flushes; the file below stays open
        return count

    def _cell(self, column: Column, cell: Cell) -> str | int | None:
        shown = plain(column, cell)
        if self.escape and column.cells is Cells.TEXT and isinstance(shown, str) and shown.startswith(DANGEROUS):
            return f"'{shown}"
        return shown


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Implements `ports.FileTarget`: an object in each line. Money is a string, as doubles do not hold it."""

    path: str

    def write(self, columns: Sequence[Column], records: Iterable[Record]) -> int:
        count = 0
        with replaced(self.path) as file:
            for record in records:
                shown = {c.name: plain(c, cell) for c, cell in zip(columns, record, strict=True)}
                file.write(json.dumps(shown, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
                count += 1
        return count

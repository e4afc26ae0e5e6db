"""Where exports go: files and tables, which know columns and cells but nothing of what they mean."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable


class Cells(StrEnum):
    """What the cells of a column hold: text, a whole number, 1e-12 USD, or epoch milliseconds."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    TIME = "time"


class Column(NamedTuple):
    """A column of an export. Its cells are str for text and int for all else, None where there is no value."""

    name: str
    cells: Cells


Cell: TypeAlias = str | int | None
Record: TypeAlias = tuple[Cell, ...]
"""One line of an export, in the order of its columns."""


class FileTarget(Protocol):
    """A file that is written as a whole: it is there, complete, or it stays what it was."""

    def write(self, columns: Sequence[Column], records: Iterable[Record]) -> int:
        """How many records it holds now. Permanent when it cannot be written."""


@runtime_checkable
class TableTarget(Protocol):
    """A table in somebody's database. Retryable while the database cannot be reached, Permanent when it refuses."""

    def replace(
        self,
        columns: Sequence[Column],
        key: Sequence[str],
        records: Iterable[Record],
        *,
        within: str,
        values: Sequence[str],
    ) -> int:
        """In one transaction: forget all records, or with the column `within` those that have one of `values` there,
        and write these. How many there were to write."""

    def hours(self, columns: Sequence[Column], key: Sequence[str]) -> Mapping[tuple[str, int], str]:
        """By (project, hour): the mark of what was last written there. None are known where the columns are others."""

    def put_hour(
        self, columns: Sequence[Column], place: tuple[str, int], mark: str | None, records: Iterable[Record]
    ) -> int:
        """In one transaction: these records take the place of all that start in that clock hour, wherever they stood
        before, and the mark is kept; None when the hour holds nothing any more."""

    def close(self) -> None: ...

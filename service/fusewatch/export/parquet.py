"""Parquet, through pyarrow (the extra `parquet`). This module is imported only when such a file is to be written."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq

from fusewatch.domain.money import pico_to_decimal
from fusewatch.errors import Permanent
from fusewatch.export.files import STANDARD_OUTPUT, replaced
from fusewatch.ports import Cell, Cells, Column, Record

GROUP = 20_000
"""Records in a row group."""

AT_ONCE = 2_000
"""Records that are held as Python objects; those of a row group wait as Arrow arrays, at a tenth of that."""

_TYPES = {
    Cells.TEXT: pa.string(),
    Cells.NUMBER: pa.int64(),
    Cells.MONEY: pa.decimal128(38, 12),
    Cells.TIME: pa.timestamp("ms", tz="UTC"),
}


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """Implements `ports.FileTarget`. Money is decimal128(38, 12), so that sums are exact; instants are in UTC."""

    path: str

    def write(self, columns: Sequence[Column], records: Iterable[Record]) -> int:
        if self.path == STANDARD_OUTPUT:
            raise Permanent("cannot_write", "Parquet is no text for the standard output; name a file with --to")
        schema = pa.schema([pa.field(column.name, _TYPES[column.cells]) for column in columns])
        count = 0
        rest = iter(records)
        with replaced(self.path) as file, pq.ParquetWriter(file, schema) as writer:
            while group := list(_batches(columns, schema, islice(rest, GROUP))):
                writer.write_table(pa.Table.from_batches(group, schema))
                count += sum(batch.num_rows for batch in group)
        return count


def _batches(columns: Sequence[Column], schema: "pa.Schema", records: Iterator[Record]) -> Iterator["pa.RecordBatch"]:
    while few := list(islice(records, AT_ONCE)):
        arrays = [_array(column, cells) for column, cells in zip(columns, zip(*few, strict=True), strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(column: Column, cells: Sequence[Cell]) -> "pa.Array":
    if column.cells is Cells.MONEY:
        return pa.array([pico_to_decimal(c) if isinstance(c, int) else None for c in cells], _TYPES[column.cells])
    return pa.array(cells, _TYPES[column.cells])

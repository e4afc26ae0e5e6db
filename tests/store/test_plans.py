"""Which way SQLite takes through the ledger."""

import sqlite3
from contextlib import closing

from fusewatch.store import SqlStore

DATABASES = ("sqlite",)


def test_the_walk_reads_the_index_of_unpriced_rows_and_not_the_ledger(store: SqlStore) -> None:
    with closing(sqlite3.connect(store.path)) as raw:
        plan = raw.execute(
            "EXPLAIN QUERY PLAN SELECT trace FROM generation INDEXED BY generation_unpriced WHERE project = 1"
            " AND counted = 1 AND pricing <> 0 AND start_ms >= 5"
            " AND (start_ms, dims, trace, obs) > (5, 1, x'00', x'00')"
            " ORDER BY start_ms, dims, trace, obs LIMIT 9"
        ).fetchall()
    (step,) = [row[3] for row in plan]
    assert "SEARCH generation USING" in step
    assert "start_ms>" in step

"""The tables as they stand at the newest migration; a test compares them with what the migrations make.

Money: a row holds picodollars in one integer; every sum is two columns, `…_hi` whole micro-dollars and `…_lo` the
picodollars that remain (`money.split`), because one int64 ends at $9.2 million. Times are epoch milliseconds, cells
count quarter hours. Primary keys without rowid keep rows in the order in which they are scanned.
"""

from fusewatch.store.schema import alerts, ledger
from fusewatch.store.schema.columns import ARCHIVED, DURATION_COLUMNS, TOKEN_COLUMNS, metadata

__all__ = ["APPLICATION_ID", "ARCHIVED", "DURATION_COLUMNS", "HEAD", "TOKEN_COLUMNS", "alerts", "ledger", "metadata"]

HEAD = "0012"
"""The newest migration. Kept here so that Alembic is imported only when there is something to migrate."""

APPLICATION_ID = 0x46555345
"""Marks an SQLite file as ours ("FUSE"), so that somebody else's database is never touched."""

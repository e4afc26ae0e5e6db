"""The database: the ledger and everything formed from it, incidents, the outbox. The only code that knows SQL."""

from fusewatch.store.store import SqlStore, is_postgres, open_store

__all__ = ["SqlStore", "is_postgres", "open_store"]

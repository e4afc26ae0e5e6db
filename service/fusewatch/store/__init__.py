"""The database: the ledger and everything formed from it, incidents, the outbox. The only code that knows SQL."""

from fusewatch.store.store import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]

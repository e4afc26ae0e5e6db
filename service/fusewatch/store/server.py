"""A database on a PostgreSQL server, which several daemons share."""

import psycopg
import sqlalchemy as sa

from fusewatch.errors import StoreBusy, StoreError, StoreLost, StoreUnusable
from fusewatch.store import migrate
from fusewatch.store.link import Link, Lock
from fusewatch.store.postgres import Address, PostgresLink, explain
from fusewatch.store.schema import HEAD, metadata

_OURS = "Fusewatch"
"""The comment on Alembic's table that marks a schema as ours, so that somebody else's is never touched."""


class PostgresServer:
    """Implements `link.Database`."""

    is_shared = True

    def __init__(self, url: str, *, exclusive: bool, busy_timeout_ms: int) -> None:
        self._address = Address(url)
        self.place = self._address.place
        self._exclusive = exclusive
        self._busy_timeout_ms = busy_timeout_ms

    def take(self, holder: str) -> None:
        """Leases tell the daemons apart (`store.leases`)."""

    def connect(self) -> PostgresLink:
        return PostgresLink(self._address, busy_timeout_ms=self._busy_timeout_ms)

    def connect_reader(self) -> PostgresLink:
        return PostgresLink(self._address, busy_timeout_ms=self._busy_timeout_ms, reading=True)

    def prepare(self, link: Link, holder: str) -> None:
        assert isinstance(link, PostgresLink)
        if self._revision(link) == HEAD:
            return
        # SQLAlchemy is told of the transaction, so that Alembic finds itself inside one and leaves it alone.
        core = _core(link)
        with core.begin():
            link.begin(Lock.LEDGER)
            try:
                self._upgrade(link, core)
                link.commit()
            except BaseException:
                link.roll_back()
                raise

    def explain(self, error: BaseException) -> StoreError | None:
        if isinstance(error, sa.exc.DBAPIError) and isinstance(error.orig, BaseException):
            error = error.orig
        return explain(error, self.place)

    def pauses_s(self, error: StoreBusy) -> tuple[float, ...]:
        """A server that fails over, or was restarted, is back within seconds; what lasts longer the loops try again."""
        return (0.0, 0.1, 0.4, 1.0, 2.0) if isinstance(error, StoreLost) else (0.0,)

    def is_broken(self, link: Link) -> bool:
        assert isinstance(link, PostgresLink)
        return link.is_broken()

    def wipe(self) -> bool:
        """Every table is copied into new files, without what was deleted. The server's log of changes and its backups
        are its own."""
        link = self.connect()
        try:
            for table in metadata.sorted_tables:
                link.run(f'VACUUM (FULL) "{table.name}"')
        except psycopg.Error as error:
            if isinstance(self.explain(error), StoreBusy):
                return False
            raise
        finally:
            link.close()
        return True

    def close(self) -> None:
        """Nothing is held but connections."""

    def _revision(self, link: PostgresLink) -> str | None:
        """The migration that the schema stands at, None when it is empty. StoreUnusable when it is not ours."""
        tables = {name for (name,) in link.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")}
        if not tables:
            return None
        other = StoreUnusable(f"{self.place} has tables of something else; name another database, or a schema of ours")
        if "alembic_version" not in tables:
            raise other
        marked = link.row("SELECT obj_description(to_regclass('alembic_version')::oid, 'pg_class')")
        if marked is None or marked[0] != _OURS:
            raise other
        row = link.row("SELECT version_num FROM alembic_version")
        return None if row is None else str(row[0])

    def _upgrade(self, link: PostgresLink, core: sa.Connection) -> None:
        present = self._revision(link)
        if present == HEAD:  # another one made it while we waited
            return
        if not self._exclusive and present is None:
            raise StoreUnusable(f"there is no database of ours at {self.place} yet; `fusewatch run` makes it")
        migrate.upgrade(core, self.place, present)
        link.run(f"COMMENT ON TABLE alembic_version IS '{_OURS}'")


def _core(link: PostgresLink) -> sa.Connection:
    """The connection as SQLAlchemy knows it, for migrations."""
    engine = sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: link.driver,
        poolclass=sa.StaticPool,
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        use_native_hstore=False,
    )
    return engine.connect()

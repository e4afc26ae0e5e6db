"""A PostgreSQL server with a place for its standby, at two addresses of which one takes writes."""

import time
from contextlib import suppress
from typing import Self

import psycopg

from tests.export.postgres import Server, free_port


class Pair:
    """`with Pair() as pair:` has a server at `pair.url`, a list of both addresses, until the block ends."""

    def __init__(self) -> None:
        self.primary = Server()
        self._other_port = free_port()
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self._other_port}"
        self.url = f"postgresql://fuse@{hosts}/postgres?target_session_attrs=read-write"

    def __enter__(self) -> Self:
        self.primary.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.primary.end()

    def fail_over(self) -> None:
        """The server dies, and a standby that had every commit takes its place."""
        standby = Server(self._other_port).follow(self.primary)
        try:
            with psycopg.connect(self.primary.url, autocommit=True) as link:
                link.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
                link.execute("SELECT pg_reload_conf()")
                self._until_it_has_all(link)
            self.primary.stop("immediate")
            standby.promote()
        except BaseException:
            standby.end()
            raise
        fallen, self.primary = self.primary, standby
        self._other_port = fallen.port
        fallen.end()

    @staticmethod
    def _until_it_has_all(link: "psycopg.Connection[tuple[object, ...]]") -> None:
        """Commits wait for the standby, which has all that was committed before that."""
        asked = (
            "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
            " AND flush_lsn >= pg_current_wal_flush_lsn()"
        )
        until = time.monotonic() + 30
        while link.execute(asked).fetchone() != (1,):
            assert time.monotonic() < until, "the standby does not follow"
            time.sleep(0.01)

    def cut(self) -> None:
        """End every session but our own."""
        with suppress(psycopg.OperationalError), psycopg.connect(self.url, autocommit=True) as link:
            link.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    def restart(self, mode: str) -> None:
        """Stop the server as `pg_ctl stop -m` does, and start it again."""
        self.primary.stop(mode)
        self.primary.start()

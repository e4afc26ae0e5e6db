"""The databases that exports go to, as their owners look into them."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal

from fusewatch.export.targets import Place, open_target, place_of
from fusewatch.ports import TableTarget


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A database by its address."""

    url: str

    @property
    def place(self) -> Place:
        return place_of(self.url)

    def table(self, name: str) -> TableTarget:
        target = open_target(self.place, table=name)
        assert isinstance(target, TableTarget)
        return target

    def rows(self, sql: str) -> Sequence[tuple[object, ...]]:
        if self.place.kind == "sqlite":
            with closing(sqlite3.connect(self.place.at)) as connection:
                return connection.execute(sql).fetchall()
        import psycopg

        with psycopg.connect(self.url) as server:
            return server.execute(sql.encode()).fetchall()

    def cost_pico(self, table: str) -> int:
        """What its own SQL sums the cost to."""
        if self.place.kind == "sqlite":
            return int(str(self.rows(f"SELECT coalesce(sum(cost_pico), 0) FROM {table}")[0][0]))
        found = self.rows(f"SELECT coalesce(sum(cost_usd), 0) FROM {table}")[0][0]
        assert isinstance(found, Decimal)
        return int(found.scaleb(12))

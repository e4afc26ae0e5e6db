"""What the tables are made of."""

import sqlalchemy as sa

TOKEN_COLUMNS = ("input", "output", "cache_read", "cache_write", "reasoning", "audio", "other")
DURATION_COLUMNS = tuple(f"b{i}" for i in range(13))
ARCHIVED = (
    *("cost_hi", "cost_lo", "estimate_hi", "estimate_lo", "requests", "unpriced", "total"),
    *TOKEN_COLUMNS,
    *DURATION_COLUMNS,
    "duration_sum",
)
"""What is kept of rows that were pruned, as sums."""

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""64 bits everywhere; SQLite wants the very word INTEGER for its row ids."""

Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Compared byte by byte, as SQLite does by itself."""

metadata = sa.MetaData()


def big_column(name: str, *, default: int | None = None, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, Big, nullable=nullable, server_default=None if default is None else sa.text(str(default)))


def text_column(name: str, *, default: str | None = None, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, Text, nullable=nullable, server_default=default)


def id_column(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, Big, primary_key=True)

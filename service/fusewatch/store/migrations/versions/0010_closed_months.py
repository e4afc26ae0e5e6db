"""Months that were closed: what they summed to, so that what comes later is shown as a correction."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning", "audio", "other")
_SUMS = ("calls", "unpriced", *_TOKENS, "total", "cost_hi", "cost_lo", "estimate_hi", "estimate_lo")


def upgrade() -> None:
    op.create_table(
        "closed_month",
        sa.Column("month", sa.Text, primary_key=True),
        *(sa.Column(name, _BIG, nullable=False) for name in ("closed_ms", "from_ms", "to_ms")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "closed_part",
        sa.Column("month", sa.Text, primary_key=True),
        sa.Column("project", _BIG, primary_key=True),
        sa.Column("dims", _BIG, primary_key=True),
        *(sa.Column(name, _BIG, nullable=False) for name in _SUMS),
        sqlite_with_rowid=False,
    )

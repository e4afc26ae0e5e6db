"""The archive of pruned rows, and from when on a view knows everything."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SUMS = (
    *("cost_hi", "cost_lo", "estimate_hi", "estimate_lo", "requests", "unpriced", "total"),
    *("input", "output", "cache_read", "cache_write", "reasoning", "audio", "other"),
    *(f"b{i}" for i in range(13)),
    "duration_sum",
)


def upgrade() -> None:
    op.create_table(
        "hour_total",
        *(sa.Column(name, _BIG, nullable=False) for name in ("project", "from_ms", "dims", *_SUMS)),
        sa.PrimaryKeyConstraint("project", "from_ms", "dims"),
        sqlite_with_rowid=False,
    )
    op.add_column("view", sa.Column("known_from_ms", _BIG, nullable=True))

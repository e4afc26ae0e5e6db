"""Estimates for usage without a price, in every sum that budgets are judged by, and the price list of each project."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SUMMED = ("project", "dirty", "series")


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for table in _SUMMED:
        for name in ("est_hi", "est_lo"):
            op.add_column(table, sa.Column(name, big, nullable=False, server_default=sa.text("0")))
    op.add_column("project", sa.Column("models", sa.Text, nullable=False, server_default=""))
    op.add_column("project", sa.Column("models_ms", big, nullable=True))
    op.add_column("project", sa.Column("estimated_by", sa.Text, nullable=False, server_default=""))

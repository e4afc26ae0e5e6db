"""When a newer version took the place of a stored one: with what it replaced, what was known at any time before."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("generation", sa.Column("changed_ms", _BIG, nullable=True))

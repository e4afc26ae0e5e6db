"""When somebody revived a dead delivery: from then on it has two days again."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("delivery", sa.Column("revived_ms", _BIG, nullable=True))

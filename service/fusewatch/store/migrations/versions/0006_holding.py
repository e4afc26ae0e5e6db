"""Silences, the notices that wait for the end of one or of quiet hours, and the values that were seen before."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "silence",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("matchers", sa.Text, nullable=False),
        sa.Column("starts_ms", _BIG, nullable=False),
        sa.Column("ends_ms", _BIG, nullable=False),
        sa.Column("ended_ms", _BIG, nullable=True),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("silence_end", "silence", ["ends_ms"])
    op.create_table(
        "held",
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("from_ms", _BIG, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("incident", "destination"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "known_value",
        sa.Column("dimension", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("dimension", "value"),
        sqlite_with_rowid=False,
    )

"""Messages that can be changed after they were sent, what was told last of each incident, and steps of deliveries;
and which signed requests were taken."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "thread",
        sa.Column("number", _BIG, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("delivery", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("created_ms", _BIG, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("thread_recent", "thread", ["destination", "created_ms"])
    op.create_table(
        "thread_incident",
        sa.Column("thread", _BIG, nullable=False),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("position", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("thread", "incident"),
        sqlite_with_rowid=False,
    )
    op.create_index("thread_incident_incident", "thread_incident", ["incident"])
    op.create_table(
        "told",
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("at_ms", _BIG, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("destination", "incident"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "delivery_step",
        sa.Column("delivery", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("delivery", "step"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seen_request",
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("at_ms", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("signature"),
        sqlite_with_rowid=False,
    )

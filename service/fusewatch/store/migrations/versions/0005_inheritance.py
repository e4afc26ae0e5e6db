"""Dimensions that calls inherit within their trace, and by which attribution each was read."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("project", sa.Column("attribution", sa.Text, nullable=False, server_default=""))
    op.add_column("generation", sa.Column("attribution", big, nullable=False, server_default=sa.text("0")))
    op.add_column("generation", sa.Column("inherited", sa.LargeBinary, nullable=True))
    op.create_table(
        "attribution",
        sa.Column("id", big, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("revision"),
    )
    op.create_table(
        "stale_span",
        sa.Column("project", big, nullable=False),
        sa.Column("from_ms", big, nullable=False),
        sa.Column("to_ms", big, nullable=False),
        sa.PrimaryKeyConstraint("project", "from_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trace_fact",
        sa.Column("project", big, nullable=False),
        sa.Column("trace", sa.LargeBinary, nullable=False),
        sa.Column("facts", sa.LargeBinary, nullable=False),
        sa.Column("lacks", big, nullable=False),
        sa.Column("touched_ms", big, nullable=False),
        sa.PrimaryKeyConstraint("project", "trace"),
        sqlite_with_rowid=False,
    )
    op.create_index("trace_fact_touched", "trace_fact", ["project", "touched_ms"])

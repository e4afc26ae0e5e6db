"""An index of the generations without a whole price."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "generation_unpriced",
        "generation",
        ["project", "start_ms", "dims"],
        sqlite_where=sa.text("counted = 1 AND pricing <> 0"),
    )

"""Bring a database to the newest schema, or refuse it."""

from pathlib import Path

import sqlalchemy as sa

from fusewatch.errors import StoreUnusable
from fusewatch.store.schema import HEAD

MIGRATIONS = Path(__file__).parent / "migrations"


def known_revisions() -> frozenset[str]:
    """All migrations that this code has, told by the names of their files."""
    return frozenset(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def upgrade(core: sa.Connection, place: str, present: str | None) -> None:
    """Run the missing migrations in the transaction that the connection is in, which SQLAlchemy has been told of.
    StoreUnusable when the database is newer than this code."""
    # Only here: Alembic costs a daemon 10 MB that it needs once in its life.
    from alembic import command  # noqa: PLC0415 - as said above
    from alembic.config import Config  # noqa: PLC0415 - as said above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as said above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present is not None and present not in known:
        raise StoreUnusable(
            f"{place} was written by a newer Fusewatch (schema {present}, this one knows {HEAD});"
            " install that version again, or restore a backup from before it"
        )
    config.attributes["connection"] = core
    command.upgrade(config, "head")

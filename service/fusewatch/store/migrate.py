"""Bring a database to the newest schema, or refuse it."""

from pathlib import Path

from fusewatch.errors import StoreUnusable
from fusewatch.store.connection import Link
from fusewatch.store.schema import APPLICATION_ID, HEAD

MIGRATIONS = Path(__file__).parent / "migrations"


def revision(link: Link, path: Path) -> str | None:
    """The migration that a database stands at, None when it is empty. StoreUnusable when it is not ours."""
    tables = {name for (name,) in link.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    if link.row("PRAGMA application_id")[0] != APPLICATION_ID or "alembic_version" not in tables:
        raise StoreUnusable(f"{path} is a database of something else; name another file")
    row = link.row("SELECT version_num FROM alembic_version")
    return None if row is None else str(row[0])


def known_revisions() -> frozenset[str]:
    """All migrations that this code has, told by the names of their files."""
    return frozenset(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def upgrade(link: Link, path: Path, present: str | None) -> None:
    """Run the missing migrations in one transaction. StoreUnusable when the database is newer than this code."""
    # Only here: Alembic costs a daemon 10 MB that it needs once in its life.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present is not None and present not in known:
        raise StoreUnusable(
            f"{path} was written by a newer Fusewatch (schema {present}, this one knows {HEAD});"
            " install that version again, or restore a backup from before it"
        )
    config.attributes["connection"] = link.core
    # SQLAlchemy is told of the transaction, so that Alembic finds itself inside one and leaves it alone.
    with link.core.begin():
        link.begin(write=True)
        command.upgrade(config, "head")
        link.run(f"PRAGMA application_id = {APPLICATION_ID}")

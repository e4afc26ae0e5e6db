"""`fusewatch backup`: a checked copy of the database, taken while the daemon runs."""

from pathlib import Path
from typing import Annotated

import typer

from fusewatch.cli.common import DatabaseOption, JsonOption, print_json
from fusewatch.cli.copying import copying_progress, size_text, sqlite_path
from fusewatch.errors import ConfigError, Problem
from fusewatch.store.backup import back_up


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the backup is written.")],
    database: DatabaseOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE when it is there already.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Copy the database into one file, with the daemon running or stopped.

    The copy is the database as it stood at one instant. It is looked through page by page and has the name FILE only
    when it is whole; a damaged database is found here, too. It holds names of users as the database does, and no
    secrets; only its owner may read it. For PostgreSQL use pg_dump. Exit code 1 when no backup was made.

    For example: fusewatch backup /backups/fusewatch-monday.db
    """
    path = sqlite_path(database, tool="pg_dump")
    try:
        with copying_progress("backup") as progress:
            copy = back_up(path, file, force=force, progress=progress)
    except FileExistsError:
        problem = Problem("command line", 0, "FILE", f"{file} is there already", "name another file, or add --force")
        raise ConfigError([problem]) from None
    if as_json:
        print_json(
            {
                "file": str(file),
                "bytes": copy.size,
                "schema": copy.revision,
                "generations": copy.generations,
                "read_until_ms": copy.newest_ms,
            }
        )
        return
    print(f"{file}: {size_text(copy.size)}, {copy.generations:,} rows, schema {copy.revision}; looked through, whole.")

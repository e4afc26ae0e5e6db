"""`fusewatch restore`: a backup in the place of the database."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from fusewatch.cli.common import DatabaseOption, JsonOption, holder, print_json
from fusewatch.cli.copying import copying_progress, size_text, sqlite_path
from fusewatch.runtime import SystemClock
from fusewatch.store.backup import Restored, restore
from fusewatch.store.schema import HEAD


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")],
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup in the place of the database, while no daemon runs.

    The backup is looked through first; nothing changes when it is damaged or was written by a newer Fusewatch. The
    file that was there is kept beside it. Which messages were sent, and silences, are carried over from it where it
    can be read. The daemon then reads again what the backup lacks. For PostgreSQL use pg_restore.

    For example: fusewatch restore /backups/fusewatch-monday.db
    """
    path = sqlite_path(database, tool="pg_restore")
    at = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC)
    with copying_progress("restore") as progress:
        done = restore(file, path, holder=f"fusewatch restore, {holder()}", at=f"{at:%Y%m%dT%H%M%S}", progress=progress)
    if as_json:
        print_json(_document(done))
    else:
        _print(done, file)


def _document(done: Restored) -> dict[str, object]:
    return {
        "database": str(done.copy.path),
        "bytes": done.copy.size,
        "schema": done.copy.revision,
        "generations": done.copy.generations,
        "read_until_ms": done.copy.newest_ms,
        "replaced": None if done.aside is None else str(done.aside),
        "replaced_was_readable": done.carried.readable,
        "messages_known_as_sent": done.carried.sent,
        "silences_carried_over": done.carried.silences,
    }


def _print(done: Restored, file: Path) -> None:
    copy = done.copy
    print(f"{copy.path} is now what {file} holds: {size_text(copy.size)}, {copy.generations:,} rows.")
    if copy.revision != HEAD:
        print(f"Its schema is {copy.revision or 'empty'}; the next start brings it to {HEAD}.")
    if done.aside is not None:
        print(f"What was there is kept as {done.aside}.")
        if done.carried.readable:
            print(f"Carried over from it: {done.carried.sent:,} sent messages, {done.carried.silences:,} silences.")
        else:
            print("It cannot be read, so messages that were sent since the backup may be sent again.")
    print("Start the daemon: it reads what is missing from Langfuse.")

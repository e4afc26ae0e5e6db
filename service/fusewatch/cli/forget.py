"""`fusewatch forget`: the name of a user leaves the database; what the user spent stays, under `forgotten`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from fusewatch.app.forget import ForgetReport, forget_user
from fusewatch.cli.common import ConfigOption, DatabaseOption, JsonOption, environ, holder, print_json
from fusewatch.cli.waiting import waiting
from fusewatch.config.rulefile import load, load_text
from fusewatch.config.settings import load_settings
from fusewatch.domain.labels import label_of_text
from fusewatch.domain.rules import RuleSet
from fusewatch.domain.usage import FORGOTTEN, UNKNOWN
from fusewatch.errors import ConfigError, Problem
from fusewatch.ports import Store
from fusewatch.store import open_store

LANGFUSE = (
    "Langfuse itself still holds what it was sent of this user: it must be asked separately."
    " What it goes on reporting is counted as forgotten. Messages already sent stay where they were sent."
)


def command(
    user: Annotated[str, typer.Option("--user", metavar="USER", help="The user, as Langfuse reports it.")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take the name of a user out of the database. What was spent stays, under the user "forgotten".

    The name goes out of rows, sums, incidents and messages; it cannot be brought back. The database is then written
    anew, so that its files hold no trace of it: that takes as much free space again, and a running daemon waits
    meanwhile. Langfuse itself still holds its own data of the user and must be asked separately; what it goes on
    reporting is counted as forgotten. Works with the daemon running or stopped; when it is interrupted, the same
    command goes on. Exit code 1 when the user is unknown.

    For example: fusewatch forget --user alice@example.com
    """
    value = label_of_text(user)
    if value in ("", UNKNOWN, FORGOTTEN):
        raise ConfigError([Problem("command line", 0, "--user", f'"{user}" is no user', "give the name of a user")])
    settings = load_settings(environ(), config=config, database_url=database)
    with open_store(settings.database_url.get_secret_value(), holder=holder(), exclusive=False) as store:
        rules, text = _in_force(store, Path(settings.config))
        if not yes:
            found = store.read(lambda unit: unit.traces(value))
            if any(found):
                typer.confirm(f'Forget "{value}": {found.rows:,} rows? This cannot be undone.', abort=True, err=True)
        with waiting("Writing the database anew"):
            report = forget_user(store, value, rules)
    named = value in text
    if as_json:
        print_json(_document(report, named=named))
    else:
        _print(report, value, named=named)
    if not report.known or not report.wiped:
        raise typer.Exit(1)


def _in_force(store: Store, path: Path) -> tuple[RuleSet, str]:
    """The rules that the daemon runs on, and their text; before its first start those of the file."""
    stored = store.read(lambda unit: unit.rules())
    if stored is None:
        loaded = load(path, environ(), secrets=False)
        return loaded.rules, loaded.text
    name, text = stored.files[0]
    return load_text(text, name, environ(), secrets=False).rules, text


def _print(report: ForgetReport, user: str, *, named: bool) -> None:
    if not report.known:
        print(f'fusewatch: no user "{user}" is known; `fusewatch report users` lists them', file=sys.stderr)
        return
    print(f"Forgotten: {report.rows:,} rows, {report.incidents:,} incidents, {report.messages:,} messages.")
    if named:
        print("The budget file names the user: take it out there, and the copy in the database follows.")
    if not report.wiped:
        print("The write-ahead log could not be emptied, somebody is reading: run this again.", file=sys.stderr)
    print(LANGFUSE)


def _document(report: ForgetReport, *, named: bool) -> dict[str, object]:
    return {
        "known": report.known,
        "rows": report.rows,
        "incidents": report.incidents,
        "messages": report.messages,
        "files_are_clean": report.wiped and not named,
        "named_in_budget_file": named,
    }

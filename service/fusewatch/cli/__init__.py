"""The command line: a module for each command, imported only when it is called."""

import gc
import sys
from collections.abc import Callable
from importlib import import_module

import typer

from fusewatch import __version__
from fusewatch.cli.common import environ
from fusewatch.cli.completing import words_to_complete
from fusewatch.cli.examples import explain, explain_group
from fusewatch.errors import ConfigError, FusewatchError

COMMANDS = {
    "init": "Look at your Langfuse and write a commented budget file.",
    "check": "Check a budget file: every mistake at once, with its line.",
    "run": "Run the daemon.",
    "status": "Show budgets, incidents, projects and deliveries.",
    "incidents": "Show incidents as they were told, and revive deliveries that died.",
    "why": "Tell why a rule told what it told, and what kept the rest.",
    "silence": "Hold notices back for a time: add, list, end.",
    "report": "Show where the money went: by feature, team, user, model, trace, day or month.",
    "export": "Write spend or single generations as CSV, JSON Lines, Parquet, or into a database.",
    "prices": "Show Langfuse's price list, what it lacks, and add a price to it.",
    "reconcile": "Compare the ledger with Langfuse hour by hour, and mend what differs.",
    "backfill": "Read history that was not yet read into the ledger.",
    "backtest": "Replay the rules over past days: what would have been told, and when.",
    "test": "Run the tests of a budget file: given spend, expect notices.",
    "forget": "Take the name of a user out of the database.",
    "backup": "Copy the database into one file, with the daemon running or stopped.",
    "restore": "Put a backup in the place of the database.",
    "notify-test": "Send a test message to the destinations.",
    "doctor": "Look for what keeps Fusewatch from working, and say what to do.",
    "demo": "Run the whole job on made-up traffic: no account, no key, no server.",
    "simulate": "Send made-up, tagged traffic into your Langfuse, to see an installation work.",
    "schema": "Print the JSON Schema of the budget file, for editors.",
}

_ABOUT = f"""Watch what your LLMs cost, through the Langfuse you have, and tell the right people before the bill does.

Version {__version__}. See it work at once: fusewatch demo
"""


def main() -> None:
    """The entry point. Exit codes: 0 fine, 1 the answer is no, 2 wrong use (a broken budget file is wrong use)."""
    try:
        asked = words_to_complete(environ())
        _app(sys.argv[1:] if asked is None else asked)()
    except BrokenPipeError:
        # Whoever read our output went away; a second complaint at interpreter exit would help nobody.
        sys.stderr.close()
        sys.exit(1)
    except Exception as raised:
        match _inside(raised):
            case ConfigError() as error:
                for problem in error.problems:
                    print(problem, file=sys.stderr)
                sys.exit(2)
            case FusewatchError() as error:
                print(f"fusewatch: {error}", file=sys.stderr)
                sys.exit(1)
            case _:
                raise


def _inside(error: BaseException) -> BaseException:
    """The error itself: a task group wraps the one that ended it."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _app(arguments: list[str]) -> typer.Typer:
    """The application with the one command that is called; the others only have their line in the help, so that
    `check` answers in half a second."""
    app = typer.Typer(
        name="fusewatch", help=_ABOUT, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    app.callback()(_version)
    called = next((word for word in arguments if not word.startswith("-")), "")
    gc.disable()  # what modules make while they load stays: looking through it takes up to a third of the time
    for name, summary in COMMANDS.items():
        command = import_module(f"fusewatch.cli.{name.replace('-', '_')}").command if name == called else _stub
        if isinstance(command, typer.Typer):
            explain_group(command, name)
            app.add_typer(command, name=name, short_help=summary)
        else:
            app.command(name, short_help=summary)(command)
            explain(app.registered_commands[-1], name)
    if called != "check":  # that one is over in a moment
        gc.freeze()
        gc.enable()
    return app


def _print_version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


def _version(
    version: bool = typer.Option(
        False, "--version", help="Print the version and end.", is_eager=True, callback=_print_version
    ),
) -> None:
    """Options of the program itself; `--version` is answered before a command is missed."""


def _stub() -> None:
    """Only its line in the help is ever used."""


Command = Callable[..., None]

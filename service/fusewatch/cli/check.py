"""`fusewatch check`: is the budget file right, and with --online: do its keys and destinations answer?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusewatch.checking import destination_warnings, template_problems
from fusewatch.cli.common import ConfigOption, JsonOption, environ, print_json
from fusewatch.errors import ConfigError, Problem

if TYPE_CHECKING:
    from fusewatch.config.rulefile import Loaded


def command(
    file: Annotated[str | None, typer.Argument(help="The budget file or folder.", show_default=False)] = None,
    config: ConfigOption = None,
    online: Annotated[bool, typer.Option("--online", help="Ask Langfuse and the destinations, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a budget file: every mistake at once, with its line and what would be right.

    Needs no secret and no network, except with --online. Exit code 2 when something is wrong.

    For example: fusewatch check config/budgets.yaml
    """
    path = Path(file or config or environ().get("FUSEWATCH_CONFIG") or "config/budgets.yaml")
    try:
        loaded = _load(path, online=online)
    except ConfigError as error:
        _print_problems(path, error.problems, as_json=as_json)
        raise typer.Exit(2) from None
    warnings = [*loaded.warnings, *destination_warnings(loaded)]
    failures = _ask_all(loaded) if online else []
    if as_json:
        print_json(
            {
                "file": str(path),
                "ok": not failures,
                "problems": [],
                "warnings": [_as_dict(problem) for problem in warnings],
                "online": failures,
            }
        )
    else:
        _print_fine(path, loaded, warnings, failures)
    if failures:
        raise typer.Exit(1)


def _load(path: Path, *, online: bool) -> "Loaded":
    """The file; with `online` its destinations are looked at as closely as by `run`."""
    if online:
        from fusewatch.bootstrap import load_rules  # noqa: PLC0415 - loads the HTTP client and more

        return load_rules(path, environ(), secrets=True)
    from fusewatch.config.rulefile import load  # noqa: PLC0415 - after the arguments are known to be right

    loaded = load(path, environ(), secrets=False)
    if problems := template_problems(loaded):
        raise ConfigError(problems)
    return loaded


def _print_problems(path: Path, problems: tuple[Problem, ...], *, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(path), "ok": False, "problems": [_as_dict(problem) for problem in problems]})
        return
    for problem in problems:
        print(problem, file=sys.stderr)
    count = len(problems)
    print(f"{path}: {count} {'mistake' if count == 1 else 'mistakes'}; nothing was changed.", file=sys.stderr)


def _as_dict(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.file,
        "line": problem.line,
        "path": problem.path,
        "what": problem.what,
        "right": problem.right,
    }


def _print_fine(path: Path, loaded: "Loaded", warnings: list[Problem], failures: list[str]) -> None:
    rules = loaded.rules
    projects = len(loaded.projects)
    print(
        f"{path}: fine. {_count(len(rules.budgets), 'budget')}, {_count(len(rules.spikes), 'spike rule')}, "
        f"{_count(len(loaded.destinations), 'destination')}, {_count(projects, 'project')}."
    )
    for warning in warnings:
        print(f"warning: {warning}")
    for failure in failures:
        print(failure, file=sys.stderr)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _ask_all(loaded: "Loaded") -> list[str]:
    """What does not answer as it should; what does is printed to standard error, since it takes a while."""
    from fusewatch.cli.online import ask_all  # noqa: PLC0415 - loads the HTTP client

    return ask_all(loaded)

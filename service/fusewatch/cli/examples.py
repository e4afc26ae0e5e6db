"""The examples below the help of each command: those of its docstring, after the words "For example:", and more."""

import re
import textwrap
from inspect import getdoc

import typer
from typer.models import CommandInfo

_EXAMPLE = re.compile(r"\s*For example:\s*(?P<examples>.*?)(?=\n\s*\n|\Z)", re.DOTALL)

MORE: dict[str, tuple[str, ...]] = {
    "init": ("fusewatch init --config budgets.yaml --force",),
    "check": ("fusewatch check --online", "fusewatch check config/ --json"),
    "run": ("fusewatch run --database sqlite:////data/fusewatch.db --strict",),
    "status": ("fusewatch status",),
    "why": ("fusewatch why daily-cap", "fusewatch why each-feature feature=chat --at -2h"),
    "silence": ('fusewatch silence add --for 2h team=content --comment "load test"',),
    "silence add": ('fusewatch silence add --until 2026-12-24T08:00 team=content,search --comment "re-index"',),
    "report": ("fusewatch report trend --by model", "fusewatch report top-traces --from today"),
    "report spend": ("fusewatch report spend --by feature,team --from this-month",),
    "report trend": ("fusewatch report trend --per hour --from today",),
    "report month": ("fusewatch report month last-month --by provider",),
    "export": (
        "fusewatch export --rows --from yesterday --until yesterday --to calls.jsonl",
        "fusewatch export --columns list",
    ),
    "prices": ("fusewatch prices list gpt-4o",),
    "reconcile": ("fusewatch reconcile --json",),
    "backfill": ("fusewatch backfill --from -90d",),
    "backtest": ("fusewatch backtest --rule each-feature --from 2026-11-01 --to 2026-11-15",),
    "test": ("fusewatch test budgets.test.yaml --json",),
    "notify-test": ("fusewatch notify-test",),
    "demo": ("fusewatch demo",),
    "simulate": ("fusewatch simulate --days 14 --dry-run", "fusewatch simulate --rate 600 --duration 10m"),
}


def explain(command: CommandInfo, path: str) -> None:
    """Put the examples of a command below its options, one in a line."""
    text = command.help or (getdoc(command.callback) if command.callback else "") or ""
    command.help, command.epilog = parted(text, path)


def explain_group(group: typer.Typer, path: str) -> None:
    """The same for a command with commands of its own; once, as its module lives as long as the process."""
    if isinstance(group.info.epilog, str):
        return
    group.info.help, group.info.epilog = parted(textwrap.dedent(str(group.info.help or "")), path)
    for command in group.registered_commands:
        name = command.name or (command.callback.__name__ if command.callback else "")
        explain(command, f"{path} {name}")


def parted(text: str, path: str) -> tuple[str, str]:
    """(what a command does, its examples as a paragraph that is not wrapped)."""
    found = _EXAMPLE.search(text)
    examples = re.split(r",\s+(?=fusewatch )", " ".join(found["examples"].split())) if found else []
    shown = "\n".join(f"  {line}" for line in dict.fromkeys((*examples, *MORE.get(path, ()))))
    return _EXAMPLE.sub("", text), f"\b\nExamples:\n{shown}" if shown else ""

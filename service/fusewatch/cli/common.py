"""What the commands share: the options that stand for variables, and ways to print."""

import json
import os
import socket
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

ConfigOption = Annotated[
    str | None,
    typer.Option("--config", help="The budget file or a folder of them. Default: FUSEWATCH_CONFIG.", metavar="FILE"),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="The database. Default: FUSEWATCH_DATABASE_URL.", metavar="URL"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def environ() -> Mapping[str, str]:
    """The environment of this process; the one place that reads it."""
    return os.environ


def holder() -> str:
    """Who we are, for a second daemon that finds the database held."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def print_json(document: Any) -> None:
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")

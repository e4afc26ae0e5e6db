"""What `backup` and `restore` share: which database they mean, and how they show their progress."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from fusewatch.cli.common import environ
from fusewatch.config.settings import load_settings
from fusewatch.errors import ConfigError, Problem
from fusewatch.store.connection import database_path


def sqlite_path(database: str | None, *, tool: str) -> Path:
    """The file of the database that is meant. ConfigError when it is PostgreSQL, whose own `tool` copies better."""
    url = load_settings(environ(), config=None, database_url=database).database_url.get_secret_value()
    if url.partition(":")[0].partition("+")[0] in {"postgresql", "postgres"}:
        what = "the database is PostgreSQL, which copies itself best"
        raise ConfigError([Problem("FUSEWATCH_DATABASE_URL", 0, "", what, f"use {tool}; docs/backup.md shows how")])
    return database_path(url)


@contextmanager
def copying_progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, elsewhere a line for every quarter of a copy that takes more than one step."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Quarters(name).show
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, total=total, completed=done)


class _Quarters:
    def __init__(self, name: str) -> None:
        self._name = name
        self._told = 0

    def show(self, done: int, total: int) -> None:
        quarters = done * 4 // total if total else 4
        if self._told < quarters < 4:
            self._told = quarters
            print(f"{self._name}: {quarters * 25} %", file=sys.stderr, flush=True)


def size_text(size: int) -> str:
    """`3.4 MB`."""
    return f"{size / 1e6:,.1f} MB"

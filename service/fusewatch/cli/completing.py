"""What the shell may offer after Tab: commands and options by themselves, names from the budget file and the database.
Whatever goes wrong offers nothing: a half-written line is no place for errors."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from fusewatch.errors import FusewatchError

if TYPE_CHECKING:
    from fusewatch.config.rulefile import Loaded
    from fusewatch.ports import ReadUnit

Offer = list[tuple[str, str]]
"""(value, what it is)."""

COMPLETE_VARIABLE = "_FUSEWATCH_COMPLETE"


def words_to_complete(environ: Mapping[str, str]) -> list[str] | None:
    """The words before the cursor when a shell asks, None when nobody does. bash gives them in COMP_WORDS, zsh and fish
    in _TYPER_COMPLETE_ARGS."""
    if COMPLETE_VARIABLE not in environ:
        return None
    line = environ.get("COMP_WORDS") or environ.get("_TYPER_COMPLETE_ARGS") or ""
    return line.split()[1:]


def rules(ctx: typer.Context, incomplete: str) -> Offer:
    """The budgets and spikes of the budget file."""
    loaded = _loaded(ctx)
    return [] if loaded is None else _beginning(incomplete, ((r.name, "") for r in loaded.rules.rules))


def destinations(ctx: typer.Context, incomplete: str) -> Offer:
    loaded = _loaded(ctx)
    return [] if loaded is None else _beginning(incomplete, ((d.name, d.type) for d in loaded.destinations))


def kinds(incomplete: str) -> Offer:
    """The kinds of sample messages."""
    from fusewatch.notify.samples import KINDS  # noqa: PLC0415 - only where somebody pressed Tab

    return _beginning(incomplete, ((name, "") for name in KINDS))


def dimensions(incomplete: str) -> Offer:
    """The last name of a list with commas."""
    from fusewatch.domain.rules import BUILT_IN_DIMENSIONS  # noqa: PLC0415 - slow, and only where somebody pressed Tab

    before, comma, last = incomplete.rpartition(",")
    return [(f"{before}{comma}{name}", "") for name in BUILT_IN_DIMENSIONS if name.startswith(last)]


def incidents(ctx: typer.Context, incomplete: str) -> Offer:
    """The incidents that are open, newest first."""
    return _from_database(ctx, incomplete, _open_incidents)


def silences(ctx: typer.Context, incomplete: str) -> Offer:
    """The silences that are active."""
    return _from_database(ctx, incomplete, _active_silences)


def _open_incidents(unit: "ReadUnit", now_ms: int) -> Offer:
    del now_ms
    return [(i.id, f"{i.rule} {i.group}".strip()) for i in unit.incidents(open_only=True, limit=50)]


def _active_silences(unit: "ReadUnit", now_ms: int) -> Offer:
    return [(s.id, s.comment) for s in unit.silences(active_at_ms=now_ms)]


def _beginning(incomplete: str, offers: Iterable[tuple[str, str]]) -> Offer:
    return [(name, text) for name, text in offers if name.startswith(incomplete)]


def _loaded(ctx: typer.Context) -> "Loaded | None":
    from fusewatch.config.rulefile import load  # noqa: PLC0415 - slow, and only where somebody pressed Tab

    path = ctx.params.get("config") or os.environ.get("FUSEWATCH_CONFIG") or "config/budgets.yaml"
    with suppress(FusewatchError, OSError):
        return load(Path(str(path)), os.environ, secrets=False)
    return None


def _from_database(ctx: typer.Context, incomplete: str, read: Callable[["ReadUnit", int], Offer]) -> Offer:
    from fusewatch.config.settings import load_settings  # noqa: PLC0415 - slow, and only where somebody pressed Tab
    from fusewatch.runtime import SystemClock  # noqa: PLC0415 - slow, and only where somebody pressed Tab
    from fusewatch.store import open_store  # noqa: PLC0415 - slow, and only where somebody pressed Tab

    with suppress(FusewatchError, OSError):
        database = ctx.params.get("database")
        settings = load_settings(os.environ, database_url=str(database) if database else None)
        now_ms = SystemClock().now_ms()
        url = settings.database_url.get_secret_value()
        with open_store(url, holder="completion", exclusive=False) as store:
            return _beginning(incomplete, store.read(lambda unit: read(unit, now_ms)))
    return []

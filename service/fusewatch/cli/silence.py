"""`fusewatch silence`: say for a time that nobody is to be told of something; through the database, so it works with
the daemon running or stopped."""

import getpass
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fusewatch.cli import completing
from fusewatch.cli.common import ConfigOption, DatabaseOption, JsonOption, environ, holder, print_json
from fusewatch.cli.inforce import rules_in_force
from fusewatch.cli.times import instant_ms
from fusewatch.config.settings import Settings, load_settings, parse_duration
from fusewatch.config.words import Wrong, shown
from fusewatch.domain.periods import local_clock
from fusewatch.domain.silences import Silence, mistakes_in, silence_of
from fusewatch.errors import ConfigError, Problem
from fusewatch.runtime import SystemClock
from fusewatch.store import SqlStore, open_store

command = typer.Typer(
    no_args_is_help=True,
    help="Hold notices back for a time: add, list, end.\n\nFor example: fusewatch silence list --all",
)

_PLACE = "command line"


@command.command("add")
def add(
    matchers: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="As team=content or feature=eval-*.")
    ] = None,
    rule: Annotated[
        str | None, typer.Option("--rule", help="The rule or watch; a glob.", autocompletion=completing.rules)
    ] = None,
    lasting: Annotated[str | None, typer.Option("--for", metavar="DURATION", help="How long, as 2h.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="As 2026-12-24T08:00.")] = None,
    comment: Annotated[str, typer.Option("--comment", help="Why; others will read it.")] = "",
    author: Annotated[str | None, typer.Option("--author", help="Who; default: you.")] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell nobody of what matches, until the end; several values are separated by commas, and any of them may match.

    For example: fusewatch silence add --for 2h --rule each-feature feature=summarization --comment "re-index"
    """
    settings = load_settings(environ(), config=config, database_url=database)
    with _open(settings) as store:
        rules = rules_in_force(settings, store)
        now_ms = SystemClock().now_ms()
        ends_ms = _end(lasting, until, rules.calendar.timezone, now_ms)
        wanted = _wanted([*(matchers or ()), *([f"rule={rule}"] if rule is not None else ())])
        silence = silence_of(
            wanted, starts_ms=now_ms, ends_ms=ends_ms, author=_user() if author is None else author, comment=comment
        )
        if mistakes := mistakes_in(silence, rules, now_ms):
            raise ConfigError([Problem(_PLACE, 0, m.where, m.what, m.right) for m in mistakes])
        store.add_silence(silence)
    if as_json:
        print_json(_document(silence))
    else:
        ends = f"{local_clock(rules.calendar.timezone, ends_ms):%Y-%m-%d %H:%M %Z}"
        print(f"Silence {silence.id} lasts until {ends}; end it with: fusewatch silence end {silence.id}")


@command.command("list")
def list_(
    all_: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the silences that are active.

    For example: fusewatch silence list --all
    """
    settings = load_settings(environ(), config=config, database_url=database)
    with _open(settings) as store:
        now_ms = SystemClock().now_ms()
        silences = store.read(lambda unit: unit.silences(active_at_ms=None if all_ else now_ms))
        zone = rules_in_force(settings, store).calendar.timezone
    if as_json:
        print_json([_document(silence) for silence in silences])
    else:
        _print(silences, zone, now_ms)


@command.command("end")
def end(
    silence_id: Annotated[
        str, typer.Argument(metavar="ID", help="Its id, or the beginning of it.", autocompletion=completing.silences)
    ],
    database: DatabaseOption = None,
) -> None:
    """End a silence now: what still stands of what it held back is told.

    For example: fusewatch silence end 01JDFQ0M3W8N9V2R
    """
    settings = load_settings(environ(), database_url=database)
    with _open(settings) as store:
        now_ms = SystemClock().now_ms()
        known = store.read(lambda unit: unit.silences(active_at_ms=None))
        meant = [s for s in known if silence_id and s.id.startswith(silence_id.upper())]
        if len(meant) != 1:
            who = f"{len(meant)} silences begin with" if meant else "no silence has"
            what = f"{who} the id {shown(silence_id)}"
            raise ConfigError([Problem(_PLACE, 0, "ID", what, "fusewatch silence list --all shows them")])
        over = not meant[0].is_active(now_ms) and meant[0].until_ms <= now_ms
        if not over:
            store.end_silence(meant[0].id, at_ms=now_ms)
    print(f"Silence {meant[0].id} {'was over already' if over else 'has ended'}.")


def _open(settings: Settings) -> SqlStore:
    return open_store(settings.database_url.get_secret_value(), holder=holder(), exclusive=False)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        return ""


def _end(lasting: str | None, until: str | None, zone: str, now_ms: int) -> int:
    if (lasting is None) == (until is None):
        raise ConfigError([Problem(_PLACE, 0, "--for", "say how long it lasts", "write --for 2h, or --until TIME")])
    if until is not None:
        return instant_ms(until, "--until", zone=zone, now_ms=now_ms)
    try:
        return now_ms + parse_duration(lasting or "")
    except Wrong as wrong:
        what = wrong.what.replace("{}", shown(lasting or ""))
        raise ConfigError([Problem(_PLACE, 0, "--for", what, wrong.right)]) from wrong


def _wanted(matchers: Sequence[str]) -> dict[str, list[str]]:
    wanted: dict[str, list[str]] = {}
    for matcher in matchers:
        name, equals, values = matcher.partition("=")
        if not equals or not name:
            raise ConfigError([Problem(_PLACE, 0, shown(matcher), "this is no matcher", "write team=content, say")])
        if name in wanted:
            right = f"several values are separated by commas: {name}=a,b"
            raise ConfigError([Problem(_PLACE, 0, name, "it stands twice", right)])
        wanted[name] = [value.strip() for value in values.split(",")]
    return wanted


def meaning(silence: Silence) -> str:
    """`rule=each-feature feature=a,b`."""
    return " ".join(f"{m.dimension}={','.join(m.patterns)}" for m in silence.matchers)


def _print(silences: Sequence[Silence], zone: str, now_ms: int) -> None:
    if not silences:
        print("No silences.")
        return
    table = Table("silence", "of", "until", "by", "because", box=None, pad_edge=False)
    for silence in silences:
        until = f"{local_clock(zone, silence.until_ms):%d %b %H:%M}"
        table.add_row(
            silence.id,
            Text(meaning(silence)),
            until if silence.is_active(now_ms) else f"{until} (over)",
            Text(silence.author),
            Text(silence.comment),
        )
    Console(highlight=False).print(table)


def _document(silence: Silence) -> dict[str, object]:
    return {
        "id": silence.id,
        "matchers": {m.dimension: list(m.patterns) for m in silence.matchers},
        "starts_ms": silence.starts_ms,
        "ends_ms": silence.ends_ms,
        "ended_ms": silence.ended_ms,
        "author": silence.author,
        "comment": silence.comment,
    }

"""`fusewatch export`: spend or single generations as files and tables, from the ledger."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from fusewatch.app.exports import (
    Grouped,
    Grouping,
    Listing,
    Told,
    amount_columns,
    row_columns,
    usual_columns,
    write_groups,
    write_rows,
)
from fusewatch.app.reports import Environments, Question, total
from fusewatch.cli.common import ConfigOption, DatabaseOption, environ, holder
from fusewatch.cli.dimensions import dimensions, known, listed
from fusewatch.cli.inforce import rules_in_force
from fusewatch.cli.spans import WHEN, calendar_of, span_of
from fusewatch.cli.waiting import waiting
from fusewatch.config.settings import load_settings
from fusewatch.domain.coverage import Span
from fusewatch.domain.periods import Calendar, Every, local_clock
from fusewatch.domain.rules import RuleSet
from fusewatch.errors import ConfigError, Problem
from fusewatch.export.files import STANDARD_OUTPUT
from fusewatch.export.targets import FILES, GROUPS_TABLE, ROWS_TABLE, Place, open_target, place_of
from fusewatch.ports import FileTarget, TableTarget
from fusewatch.runtime import SystemClock
from fusewatch.store import open_store


def command(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="TARGET",
            help="spend.csv, .jsonl or .parquet, sqlite:///FILE, postgresql://…, - for output.",
        ),
    ] = "-",
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="NAMES", help="Dimensions, separated by commas. Default: feature,team."),
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="NAMES", help="Which columns, in which order; `list` lists them.")
    ] = None,
    rows: Annotated[bool, typer.Option("--rows", help="Single generations instead of sums.")] = False,
    per: Annotated[Every | None, typer.Option("--per", help="Sums of each period, in a column `period`.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help=f"From when on: {WHEN}. Default: everything there is.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Until when; a day or a month counts as a whole.")
    ] = None,
    zone: Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Whose days; invoices are in UTC.")] = "UTC",
    environments: Annotated[
        Environments, typer.Option("--environments", help="All, or those that rules count, or leave out.")
    ] = Environments.ALL,
    kind: Annotated[str | None, typer.Option("--format", help=f"One of {', '.join(FILES)}, whatever the name.")] = None,
    table: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help=f"Default: {GROUPS_TABLE}, with --rows {ROWS_TABLE}.")
    ] = None,
    escape: Annotated[
        bool, typer.Option("--escape/--no-escape", help="CSV: an apostrophe before text that begins like a formula.")
    ] = True,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write spend or single generations to a file or into a database.

    The whole ledger is exported unless you say otherwise, environments that rules leave out included: its sums are
    those of the ledger. A file appears when it is complete. A table is brought up to date: running it again adds
    nothing twice, and with --rows only the hours that changed are written.

    For example: fusewatch export --to spend.csv --from last-month --until last-month
    """
    place = _place(to, kind)
    _refuse_for_place(place, table, escape=escape)
    settings = load_settings(environ(), config=config, database_url=database)
    with open_store(settings.database_url.get_secret_value(), holder=holder(), exclusive=False) as store:
        rules = rules_in_force(settings, store)
        calendar = calendar_of(zone, week_starts_on=rules.calendar.week_starts_on)
        now_ms = SystemClock().now_ms()
        span = span_of(since, until, calendar, now_ms, options=("--from", "--until"))
        if rows:
            _refuse_with_rows(by, per, environments)
            listing = _listing(span, columns, rules)
            with (
                _opened(place, table or ROWS_TABLE, escape=escape) as target,
                _progress(zone, quiet=_on_screen(place)) as told,
            ):
                written = write_rows(store, listing, target, told)
            noun = "written or written anew" if isinstance(target, TableTarget) else "written"
            _say(place, f"{written:,} generations {noun}")
            return
        grouping = _grouping(span, by, columns, per, rules, environments, calendar, now_ms)
        with _opened(place, table or GROUPS_TABLE, escape=escape) as target, _waiting(place):
            made = write_groups(store, grouping, target)
        _tell(place, made, zone)


def _place(to: str, kind: str | None) -> Place:
    try:
        return place_of(to, kind)
    except ValueError as error:
        raise ConfigError([Problem("command line", 0, "--to", str(error))]) from error


def _refuse_for_place(place: Place, table: str | None, *, escape: bool) -> None:
    """What means nothing where the export is to go."""
    problems = []
    if table is not None and not place.is_table:
        right = "leave it out, or write --to sqlite:///spend.db or --to postgresql://user@host/name"
        problems.append(Problem("command line", 0, "--table", f"there are no tables in a {place.kind} file", right))
    if not escape and place.kind != "csv":
        what = f"is about CSV files, and {place.kind} is never escaped"
        problems.append(Problem("command line", 0, "--no-escape", what, "leave it out"))
    if problems:
        raise ConfigError(problems)


@contextmanager
def _opened(place: Place, table: str, *, escape: bool) -> Iterator[FileTarget | TableTarget]:
    target = open_target(place, table=table, escape=escape)
    try:
        yield target
    finally:
        if isinstance(target, TableTarget):
            target.close()


def _refuse_with_rows(by: str | None, per: Every | None, environments: Environments) -> None:
    problems = [
        Problem(
            "command line", 0, option, "is about sums, and --rows writes single generations", "leave one of both out"
        )
        for option, given in (("--by", by), ("--per", per))
        if given is not None
    ]
    if environments is not Environments.ALL:
        right = "choose the column environment, and filter by it where you read"
        problems.append(Problem("command line", 0, "--environments", "--rows writes those of all environments", right))
    if problems:
        raise ConfigError(problems)


def _listing(span: Span, columns: str | None, rules: RuleSet) -> Listing:
    names = row_columns(rules.dimensions)
    if columns == "list":
        _list(names)
    chosen = names if columns is None else known(listed(columns), "--columns", names, "column")
    return Listing(span, rules.dimensions, chosen)


def _grouping(
    span: Span,
    by: str | None,
    columns: str | None,
    per: Every | None,
    rules: RuleSet,
    environments: Environments,
    calendar: Calendar,
    now_ms: int,
) -> Grouping:
    """Dimensions among the columns are what is split by, where `--by` does not say it."""
    amounts = amount_columns()
    if columns == "list":
        _list((*(["period"] if per else []), *rules.dimensions, *amounts))
    wanted = listed(columns) if columns is not None else ()
    named = tuple(name for name in wanted if name in rules.dimensions)
    chosen = dimensions(by, "--by", rules) if by is not None else named or ("feature", "team")
    if columns is None:
        names = usual_columns(chosen, per)
    else:
        names = known(wanted, "--columns", (*(["period"] if per else []), *chosen, *amounts), "column")
    asked = Question(chosen, span, rules.excluded_environments, now_ms, environments)
    return Grouping(asked, names, per, calendar)


def _list(names: tuple[str, ...]) -> None:
    print("\n".join(names))
    raise typer.Exit


def _tell(place: Place, made: Grouped, zone: str) -> None:
    """What the columns may not show is said on standard error: usage without a price, and what was never read."""
    whole = total(part.counted for part in made.breakdowns)
    _say(place, f"{len(made.records):,} lines written")
    if whole.unpriced:
        words = "calls have no price, or only a part of one; the column unpriced_calls shows which"
        _say(place, f"{whole.unpriced:,} of {whole.calls:,} {words}")
    gaps = [gap for part in made.breakdowns for gap in part.gaps]
    for gap in gaps[:3]:
        ends = (f"{local_clock(zone, at):%Y-%m-%d %H:%M}" for at in gap.span)
        _say(place, f"at least: {gap.project} was not read from {' to '.join(ends)}")


def _say(place: Place, text: str) -> None:
    print(f"{place.shown}: {text}" if place.at != "-" else text, file=sys.stderr)


def _on_screen(place: Place) -> bool:
    """Whether the export itself is shown on the terminal, where signs of life would stand in the midst of it."""
    return place.at == STANDARD_OUTPUT and sys.stdout.isatty()


def _waiting(place: Place) -> AbstractContextManager[None]:
    return nullcontext() if _on_screen(place) else waiting("Reading the ledger")


@contextmanager
def _progress(zone: str, *, quiet: bool) -> Iterator[Told]:
    """A line on a terminal; elsewhere one for every hundred thousand rows."""
    if quiet:
        yield lambda _done, _at_ms: None
        return
    console = Console(stderr=True)

    def words(done: int, at_ms: int) -> str:
        return f"{done:,} generations, up to {local_clock(zone, at_ms):%Y-%m-%d %H:%M}"

    if console.is_terminal:
        with Progress(SpinnerColumn(), TextColumn("{task.description}", markup=False), console=console) as progress:
            task = progress.add_task("")
            yield lambda done, at_ms: progress.update(task, description=words(done, at_ms))
        return
    hundreds = 0

    def line(done: int, at_ms: int) -> None:
        nonlocal hundreds
        if done // 100_000 > hundreds:
            hundreds = done // 100_000
            print(words(done, at_ms), file=sys.stderr, flush=True)

    yield line

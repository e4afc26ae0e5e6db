"""`fusewatch prices`: Langfuse's price list, what the ledger holds without a price, and a price added to the list."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from fusewatch.app import reports
from fusewatch.app.rategate import RateGates
from fusewatch.app.reports import Environments, Question
from fusewatch.bootstrap import connect_prices, load_rules
from fusewatch.cli.common import ConfigOption, DatabaseOption, JsonOption, environ, holder, print_json
from fusewatch.cli.inforce import rules_in_force
from fusewatch.cli.online import world
from fusewatch.cli.reporttable import console
from fusewatch.cli.spans import WHEN, calendar_of, span_of
from fusewatch.config.rulefile import ProjectConfig
from fusewatch.config.settings import Settings, load_settings
from fusewatch.domain.breakdown import Usage
from fusewatch.domain.money import format_usd, usd_json
from fusewatch.domain.patterns import compile_pattern, compile_postgres
from fusewatch.domain.prices import ModelPrices, Price
from fusewatch.errors import ConfigError, Problem
from fusewatch.ports import ModelList, NewModel, PriceList, Store
from fusewatch.ports.source import UNITS
from fusewatch.runtime import InlineRunner, SystemClock
from fusewatch.store import open_store

command = typer.Typer(
    no_args_is_help=True,
    help="Show Langfuse's price list, what it lacks, and add a price to it.\n\nFor example: fusewatch prices missing",
)

T = TypeVar("T")
ProjectOption = Annotated[
    str | None,
    typer.Option("--project", metavar="NAME", help="Which project of the budget file; it need not be said of one."),
]
_PER = 1_000_000
_NUMBER = re.compile(r"\$?(?P<number>[0-9]{1,9}(?:\.[0-9]{1,15})?)")


@command.command("list")
def list_(
    search: Annotated[str, typer.Argument(metavar="[WORD]", help="Only models with this in their name.")] = "",
    project: ProjectOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """What Langfuse knows the price of, in US dollars per million; the project's own models first.

    For example: fusewatch prices list gpt-4o
    """
    settings = load_settings(environ(), config=config, database_url=database)
    found = _ask(settings, project, lambda prices: prices.models())
    shown = sorted((m for m in found.models if search.lower() in m.name.lower()), key=lambda m: (m.managed, m.name))
    if as_json:
        print_json([_model(one) for one in shown])
        return
    if not shown:
        print(f'No model has "{search}" in its name; `fusewatch prices list` shows all.' if search else "No models.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("model", "matches", "input", "output", "other", "whose"):
        table.add_column(name, justify="right" if name in ("input", "output") else "left")
    for one in shown:
        prices = dict(one.tiers[0].prices) if one.tiers else {}
        plain = [_per_million(prices[name]) if name in prices else "" for name in ("input", "output")]
        other = ", ".join(f"{name} {_per_million(prices[name])}" for name in ("total",) if name in prices)
        table.add_row(*map(Text, (one.name, one.pattern, *plain, other, "Langfuse" if one.managed else "the project")))
    console().print(table)
    if found.skipped:
        print(f"Not readable: {', '.join(found.skipped[:5])}", file=sys.stderr)


@command.command("missing")
def missing(
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help=f"From when on: {WHEN}.")] = "-30d",
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Until when.")] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """The models whose calls Langfuse could not price, or only in part, from the ledger alone. Exit code 1 if any.

    For example: fusewatch prices missing --from this-month
    """
    settings = load_settings(environ(), config=config, database_url=database)
    with open_store(settings.database_url.get_secret_value(), holder=holder(), exclusive=False) as store:
        rules = rules_in_force(settings, store)
        now_ms = SystemClock().now_ms()
        calendar = calendar_of(rules.calendar.timezone)
        span = span_of(since, until, calendar, now_ms, options=("--from", "--to"))
        asked = Question(("project", "model"), span, (), now_ms, Environments.ALL)
        groups = store.read(lambda unit: reports.unpriced(unit, asked)).groups
    found = [
        _Lacking(g.key[0], g.key[1], g.usage) for g in sorted(groups, key=lambda g: (-g.usage.tokens.total, g.key))
    ]
    if as_json:
        print_json([_lacking(one) for one in found])
    elif found:
        _print_missing(found)
    else:
        print("Langfuse priced every call that has usage.")
    if found:
        raise typer.Exit(1)


class _Lacking(NamedTuple):
    """What calls of one model used without a price, or with one for only part of it."""

    project: str
    model: str
    usage: Usage


def _print_missing(found: Sequence[_Lacking]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("project", "model", "calls", "tokens", "Langfuse cost", "our estimate"):
        table.add_column(name, justify="left" if name in ("project", "model") else "right")
    for project, model, usage in found:
        estimate = format_usd(usage.estimate_pico) if usage.estimate_pico else "none"
        cells = (project, model, f"{usage.calls:,}", f"{usage.tokens.total:,}", format_usd(usage.cost_pico), estimate)
        table.add_row(*map(Text, cells))
    console().print(table)
    print("To add a price: fusewatch prices push MODEL --input 3.00 --output 15.00 --dry-run")


@command.command("push")
def push(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model as calls name it.")],
    input_price: Annotated[
        str | None,
        typer.Option("--input", metavar="USD", help="Input, in US dollars per --per. Default: the budget file's."),
    ] = None,
    output_price: Annotated[str | None, typer.Option("--output", metavar="USD", help="Output, the same.")] = None,
    total_price: Annotated[
        str | None, typer.Option("--total", metavar="USD", help="One price for all, in place of the two.")
    ] = None,
    per: Annotated[int, typer.Option("--per", min=1, metavar="N", help="How many of the unit a price is for.")] = _PER,
    unit: Annotated[str, typer.Option("--unit", help=f"One of {', '.join(UNITS)}.")] = "TOKENS",
    match: Annotated[
        str | None, typer.Option("--match", metavar="REGEX", help="Default: the name itself, in any case.")
    ] = None,
    project: ProjectOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent; send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Add a model with its price to the list of a Langfuse project. Langfuse prices what comes after; what came before
    keeps our estimate. It asks first.

    For example: fusewatch prices push acme-llm-1 --input 3.00 --output 15.00 --dry-run
    """
    settings = load_settings(environ(), config=config, database_url=database)
    given = {"input": input_price, "output": output_price, "total": total_price}
    prices = _prices(given, per) or _of_the_file(
        load_rules(Path(settings.config), environ(), secrets=False).rules.prices, model
    )
    new = _new(model, match, unit, prices)
    known = _ask(settings, project, lambda list_: list_.models())
    _say(new, known)
    if dry_run:
        print("Nothing was sent.")
        return
    if not yes:
        typer.confirm("Add it to Langfuse?", abort=True, err=True)
    made = _ask(settings, project, lambda list_: list_.add_model(new))
    print(f"Added: Langfuse prices {model} from now on ({made}).")


def _prices(given: "dict[str, str | None]", per: int) -> tuple[tuple[str, Fraction], ...]:
    """US dollars for one of the unit; empty when none is given. ConfigError for what is no price."""
    found, problems = [], []
    for name, text in given.items():
        match = _NUMBER.fullmatch(text.strip()) if text is not None else None
        if match is not None:
            found.append((name, Fraction(match["number"]) / per))
        elif text is not None:
            problems.append(Problem("command line", 0, f"--{name}", f"{text} is no price", "write it as 3.00"))
    if given["total"] is not None and len(found) > 1:
        problems.append(Problem("command line", 0, "--total", "it stands in place of --input and --output"))
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def _of_the_file(prices: Sequence[Price], model: str) -> tuple[tuple[str, Fraction], ...]:
    """What the budget file says of input, output and total; ConfigError where it says nothing."""
    for price in prices:
        if compile_pattern(price.match).search(model):
            return tuple((name, value) for name, value in price.prices if name in ("input", "output", "total"))
    right = "write --input and --output, or an entry for it under prices: in the budget file"
    raise ConfigError([Problem("command line", 0, "--input", f"no price is given for {model}", right)])


def _new(model: str, match: str | None, unit: str, prices: tuple[tuple[str, Fraction], ...]) -> NewModel:
    """ConfigError for a unit that there is not, and for a pattern that does not fit the model."""
    problems = []
    if unit not in UNITS:
        problems.append(
            Problem("command line", 0, "--unit", f"there is no unit {unit}", f"choose from {', '.join(UNITS)}")
        )
    pattern = match if match is not None else f"(?i)^({re.escape(model)})$"
    try:
        if compile_postgres(pattern).search(model) is None:
            problems.append(Problem("command line", 0, "--match", f"{pattern} does not match {model}"))
    except ValueError as error:
        problems.append(Problem("command line", 0, "--match", f"{pattern} is no regular expression: {error}"))
    if problems:
        raise ConfigError(problems)
    return NewModel(model, pattern, unit, prices)


def _say(new: NewModel, known: ModelList) -> None:
    """What would be sent, and what it would take the place of."""
    shown = ", ".join(f"{name} {_per_million(price)}" for name, price in new.prices)
    print(f"{new.name}: matches {new.pattern}; per million {new.unit.lower()}: {shown}")
    for one in known.models:
        if _matches(one, new.name):
            whose = "Langfuse's own" if one.managed else "the project's"
            print(f"Langfuse prices {new.name} already, as {one.name} ({whose}, {one.pattern}).")


def _matches(model: ModelPrices, name: str) -> bool:
    try:
        return compile_postgres(model.pattern).search(name) is not None
    except ValueError:
        return False


def _per_million(price: Fraction) -> str:
    return format_usd(round(price * _PER * 10**12))


def _model(one: ModelPrices) -> dict[str, object]:
    return {
        "model": one.name,
        "match_pattern": one.pattern,
        "managed": one.managed,
        "usd_per_million": {
            name: usd_json(round(price * _PER * 10**12)) for tier in one.tiers[-1:] for name, price in tier.prices
        },
    }


def _lacking(one: _Lacking) -> dict[str, object]:
    usage = one.usage
    return {
        "project": one.project,
        "model": one.model,
        "calls": usage.calls,
        "total_tokens": usage.tokens.total,
        "cost_usd": usd_json(usage.cost_pico),
        "estimate_usd": usd_json(usage.estimate_pico) if usage.estimate_pico else None,
    }


# ---------------------------------------------------------------- Langfuse


def _ask(settings: Settings, project: str | None, question: Callable[[PriceList], Awaitable[T]]) -> T:
    """One question to the one project that is meant."""

    async def ask() -> T:
        with open_store(settings.database_url.get_secret_value(), holder=holder(), exclusive=False) as store:
            async with _opened(_project(settings, project), store) as prices:
                return await question(prices)

    return asyncio.run(ask())


def _project(settings: Settings, name: str | None) -> ProjectConfig:
    projects = load_rules(Path(settings.config), environ(), secrets=True).projects
    chosen = [one for one in projects if name in (None, one.name)]
    if len(chosen) == 1:
        return chosen[0]
    what = f"there is no project {name}" if name else "which project is meant?"
    raise ConfigError(
        [Problem("command line", 0, "--project", what, f"choose from {', '.join(p.name for p in projects)}")]
    )


@asynccontextmanager
async def _opened(config: ProjectConfig, store: Store) -> AsyncIterator[PriceList]:
    """The price list within the request budget of its organisation."""
    outside = world()
    gates = RateGates(store, InlineRunner(), outside.clock)
    prices = connect_prices(config, replace(outside, gates=gates), store)
    try:
        await prices.identify()
        yield prices
    finally:
        await prices.close()
        await gates.save()

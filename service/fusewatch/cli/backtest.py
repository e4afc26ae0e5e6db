"""`fusewatch backtest`: what these rules would have told over past days, from the ledger."""

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from fusewatch.app import backtest as replaying
from fusewatch.app.backfill import backfill_pass
from fusewatch.app.backtest import Course, Outcome, Recorded, Told
from fusewatch.cli import completing
from fusewatch.cli.backfill import reading_progress
from fusewatch.cli.common import ConfigOption, DatabaseOption, JsonOption, environ, holder, print_json
from fusewatch.cli.picture import drawing_of, written
from fusewatch.cli.reading import chosen_projects, opened
from fusewatch.cli.times import instant_ms
from fusewatch.config.rulefile import load
from fusewatch.config.settings import Settings, load_settings
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.coverage import Span, holes, merged
from fusewatch.domain.money import format_usd, usd_json
from fusewatch.domain.periods import local_clock
from fusewatch.domain.readplan import looks_from
from fusewatch.domain.rules import Newcomers, RuleSet, Silent, Unattributed, Unit, Unpriced
from fusewatch.errors import ConfigError, Problem
from fusewatch.notify.cards import headline
from fusewatch.notify.sheet import line_text
from fusewatch.ports import Store
from fusewatch.runtime import InlineRunner, SystemClock
from fusewatch.store import SqlStore, open_store

_WHEN = "A date, an instant, or how long ago, such as -30d; in the time zone of the budget file."
_WIDE = 220
"""So wide is a table that goes into a file or a pipe: each notice stays on its line."""

_ROOMY = 160
"""In a narrower terminal a notice takes two lines, as a table would leave no room for what it says."""

_PICTURES = (".svg", ".png")


def command(
    since: Annotated[str, typer.Option("--from", metavar="TIME", help=f"From when on. {_WHEN}")] = "-30d",
    until: Annotated[str, typer.Option("--to", metavar="TIME", help="Until when; a date counts as a whole.")] = "now",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    compare: Annotated[
        str | None, typer.Option("--compare", metavar="FILE", help="Another budget file: what it adds and removes.")
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option("--rule", metavar="NAME", help="Only this budget or spike.", autocompletion=completing.rules),
    ] = None,
    plot: Annotated[
        str | None, typer.Option("--plot", metavar="FILE", help="Draw the spend with its notices: .svg or .png.")
    ] = None,
    langfuse: Annotated[
        bool, typer.Option("--langfuse", help="Read the time straight from Langfuse, and leave the ledger alone.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Replay the rules over past days: what would have been told, when, and how much had been spent.

    Nothing is sent and nothing is written to the database; it works with the daemon running or stopped. What the
    ledger does not hold can be read into it first (fusewatch backfill --from -30d), or for this once with --langfuse.
    Generations count with the cost that is known now; silences and failed reads of that time are not replayed.

    For example: fusewatch backtest --from -30d --compare budgets.new.yaml --plot spend.svg
    """
    if plot is not None and Path(plot).suffix.lower() not in _PICTURES:
        raise ConfigError([Problem("command line", 0, "--plot", f"{plot} is no picture", "write .svg or .png")])
    settings = load_settings(environ(), config=config, database_url=database)
    files = [Path(settings.config), *([Path(compare)] if compare else [])]
    rule_sets = [load(file, environ(), secrets=False).rules for file in files]
    zone = rule_sets[0].calendar.timezone
    span = _span(since, until, zone)
    chosen = _chosen(rule_sets, rule) if rule is not None else rule_sets
    with _read_anew(settings, span, chosen) if langfuse else _ledger(settings) as store:
        course = _course(store, span, settings.poll_interval, chosen, zone)
        gc.disable()  # nearly all that is made is plain tuples without cycles; looking through them takes a third
        with _progress(course) as show:
            outcomes = replaying.backtest(Recorded(store), course, chosen, show)
    if plot is not None:
        written(Path(plot), drawing_of(outcomes[0], course, rule, zone))
        print(f"The picture is in {plot}.", file=sys.stderr)
    if as_json:
        print_json(_document(outcomes, course, files))
    else:
        _print(outcomes, course, files, zone)


def _ledger(settings: Settings) -> SqlStore:
    return open_store(settings.database_url.get_secret_value(), holder=holder(), exclusive=False)


@contextmanager
def _read_anew(settings: Settings, span: Span, rule_sets: Sequence[RuleSet]) -> Iterator[SqlStore]:
    """A ledger in a temporary folder, read from Langfuse as far back as the rules look; it goes when this ends."""
    loaded, projects = chosen_projects(settings, None)
    wanted = Span(_looks_back(rule_sets, span.from_ms), span.to_ms)

    async def fill(store: Store) -> None:
        for one in projects:
            async with opened(one, loaded, store) as entry:
                with reading_progress(one.name) as shown:
                    report = await backfill_pass(
                        entry.reader,
                        store,
                        InlineRunner(),
                        SystemClock(),
                        wanted,
                        limited=entry.limited,
                        told=shown.show,
                    )
            if report.failure is not None:
                raise report.failure

    with (
        TemporaryDirectory(prefix="fusewatch-") as folder,
        open_store(f"sqlite:///{folder}/backtest.db", holder=holder(), exclusive=True) as store,
    ):
        store.set_attribution(Resolver(loaded.rules.attribution).revision)
        asyncio.run(fill(store))
        yield store


def _looks_back(rule_sets: Sequence[RuleSet], from_ms: int) -> int:
    return min((looks_from(rule, from_ms) for rules in rule_sets for rule in rules.rules), default=from_ms)


def _span(since: str, until: str, zone: str) -> Span:
    now_ms = SystemClock().now_ms()
    from_ms = instant_ms(since, "--from", zone=zone, now_ms=now_ms)
    to_ms = min(instant_ms(until, "--to", zone=zone, now_ms=now_ms, whole_day=True), now_ms)
    if from_ms >= now_ms:
        raise ConfigError([Problem("command line", 0, "--from", f"{since} is not in the past")])
    if from_ms >= to_ms:
        raise ConfigError([Problem("command line", 0, "--to", f"{until} is not after --from {since}")])
    return Span(from_ms, to_ms)


def _chosen(rule_sets: Sequence[RuleSet], name: str) -> list[RuleSet]:
    """The rule sets with this rule alone, without watches; one of them may lack it, which `--compare` then shows."""
    known = sorted({rule.name for rules in rule_sets for rule in rules.rules})
    if name not in known:
        right = f"choose from {', '.join(known)}" if known else "the budget file has no rule"
        raise ConfigError([Problem("command line", 0, "--rule", f"there is no rule {name}", right)])
    return [
        replace(
            rules,
            budgets=tuple(b for b in rules.budgets if b.name == name),
            spikes=tuple(s for s in rules.spikes if s.name == name),
            unpriced=Unpriced(None),
            unattributed=Unattributed(None),
            silent=Silent(None),
            new=Newcomers(),
        )
        for rules in rule_sets
    ]


def _course(store: Store, span: Span, poll_ms: int, rule_sets: Sequence[RuleSet], zone: str) -> Course:
    """What to replay. What was not read of it is said; where nothing was, it is refused."""
    projects, coverage = store.read(lambda unit: (unit.projects(), unit.coverage()))

    def clock(at_ms: int) -> str:
        return f"{local_clock(zone, at_ms):%Y-%m-%d %H:%M}"

    backfill = f"read it first: fusewatch backfill --from {local_clock(zone, span.from_ms):%Y-%m-%d}"
    covered = {p.key: merged(coverage.get(p.key, ())) for p in projects}
    if not any(s.from_ms < span.to_ms and s.to_ms > span.from_ms for spans in covered.values() for s in spans):
        what = f"the ledger holds nothing from {clock(span.from_ms)} to {clock(span.to_ms)}"
        raise ConfigError([Problem("command line", 0, "--from", what, backfill)])
    need_ms = _looks_back(rule_sets, span.from_ms)
    for project in projects:
        gaps = [g for g in holes(covered[project.key], need_ms, span.to_ms) if g.to_ms - g.from_ms > poll_ms * 10]
        for gap in gaps[:3]:
            told = f"{project.name} was not read from {clock(gap.from_ms)} to {clock(gap.to_ms)}"
            print(f"{told}: budgets and baselines over that time are not judged, or too low.", file=sys.stderr)
        if gaps:
            since = local_clock(zone, gaps[0].from_ms)
            print(f"To read it: fusewatch backfill --from {since:%Y-%m-%d}", file=sys.stderr)
    return Course(span.from_ms, span.to_ms, poll_ms, projects, covered)


@contextmanager
def _progress(course: Course) -> Iterator[replaying.Progress]:
    """A bar on a terminal, a line for each fifth elsewhere; both on standard error."""
    console = Console(stderr=True)
    whole = course.to_ms - course.from_ms
    if console.is_terminal:
        columns = (TextColumn("replaying"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("", total=whole)
            yield lambda at_ms: progress.update(task, completed=at_ms - course.from_ms)
        return
    fifths = -1

    def line(at_ms: int) -> None:
        nonlocal fifths
        if (done := (at_ms - course.from_ms) * 5 // whole) > fifths:
            fifths = done
            print(f"replaying: {done * 20} %", file=sys.stderr, flush=True)

    yield line


# ---------------------------------------------------------------- words


def _print(outcomes: Sequence[Outcome], course: Course, files: Sequence[Path], zone: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDE
    first = outcomes[0]
    sent = [t for t in first.told if t.destinations]
    _print_timeline(console, sent, zone)
    _print_counts(console, first)
    console.print(
        f"{_when(course.from_ms, zone)} to {_when(course.to_ms, zone)} ({zone}): "
        f"{first.generations:,} generations, {format_usd(first.cost_pico)}; "
        f"{_count(len(sent), 'notice')} sent in {_count(len(first.messages), 'message')}."
    )
    if len(outcomes) > 1:
        _print_difference(console, outcomes, files, zone)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _when(at_ms: int, zone: str) -> str:
    return f"{local_clock(zone, at_ms):%a %d %b %Y %H:%M}"


def _print_timeline(console: Console, told: Sequence[Told], zone: str) -> None:
    if not told:
        console.print("Nobody would have been told of anything: no notice in this time.")
        return
    if console.width < _ROOMY:
        for one in told:
            at = "state at start" if one.at_start else _when(one.at_ms, zone)
            severity, _, what = _cells(one, zone)
            console.print(Text(f"{at}  {severity}  to {', '.join(one.destinations)}\n  {what}"))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("time", "severity", "rule", "what", "to"):
        table.add_column(title, no_wrap=title != "what", overflow="fold")
    for one in told:
        at = "state at start" if one.at_start else _when(one.at_ms, zone)
        table.add_row(*map(Text, (at, *_cells(one, zone), ", ".join(one.destinations))))
    console.print(table)


def _cells(one: Told, zone: str) -> tuple[str, str, str]:
    incident = one.notice.incident
    what = line_text(headline(one.notice), zone=zone, now_ms=one.at_ms)
    return one.notice.severity.word, f"{incident.rule} {incident.group}".strip(), what


def _print_counts(console: Console, outcome: Outcome) -> None:
    sent = Counter((t.notice.incident.rule, name) for t in outcome.told for name in t.destinations)
    kept = Counter(t.notice.incident.rule for t in outcome.told if not t.destinations)
    table = Table(box=None, pad_edge=False)
    for title in ("rule", "destination", "notices"):
        table.add_column(title, justify="right" if title == "notices" else "left")
    for (name, destination), count in sorted(sent.items()):
        table.add_row(Text(name), Text(destination), f"{count:,}")
    for name, count in sorted(kept.items()):
        table.add_row(Text(name), "nobody, only kept", f"{count:,}")
    silent = [
        rule.name for rule in outcome.rules.rules if all(t.notice.incident.rule != rule.name for t in outcome.told)
    ]
    for name in silent:
        table.add_row(Text(name), "", "0")
    if table.row_count:
        console.print()
        console.print(table)
        console.print()


def _print_difference(console: Console, outcomes: Sequence[Outcome], files: Sequence[Path], zone: str) -> None:
    removed, added = replaying.difference(*outcomes)
    console.print(f"\n{files[1]} against {files[0]}: {len(added):,} added, {len(removed):,} removed.")
    rows = sorted([*(("−", one) for one in removed), *(("+", one) for one in added)], key=lambda row: row[1].at_ms)
    table = Table(box=None, pad_edge=False, show_header=False)
    for sign, one in rows:
        if console.width < _ROOMY:
            severity, _, what = _cells(one, zone)
            console.print(
                Text(f"{sign} {_when(one.at_ms, zone)}  {severity}  to {', '.join(one.destinations)}\n    {what}")
            )
            continue
        table.add_row(*map(Text, (sign, _when(one.at_ms, zone), *_cells(one, zone), ", ".join(one.destinations))))
    if table.row_count:
        console.print(table)


# ---------------------------------------------------------------- JSON


def _document(outcomes: Sequence[Outcome], course: Course, files: Sequence[Path]) -> dict[str, object]:
    document: dict[str, object] = {
        "from_ms": course.from_ms,
        "to_ms": course.to_ms,
        "file": str(files[0]),
        "generations": outcomes[0].generations,
        "cost_usd": usd_json(outcomes[0].cost_pico),
        "notices": [_as_dict(one) for one in outcomes[0].told],
    }
    if len(outcomes) > 1:
        removed, added = replaying.difference(*outcomes)
        document |= {
            "compared_with": str(files[1]),
            "added": [_as_dict(one) for one in added],
            "removed": [_as_dict(one) for one in removed],
        }
    return document


def _as_dict(one: Told) -> dict[str, object]:
    notice, incident = one.notice, one.notice.incident
    money = incident.unit is Unit.USD
    return {
        "at_ms": one.at_ms,
        "rule": incident.rule,
        "key": dict(incident.labels),
        "period": incident.period,
        "reason": notice.reason.value,
        "severity": notice.severity.word,
        "threshold": float(notice.threshold),
        "unit": incident.unit.value,
        "measured": usd_json(incident.measured) if money else incident.measured,
        "limit": usd_json(incident.limit) if money else incident.limit,
        "timing": incident.timing.value,
        "at_start": one.at_start,
        "destinations": list(one.destinations),
    }

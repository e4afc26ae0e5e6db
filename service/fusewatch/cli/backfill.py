"""`fusewatch backfill`: read history that is not yet covered into the ledger."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from fusewatch.app.backfill import BackfillReport, backfill_pass
from fusewatch.app.pricing import pricing_pass
from fusewatch.cli.common import ConfigOption, DatabaseOption, JsonOption, environ, holder, print_json
from fusewatch.cli.reading import chosen_projects, opened
from fusewatch.cli.times import instant_ms
from fusewatch.config.rulefile import Loaded, ProjectConfig
from fusewatch.config.settings import load_settings
from fusewatch.domain.coverage import Span
from fusewatch.domain.money import format_usd, usd_json
from fusewatch.domain.periods import local_clock
from fusewatch.errors import ConfigError, Permanent, Problem, Retryable
from fusewatch.ports import Store
from fusewatch.runtime import InlineRunner, SystemClock
from fusewatch.store import open_store

_MOST_SHOWN = 10
_WHEN = "A date, an instant, or how long ago, such as -30d; in the time zone of the budget file."


def command(
    since: Annotated[str, typer.Option("--from", metavar="TIME", help=f"From when on. {_WHEN}")],
    until: Annotated[str, typer.Option("--to", metavar="TIME", help="Until when; a date counts as a whole.")] = "now",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    project: Annotated[str | None, typer.Option("--project", help="Only this project.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Read what was not yet read of a span into the ledger, newest first.

    Works with the daemon running or stopped. When it is interrupted, the same command goes on where it ended. Counters
    in /metrics do not move for what is older than the first start. Exit code 1 when a part could not be read.

    For example: fusewatch backfill --from 2026-11-01 --to 2026-11-15
    """
    settings = load_settings(environ(), config=config, database_url=database)
    loaded, projects = chosen_projects(settings, project)
    span = _span(since, until, loaded.rules.calendar.timezone)
    found: list[tuple[str, BackfillReport]] = []

    async def run() -> None:
        with open_store(settings.database_url.get_secret_value(), holder=holder(), exclusive=False) as store:
            for one in projects:
                found.append((one.name, await _read(one, loaded, store, span)))

    asyncio.run(run())
    if as_json:
        print_json([_document(*one) for one in found])
    else:
        for one in found:
            _print(*one, zone=loaded.rules.calendar.timezone)
    if any(report.failure is not None or report.rejected for _, report in found):
        raise typer.Exit(1)


def _span(since: str, until: str, zone: str) -> Span:
    now_ms = SystemClock().now_ms()
    from_ms = instant_ms(since, "--from", zone=zone, now_ms=now_ms)
    to_ms = instant_ms(until, "--to", zone=zone, now_ms=now_ms, whole_day=True)
    if from_ms >= now_ms:
        raise ConfigError([Problem("command line", 0, "--from", f"{since} is not in the past")])
    if from_ms >= to_ms:
        raise ConfigError([Problem("command line", 0, "--to", f"{until} is not after --from {since}")])
    return Span(from_ms, min(to_ms, now_ms))


async def _read(one: ProjectConfig, loaded: Loaded, store: Store, span: Span) -> BackfillReport:
    """Read one project; what it refuses does not keep the others from being read."""
    try:
        async with opened(one, loaded, store) as entry:
            with reading_progress(one.name) as shown:
                report = await backfill_pass(
                    entry.reader, store, InlineRunner(), SystemClock(), span, limited=entry.limited, told=shown.show
                )
            reader = entry.reader
            await pricing_pass(
                reader.source, reader.project, store, InlineRunner(), SystemClock(), entry.shelf, loaded.rules.prices
            )
            return report
    except (Retryable, Permanent) as failure:
        return BackfillReport("", span, unread_ms=span.to_ms - span.from_ms, failure=failure)


class _Bar:
    """Progress on a terminal: one bar."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress = progress
        self._task = progress.add_task(name, total=None, rows=0)

    def show(self, report: BackfillReport) -> None:
        self._progress.update(
            self._task, total=report.asked_ms, completed=report.asked_ms - report.unread_ms, rows=f"{report.rows:,}"
        )


class _Lines:
    """Progress elsewhere: a line for every tenth that was read."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tenths = -1

    def show(self, report: BackfillReport) -> None:
        done = report.asked_ms - report.unread_ms
        tenths = done * 10 // report.asked_ms if report.asked_ms else 10
        if tenths > self._tenths:
            self._tenths = tenths
            print(f"{self._name}: {tenths * 10} % read, {report.rows:,} rows", file=sys.stderr, flush=True)


@contextmanager
def reading_progress(name: str) -> Iterator[_Bar | _Lines]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(name)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]} rows", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield _Bar(progress, name)


def _print(name: str, report: BackfillReport, *, zone: str) -> None:
    def clock(at_ms: int) -> str:
        return f"{local_clock(zone, at_ms):%Y-%m-%d %H:%M}"

    told = [f"{name}: {clock(report.span.from_ms)} to {clock(report.span.to_ms)}"]
    if report.asked_ms == 0 and report.failure is None:
        told.append("everything there had been read before")
    else:
        parts = [f"{report.rows:,} rows read", f"{report.new:,} new generations"]
        parts += [f"{report.changed:,} changed"] if report.changed else []
        told.append(f"{', '.join(parts)}, {format_usd(report.added_pico)} added")
    if report.unpriced:
        told.append(f"{report.unpriced:,} of them without a price")
    print("; ".join(told))
    if report.floor_ms is not None:
        print(f"{name}: what is older than {clock(report.floor_ms)} was pruned and is not read again")
    for rejected in report.rejected[:_MOST_SHOWN]:
        where = f"row {rejected.id or 'without an id'}, {rejected.field}"
        print(f"{name}: could not be read: {where}: {rejected.problem}", file=sys.stderr)
    if len(report.rejected) > _MOST_SHOWN:
        print(f"{name}: and {len(report.rejected) - _MOST_SHOWN:,} more rows", file=sys.stderr)
    if report.failure is not None:
        print(f"{name}: {report.failure}; the same command goes on from here", file=sys.stderr)


def _document(name: str, report: BackfillReport) -> dict[str, object]:
    return {
        "project": name,
        "from_ms": report.span.from_ms,
        "to_ms": report.span.to_ms,
        "pruned_before_ms": report.floor_ms,
        "rows": report.rows,
        "new": report.new,
        "changed": report.changed,
        "unpriced": report.unpriced,
        "added_usd": usd_json(report.added_pico),
        "unread_ms": report.unread_ms,
        "rejected": [{"id": r.id, "field": r.field, "problem": r.problem} for r in report.rejected],
        "failure": str(report.failure) if report.failure else None,
    }

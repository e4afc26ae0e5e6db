"""`fusewatch reconcile`: compare the ledger with Langfuse's own sums, hour by hour, and mend what differs."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fusewatch.app.reconcile import HourReport, ReconcileReport, reconcile_pass
from fusewatch.cli.common import ConfigOption, DatabaseOption, JsonOption, environ, holder, print_json
from fusewatch.cli.reading import chosen_projects, opened
from fusewatch.cli.waiting import waiting
from fusewatch.config.settings import load_settings, parse_duration
from fusewatch.config.words import Wrong
from fusewatch.domain.money import format_usd, usd_json
from fusewatch.domain.periods import local_clock
from fusewatch.errors import ConfigError, Problem
from fusewatch.runtime import InlineRunner, SystemClock
from fusewatch.store import open_store

LONGEST_MS = 41 * 86_400_000


def command(
    config: ConfigOption = None,
    database: DatabaseOption = None,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="How far back, at most 41d.")] = "7d",
    project: Annotated[str | None, typer.Option("--project", help="Only this project.")] = None,
    every_hour: Annotated[bool, typer.Option("--all", help="Show the hours that agree, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare the ledger with Langfuse's own sums, hour by hour, read again what differs, and say how it is explained.

    Works with the daemon running or stopped. Exit code 1 when a difference stays unexplained.
    For example: fusewatch reconcile --since 2d --all
    """
    since_ms = _since(since)
    settings = load_settings(environ(), config=config, database_url=database)
    loaded, projects = chosen_projects(settings, project)
    clock = SystemClock()
    reports: list[tuple[str, ReconcileReport]] = []

    async def run() -> None:
        with open_store(settings.database_url.get_secret_value(), holder=holder(), exclusive=False) as store:
            for one in projects:
                print(f"Comparing {one.name} with Langfuse …", file=sys.stderr)
                async with opened(one, loaded, store) as project_read:
                    with waiting(f"Comparing {one.name} with Langfuse"):
                        report = await reconcile_pass(
                            project_read.reader,
                            store,
                            InlineRunner(),
                            clock,
                            from_ms=clock.now_ms() - since_ms,
                            most=10_000,
                            sweep=False,
                        )
                reports.append((one.name, report))

    asyncio.run(run())
    if as_json:
        print_json([_document(name, report) for name, report in reports])
    else:
        for name, report in reports:
            _print(name, report, loaded.rules.calendar.timezone, every_hour=every_hour)
    if any(report.failure is not None or report.drift_pico for _, report in reports):
        raise typer.Exit(1)


def _since(text: str) -> int:
    try:
        found = parse_duration(text)
    except Wrong as wrong:
        raise ConfigError(
            [Problem("command line", 0, "--since", wrong.what.replace("{}", text), wrong.right)]
        ) from wrong
    if found > LONGEST_MS:
        raise ConfigError([Problem("command line", 0, "--since", f"{text} is more than 41d", "give 41d or less")])
    return found


def _print(name: str, report: ReconcileReport, zone: str, *, every_hour: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if report.failure is not None:
        print(f"{name}: {report.failure}", file=sys.stderr)
        return
    shown = [hour for hour in report.hours if every_hour or _is_told(hour)]
    if shown:
        table = Table(box=None, pad_edge=False)
        for title in ("hour", "Langfuse", "ledger", "stored twice", "gone", "unexplained", "estimated", ""):
            table.add_column(title, no_wrap=True, justify="left" if title in ("hour", "") else "right")
        for hour in shown:
            after = hour.after
            table.add_row(
                f"{local_clock(zone, after.hour_ms):%d %b %H:%M}",
                format_usd(after.langfuse_pico),
                format_usd(after.ledger.cost_pico),
                format_usd(after.duplicates_pico + after.ledger.moved_pico),
                format_usd(after.ledger.gone_pico),
                format_usd(after.unexplained_pico),
                format_usd(after.ledger.estimated_pico),
                _done(hour),
            )
        console.print(table)
    agree = len(report.hours) - len(shown) if not every_hour else sum(not _is_told(h) for h in report.hours)
    verdict = (
        "Ledger and Langfuse agree."
        if report.drift_pico == 0
        else f"Unexplained: {format_usd(report.drift_pico)} more in the ledger than in Langfuse."
        if report.drift_pico > 0
        else f"Unexplained: {format_usd(-report.drift_pico)} less in the ledger than in Langfuse."
    )
    console.print(f"{name}: {len(report.hours)} hours with spend compared, {agree} agreed at once. {verdict}")


def _is_told(hour: HourReport) -> bool:
    after = hour.after
    explained = after.duplicates_pico or after.ledger.gone_pico or after.ledger.moved_pico
    return bool(hour.read or after.unexplained_pico or explained)


def _done(hour: HourReport) -> str:
    if not hour.read:
        return ""
    parts = [
        f"{count} {word}"
        for count, word in ((hour.new, "new"), (hour.changed, "changed"), (hour.gone, "gone"))
        if count
    ]
    return f"read: {', '.join(parts) or 'no change'}"


def _document(name: str, report: ReconcileReport) -> dict[str, object]:
    return {
        "project": name,
        "failure": str(report.failure) if report.failure else None,
        "unexplained_usd": usd_json(report.drift_pico),
        "hours": [
            {
                "hour_ms": hour.after.hour_ms,
                "langfuse_usd": usd_json(hour.after.langfuse_pico),
                "ledger_usd": usd_json(hour.after.ledger.cost_pico),
                "stored_twice_usd": usd_json(hour.after.duplicates_pico + hour.after.ledger.moved_pico),
                "gone_usd": usd_json(hour.after.ledger.gone_pico),
                "unexplained_usd": usd_json(hour.after.unexplained_pico),
                "estimated_usd": usd_json(hour.after.ledger.estimated_pico),
                "read_again": hour.read,
                "new": hour.new,
                "changed": hour.changed,
                "gone": hour.gone,
            }
            for hour in report.hours
        ],
    }

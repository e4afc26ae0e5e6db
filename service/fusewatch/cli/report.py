"""`fusewatch report`: where the money went, from the ledger; works with the daemon running or stopped."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from fusewatch.app import reports
from fusewatch.app.reports import Environments, Question
from fusewatch.cli import completing, reportjson, reporttable
from fusewatch.cli.common import ConfigOption, DatabaseOption, JsonOption, environ, holder, print_json
from fusewatch.cli.dimensions import dimensions
from fusewatch.cli.inforce import rules_in_force
from fusewatch.cli.spans import WHEN, calendar_of, month_span, span_of
from fusewatch.cli.trendpicture import drawing_of
from fusewatch.cli.waiting import waiting
from fusewatch.config.settings import load_settings
from fusewatch.domain.coverage import Span
from fusewatch.domain.periods import Calendar, Every
from fusewatch.domain.rules import RuleSet
from fusewatch.errors import ConfigError, Problem
from fusewatch.ports import ReadUnit
from fusewatch.runtime import SystemClock
from fusewatch.store import SqlStore, open_store

command = typer.Typer(
    no_args_is_help=True,
    help="Show where the money went: by feature, team, user, model, trace, day or month."
    "\n\nFor example: fusewatch report spend --by feature,team --from last-month --to last-month",
)

FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help=f"From when on: {WHEN}. Default: everything there is.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="Until when; a day or a month counts as a whole.")
]
ByOption = Annotated[
    str,
    typer.Option(
        "--by", metavar="NAMES", help="Dimensions, separated by commas.", autocompletion=completing.dimensions
    ),
]
ZoneOption = Annotated[
    str, typer.Option("--timezone", metavar="ZONE", help="Whose days and months; invoices are in UTC.")
]
EnvironmentsOption = Annotated[
    Environments,
    typer.Option("--environments", help="Those that rules count, those that they leave out (a line of its own), all."),
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, metavar="N", help="So many lines at most.")]
PlotOption = Annotated[str | None, typer.Option("--plot", metavar="FILE", help="Draw it: .svg or .png.")]

_PICTURES = (".svg", ".png")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Desk:
    """What a report is made with."""

    store: SqlStore
    rules: RuleSet
    calendar: Calendar
    now_ms: int

    def read(self, question: Callable[[ReadUnit], T]) -> T:
        with waiting("Reading the ledger"):
            return self.store.read(question)

    def span(self, since: str | None, until: str | None) -> Span:
        return span_of(since, until, self.calendar, self.now_ms, options=("--from", "--to"))

    def asked(self, by: tuple[str, ...], span: Span, environments: Environments) -> Question:
        return Question(by, span, self.rules.excluded_environments, self.now_ms, environments)


@contextmanager
def _desk(config: str | None, database: str | None, zone: str) -> Iterator[_Desk]:
    settings = load_settings(environ(), config=config, database_url=database)
    with open_store(settings.database_url.get_secret_value(), holder=holder(), exclusive=False) as store:
        rules = rules_in_force(settings, store)
        calendar = calendar_of(zone, week_starts_on=rules.calendar.week_starts_on)
        yield _Desk(store, rules, calendar, SystemClock().now_ms())


@command.command("spend")
def spend(
    by: ByOption = "feature,team",
    since: FromOption = None,
    until: ToOption = None,
    zone: ZoneOption = "UTC",
    environments: EnvironmentsOption = Environments.COUNTED,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Calls, tokens and cost by the values of dimensions.

    For example: fusewatch report spend --by provider --from 2026-10 --to 2026-10
    """
    with _desk(config, database, zone) as desk:
        asked = desk.asked(dimensions(by, "--by", desk.rules), desk.span(since, until), environments)
        made = desk.read(lambda unit: reports.breakdown(unit, asked))
    if as_json:
        print_json(reportjson.breakdown(made, zone))
    else:
        reporttable.breakdown(made, asked, zone)


@command.command("users")
def users(
    since: FromOption = None,
    until: ToOption = None,
    limit: LimitOption = 30,
    zone: ZoneOption = "UTC",
    environments: EnvironmentsOption = Environments.COUNTED,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """The users who spent most.

    For example: fusewatch report users --from -7d
    """
    _people("user", (since, until), limit, zone, environments, (config, database), as_json=as_json)


@command.command("sessions")
def sessions(
    since: FromOption = None,
    until: ToOption = None,
    limit: LimitOption = 30,
    zone: ZoneOption = "UTC",
    environments: EnvironmentsOption = Environments.COUNTED,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """The sessions that cost most.

    For example: fusewatch report sessions --from yesterday --to yesterday
    """
    _people("session", (since, until), limit, zone, environments, (config, database), as_json=as_json)


def _people(
    by: str,
    ends: tuple[str | None, str | None],
    limit: int,
    zone: str,
    environments: Environments,
    where: tuple[str | None, str | None],
    *,
    as_json: bool,
) -> None:
    with _desk(*where, zone) as desk:
        asked = desk.asked((by,), desk.span(*ends), environments)
        made = desk.read(lambda unit: reports.breakdown(unit, asked))
    if as_json:
        print_json(reportjson.breakdown(made, zone, most=limit))
    else:
        reporttable.breakdown(made, asked, zone, most=limit)


@command.command("top-traces")
def top_traces(
    since: FromOption = "-7d",
    until: ToOption = None,
    limit: LimitOption = 20,
    zone: ZoneOption = "UTC",
    environments: EnvironmentsOption = Environments.COUNTED,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """The traces that cost most; those of the last seven days unless you say otherwise.

    For example: fusewatch report top-traces --from today
    """
    with _desk(config, database, zone) as desk:
        asked = desk.asked((), desk.span(since, until), environments)
        found = desk.read(lambda unit: reports.top_traces(unit, asked, limit))
    if as_json:
        print_json([reportjson.trace_group(one) for one in found])
    else:
        reporttable.traces(found, zone)


@command.command("trend")
def trend(
    by: ByOption = "",
    per: Annotated[Every, typer.Option("--per", help="The length of a period.")] = Every.DAY,
    since: FromOption = "-30d",
    until: ToOption = None,
    zone: ZoneOption = "UTC",
    environments: EnvironmentsOption = Environments.COUNTED,
    plot: PlotOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Spend by hour, day, week or month; of the last 30 days unless you say otherwise.

    For example: fusewatch report trend --by model --per day --plot spend.svg
    """
    if plot is not None and Path(plot).suffix.lower() not in _PICTURES:
        raise ConfigError([Problem("command line", 0, "--plot", f"{plot} is no picture", "write .svg or .png")])
    with _desk(config, database, zone) as desk:
        asked = desk.asked(dimensions(by, "--by", desk.rules), desk.span(since, until), environments)
        calendar = desk.calendar
        made = desk.read(lambda unit: reports.trend(unit, asked, calendar, per))
    if plot is not None:
        from fusewatch.cli.picture import written  # noqa: PLC0415 - what draws is loaded for drawing alone

        written(Path(plot), drawing_of(made, asked.by, calendar))
        print(f"The picture is in {plot}.", file=sys.stderr)
    if as_json:
        print_json(reportjson.trend(made, asked.by))
    else:
        reporttable.trend(made, asked.by, zone)


@command.command("average")
def average(
    by: ByOption = "agent_type",
    since: FromOption = None,
    until: ToOption = None,
    zone: ZoneOption = "UTC",
    environments: EnvironmentsOption = Environments.COUNTED,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """The cost of a trace on average, by the values of dimensions.

    For example: fusewatch report average --by feature --from -30d
    """
    with _desk(config, database, zone) as desk:
        names = dimensions(by, "--by", desk.rules)
        if unfit := {"user", "session"}.intersection(names):
            what = f"traces are not averaged by {' and '.join(sorted(unfit))}"
            raise ConfigError([Problem("command line", 0, "--by", what, "see fusewatch report users and sessions")])
        asked = desk.asked(names, desk.span(since, until), environments)
        found = desk.read(lambda unit: reports.averages(unit, asked))
    if as_json:
        print_json([reportjson.average(one, names) for one in found])
    else:
        reporttable.averages(found, names)


@command.command("trace")
def trace(
    trace_id: Annotated[str, typer.Argument(metavar="TRACE_ID", help="As Langfuse shows it.")],
    zone: ZoneOption = "UTC",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """What one analysis cost: every generation of its trace, and the total.

    For example: fusewatch report trace 4bf92f3577b34da6a3ce929d0e0e4736
    """
    with _desk(config, database, zone) as desk:
        lines = desk.read(lambda unit: reports.trace(unit, trace_id))
    if not lines:
        print(
            f"fusewatch: the ledger holds nothing of a trace {trace_id}; `fusewatch report top-traces` lists some",
            file=sys.stderr,
        )
        raise typer.Exit(1)
    if as_json:
        print_json(reportjson.trace(lines))
    else:
        reporttable.trace(lines, zone)


@command.command("month")
def month(
    name: Annotated[str, typer.Argument(metavar="MONTH", help="As 2026-10, this-month, last-month.")] = "last-month",
    by: ByOption = "feature,team",
    close: Annotated[
        str | None, typer.Option("--close", metavar="MONTH", help="Keep what it sums to, for good.")
    ] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Close it although not all of it was read.")] = False,
    zone: ZoneOption = "UTC",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """A month as on an invoice. Once it is closed its lines stay, and what changes later is a correction.

    For example: fusewatch report month --close 2026-10
    """
    option = "--close" if close is not None else "MONTH"
    with _desk(config, database, zone) as desk:
        label, span = month_span(close or name, option, desk.calendar, desk.now_ms)
        asked = desk.asked(dimensions(by, "--by", desk.rules), span, Environments.COUNTED)
        if unfit := {"user", "session"}.intersection(asked.by):
            what = f"a closed month keeps no {' and '.join(sorted(unfit))}"
            raise ConfigError([Problem("command line", 0, "--by", what, "see fusewatch report users and sessions")])
        closed = f"{label} {zone}"
        if close is not None:
            _close(desk, closed, span, anyway=anyway)
        found = desk.read(lambda unit: reports.month(unit, asked, closed))
    if as_json:
        print_json(reportjson.month(found, zone))
    else:
        reporttable.month(found, asked, zone)


def _close(desk: _Desk, label: str, span: Span, *, anyway: bool) -> None:
    if span.to_ms > desk.now_ms:
        raise ConfigError([Problem("command line", 0, "--close", f"{label} is not over yet")])
    gaps, _ = desk.read(lambda unit: reports.reading(unit, span, desk.now_ms))
    if gaps and not anyway:
        _refuse_unread(label, gaps, desk.calendar.timezone)
    made = desk.read(lambda unit: reports.to_close(unit, label, span, desk.now_ms))
    if not desk.store.upkeep(lambda unit: unit.close_month(made)):
        print(f"fusewatch: {label} is closed already; what changed since then is its correction", file=sys.stderr)
        raise typer.Exit(1)


def _refuse_unread(label: str, gaps: Sequence[reports.Gap], zone: str) -> None:
    print(f"fusewatch: {label} is not closed, as not all of it was read:", file=sys.stderr)
    for gap in gaps:
        print(f"  {reporttable.gap_text(gap, zone)}", file=sys.stderr)
    print("Read it with fusewatch backfill, or close it as it is with --anyway.", file=sys.stderr)
    raise typer.Exit(1)

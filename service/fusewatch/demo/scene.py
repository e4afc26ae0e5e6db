"""The demo: the real daemon on a stand-in Langfuse, with two weeks of history and a day that goes wrong."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from fusewatch.app.assess import AssessReport
from fusewatch.app.audit import AuditReport
from fusewatch.app.deliver import Attempt
from fusewatch.app.ingest import IngestReport
from fusewatch.app.pricing import PricingReport
from fusewatch.app.prune import PruneReport
from fusewatch.app.reconcile import ReconcileReport
from fusewatch.app.scheduled import ExportReport
from fusewatch.app.totals import TotalsReport
from fusewatch.daemon.run import Daemon
from fusewatch.daemon.service import Service, run_service
from fusewatch.demo.clock import FastClock
from fusewatch.demo.standin import DEMO_PROJECT, DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, StandinServer
from fusewatch.demo.standin import Store as Standin
from fusewatch.demo.standin.traffic import demo_day, history
from fusewatch.domain.money import pico_to_decimal
from fusewatch.domain.notices import Notice
from fusewatch.domain.readplan import Lookback
from fusewatch.domain.routing import Change
from fusewatch.errors import ConfigError, FusewatchError, LeaseLost, Permanent, Retryable
from fusewatch.ports import ProjectState, Store
from fusewatch.store import open_store

DAY_MS = 86_400_000
SEED = 7
LATE_MS = 6 * 60_000
"""After midnight the clock goes on so long that the last late rows have appeared."""

POLL_S = 15 * 60.0
"""How often the demo polls and looks at the time, in its own seconds: a quarter of a real second."""

SLACK_S = 4.0
"""Real seconds kept for the end of a run that must be over in time."""

BUDGETS = """\
# The demo's rules; the format is that of every budget file.
version: 1
history: 14d
budgets:
  - name: content-team
    where: {team: content}
    limit: $50
    every: day
    forecast: true
  - name: all-llm
    limit: $2000
    every: month
spikes:
  - name: twice-the-average
    each: [feature, team]
    factor: 2
    floor: $5
destinations:
  terminal: {type: console}
notify: [terminal]
"""


@dataclass(slots=True)
class Result:
    """What the demo saw. `drift_usd` is ledger minus what the stand-in holds; None when it ended before the day did."""

    generations: int = 0
    spend_usd: Decimal = Decimal(0)
    drift_usd: Decimal = Decimal(0)
    unpriced: int = 0
    complete: bool = False
    url: str = ""
    alerts: list[Notice] = field(default_factory=list)


class Stage:
    """Looks on while the daemon runs, turns the clock's pace, and keeps what was told."""

    def __init__(self, clock: FastClock, day_ms: int, exit_after_s: float | None, say: Callable[[str], None]) -> None:
        self.clock = clock
        self.day_ms = day_ms
        self.exit_after_s = exit_after_s
        self.result = Result()
        self.loaded = asyncio.Event()
        self.caught_up = asyncio.Event()
        self.daemon: Daemon | None = None
        self.say = say
        self._unread: int | None = None

    def serving(self, url: str, daemon: Daemon) -> None:
        self.result.url = url
        self.daemon = daemon
        self.say(f"Page: {url}/   metrics: {url}/metrics")

    def ingested(self, project: ProjectState, report: IngestReport, seconds: float) -> None:
        del project, seconds
        if report.unread_ms and not self.loaded.is_set():
            self._unread = max(self._unread or 0, report.unread_ms)
            done = 100 - report.unread_ms * 100 // self._unread
            self.say(f"Loading history: {done:3d} %, {report.rows:,} rows in the last step")
        if report.loaded:
            self.loaded.set()
            pace = self._pace()
            self.say(f"History loaded. The day begins; an hour of it takes {3600 / pace:.1f} seconds.")
            self.clock.set_speed(pace)
        if self.clock.now_ms() >= self.day_ms + DAY_MS + LATE_MS and report.failure is None:
            self.caught_up.set()

    def _pace(self) -> float:
        """The day in 25 real seconds, or in what is left."""
        left = 25.0
        if self.exit_after_s is not None:
            left = min(left, max(2.0, self.exit_after_s - self.clock.real_seconds() - SLACK_S))
        return (DAY_MS + LATE_MS) / 1000 / left

    def assessed(self, report: AssessReport) -> None:
        self.result.alerts.extend(change.notice for change in report.changes if _was_told(change))

    def reconciled(self, project: ProjectState, report: ReconcileReport) -> None:
        del project, report

    def totalled(self, project: ProjectState, report: TotalsReport) -> None:
        del project, report

    def priced(self, project: ProjectState, report: PricingReport) -> None:
        del project, report

    def pruned(self, report: PruneReport) -> None:
        del report

    def audited(self, report: AuditReport) -> None:
        del report

    def unidentified(self, name: str, error: Exception) -> None:
        self.say(f"{name}: {error}")

    def attempted(self, attempt: Attempt) -> None:
        del attempt

    def pinged(self, error: FusewatchError | None) -> None:
        """The scene has no watchdog."""

    def exported(self, place: str, ended: ExportReport | Retryable | Permanent) -> None:
        """The scene exports nothing."""

    def reloaded(self, error: ConfigError | None) -> None:
        del error

    def crashed(self, loop: str, error: Exception) -> None:
        self.say(f"{loop}: {error!r}")

    def fenced(self, loop: str, error: LeaseLost) -> None:
        """The scene has its database for itself."""


def _was_told(change: Change) -> bool:
    return bool(change.notice.incident.told)


async def play(
    *,
    exit_after_s: float | None,
    listen: tuple[str, int],
    today_ms: int,
    stream: TextIO,
    log_stream: TextIO,
    say: Callable[[str], None],
    stay: bool,
    summary: Callable[[Result], None],
) -> Result:
    """Play the day before the day of `today_ms`. `stay`: go on serving after its end until a signal.

    `stream` gets the alerts, `log_stream` the daemon's log, `say` lines of progress, `summary` the figures at the end.
    """
    day_ms = today_ms - today_ms % DAY_MS - DAY_MS
    say("Making two weeks of traffic for a stand-in Langfuse …")
    clock = FastClock(day_ms)
    standin = Standin([*history(SEED, day_ms), *demo_day(SEED, day_ms)], merge_every_ms=60_000)
    folder = Path(tempfile.mkdtemp(prefix="fusewatch-demo-"))
    try:
        (folder / "budgets.yaml").write_text(BUDGETS, encoding="utf-8")
        stage = Stage(clock, day_ms, exit_after_s, say)
        with (
            StandinServer(standin, now_ms=clock.now_ms) as langfuse,
            open_store(f"sqlite:///{folder / 'demo.db'}", holder="the demo", exclusive=True) as store,
        ):
            service = Service(
                config=folder / "budgets.yaml",
                environ={
                    "LANGFUSE_PUBLIC_KEY": DEMO_PUBLIC_KEY,
                    "LANGFUSE_SECRET_KEY": DEMO_SECRET_KEY,
                    "LANGFUSE_BASE_URL": langfuse.url,
                },
                store=store,
                clock=clock,
                holder="the demo",
                listen=listen,
                listen_is_loopback=True,
                or_any_port=True,
                speed=lambda: clock.speed,
                poll_interval_s=POLL_S,
                tick_s=POLL_S / 2,
                lookback=Lookback(often_ms=30 * 60_000, seldom_ms=60 * 60_000),
                stream=stream,
                log_stream=log_stream,
                observers=(stage,),
                linker=None,  # the stand-in has no pages to open
                serving=stage.serving,
            )
            async with asyncio.TaskGroup() as group:
                director = group.create_task(_direct(stage, store, standin, summary if stay else None))
                try:
                    await run_service(service)
                finally:
                    director.cancel()
            if not stay:
                _count(stage, store, standin)
                summary(stage.result)
        return stage.result
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _direct(stage: Stage, store: Store, standin: Standin, summary: Callable[[Result], None] | None) -> None:
    """End the daemon when the day is over and read, or when the time is; with a `summary`, show it and stay."""
    left = None if stage.exit_after_s is None else max(1.0, stage.exit_after_s - stage.clock.real_seconds() - 1.5)
    try:
        async with asyncio.timeout(left):
            await stage.caught_up.wait()
            stage.clock.set_speed(1.0)
            stage.result.complete = True
            if summary is not None:
                await asyncio.sleep(1.0)
                _count(stage, store, standin)
                summary(stage.result)
                stage.say(f"The page stays up at {stage.result.url}/ until Ctrl-C.")
                await asyncio.Event().wait()
            await asyncio.sleep(0.5)
    except TimeoutError:
        pass
    if stage.daemon is not None:
        stage.daemon.stop()


def _count(stage: Stage, store: Store, standin: Standin) -> None:
    """The figures of the summary. The truth is what the stand-in holds, each observation once."""
    totals = store.read(lambda unit: unit.totals())
    truth = pico_to_decimal(sum(span.total_pico() for span in standin.newest(DEMO_PROJECT)))
    result = stage.result
    result.generations = totals.generations
    result.spend_usd = pico_to_decimal(totals.cost_pico)
    result.drift_usd = result.spend_usd - truth
    result.unpriced = totals.unpriced

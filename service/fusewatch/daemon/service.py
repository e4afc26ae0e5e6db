"""The whole service: the daemon's loops, the web beside them, and everything opened and closed in order."""

import asyncio
import os
import platform
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO

from starlette.types import ASGIApp
from structlog.typing import FilteringBoundLogger

from fusewatch import __version__
from fusewatch.app.assess import AssessReport
from fusewatch.app.audit import AuditReport
from fusewatch.app.deliver import Attempt
from fusewatch.app.ingest import IngestReport
from fusewatch.app.pricing import PricingReport
from fusewatch.app.prune import PruneReport
from fusewatch.app.rategate import RateGates
from fusewatch.app.reconcile import ReconcileReport
from fusewatch.app.scheduled import ExportReport
from fusewatch.app.snapshot import Snapshot, take_snapshot
from fusewatch.app.spending import Spending, Wanted, read_spending
from fusewatch.app.totals import TotalsReport
from fusewatch.app.why import Present, Question, explain
from fusewatch.app.whyfacts import Explained, Overview
from fusewatch.bootstrap import LINKER, Rulebook, World
from fusewatch.checking import destination_warnings
from fusewatch.daemon.apidesk import make_desk
from fusewatch.daemon.handling import Handling, thread_memory
from fusewatch.daemon.logs import make_logger
from fusewatch.daemon.observer import LogObserver
from fusewatch.daemon.parts import TICK_S, Observer, Parts
from fusewatch.daemon.replica import Replica, own_part
from fusewatch.daemon.run import Daemon
from fusewatch.domain.readplan import Lookback
from fusewatch.domain.silences import Silence
from fusewatch.errors import ConfigError, FusewatchError, LeaseLost, Permanent, Retryable, StoreError
from fusewatch.ports import Clock, Linker, ProjectState, Store
from fusewatch.ports.leases import Everything, LeaseKeeper, Turn
from fusewatch.runtime import ThreadRunner
from fusewatch.web.server import WebServer, make_app, serve
from fusewatch.web.state import SilenceDesk, WebState
from fusewatch.web.telemetry import Telemetry

SILENT_FOR_S = 900.0
"""A loop not heard of for this long is stuck: every wait in it ends sooner, outside calls included."""

READ_FAILURES = (
    "bad_key",
    "connection_lost",
    "not_json",
    "overloaded",
    "rate_limited",
    "server_error",
    "timeout",
    "truncated",
    "unreachable",
)
"""The usual ways in which reading fails: their series exist before the first failure, so that its rise is seen."""

LOOK_S = 4.0
"""Real seconds that a look at spend over time may take; then it shows what it found, and says so."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a service is started with. `poll_interval_s` and `lookback` are in the clock's time, which runs `speed`
    times as fast as the machine's. `observers` look on beside the log; `serving` is told our address once it listens.
    With `or_any_port` another port is taken where that of `listen` is in use. `linker` makes the links into Langfuse;
    None where there is no Langfuse that a browser could open.
    """

    config: Path
    environ: Mapping[str, str]
    store: Store
    clock: Clock
    holder: str
    listen: tuple[str, int]
    listen_is_loopback: bool
    or_any_port: bool = False
    speed: Callable[[], float] = lambda: 1.0
    poll_interval_s: float = 60.0
    tick_s: float = TICK_S
    read_token: str | None = None
    web_token: str | None = None
    public_url: str = ""
    signing_secret: str = field(default="", repr=False)
    log_format: str = "console"
    strict: bool = False
    leave_after_s: float | None = None
    """Seconds after a signal until the process ends, even in the middle of a read; None where it is not ours."""
    stream: TextIO | None = None
    log_stream: TextIO | None = None
    lookback: Lookback = field(default_factory=Lookback)
    observers: Sequence[Observer] = ()
    linker: Linker | None = LINKER
    leases: LeaseKeeper | None = None
    """Where several daemons share the database; None where we are alone on it."""
    serving: Callable[[str, "Daemon"], None] = lambda _url, _daemon: None


async def run_service(given: Service) -> None:  # noqa: PLR0915 - one list of parts
    """Run until a signal or `Daemon.stop`. Everything that was opened is closed, whatever happens.

    Raises ConfigError for a broken budget file without good rules to fall back on, Permanent for a port in use or keys
    that are refused at the first start.
    """
    clock, store = given.clock, given.store
    started_ms = clock.now_ms()
    telemetry = Telemetry(version=__version__, python=platform.python_version())
    log = make_logger(given.log_format, clock, given.log_stream)
    observer = _All((LogObserver(log, telemetry, clock), *given.observers))
    with (
        ThreadPoolExecutor(1, "writer") as writer,
        ThreadPoolExecutor(1, "reader") as reader,
        ThreadPoolExecutor(1, "exporter") as exporter,
        ThreadPoolExecutor(1, "leases") as leasing,
        ThreadPoolExecutor(1, "asker") as asker,
        ThreadPoolExecutor(1, "looker") as looker,
    ):
        write, read, look = ThreadRunner(writer), ThreadRunner(reader), ThreadRunner(looker)
        gates = RateGates(store, write, clock)
        world = World(
            clock,
            on_request=partial(_count_request, telemetry),
            stream=given.stream,
            gates=gates,
            threads=thread_memory(store, write),
            signing_secret=given.signing_secret,
        )
        replica = None
        if given.leases is not None:
            replica = Replica(given.leases, ThreadRunner(leasing), partial(_tell_leases, log))
            await replica.turn()
        rights = given.leases or Everything()
        rulebook = await write(
            lambda: Rulebook.open(given.config, given.environ, store, world, strict=given.strict, rights=rights)
        )
        observer.reloaded(rulebook.fallback)
        for doubt in destination_warnings(rulebook.loaded):
            log.warning("destination_doubtful", problem=str(doubt))
        store.free_claims()
        daemon = Daemon(
            Parts(
                store=store,
                run=write,
                clock=clock,
                speed=given.speed,
                poll_interval_s=given.poll_interval_s,
                holder=given.holder,
                link=given.public_url,
                started_ms=started_ms,
                rulebook=rulebook,
                observer=observer,
                lookback=given.lookback,
                tick_s=given.tick_s,
                linker=given.linker,
                aside=ThreadRunner(exporter),
                rights=rights,
                shares=replica is not None,
                want=replica.wanted.add if replica is not None else lambda _lease: None,
                leases=(replica.keep,) if replica is not None else (),
                forget_rate=gates.forget,
            )
        )

        async def snapshot() -> Snapshot:
            keys = frozenset(daemon.active)
            return await read(
                lambda: take_snapshot(
                    store, rulebook.rules, keys, now_ms=clock.now_ms(), started_ms=started_ms, linker=given.linker
                )
            )

        async def readiness() -> list[str]:
            try:
                await read(lambda: store.read(lambda unit: unit.version()))
            except StoreError as error:
                return [f"database: {error}"]
            return []

        async def why(question: Question) -> Explained | Overview:
            present = Present(rulebook.rules, rulebook.parse, frozenset(daemon.active), clock.now_ms(), started_ms)
            return await read(lambda: store.read(lambda unit: explain(unit, present, question)))

        async def spending(wanted: Wanted) -> Spending:
            keys, until = frozenset(daemon.active), time.monotonic() + LOOK_S
            return await look(
                lambda: store.read(
                    lambda unit: read_spending(
                        unit,
                        rulebook.rules,
                        keys,
                        wanted,
                        now_ms=clock.now_ms(),
                        ended=lambda: time.monotonic() > until,
                        linker=given.linker,
                    )
                )
            )

        async def listed(past: bool) -> Sequence[Silence]:
            at_ms = None if past else clock.now_ms()
            return await read(lambda: store.read(lambda unit: unit.silences(active_at_ms=at_ms)))

        async def add_silence(silence: Silence) -> None:
            await write(lambda: store.add_silence(silence))
            daemon.bells.ring("assess")

        async def end_silence(silence_id: str) -> Silence | None:
            ended = await write(lambda: store.end_silence(silence_id, at_ms=clock.now_ms()))
            daemon.bells.ring("assess")
            return ended

        handling = Handling(store, write, clock, lambda: rulebook.rules, daemon)
        state = WebState(
            snapshot=snapshot,
            version=lambda: read(lambda: store.read(lambda unit: unit.version())),
            telemetry=telemetry,
            liveness=lambda: [f"{name} has not been heard of" for name in daemon.bells.silent(_patience(given))],
            readiness=readiness,
            clock=clock,
            rules=lambda: rulebook.rules,
            destinations=lambda: [d.name for d in rulebook.loaded.destinations],
            listen_is_loopback=given.listen_is_loopback,
            silences=SilenceDesk(listed, add_silence, end_silence),
            why=why,
            own=partial(own_part, rights=rights) if replica is not None else lambda snapshot: snapshot,
            acknowledge=handling.acknowledge,
            desk=make_desk(store, rulebook, daemon, clock, read, write, ThreadRunner(asker), given.linker),
            spending=spending,
            actions=handling.actions(given.signing_secret),
            read_token=given.read_token,
            web_token=given.web_token,
            budget_in_use=lambda project: gates.in_use(project.host, project.organisation_id),
        )
        for project in rulebook.loaded.projects:
            telemetry.expect(project.name, READ_FAILURES)
        server = _serve(make_app(state), given)
        log.info("listening", url=server.url, metrics=f"{server.url}/metrics")
        given.serving(server.url, daemon)
        _stop_on_signals(daemon, store, given.leave_after_s)
        try:
            await _run_both(daemon, server)
        finally:
            await gates.save()
            if replica is not None:
                await replica.end()
        log.info("stopped")


def _tell_leases(log: FilteringBoundLogger, found: Turn | StoreError) -> None:
    if isinstance(found, StoreError):
        log.error("leases_unknown", error=str(found))
        return
    for name in found.gained:
        log.info("lease_gained", lease=name)
    for name in found.lost:
        log.warning("lease_lost", lease=name)


def _serve(app: ASGIApp, given: Service) -> WebServer:
    host, port = given.listen
    try:
        return serve(app, host, port)
    except Permanent as error:
        if error.reason != "port_in_use" or not given.or_any_port:
            raise
        return serve(app, host, 0)


async def _run_both(daemon: Daemon, server: WebServer) -> None:
    """The daemon, and the web as long as it runs."""
    refused: FusewatchError | None = None
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run())
        try:
            await daemon.run()
        except FusewatchError as error:
            refused = error  # raised outside of the group, which would wrap it
        finally:
            server.stop()
    if refused is not None:
        raise refused


def _patience(given: Service) -> Callable[[str], float]:
    least = max(SILENT_FOR_S, 5 * given.poll_interval_s, 5 * given.tick_s)
    return lambda _loop: least * given.speed()


def _stop_on_signals(daemon: Daemon, store: Store, leave_after_s: float | None) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        daemon.stop()
        store.leave()
        if leave_after_s is not None:
            leave_within(leave_after_s)

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop)


def leave_within(seconds: float) -> None:
    """End the process by then, whatever still runs: one long statement cannot be broken off. What was not
    committed never happened, and a claim that nobody gives back ends by itself."""
    last_resort = threading.Timer(seconds, os._exit, (0,))
    last_resort.daemon = True
    last_resort.start()


def _count_request(telemetry: Telemetry, project: str, endpoint: str, status: str, seconds: float) -> None:
    del seconds
    telemetry.request(project, endpoint, status)


class _All:
    """Tells several observers, in their order."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def ingested(self, project: ProjectState, report: IngestReport, seconds: float) -> None:
        for observer in self._observers:
            observer.ingested(project, report, seconds)

    def reconciled(self, project: ProjectState, report: ReconcileReport) -> None:
        for observer in self._observers:
            observer.reconciled(project, report)

    def totalled(self, project: ProjectState, report: TotalsReport) -> None:
        for observer in self._observers:
            observer.totalled(project, report)

    def priced(self, project: ProjectState, report: PricingReport) -> None:
        for observer in self._observers:
            observer.priced(project, report)

    def unidentified(self, name: str, error: Exception) -> None:
        for observer in self._observers:
            observer.unidentified(name, error)

    def assessed(self, report: AssessReport) -> None:
        for observer in self._observers:
            observer.assessed(report)

    def pruned(self, report: PruneReport) -> None:
        for observer in self._observers:
            observer.pruned(report)

    def audited(self, report: AuditReport) -> None:
        for observer in self._observers:
            observer.audited(report)

    def attempted(self, attempt: Attempt) -> None:
        for observer in self._observers:
            observer.attempted(attempt)

    def pinged(self, error: FusewatchError | None) -> None:
        for observer in self._observers:
            observer.pinged(error)

    def exported(self, place: str, ended: ExportReport | Retryable | Permanent) -> None:
        for observer in self._observers:
            observer.exported(place, ended)

    def reloaded(self, error: ConfigError | None) -> None:
        for observer in self._observers:
            observer.reloaded(error)

    def crashed(self, loop: str, error: Exception) -> None:
        for observer in self._observers:
            observer.crashed(loop, error)

    def fenced(self, loop: str, error: LeaseLost) -> None:
        for observer in self._observers:
            observer.fenced(loop, error)

"""One boot of the daemon: opened, run and closed as `daemon.service` does it, with the world outside exchanged."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fusewatch.app.rategate import RateGates
from fusewatch.bootstrap import LINKER, Connections, Rulebook, World
from fusewatch.daemon.handling import thread_memory
from fusewatch.daemon.logs import make_logger
from fusewatch.daemon.observer import LogObserver
from fusewatch.daemon.parts import Parts
from fusewatch.daemon.run import Daemon
from fusewatch.domain.rules import RuleSet
from fusewatch.domain.silences import Silence, silence_of
from fusewatch.store import SqlStore, open_store
from fusewatch.web.telemetry import Telemetry
from tests.dst.history import Fault, History, canaries
from tests.dst.network import Network
from tests.dst.universe import Universe, WallClock

T = TypeVar("T")
LOOKS_S = 900.0
"""How often the budget file is looked at when nobody wrote it: the daemon does so every second, and a year of that is
a year of reading YAML."""


class OneWriter:
    """Implements `ports.Runner` as the daemon's one writer thread does: in turn, and never at once."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def __call__(self, work: Callable[[], T], /) -> T:
        async with self._turn:
            await asyncio.sleep(0)
            result = work()
        await asyncio.sleep(0)
        return result


@dataclass(slots=True)
class WatchedRulebook:
    """The daemon's rulebook; what watches the file system is a look every few seconds."""

    book: Rulebook
    written: asyncio.Event

    @property
    def rules(self) -> RuleSet:
        return self.book.rules

    def connect(self) -> Connections:
        return self.book.connect()

    def mark(self) -> object:
        return self.book.mark()

    def reload(self) -> bool:
        return self.book.reload()

    async def changed(self) -> AsyncIterator[None]:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.written.wait(), LOOKS_S)
            self.written.clear()
            yield


@dataclass(slots=True)
class Process:
    """What outlives no crash."""

    history: History
    universe: Universe
    network: Network
    folder: Path
    logged: io.StringIO
    store: SqlStore | None = None
    daemon: Daemon | None = None
    book: Rulebook | None = None
    written: asyncio.Event = field(default_factory=asyncio.Event)
    telemetry: Telemetry = field(default_factory=lambda: Telemetry(version="0", python="3"))

    async def live(self) -> None:
        """Until the daemon is stopped or killed. Raises what `fusewatch run` would end with."""
        history, clock, write = self.history, WallClock(self.universe), OneWriter()
        started_ms = clock.now_ms()
        store = self.store = open_store(f"sqlite:///{self.folder}/fusewatch.db", holder="simulated", exclusive=True)
        log = make_logger("json", clock, self.logged)
        gates = RateGates(store, write, clock)
        world = World(
            clock,
            on_request=lambda project, endpoint, status, _: self.telemetry.request(project, endpoint, status),
            stream=io.StringIO(),
            transport=self.network.wire(),
            gates=gates,
            threads=thread_memory(store, write),
        )
        path = self.folder / "budgets.yaml"
        environ = canaries(history)
        self.book = await write(lambda: Rulebook.open(path, environ, store, world, strict=False))
        store.free_claims()
        self.daemon = Daemon(
            Parts(
                store=store,
                run=write,
                clock=clock,
                speed=lambda: 1.0,
                poll_interval_s=float(history.poll_s),
                holder="simulated",
                link="",
                started_ms=started_ms,
                rulebook=WatchedRulebook(self.book, self.written),
                observer=LogObserver(log, self.telemetry, clock),
                tick_s=float(history.tick_s),
                linker=LINKER,
            )
        )
        try:
            await self.daemon.run()
        finally:
            await gates.save()

    def silence(self, fault: Fault) -> None:
        """Somebody silences what has this value, over the database."""
        assert self.store is not None, "it has started"
        assert self.daemon is not None, "it has started"
        name, _, value = fault.text.partition("=")
        now_ms = self.universe.wall_ms()
        ends_ms = now_ms + fault.until_ms - self.universe.true_ms()
        silence: Silence = silence_of({name: [value]}, starts_ms=now_ms, ends_ms=ends_ms, author="ana", comment="known")
        self.store.add_silence(silence)
        self.daemon.bells.ring("assess")


def end(process: Process, loop: asyncio.AbstractEventLoop) -> None:
    """A killed process leaves nothing behind: what its tasks still try fails, the database is as the disk has it."""
    for _ in range(100):
        tasks = [task for task in asyncio.all_tasks(loop) if not task.done()]
        if not tasks:
            break
        for task in tasks:
            task.cancel()
        loop.call_soon(loop.stop)
        try:
            loop.run_forever()
        except BaseException as error:  # noqa: BLE001 - it is dead already
            del error


def close(process: Process) -> None:
    if process.store is not None:
        process.store.close()

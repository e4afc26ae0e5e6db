"""One daemon from start to orderly end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from fusewatch.app.relay import EVERY_S, Relaying
from fusewatch.bootstrap import Connections
from fusewatch.daemon.bells import Bells
from fusewatch.daemon.exports import LOOP as EXPORTS
from fusewatch.daemon.exports import ExportLoop
from fusewatch.daemon.heartbeat import LOOP, HeartbeatLoop
from fusewatch.daemon.loops import Loops
from fusewatch.daemon.parts import Parts
from fusewatch.daemon.replica import LOOK_S
from fusewatch.errors import ConfigError, LeaseLost, Permanent, StoreBusy, StoreError
from fusewatch.ports.leases import JUDGE
from fusewatch.runtime import wait_for_event

STOP_WITHIN_S = 8.0
"""How long a send in progress may go on after the stop, in real seconds; the process ends within 10."""

READ_WITHIN_S = 1.0
"""How long anything else may go on: a read that is cut off is read again, a send that is cut off is sent twice."""


class Daemon:
    """Runs the loops until `stop`; another set of projects or destinations starts them anew."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.bells = Bells(parts.clock)
        self.loops: Loops | None = None
        self.refused: Permanent | None = None
        self._wishes: list[asyncio.Future[bool]] = []

    @property
    def active(self) -> frozenset[str]:
        """The stable keys of the projects that are read."""
        return frozenset(self.loops.active) if self.loops else frozenset()

    def stop(self) -> None:
        """Ask for an orderly end; safe to call from a signal handler of the loop."""
        self.bells.stop.set()
        self.bells.ring_all()

    async def reload(self) -> bool:
        """Whether the budget file changed, once it was read again, from the beginning, after this call: by the one loop
        that reads it, which looks every second."""
        wish: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._wishes.append(wish)
        return await wish

    async def run(self) -> None:
        """Until `stop`. Raises Permanent when no configured project could ever be read (wrong keys at first start)."""
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.start()
        try:
            while not self.bells.stop.is_set():
                await self._run_connected(scheduler)
        finally:
            scheduler.shutdown(wait=False)
        if self.refused is not None:
            raise self.refused

    async def _run_connected(self, scheduler: AsyncIOScheduler) -> None:
        """The loops over the connections of the present budget file, until the stop or another file."""
        connections = await self._connections()
        if connections is None:
            return
        loops = self.loops = Loops(self.parts, self.bells, expected=len(connections.projects))
        again = asyncio.Event()
        self._start_timers(scheduler, connections)
        try:
            async with asyncio.TaskGroup() as group:
                names = [entry.name for entry in connections.projects]
                watching = [
                    group.create_task(self._watch_rules(connections, again)),
                    group.create_task(self._watch_refusals(loops, names)),
                ]
                keeping = [group.create_task(keep(self.bells)) for keep in self.parts.leases]
                reading = [
                    group.create_task(loops.keep("assess", loops.assess_step, lease=_judging)),
                    group.create_task(loops.keep("upkeep", loops.upkeep_step, lease=_judging)),
                    *(group.create_task(loops.watch_project(entry)) for entry in connections.projects),
                ]
                sending = [
                    group.create_task(loops.keep(f"deliver {name}", self._sending(loops, connections, name)))
                    for name in connections.notifiers
                ]
                if connections.exports:
                    exports = ExportLoop(loops, connections.exports)
                    reading.append(group.create_task(loops.keep(EXPORTS, exports.step, lease=_judging)))
                if connections.heartbeat is not None:
                    beat = HeartbeatLoop(loops, connections.heartbeat)
                    reading.append(group.create_task(loops.keep(LOOP, beat.step, lease=_judging)))
                await self._until_over(again)
                loops.replaced = True
                self.bells.ring_all()
                await _end(watching, 0)
                await _end(reading, READ_WITHIN_S)
                await _end(sending, STOP_WITHIN_S - READ_WITHIN_S)
                await _end(keeping, 0)
        finally:
            scheduler.remove_all_jobs()
            for entry in connections.projects:
                await entry.source.close()
            for notifier in connections.notifiers.values():
                await notifier.close()
            if connections.heartbeat is not None:
                await connections.heartbeat.pinger.close()

    async def _connections(self) -> Connections | None:
        """Those that the budget file names, None after the stop. A database that is just failing over, or locked, is
        asked again for what was learnt about them."""
        while not self.bells.stop.is_set():
            try:
                return self.parts.rulebook.connect()
            except StoreBusy as error:
                self.parts.observer.crashed("connections", error)
                await wait_for_event(self.parts.clock, self.bells.stop, LOOK_S)
        return None

    def _sending(self, loops: Loops, connections: Connections, name: str) -> Callable[[], Awaitable[None]]:
        """The step of the loop that sends to a destination."""
        relay = connections.relays.get(name)
        if relay is None:
            return partial(loops.deliver_step, name, connections.notifiers[name])
        parts = self.parts
        relaying = Relaying(
            name,
            relay,
            parts.store,
            parts.run,
            parts.clock,
            lambda: parts.rulebook.rules,
            link=parts.link,
            only_project=connections.projects[0].name if len(connections.projects) == 1 else "",
            every_s=min(EVERY_S, parts.poll_interval_s),
        )
        return partial(loops.relay_step, relaying)

    def _start_timers(self, scheduler: AsyncIOScheduler, connections: Connections) -> None:
        """The timer's jobs only ring bells: a late or lost job costs a wait, never a pass (ENGINE, Process)."""
        for entry in connections.projects:
            scheduler.add_job(
                self.bells.ring_from_timer,
                "interval",
                id=f"poll {entry.name}",  # else a random one, by which jobs of one instant are ordered
                args=[f"poll {entry.name}"],
                seconds=self.parts.poll_interval_s / self.parts.speed(),
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )

    async def _until_over(self, again: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            waits = (group.create_task(_wait(self.bells.stop)), group.create_task(_wait(again)))
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def _watch_rules(self, connections: Connections, again: asyncio.Event) -> None:
        rulebook, observer = self.parts.rulebook, self.parts.observer
        async for _ in rulebook.changed():
            if self.bells.stop.is_set():
                return
            wishes, self._wishes = self._wishes, []
            try:
                changed = await self.parts.run(rulebook.reload)
            except ConfigError as error:
                observer.reloaded(error)
                _answer(wishes, changed=False)
                continue
            except LeaseLost:
                continue
            except StoreError as error:
                observer.crashed("rules", error)
                _refuse(wishes, error)
                continue
            _answer(wishes, changed=changed)
            if not changed:
                continue
            observer.reloaded(None)
            self.bells.ring("assess")
            for entry in connections.projects:
                self.bells.ring(f"price {entry.name}")
            if rulebook.mark() != connections.mark:
                again.set()
                return

    async def _watch_refusals(self, loops: Loops, names: list[str]) -> None:
        """When every project was refused for good and none was ever read, there is nothing to watch: say so and end."""
        while not self.bells.stop.is_set():
            if names and not loops.active and all(name in loops.refused for name in names):
                self.refused = loops.refused[names[0]]
                self.stop()
                return
            await self.bells.pause("refusals", min(self.parts.tick_s, self.parts.poll_interval_s))
        self.bells.forget("refusals")


def _judging() -> str:
    return JUDGE


def _answer(wishes: Sequence[asyncio.Future[bool]], *, changed: bool) -> None:
    for wish in wishes:
        if not wish.done():
            wish.set_result(changed)


def _refuse(wishes: Sequence[asyncio.Future[bool]], error: StoreError) -> None:
    for wish in wishes:
        if not wish.done():
            wish.set_exception(error)


async def _end(tasks: Sequence[asyncio.Task[None]], within_s: float) -> None:
    """Let tasks come to their own end, and cancel those that do not in time."""
    if tasks:
        await asyncio.wait(tasks, timeout=within_s)
    for task in tasks:
        task.cancel()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()

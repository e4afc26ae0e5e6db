"""What the API asks of a running daemon: read on its reading threads, changed by its one writer."""

from collections.abc import Sequence

from fusewatch.app import reports
from fusewatch.app.retold import MOST_SEARCHED, Story, story_of
from fusewatch.bootstrap import LINKER, Rulebook
from fusewatch.daemon.run import Daemon
from fusewatch.domain.notices import Incident
from fusewatch.ports import Clock, DeliveryRow, Linker, ReadUnit, Runner, Store
from fusewatch.web.apidesk import ApiDesk, Reloaded

MOST_DELIVERIES = 10_000


def make_desk(
    store: Store,
    rulebook: Rulebook,
    daemon: Daemon,
    clock: Clock,
    read: Runner,
    write: Runner,
    aside: Runner,
    linker: Linker | None,
) -> ApiDesk:
    """`aside` runs what may take long, so that nobody else waits for it."""

    async def incidents(open_only: bool) -> Sequence[Incident]:
        return await read(lambda: store.read(lambda unit: unit.incidents(open_only=open_only, limit=MOST_SEARCHED)))

    async def story(incident_id: str) -> Story | None:
        def work(unit: ReadUnit) -> Story | None:
            incident = unit.incident_by_id(incident_id)
            if incident is None:
                return None
            return story_of(unit, rulebook.rules, linker or LINKER, incident, now_ms=clock.now_ms())

        return await aside(lambda: store.read(work))

    async def deliveries(states: Sequence[str]) -> Sequence[DeliveryRow]:
        return await read(lambda: store.read(lambda unit: unit.deliveries(states=states, limit=MOST_DELIVERIES)))

    async def revive(delivery_id: str) -> DeliveryRow | None:
        now_ms = clock.now_ms()
        if not await write(lambda: store.deliver(lambda unit: unit.revive([delivery_id], at_ms=now_ms))):
            return None
        row = await read(lambda: store.read(lambda unit: unit.delivery(delivery_id)))
        if row is not None:
            daemon.bells.ring(f"deliver {row.destination}")
        return row

    async def breakdown(asked: reports.Question) -> reports.Breakdown:
        return await aside(lambda: store.read(lambda unit: reports.breakdown(unit, asked)))

    async def reload() -> Reloaded:
        changed = await daemon.reload()
        broken = rulebook.fallback
        return Reloaded(changed, rulebook.rules.revision, broken.problems if broken else ())

    return ApiDesk(incidents, story, deliveries, revive, breakdown, reload)

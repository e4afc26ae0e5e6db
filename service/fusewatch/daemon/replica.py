"""One daemon of several on one database: it keeps its leases, and wakes its loops for what the others wrote."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fusewatch.app.snapshot import Snapshot
from fusewatch.daemon.bells import Bells
from fusewatch.errors import StoreError
from fusewatch.ports import Runner
from fusewatch.ports.leases import JUDGE, LeaseKeeper, Rights, Turn, reading

LOOP = "leases"
LOOK_S = 1.0
"""How often leases are looked at: how long a free one lies, and how late another daemon's commit is noticed."""


@dataclass(slots=True)
class Replica:
    """The leases of this daemon. `run` has a thread of its own, so that no long transaction delays a renewal."""

    keeper: LeaseKeeper
    run: Runner
    tell: Callable[[Turn | StoreError], None]
    wanted: set[str] = field(default_factory=lambda: {JUDGE})
    _version: int = -1

    async def turn(self, bells: Bells | None = None) -> None:
        """One look. Who lost a lease, or found something new in the database, is woken."""
        try:
            found = await self.run(lambda: self.keeper.turn(frozenset(self.wanted)))
        except StoreError as error:
            self.tell(error)
            return
        if found.gained or found.lost:
            self.tell(found)
        if bells is not None and (found.gained or found.lost or found.version != self._version):
            bells.ring_all()
        self._version = found.version

    async def keep(self, bells: Bells) -> None:
        """Until it is cancelled, which is after the stop: what is still being written ends under its lease."""
        try:
            while True:
                bells.beat(LOOP)
                await self.turn(bells)
                await bells.clock.sleep(LOOK_S)
        finally:
            bells.forget(LOOP)

    async def end(self) -> None:
        """The others may go on at once."""
        try:
            await self.run(self.keeper.end)
        except StoreError as error:
            self.tell(error)


def own_part(snapshot: Snapshot, rights: Rights) -> Snapshot:
    """What of a picture this daemon shows Prometheus: the series of a project only who reads it, those of rules,
    incidents and the outbox only who judges. So each stands once among all daemons, and a plain sum is right."""
    ours = {
        project.name
        for project in snapshot.projects
        if rights.fence(reading(project.host, project.organisation_id)) is not None
    }
    judges = rights.fence(JUDGE) is not None
    if judges and len(ours) == len({project.name for project in snapshot.projects}):
        return snapshot
    shown = replace(
        snapshot,
        projects=tuple(p for p in snapshot.projects if p.name in ours),
        counters=tuple(c for c in snapshot.counters if c.labels[0] in ours),
        durations=tuple(d for d in snapshot.durations if d.project in ours),
        project_counters=tuple(c for c in snapshot.project_counters if c.project in ours),
        spend=tuple(line for line in snapshot.spend if line.labels[0] in ours),
    )
    if judges:
        return shown
    return replace(
        shown,
        budgets=(),
        spikes=(),
        open_incidents=(),
        silences=(),
        rule_last_match_ms={},
        deliveries={},
    )

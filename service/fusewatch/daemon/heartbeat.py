"""The loop of the heartbeat: after a full healthy round, and no more often than the budget file says."""

from dataclasses import dataclass

from fusewatch.bootstrap import HeartbeatEntry
from fusewatch.daemon.loops import Loops
from fusewatch.domain.heartbeat import ProjectRound, missing_for_a_round
from fusewatch.errors import Permanent, Retryable
from fusewatch.ports import ReadUnit

LOOP = "heartbeat"


@dataclass(slots=True)
class HeartbeatLoop:
    """One heartbeat. A ping that fails is counted and not repeated: the next round tells more."""

    loops: Loops
    entry: HeartbeatEntry
    next_at: float = 0.0
    since_ms: int = 0
    dead: int | None = None

    async def step(self) -> None:
        """After each assessment look, and ping where all is well. It holds up nothing: it is a loop of its own."""
        parts = self.loops.parts
        await self.loops.bells.wait(LOOP, parts.tick_s)
        if self.loops.bells.stop.is_set() or parts.clock.monotonic() < self.next_at:
            return
        now_ms = parts.clock.now_ms()
        projects, dead = await parts.run(lambda: parts.store.read(self._look))
        missing = missing_for_a_round(
            projects,
            expected=self.loops.expected,
            since_ms=self.since_ms,
            assessed_ms=self.loops.assessed_ms,
            newly_dead=0 if self.dead is None else dead - self.dead,
        )
        if missing == "deliveries_dead":  # this round is not well; the next one counts anew
            self._take(now_ms, dead)
        if missing:
            return
        self._take(now_ms, dead)
        try:
            await self.entry.pinger.ping()
        except (Retryable, Permanent) as error:
            parts.observer.pinged(error)
        else:
            parts.observer.pinged(None)

    def _take(self, now_ms: int, dead: int) -> None:
        self.next_at = self.loops.parts.clock.monotonic() + self.entry.every_s
        self.since_ms, self.dead = now_ms, dead

    def _look(self, unit: ReadUnit) -> tuple[list[ProjectRound], int]:
        rounds = [
            ProjectRound(project.last_success_ms, project.failing_since_ms is not None)
            for project in unit.projects()
            if project.key in self.loops.active
        ]
        counts = unit.delivery_counts()
        return rounds, sum(count for (_, state), count in counts.items() if state == "dead")

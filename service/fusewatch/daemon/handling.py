"""What people do about incidents while the daemon runs: written by its one writer, and acted on at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from fusewatch.app.desk import Outcome, acknowledge, act
from fusewatch.daemon.run import Daemon
from fusewatch.domain.actions import Action
from fusewatch.domain.notices import Incident
from fusewatch.domain.rules import RuleSet
from fusewatch.ports import Clock, Runner, Store, ThreadMemory, ThreadUnit
from fusewatch.web.slack import VALID_S, ActionsDesk

T = TypeVar("T")

_REMEMBERED_MS = 4 * VALID_S * 1000
"""Longer than any request can be valid, whichever clock is ahead."""


@dataclass(frozen=True, slots=True)
class Handling:
    """Acknowledging over the API, and what people choose in Slack."""

    store: Store
    write: Runner
    clock: Clock
    rules: Callable[[], RuleSet]
    daemon: Daemon

    async def acknowledge(self, incident_id: str, author: str) -> Incident | None:
        outcome = await self.write(lambda: acknowledge(self.store, incident_id, author, self.clock.now_ms()))
        if outcome is None:
            return None
        self._ring(outcome)
        return outcome.incidents[0]

    def actions(self, signing_secret: str) -> ActionsDesk | None:
        """The desk for what Slack sends; none without the secret that proves it."""
        return ActionsDesk(signing_secret, self._is_first, self._act) if signing_secret else None

    async def _act(self, action: Action, author: str) -> None:
        self._ring(await self.write(lambda: act(self.store, action, author, self.rules(), self.clock.now_ms())))

    async def _is_first(self, signature: str) -> bool:
        at_ms = self.clock.now_ms()
        before_ms = at_ms - _REMEMBERED_MS
        return await self.write(
            lambda: self.store.desk(lambda unit: unit.is_first(signature, at_ms=at_ms, forget_before_ms=before_ms))
        )

    def _ring(self, outcome: Outcome) -> None:
        self.daemon.bells.ring("assess")
        for name in outcome.destinations:
            self.daemon.bells.ring(f"deliver {name}")


def thread_memory(store: Store, write: Runner) -> ThreadMemory:
    """The store's memory of threads, over the one writer."""

    def run(work: Callable[[ThreadUnit], T], /) -> Awaitable[T]:
        return write(lambda: store.threads(work))

    return run

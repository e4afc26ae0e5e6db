"""A destination that relays is told how things stand, from the store: with every message, and again and again.

Messages stay what they are everywhere, a reason to tell somebody something by a certain time. But what is told is not
what was so when a message was written: an opening that gets through at last, when all is over, must not open anything.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from fusewatch.domain.notices import Incident, Message, MessageKind
from fusewatch.domain.relaying import SHOWN_ENDED_MS, Alert, alert_of, has_no_notice, is_kept
from fusewatch.domain.rules import RuleSet
from fusewatch.errors import Permanent, Retryable
from fusewatch.ports import Clock, ReadUnit, Receipt, Relay, Runner, Store

EVERY_S = 60.0
"""How often the receiver hears of what stands."""


@dataclass(slots=True)
class Relaying:
    """Implements `ports.Notifier` for one destination over its `Relay`.

    Its sends and reminders must not overlap: an old reminder that arrives after an end would undo it. `rules` gives
    those in force; `only_project` is the name of the only project that is read, "" where there are several.
    """

    destination: str
    relay: Relay
    store: Store
    run: Runner
    clock: Clock
    rules: Callable[[], RuleSet]
    link: str = ""
    only_project: str = ""
    every_s: float = EVERY_S
    _due: float = field(default=float("-inf"), init=False)

    @property
    def min_interval_s(self) -> float:
        return self.relay.min_interval_s

    async def send(self, message: Message) -> Receipt:
        """Tell how the incidents stand that the message is about. A digest has no place in such a receiver: it counts
        as accepted."""
        if message.kind is MessageKind.SAMPLE:
            return await self.relay.send(message)
        if message.kind is not MessageKind.DIGEST:
            alerts = await self.run(lambda: self.store.read(partial(self._about, message)))
            if alerts:
                await self.relay.show(alerts, self.link)
        return Receipt()

    @property
    def is_due(self) -> bool:
        """Whether it is time to remind the receiver."""
        return self.clock.monotonic() >= self._due

    async def remind(self) -> Permanent | Retryable | None:
        """Tell all that stands or has ended not long ago; what went wrong comes back. The next time is after
        `every_s`, or when the receiver wants it."""
        self._due = self.clock.monotonic() + self.every_s
        alerts = await self.run(lambda: self.store.read(self._kept))
        if not alerts:
            return None
        try:
            await self.relay.show(alerts, self.link)
        except (Permanent, Retryable) as error:
            wish_s = error.retry_after_s if isinstance(error, Retryable) else None
            self._due = self.clock.monotonic() + max(self.every_s, wish_s or 0.0)
            return error
        return None

    async def close(self) -> None:
        await self.relay.close()

    def _about(self, message: Message, unit: ReadUnit) -> list[Alert]:
        found: dict[str, Incident] = {}
        for notice in message.notices:
            incident = unit.incident_by_id(notice.incident.id)
            if incident is not None:  # one that was forgotten since stands no more
                found[incident.id] = incident
        if message.gap is not None:
            around = unit.relayed(self.clock.now_ms() - SHOWN_ENDED_MS)
            found |= {incident.id: incident for incident in around if has_no_notice(incident)}
        return [self._alert(incident) for incident in found.values() if self.destination in incident.told]

    def _kept(self, unit: ReadUnit) -> list[Alert]:
        around = unit.relayed(self.clock.now_ms() - SHOWN_ENDED_MS)
        return [self._alert(incident) for incident in around if is_kept(incident, self.destination)]

    def _alert(self, incident: Incident) -> Alert:
        return alert_of(incident, self.destination, self.rules(), only_project=self.only_project)

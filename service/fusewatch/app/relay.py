"""A destination that relays is told how things stand, from the store: with every message, and again and again.

Messages stay what they are everywhere, a reason to tell somebody something by a certain time. But what is told is not
what was so when a message was written: an opening that gets through at last, when all is over, must not open anything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from fusewatch.domain.notices import Incident, Message, MessageKind
from fusewatch.domain.relaying import SHOWN_ENDED_MS, Alert, alert_of, has_no_notice, is_kept
from fusewatch.domain.rules import RuleSet, Severity
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
    _since_ms: int = field(init=False)
    _fired: set[tuple[str, Severity]] = field(default_factory=set, init=False)
    """What the receiver was seen to take as standing: incident ids, and as how severe."""

    def __post_init__(self) -> None:
        self._since_ms = self.clock.now_ms()

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
            await self._show(alerts)
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
        try:
            await self._show(alerts)
        except (Permanent, Retryable) as error:
            wish_s = error.retry_after_s if isinstance(error, Retryable) else None
            self._due = self.clock.monotonic() + max(self.every_s, wish_s or 0.0)
            return error
        return None

    async def close(self) -> None:
        await self.relay.close()

    async def _show(self, alerts: Sequence[Alert]) -> None:
        """Tell them, but for the ends of what never got through: whoever never heard of it has nothing to end."""
        told = [replace(alert, before=self._known(alert, *alert.before)) for alert in alerts]
        told = [alert for alert in told if alert.stands or self._known(alert, alert.severity)]
        if not told:
            return
        await self.relay.show(told, self.link)
        for alert in told:
            for severity in (alert.severity, *alert.before):
                self._fired.discard((alert.incident.id, severity))
            if alert.stands:
                self._fired.add((alert.incident.id, alert.severity))

    def _known(self, alert: Alert, *severities: Severity) -> tuple[Severity, ...]:
        """Those that the receiver knows it as, or may know from before we were connected."""
        incident = alert.incident
        learned_ms = min((crossing.learned_ms for crossing in incident.crossings), default=incident.opened_ms)
        earlier = learned_ms < self._since_ms
        return tuple(severity for severity in severities if earlier or (incident.id, severity) in self._fired)

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

"""What Langfuse was told, kept by the test itself: what a right ledger must hold in the end.

It shares no code with the product, nor with the stand-in's own bookkeeping: versions are compared here, costs are
counted in picodollars from the first.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

Fact = tuple[str, str, int, int, int, str, str]
"""Trace, id, start, picodollars, tokens, team, user of one generation."""


class Version(NamedTuple):
    """One version as it was sent. It can be read from `arrives_ms` on; `order` is the order of sending."""

    start_ms: int
    updated_ms: int
    cost_pico: int
    tokens: int
    team: str
    user: str
    arrives_ms: int
    order: int


@dataclass(slots=True)
class Call:
    """One observation, (trace, id): its versions, and up to which in the order of sending Langfuse has none of them.

    `kept` is what the ledger held of it when it was deleted: that was spent. None: nothing was seen by then.
    """

    trace_id: str
    id: str
    versions: list[Version] = field(default_factory=list)
    deleted_at: int = 0
    kept: Fact | None = None


@dataclass(slots=True)
class Truth:
    """All calls of one project. `first_start` says that the server keeps a call's first start time, as v1 does."""

    first_start: bool
    calls: dict[tuple[str, str], Call] = field(default_factory=dict)
    sent: int = 0

    def send(self, trace_id: str, id_: str, version: Version) -> None:
        call = self.calls.setdefault((trace_id, id_), Call(trace_id, id_))
        self.sent += 1
        call.versions.append(version._replace(order=self.sent))

    def facts(self, now_ms: int) -> Counter[Fact]:
        """The ledger that is right at this instant."""
        return Counter(fact for call in self.calls.values() for fact in self._of(call, now_ms))

    def _of(self, call: Call, now_ms: int) -> Iterator[Fact]:
        arrived = [v for v in call.versions if v.order > call.deleted_at and v.arrives_ms <= now_ms]
        if not arrived:
            if call.kept is not None:
                yield call.kept
            return
        newest = max(arrived, key=lambda v: (v.updated_ms, v.cost_pico, v.start_ms, v.order))
        if self.first_start:
            newest = newest._replace(start_ms=min(arrived, key=lambda v: v.order).start_ms)
        yield fact_of(call, newest)


def fact_of(call: Call, version: Version) -> Fact:
    return call.trace_id, call.id, version.start_ms, version.cost_pico, version.tokens, version.team, version.user

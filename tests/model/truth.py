"""What Langfuse was told, kept by the test itself: what a right ledger must hold in the end.

It shares no code with the product, nor with the stand-in's own bookkeeping: versions are compared here, what a call
inherits is looked for here, costs and estimates are counted in picodollars from the first.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

LIST_PRICE = 2_500_000
"""Picodollars for a token of input to gpt-4o, by Langfuse's own list of models."""

FILE_MODEL, LIST_MODEL, NO_MODEL = "my-ft-1", "gpt-4o", "nobody-knows-1"


class Fact(NamedTuple):
    """One generation as the ledger must hold it. `team` and `user` are "" where nobody says one."""

    trace_id: str
    id: str
    start_ms: int
    cost_pico: int
    tokens: int
    unpriced: bool
    estimate_pico: int
    team: str
    user: str


class Says(NamedTuple):
    """What an observation says of itself; "" where it says nothing. `team` and `squad` stand in its metadata."""

    team: str = ""
    squad: str = ""
    user: str = ""


class Version(NamedTuple):
    """One version as it was sent. It can be read from `arrives_ms` on; `order` is the order of sending.

    `cost_pico` None: it has usage and no price. `tokens` 0 beside it: no call at all, a span.
    """

    start_ms: int
    updated_ms: int
    cost_pico: int | None
    tokens: int
    says: Says
    arrives_ms: int
    order: int = 0

    @property
    def is_call(self) -> bool:
        return self.cost_pico is not None or self.tokens > 0


@dataclass(slots=True)
class Call:
    """One observation, (trace, id): its versions, and up to which in the order of sending Langfuse has none.

    `kept` is what the ledger held of it when it was deleted: that was spent. None: nothing was seen by then.
    """

    trace_id: str
    id: str
    model: str
    versions: list[Version] = field(default_factory=list)
    deleted_at: int = 0
    kept: Fact | None = None

    def arrived(self, now_ms: int) -> list[Version]:
        return [v for v in self.versions if v.order > self.deleted_at and v.arrives_ms <= now_ms]

    def ever_said(self) -> Says:
        """What any version said, the last one that says something first."""
        found = zip(*(v.says for v in reversed(self.versions)), strict=True)
        return Says._make(next(filter(None, values), "") for values in found)


@dataclass(slots=True)
class Truth:
    """All observations of one project.

    `of_v1` says that the server keeps a call's first start time and knows users by trace only, as v1 does.
    `team_from` is the metadata key that the attribution in force reads, `file_price` what `FILE_MODEL` costs by the
    budget file, in picodollars a token.
    """

    of_v1: bool
    team_from: str = "team"
    file_price: int | None = None
    calls: dict[tuple[str, str], Call] = field(default_factory=dict)
    sent: int = 0

    def send(self, trace_id: str, id_: str, model: str, version: Version) -> None:
        call = self.calls.setdefault((trace_id, id_), Call(trace_id, id_, model))
        self.sent += 1
        call.versions.append(version._replace(order=self.sent))

    def of_trace(self, trace_id: str) -> list[Call]:
        return [call for call in self.calls.values() if call.trace_id == trace_id]

    def facts(self, now_ms: int) -> Counter[Fact]:
        """The ledger that is right at this instant."""
        traces: defaultdict[str, list[Call]] = defaultdict(list)
        for call in self.calls.values():
            traces[call.trace_id].append(call)
        return Counter(fact for members in traces.values() for fact in self._of_trace(members, now_ms))

    def estimate(self, model: str, tokens: int) -> int:
        """What usage without a price is held to cost."""
        if model == FILE_MODEL:
            return (self.file_price or 0) * tokens
        return LIST_PRICE * tokens if model == LIST_MODEL else 0

    def _of_trace(self, members: Sequence[Call], now_ms: int) -> Iterator[Fact]:
        present = [(call, version) for call in members if (version := self._newest(call, now_ms))]
        oldest_first = [v.says for _, v in sorted(present, key=lambda pair: (pair[1].start_ms, pair[0].id))]
        for call, version in present:
            if version.is_call:
                yield self._fact(call, version, oldest_first)
        for call in members:
            if call.kept is not None and not call.arrived(now_ms):
                kept = call.kept
                estimate = self.estimate(call.model, kept.tokens) if kept.unpriced else 0
                yield kept._replace(estimate_pico=estimate)

    def _newest(self, call: Call, now_ms: int) -> Version | None:
        arrived = call.arrived(now_ms)
        if not arrived:
            return None
        newest = max(arrived, key=lambda v: (v.updated_ms, v.cost_pico or 0, v.start_ms, v.order))
        if self.of_v1:
            return newest._replace(start_ms=min(arrived, key=lambda v: v.order).start_ms)
        return newest

    def _fact(self, call: Call, version: Version, oldest_first: Sequence[Says]) -> Fact:
        own = version.says
        users = [says.user for says in (oldest_first if self.of_v1 else [own, *oldest_first])]
        teams = [getattr(says, self.team_from) for says in (own, *oldest_first)]
        unpriced = version.cost_pico is None
        return Fact(
            call.trace_id,
            call.id,
            version.start_ms,
            version.cost_pico or 0,
            version.tokens,
            unpriced,
            self.estimate(call.model, version.tokens) if unpriced else 0,
            next(filter(None, teams), ""),
            next(filter(None, users), ""),
        )

"""What the composition root hands to the web, and the one picture that all its answers share."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from starlette.datastructures import Headers

from fusewatch.app.snapshot import Snapshot
from fusewatch.app.spending import Spending, Wanted
from fusewatch.app.why import Question
from fusewatch.app.whyfacts import Explained, Overview
from fusewatch.domain.ratebudget import InUse
from fusewatch.domain.rules import RuleSet
from fusewatch.domain.silences import Silence
from fusewatch.ports import Clock, ProjectState
from fusewatch.web.access import Reading, judge_reading
from fusewatch.web.acknowledging import Acknowledge
from fusewatch.web.apidesk import ApiDesk
from fusewatch.web.exposition import render
from fusewatch.web.slack import ActionsDesk
from fusewatch.web.telemetry import Telemetry

FRESH_S = 5.0
"""Seconds of the daemon's clock after which a picture is taken anew although nothing was written: lag grows, and
periods end."""

ANSWER_WITHIN_S = 8.0
"""Real seconds that the database has to answer; Prometheus itself gives up a scrape after 10."""


@dataclass(frozen=True, slots=True)
class SilenceDesk:
    """How silences are changed. `end` gives None where there is none with that id."""

    listed: Callable[[bool], Awaitable[Sequence[Silence]]]
    """With True those that are over, too."""
    add: Callable[[Silence], Awaitable[None]]
    end: Callable[[str], Awaitable[Silence | None]]


@dataclass(frozen=True, slots=True)
class WebState:
    """What the web shows, as calls that always give the present state.

    `snapshot` takes a new picture, `version` only asks for the one its picture would have. `liveness` and `readiness`
    name what is wrong, in words for the operator, nothing when all is well. `rules` and `destinations` (names) are
    those in force; `silences` changes what is silenced. Tokens are None where the operator set none.
    """

    snapshot: Callable[[], Awaitable[Snapshot]]
    version: Callable[[], Awaitable[int]]
    telemetry: Telemetry
    liveness: Callable[[], Sequence[str]]
    readiness: Callable[[], Awaitable[Sequence[str]]]
    clock: Clock
    rules: Callable[[], RuleSet]
    destinations: Callable[[], Sequence[str]]
    listen_is_loopback: bool
    silences: SilenceDesk
    why: Callable[[Question], Awaitable[Explained | Overview]]
    """Raises `UnknownRule` and `UnknownKey`."""
    acknowledge: Acknowledge
    desk: ApiDesk
    spending: Callable[[Wanted], Awaitable[Spending]]
    """Where the money went, and what drove the open incidents; within bounds of time of its own."""
    actions: ActionsDesk | None = None
    """What people choose in Slack messages; None without a signing secret."""
    read_token: str | None = field(default=None, repr=False)
    web_token: str | None = field(default=None, repr=False)
    own: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot
    """What of a picture this daemon shows Prometheus, where several share a database."""
    budget_in_use: Callable[[ProjectState], Sequence[InUse]] = lambda _project: ()
    """What the organisation of a project has used of the requests that we allow ourselves."""

    def reading(self, headers: Headers, presented: str | None) -> Reading:
        """Whether a request with this bearer token may read. One with two hosts names none."""
        hosts = headers.getlist("host")
        return judge_reading(
            listen_is_loopback=self.listen_is_loopback,
            host=hosts[0] if len(hosts) == 1 else None,
            presented=presented,
            tokens=(self.read_token, self.web_token),
        )


@dataclass(frozen=True, slots=True)
class _Metrics:
    """Rendered bytes and what they were rendered of."""

    content: bytes
    snapshot: Snapshot
    telemetry: int
    rules: RuleSet
    destinations: tuple[str, ...]

    def shows(self, snapshot: Snapshot, telemetry: int, rules: RuleSet, destinations: tuple[str, ...]) -> bool:
        """Whether rendering again would give the same. A new picture of the same version may lie in another period."""
        same_objects = self.snapshot is snapshot and self.rules is rules
        return same_objects and self.telemetry == telemetry and self.destinations == destinations


class Pictures:
    """The latest snapshot and its metrics, kept while they are true: as long as nothing was written, at most 5 s.

    Raises `StoreError` or `TimeoutError` when the database does not answer; what was kept is not shown then, because
    it would look alive.
    """

    def __init__(self, state: WebState) -> None:
        self._state = state
        self._lock = asyncio.Lock()
        self._snapshot: Snapshot | None = None
        self._taken_at = 0.0
        self._metrics: _Metrics | None = None
        # Memory, processor time and open files, under the names that every Prometheus user knows.
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)

    async def snapshot(self) -> Snapshot:
        async with self._lock:
            return await self._current()

    async def metrics(self) -> bytes:
        """The bytes of `/metrics`, rendered once for each state of the ledger and of the process."""
        async with self._lock:
            snapshot = await self._current()
            rules, destinations = self._state.rules(), tuple(self._state.destinations())
            telemetry = self._state.telemetry
            kept = self._metrics
            if kept is None or not kept.shows(snapshot, telemetry.version, rules, destinations):
                version = telemetry.version
                content = render(self._state.own(snapshot), telemetry.process(), rules, destinations)
                kept = self._metrics = _Metrics(content, snapshot, version, rules, destinations)
            return kept.content + generate_latest(self._process)

    async def _current(self) -> Snapshot:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            version = await self._state.version()
            now = self._state.clock.monotonic()
            kept = self._snapshot
            if kept is not None and kept.version == version and now - self._taken_at < FRESH_S:
                return kept
            self._snapshot = await self._state.snapshot()
            self._taken_at = now
            return self._snapshot

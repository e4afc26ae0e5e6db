"""The gate before every request to Langfuse: one budget for each organisation, shared by its projects in this process
and kept over restarts."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from fusewatch.domain.ratebudget import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    InUse,
    Policy,
    Priority,
    RateClass,
    RateState,
    blocked_ms,
    bounds,
    class_of,
    in_use,
    limited,
    policy_for,
    take,
)
from fusewatch.errors import Retryable, StoreError
from fusewatch.ports import Clock, RateMemory, Runner

LONGEST_WAIT_MS = 62_000
"""A whole window of a minute fits in; whoever would have to wait longer is told so instead."""

SAVE_EVERY_MS = 30_000
_GIVE_WAY_MS = 250
_METRICS = (RateClass.METRICS_V1, RateClass.METRICS_V2)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECODER = msgspec.json.Decoder(RateState)


class RateGate:
    """The budget of one organisation. All methods belong to one event loop."""

    def __init__(self, organisation: str, *, policy: Policy, memory: RateMemory, run: Runner, clock: Clock) -> None:
        self._organisation = organisation
        self._policy = policy
        self._memory = memory
        self._run = run
        self._clock = clock
        self._state: RateState | None = None
        self._loading = asyncio.Lock()
        self._queues = {(kind, priority): asyncio.Lock() for kind in RateClass for priority in Priority}
        self._saved = RateState()
        self._saved_ms: int | None = None

    async def wait(self, endpoint: str, priority: Priority) -> None:
        """See `ports.Gate.wait`. First come, first served among requests of one priority."""
        kind = class_of(endpoint)
        if kind is None:
            return
        began = self._clock.monotonic()
        async with self._queues[kind, priority]:
            state = await self._loaded()
            while True:
                now_ms = self._clock.now_ms()
                state, wait_ms = take(state, kind, now_ms, priority, self._policy)
                if self._more_urgent_waits(kind, priority):
                    wait_ms = max(wait_ms, _GIVE_WAY_MS)
                if wait_ms == 0:
                    break
                if (self._clock.monotonic() - began) * 1000 + wait_ms > LONGEST_WAIT_MS:
                    raise self._used_up(kind, now_ms, wait_ms)
                await self._clock.sleep(wait_ms / 1000)
                state = await self._loaded()
            self._state = state
        await self._save_if_due(kind)

    async def bounded(self, endpoint: str) -> bool:
        """Whether any limit of the endpoint is known or assumed now."""
        kind = class_of(endpoint)
        return kind is not None and bool(bounds(await self._loaded(), kind, self._clock.now_ms(), self._policy))

    async def pace_s(self, endpoint: str) -> float:
        """See `ports.Gate.pace_s`."""
        kind = class_of(endpoint)
        if kind is None:
            return 0.0
        found = bounds(await self._loaded(), kind, self._clock.now_ms(), self._policy)
        return max((2 * bound.window_ms / bound.most / 1000 for bound in found), default=0.0)

    async def limited(self, endpoint: str, *, limit: int | None, retry_after_s: float | None) -> None:
        """See `ports.Gate.limited`; remembered at once."""
        kind = class_of(endpoint)
        if kind is not None:
            state = await self._loaded()
            self._state = limited(state, kind, self._clock.now_ms(), points=limit, retry_after_s=retry_after_s)
            await self.save()

    async def save(self) -> None:
        """Remember what is not yet. A database that cannot be written now must not keep us from reading Langfuse."""
        state = self._state
        if state is None or state == self._saved:
            return
        text = msgspec.json.encode(state).decode()
        with suppress(StoreError):
            await self._run(lambda: self._memory.save_rate(self._organisation, text))
            self._saved, self._saved_ms = state, self._clock.now_ms()

    def in_use(self) -> tuple[InUse, ...]:
        """What of the budget is used now, as far as this process knows."""
        return () if self._state is None else in_use(self._state, self._clock.now_ms(), self._policy)

    def forget(self) -> None:
        """What is remembered here may be outdated: another daemon has used the budget meanwhile."""
        self._state = self._saved_ms = None

    async def _save_if_due(self, kind: RateClass) -> None:
        """Metrics are few and each counts for a day; of the others half a minute may be forgotten in a crash."""
        now_ms = self._clock.now_ms()
        due = self._saved_ms is None or not 0 <= now_ms - self._saved_ms < SAVE_EVERY_MS
        if due or kind in _METRICS:
            await self.save()

    async def _loaded(self) -> RateState:
        if self._state is None:
            async with self._loading:
                if self._state is None:
                    self._state = self._saved = await self._remembered()
        return self._state

    async def _remembered(self) -> RateState:
        """What an earlier run knew; nothing when that cannot be read, or is of another version."""
        with suppress(StoreError, msgspec.DecodeError):
            text = await self._run(lambda: self._memory.load_rate(self._organisation))
            if text is not None:
                return _DECODER.decode(text)
        return RateState()

    def _more_urgent_waits(self, kind: RateClass, priority: Priority) -> bool:
        return any(self._queues[kind, other].locked() for other in Priority if other < priority)

    def _used_up(self, kind: RateClass, now_ms: int, wait_ms: int) -> Retryable:
        assert self._state is not None, "a gate that waits has loaded its state"
        seconds = -(-wait_ms // 1000)
        on = (_EPOCH + timedelta(milliseconds=now_ms + wait_ms)).strftime("%Y-%m-%d %H:%M:%S UTC")
        what = _WHAT[kind]
        if blocked_ms(self._state, kind, now_ms):
            text = f"Langfuse asked to send no more requests for {what}; it goes on at {on}"
        else:
            used = next(one for one in self.in_use() if one.kind is kind)
            text = (
                f"the request budget of the organisation is used up: {used.most} requests for {what} "
                f"{_PER[used.window_ms]}, shared by its projects; it goes on at {on}"
            )
        return Retryable("rate_limited", text, retry_after_s=float(seconds))


_PER = {MINUTE_MS: "a minute", HOUR_MS: "an hour", DAY_MS: "a day"}

_WHAT = {
    RateClass.READ: "observations",
    RateClass.LEGACY: "observations and traces",
    RateClass.METRICS_V2: "sums",
    RateClass.METRICS_V1: "sums",
}


class RateGates:
    """The gates of a process, one for each organisation of each host; made once and kept while projects come and go."""

    def __init__(self, memory: RateMemory, run: Runner, clock: Clock, *, share: float = 0.5) -> None:
        self._memory = memory
        self._run = run
        self._clock = clock
        self._share = share
        self._gates: dict[str, RateGate] = {}

    def source(self, base_url: str, organisation_id: str = "") -> "SourceGate":
        """The gate of one project; `organisation_id` as far as an earlier run learned it."""
        return SourceGate(self, base_url, organisation_id)

    def of(self, base_url: str, organisation_id: str) -> RateGate:
        host = base_url.lower().rstrip("/")
        organisation = f"{host}|{organisation_id}"
        if organisation not in self._gates:
            policy = policy_for(urlsplit(host).hostname or "", share=self._share)
            self._gates[organisation] = RateGate(
                organisation, policy=policy, memory=self._memory, run=self._run, clock=self._clock
            )
        return self._gates[organisation]

    def in_use(self, host: str, organisation_id: str) -> tuple[InUse, ...]:
        """Of the budget of this organisation; nothing where it has no limit or no requests yet."""
        return self.of(host, organisation_id).in_use()

    def forget(self, host: str, organisation_id: str) -> None:
        """The budget of this organisation becomes ours: what the database has of it counts."""
        self.of(host, organisation_id).forget()

    async def save(self) -> None:
        """At the end of the process: remember what is not yet."""
        for gate in self._gates.values():
            await gate.save()


class SourceGate:
    """Implements `ports.Gate` for one project: the gate of its organisation, as soon as that is known.

    Before, only the endpoints without a limit are asked (health, projects); anything else counts against the host.
    """

    def __init__(self, gates: RateGates, base_url: str, organisation_id: str) -> None:
        self._gates = gates
        self._base_url = base_url
        self._gate = gates.of(base_url, organisation_id)

    def belongs_to(self, organisation_id: str) -> None:
        self._gate = self._gates.of(self._base_url, organisation_id)

    async def wait(self, endpoint: str, priority: Priority) -> None:
        await self._gate.wait(endpoint, priority)

    async def limited(self, endpoint: str, *, limit: int | None, retry_after_s: float | None) -> None:
        await self._gate.limited(endpoint, limit=limit, retry_after_s=retry_after_s)

    async def pace_s(self, endpoint: str) -> float:
        return await self._gate.pace_s(endpoint)

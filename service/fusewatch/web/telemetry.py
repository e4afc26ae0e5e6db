"""Facts about the running process, counted where they happen and shown in `/metrics`; they start anew with it."""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

POLL_BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds of the poll durations, in seconds: an idle poll takes one request, a catch-up minutes."""


class Outcome(StrEnum):
    """How an attempt to deliver ended."""

    SENT = "sent"
    RETRY = "retry"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Timings:
    """How often something took how long: counts (not cumulative) for each bound, +Inf last, and all of it in µs."""

    buckets: tuple[int, ...] = (0,) * (len(POLL_BOUNDS_S) + 1)
    sum_us: int = 0

    def with_one(self, seconds: float) -> "Timings":
        """One more, of so many seconds; a duration below zero counts as zero."""
        seconds = max(seconds, 0.0)
        place = bisect_left(POLL_BOUNDS_S, seconds)
        buckets = (*self.buckets[:place], self.buckets[place] + 1, *self.buckets[place + 1 :])
        return Timings(buckets, self.sum_us + round(seconds * 1e6))


@dataclass(frozen=True, slots=True)
class Process:
    """The facts as they stood at one moment.

    `polls` by project name; `poll_failures` by (project, reason); `requests` by (project, endpoint, status);
    `notifications` by (destination, outcome, reason). `reload_ok` is None until a budget file was loaded or refused;
    `reloaded_ms` when one was last loaded well.
    """

    version: str
    python: str
    polls: Mapping[str, Timings] = field(default_factory=dict)
    poll_failures: Mapping[tuple[str, str], int] = field(default_factory=dict)
    requests: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    notifications: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    reload_ok: bool | None = None
    reloaded_ms: int | None = None
    heartbeats: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By (outcome, reason)."""
    exports: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By (outcome, reason)."""


class Telemetry:
    """The counting side of `Process`. May be called from any thread; a call costs about a microsecond."""

    def __init__(self, *, version: str, python: str) -> None:
        self._lock = threading.Lock()
        self._version = version
        self._python = python
        self._polls: dict[str, Timings] = {}
        self._failures: dict[tuple[str, str], int] = {}
        self._requests: dict[tuple[str, str, str], int] = {}
        self._notifications: dict[tuple[str, str, str], int] = {}
        self._reload_ok: bool | None = None
        self._reloaded_ms: int | None = None
        self._heartbeats: dict[tuple[str, str], int] = {("sent", ""): 0, ("failed", ""): 0}
        self._exports: dict[tuple[str, str], int] = {("written", ""): 0, ("failed", ""): 0}
        self._changes = 0

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._changes

    def expect(self, project: str, failures: Iterable[str] = ()) -> None:
        """Show a project's polls, and the failures that it may have, as zero before the first of them."""
        with self._lock:
            self._polls.setdefault(project, Timings())
            for reason in failures:
                self._failures.setdefault((project, reason), 0)
            self._changes += 1

    def poll(self, project: str, seconds: float, failure: str = "") -> None:
        """A read of a project ended after so many seconds of the daemon's clock; `failure` is the error's reason."""
        with self._lock:
            self._polls[project] = self._polls.get(project, Timings()).with_one(seconds)
            if failure:
                self._failures[project, failure] = self._failures.get((project, failure), 0) + 1
            self._changes += 1

    def request(self, project: str, endpoint: str, status: str) -> None:
        """One request to Langfuse; `status` is the HTTP status, or the reason why there was none."""
        with self._lock:
            key = (project, endpoint, status)
            self._requests[key] = self._requests.get(key, 0) + 1
            self._changes += 1

    def notification(self, destination: str, outcome: Outcome, reason: str = "") -> None:
        """One attempt to deliver; `reason` is the error's, "" when the receiver accepted."""
        with self._lock:
            key = (destination, outcome.value, reason)
            self._notifications[key] = self._notifications.get(key, 0) + 1
            self._changes += 1

    def heartbeat(self, outcome: str, reason: str = "") -> None:
        """A heartbeat was ``sent`` or ``failed``; `reason` is the error's."""
        with self._lock:
            self._heartbeats[outcome, reason] = self._heartbeats.get((outcome, reason), 0) + 1
            self._changes += 1

    def export(self, outcome: str, reason: str = "") -> None:
        """A scheduled export was ``written`` or ``failed``; `reason` is the error's."""
        with self._lock:
            self._exports[outcome, reason] = self._exports.get((outcome, reason), 0) + 1
            self._changes += 1

    def reload(self, ok: bool, at_ms: int) -> None:
        """The budget file was read, at the start or after an edit; `ok` False when it is broken and an older holds."""
        with self._lock:
            self._reload_ok = ok
            self._reloaded_ms = at_ms if ok else self._reloaded_ms
            self._changes += 1

    def process(self) -> Process:
        """The facts of now, which no later call changes."""
        with self._lock:
            return Process(
                version=self._version,
                python=self._python,
                polls=MappingProxyType(dict(self._polls)),
                poll_failures=MappingProxyType(dict(self._failures)),
                requests=MappingProxyType(dict(self._requests)),
                notifications=MappingProxyType(dict(self._notifications)),
                reload_ok=self._reload_ok,
                reloaded_ms=self._reloaded_ms,
                heartbeats=MappingProxyType(dict(self._heartbeats)),
                exports=MappingProxyType(dict(self._exports)),
            )

"""How many requests one Langfuse organisation may still be sent: our share of what its plan allows.

Langfuse counts in fixed windows that begin with the first request, per organisation and kind of endpoint, and of an
allowance of N lets N - 1 through. We count in rolling windows of the same length, so whatever window Langfuse is in,
it holds at most our share.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from math import ceil
from typing import NamedTuple

SLICE_MS = 100
"""Requests are counted by tenths of a second: so a large allowance needs no long list."""

UNDERWAY_MS = 500
"""How much longer one request may be on its way than the next. Langfuse counts when they arrive, we when they leave."""

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class RateClass(StrEnum):
    """The kinds of endpoints that Langfuse counts apart (API §3)."""

    READ = "read"
    LEGACY = "legacy"
    METRICS_V2 = "metrics_v2"
    METRICS_V1 = "metrics_v1"


class Priority(IntEnum):
    """What a request is for; the smaller the more urgent."""

    LIVE = 0
    HISTORY = 1
    RECONCILE = 2


class Allowance(NamedTuple):
    """`points` requests in `window_ms`; the last of them is refused."""

    points: int
    window_ms: int


HOBBY: Mapping[RateClass, Allowance] = {
    RateClass.READ: Allowance(30, MINUTE_MS),
    RateClass.LEGACY: Allowance(15, MINUTE_MS),
    RateClass.METRICS_V2: Allowance(100, DAY_MS),
    RateClass.METRICS_V1: Allowance(100, DAY_MS),
}
"""Langfuse Cloud's smallest plan."""

_CLASSES: Mapping[str, RateClass | None] = {
    "health": None,
    "projects": None,
    "v2_observations": RateClass.READ,
    "models": RateClass.READ,
    "v1_observations": RateClass.LEGACY,
    "v1_traces": RateClass.LEGACY,
    "v1_trace": RateClass.LEGACY,
    "v2_metrics": RateClass.METRICS_V2,
    "v1_metrics": RateClass.METRICS_V1,
}

_KEPT_FOR_MORE_URGENT: Mapping[RateClass, tuple[int, int, int]] = {
    RateClass.READ: (0, 4, 8),
    RateClass.LEGACY: (0, 3, 5),
    RateClass.METRICS_V2: (0, 0, 0),
    RateClass.METRICS_V1: (0, 0, 0),
}
"""By priority: how many requests of a window it leaves to what is more urgent. So live polls have 4 of Hobby's 15 a
minute for themselves (3 of 7 on v1), and history always goes on beside reconcile."""

_WITHOUT_WISH_MS = {RateClass.READ: MINUTE_MS, RateClass.LEGACY: MINUTE_MS}
"""How long a 429 that names no time closes a class; metrics, whose window may be a day, for an hour."""


def class_of(endpoint: str) -> RateClass | None:
    """What an endpoint of `langfuse.transport` counts against, None for those without a limit; KeyError for others."""
    return _CLASSES[endpoint]


def is_cloud(hostname: str) -> bool:
    """Whether the host is Langfuse Cloud. Only there are rates limited, and a plan does not tell itself."""
    name = hostname.lower().rstrip(".")
    return name == "langfuse.com" or name.endswith(".langfuse.com")


@dataclass(frozen=True, slots=True)
class Policy:
    """What we allow ourselves. `share` is a part of the allowance, above 0 and at most 1; `assumed` stands for the
    allowances that no 429 has told yet, empty for a host that is taken to have no limits; `metrics_a_day` bounds the
    requests of either metrics endpoint wherever there is a limit, however large."""

    share: float = 0.5
    metrics_a_day: int = 48
    assumed: Mapping[RateClass, Allowance] = field(default_factory=lambda: HOBBY)


def policy_for(hostname: str, *, share: float = 0.5) -> Policy:
    """Langfuse Cloud is taken for the Hobby plan, any other host to have no limits, until a 429 teaches otherwise."""
    return Policy(share=share, assumed=HOBBY if is_cloud(hostname) else {})


class Use(NamedTuple):
    """Requests of one slice of the clock, which begins at `at_ms`."""

    at_ms: int
    priority: Priority
    requests: int


@dataclass(frozen=True, slots=True)
class Learned:
    """An allowance that a 429 told; believed until `until_ms`, for good when that is None."""

    points: int
    window_ms: int
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ClassState:
    """One class: what it was told, our requests that still count, and the block of the last 429, from when to when."""

    learned: Learned | None = None
    uses: tuple[Use, ...] = ()
    blocked_at_ms: int = 0
    blocked_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class RateState:
    """All that is known of one organisation. A class that is missing was never used."""

    classes: Mapping[RateClass, ClassState] = field(default_factory=dict)

    def of(self, kind: RateClass) -> ClassState:
        return self.classes.get(kind, ClassState())

    def put(self, kind: RateClass, state: ClassState) -> "RateState":
        return RateState({**self.classes, kind: state})


class Bound(NamedTuple):
    """At most `most` requests of ours in any `window_ms`."""

    most: int
    window_ms: int


def bounds(state: RateState, kind: RateClass, now_ms: int, policy: Policy) -> tuple[Bound, ...]:
    """What a class is bounded by now; nothing where no limit is known or assumed."""
    allowance = _allowance(state.of(kind), kind, now_ms, policy)
    if allowance is None:
        return ()
    most = max(1, min(int(allowance.points * policy.share), allowance.points - 1))
    share = Bound(most, allowance.window_ms)
    if kind in (RateClass.READ, RateClass.LEGACY):
        return (share,)
    return share, Bound(max(1, policy.metrics_a_day), DAY_MS)


class InUse(NamedTuple):
    """How many of the requests that we allow ourselves in a window are used now."""

    kind: RateClass
    requests: int
    most: int
    window_ms: int


def in_use(state: RateState, now_ms: int, policy: Policy) -> tuple[InUse, ...]:
    """Of each class that was used and has a limit: the window of which least is left."""
    found = []
    for kind, held in state.classes.items():
        uses = _settled(held, kind, now_ms).uses
        windows = [
            InUse(kind, sum(use.requests for use in uses if _end_ms(use, window_ms) > now_ms), most, window_ms)
            for most, window_ms in bounds(state, kind, now_ms, policy)
        ]
        if windows:
            found.append(min(windows, key=lambda one: one.most - one.requests))
    return tuple(found)


def take(state: RateState, kind: RateClass, now_ms: int, priority: Priority, policy: Policy) -> tuple[RateState, int]:
    """Count a request that is sent now and answer 0, or count nothing and answer how long to wait in milliseconds.

    After the wait it has to be asked again: others may have taken the place.
    """
    held = _settled(state.of(kind), kind, now_ms)
    wait_ms = max(blocked_ms(state, kind, now_ms), _wait_ms(held.uses, kind, now_ms, priority, state, policy))
    if wait_ms > 0:
        return state, wait_ms
    if not bounds(state, kind, now_ms, policy):
        return state, 0
    return state.put(kind, replace(held, uses=_with_use(held.uses, now_ms, priority))), 0


def blocked_ms(state: RateState, kind: RateClass, now_ms: int) -> int:
    """How long the last 429 of the class still closes it, 0 when it is open."""
    held = _settled(state.of(kind), kind, now_ms)
    return max(0, held.blocked_until_ms - now_ms)


def limited(
    state: RateState, kind: RateClass, now_ms: int, *, points: int | None, retry_after_s: float | None
) -> RateState:
    """After a 429: the class is closed for as long as it said, and its allowance is known from then on.

    A 429 that names no allowance may be a proxy's: the Hobby plan is assumed for a day.
    """
    held = _settled(state.of(kind), kind, now_ms)
    wish_ms = _WITHOUT_WISH_MS.get(kind, HOUR_MS) if retry_after_s is None else ceil(retry_after_s * 1000)
    learned = Learned(*HOBBY[kind], until_ms=now_ms + DAY_MS)
    if points is not None and points > 0:
        learned = Learned(points, _window_ms(kind, points, wish_ms))
    elif held.learned is not None and held.learned.until_ms is None:
        learned = held.learned
    until_ms = max(held.blocked_until_ms, now_ms + wish_ms)
    return state.put(kind, replace(held, learned=learned, blocked_at_ms=now_ms, blocked_until_ms=until_ms))


def _window_ms(kind: RateClass, points: int, wish_ms: int) -> int:
    """The window of an allowance, which no answer names: a minute for rows, a day for metrics.

    For v2 metrics it is a day on the Hobby plan and an hour on the greater ones; 100 may be either (API §3), and then
    the longer window is safe.
    """
    if kind is RateClass.METRICS_V2 and points > HOBBY[kind].points and wish_ms <= HOUR_MS:
        return HOUR_MS
    return HOBBY[kind].window_ms


def _allowance(held: ClassState, kind: RateClass, now_ms: int, policy: Policy) -> Allowance | None:
    learned = held.learned
    if learned is not None and (learned.until_ms is None or now_ms < learned.until_ms):
        return Allowance(learned.points, learned.window_ms)
    return policy.assumed.get(kind)


def _settled(held: ClassState, kind: RateClass, now_ms: int) -> ClassState:
    """Without what no longer counts. A clock that was set back must not keep a class closed: what lies in the future
    counts as of now, and a block lasts no longer than it was told to."""
    longest_ms = HOBBY[kind].window_ms
    uses = tuple(
        use if use.at_ms <= now_ms else use._replace(at_ms=_slice(now_ms))
        for use in held.uses
        if now_ms < _end_ms(use, longest_ms)
    )
    if now_ms < held.blocked_at_ms:
        until_ms = now_ms + max(0, held.blocked_until_ms - held.blocked_at_ms)
        return replace(held, uses=uses, blocked_at_ms=now_ms, blocked_until_ms=until_ms)
    return held if uses == held.uses else replace(held, uses=uses)


def _wait_ms(
    uses: Sequence[Use], kind: RateClass, now_ms: int, priority: Priority, state: RateState, policy: Policy
) -> int:
    """Until when a request of this priority has a place, in every bound and behind all that is kept for others."""
    waits = [0]
    for bound in bounds(state, kind, now_ms, policy):
        for level in Priority:
            if level > priority:
                break
            kept = _KEPT_FOR_MORE_URGENT[kind][level]
            alike = [use for use in uses if use.priority >= level]
            waits.append(_until_free(alike, max(1, bound.most - kept), bound.window_ms, now_ms))
    return max(waits)


def _until_free(uses: Iterable[Use], most: int, window_ms: int, now_ms: int) -> int:
    """How long until fewer than `most` of the uses count."""
    ends = [(_end_ms(use, window_ms), use.requests) for use in uses]
    counting = sorted(end for end in ends if end[0] > now_ms)
    too_many = sum(count for _, count in counting) - (most - 1)
    for end_ms, count in counting:
        if too_many <= 0:
            break
        too_many -= count
        if too_many <= 0:
            return end_ms - now_ms
    return 0


def _end_ms(use: Use, window_ms: int) -> int:
    """A use counts for the window, the slice it was in and the way there, so that no window of that length at the
    server, wherever it begins, holds more than our share."""
    return use.at_ms + SLICE_MS + UNDERWAY_MS + window_ms


def _with_use(uses: Sequence[Use], now_ms: int, priority: Priority) -> tuple[Use, ...]:
    at_ms = _slice(now_ms)
    same = [use for use in uses if use.at_ms == at_ms and use.priority == priority]
    others = [use for use in uses if use not in same]
    return *others, Use(at_ms, priority, 1 + sum(use.requests for use in same))


def _slice(now_ms: int) -> int:
    return now_ms // SLICE_MS * SLICE_MS

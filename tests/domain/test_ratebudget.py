"""The rate budget: our share of what Langfuse allows, whatever comes when, and live polls before all else."""

import heapq
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.demo.standin.answers import Refusal
from fusewatch.demo.standin.gate import Endpoint, RateLimits
from fusewatch.domain.ratebudget import (
    DAY_MS,
    HOBBY,
    HOUR_MS,
    MINUTE_MS,
    SLICE_MS,
    UNDERWAY_MS,
    Allowance,
    InUse,
    Policy,
    Priority,
    RateClass,
    RateState,
    blocked_ms,
    bounds,
    class_of,
    in_use,
    is_cloud,
    limited,
    policy_for,
    take,
)

NOW_MS = 1_795_356_900_000
LIVE, HISTORY, RECONCILE = Priority
READ, LEGACY, METRICS_V2, METRICS_V1 = RateClass
CLOUD = policy_for("cloud.langfuse.com")
ELSEWHERE = policy_for("langfuse.example")


COUNTED_MS = MINUTE_MS + SLICE_MS + UNDERWAY_MS
"""How long a request counts at most, where the window is a minute."""


class Sent(NamedTuple):
    at_ms: int
    priority: Priority
    waited_ms: int


def sent(
    arrivals: Sequence[tuple[int, Priority]],
    *,
    kind: RateClass = READ,
    policy: Policy = CLOUD,
    state: RateState | None = None,
) -> list[Sent]:
    """When each request leaves if everybody waits as told, in the order of leaving. Arrivals: ms after now."""
    state = RateState() if state is None else state
    queue = [(NOW_MS + after_ms, number, priority) for number, (after_ms, priority) in enumerate(arrivals)]
    came = {number: at_ms for at_ms, number, _ in queue}
    heapq.heapify(queue)
    gone = []
    while queue:
        at_ms, number, priority = heapq.heappop(queue)
        before = state
        state, wait_ms = take(state, kind, at_ms, priority, policy)
        if wait_ms == 0:
            gone.append(Sent(at_ms, priority, at_ms - came[number]))
            continue
        assert state == before, "a request that has to wait is not counted"
        heapq.heappush(queue, (at_ms + wait_ms, number, priority))
    return gone


def greatest_window(sends: Sequence[Sent], window_ms: int) -> int:
    """The most sends that any window of this length holds; it suffices to begin one at each send."""
    return max((sum(0 <= s.at_ms - first.at_ms < window_ms for s in sends) for first in sends), default=0)


def answers_of_langfuse(sends: Sequence[Sent], allowance: Allowance) -> list[int]:
    """The 429s (as the place of the request) of a server with this allowance to which only we send."""
    limits = RateLimits({"it": (allowance.points, allowance.window_ms)})
    refused = []
    for place, send in enumerate(sends):
        try:
            limits.count("org", Endpoint("always", "it"), "/", send.at_ms)
        except Refusal:
            refused.append(place)
    return refused


PRIORITIES = st.sampled_from(list(Priority))
GAPS = st.sampled_from([0, 1, 5, 99, 100, 900, 4_000, 20_000, 59_950, 60_000, 61_000])


@st.composite
def traffic(draw: st.DrawFn, most: int = 120) -> list[tuple[int, Priority]]:
    """Bursts, trickles and pauses of every priority."""
    at_ms = 0
    arrivals = []
    for gap, burst, priority in draw(st.lists(st.tuples(GAPS, st.integers(1, 40), PRIORITIES), min_size=1, max_size=8)):
        at_ms += gap
        arrivals += [(at_ms, priority)] * burst
    return arrivals[:most]


# ------------------------------------------------------------ never more than our share


@given(traffic(), st.integers(2, 200), st.floats(0.05, 1.0), st.sampled_from([READ, LEGACY]), st.randoms())
@settings(max_examples=150, deadline=None)
def test_no_window_of_langfuses_length_holds_more_than_our_share(
    arrivals: list[tuple[int, Priority]], points: int, share: float, kind: RateClass, dice: Random
) -> None:
    """Whether one looks when they leave or when they arrive: some are faster than others."""
    allowance = Allowance(points, MINUTE_MS)
    sends = sent(arrivals, kind=kind, policy=Policy(share=share, assumed={kind: allowance}))
    come = sorted((s._replace(at_ms=s.at_ms + dice.randint(0, UNDERWAY_MS)) for s in sends), key=lambda s: s.at_ms)
    assert len(sends) == len(arrivals)
    for seen in (sends, come):
        assert greatest_window(seen, MINUTE_MS) <= max(1, min(points * share, points - 1))
        assert answers_of_langfuse(seen, allowance) == []


@given(traffic(most=100), st.sampled_from([METRICS_V2, METRICS_V1]))
@settings(max_examples=30, deadline=None)
def test_sums_are_asked_for_48_times_a_day_at_most(arrivals: list[tuple[int, Priority]], kind: RateClass) -> None:
    sends = sent(arrivals, kind=kind)
    assert greatest_window(sends, DAY_MS) <= 48
    assert answers_of_langfuse(sends, HOBBY[kind]) == []


@pytest.mark.parametrize("points", [101, 500, 2000])
def test_a_large_allowance_of_sums_changes_nothing_about_48_a_day(points: int) -> None:
    state = limited(RateState(), METRICS_V2, NOW_MS, points=points, retry_after_s=0)
    assert min(b.most for b in bounds(state, METRICS_V2, NOW_MS, CLOUD) if b.window_ms == DAY_MS) == 48


@given(traffic(), PRIORITIES, GAPS)
@settings(max_examples=100, deadline=None)
def test_the_wait_is_exact(arrivals: list[tuple[int, Priority]], priority: Priority, gap: int) -> None:
    state, at_ms = RateState(), NOW_MS
    for after_ms, other in arrivals:
        at_ms = NOW_MS + after_ms
        state, _ = take(state, READ, at_ms, other, CLOUD)
    _, wait_ms = take(state, READ, at_ms + gap, priority, CLOUD)
    assert wait_ms <= COUNTED_MS
    assert take(state, READ, at_ms + gap + wait_ms, priority, CLOUD)[1] == 0
    if wait_ms:
        assert take(state, READ, at_ms + gap + wait_ms - 1, priority, CLOUD)[1] == 1


def test_what_is_remembered_of_a_day_of_polling_stays_small() -> None:
    state = limited(RateState(), READ, NOW_MS, points=1000, retry_after_s=0)
    for number in range(5_000):
        state, _ = take(state, READ, NOW_MS + number * 130, Priority(number % 3), CLOUD)
    assert len(state.of(READ).uses) <= MINUTE_MS // SLICE_MS + 1


# ------------------------------------------------------------ live before history before reconcile

KEPT = [(READ, 4, 11), (LEGACY, 3, 4)]


@pytest.mark.parametrize(("kind", "live", "_history"), KEPT)
@given(traffic(), st.integers(0, MINUTE_MS))
@settings(max_examples=60, deadline=None)
def test_live_polls_of_their_share_never_wait_because_of_history(
    kind: RateClass, live: int, _history: int, arrivals: list[tuple[int, Priority]], offset_ms: int
) -> None:
    """As many as are kept for them, at every poll; a little more than a minute apart, so that they do not meet."""
    others = [(after_ms, max(priority, HISTORY)) for after_ms, priority in arrivals]
    polls = [(offset_ms + poll * COUNTED_MS, LIVE) for poll in range(6) for _ in range(live)]
    sends = sent([*others, *polls], kind=kind)
    assert [s.waited_ms for s in sends if s.priority is LIVE] == [0] * len(polls)


@pytest.mark.parametrize(("kind", "live", "history"), KEPT)
@given(traffic())
@settings(max_examples=60, deadline=None)
def test_history_and_reconcile_leave_the_live_polls_their_share(
    kind: RateClass, live: int, history: int, arrivals: list[tuple[int, Priority]]
) -> None:
    sends = sent(arrivals, kind=kind)
    assert greatest_window([s for s in sends if s.priority > LIVE], MINUTE_MS) <= history
    assert history + live == bounds(RateState(), kind, NOW_MS, CLOUD)[0].most


@pytest.mark.parametrize(("kind", "history", "reconcile"), [(READ, 4, 7), (LEGACY, 2, 2)])
def test_history_goes_on_beside_a_reconcile_that_has_much_to_read(
    kind: RateClass, history: int, reconcile: int
) -> None:
    sends = sent([(0, RECONCILE)] * 60 + [(1_000, HISTORY)] * history, kind=kind)
    assert [s.waited_ms for s in sends if s.priority is HISTORY] == [0] * history
    assert greatest_window([s for s in sends if s.priority is RECONCILE], MINUTE_MS) == reconcile


def test_with_no_live_poll_about_history_uses_all_but_the_kept_requests() -> None:
    sends = sent([(0, HISTORY)] * 44)
    assert greatest_window(sends, MINUTE_MS) == 11
    assert sends[-1].at_ms - NOW_MS <= 3 * COUNTED_MS


def test_even_the_smallest_allowance_lets_history_through_in_the_end() -> None:
    sends = sent([(0, HISTORY)] * 3 + [(0, RECONCILE)] * 3, policy=Policy(assumed={READ: Allowance(2, MINUTE_MS)}))
    assert len(sends) == 6
    assert greatest_window(sends, MINUTE_MS) == 1


# ------------------------------------------------------------ what a 429 teaches


@pytest.mark.parametrize(
    ("host", "cloud"),
    [
        ("langfuse.com", True),
        ("cloud.langfuse.com", True),
        ("us.cloud.langfuse.com", True),
        ("HIPAA.Cloud.Langfuse.com.", True),
        ("langfuse.example", False),
        ("cloud.langfuse.com.example", False),
        ("notlangfuse.com", False),
        ("127.0.0.1", False),
        ("", False),
    ],
)
def test_only_langfuse_cloud_is_taken_for_the_smallest_plan(host: str, cloud: bool) -> None:
    assert is_cloud(host) is cloud
    most = [bounds(RateState(), kind, NOW_MS, policy_for(host))[:1] for kind in RateClass]
    expected = [15, 7, 50, 50]
    assert [b.most for found in most for b in found] == (expected if cloud else [])


def test_another_host_has_no_limits_and_nothing_is_counted() -> None:
    state = RateState()
    for number in range(10_000):
        state, wait_ms = take(state, READ, NOW_MS + number, HISTORY, ELSEWHERE)
        assert wait_ms == 0
    assert state == RateState()


def test_a_429_closes_its_class_exactly_as_long_as_it_says_and_no_other() -> None:
    state = limited(RateState(), METRICS_V2, NOW_MS, points=100, retry_after_s=86_394)
    for kind in RateClass:
        assert blocked_ms(state, kind, NOW_MS) == (86_394_000 if kind is METRICS_V2 else 0)
        assert take(state, kind, NOW_MS, LIVE, ELSEWHERE)[1] == (86_394_000 if kind is METRICS_V2 else 0)
    assert take(state, METRICS_V2, NOW_MS + 86_393_999, LIVE, ELSEWHERE)[1] == 1
    assert take(state, METRICS_V2, NOW_MS + 86_394_000, LIVE, ELSEWHERE)[1] == 0


def test_of_two_429s_the_later_end_counts() -> None:
    state = limited(RateState(), READ, NOW_MS, points=30, retry_after_s=58)
    state = limited(state, READ, NOW_MS + 1_000, points=30, retry_after_s=3)
    assert blocked_ms(state, READ, NOW_MS + 1_000) == 57_000


def test_a_part_of_a_second_is_waited_for_whole() -> None:
    assert blocked_ms(limited(RateState(), READ, NOW_MS, points=30, retry_after_s=0.0004), READ, NOW_MS) == 1


@pytest.mark.parametrize(
    ("kind", "points", "retry_after_s", "most", "window_ms"),
    [
        (READ, 30, 58, 15, MINUTE_MS),
        (READ, 1000, 3, 500, MINUTE_MS),
        (LEGACY, 100, 20, 50, MINUTE_MS),
        (METRICS_V2, 100, 86_394, 50, DAY_MS),
        (METRICS_V2, 100, 40, 50, DAY_MS),
        (METRICS_V2, 500, 3_000, 250, HOUR_MS),
        (METRICS_V2, 500, 7_200, 250, DAY_MS),
        (METRICS_V1, 2000, 100, 1000, DAY_MS),
    ],
)
def test_the_allowance_of_a_429_counts_for_the_window_of_its_class(
    kind: RateClass, points: int, retry_after_s: float, most: int, window_ms: int
) -> None:
    state = limited(RateState(), kind, NOW_MS, points=points, retry_after_s=retry_after_s)
    assert bounds(state, kind, NOW_MS, ELSEWHERE)[0] == (most, window_ms)
    assert bounds(state, kind, NOW_MS, CLOUD)[0] == (most, window_ms)
    assert bounds(state, kind, NOW_MS + 365 * DAY_MS, ELSEWHERE)[0] == (most, window_ms)


@pytest.mark.parametrize(("kind", "closed_ms"), [(READ, MINUTE_MS), (LEGACY, MINUTE_MS), (METRICS_V2, HOUR_MS)])
def test_a_429_that_tells_nothing_closes_for_a_while_and_means_the_smallest_plan_for_a_day(
    kind: RateClass, closed_ms: int
) -> None:
    """A proxy in front of a server without limits may answer so: it is not slowed for good."""
    state = limited(RateState(), kind, NOW_MS, points=None, retry_after_s=None)
    assert blocked_ms(state, kind, NOW_MS) == closed_ms
    assert bounds(state, kind, NOW_MS + DAY_MS - 1, ELSEWHERE)[0].most == HOBBY[kind].points // 2
    assert bounds(state, kind, NOW_MS + DAY_MS, ELSEWHERE) == ()


def test_a_429_that_tells_nothing_does_not_make_forget_what_one_told() -> None:
    state = limited(RateState(), READ, NOW_MS, points=1000, retry_after_s=1)
    state = limited(state, READ, NOW_MS, points=None, retry_after_s=1)
    assert bounds(state, READ, NOW_MS, ELSEWHERE)[0].most == 500


@given(traffic(most=60), st.integers(1, 400 * DAY_MS), st.integers(1, 90_000))
@settings(max_examples=80, deadline=None)
def test_a_clock_that_was_set_back_keeps_nobody_waiting_longer_than_before(
    arrivals: list[tuple[int, Priority]], back_ms: int, retry_after_s: int
) -> None:
    state = RateState()
    for after_ms, priority in arrivals:
        state, _ = take(state, READ, NOW_MS + after_ms, priority, CLOUD)
    now_ms = NOW_MS + arrivals[-1][0]
    assert take(state, READ, now_ms - back_ms, LIVE, CLOUD)[1] <= COUNTED_MS
    state = limited(state, READ, now_ms, points=30, retry_after_s=retry_after_s)
    assert blocked_ms(state, READ, now_ms - back_ms) == retry_after_s * 1000


# ------------------------------------------------------------ what is left


@pytest.mark.parametrize("kind", [READ, METRICS_V2])
@given(traffic(most=60), st.integers(0, 2 * MINUTE_MS))
@settings(max_examples=60, deadline=None)
def test_a_live_request_goes_out_at_once_exactly_while_some_of_the_budget_is_left(
    kind: RateClass, arrivals: list[tuple[int, Priority]], later_ms: int
) -> None:
    state, at_ms = RateState(), NOW_MS
    for after_ms, priority in arrivals:
        at_ms = max(at_ms, NOW_MS + after_ms)
        state, _ = take(state, kind, at_ms, priority, CLOUD)
    (used,) = in_use(state, at_ms + later_ms, CLOUD)
    assert used.kind is kind
    assert (used.requests < used.most) is (take(state, kind, at_ms + later_ms, LIVE, CLOUD)[1] == 0)


def test_of_several_windows_the_one_with_least_left_is_told() -> None:
    state = limited(RateState(), METRICS_V2, NOW_MS, points=2000, retry_after_s=0)
    for number in range(40):
        state, _ = take(state, METRICS_V2, NOW_MS + number * 1000, LIVE, CLOUD)
    assert in_use(state, NOW_MS + MINUTE_MS, CLOUD) == (InUse(METRICS_V2, 40, 48, DAY_MS),)


def test_nothing_is_told_of_what_has_no_limit_or_was_never_used() -> None:
    assert in_use(RateState(), NOW_MS, CLOUD) == ()
    assert in_use(take(RateState(), READ, NOW_MS, LIVE, ELSEWHERE)[0], NOW_MS, ELSEWHERE) == ()


# ------------------------------------------------------------ which endpoint counts where


def test_endpoints_count_as_langfuse_counts_them() -> None:
    assert {name: class_of(name) for name in ("v2_observations", "models")} == dict.fromkeys(
        ("v2_observations", "models"), READ
    )
    assert {class_of(name) for name in ("v1_observations", "v1_traces", "v1_trace")} == {LEGACY}
    assert (class_of("v2_metrics"), class_of("v1_metrics")) == (METRICS_V2, METRICS_V1)
    assert (class_of("health"), class_of("projects")) == (None, None)
    with pytest.raises(KeyError):
        class_of("v9_observations")

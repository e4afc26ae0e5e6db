"""The transport behind the gate: one budget for an organisation, slowing before the wall and obeying what was said."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from fusewatch.app.rategate import RateGate
from fusewatch.demo.standin.troubles import rate_limited, times_out_above
from fusewatch.domain.ratebudget import MINUTE_MS, Priority, policy_for
from fusewatch.errors import Retryable
from fusewatch.langfuse.source import LangfuseSource
from fusewatch.ports import Span
from fusewatch.runtime import InlineRunner
from tests.langfuse.asking import NOW_MS, ids
from tests.langfuse.clouds import ELSEWHERE, Cloud, Notebook, call
from tests.langfuse.virtual import VirtualClock, in_virtual_time

HOUR_MS = 60 * MINUTE_MS
LIVE, HISTORY, RECONCILE = Priority
PAST = Span(NOW_MS - 40 * HOUR_MS, NOW_MS)
THIS_HOUR = NOW_MS // HOUR_MS * HOUR_MS
LAST_HOUR = Span(THIS_HOUR - HOUR_MS, THIS_HOUR)

Scene = Callable[[], Coroutine[Any, Any, None]]


def played(scene: Scene) -> Scene:
    """Runs a scene in virtual time; a test stays an ordinary function."""

    def test() -> None:
        in_virtual_time(scene)

    test.__name__, test.__doc__ = scene.__name__, scene.__doc__
    return test  # type: ignore[return-value]  # wraps keeps the signature


async def refused(work: Coroutine[Any, Any, object]) -> Retryable:
    with pytest.raises(Retryable) as caught:
        await work
    assert caught.value.reason == "rate_limited"
    return caught.value


async def polls(cloud: Cloud, source: LangfuseSource, minutes: int) -> list[float]:
    """A live poll every minute; how long each took."""
    took = []
    for _ in range(minutes):
        began = cloud.clock.monotonic()
        now_ms = cloud.clock.now_ms()
        await cloud.read(source.walk(Span(now_ms - 3 * MINUTE_MS, now_ms)))
        took.append(cloud.clock.monotonic() - began)
        await cloud.clock.sleep(60 - took[-1])
    return took


def past_calls(pages: int, rows: int) -> list[Any]:
    step_ms = (PAST.to_ms - PAST.from_ms) // (pages * rows)
    return [call(number, PAST.from_ms + number * step_ms) for number in range(pages * rows)]


# ------------------------------------------------------------ a first load


@played
async def test_a_first_load_on_the_cloud_beside_live_polls_sees_no_429_and_delays_no_poll() -> None:
    cloud = Cloud(past_calls(pages=40, rows=62))
    cloud.standin.troubles.add(times_out_above(62))
    first, second = cloud.source("demo"), cloud.source("labs")
    for source in (first, second):  # they find out which page is not too much
        await cloud.read(source.walk(Span(NOW_MS - 1, NOW_MS)))
    await cloud.clock.sleep(120)
    load = cloud.read(first.walk(PAST, priority=HISTORY))
    pages, mine, theirs = await asyncio.gather(load, polls(cloud, first, 8), polls(cloud, second, 8))
    assert len(pages) >= 40
    assert len(set(ids(pages))) == 40 * 62
    assert set(cloud.statuses()) == {200, 422}
    assert cloud.most_in(MINUTE_MS, "observations") <= 15
    assert max(mine + theirs) == 0


@played
async def test_a_host_that_turns_out_to_have_limits_answers_429_once() -> None:
    cloud = Cloud(past_calls(pages=40, rows=62), base_url=ELSEWHERE)
    source = cloud.source()
    await cloud.read(source.walk(Span(NOW_MS - 1, NOW_MS)))
    cloud.standin.troubles.add(times_out_above(62))
    pages = await cloud.read(source.walk(PAST, priority=HISTORY))
    await polls(cloud, source, 3)
    assert len(set(ids(pages))) == 40 * 62
    assert cloud.statuses().count(429) == 1
    first = cloud.statuses().index(429)
    times = [seen.at_ms for seen in cloud.standin.log]
    assert times[first + 1] - times[first] == 60_000, "nothing is asked before the time that was said"
    assert max(sum(0 <= at - begun < MINUTE_MS for at in times[first + 1 :]) for begun in times[first + 1 :]) <= 15


@played
async def test_traces_count_with_the_observations_of_v1() -> None:
    cloud = Cloud(past_calls(pages=6, rows=100))
    pages = await cloud.read(cloud.source(api="v1").walk(PAST, priority=HISTORY))
    assert len(set(ids(pages))) == 600
    assert set(cloud.statuses()) == {200}
    assert {seen.path.rpartition("/")[2] for seen in cloud.standin.log} == {"observations", "traces"}
    assert cloud.most_in(MINUTE_MS, "/") == 4


@played
async def test_a_connection_that_was_dropped_costs_a_second_request() -> None:
    cloud = Cloud()
    sent = 0

    def server(request: httpx.Request) -> httpx.Response:
        nonlocal sent
        sent += 1
        raise httpx.ReadError("closed", request=request)

    source = cloud.source(transport=httpx.MockTransport(server))
    for _ in range(7):
        with pytest.raises(Retryable, match="dropped"):
            await source.walk(PAST).next_page()
    assert (sent, cloud.clock.monotonic()) == (14, 0)
    with pytest.raises(Retryable, match="dropped"):
        await source.walk(PAST).next_page()
    assert (sent, round(cloud.clock.monotonic())) == (16, 61)


# ------------------------------------------------------------ who shares it


@played
async def test_projects_of_one_organisation_share_its_budget_and_another_has_its_own() -> None:
    cloud = Cloud()
    for name in ("demo", "labs"):
        for _ in range(7):
            await cloud.source(name).walk(PAST).next_page()
    await cloud.source("demo").walk(PAST).next_page()
    assert cloud.clock.monotonic() == 0
    assert [used[1:] for used in cloud.gates.in_use("https://cloud.langfuse.com", "org-demo")] == [(15, 15, MINUTE_MS)]
    assert cloud.gates.in_use("https://cloud.langfuse.com", "org-other") == ()
    for _ in range(15):
        await cloud.source("other").walk(PAST).next_page()
    assert cloud.clock.monotonic() == 0
    await cloud.source("labs").walk(PAST).next_page()
    assert cloud.clock.monotonic() == pytest.approx(60.6, abs=0.11)


@played
async def test_whose_budget_it_is_is_known_as_soon_as_the_project_is() -> None:
    cloud = Cloud()
    for _ in range(2):
        source = cloud.source("demo", api="", known=False)
        await source.identify()
        await source.walk(PAST).next_page()
    assert list(cloud.memory.texts) == ["https://cloud.langfuse.com|org-demo"]


# ------------------------------------------------------------ what is said to whoever would wait too long


@played
async def test_used_up_sums_stop_only_the_sums_and_say_until_when() -> None:
    cloud = Cloud()
    source = cloud.source()
    for _ in range(48):
        await source.sums(LAST_HOUR)
    error = await refused(source.sums(LAST_HOUR))
    assert str(error) == (
        "the request budget of the organisation is used up: 48 requests for sums a day, shared by its projects; "
        "it goes on at 2026-11-23 14:15:00 UTC"
    )
    assert error.retry_after_s == 86_401
    await source.walk(PAST).next_page()
    assert cloud.clock.monotonic() == 0
    assert len(cloud.standin.requests("metrics")) == 48


@played
async def test_used_up_sums_name_the_budget_that_is_used_up() -> None:
    cloud = Cloud()
    cloud.standin.troubles.add(rate_limited(1))
    source = cloud.source()
    await refused(source.sums(LAST_HOUR))
    await cloud.clock.sleep(1)
    for _ in range(14):
        await source.sums(LAST_HOUR)
    error = await refused(source.sums(LAST_HOUR))
    assert "used up: 15 requests for sums a day, shared by its projects" in str(error)
    assert [seen.status for seen in cloud.standin.requests("metrics")] == [429, *[200] * 14]


@played
async def test_a_429_for_sums_may_mean_a_day_and_is_obeyed_over_a_restart() -> None:
    cloud = Cloud(base_url=ELSEWHERE)
    cloud.standin.troubles.add(rate_limited(86_394, times=1))
    first = await refused(cloud.source().sums(LAST_HOUR))
    assert first.retry_after_s == 86_394
    await cloud.clock.sleep(3_600)
    cloud.restart()
    source = cloud.source()
    error = await refused(source.sums(LAST_HOUR))
    assert error.retry_after_s == 86_394 - 3_600
    assert str(error) == "Langfuse asked to send no more requests for sums; it goes on at 2026-11-23 14:14:54 UTC"
    assert len(cloud.standin.log) == 1
    await source.walk(PAST).next_page()
    await cloud.clock.sleep(86_394 - 3_600)
    await source.sums(LAST_HOUR)
    assert [seen.status for seen in cloud.standin.requests("metrics")] == [429, 200]


@played
async def test_a_short_wait_that_was_asked_for_is_simply_waited() -> None:
    cloud = Cloud()
    cloud.standin.troubles.add(rate_limited(58))
    walk = cloud.source().walk(PAST)
    assert (await refused(walk.next_page())).retry_after_s == 58
    await walk.next_page()
    assert cloud.clock.monotonic() == 58


@played
async def test_used_up_sums_do_not_keep_a_start_from_finding_its_api() -> None:
    cloud = Cloud()
    for _ in range(48):
        await cloud.source().sums(LAST_HOUR)
    assert (await cloud.source(api="").identify()).api == "v2"


@played
async def test_who_queues_for_more_than_a_minute_is_told_so() -> None:
    cloud = Cloud()
    source = cloud.source()
    results = await asyncio.gather(
        *(source.walk(PAST, priority=HISTORY).next_page() for _ in range(30)), return_exceptions=True
    )
    assert [isinstance(result, Retryable) for result in results] == [False] * 22 + [True] * 8
    assert "15 requests for observations a minute" in str(results[-1])
    assert cloud.clock.monotonic() < 61.5


# ------------------------------------------------------------ the gate by itself


def gate(clock: VirtualClock, memory: Notebook | None = None) -> RateGate:
    return RateGate(
        "host|org",
        policy=policy_for("cloud.langfuse.com"),
        memory=memory or Notebook(),
        run=InlineRunner(),
        clock=clock,
    )


@played
async def test_a_live_poll_that_waits_goes_before_history_that_came_first() -> None:
    clock = VirtualClock(NOW_MS)
    door = gate(clock)
    went: list[Priority] = []

    async def go(priority: Priority) -> None:
        await door.wait("v2_observations", priority)
        went.append(priority)

    await asyncio.gather(*(go(LIVE) for _ in range(15)))
    await asyncio.gather(*(go(p) for p in (RECONCILE, HISTORY, HISTORY, LIVE, LIVE)))
    assert went[15:] == [LIVE, LIVE, HISTORY, HISTORY, RECONCILE]


@played
async def test_a_wait_that_is_cancelled_counts_nothing_and_blocks_nobody() -> None:
    clock = VirtualClock(NOW_MS)
    door = gate(clock)
    for _ in range(15):
        await door.wait("v2_observations", LIVE)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(30):
            await door.wait("v2_observations", LIVE)
    assert clock.monotonic() == 30
    for _ in range(15):
        await door.wait("v2_observations", LIVE)
    assert clock.monotonic() < 61


@played
async def test_endpoints_without_a_limit_never_wait() -> None:
    clock, memory = VirtualClock(NOW_MS), Notebook()
    door = gate(clock, memory)
    for _ in range(1000):
        await door.wait("projects", LIVE)
        await door.wait("health", LIVE)
    assert (clock.monotonic(), memory.saves) == (0, 0)


@played
async def test_what_was_sent_is_remembered_twice_a_minute_at_most_and_at_the_end() -> None:
    clock, memory = VirtualClock(NOW_MS), Notebook()
    door = gate(clock, memory)
    for _ in range(150):
        await door.wait("v2_observations", LIVE)
    assert 9 < clock.monotonic() / 60 < 10
    assert memory.saves <= 20
    await door.save()
    again = gate(clock, memory)
    began = clock.monotonic()
    await again.wait("v2_observations", LIVE)
    assert clock.monotonic() - began > 30, "the requests of the run before still count"


@played
async def test_a_host_without_limits_costs_no_write() -> None:
    cloud = Cloud(base_url="http://langfuse.internal:3000")
    for _ in range(20):
        await cloud.source().walk(PAST).next_page()
    await cloud.gates.save()
    assert (cloud.memory.saves, cloud.clock.monotonic()) == (0, 0)


@played
async def test_a_memory_that_cannot_be_read_or_written_stops_no_reading() -> None:
    clock, memory = VirtualClock(NOW_MS), Notebook({"host|org": '{"classes":{"of another version":1}}'})
    await gate(clock, memory).wait("v2_observations", LIVE)
    memory.busy = True
    door = gate(clock, memory)
    await door.limited("v2_metrics", limit=100, retry_after_s=3_000)
    assert (await refused(door.wait("v2_metrics", RECONCILE))).retry_after_s == 3_000
    memory.busy = False
    await door.wait("v2_observations", LIVE)
    assert (await refused(gate(clock, memory).wait("v2_metrics", RECONCILE))).retry_after_s == 3_000


@played
async def test_sums_for_budgets_are_asked_for_as_often_as_half_of_the_share_allows() -> None:
    """48 requests for sums a day on the Hobby plan: one an hour, so that as many are left to reconcile with."""
    assert await Cloud([]).source().sums_pace_s() == 3600
    assert await Cloud([], base_url=ELSEWHERE).source().sums_pace_s() == 0

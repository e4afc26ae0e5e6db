"""The oracle itself: it must know when a period begins and what was due, and see each kind of fault when shown one."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from tests.dst.author import write
from tests.dst.history import PICO, Budget, Call, Destination, Fault, History, Limit, Override, Version
from tests.dst.oracle import Row, judge
from tests.dst.shrink import shrunk
from tests.dst.simulation import Seen
from tests.dst.telling import Judgement, steps_of
from tests.dst.truth import limits_of, newest, period_of
from tests.dst.verdict import Outcome


class Took(NamedTuple):
    at_ms: int
    destination: str
    id: str
    body: str
    told: bool = True


BEGINS_MS = int(datetime(2026, 11, 17, 8, tzinfo=UTC).timestamp()) * 1000
NOON_MS = BEGINS_MS + 4 * 3_600_000


def _version(start_ms: int, usd: int, **other: Any) -> Version:
    made = Version(start_ms, start_ms + 1, start_ms + 1000, usd * PICO, 10, "chat", "growth", "ann", "gpt-4o")
    return made._replace(**other)


def _history(*versions: Version) -> History:
    """One budget of ten dollars a day, one receiver, one call."""
    return replace(
        write(1, faults=False),
        begins_ms=BEGINS_MS,
        calm_ms=NOON_MS + 3_600_000,
        ends_ms=NOON_MS + 7_200_000,
        zone="UTC",
        poll_s=60,
        projects=("shop",),
        cloud=False,
        budgets=(Budget("daily", "day", (Limit(0, 10 * PICO),)),),
        spikes=(),
        destinations=(Destination("hook"),),
        calls=(Call("shop", "a" * 32, "b" * 16, versions),) if versions else (),
    )


def _row(cost: int = 11, start_ms: int = NOON_MS) -> Row:
    return Row("shop", "a" * 32, "b" * 16, start_ms, cost * PICO, 10, False, "chat", "growth", "ann", "gpt-4o")


def _message(id_: str = "one", share: float = 1.0, at_ms: int = NOON_MS + 30_000, reason: str = "opened") -> Took:
    day = datetime(2026, 11, 17, tzinfo=UTC)
    notice = {
        "incident_id": "x",
        "kind": "budget",
        "rule": "daily",
        "key": {},
        "period": {"label": "day:2026-11-17", "start": day.isoformat(), "end": day.replace(day=18).isoformat()},
        "reason": reason,
        "severity": "critical" if share >= 1 else "warning",
        "threshold": share,
        "unit": "usd",
        "limit": "10.00",
        "timing": "live",
        "at": datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(),
    }
    return Took(
        at_ms, "hook", id_, json.dumps({"type": "fusewatch.notices", "data": {"notices": [notice], "gap": None}})
    )


ONE = _version(NOON_MS, 11)


def _judged(received: list[Took], ledger: list[Row], crashes: tuple[int, ...] = ()) -> Judgement:
    return judge(_history(ONE), ledger, received, (), crashes)


def test_what_was_due_and_came_in_time_is_right() -> None:
    found = _judged([_message()], [_row()])
    assert found.wrong == []
    assert (found.due, found.sent, found.timely) == (1, 1, 2)


@pytest.mark.parametrize(
    ("received", "ledger", "says"),
    [
        ([], [_row()], "never told"),
        ([_message(share=0.8)], [_row()], "never told"),
        ([_message(at_ms=NOON_MS + 90_000)], [_row()], "told late"),
        ([_message(), _message("two", share=2.0)], [_row()], "undue"),
        ([_message(at_ms=NOON_MS - 1)], [_row()], "undue"),
        ([_message(), _message("two")], [_row()], "announced twice"),
        ([_message(), _message(at_ms=NOON_MS + 60_000)], [_row()], "got one at"),
        ([_message(), _message("two", reason="resolved")], [_row()], "nothing was corrected"),
        ([_message()], [], "ledger misses"),
        ([_message()], [_row(), _row()], "never spent"),
        ([_message()], [_row(cost=12)], "never spent"),
    ],
)
def test_each_kind_of_wrong_is_seen(received: list[Took], ledger: list[Row], says: str) -> None:
    assert any(says in line for line in _judged(received, ledger).wrong)


@pytest.mark.parametrize(
    ("override", "received", "says"),
    [
        (Override("chat", None), [], ""),
        (Override("c*", None), [_message()], "the limit was never"),
        (Override("chat", 20 * PICO), [], ""),
        (Override("chat", 5 * PICO, "2026-11-18"), [], "never told"),
        (Override("chat", 5 * PICO, "2026-11-17"), [_message()], ""),
        (Override("search", None), [], "never told"),
    ],
)
def test_a_key_may_have_another_limit_or_none(override: Override, received: list[Took], says: str) -> None:
    history = _history(ONE)
    budget = replace(history.budgets[0], each=("feature",), overrides=(override,))
    keyed = [
        message._replace(body=message.body.replace('"key": {}', '"key": {"feature": "chat"}')) for message in received
    ]
    found = judge(replace(history, budgets=(budget,)), [_row()], keyed, (), ())
    assert any(says in line for line in found.wrong) if says else found.wrong == []


def test_another_limit_holds_until_a_local_day_begins() -> None:
    history = replace(_history(), zone="Europe/Berlin", ends_ms=NOON_MS + 90_000_000)
    edited = Limit(NOON_MS + 86_400_000, 30 * PICO)
    overrides = (Override("chat", 20 * PICO, "2026-11-18"), Override("c*", None), Override("cod*", 7 * PICO))
    budget = Budget("daily", "day", (Limit(0, 10 * PICO), edited), each=("feature",), overrides=overrides)
    midnight = Limit(int(datetime(2026, 11, 17, 23, tzinfo=UTC).timestamp()) * 1000, 10 * PICO)
    assert limits_of(history, budget, ("chat",)) == (Limit(0, 20 * PICO), midnight, edited)
    assert limits_of(history, budget, ("coding",)) == (Limit(0, 0),)
    assert limits_of(history, budget, ("search",)) == budget.limits


def test_a_crash_or_a_lost_answer_explains_a_repeat() -> None:
    again = _message(at_ms=NOON_MS + 60_000)
    assert _judged([_message(), again], [_row()], crashes=(NOON_MS + 31_000,)).excused == 1
    assert _judged([_message()._replace(told=False), again], [_row()]).excused == 1


def test_what_was_crossed_long_before_the_start_is_told_after_the_first_load() -> None:
    start_ms = BEGINS_MS - 6 * 3_600_000
    history, row = _history(_version(start_ms, 11)), _row(start_ms=start_ms)
    assert judge(history, [row], [_message(at_ms=BEGINS_MS + 61_000)], (), ()).wrong == []
    assert judge(history, [row], [], (), ()).lost == 1


def _outage(at_ms: int, until_ms: int | None = None) -> Took:
    gap = {"project": "shop", "since": _utc(NOON_MS + 3_600_000), "until": until_ms and _utc(until_ms)}
    data = {"severity": "critical", "notices": [], "gap": gap}
    type_ = "fusewatch.readable" if until_ms else "fusewatch.unreadable"
    return Took(at_ms, "hook", f"gap {at_ms}", json.dumps({"type": type_, "timestamp": _utc(at_ms), "data": data}))


def _utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def test_an_outage_is_told_after_a_quarter_of_an_hour_and_so_is_its_end() -> None:
    down_ms, up_ms = NOON_MS + 3_600_000, NOON_MS + 2 * 3_600_000
    calm_ms, ends_ms = up_ms + 3_600_000, up_ms + 2 * 3_600_000
    fault = Fault("langfuse", down_ms, up_ms, 100, "down")
    history = replace(_history(ONE), faults=(fault,), calm_ms=calm_ms, ends_ms=ends_ms)
    begun, over = _outage(down_ms + 16 * 60_000), _outage(up_ms + 30_000, up_ms)

    def wrong(*told: Took) -> list[str]:
        return judge(history, [_row()], [_message(), *told], (), ()).wrong

    assert wrong(begun, over) == []
    assert any("not told by" in line for line in wrong(_outage(down_ms + 40 * 60_000), over))
    assert any("its end was never told" in line for line in wrong(begun))
    assert any("Langfuse answered" in line for line in wrong(begun, over, _outage(ends_ms)))


def test_the_last_update_wins_and_then_the_dearest() -> None:
    first = _version(NOON_MS, 1)
    assert newest([first, first._replace(cost_pico=5, updated_ms=NOON_MS + 2)]).cost_pico == 5
    assert newest([first, first._replace(cost_pico=2 * PICO)]).cost_pico == 2 * PICO


@pytest.mark.parametrize(
    ("zone", "at", "hours"),
    [
        ("Europe/Berlin", "2026-10-25T12:00Z", 25),
        ("Europe/Berlin", "2026-03-29T12:00Z", 23),
        ("Australia/Lord_Howe", "2026-10-04T02:00Z", 23.5),
        ("America/Havana", "2026-03-08T12:00Z", 23),
        ("UTC", "2026-12-31T23:00Z", 24),
    ],
)
def test_a_local_day_is_as_long_as_its_clocks_make_it(zone: str, at: str, hours: float) -> None:
    at_ms = int(datetime.fromisoformat(at).timestamp()) * 1000
    start_ms, end_ms = period_of("day", zone, at_ms)
    assert start_ms <= at_ms < end_ms
    assert (end_ms - start_ms) / 3_600_000 == hours


@pytest.mark.parametrize(
    ("zone", "at", "begins", "ends"),
    [
        ("Europe/Berlin", "2026-10-25T00:30Z", "2026-10-25T00:00Z", "2026-10-25T01:00Z"),  # 02:30, for the first time
        ("Asia/Kolkata", "2026-11-18T00:45Z", "2026-11-18T00:30Z", "2026-11-18T01:30Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:45Z", "2026-10-03T14:30Z", "2026-10-03T16:00Z"),  # 01:00 to 03:00
        ("Australia/Lord_Howe", "2026-04-04T15:15Z", "2026-04-04T14:00Z", "2026-04-04T15:30Z"),  # 01:00 to 02:00
    ],
)
def test_an_hour_lasts_from_a_full_hour_of_the_clock_to_the_next(zone: str, at: str, begins: str, ends: str) -> None:
    at_ms, *hour = (int(datetime.fromisoformat(each).timestamp()) * 1000 for each in (at, begins, ends))
    assert list(period_of("hour", zone, at_ms)) == hour


def test_thresholds_are_reached_at_their_share_and_doublings_follow() -> None:
    budget = Budget("daily", "day", (Limit(0, 100),))
    assert steps_of(budget, 100, 79) == [(Fraction(1, 2), 0)]
    assert [float(share) for share, _ in steps_of(budget, 100, 400)] == [0.5, 0.8, 1, 2, 4]


def test_what_fails_shrinks_to_what_it_takes() -> None:
    """A made-up simulation that fails when its third fault and its fifth call are there."""
    history = write(3)
    fault, call = history.faults[2], history.calls[4]

    def run(tried: History) -> Outcome:
        judged = Judgement()
        if fault in tried.faults and call in tried.calls:
            judged.complain(f"lost after {len(tried.faults)} faults")
        return Outcome(tried, Seen(tried, [], [], []), judged)

    least = shrunk(run(history), run=run, most_runs=400)
    assert least.history.faults == (fault,)
    assert least.history.calls == (call,)

"""Judges what a history came to: which notices were due, when, and what the ledger must hold.

It shares no code with the product and imports nothing of it: plain integers and zoneinfo, written from what the budget
file promises.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from tests.dst.history import HOUR_MS, MINUTE_MS, SECOND_MS, Budget, Destination, History, Limit
from tests.dst.otherrules import judge_restraint, judge_spike, judge_watches, judge_window
from tests.dst.telling import SEVERITY, Judgement, Told, Took, notices_of, steps_of
from tests.dst.truth import Curve, Place, Sums, limits_of, newest, sums_of

GRACE_MS = 3 * SECOND_MS
"""For the requests and the sending itself, beside a poll interval."""
CALM_MS = 45 * MINUTE_MS
"""How long after a trouble nothing is expected to be in time: pauses have grown, gaps are read first."""
FIRST_LOAD_MS = 20 * MINUTE_MS


class Row(NamedTuple):
    """One generation that counts, as the ledger holds it."""

    project: str
    trace_id: str
    id: str
    start_ms: int
    cost_pico: int
    tokens: int
    unpriced: bool
    feature: str
    team: str
    user: str
    model: str


def judge(
    history: History,
    ledger: Sequence[Row],
    received: Sequence[Took],
    off: Sequence[tuple[int, int]],
    crashes: Sequence[int],
) -> Judgement:
    """`off`: when no process ran; `crashes`: when one was killed."""
    found = Judgement()
    _judge_ledger(history, ledger, found)
    told = list(notices_of(history, received))
    _judge_repeats(received, crashes, found)
    troubled = _troubled(history, off)
    for budget in history.budgets:
        of_rule = [t for t in told if t.rule == budget.name and t.kind == "budget"]
        if budget.every.startswith("last:"):
            judge_window(history, budget, of_rule, found)
        else:
            _judge_budget(history, budget, of_rule, troubled, found)
    for spike in history.spikes:
        judge_spike(history, spike, [t for t in told if t.rule == spike.name], found)
    judge_watches(history, told, off, found)
    judge_restraint(history, told, found)
    return found


# ---------------------------------------------------------------- the ledger


def _judge_ledger(history: History, ledger: Sequence[Row], found: Judgement) -> None:
    due: Counter[Row] = Counter()
    for call in history.calls:
        version = newest(call.versions)
        due[
            Row(
                call.project,
                call.trace_id,
                call.id,
                version.start_ms,
                version.cost_pico or 0,
                version.tokens,
                version.cost_pico is None,
                version.feature or "unknown",
                version.team or "unknown",
                version.user or "unknown",
                version.model,
            )
        ] += 1
    held = Counter(ledger)
    for row, many in ((held - due) + Counter()).items():
        found.complain(f"ledger holds what was never spent, {many} times: {row}")
    for row, many in (due - held).items():
        found.complain(f"ledger misses {many} times: {row}")
    found.ledger = sum((held - due).values()) + sum((due - held).values())


# ---------------------------------------------------------------- messages


def _judge_repeats(received: Sequence[Took], crashes: Sequence[int], found: Judgement) -> None:
    """A message comes twice only when the answer to the first was lost, or the process ended before it noted it."""
    earlier: dict[tuple[str, str], Took] = {}
    for message in received:
        name = (message.destination, message.id or message.body)
        before = earlier.get(name)
        earlier[name] = message
        found.sent += before is None
        if before is None:
            continue
        killed = any(before.at_ms <= crash <= message.at_ms for crash in crashes)
        if not before.told or killed:
            found.excused += 1
        else:
            found.doubled += 1
            found.complain(f"{message.destination} got {name[1][:80]} at {before.at_ms} and at {message.at_ms}")


# ---------------------------------------------------------------- budgets


def _troubled(history: History, off: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """When nobody can expect a notice in time."""
    spans = [(history.begins_ms, history.begins_ms + FIRST_LOAD_MS), *off]
    for fault in history.faults:
        if not fault.kind.startswith(("receiver", "crash", "stop")):
            spans.append((fault.at_ms, max(fault.until_ms, fault.at_ms)))
    return [(from_ms - MINUTE_MS, to_ms + CALM_MS) for from_ms, to_ms in spans]


def _judge_budget(
    history: History, budget: Budget, told: Sequence[Told], troubled: Sequence[tuple[int, int]], found: Judgement
) -> None:
    sums = sums_of(history, budget)
    by_place: defaultdict[Place, list[Told]] = defaultdict(list)
    for notice in told:
        by_place[notice.key, notice.period].append(notice)
    for place, notices in by_place.items():
        _judge_undue(limits_of(history, budget, place[0]), budget, place, sums.get(place, Sums()), notices, found)
    for place, of_place in sums.items():
        if place[1][1] <= history.begins_ms:
            continue
        for destination in history.destinations:
            if destination.kind == "webhook":
                heard = [n for n in by_place.get(place, []) if n.destination == destination.name]
                _judge_due(history, budget, place, of_place, destination, heard, troubled, found)


def _judge_undue(
    held: Sequence[Limit], budget: Budget, place: Place, sums: Sums, notices: Sequence[Told], found: Judgement
) -> None:
    limits = {limit.amount for limit in held} - {0}
    announced: dict[tuple[str, Fraction, int], int] = {}
    for notice in sorted(notices, key=lambda n: n.at_ms):
        what = f"{notice.rule} {notice.key} {notice.label} {float(notice.share):.0%} to {notice.destination}"
        if notice.reason == "resolved":
            announced = {k: v for k, v in announced.items() if k[0] != notice.destination}
            if not sums.wavers and len(limits) == 1:
                found.complain(f"{what}: resolved, though nothing was corrected")
            continue
        if notice.reason not in ("opened", "escalated"):
            found.complain(f"{what}: {notice.reason}")
            continue
        if notice.limit not in limits:
            found.complain(f"{what}: the limit was never {notice.limit}")
        first = sums.most.first_at_least(-int(-notice.share * notice.limit // 1))
        if first is None or first > notice.at_ms:
            found.complain(f"{what} at {notice.at_ms}: undue, {sums.most.at(notice.at_ms)} of {notice.limit}")
        legitimate = {Fraction(p, 100) for p in budget.thresholds}
        if notice.share not in legitimate and (notice.share.denominator != 1 or notice.share < 2):
            found.complain(f"{what}: no such threshold")
        name = (notice.destination, notice.share, notice.limit)
        if name in announced:
            found.complain(f"{what} of {notice.limit}: announced twice, at {announced[name]} and {notice.at_ms}")
        announced[name] = notice.at_ms


def _judge_due(
    history: History,
    budget: Budget,
    place: Place,
    sums: Sums,
    destination: Destination,
    heard: Sequence[Told],
    troubled: Sequence[tuple[int, int]],
    found: Judgement,
) -> None:
    limits = limits_of(history, budget, place[0])
    at_first = [one.amount for one in limits if one.at_ms <= place[1][0]][-1]
    limit = [one.amount for one in limits if one.at_ms < place[1][1]][-1]
    if not limit or limits[-1].at_ms > history.ends_ms - 10 * MINUTE_MS:
        return
    edited = any(place[1][0] <= one.at_ms < place[1][1] + 2 * HOUR_MS for one in budget.limits[1:])
    edited |= 0 < at_first < limit
    if edited:
        limit = max(one.amount for one in limits)
    least = SEVERITY[destination.least]
    due = [share for share, severity in steps_of(budget, limit, sums.true.last()) if severity >= least]
    if not due:
        return
    what = f"{budget.name} {place[0]} {place[1][0]} to {destination.name}"
    found.due += 1
    told = [n for n in heard if n.reason in ("opened", "escalated")]
    # A limit that was raised arms silently only what lies above the share that it leaves.
    if not (told if edited else any(n.share * n.limit >= due[-1] * limit for n in told)):
        if not _excused(history, budget, place, destination):
            found.lost += 1
            found.complain(f"{what}: {float(due[-1]):.0%} of {limit} never told, {sums.true.last()}: {heard}")
        return
    if not edited and limit == at_first:
        _judge_timing(history, what, limit, due, sums.least, place, destination, told, troubled, found)


def _excused(history: History, budget: Budget, place: Place, destination: Destination) -> bool:
    """Whether a silence or quiet hours may have outlived the period."""
    return destination.quiet is not None or any(
        fault.at_ms < place[1][1] + 5 * HOUR_MS and fault.until_ms + HOUR_MS >= place[1][1]
        for fault in history.of("silence")
    )


def _judge_timing(
    history: History,
    what: str,
    limit: int,
    due: Sequence[Fraction],
    known: Curve,
    place: Place,
    destination: Destination,
    told: Sequence[Told],
    troubled: Sequence[tuple[int, int]],
    found: Judgement,
) -> None:
    """Where nothing hindered: whoever polls knew of the crossing after one interval, and it was sent at once."""
    if destination.quiet is not None or history.of("silence", f"receiver {destination.name}"):
        return
    for share in due:
        amount = -int(-share * limit // 1)
        first = known.first_at_least(amount)
        if first is None or not place[1][0] <= first < place[1][1] or known.least_between(first, 2**62) < amount:
            continue
        first = max(first, history.begins_ms)
        by_ms = first + GRACE_MS
        if any(from_ms <= by_ms and first - history.poll_s * 6000 <= to_ms for from_ms, to_ms in troubled):
            continue
        if not any(n.share >= share and n.at_ms <= by_ms for n in told):
            times = [(float(n.share), n.at_ms) for n in told]
            found.complain(f"{what}: {float(share):.0%} known by {first}, told late: {times}")
        else:
            found.timely += 1

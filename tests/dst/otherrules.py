"""The oracle's opinion of rolling windows, spikes, watches, silences and quiet hours."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.dst.history import HOUR_MS, MINUTE_MS, SECOND_MS, Budget, Fault, History, Spike
from tests.dst.telling import SEVERITY, Judgement, Told, steps_of
from tests.dst.truth import Key, Sums, limits_of, period_of, sums_of

CELL_MS = 15 * MINUTE_MS
UNREADABLE_MS = 15 * MINUTE_MS
_HARD = frozenset({"down", "5xx", "html", "hang"})
OPENING = ("opened", "escalated")


# ---------------------------------------------------------------- rolling windows


def judge_window(history: History, budget: Budget, told: Sequence[Told], found: Judgement) -> None:
    """A window moves in quarter hours, so a reader may have a quarter more or less in it than a wall clock says."""
    length_ms = int(budget.every.removeprefix("last:")) * HOUR_MS
    cells: defaultdict[Key, list[tuple[int, Sums]]] = defaultdict(list)
    for (key, (start_ms, _)), sums in sums_of(history, budget).items():
        cells[key].append((start_ms, sums))
    for notice in told:
        if notice.reason not in OPENING or notice.type == "summary":
            continue  # a summary tells of a crossing in the hours that held it back, when the window lay elsewhere
        from_ms, to_ms = notice.period
        if notice.limit not in {limit.amount for limit in limits_of(history, budget, notice.key)}:
            found.complain(f"{notice.rule} {notice.key} at {notice.at_ms}: the limit was never {notice.limit}")
        inside = [s for at_ms, s in cells[notice.key] if from_ms - CELL_MS <= at_ms < to_ms + CELL_MS]
        if sum(s.most.at(notice.at_ms) for s in inside) < notice.share * notice.limit:
            found.complain(f"{notice.rule} {notice.key} {float(notice.share):.0%} at {notice.at_ms}: undue")
    if history.of("silence"):
        return
    for key, of_key in cells.items():
        limits = limits_of(history, budget, key)
        if len(limits) > 1 or not limits[0].amount:
            continue
        reached = _long_above(history, limits[0].amount, of_key, length_ms, budget)
        for destination in history.destinations:
            due = [share for share, severity in reached if severity >= SEVERITY[destination.least]]
            if not due or destination.kind != "webhook" or destination.quiet is not None:
                continue
            found.due += 1
            heard = [n for n in told if n.key == key and n.destination == destination.name and n.reason in OPENING]
            if not any(n.share >= due[-1] for n in heard):
                found.lost += 1
                found.complain(f"{budget.name} {key} to {destination.name}: {float(due[-1]):.0%} never told")


def _long_above(
    history: History, limit: int, cells: Sequence[tuple[int, Sums]], length_ms: int, budget: Budget
) -> list[tuple[Fraction, int]]:
    """The thresholds that were passed, by what was surely known, for an hour on end after the first load."""
    spans = [(f.at_ms - MINUTE_MS, max(f.until_ms, f.at_ms) + HOUR_MS) for f in history.faults]
    reached: list[tuple[Fraction, int]] = []
    run: list[int] = []
    at_ms = history.begins_ms // CELL_MS * CELL_MS + 2 * CELL_MS
    while at_ms < history.ends_ms - HOUR_MS:
        inside = [s for start_ms, s in cells if at_ms - length_ms + CELL_MS <= start_ms < at_ms - CELL_MS]
        quiet = not any(from_ms <= at_ms <= to_ms for from_ms, to_ms in spans)
        run = [*run[-4:], sum(s.least.at(at_ms) for s in inside)] if quiet else []
        if len(run) == 5:
            steps = steps_of(budget, limit, min(run))
            reached = steps if len(steps) > len(reached) else reached
        at_ms += CELL_MS
    return reached


# ---------------------------------------------------------------- spikes


def judge_spike(history: History, spike: Spike, told: Sequence[Told], found: Judgement) -> None:
    """Today so far against the mean of the days before, since the key's first spend."""
    as_budget = Budget(spike.name, "day", (), each=spike.each)
    days = sums_of(history, as_budget)
    keys = {key for key, _ in days}
    for key in keys:
        of_key = {period: sums for (k, period), sums in days.items() if k == key}
        first = min(of_key)
        today = period_of("day", history.zone, history.begins_ms)
        while today[0] < history.ends_ms:
            before = list(_days_before(history.zone, today, first, spike.days))
            _judge_day(history, spike, key, today, before, of_key, told, found)
            today = period_of("day", history.zone, today[1])


def _days_before(zone: str, today: tuple[int, int], first: tuple[int, int], most: int) -> Iterator[tuple[int, int]]:
    day = today
    for _ in range(most):
        day = period_of("day", zone, day[0] - 1)
        if day < first:
            return
        yield day


def _judge_day(
    history: History,
    spike: Spike,
    key: Key,
    today: tuple[int, int],
    before: Sequence[tuple[int, int]],
    sums: Mapping[tuple[int, int], Sums],
    told: Sequence[Told],
    found: Judgement,
) -> None:
    none = Sums()
    here = [n for n in told if n.key == key and n.period == today and n.reason in OPENING]
    spent = sums.get(today, none)
    for notice in here:
        low = sum(sums.get(day, none).least.at(notice.at_ms) for day in before)
        most = spent.most.at(notice.at_ms)
        mean = Fraction(low, max(1, len(before)))
        fires = most > notice.share * spike.factor * mean and most - mean >= spike.floor_pico
        if len(before) < spike.at_least or not fires:
            found.complain(f"{spike.name} {key} {notice.label} at {notice.at_ms}: undue, {most} against {mean}")
    high = sum(sums.get(day, none).most.last() for day in before)
    least = spent.least.last()
    mean = Fraction(high, max(1, len(before)))
    if len(before) < spike.at_least or least - mean < spike.floor_pico or history.of("silence"):
        return
    for destination in history.destinations:
        share = 2 if destination.least == "critical" else 1
        if destination.kind != "webhook" or destination.quiet is not None or least <= share * spike.factor * mean:
            continue
        found.due += 1
        if not any(n.destination == destination.name and n.share >= share for n in here):
            found.lost += 1
            found.complain(f"{spike.name} {key} {today[0]} to {destination.name}: {least} against {mean} never told")


# ---------------------------------------------------------------- watches


def judge_watches(history: History, told: Sequence[Told], off: Sequence[tuple[int, int]], found: Judgement) -> None:
    """An outage that nothing interrupts is told after a quarter of an hour, and its end; nothing else is watched here
    that may happen."""
    for notice in told:
        if notice.kind in ("budget", "spike", "unreadable"):
            continue
        found.complain(f"{notice.kind} {notice.key} at {notice.at_ms}: undue")
    hinder = history.of("langfuse", "disk", "skew", "crash")
    troubled = [(f.at_ms, max(f.until_ms, f.at_ms)) for f in hinder] + list(off)
    unreadable = [n for n in told if n.kind == "unreadable"]
    for notice in unreadable:
        since = notice.at_ms - UNREADABLE_MS - HOUR_MS
        if notice.reason in OPENING and not any(a <= notice.at_ms and since <= b for a, b in troubled):
            found.complain(f"unreadable {notice.key} at {notice.at_ms}: Langfuse answered")
    for fault in history.of("langfuse"):
        if fault.text in _HARD and fault.number == 100 and not history.of("silence"):
            _judge_outage(history, fault, unreadable, off, found)


def _judge_outage(
    history: History, fault: Fault, told: Sequence[Told], off: Sequence[tuple[int, int]], found: Judgement
) -> None:
    by_ms = fault.at_ms + UNREADABLE_MS + (history.poll_s + 2 * history.tick_s) * SECOND_MS + MINUTE_MS
    others = [(f.at_ms, f.until_ms) for f in history.of("langfuse", "disk", "skew") if f is not fault]
    others += [*off, (history.begins_ms, history.begins_ms + 20 * MINUTE_MS)]
    if by_ms > fault.until_ms or any(a <= by_ms and fault.at_ms - 2 * HOUR_MS <= b for a, b in others):
        return
    if history.of("receiver hook"):
        return
    for name in history.projects:
        found.due += 1
        mine = [n for n in told if n.destination == "hook" and name in n.key]
        if not any(n.reason in OPENING and fault.at_ms <= n.at_ms <= by_ms for n in mine):
            found.lost += 1
            found.complain(f"outage of {name} at {fault.at_ms}: not told by {by_ms}: {[n.at_ms for n in mine]}")
        if not any(n.reason == "resolved" and n.at_ms >= fault.until_ms for n in mine):
            found.lost += 1
            found.complain(f"outage of {name} at {fault.at_ms}: its end was never told")


# ---------------------------------------------------------------- what holds a notice back


def judge_restraint(history: History, told: Sequence[Told], found: Judgement) -> None:
    """Silences, quiet hours, and the least severity that a destination is told of."""
    destinations = {destination.name: destination for destination in history.destinations}
    each = {budget.name: dict(budget.where) for budget in history.budgets}
    names: dict[str, tuple[str, ...]] = {b.name: b.each for b in history.budgets}
    names |= {s.name: s.each for s in history.spikes}
    steady = not history.of("skew")
    for notice in told:
        if notice.reason not in OPENING:
            continue
        what = f"{notice.rule} {notice.key} {notice.severity} made at {notice.made_ms} for {notice.destination}"
        destination = destinations[notice.destination]
        if SEVERITY[notice.severity] < SEVERITY[destination.least]:
            found.complain(f"{what}: below what it is told of")
        if steady and destination.quiet is not None and notice.severity != "critical" and notice.type == "notices":
            _judge_hours(history, destination.quiet, notice, what, found)
        labels = dict(zip(names.get(notice.rule, ()), notice.key, strict=False)) | each.get(notice.rule, {})
        for fault in history.of("silence"):
            name, _, value = fault.text.partition("=")
            meant = notice.rule if name == "rule" else labels.get(name)
            inside = fault.at_ms + 5 * SECOND_MS <= notice.made_ms < fault.until_ms - SECOND_MS
            if steady and meant == value and inside and not history.of("disk", "crash", "stop"):
                found.complain(f"{what}: silenced from {fault.at_ms} to {fault.until_ms}")


def _judge_hours(history: History, quiet: tuple[str, str], notice: Told, what: str, found: Judgement) -> None:
    local = datetime.fromtimestamp(notice.made_ms / 1000, ZoneInfo(history.zone))
    begin, finish = (time.fromisoformat(text) for text in quiet)
    late = (local - timedelta(minutes=2)).time()
    if late >= begin or local.time() < finish:
        found.complain(f"{what}: in quiet hours, {local}")

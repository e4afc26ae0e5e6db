"""From a seed to a history: dates, zones, rules, traffic with planted crossings, and everything that goes wrong."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.dst.history import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    PICO,
    SECOND_MS,
    Budget,
    Destination,
    Fault,
    History,
    Limit,
    Override,
    Spike,
)
from tests.dst.traffic import FEATURES, TEAMS, spend_of

PLACES = (
    ("UTC", "2026-11-17"),
    ("Europe/Berlin", "2026-10-23"),  # clocks go back on the 25th
    ("Europe/Berlin", "2026-03-27"),  # and forward on the 29th
    ("America/New_York", "2026-10-30"),  # back on November 1st, where a month begins as well
    ("Australia/Lord_Howe", "2026-10-02"),  # forward by half an hour on the 4th
    ("Asia/Kolkata", "2026-12-30"),
    ("America/Havana", "2026-03-06"),  # the 8th has no midnight
    ("Pacific/Auckland", "2026-04-03"),  # back on the 5th
)
"""Where and when histories begin: clock changes and ends of weeks, months and years lie ahead of most."""

_PRE_HISTORY = 5 * DAY_MS


def write(seed: int, *, faults: bool = True, hours: int = 0) -> History:
    """The history of a seed. Without `faults` the same traffic meets a world in which all is well; with `hours` the
    troubles last so long, in place of half a day to two."""
    dice = random.Random(f"history {seed}")
    zone, first = dice.choice(PLACES)
    day = datetime.fromisoformat(first).replace(tzinfo=ZoneInfo(zone))
    begins_ms = int(day.timestamp()) * SECOND_MS + dice.randrange(DAY_MS // SECOND_MS) * SECOND_MS
    lasting = dice.choice((12, 24, 24, 48))
    calm_ms = begins_ms + (hours or lasting) * HOUR_MS
    ends_ms = calm_ms + 7 * HOUR_MS
    projects = dice.choice((("shop",), ("shop",), ("shop", "labs")))
    poll_s = dice.choice((60, 300, 300))
    cloud = dice.random() < 0.5
    mode = "cloud" if cloud else dice.choice(("dual", "events_only"))
    upgrades: tuple[Fault, ...] = ()
    if not cloud and faults:
        mode, upgrades = _deployment(random.Random(f"deployment {seed}"), mode, begins_ms, calm_ms)
    budgets = _budgets(dice, zone, begins_ms, calm_ms, edits=faults)
    budgets = _with_overrides(random.Random(f"overrides {seed}"), budgets, day)
    calls = spend_of(
        random.Random(f"traffic {seed}"),
        projects,
        begins_ms - _PRE_HISTORY,
        begins_ms,
        calm_ms,
        ends_ms,
        moves=not mode.startswith("legacy"),
    )
    wrong = _faults(dice, begins_ms, calm_ms, budgets) if faults else ()
    return History(
        seed=seed,
        begins_ms=begins_ms,
        calm_ms=calm_ms,
        ends_ms=ends_ms,
        zone=zone,
        mode=mode,
        cloud=cloud,
        poll_s=poll_s,
        tick_s=dice.choice((60, 300, 300)),
        projects=projects,
        budgets=budgets,
        spikes=(Spike("twice", ("feature",), 2, days=4, at_least=3, floor_pico=5 * PICO),),
        destinations=_destinations(dice),
        calls=calls,
        faults=_in_order((*wrong, *upgrades)),
    )


def _deployment(dice: random.Random, mode: str, begins_ms: int, calm_ms: int) -> tuple[str, tuple[Fault, ...]]:
    """Half of the servers of one's own stay what they are. A quarter read by v1 to the end; a quarter are upgraded on
    the way, over what an upgrade passes through, with the server away in between or not."""
    kind = dice.random()
    if kind < 0.5:
        return mode, ()
    if kind < 0.75:
        return "legacy", ()
    steps = dice.choice((("dual",), ("dual", "events_only"), ("legacy_optin", "dual", "events_only"), ("events_only",)))
    found = []
    for at_ms, step in zip(sorted(dice.randrange(begins_ms, calm_ms - HOUR_MS) for _ in steps), steps, strict=True):
        away_ms = dice.choice((0, 0, 30, 300, 1800)) * SECOND_MS
        found.append(Fault("upgrade", at_ms + away_ms, 0, 0, step))
        if away_ms:
            found.append(Fault("langfuse", at_ms, at_ms + away_ms, 100, dice.choice(("down", "5xx", "html"))))
    return "legacy", tuple(found)


def _in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda fault: (fault.at_ms, fault.kind)))


def _destinations(dice: random.Random) -> tuple[Destination, ...]:
    found = [
        Destination("hook"),
        Destination("pager", least="critical"),
        Destination("chat", kind="slack"),
    ]
    if dice.random() < 0.5:
        found.append(Destination("owls", quiet=("22:00", "07:00")))
    return tuple(found)


def _budgets(dice: random.Random, zone: str, begins_ms: int, calm_ms: int, *, edits: bool) -> tuple[Budget, ...]:
    def usd(low: int, high: int) -> tuple[Limit, ...]:
        amount = dice.randrange(low, high) * PICO
        limits = [Limit(0, amount)]
        if edits and dice.random() < 0.3:
            at_ms = dice.randrange(begins_ms + HOUR_MS, calm_ms - HOUR_MS)
            limits.append(Limit(at_ms, amount * dice.choice((1, 3, 4)) // dice.choice((1, 2))))
        return tuple(limits)

    other = dice.choice(("America/New_York", "Asia/Tokyo", zone))
    return (
        Budget("whole", "day", usd(40, 120)),
        Budget("features", "day", usd(8, 30), each=("feature",)),
        Budget("teams", "week", usd(30, 150), each=("team",), zone=other),
        Budget("month", "month", usd(200, 500), thresholds=(25, 50, 80, 100, 120)),
        Budget("hot-hour", "hour", usd(2, 8), where=(("feature", "search"),)),
        Budget("window", f"last:{dice.choice((3, 6, 24))}", usd(15, 60), each=("team",)),
        Budget("tokens", "day", (Limit(0, dice.randrange(200, 900) * 1000),), unit="tokens", each=("user",)),
        Budget("calls", "day", (Limit(0, dice.randrange(60, 300)),), unit="requests", each=("feature", "model")),
    )


def _with_overrides(dice: random.Random, budgets: tuple[Budget, ...], day: datetime) -> tuple[Budget, ...]:
    """In half of all histories some keys have limits of their own, for good or until one of the next days."""
    if dice.random() < 0.5:
        return budgets
    values = {"feature": (*FEATURES[:-1], "s*"), "team": (*TEAMS[:-1], "c*")}

    def other(budget: Budget, value: str) -> Override:
        amount = budget.limits[0].amount
        until = str((day + timedelta(days=dice.randrange(4))).date()) if dice.random() < 0.6 else ""
        return Override(value, dice.choice((None, amount // 2, amount * 2, amount * 3)), until)

    def overridden(budget: Budget) -> Budget:
        known = values.get(budget.each[0]) if budget.each else None
        if known is None or dice.random() < 0.3:
            return budget
        chosen = dice.sample(known, dice.randrange(1, 3))
        return replace(budget, overrides=tuple(other(budget, value) for value in chosen))

    return tuple(map(overridden, budgets))


def _faults(dice: random.Random, begins_ms: int, calm_ms: int, budgets: tuple[Budget, ...]) -> tuple[Fault, ...]:
    span = calm_ms - begins_ms

    def at() -> int:
        return begins_ms + 30 * MINUTE_MS + dice.randrange(span - HOUR_MS)

    def lasting(kind: str, shortest_s: int, longest_s: int, number: int = 0, text: str = "") -> Fault:
        start = at()
        seconds = int(shortest_s * (longest_s / shortest_s) ** dice.random())
        return Fault(kind, start, min(start + seconds * SECOND_MS, calm_ms), number, text)

    def times(most: int) -> int:
        """How often: in a third of all histories never, so that each trouble is met without the others, too."""
        return dice.randrange(1, most + 1) if dice.random() < 0.65 else 0

    found = [Fault("edit", limit.at_ms) for budget in budgets for limit in budget.limits[1:]]
    for _ in range(times(5)):
        kind = dice.choice(("down", "5xx", "html", "cut", "truncated", "slow", "late", "rows", "hang"))
        found.append(lasting("langfuse", 60, 5 * 3600, dice.choice((20, 60, 100)), kind))
    for _ in range(times(2)):
        found.append(lasting("langfuse", 60, 900, dice.choice((5, 45, 130)), "429"))
    for _ in range(times(4)):
        name = dice.choice(("hook", "pager", "chat", "owls"))
        kind = dice.choice(("down", "500", "429", "slow", "swallow", "cut", "error200"))
        found.append(lasting(f"receiver {name}", 30, 4 * 3600, dice.choice((30, 100)), kind))
    for _ in range(times(8)):
        found.append(
            Fault("crash", at(), 0, dice.randrange(1, 400), dice.choice(("before", "after", "request", "now")))
        )
    for _ in range(times(2)):
        found.append(Fault("stop", at(), 0, int(10 ** (4.2 * dice.random()))))
    if dice.random() < 0.4:
        found.append(lasting("disk", 30, 3600, dice.choice((10, 50, 100)), dice.choice(("full", "ioerr"))))
    for _ in range(times(2)):
        number = dice.choice((-3600, -600, -120, -20, 20, 120, 600, 3600)) * SECOND_MS
        found.append(lasting("skew", 60, 2 * 3600, number))
    if dice.random() < 0.4:
        found.append(lasting("bad_edit", 60, 6 * 3600, dice.randrange(3)))
    if dice.random() < 0.4:
        value = dice.choice(("feature=summary", "feature=search", "team=content", "rule=whole", "rule=features"))
        found.append(lasting("silence", 1800, 6 * 3600, 0, value))
    return _in_order(found)

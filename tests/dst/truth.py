"""What was truly spent, by when it could be known: sums of calls in periods, in plain Python from the history alone."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import accumulate
from zoneinfo import ZoneInfo

from tests.dst.history import HOUR_MS, MINUTE_MS, Budget, Call, History, Limit, Version

Key = tuple[str, ...]

QUICK_MS = 170_000
"""What starts at most so long before it can be read is seen by the next poll."""
SOON_MS = 14 * MINUTE_MS
"""And what starts so long before, by every fifth poll."""
SOMETIME_MS = 3 * HOUR_MS
"""Anything older is found by the hourly comparison, in an hour or in the next."""


def newest(versions: Sequence[Version]) -> Version:
    """Which of several versions is the truth: the last update, then the dearest, then the latest start."""
    return max(versions, key=lambda v: (v.updated_ms, v.cost_pico or 0, v.start_ms))


def counted(version: Version) -> bool:
    """Langfuse's own judges and experiments are in no rule."""
    return not version.environment.startswith("langfuse-") and version.environment != "sdk-experiment"


def value_of(call: Call, version: Version, dimension: str) -> str:
    return call.project if dimension == "project" else getattr(version, dimension) or "unknown"


def amount_of(version: Version, unit: str) -> int:
    match unit:
        case "tokens":
            return version.tokens
        case "requests":
            return 1
    return version.cost_pico or 0


def period_of(every: str, zone: str, at_ms: int) -> tuple[int, int]:
    """The calendar period that an instant lies in, half-open. Weeks begin on Monday."""
    if every == "hour":
        return _local_hour(ZoneInfo(zone), at_ms)
    place = ZoneInfo(zone)
    day = datetime.fromtimestamp(at_ms / 1000, place).date()
    if every == "week":
        day -= timedelta(days=day.weekday())
    if every == "month":
        day = day.replace(day=1)
    following = day + timedelta(days={"day": 1, "week": 7}.get(every, 32))
    if every == "month":
        following = following.replace(day=1)

    def begin(date: object) -> int:
        midnight = datetime.fromisoformat(f"{date}T00:00:00").replace(tzinfo=place)
        return round((midnight.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))

    return begin(day), begin(following)


def _local_hour(place: ZoneInfo, at_ms: int) -> tuple[int, int]:
    """From an instant at which a clock on the wall shows a full hour to the next one: where clocks change by half an
    hour, 90 minutes."""

    def shows_full_hour(ms: int) -> bool:
        return datetime.fromtimestamp(ms / 1000, place).minute == 0

    quarter = 15 * MINUTE_MS
    start = at_ms - at_ms % quarter
    while not shows_full_hour(start):
        start -= quarter
    end = start + quarter
    while not shows_full_hour(end):
        end += quarter
    return start, end


def limits_of(history: History, budget: Budget, key: Key) -> tuple[Limit, ...]:
    """The limits that hold for a key, each from when on; an amount of 0 is no limit."""
    for override in budget.overrides:
        if fnmatchcase(key[0], override.value):
            held = Limit(0, override.amount or 0)
            if not override.until:
                return (held,)
            zone = budget.zone or history.zone
            noon = datetime.fromisoformat(f"{override.until}T12:00:00").replace(tzinfo=ZoneInfo(zone))
            until_ms, _ = period_of("day", zone, int(noon.timestamp()) * 1000)
            if until_ms >= history.ends_ms:
                return (held,)
            after = Limit(until_ms, [one.amount for one in budget.limits if one.at_ms <= until_ms][-1])
            return (held, after, *(one for one in budget.limits if one.at_ms > until_ms))
    return budget.limits


@dataclass(slots=True)
class Curve:
    """A sum over time: changes, sorted when asked."""

    changes: list[tuple[int, int]] = field(default_factory=list)
    _times: list[int] = field(default_factory=list)
    _sums: list[int] = field(default_factory=list)

    def add(self, at_ms: int, change: int) -> None:
        if change:
            self.changes.append((at_ms, change))
            self._times = []

    def steps(self) -> list[tuple[int, int]]:
        """(from when, sum), rising in time."""
        if not self._times and self.changes:
            self.changes.sort()
            merged: dict[int, int] = {}
            for (at_ms, _), total in zip(self.changes, accumulate(c for _, c in self.changes), strict=True):
                merged[at_ms] = total
            self._times, self._sums = list(merged), list(merged.values())
        return list(zip(self._times, self._sums, strict=True))

    def at(self, at_ms: int) -> int:
        self.steps()
        index = bisect_right(self._times, at_ms)
        return self._sums[index - 1] if index else 0

    def last(self) -> int:
        self.steps()
        return self._sums[-1] if self._sums else 0

    def most(self) -> int:
        self.steps()
        return max(self._sums, default=0)

    def least_between(self, from_ms: int, to_ms: int) -> int:
        """The least that it is anywhere in the span, both ends included."""
        inside = [total for at_ms, total in self.steps() if from_ms < at_ms <= to_ms]
        return min([self.at(from_ms), *inside])

    def first_at_least(self, amount: int) -> int | None:
        return next((at_ms for at_ms, total in self.steps() if total >= amount), None)


@dataclass(slots=True)
class Sums:
    """Of one rule, key and period: the truth, the most and the least that a reader in order may hold for it."""

    true: Curve = field(default_factory=Curve)
    most: Curve = field(default_factory=Curve)
    least: Curve = field(default_factory=Curve)
    wavers: bool = False
    """Whether anything in it was ever corrected downwards or moved away."""


Place = tuple[Key, tuple[int, int]]


def sums_of(history: History, budget: Budget) -> dict[Place, Sums]:
    """By key and period. Rolling windows have cells of a minute in place of periods; `rolling` adds them up."""
    zone = budget.zone or history.zone
    found: defaultdict[Place, Sums] = defaultdict(Sums)
    cache: dict[int, tuple[int, int]] = {}

    def places(call: Call, version: Version) -> Place | None:
        if not counted(version) or any(value_of(call, version, name) != value for name, value in budget.where):
            return None
        cell = version.start_ms // (15 * MINUTE_MS)
        if budget.every.startswith("last:"):
            period = (cell * 15 * MINUTE_MS, (cell + 1) * 15 * MINUTE_MS)
        else:
            period = cache.get(cell) or cache.setdefault(cell, period_of(budget.every, zone, version.start_ms))
        return tuple(value_of(call, version, name) for name in budget.each), period

    for call in history.calls:
        _add_call(call, lambda v, call=call: places(call, v), budget.unit, found, history.poll_s)  # type: ignore[misc]  # mypy infers no lambda with defaults
    return dict(found)


def _add_call(
    call: Call, place_of: Callable[[Version], Place | None], unit: str, found: dict[Place, Sums], poll_s: int
) -> None:
    places = [(version, place_of(version)) for version in call.versions]
    for place in dict.fromkeys(p for _, p in places if p is not None):
        sums = found[place]
        true = most = least = 0
        worth = {id(v): amount_of(v, unit) if p == place else 0 for v, p in places}
        for at_ms, known, surely in _moments(call, poll_s):
            now = worth[id(newest(known))]
            sums.wavers |= now < true
            sums.true.add(at_ms, now - true)
            highest = max(worth[id(v)] for v in known)
            sums.most.add(at_ms, highest - most)
            # What is surely known may be any version from the newest of these on.
            lowest = 0 if not surely else min(worth[id(v)] for v in _not_older(known, newest(surely)))
            sums.least.add(at_ms, lowest - least)
            true, most, least = now, highest, lowest


def _not_older(known: Sequence[Version], than: Version) -> Iterator[Version]:
    for version in known:
        if newest((version, than)) == version or version == than:
            yield version


def _moments(call: Call, poll_s: int) -> Iterator[tuple[int, list[Version], list[Version]]]:
    """When anything changes: the versions that can be known then, and those that surely are."""
    seen = [(v.arrives_ms, v.arrives_ms + delay_ms(v, poll_s), v) for v in call.versions]
    for at_ms in sorted({t for arrives, surely, _ in seen for t in (arrives, surely)}):
        known = [v for arrives, _, v in seen if arrives <= at_ms]
        yield at_ms, known, [v for _, surely, v in seen if surely <= at_ms]


def delay_ms(version: Version, poll_s: int) -> int:
    """How soon after it can be read a version is surely known to a daemon that nothing hinders."""
    age = version.arrives_ms - version.start_ms
    if age <= QUICK_MS:
        return poll_s * 1000
    return 6 * poll_s * 1000 if age + 4 * poll_s * 1000 <= 20 * MINUTE_MS else SOMETIME_MS

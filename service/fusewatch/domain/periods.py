"""Calendar periods in a zone: the hours, days, weeks and months over which budgets count, as spans of milliseconds.

A local day starts at the first instant whose wall clock shows the reset time of that date or later: the first of two
where the clock is set back over it, the end of the gap where it is set forward over it (Cairo and Havana have days
without a midnight). It is named by that date. So a day usually has 24 hours, 23 or 25 where clocks change (22 and 26
in Antarctica/Troll, 23.5 and 24.5 on Lord Howe Island), and a date that a zone skips altogether, as Samoa did with
30 December 2011, is an empty span that no instant belongs to. Weeks and months start with their first day.

An hour starts at an instant whose wall clock shows a full hour and ends at the next such instant. Where a clock changes
by half an hour it therefore lasts 30 or 90 minutes, and hours still follow each other without gap or overlap.

From 2024 to 2033 every boundary lies on a 15-minute cell in every IANA zone; a test looks at them all. Earlier ones
may lie off it (St. John's changed its clocks at 00:01 until 2011), and are found just as exactly.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo, available_timezones

CELL_MS = 15 * 60 * 1000
"""The finest grain of stored sums."""

_HOUR_MS = 60 * 60 * 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MINUTES_A_DAY = 24 * 60
_NOT_IANA = ("localtime", "posixrules")
"""What systems ship beside IANA's zones: the machine's own; and "right/…", which counts leap seconds."""


class Every(StrEnum):
    """How often a budget starts again."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Last:
    """A rolling window in place of a period: the last `ms` milliseconds, whole quarter hours; else ValueError.

    At any instant it holds the quarter hour that runs and those before it whose end lies less than `ms` before the end
    of that one. So it moves in steps of 15 minutes, and is always `ms` long.
    """

    ms: int

    def __post_init__(self) -> None:
        if self.ms < CELL_MS or self.ms % CELL_MS:
            raise ValueError(f"a window is a whole number of quarter hours, not {self.ms} ms")

    @property
    def cells(self) -> int:
        """How many quarter hours it holds."""
        return self.ms // CELL_MS

    @property
    def span(self) -> str:
        """Its length as the budget file writes it: `90m`, `24h`, `7d`; days from two on, hours where it is some."""
        if self.ms % (24 * _HOUR_MS) == 0 and self.ms > 24 * _HOUR_MS:
            return f"{self.ms // (24 * _HOUR_MS)}d"
        return f"{self.ms // _HOUR_MS}h" if self.ms % _HOUR_MS == 0 else f"{self.ms // 60_000}m"

    @property
    def words(self) -> str:
        """Its length as people read it: `90 min`, `24 h`, `7 d`."""
        return f"{self.span[:-1]} {'min' if self.span[-1] == 'm' else self.span[-1]}"

    @property
    def value(self) -> str:
        """Its name beside those of `Every`, and the label of all its spans: `last:24h`."""
        return f"last:{self.span}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Whose days, weeks and months are meant. An impossible value raises ValueError, an unknown zone with close names.

    `day_starts_at_min` is the reset time in minutes after midnight, a multiple of 15; it shifts weeks and months too.
    `week_starts_on` counts from Monday = 0; `month_starts_on` is 1 to 28, as every month has those.
    """

    timezone: str = "UTC"
    day_starts_at_min: int = 0
    week_starts_on: int = 0
    month_starts_on: int = 1

    def __post_init__(self) -> None:
        _zone(self.timezone)
        if self.day_starts_at_min not in range(0, _MINUTES_A_DAY, 15):
            raise ValueError(f"a day starts at a quarter hour from 00:00 to 23:45, not {self.day_starts_at_min} min in")
        if self.week_starts_on not in range(7):
            raise ValueError(f"a week starts on day 0 (Monday) to 6 (Sunday), not {self.week_starts_on}")
        if self.month_starts_on not in range(1, 29):
            raise ValueError(f"a month starts on day 1 to 28, not {self.month_starts_on}")


@dataclass(frozen=True, slots=True)
class Period:
    """One calendar span [start_ms, end_ms) in epoch milliseconds; never empty. Or where a rolling window lies.

    The label names it among all periods of its calendar: `hour:2026-11-22T15Z` (its start in UTC, with minutes unless
    they are 00, as local hours repeat in autumn), `day:2026-11-22`, `week:2026-11-16` (its first day) and
    `month:2026-11` (the month that its first day is in). Dates, not instants, so that an edit of the zone or of the
    reset time keeps the names of days, weeks and months. A rolling window keeps its label wherever it lies.
    """

    every: Every | Last
    label: str
    start_ms: int
    end_ms: int


def cell_of(at_ms: int) -> int:
    """The index of the 15-minute cell that holds the instant."""
    return at_ms // CELL_MS


def cell_start_ms(cell: int) -> int:
    """The first instant of a cell."""
    return cell * CELL_MS


def period_at(calendar: Calendar, every: Every | Last, at_ms: int) -> Period:
    """The one period that holds the instant; for a rolling window, where it lies then."""
    if isinstance(every, Last):
        end_ms = cell_start_ms(cell_of(at_ms) + 1)
        return Period(every, every.value, end_ms - every.ms, end_ms)
    period = _period_of_cell(calendar, every, at_ms // CELL_MS)
    # Only a boundary inside the cell, which no present-day zone has, needs the second look.
    return period if at_ms < period.end_ms else _find_period(calendar, every, at_ms)


def previous(calendar: Calendar, period: Period) -> Period:
    """The period that ends where this one starts."""
    return period_at(calendar, period.every, period.start_ms - 1)


def next_(calendar: Calendar, period: Period) -> Period:
    """The period that starts where this one ends."""
    return period_at(calendar, period.every, period.end_ms)


def day_at(calendar: Calendar, at_ms: int) -> Period:
    """The local day that holds the instant."""
    return period_at(calendar, Every.DAY, at_ms)


def day_index(calendar: Calendar, at_ms: int) -> int:
    """The local day that holds the instant, as the proleptic ordinal of its date: a bucket key for stored sums."""
    index, end_ms = _day_of_cell(calendar, at_ms // CELL_MS)
    return index if at_ms < end_ms else _find_day(calendar, at_ms)


def day_span(calendar: Calendar, index: int) -> tuple[int, int]:
    """[start, end) of the day with this index; both are equal for a date that the zone skipped."""
    return _day_start(calendar, index), _day_start(calendar, index + 1)


def days_of(calendar: Calendar, period: Period) -> range:
    """The indexes of the days that a day, week or month is made of. An hour is no whole number of days, and a rolling
    window need not be: ValueError."""
    if period.every is Every.HOUR or isinstance(period.every, Last):
        raise ValueError(f"{period.label} is not made of days")
    return range(day_index(calendar, period.start_ms), day_index(calendar, period.end_ms - 1) + 1)


def local_clock(zone: Calendar | str, at_ms: int) -> datetime:
    """The instant as an aware datetime in a calendar's zone or a named one, for rendering."""
    return _local(_zone(zone.timezone if isinstance(zone, Calendar) else zone), at_ms)


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    if name and name not in _NOT_IANA and not name.startswith(("right/", "posix/")):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # unknown; not a relative path; a folder such as "Europe"
            pass
    raise ValueError(_unknown_zone(name))


def _unknown_zone(name: str) -> str:
    """What to tell about a name that is none; a city alone finds its zone."""
    known: dict[str, str] = {}
    for zone in sorted(available_timezones().difference(_NOT_IANA)):
        known[zone.lower()] = zone
        known.setdefault(zone.rpartition("/")[2].lower(), zone)
    wanted = name.lower().replace(" ", "_")
    matches = [wanted] if wanted in known else get_close_matches(wanted, known, n=3)
    close = list(dict.fromkeys(known[match] for match in matches))
    hint = f"did you mean {' or '.join(close)}?" if close else "an IANA name such as Europe/Berlin is expected"
    return f'unknown time zone "{name}": {hint}'


def _local(zone: ZoneInfo, at_ms: int) -> datetime:
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)


def _epoch_ms(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // _MILLISECOND


def _offset_ms(zone: ZoneInfo, at_ms: int) -> int:
    """How far the zone's wall clock is ahead of UTC at the instant."""
    offset = _local(zone, at_ms).utcoffset()
    assert offset is not None, "a zone always has an offset"
    return offset // _MILLISECOND


def _change_between(zone: ZoneInfo, before_ms: int, after_ms: int) -> int:
    """The first instant with the later offset, of two instants at most hours apart whose offsets differ."""
    later = _offset_ms(zone, after_ms)
    while after_ms - before_ms > 1:
        middle = (before_ms + after_ms) // 2
        if _offset_ms(zone, middle) == later:
            after_ms = middle
        else:
            before_ms = middle
    return after_ms


def first_at(timezone: str, index: int, minutes: int) -> int:
    """The first instant at which the zone's wall clock shows that many minutes after the midnight of a date, or later;
    `index` is the date's proleptic ordinal."""
    zone = _zone(timezone)
    wall = datetime.fromordinal(index) + timedelta(minutes=minutes)
    first = _epoch_ms(wall.replace(tzinfo=zone))
    if _local(zone, first).replace(tzinfo=None) == wall:
        return first  # fold 0: the first of two, where the clock shows it twice
    # In a gap fold 1 takes the offset after the change and falls before it, fold 0 the other way round (PEP 495).
    return _change_between(zone, _epoch_ms(wall.replace(tzinfo=zone, fold=1)), first)


@lru_cache(maxsize=8192)
def _day_start(calendar: Calendar, index: int) -> int:
    return first_at(calendar.timezone, index, calendar.day_starts_at_min)


def _find_day(calendar: Calendar, at_ms: int) -> int:
    # The wall clock's date is at most one off, where the clock went back over the reset time or forward to it.
    index = _local(_zone(calendar.timezone), at_ms).toordinal()
    while at_ms < _day_start(calendar, index):
        index -= 1
    while at_ms >= _day_start(calendar, index + 1):
        index += 1
    return index


@lru_cache(maxsize=8192)
def _day_of_cell(calendar: Calendar, cell: int) -> tuple[int, int]:
    """(index, end) of the day that holds the cell's first instant."""
    index = _find_day(calendar, cell * CELL_MS)
    return index, _day_start(calendar, index + 1)


@lru_cache(maxsize=8192)
def _period_of_cell(calendar: Calendar, every: Every, cell: int) -> Period:
    return _find_period(calendar, every, cell * CELL_MS)


def _find_period(calendar: Calendar, every: Every, at_ms: int) -> Period:
    if every is Every.HOUR:
        return _hour_at(_zone(calendar.timezone), at_ms)
    return _period_of_days(calendar, every, _first_day(calendar, every, day_index(calendar, at_ms)))


def _first_day(calendar: Calendar, every: Every, index: int) -> int:
    """The first day of the period that the day belongs to; asking for an hour raises ValueError."""
    match every:
        case Every.DAY:
            return index
        case Every.WEEK:
            return index - (index - 1 - calendar.week_starts_on) % 7  # ordinal 1 is a Monday
        case Every.MONTH:
            day = date.fromordinal(index)
            if day.day < calendar.month_starts_on:
                day = day.replace(day=1) - timedelta(days=1)
            return day.replace(day=calendar.month_starts_on).toordinal()
        case Every.HOUR:
            raise ValueError("an hour is not made of days")
        case _:
            assert_never(every)


@lru_cache(maxsize=2048)
def _period_of_days(calendar: Calendar, every: Every, first: int) -> Period:
    """The period that starts with this day; cached apart from the cells, so that they share one object."""
    day = date.fromordinal(first)
    # 31 days after its first day a month is in the next one, as it starts on day 28 at the latest.
    after = first + 1 if every is Every.DAY else _first_day(calendar, every, first + (7 if every is Every.WEEK else 31))
    label = f"{every}:{day:%Y-%m}" if every is Every.MONTH else f"{every}:{day.isoformat()}"
    return Period(every, label, _day_start(calendar, first), _day_start(calendar, after))


def _hour_at(zone: ZoneInfo, at_ms: int) -> Period:
    start_ms = _full_hour_until(zone, at_ms)
    start = _EPOCH + timedelta(milliseconds=start_ms)
    label = f"hour:{start:%Y-%m-%dT%H}{f':{start:%M}' if start.minute else ''}Z"
    return Period(Every.HOUR, label, start_ms, _full_hour_after(zone, start_ms))


def _full_hour_until(zone: ZoneInfo, at_ms: int) -> int:
    """The latest instant, not after this one, at which the wall clock shows a full hour."""
    offset = _offset_ms(zone, at_ms)
    start_ms = at_ms - (at_ms + offset) % _HOUR_MS
    if _offset_ms(zone, start_ms) == offset:
        return start_ms
    return _full_hour_until(zone, _change_between(zone, start_ms, at_ms) - 1)


def _full_hour_after(zone: ZoneInfo, start_ms: int) -> int:
    """The first instant after a full hour at which the wall clock shows a full hour again."""
    end_ms = start_ms + _HOUR_MS
    if _offset_ms(zone, end_ms) == _offset_ms(zone, start_ms):
        return end_ms
    change_ms = _change_between(zone, start_ms, end_ms)
    return change_ms + -(change_ms + _offset_ms(zone, change_ms)) % _HOUR_MS

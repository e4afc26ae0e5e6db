"""Cron lines: the last instant at which one was due, as a pure function of the time.

APScheduler's cron triggers fire twice or stick in the night in which clocks go back, so its timer only wakes what asks
here. A time that the clocks leap over is the first instant after the leap; one that comes twice is the first of both.
"""

import re
from dataclasses import dataclass
from datetime import date

from fusewatch.domain.periods import Calendar, day_at, day_index, first_at

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 7, _DAYS),
)
_ITEM = re.compile(r"(?P<first>\*|[0-9]{1,2}|[a-z]{3})(?:-(?P<last>[0-9]{1,2}|[a-z]{3}))?(?:/(?P<step>[0-9]{1,2}))?")
_LONGEST_DAYS = 8 * 366 + 1
"""29 February comes at least once in eight years (there is none in 2100)."""


@dataclass(frozen=True, slots=True)
class Cron:
    """The minutes of a day, in order, and the days on which a line is due; weekdays count from Sunday = 0.

    Where both days and weekdays are narrowed down, either will do, as in cron itself.
    """

    text: str
    minutes: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def on(self, day: date) -> bool:
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (in_month or in_week if self.either else in_month and in_week)


def parse_cron(text: str) -> Cron:
    """Five fields: minute, hour, day of the month, month, weekday; with lists, ranges, steps and English names.

    ValueError, naming the field, for anything else, and for a line that is never due.
    """
    words = text.lower().split()
    if len(words) != len(_FIELDS):
        raise ValueError('a cron line has five fields, as "0 2 * * *"')
    minutes, hours, days, months, weekdays = (_values(word, *field) for word, field in zip(words, _FIELDS, strict=True))
    either = "*" not in (words[2][:1], words[4][:1])
    cron = Cron(
        text=" ".join(text.split()),
        minutes=tuple(sorted(hour * 60 + minute for hour in hours for minute in minutes)),
        days=frozenset(days),
        months=frozenset(months),
        weekdays=frozenset(day % 7 for day in weekdays),
        either=either,
    )
    # Every date of the calendar, leap days included, lies in a leap year.
    if not any(
        cron.on(date.fromordinal(day)) for day in range(date(2000, 1, 1).toordinal(), date(2028, 1, 1).toordinal())
    ):
        raise ValueError(f"{cron.text} is never due")
    return cron


def _values(word: str, field: str, least: int, most: int, names: tuple[str, ...]) -> set[int]:
    found: set[int] = set()
    for item in word.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError(f"{item or word} is no {field}")
        first, last, step = match["first"], match["last"], int(match["step"] or 1)
        if first == "*":
            begin, end = least, most
        else:
            begin = _number(first, field, least, names)
            end = _number(last, field, least, names) if last else most if match["step"] else begin
        if (first == "*" and last) or not least <= begin <= end <= most or not step:
            raise ValueError(f"{item} is no {field} from {least} to {most}")
        found.update(range(begin, end + 1, step))
    return found


def _number(text: str, field: str, least: int, names: tuple[str, ...]) -> int:
    if text.isdigit():
        return int(text)
    if text in names:
        return names.index(text) + least
    raise ValueError(f"{text} is no {field}")


def latest_due(cron: Cron, timezone: str, now_ms: int) -> int:
    """The last instant up to now at which the line was due, in the time of the zone."""
    calendar = Calendar(timezone)
    today = day_index(calendar, now_ms)
    for day in range(today, today - _LONGEST_DAYS, -1):
        if not cron.on(date.fromordinal(day)):
            continue
        for minutes in reversed(cron.minutes):
            at_ms = first_at(timezone, day, minutes)
            if at_ms <= now_ms:
                return at_ms
    raise AssertionError(f"{cron.text} was parsed, so it is due at times; today is {day_at(calendar, now_ms).label}")

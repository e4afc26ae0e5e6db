"""Spans of time as people type them for reports and exports: two ends, or one word for a month or a day."""

import re
from datetime import date

from fusewatch.app.reports import EVER
from fusewatch.cli.times import instant_ms
from fusewatch.domain.coverage import Span
from fusewatch.domain.periods import Calendar, Every, period_at, previous
from fusewatch.errors import ConfigError, Problem

WHEN = "2026-11-01, 2026-11, 2026-11-01T08:30, -30d, today, yesterday, this-month, last-month"

_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_WORDS = {
    "today": (Every.DAY, 0),
    "yesterday": (Every.DAY, 1),
    "this-week": (Every.WEEK, 0),
    "last-week": (Every.WEEK, 1),
    "this-month": (Every.MONTH, 0),
    "last-month": (Every.MONTH, 1),
}


def calendar_of(timezone: str, *, week_starts_on: int = 0) -> Calendar:
    """Plain days and months of a zone, as invoices have them. ConfigError for an unknown zone."""
    try:
        return Calendar(timezone, week_starts_on=week_starts_on)
    except ValueError as error:
        raise ConfigError([Problem("command line", 0, "--timezone", str(error))]) from error


def span_of(since: str | None, until: str | None, calendar: Calendar, now_ms: int, *, options: tuple[str, str]) -> Span:
    """From the start of what `since` names to the end of what `until` names; an open start is the first generation
    there is, an open end the latest. ConfigError, naming the option, for what is no time or no span."""
    from_ms = EVER.from_ms if since is None else _bounds(since, options[0], calendar, now_ms).from_ms
    to_ms = EVER.to_ms if until is None else _bounds(until, options[1], calendar, now_ms).to_ms
    if from_ms >= to_ms:
        what = f"{until} is not after {options[0]} {since}" if until else f"{since} is not in the past"
        raise ConfigError([Problem("command line", 0, options[1] if until else options[0], what)])
    return Span(from_ms, to_ms)


def month_span(text: str, option: str, calendar: Calendar, now_ms: int) -> tuple[str, Span]:
    """(`2026-10`, its span) of a month, `this-month` or `last-month`. ConfigError for anything else."""
    if not _MONTH.fullmatch(text) and text not in ("this-month", "last-month"):
        raise ConfigError([Problem("command line", 0, option, f"{text} is no month", "write it as 2026-10")])
    span = _bounds(text, option, calendar, now_ms)
    return period_at(calendar, Every.MONTH, span.from_ms).label.partition(":")[2], span


def _bounds(text: str, option: str, calendar: Calendar, now_ms: int) -> Span:
    """First and last instant of what a word names; both are one for an instant."""
    text = text.strip()
    if text in _WORDS:
        every, back = _WORDS[text]
        period = period_at(calendar, every, now_ms)
        period = previous(calendar, period) if back else period
        return Span(period.start_ms, period.end_ms)
    if _MONTH.fullmatch(text):
        try:
            first = date.fromisoformat(f"{text}-01")
        except ValueError as error:
            raise ConfigError([Problem("command line", 0, option, f"there is no month {text}")]) from error
        start_ms = instant_ms(first.isoformat(), option, zone=calendar.timezone, now_ms=now_ms)
        period = period_at(calendar, Every.MONTH, start_ms)
        return Span(period.start_ms, period.end_ms)
    start_ms = instant_ms(text, option, zone=calendar.timezone, now_ms=now_ms)
    return Span(start_ms, instant_ms(text, option, zone=calendar.timezone, now_ms=now_ms, whole_day=True))

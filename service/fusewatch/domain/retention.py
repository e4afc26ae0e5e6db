"""How long things are kept: where pruning ends, what rules need below that, and when the nightly audit is due."""

from collections.abc import Iterator
from typing import NamedTuple

from fusewatch.domain.baselines import window_days
from fusewatch.domain.periods import Calendar, Every, Last, day_at, day_index, day_span
from fusewatch.domain.rules import Budget, Method, Retention, Rule, RuleSet

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

QUARTERS_BEYOND_MS = 2 * DAY_MS
"""Quarter hours are kept so much longer than rows, so that the day in which rows begin can be summed in any zone."""

NIGHT_MS = 3 * HOUR_MS
"""The audit begins so long after the local day did."""

_LONGEST_DAYS = {Every.HOUR: 1, Every.DAY: 2, Every.WEEK: 8, Every.MONTH: 32}
"""Whole days of 24 hours that surely hold the period, whatever clocks do in it."""

_LATE_DAYS = 1
"""What ended is judged for a day longer (`incidents.LATE_WINDOW_MS`)."""


class Need(NamedTuple):
    """Somebody who looks back: what, as a sentence begins with it, and how many days of rows that takes."""

    who: str
    days: int


def needs(rules: RuleSet) -> Iterator[Need]:
    """Everything that looks at rows of the past; the month is that of the spend gauges."""
    yield Need("history", -(-rules.history_ms // DAY_MS))
    yield Need("the current month", _LONGEST_DAYS[Every.MONTH] + _LATE_DAYS)
    for rule in rules.rules:
        yield Need(f'the rule "{rule.name}"', days_looked_back(rule))


def days_looked_back(rule: Rule) -> int:
    """How many days of rows a rule looks at, at the most."""
    if isinstance(rule, Budget):
        window = rule.every.ms if isinstance(rule.every, Last) else _LONGEST_DAYS[rule.every] * DAY_MS
        return -(-window // DAY_MS) + _LATE_DAYS
    days = rule.baseline.days * (7 if rule.baseline.same_weekday else 1)
    if rule.last is not None and rule.method is Method.SEASONAL:
        days = window_days(rule)
    return days + _LONGEST_DAYS[Every.DAY] + _LATE_DAYS


def rows_until(retention: Retention, now_ms: int) -> int | None:
    """The start of the UTC hour before which rows go; None when they are kept for ever."""
    return None if retention.rows_ms is None else (now_ms - retention.rows_ms) // HOUR_MS * HOUR_MS


def totals_until(retention: Retention, now_ms: int) -> int | None:
    """The start of the UTC hour before which sums go; None when they are kept for ever."""
    return None if retention.totals_ms is None else (now_ms - retention.totals_ms) // HOUR_MS * HOUR_MS


def prune_due(retention: Retention, last_ms: int | None, now_ms: int) -> bool:
    """Whether anything may have become too old since the last complete pruning: once an hour."""
    if retention.rows_ms is None and retention.totals_ms is None:
        return False
    return last_ms is None or last_ms // HOUR_MS != now_ms // HOUR_MS


def audit_due(calendar: Calendar, last_ms: int | None, now_ms: int) -> bool:
    """Whether the audit of the present night is still to be done. `last_ms`: when the last one ended."""
    night_ms = day_at(calendar, now_ms).start_ms + NIGHT_MS
    return now_ms >= night_ms and (last_ms is None or last_ms < night_ms)


def day_to_audit(calendar: Calendar, last_day: int | None, rows_from_ms: int, now_ms: int) -> int | None:
    """The day whose turn it is, as a day index: the one before the last audited, after the oldest yesterday again.

    `rows_from_ms`: from when on all rows are there. None when no whole day of them has passed.
    """
    yesterday = day_index(calendar, now_ms) - 1
    oldest = day_index(calendar, rows_from_ms)
    if day_span(calendar, oldest)[0] < rows_from_ms:
        oldest += 1
    if oldest > yesterday:
        return None
    return last_day - 1 if last_day is not None and oldest < last_day <= yesterday else yesterday

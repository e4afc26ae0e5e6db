"""A digest in words: what the period cost, what moved, what is near its limit, what lacks a price or an owner."""

from collections.abc import Iterator
from fractions import Fraction

from fusewatch.domain.notices import DigestFacts, Mover, Near
from fusewatch.domain.periods import Every, local_clock
from fusewatch.domain.rules import Unit
from fusewatch.notify.numbers import amount, percent
from fusewatch.notify.sheet import Line
from fusewatch.notify.text import clean, cut

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMES = {Every.HOUR: "Last hour", Every.DAY: "Yesterday", Every.WEEK: "Last week", Every.MONTH: "Last month"}
_PERIODS = {"hour": "hour", "day": "day", "week": "week", "month": "month"}


def headline(digest: DigestFacts) -> Line:
    """`Yesterday: $182.40 (Mon before $171.10, +7 %) · 41,203 requests · 96M tokens`"""
    at_least = "at least " if digest.at_least else ""
    cost = f"{_NAMES[digest.every]}: {at_least}{amount(digest.cost_pico, Unit.USD)}"
    used = f"{amount(digest.requests, Unit.REQUESTS)} · {amount(digest.tokens, Unit.TOKENS)}"
    estimated = f", {amount(digest.estimated_pico, Unit.USD)} of it estimated" if digest.estimated_pico else ""
    return (f"{cost} ({_before(digest)}{estimated}) · {used}",)


def _before(digest: DigestFacts) -> str:
    then = local_clock(digest.timezone, digest.before_ms)
    match digest.every:
        case Every.DAY:
            name = f"{_DAYS[then.weekday()]} before"
        case Every.MONTH:
            name = _MONTHS[then.month - 1]
        case Every.WEEK | Every.HOUR:
            name = f"{digest.every.value} before"
    told = f"{name} {amount(digest.before_pico, Unit.USD)}"
    return f"{told}, {_change(digest.cost_pico, digest.before_pico)}" if digest.before_pico > 0 else told


def _change(now: int, before: int) -> str:
    share = round(Fraction(100 * (now - before), before))
    return f"+{share:,} %" if share > 0 else f"−{-share:,} %" if share < 0 else "unchanged"


def body(digest: DigestFacts) -> tuple[Line, ...]:
    return tuple((line,) for line in _lines(digest))


def _lines(digest: DigestFacts) -> Iterator[str]:
    moved = [f"{word} {', '.join(map(_mover, found))}" for word, found in _moved(digest) if found]
    if moved:
        yield " · ".join(moved)
    if digest.near:
        more = digest.near_count - len(digest.near)
        rest = f" · and {more:,} more" if more > 0 else ""
        yield f"near their limit: {' · '.join(map(_near, digest.near))}{rest}"
    if digest.open_incidents:
        yield f"open now: {', '.join(f'{count:,} {word}' for word, count in digest.open_incidents)}"
    lacking = []
    if digest.unpriced:
        models = ", ".join(f"{amount(count, Unit.REQUESTS)} of {clean(model)}" for model, count in digest.unpriced)
        lacking.append(f"unpriced: {models}")
    for dimension, cost in digest.unattributed:
        share = percent(Fraction(cost, digest.cost_pico)) if digest.cost_pico > 0 else amount(cost, Unit.USD)
        lacking.append(f"without a {clean(dimension)}: {share}")
    if lacking:
        yield " · ".join(lacking)
    if digest.at_least:
        yield "part of it is not read yet: these are lower bounds"


def _moved(digest: DigestFacts) -> tuple[tuple[str, tuple[Mover, ...]], ...]:
    return (("up", digest.up), ("down", digest.down))


def _mover(mover: Mover) -> str:
    change = mover.cost_pico - mover.before_pico
    sign = "+" if change > 0 else "−"
    return f"{clean(mover.value)} {sign}{amount(abs(change), Unit.USD)}"


def _near(near: Near) -> str:
    who = clean(near.rule)
    if near.labels:
        who = cut(", ".join(clean(value) for _, value in near.labels), 100)
    share = percent(Fraction(near.measured * 100 // near.limit, 100)) if near.limit > 0 else "over"
    period = _PERIODS.get(near.every)
    if near.day and period:
        return f"{who} {share} of the {period} on day {near.day} of {near.days}"
    return f"{who} {share}"

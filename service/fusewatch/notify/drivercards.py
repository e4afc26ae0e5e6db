"""What drove it, in words: the values whose spend grew most, by how much, and by which cause."""

from fractions import Fraction

from fusewatch.domain.explanations import Against, Effect, Explanation, Part
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import UNKNOWN
from fusewatch.notify.numbers import amount, multiple
from fusewatch.notify.sheet import Line, Moment
from fusewatch.notify.text import clean

VALUE_LENGTH = 60

_UNCHANGED = (Fraction(4, 5), Fraction(5, 4))
"""A factor within these is no news."""
_SHARE = Fraction(1, 10)
"""From which share of the spend on it is told of a value."""
_DEAR = Fraction(1, 100)
"""From which share of the spend on the dearest trace is told."""


def lines(why: Explanation, whole: str) -> tuple[Line, ...]:
    """The lines of one explanation, indented under their first. `whole` names the span: `today`, `this month`."""
    found: list[Line] = [_head(why)]
    for driver in why.drivers:
        found.append(("  ", *_driver(driver.part, why, whole)))
        found += [("    ", *_driver(part, why, whole)) for part in driver.under]
    if why.drivers and why.rest:
        rest = change(why.rest, why.unit) if why.grew else amount(why.rest, why.unit)
        found.append((f"  everything else  {rest}",))
    return (*found, *_dearest(why))


def against(why: Explanation) -> str:
    """What it is compared with: `against the same hours of the last 7 days`; empty where with nothing."""
    count = why.count
    match why.against:
        case Against.NOTHING:
            return ""
        case Against.HOURS:
            days = "the last 7 days" if count == 7 else _counted(count, "day")
            return f"against the same hours of {days}"
        case Against.WEEKS:
            return f"against the same part of {_counted(count, 'week')}"
        case Against.MONTHS:
            return f"against the same part of {_counted(count, 'month')}"
        case Against.WINDOWS:
            return f"against {_counted(count, 'window')} of that length"
        case Against.STRETCH:
            return f"against {_counted(count, 'day')}, brought to the same length"


def _counted(count: int, noun: str) -> str:
    return f"the {noun} before" if count == 1 else f"the {count} {noun}s before"


def change(value: int, unit: Unit) -> str:
    """`+$27.40`, `−$2.10`, `+2.1M tokens`."""
    return f"{'+' if value >= 0 else '−'}{amount(abs(value), unit)}"


def effect_words(effect: Effect) -> str:
    """`3.1x requests, same size`, `price per request x 9.8, requests unchanged`; empty where nothing can be said."""
    if effect.requests_by is None:
        return ""
    price = "price per token"
    if effect.size_by is None or not _is_news(effect.size_by):
        price = "price per request"
    told = [
        (effect.requests, effect.requests_by, f"{multiple(effect.requests_by)} requests"),
        (effect.size, effect.size_by, f"{multiple(effect.size_by or Fraction(1))} tokens per request"),
        (effect.price, effect.price_by, f"{price} x {multiple(effect.price_by or Fraction(1))[:-1]}"),
    ]
    news = [(abs(part), words) for part, by, words in told if by is not None and _is_news(by)]
    if not news:
        return ""
    words = [words for _, words in sorted(news, key=lambda each: -each[0])]
    if len(words) == 1:
        words.append("same size" if _is_news(effect.requests_by) else "requests unchanged")
    return ", ".join(words)


def _is_news(factor: Fraction) -> bool:
    return not _UNCHANGED[0] <= factor <= _UNCHANGED[1]


def _head(why: Explanation) -> Line:
    compared = against(why)
    if why.baseline is None:
        head = "What it went to (no earlier time to compare with)"
    elif why.grew:
        head = f"What drove it, {compared} ({change(why.growth, why.unit)})"
    else:
        head = f"No more than usual {compared} ({change(why.growth, why.unit)}); what it went to"
    words = effect_words(why.effect) if why.effect is not None else ""
    if why.drivers:
        return (f"{head}:",)
    return (f"{head}: {words}" if words else f"{head.partition(';')[0]}",)


def _driver(part: Part, why: Explanation, whole: str) -> Line:
    value = f"unknown {clean(part.dimension)}" if part.value == UNKNOWN else clean(part.value, VALUE_LENGTH)
    name = "" if part.value == UNKNOWN else f"{clean(part.dimension, 40)} "
    sums = change(part.growth, why.unit) if why.grew else amount(part.amount, why.unit)
    more = " or more" if part.at_least else ""
    words = _words(part, why, whole)
    return (f"{name}{value}  {sums}{more}", *(("   ", *words) if words else ()))


def _words(part: Part, why: Explanation, whole: str) -> Line:
    if part.was is not None:
        was = f"was {clean(part.was.value, VALUE_LENGTH)}"
        return (was,) if part.was.until_ms is None else (f"{was} until ", Moment(part.was.until_ms))
    words = effect_words(part.effect) if why.grew else ""
    if words:
        return (words,)
    share = Fraction(part.amount, why.amount) if why.amount > 0 else Fraction(0)
    told = f"{share * 100 // 1} % of {whole}" if share >= _SHARE else ""
    is_new = why.grew and part.baseline == 0 and part.dimension not in ("trace", "session")
    return (", ".join(word for word in ("new" if is_new else "", told) if word),) if told or is_new else ()


def _dearest(why: Explanation) -> tuple[Line, ...]:
    """The dearest trace, where it matters and is no driver itself."""
    named = {part.value for driver in why.drivers for part in (driver.part, *driver.under) if part.dimension == "trace"}
    if not why.traces or why.unit is not Unit.USD:
        return ()
    dearest = why.traces[0]
    if dearest.trace in named or dearest.cost_pico < why.amount * _DEAR:
        return ()
    return ((f"Dearest trace {amount(dearest.cost_pico, Unit.USD)}: {clean(dearest.trace, 40)}",),)

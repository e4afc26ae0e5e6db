"""Numbers as people read them: amounts in the unit of a rule, shares, multiples and durations."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import assert_never

from fusewatch.domain.money import PICO_PER_USD, format_usd, pico_to_decimal
from fusewatch.domain.rules import Unit

_MILLION = 1_000_000
_BILLION = 1_000_000_000
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


def amount(value: int, unit: Unit) -> str:
    """`$50.31`, `2.1M tokens`, `41,203 requests`; `value` in the unit (1e-12 USD for money)."""
    match unit:
        case Unit.USD:
            return format_usd(value)
        case Unit.TOKENS:
            return f"{_short(value)} {'token' if value == 1 else 'tokens'}"
        case Unit.REQUESTS:
            return f"{value:,} {'request' if value == 1 else 'requests'}"
        case Unit.USD_PER_REQUEST:
            return f"{format_usd(value)} per request"
        case _:
            assert_never(unit)


def amount_of(measured: int, limit: int, unit: Unit) -> str:
    """`$50.31 of $50.00`, `2.1M of 2M tokens`.

    Two different amounts never look alike, digits are added until they differ: $49.9996 of a limit of $50 does not
    read as "$50.00 of $50.00".
    """
    match unit:
        case Unit.USD:
            shown, line = format_usd(measured), format_usd(limit)
            decimals = 2
            while shown == line and measured != limit:
                decimals += 1
                shown, line = _usd_with(measured, decimals), _usd_with(limit, decimals)
            return f"{shown} of {line}"
        case Unit.TOKENS:
            shown, line = _short(measured), _short(limit)
            if shown == line and measured != limit:
                shown, line = f"{measured:,}", f"{limit:,}"
            return f"{shown} of {line} tokens"
        case Unit.REQUESTS:
            return f"{measured:,} of {limit:,} requests"
        case Unit.USD_PER_REQUEST:
            return f"{amount_of(measured, limit, Unit.USD)} per request"
        case _:
            assert_never(unit)


def rough_span(low: int, high: int, unit: Unit) -> str:
    """A range as it is guessed: `$71 – $79`, `1.9M – 2.4M tokens`, `about $7.20` where both ends read alike.

    Whole dollars from $10 up: an estimate has no cents.
    """
    if unit is Unit.USD:
        first, last = _rough_usd(low), _rough_usd(high)
    else:
        first, last = _short(low), _short(high)
    word = "" if unit is Unit.USD else f" {unit.value}"
    return f"about {last}{word}" if first == last else f"{first} – {last}{word}"


def _rough_usd(pico: int) -> str:
    return f"${round(pico_to_decimal(pico)):,}" if pico >= 10 * PICO_PER_USD else format_usd(pico)


def average_of(value: int, unit: Unit) -> str:
    """An amount that stands beside another one of its unit: `$0.012` after "$0.031 per request"."""
    return format_usd(value) if unit is Unit.USD_PER_REQUEST else amount(value, unit)


def percent(share: Fraction) -> str:
    """`80 %`, `33.3 %`: rounded down, so that nothing below a line reads as having reached it."""
    tenths = share * 1000 // 1
    whole, tenth = divmod(int(tenths), 10)
    return f"{whole}.{tenth} %" if tenth else f"{whole} %"


def multiple(value: Fraction) -> str:
    """`2.4x`, `2x`, `12x`: one decimal below ten, none above."""
    if value >= 10:
        return f"{round(value):,}x"
    tenths = round(value * 10)
    return f"{tenths // 10}.{tenths % 10}x" if tenths % 10 else f"{tenths // 10}x"


def duration(span_ms: int) -> str:
    """`40 s`, `16 min`, `6 h 07 min`, `8 d 4 h`: cut to the smaller unit, never negative."""
    seconds = max(span_ms, 0) // 1000
    minutes, hours = seconds // 60, seconds // 3600
    if minutes == 0:
        return f"{seconds} s"
    if hours == 0:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"


def _short(value: int) -> str:
    """`450,000`, `2.1M`, `1.25B`: every digit below a million, three significant ones above."""
    if abs(value) < _MILLION:
        return f"{value:,}"
    scale, letter = (_BILLION, "B") if abs(value) >= _BILLION else (_MILLION, "M")
    digits = max(3 - len(str(abs(value) // scale)), 0)
    rounded = _plain(Decimal(value) / scale, digits)
    return f"{rounded}{letter}"


def _plain(value: Decimal, decimals: int) -> str:
    text = f"{value.quantize(Decimal(1).scaleb(-decimals), context=_EXACT):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _usd_with(pico: int, decimals: int) -> str:
    """The amount with up to `decimals` digits after the point, at least two."""
    value = pico_to_decimal(pico).quantize(Decimal(1).scaleb(-decimals), context=_EXACT)
    whole, _, fraction = f"{abs(value):,f}".partition(".")
    return f"{'−' if value < 0 else ''}${whole}.{fraction.rstrip('0').ljust(2, '0')}"

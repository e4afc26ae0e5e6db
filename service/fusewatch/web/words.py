"""Numbers and times as the page shows them and as the API writes them."""

from datetime import UTC, datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from fusewatch.domain.money import format_usd, usd_json
from fusewatch.domain.rules import Unit

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def amount(value: int, unit: Unit) -> str:
    """`$50.31`, `2,100,000 tokens`, `41,203 requests`; `value` in the unit (1e-12 USD for money)."""
    match unit:
        case Unit.USD:
            return format_usd(value)
        case Unit.TOKENS | Unit.REQUESTS:
            return f"{value:,} {unit.value if value != 1 else unit.value[:-1]}"
        case Unit.USD_PER_REQUEST:
            return f"{format_usd(value)} per request"
        case _:
            assert_never(unit)


def amount_of(part: int, whole: int, unit: Unit) -> str:
    """`$50.31 of $50.00`, `2,100,000 of 2,000,000 tokens`."""
    shown = format_usd(part) if unit.is_money else f"{part:,}"
    return f"{shown} of {amount(whole, unit)}"


def plain_amount(value: int, unit: Unit) -> str:
    """An exact decimal for programs: `50.31` US dollars (or such per request), `2100000` tokens or requests."""
    return usd_json(value) if unit.is_money else str(value)


def percent(part: int, whole: int) -> str:
    """`80 %`: rounded down, so that nothing below a line reads as having reached it; `over` where the whole is none."""
    if whole <= 0:
        return "over" if part > 0 else "0 %"
    return f"{part * 100 // whole:,} %"


def duration(span_ms: int) -> str:
    """`40 s`, `16 min`, `6 h 07 min`, `8 d 4 h`: cut to the smaller unit, never negative."""
    seconds = max(span_ms, 0) // 1000
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours = seconds // 60, seconds // 3600
    if hours == 0:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{hours // 24} d {hours % 24} h"


def moment(at_ms: int, now_ms: int, zone: str) -> str:
    """`16:42:08` on the same local day, `23 Nov, 16:42` in the same year, else `23 Nov 2025, 16:42`."""
    local = ZoneInfo(zone)
    at, now = (_instant(ms).astimezone(local) for ms in (at_ms, now_ms))
    if at.date() == now.date():
        return f"{at:%H:%M:%S}"
    return f"{at.day} {at:%b, %H:%M}" if at.year == now.year else f"{at.day} {at:%b %Y, %H:%M}"


def rfc3339(at_ms: int) -> str:
    """In UTC with milliseconds: `2026-11-22T15:42:08.000Z`."""
    return f"{_instant(at_ms).isoformat(timespec='milliseconds')[:-6]}Z"


def _instant(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)

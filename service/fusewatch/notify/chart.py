"""The picture that goes with a notice: the last 24 hours, how they led to what was spent, and the limit."""

from collections.abc import Iterator
from dataclasses import dataclass

from fusewatch.domain.notices import Incident, Kind, Message, MessageKind, Notice
from fusewatch.domain.periods import Every, local_clock
from fusewatch.domain.rules import Severity, Unit
from fusewatch.drawing.pixels import png
from fusewatch.drawing.scale import round_step
from fusewatch.drawing.shapes import Drawing, Rect, Shape, Stroke, Words
from fusewatch.notify.cards import subject
from fusewatch.notify.groups import is_opening
from fusewatch.notify.numbers import amount

WIDTH, HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 96, 20, 44, 36
_INK, _GRID, _SPENT, _BEFORE, _LIMIT = "#1f2933", "#e4e7eb", "#486581", "#cbd5e0", "#b42318"
_BAR_COLOURS = {Severity.CRITICAL: "#b42318", Severity.WARNING: "#dd8b00", Severity.INFO: _SPENT}
_HOUR_MS = 3_600_000
_CELL_MS = 900_000
_KINDS = (Kind.BUDGET, Kind.SPIKE, Kind.FORECAST)


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour: what stood before it in its period, and what it added, both in the unit of the rule."""

    end_ms: int
    before: int
    added: int


def charted(message: Message) -> Notice | None:
    """The notice that a message's picture is of: the first that opens or got worse and whose last hours are known."""
    if message.kind is not MessageKind.NOTICES:
        return None
    return next((n for n in message.notices if n.incident.kind in _KINDS and is_opening(n) and any(n.hours)), None)


def chart_png(notice: Notice, zone: str) -> bytes:
    """The picture as a PNG file, with the hours of `zone`."""
    return png(drawing_of(notice, zone))


def drawing_of(notice: Notice, zone: str) -> Drawing:
    incident = notice.incident
    bars = bars_of(notice)
    line = incident.limit if _has_line(incident) else 0
    most = max([1, line, *(max(bar.before, bar.before + bar.added) for bar in bars)]) * 11 // 10 + 1
    drawing = Drawing(WIDTH, HEIGHT)
    drawing.shapes += _axis(most, incident.unit)
    drawing.shapes += _columns(bars, most, _BAR_COLOURS[notice.severity], zone)
    if line:
        y, word = _y(line, most), "line" if incident.kind is Kind.SPIKE else "limit"
        drawing.shapes.append(Stroke(_LEFT, y, WIDTH - _RIGHT, y, _LIMIT, dashed=True))
        drawing.shapes.append(Words(_LEFT + 6, y - 6, f"{word} {amount(line, incident.unit)}", _LIMIT))
    drawing.shapes.append(Words(_LEFT, 24, f"{subject(incident)}: last 24 h, {zone}", _INK))
    return drawing


def bars_of(notice: Notice) -> list[Bar]:
    """The 24 hours in their order. Where the rule sums over a calendar period, each hour stands on what its period had
    spent before it; what lies before the period stands on nothing."""
    incident, hours = notice.incident, notice.hours
    end_ms = (notice.at_ms // _CELL_MS + 1) * _CELL_MS
    ends = [end_ms - (len(hours) - 1 - number) * _HOUR_MS for number in range(len(hours))]
    if not _sums_up(incident):
        return [Bar(at_ms, 0, added) for at_ms, added in zip(ends, hours, strict=True)]
    bars, after = [], incident.measured
    for at_ms, added in zip(reversed(ends), reversed(hours), strict=True):
        if at_ms <= incident.period_start_ms:
            bars.append(Bar(at_ms, 0, added))
            continue
        inside = min(added, after)
        bars.append(Bar(at_ms, after - inside, inside))
        after -= inside
    return bars[::-1]


def _sums_up(incident: Incident) -> bool:
    whole = incident.unit is not Unit.USD_PER_REQUEST and not incident.rolling
    return whole and incident.period_end_ms - incident.period_start_ms > _HOUR_MS


def _has_line(incident: Incident) -> bool:
    """Whether the limit can be compared with a bar: not where it is about a longer window."""
    if _sums_up(incident) or incident.unit is Unit.USD_PER_REQUEST:
        return incident.limit > 0
    hourly = incident.period.startswith(f"{Every.HOUR.value}:") or (incident.window and incident.window.ms == _HOUR_MS)
    return bool(hourly) and incident.limit > 0


def _y(value: int, most: int) -> float:
    return HEIGHT - _BOTTOM - max(value, 0) / most * (HEIGHT - _TOP - _BOTTOM)


def _axis(most: int, unit: Unit) -> Iterator[Shape]:
    for value in range(0, most + 1, round_step(most)):
        y = _y(value, most)
        yield Stroke(_LEFT, y, WIDTH - _RIGHT, y, _GRID)
        yield Words(_LEFT - 8, y + 4, amount(value, unit), anchor="end")


def _columns(bars: list[Bar], most: int, colour: str, zone: str) -> Iterator[Shape]:
    wide = (WIDTH - _LEFT - _RIGHT) / max(len(bars), 1)
    for number, bar in enumerate(bars):
        left = _LEFT + number * wide + 2
        top, middle, bottom = _y(bar.before + bar.added, most), _y(bar.before, most), HEIGHT - _BOTTOM
        if bar.before > 0:
            yield Rect(left, middle, wide - 4, bottom - middle, _BEFORE)
        if bar.added > 0:
            yield Rect(left, top, wide - 4, max(middle - top, 1), colour)
        if number % 4 == 3:
            yield Words(left + wide, bottom + 18, f"{local_clock(zone, bar.end_ms):%H:%M}", anchor="end")

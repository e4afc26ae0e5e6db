"""The picture of a backtest: spend by hour or day, the limits that it met, the notices on it; as SVG or PNG."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from fusewatch.app.backtest import Course, Outcome, Told
from fusewatch.domain.periods import CELL_MS, Calendar, Every, local_clock, period_at
from fusewatch.domain.rules import Budget, Severity, Unit
from fusewatch.drawing.pixels import png
from fusewatch.drawing.scale import round_step
from fusewatch.drawing.shapes import HEIGHT, WIDTH, Dot, Drawing, Rect, Shape, Stroke, Words
from fusewatch.notify.numbers import amount

DAY_MS = 86_400_000
HOURS_UP_TO_MS = 4 * DAY_MS
"""Up to this span a bar is an hour, beyond it a local day."""

LEFT, RIGHT, TOP, BOTTOM = 96, 24, 64, 56
INK, FINE, GRID, BAR, LIMIT = "#1f2933", "#66727f", "#e4e7eb", "#9fb3c8", "#b42318"
COLOURS = {Severity.CRITICAL: "#b42318", Severity.WARNING: "#dd8b00", Severity.INFO: "#486581"}


@dataclass(frozen=True, slots=True)
class _Scale:
    """From time and amount to a place in the picture."""

    from_ms: int
    to_ms: int
    most: int

    def x(self, at_ms: int) -> float:
        share = (at_ms - self.from_ms) / (self.to_ms - self.from_ms)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: int) -> float:
        return HEIGHT - BOTTOM - max(value, 0) / self.most * (HEIGHT - TOP - BOTTOM)


def drawing_of(outcome: Outcome, course: Course, rule: str | None, zone: str) -> Drawing:
    """The spend of one rule, or of everything, with what was told."""
    hourly = course.to_ms - course.from_ms <= HOURS_UP_TO_MS
    calendar = next((r.calendar for r in outcome.rules.rules if r.name == rule), Calendar(zone))
    every = Every.HOUR if hourly else Every.DAY
    unit = next(
        (r.limit.unit if isinstance(r, Budget) else r.unit for r in outcome.rules.rules if r.name == rule), Unit.USD
    )
    bars = _bars(outcome.spend.get(rule or "", {}), calendar, every, course)
    limits = _limits(outcome, rule, every, unit)
    most = max([1, *(value for _, _, value in bars), *(limit for _, limit in limits)])
    scale = _Scale(course.from_ms, course.to_ms, most * 11 // 10 + 1)
    drawing = Drawing()
    shapes = drawing.shapes
    shapes += _axes(scale, calendar, unit, hourly=hourly)
    shapes += [_bar(scale, *bar, unit, calendar) for bar in bars]
    for _, limit in limits:
        shapes.append(Stroke(LEFT, scale.y(limit), WIDTH - RIGHT, scale.y(limit), LIMIT, dashed=True))
    shapes += _dots(scale, [t for t in outcome.told if t.destinations], bars)
    for name, limit in limits:
        shapes.append(Words(LEFT + 6, scale.y(limit) - 6, f"{name}: {amount(limit, unit)}", LIMIT))
    noun = f"Spend of {rule}" if rule else "All spend"
    shapes.append(Words(LEFT, 28, f"{noun} by {every.value}, {zone}", INK))
    shapes += _legend(outcome)
    return drawing


def _bars(cells: Mapping[int, int], calendar: Calendar, every: Every, course: Course) -> list[tuple[int, int, int]]:
    """(start, end, amount) of each hour or day that holds anything."""
    sums: dict[tuple[int, int], int] = {}
    for cell, value in sorted(cells.items()):
        period = period_at(calendar, every, cell * CELL_MS)
        place = max(period.start_ms, course.from_ms), min(period.end_ms, course.to_ms)
        if place[0] < place[1]:
            sums[place] = sums.get(place, 0) + value
    return [(*place, value) for place, value in sums.items()]


def _limits(outcome: Outcome, rule: str | None, every: Every, unit: Unit) -> list[tuple[str, int]]:
    """The limits that a bar can be compared with: of budgets over the bar's own period, without keys unless asked."""
    return [
        (
            f"limit of {budget.name}" + (f" for each {', '.join(budget.each)}" if budget.each else ""),
            budget.limit.amount,
        )
        for budget in outcome.rules.budgets
        if budget.every is every
        and budget.limit.unit is unit
        and (budget.name == rule or (not rule and not budget.each))
    ]


def _bar(scale: _Scale, start_ms: int, end_ms: int, value: int, unit: Unit, calendar: Calendar) -> Rect:
    left, right = scale.x(start_ms), scale.x(end_ms)
    gap = min(2.0, (right - left) / 6)
    told = f"{local_clock(calendar, start_ms):%a %d %b %H:%M}: {amount(value, unit)}"
    return Rect(
        left + gap, scale.y(value), max(right - left - 2 * gap, 0.5), HEIGHT - BOTTOM - scale.y(value), BAR, told
    )


def _axes(scale: _Scale, calendar: Calendar, unit: Unit, *, hourly: bool) -> Iterator[Shape]:
    step = round_step(scale.most)
    for value in range(0, scale.most + 1, step):
        yield Stroke(LEFT, scale.y(value), WIDTH - RIGHT, scale.y(value), GRID)
        yield Words(LEFT - 8, scale.y(value) + 4, amount(value, unit), FINE, "end")
    day = period_at(calendar, Every.DAY, scale.from_ms)
    days = max(1, (scale.to_ms - scale.from_ms) // DAY_MS)
    apart = -(-days // 12)
    number = 0
    while day.start_ms < scale.to_ms:
        if day.start_ms >= scale.from_ms and number % apart == 0:
            x = scale.x(day.start_ms)
            yield Stroke(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 6, FINE)
            if x < WIDTH - RIGHT - 64:
                yield Words(x + 3, HEIGHT - BOTTOM + 18, f"{local_clock(calendar, day.start_ms):%a %d %b}")
        number += 1
        if hourly and day.start_ms + DAY_MS // 2 < scale.to_ms and day.start_ms + DAY_MS // 2 > scale.from_ms:
            yield Words(scale.x(day.start_ms + DAY_MS // 2), HEIGHT - BOTTOM + 18, "12:00", FINE, "middle")
        day = period_at(calendar, Every.DAY, day.end_ms)


def _dots(scale: _Scale, told: Sequence[Told], bars: Sequence[tuple[int, int, int]]) -> Iterator[Shape]:
    """A dot for each notice, above the bar of its time; those that would lie on each other are stacked."""
    heights: dict[int, int] = {}
    for one in sorted(told, key=lambda t: t.at_ms):
        at_ms = min(max(one.at_ms, scale.from_ms), scale.to_ms - 1)
        x = scale.x(at_ms)
        top = max((value for start, end, value in bars if start <= at_ms < end), default=0)
        column = int(x // 9)
        level = heights[column] = heights.get(column, -1) + 1
        incident = one.notice.incident
        title = f"{incident.rule} {incident.group} {one.notice.reason.value} {one.notice.severity.word}"
        y = max(scale.y(top) - 8 - 9 * level, TOP - 12)
        yield Dot(x, y, 4, COLOURS[one.notice.severity], title)


def _legend(outcome: Outcome) -> Iterator[Shape]:
    x = WIDTH - RIGHT - 330.0
    for severity in sorted(Severity, reverse=True):
        count = sum(1 for t in outcome.told if t.destinations and t.notice.severity is severity)
        yield Dot(x, 24, 4, COLOURS[severity])
        yield Words(x + 10, 28, f"{count:,} {severity.word}")
        x += 110


# ---------------------------------------------------------------- out


def written(path: Path, drawing: Drawing) -> None:
    """Write the picture in the form that the name asks for."""
    if path.suffix.lower() == ".png":
        path.write_bytes(png(drawing))
    else:
        path.write_text(svg(drawing), encoding="utf-8")


def svg(drawing: Drawing) -> str:
    """The drawing as a document of its own, without anything from elsewhere."""
    size = f'width="{drawing.width}" height="{drawing.height}" viewBox="0 0 {drawing.width} {drawing.height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, sans-serif" font-size="12">'
    return "\n".join(
        [head, '<rect width="100%" height="100%" fill="#ffffff"/>', *map(_svg, drawing.shapes), "</svg>", ""]
    )


def _svg(shape: Shape) -> str:
    match shape:
        case Rect(x, y, width, height, fill, title):
            box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
            return f'<rect {box} fill="{fill}"><title>{escape(title)}</title></rect>'
        case Stroke(x1, y1, x2, y2, colour, dashed):
            dash = ' stroke-dasharray="6 4"' if dashed else ""
            return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dash}/>'
        case Dot(x, y, radius, fill, title):
            dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" stroke="#ffffff">'
            return f"{dot}<title>{escape(title)}</title></circle>"
        case Words(x, y, text, colour, anchor):
            place = f'x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}"'
            return f"<text {place}>{escape(text)}</text>"

"""The picture of a trend: a bar for each period, made of its dearest values."""

from collections.abc import Iterator, Mapping, Sequence

from fusewatch.app.reports import Trend
from fusewatch.domain.money import format_usd
from fusewatch.domain.periods import Calendar, Period
from fusewatch.domain.views import Key
from fusewatch.drawing.shapes import HEIGHT, WIDTH, Drawing, Rect, Shape, Stroke, Words

LEFT, RIGHT, TOP, BOTTOM = 96, 24, 84, 56
INK, FINE, GRID = "#1f2933", "#66727f", "#e4e7eb"
COLOURS = ("#2f6f9f", "#dd8b00", "#3a7d44", "#8a4f9e", "#b42318", "#5b6b7b", "#c9a227")
REST_COLOUR = "#cbd2d9"
LABELS = 12


def drawing_of(made: Trend, by: Sequence[str], calendar: Calendar) -> Drawing:
    """Langfuse's cost of each period; of many values the dearest have a colour each, the others share one."""
    colours = _colours(made)
    most = max([1, *(max(part.counted.cost_pico, 0) for _, part in made.periods)])
    drawing = Drawing()
    shapes = drawing.shapes
    shapes += _lines(most)
    width = (WIDTH - LEFT - RIGHT) / max(len(made.periods), 1)
    apart = -(-len(made.periods) // LABELS)
    for at, (period, part) in enumerate(made.periods):
        costs: dict[Key, int] = {}
        for group in part.groups:
            key = group.key if group.key in colours else ()
            costs[key] = costs.get(key, 0) + group.usage.cost_pico
        shapes += _bar(period, costs, colours, LEFT + at * width, width, most)
        if at % apart == 0:
            name = period.label.partition(":")[2]
            shapes.append(Words(LEFT + at * width + 2, HEIGHT - BOTTOM + 18, name))
    noun = f"Spend by {', '.join(by)}" if by else "Spend"
    shapes.append(Words(LEFT, 28, f"{noun} per {made.every.value}, {calendar.timezone}", INK))
    others = any(group.key not in colours for _, part in made.periods for group in part.groups)
    shapes += _legend(colours, by, others=others)
    return drawing


def _colours(made: Trend) -> dict[Key, str]:
    """The dearest values over the whole trend, each with its colour."""
    sums: dict[Key, int] = {}
    for _, part in made.periods:
        for group in part.groups:
            sums[group.key] = sums.get(group.key, 0) + group.usage.cost_pico
    dearest = sorted(sums, key=lambda key: (-sums[key], key))[: len(COLOURS)]
    return dict(zip(dearest, COLOURS, strict=False))


def _bar(
    period: Period, costs: Mapping[Key, int], colours: Mapping[Key, str], x: float, width: float, most: int
) -> Iterator[Shape]:
    gap = min(2.0, width / 6)
    y = float(HEIGHT - BOTTOM)
    for key in (*colours, ()):
        cost = costs.get(key, 0)
        if cost > 0:
            height = cost / most * (HEIGHT - TOP - BOTTOM)
            y -= height
            name = ", ".join(key) or "others"
            told = f"{period.label.partition(':')[2]} {name}: {format_usd(cost)}"
            yield Rect(x + gap, y, max(width - 2 * gap, 0.5), height, colours.get(key, REST_COLOUR), told)


def _lines(most: int) -> Iterator[Shape]:
    for fifth in range(6):
        value = most * fifth // 5
        y = HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM)
        yield Stroke(LEFT, y, WIDTH - RIGHT, y, GRID)
        yield Words(LEFT - 8, y + 4, format_usd(value), FINE, "end")


def _legend(colours: Mapping[Key, str], by: Sequence[str], *, others: bool) -> Iterator[Shape]:
    x = float(LEFT)
    entries = [*colours.items(), *([((), REST_COLOUR)] if others else [])]
    for key, colour in entries if by else ():
        whole = ", ".join(key) or "others"
        name = whole if len(whole) <= 15 else f"{whole[:13]}.."
        yield Rect(x, 46, 10, 10, colour, whole)
        yield Words(x + 14, 56, name)
        x += 124

"""What a drawing is made of: a few flat shapes, the same for every form in which it is written."""

from dataclasses import dataclass, field

WIDTH, HEIGHT = 1120, 460


@dataclass(frozen=True, slots=True)
class Rect:
    x: float
    y: float
    width: float
    height: float
    fill: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A horizontal or vertical line."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    radius: float
    fill: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text; `x` is its start, middle or end as `anchor` says, `y` its base line."""

    x: float
    y: float
    text: str
    colour: str = "#66727f"
    anchor: str = "start"


Shape = Rect | Stroke | Dot | Words


@dataclass(slots=True)
class Drawing:
    """Shapes from back to front, on white."""

    width: int = WIDTH
    height: int = HEIGHT
    shapes: list[Shape] = field(default_factory=list)

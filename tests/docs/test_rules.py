"""docs/rules.md shows what `fusewatch backtest` makes of its own examples."""

from xml.etree import ElementTree as ET

import pytest

from tests.pictures.rules import PAGE, Drawn, Shown, draw_all, page_with, pictures

LARGEST = 60_000


@pytest.fixture(scope="module")
def drawn() -> dict[str, tuple[Shown, Drawn]]:
    return {picture.name: (picture, made) for picture, made in draw_all()}


@pytest.mark.timeout(300)
def test_every_picture_and_what_is_told_below_it_is_what_a_backtest_gives(
    drawn: dict[str, tuple[Shown, Drawn]],
) -> None:
    for name, (picture, made) in drawn.items():
        assert picture.path.read_text(encoding="utf-8") == made.svg, f"{name}: make pictures draws it anew"
    told = {name: made.lines for name, (_, made) in drawn.items()}
    assert PAGE.read_text(encoding="utf-8") == page_with(told), "make pictures writes it anew"


@pytest.mark.timeout(300)
def test_every_example_with_a_picture_tells_somebody_something(drawn: dict[str, tuple[Shown, Drawn]]) -> None:
    for name, (_, made) in drawn.items():
        assert made.lines, name
        assert "<circle" in made.svg, name


def test_the_pictures_are_small_and_well_formed() -> None:
    for picture in pictures():
        svg = picture.path.read_text(encoding="utf-8")
        assert len(svg.encode()) < LARGEST
        assert ET.fromstring(svg).tag.endswith("svg")

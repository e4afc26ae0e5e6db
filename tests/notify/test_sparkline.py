"""A row of bars says where the spend rose, and never hides a little of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.notify.sheet import sheet_lines
from fusewatch.notify.sparkline import sparkline
from fusewatch.notify.words import sheet
from tests.notify.samples import BERLIN, REACHED, feature, message

HOURS = (*(0,) * 12, 1, 2, 3, 4, 5, 6, 7, 7, 7, 5, 3, 1)


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        pytest.param((), "", id="nothing is known"),
        pytest.param((0, 0, 0), "", id="nothing was spent"),
        pytest.param((0, 1, 2, 3, 4, 5, 6, 7), "▁▂▃▄▅▆▇█", id="each step"),
        pytest.param((0, 1, 10**15), "▁▂█", id="a little stands above nothing"),
        pytest.param((5, 5), "██", id="the same each hour"),
        pytest.param((-3, 0, 7), "▁▁█", id="a correction is no spend"),
    ],
)
def test_bars(values: tuple[int, ...], bars: str) -> None:
    assert sparkline(values) == bars


@given(st.lists(st.integers(0, 10**18), min_size=1, max_size=24))
def test_more_is_never_lower_and_the_most_is_full(values: list[int]) -> None:
    bars = sparkline(values)
    if any(values):
        assert bars[values.index(max(values))] == "█"
        assert all((value == 0) == (bar == "▁") for value, bar in zip(values, bars, strict=True))
        assert [bar for _, bar in sorted(zip(values, bars, strict=True))] == sorted(bars)


def test_a_notice_told_whole_has_the_line_and_one_among_many_has_not() -> None:
    lines = sheet_lines(sheet(message(replace(REACHED, hours=HOURS))), zone=BERLIN)
    assert "  Last 24 h  ▁▁▁▁▁▁▁▁▁▁▁▁▂▃▄▅▆▇███▆▄▂" in lines
    many = message(*(replace(feature(n, "170.25"), hours=HOURS) for n in range(9)))
    assert not any("Last 24 h" in line for line in sheet_lines(sheet(many), zone=BERLIN))

"""The picture of the last day: the hours that led to what was spent, and the limit above them."""

import struct
import zlib
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.notices import Kind, MessageKind, Notice, Reason
from fusewatch.domain.rules import Unit
from fusewatch.drawing.shapes import Rect, Stroke, Words
from fusewatch.notify.chart import HEIGHT, WIDTH, Bar, bars_of, chart_png, charted, drawing_of
from tests.notify.samples import BERLIN, NOW, REACHED, SPIKE, message
from tests.notify.test_text import HOSTILE

USD = 10**12
HOURS = tuple(usd * USD for usd in (1, 1, *(0,) * 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 5))
TOLD = replace(REACHED, hours=HOURS)


def with_incident(notice: Notice, **changes: object) -> Notice:
    return replace(notice, incident=replace(notice.incident, **changes))  # type: ignore[arg-type]  # fields by name


def test_the_bars_of_a_day_end_with_what_was_measured_and_begin_at_its_start() -> None:
    bars = bars_of(TOLD)
    incident = TOLD.incident
    assert len(bars) == 24
    assert bars[-1].before + bars[-1].added == incident.measured
    assert bars[-1].end_ms == NOW - NOW % 900_000 + 900_000
    for one, two in pairwise(bars):
        assert two.end_ms - one.end_ms == 3_600_000
        if one.end_ms > incident.period_start_ms:
            assert two.before == one.before + one.added
    assert [bar.before for bar in bars if bar.end_ms <= incident.period_start_ms] == [0] * 7


def test_the_hours_of_a_window_stand_each_for_itself_and_its_limit_is_no_line() -> None:
    rolling = with_incident(TOLD, period="last:24h", period_start_ms=NOW - 86_400_000, period_end_ms=NOW)
    assert all(bar.before == 0 for bar in bars_of(rolling))
    assert not any(isinstance(shape, Stroke) and shape.dashed for shape in drawing_of(rolling, BERLIN).shapes)


@pytest.mark.parametrize(("notice", "words"), [(TOLD, "limit $50.00"), (replace(SPIKE, hours=HOURS), "line $18.10")])
def test_the_limit_is_a_dashed_line_with_its_amount(notice: Notice, words: str) -> None:
    shapes = drawing_of(notice, BERLIN).shapes
    (line,) = [shape for shape in shapes if isinstance(shape, Stroke) and shape.dashed]
    assert words in [shape.text for shape in shapes if isinstance(shape, Words)]
    top = min(shape.y for shape in shapes if isinstance(shape, Rect))
    assert top < line.y1, "it was passed"


def test_only_what_opens_or_gets_worse_and_knows_its_hours_has_a_picture() -> None:
    assert charted(message(TOLD)) == TOLD
    assert charted(message(REACHED)) is None
    assert charted(message(replace(TOLD, reason=Reason.RESOLVED))) is None
    assert charted(message(replace(TOLD, hours=(0,) * 24))) is None
    assert charted(message(TOLD, kind=MessageKind.SUMMARY)) is None
    assert charted(message(with_incident(TOLD, kind=Kind.UNPRICED))) is None


def test_the_picture_is_a_png_of_its_size() -> None:
    content = chart_png(TOLD, BERLIN)
    width, height, depth, colour = struct.unpack(">IIBB", content[16:26])
    assert (width, height, depth, colour) == (2 * WIDTH, 2 * HEIGHT, 8, 2)
    at = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[at - 4 : at])
    assert len(zlib.decompress(content[at + 4 : at + 4 + length])) == height * (3 * width + 1)


@given(
    st.lists(st.integers(-(10**15), 10**19), min_size=24, max_size=24),
    st.integers(-(10**15), 10**19),
    st.integers(0, 10**19),
    st.sampled_from(list(Unit)),
    st.sampled_from(HOSTILE),
)
def test_whatever_the_amounts_and_names_everything_lies_on_the_picture(
    hours: list[int], measured: int, limit: int, unit: Unit, name: str
) -> None:
    notice = with_incident(
        replace(TOLD, hours=tuple(hours)), measured=measured, limit=limit, unit=unit, rule=name, level=Fraction(1)
    )
    for shape in drawing_of(notice, BERLIN).shapes:
        if isinstance(shape, Rect):
            assert 0 <= shape.x <= shape.x + shape.width <= WIDTH
            assert 0 <= shape.y <= shape.y + shape.height <= HEIGHT
    assert all(isinstance(bar, Bar) and bar.before >= 0 for bar in bars_of(notice))

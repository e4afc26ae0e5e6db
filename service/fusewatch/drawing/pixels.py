"""A drawing as a PNG: filled boxes, lines, dots and small letters, drawn by hand so that no library is needed."""

import struct
import zlib
from typing import TypeAlias

from fusewatch.drawing.shapes import Dot, Drawing, Rect, Shape, Stroke, Words

Colour: TypeAlias = tuple[int, int, int]

SCALE = 2
"""Pixels for each unit of the drawing: it stays sharp where it is shown large."""

_GLYPHS = (
    "000000000000005f00000007000700147f147f14242a7f2a12231308646236495620500008070300001c2241000041221c00"
    "2a1c7f1c2a08083e080800807030000808080808000060600020100804023e5149453e00427f400072494949462141494d33"
    "1814127f1027454545393c4a49493141211109073649494936464949291e0000140000004034000000081422411414141414"
    "004122140802015909063e415d594e7c1211127c7f494949363e414141227f4141413e7f494949417f090909013e41415173"
    "7f0808087f00417f41002040413f017f081422417f404040407f021c027f7f0408107f3e4141413e7f090909063e4151215e"
    "7f09192946264949493203017f01033f4040403f1f2040201f3f4038403f631408146303047804036159494d43007f414141"
    "0204081020004141417f04020102044040404040000307080020545478407f284444383844444428384444287f3854545418"
    "00087e090218a4a49c787f0804047800447d40002040403d007f1028440000417f40007c047804787c080404783844444438"
    "fc1824241818242418fc7c08040408485454542404043f44243c4040207c1c2040201c3c4030403c44281028444c9090907c"
    "4464544c440008364100000077000000413608000201020402"
)
"""The signs from space to tilde, each five columns of eight dots, the lowest bit on top."""

_DOT = 2
"""A dot of a letter is so many pixels wide and high."""
_ADVANCE = 6 * _DOT


def png(drawing: Drawing) -> bytes:
    """The drawing as the bytes of a PNG file."""
    canvas = _Canvas(drawing.width * SCALE, drawing.height * SCALE)
    for shape in drawing.shapes:
        _draw(canvas, shape)
    return canvas.png()


class _Canvas:
    """Rows of RGB pixels, white at first."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._rows = [bytearray(b"\xff" * (3 * width)) for _ in range(height)]

    def fill(self, left: int, top: int, right: int, bottom: int, colour: Colour) -> None:
        """Every pixel of [left, right) x [top, bottom) that lies on the canvas."""
        left, right = max(left, 0), min(right, self.width)
        if left < right:
            run = bytes(colour) * (right - left)
            for y in range(max(top, 0), min(bottom, self.height)):
                self._rows[y][3 * left : 3 * right] = run

    def blend(self, x: int, y: int, colour: Colour, share: float) -> None:
        """Lay some of a colour over one pixel."""
        if 0 <= x < self.width and 0 <= y < self.height:
            row = self._rows[y]
            for part in range(3):
                was = row[3 * x + part]
                row[3 * x + part] = round(was + (colour[part] - was) * share)

    def png(self) -> bytes:
        def chunk(kind: bytes, body: bytes) -> bytes:
            return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        pixels = zlib.compress(b"".join(b"\0" + row for row in self._rows), 9)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _draw(canvas: _Canvas, shape: Shape) -> None:
    match shape:
        case Rect(x, y, width, height, fill):
            canvas.fill(_px(x), _px(y), _px(x + width), _px(y + height), _rgb(fill))
        case Stroke(x1, y1, x2, y2, colour, dashed):
            _line(canvas, (_px(x1), _px(y1), _px(x2), _px(y2)), _rgb(colour), dashed=dashed)
        case Dot(x, y, radius, fill):
            _dot(canvas, x * SCALE, y * SCALE, (radius + 1) * SCALE, (255, 255, 255))
            _dot(canvas, x * SCALE, y * SCALE, radius * SCALE, _rgb(fill))
        case Words(x, y, text, colour, anchor):
            _write(canvas, _px(x), _px(y), text, _rgb(colour), anchor)


def _px(value: float) -> int:
    return round(value * SCALE)


def _rgb(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _line(canvas: _Canvas, ends: tuple[int, int, int, int], colour: Colour, *, dashed: bool) -> None:
    left, top, right, bottom = ends
    if not dashed:
        canvas.fill(left, top, max(right, left + SCALE), max(bottom, top + SCALE), colour)
        return
    for x in range(left, right, 10 * SCALE):
        canvas.fill(x, top, min(x + 6 * SCALE, right), top + SCALE, colour)


def _dot(canvas: _Canvas, x: float, y: float, radius: float, colour: Colour) -> None:
    for row in range(int(y - radius) - 1, int(y + radius) + 2):
        for column in range(int(x - radius) - 1, int(x + radius) + 2):
            distance = ((column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2) ** 0.5
            share = min(max(radius + 0.5 - distance, 0.0), 1.0)
            if share > 0:
                canvas.blend(column, row, colour, share)


def _write(canvas: _Canvas, x: int, y: int, text: str, colour: Colour, anchor: str) -> None:
    """Letters that the small alphabet lacks are shown as a question mark."""
    width = len(text) * _ADVANCE
    left = x - {"start": 0, "middle": width // 2, "end": width}[anchor]
    for at, sign in enumerate(text):
        code = ord(sign) - 32 if " " <= sign <= "~" else ord("?") - 32
        glyph = bytes.fromhex(_GLYPHS[code * 10 : code * 10 + 10])
        for column, bits in enumerate(glyph):
            for row in range(8):
                if bits >> row & 1:
                    px, py = left + at * _ADVANCE + column * _DOT, y + (row - 7) * _DOT
                    canvas.fill(px, py, px + _DOT, py + _DOT, colour)

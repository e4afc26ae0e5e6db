"""Which pictures the docs have, from which golden files, and the mark in each that says so."""

import hashlib
import json
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from tests.pictures.slackpage import page

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "notify" / "golden"
IMAGES = ROOT / "docs" / "images"

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEY = b"source"


class Picture(NamedTuple):
    """A picture by its file name, and the golden file whose payload it shows, as it looks at that time."""

    name: str
    golden: str
    day: str
    time: str

    @property
    def path(self) -> Path:
        return IMAGES / self.name


PICTURES = (Picture("slack-budget.png", "budget_whole.choices.json", "Tuesday, November 24th", "16:42"),)


def page_of(picture: Picture) -> str:
    """The page that is drawn; everything in the message comes from the golden payload."""
    payload = json.loads((GOLDEN / picture.golden).read_text(encoding="utf-8"))
    return page(payload, channel=payload["channel"], day=picture.day, time=picture.time)


def source_mark(picture: Picture) -> str:
    """What tells one page from another: the hash of all that is drawn."""
    return hashlib.sha256(page_of(picture).encode()).hexdigest()


def marked(png: bytes, mark: str) -> bytes:
    """The picture with the mark in a text chunk right behind its header (PNG specification, 11.3.3.2)."""
    end_of_header = len(_SIGNATURE) + 25
    return png[:end_of_header] + _chunk(b"tEXt", _KEY + b"\x00" + mark.encode()) + png[end_of_header:]


def mark_of(png: bytes) -> str:
    """The mark that `marked` put in, "" where there is none; ValueError for what is no PNG."""
    if not png.startswith(_SIGNATURE):
        raise ValueError("this is no PNG")
    position = len(_SIGNATURE)
    while position + 8 <= len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        body = png[position + 8 : position + 8 + length]
        if png[position + 4 : position + 8] == b"tEXt" and body.startswith(_KEY + b"\x00"):
            return body.partition(b"\x00")[2].decode("latin-1")
        position += length + 12
    return ""


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height in pixels."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

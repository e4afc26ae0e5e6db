"""The files that the page loads: ours and the vendored chart library, each under an address that changes with it."""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

PREFIX = "/static/"
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_VENDORED = "vendor/uplot-1.6.32/"
_FILES = ("page.css", "page.js", "mark.svg", f"{_VENDORED}uPlot.iife.min.js", f"{_VENDORED}uPlot.min.css")


class Asset(NamedTuple):
    """One file as it is served. `address` has a part of the hash of `content` in it, so it may be kept for ever."""

    name: str
    address: str
    content_type: str
    content: bytes


@lru_cache(maxsize=1)
def assets() -> dict[str, Asset]:
    """All of them by their address."""
    return {asset.address: asset for asset in _read()}


def address_of(name: str) -> str:
    """Where the file with this name, without its folder, is served; KeyError for another."""
    return _addresses()[name]


@lru_cache(maxsize=1)
def _addresses() -> dict[str, str]:
    return {asset.name: asset.address for asset in assets().values()}


def _read() -> Iterator[Asset]:
    folder = files("fusewatch.web") / "static"
    for path in _FILES:
        content = folder.joinpath(path).read_bytes()
        name = path.rpartition("/")[2]
        stem, _, kind = name.rpartition(".")
        digest = hashlib.sha256(content).hexdigest()[:12]
        yield Asset(name, f"{PREFIX}{stem}.{digest}.{kind}", _TYPES[kind], content)

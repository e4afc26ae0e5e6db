"""`make screenshots`: the page of a real daemon as pictures for the docs, in the light, in the dark and on a phone."""

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.browser.chromium import launched
from tests.browser.shop import open_shop

IMAGES = Path(__file__).parents[2] / "docs" / "images"
LARGEST = 300_000
"""Bytes of a picture."""


class Shot(NamedTuple):
    name: str
    width: int
    height: int
    scheme: str
    scale: float


SHOTS = (
    Shot("page-light.png", 980, 1660, "light", 1),
    Shot("page-dark.png", 980, 1660, "dark", 1),
    Shot("page-phone.png", 390, 844, "light", 2),
)


def main() -> int:
    with (
        tempfile.TemporaryDirectory() as folder,
        open_shop(Path(folder)) as daemon,
        sync_playwright() as playwright,
        launched(playwright) as browser,
    ):
        for shot in SHOTS:
            path = IMAGES / shot.name
            _take(browser, daemon.url, shot, path)
            size = path.stat().st_size
            print(f"{shot.name}: {size:,} bytes")
            if size > LARGEST:
                print(f"{shot.name} is larger than {LARGEST:,} bytes", file=sys.stderr)
                return 1
    return 0


def _take(browser: Browser, url: str, shot: Shot, path: Path) -> None:
    context = browser.new_context(
        viewport=ViewportSize(width=shot.width, height=shot.height),
        color_scheme="dark" if shot.scheme == "dark" else "light",
        device_scale_factor=shot.scale,
    )
    page = context.new_page()
    page.goto(url)
    page.locator("#wrong details summary").first.click()
    page.locator("h1").click()
    page.screenshot(path=path)
    context.close()


if __name__ == "__main__":
    sys.exit(main())

"""The browser: Debian's Chromium, driven by Playwright, which brings its own driver and downloads nothing."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def path_of_chromium() -> str:
    """Where it is; LookupError with what to install where there is none."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise LookupError("there is no Chromium here; Debian's package is chromium")
    return found


@contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    """A browser that ends with the block. Chromium's own sandbox refuses to run for root."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    browser = playwright.chromium.launch(
        executable_path=path_of_chromium(), args=["--no-sandbox"] if is_root else [], timeout=60_000
    )
    try:
        yield browser
    finally:
        browser.close()

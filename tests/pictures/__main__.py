"""`make pictures`: the pictures in the docs, those of rules by `fusewatch backtest`, those of messages by Chromium from
the payloads of the golden files."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.pictures.pictures import PICTURES, marked, page_of, source_mark
from tests.pictures.rules import PAGE, draw_all, page_with

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_WIDTH = 760
_TALLEST = 2000


def main() -> int:
    told = {}
    for shown, made in draw_all():
        shown.path.write_text(made.svg, encoding="utf-8")
        told[shown.name] = made.lines
        print(f"{shown.path.name}: {len(made.svg):,} bytes, from docs/rules.md")
    PAGE.write_text(page_with(told), encoding="utf-8")
    browser = find_browser()
    if browser is None:
        print("there is no Chromium here; Debian's package is chromium", file=sys.stderr)
        return 1
    for picture in PICTURES:
        png = drawn(browser, page_of(picture))
        picture.path.parent.mkdir(exist_ok=True)
        picture.path.write_bytes(marked(png, source_mark(picture)))
        print(f"{picture.path.name}: {len(png):,} bytes, from {picture.golden}")
    return 0


def find_browser() -> str | None:
    """The path of a Chromium, None where there is none."""
    return next((path for name in _BROWSERS if (path := shutil.which(name))), None)


def drawn(browser: str, page: str) -> bytes:
    """The page as a PNG at twice its size, exactly as tall as it is."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "page.html", Path(folder) / "page.png"
        measuring = "<script>document.title = Math.ceil(document.querySelector('.window').offsetHeight)</script>"
        source.write_text(page.replace("</body>", f"{measuring}</body>"), encoding="utf-8")
        dom = _run(browser, folder, _TALLEST, "--dump-dom", source.as_uri())
        height = int(dom.partition("<title>")[2].partition("</title>")[0])
        _run(browser, folder, height, f"--screenshot={target}", source.as_uri())
        return target.read_bytes()


def _run(browser: str, folder: str, height: int, *arguments: str) -> str:
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--force-device-scale-factor=2",
        f"--user-data-dir={folder}/profile",
        f"--window-size={_WIDTH},{height}",
        *arguments,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


if __name__ == "__main__":
    sys.exit(main())

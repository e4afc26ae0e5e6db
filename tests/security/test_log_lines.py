"""Names from outside can neither forge a line of the log nor command the terminal that shows it."""

import io
import json

import pytest

from fusewatch.daemon.logs import make_logger
from tests.web.pictures import HeldClock

HOSTILE = "a\n2026-11-24T15:42:08.000Z [info] all is well\x1b[2J\x9b31m\u202egnp\u2028b\x00"


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_hostile_name_stays_within_its_line_and_its_letters(style: str) -> None:
    out = io.StringIO()
    make_logger(style, HeldClock(), out).warning("incident_opened", rule=HOSTILE, project=HOSTILE, count=3)
    text = out.getvalue()
    assert text.count("\n") == 1
    assert text.isprintable() or text.removesuffix("\n").isprintable()
    if style == "json":
        assert "\\u202e" in json.loads(text)["rule"]


def test_what_went_wrong_keeps_its_lines() -> None:
    out = io.StringIO()
    log = make_logger("console", HeldClock(), out)
    try:
        raise ValueError("no such thing")
    except ValueError:
        log.exception("loop_failed", loop="ingest")
    assert "Traceback" in out.getvalue()
    assert len(out.getvalue().splitlines()) > 3

"""The terminal: cards for people, plain lines for everything else, and no alert lost to a closed pipe."""

import io
import re

import pytest
from rich.console import Console

from fusewatch.errors import Retryable
from fusewatch.notify.console import ConsoleNotifier, drawn
from fusewatch.notify.sheet import sheet_lines
from fusewatch.notify.words import sheet
from fusewatch.ports import Receipt
from tests.notify.samples import BERLIN, MESSAGES, feature, message
from tests.notify.support import run
from tests.notify.test_text import HOSTILE

MESSAGE = MESSAGES["budget_reached"]


@pytest.fixture(autouse=True)
def _usual_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variables by which rich takes a file for a terminal or the other way round."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def terminal(environ: dict[str, str] | None = None, width: int = 88) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        color_system="standard",
        width=width,
        legacy_windows=False,
        _environ=environ or {},
    )


def test_outside_a_terminal_a_message_is_plain_lines_without_any_escape() -> None:
    stream = io.StringIO()
    assert run(ConsoleNotifier(stream, timezone=BERLIN).send(MESSAGE)) == Receipt()
    assert stream.getvalue() == "\n".join(sheet_lines(sheet(MESSAGE), zone=BERLIN)) + "\n"


def test_in_a_terminal_the_border_has_the_colour_of_the_severity() -> None:
    for name, colour in (("budget_reached", 31), ("budget_warned", 33), ("budget_resolved", 32), ("start_quiet", 34)):
        assert drawn(sheet(MESSAGES[name]), terminal(), zone=BERLIN).startswith(f"\x1b[{colour}m╭")


def test_a_stream_that_is_a_terminal_gets_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    run(ConsoleNotifier(stream, timezone=BERLIN).send(MESSAGE))
    assert stream.getvalue().startswith("\x1b[31m╭─")
    monkeypatch.setenv("NO_COLOR", "1")
    quiet = Terminal()
    run(ConsoleNotifier(quiet, timezone=BERLIN).send(MESSAGE))
    assert quiet.getvalue().startswith("╭─")


def test_no_color_is_respected() -> None:
    text = drawn(sheet(MESSAGE), terminal({"NO_COLOR": "1"}), zone=BERLIN)
    assert not re.search(r"\x1b\[[\d;]*3[0-7]m", text)
    assert "● content-team reached 100 %" in re.sub(r"\x1b\[[\d;]*m", "", text)


def test_a_narrow_terminal_wraps_and_never_overflows() -> None:
    for one in MESSAGES.values():
        text = re.sub(r"\x1b\[[\d;]*m", "", drawn(sheet(one), terminal(width=40), zone=BERLIN))
        assert all(len(line) <= 40 for line in text.splitlines())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_neither_colours_nor_moves_nor_links_anything(name: str) -> None:
    content = sheet(message(feature(1, "75.20", name=name), feature(2, "75.20", name=name)))
    text = drawn(content, terminal({"NO_COLOR": "1"}), zone=BERLIN)
    left = re.sub(r"\x1b\[(?:0|1|2)(?:;\d+)*m", "", text)
    assert "\x1b" not in left
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00-\x09\x0b-\x1f\x7f-\x9f]", left)
    plain = "\n".join(sheet_lines(content, zone=BERLIN))
    assert plain.count("\n") == len(sheet_lines(content, zone=BERLIN)) - 1


def test_markup_in_a_name_stays_a_name() -> None:
    text = drawn(sheet(message(feature(1, "75.20", name="[red]x[/red] [/]"))), terminal(), zone=BERLIN)
    assert "[red]x[/red] [/] (each-feature) reached" in text


class BrokenPipe(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


class GoneTerminal(BrokenPipe):
    """A terminal that was closed; rich itself would end the process over it."""

    def isatty(self) -> bool:
        return True


class FullDisk(io.StringIO):
    """A file on a disk without space: what was written fails when it is flushed."""

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_stream_that_fails_is_tried_again() -> None:
    closed = io.StringIO()
    closed.close()
    failing = (
        (BrokenPipe(), "Broken pipe"),
        (GoneTerminal(), "Broken pipe"),
        (FullDisk(), "No space"),
        (closed, "closed"),
    )
    for stream, says in failing:
        with pytest.raises(Retryable, match=says) as caught:
            run(ConsoleNotifier(stream, timezone=BERLIN).send(MESSAGE))
        assert caught.value.reason == "stream_failed"


def test_a_terminal_that_knows_only_ascii_shows_question_marks_and_not_an_error() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    run(ConsoleNotifier(stream, timezone=BERLIN).send(MESSAGE))
    assert raw.getvalue().startswith(b"? content-team reached 100 % of its daily budget: $50.31 of $50.00\n")


def test_closing_the_notifier_leaves_the_stream_to_its_owner() -> None:
    stream = io.StringIO()
    run(ConsoleNotifier(stream, timezone=BERLIN).close())
    assert not stream.closed

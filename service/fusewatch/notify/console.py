"""Messages in a terminal as cards whose border has the colour of the severity; elsewhere as plain lines."""

from io import StringIO
from typing import TextIO

from rich.box import ASCII, ROUNDED
from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from fusewatch.domain.notices import Message
from fusewatch.errors import Retryable
from fusewatch.notify.sheet import Role, Row, Sheet, Tone, sheet_lines, sheet_rows
from fusewatch.notify.words import sheet
from fusewatch.ports import Receipt

_COLOURS = {Tone.CRITICAL: "red", Tone.WARNING: "yellow", Tone.INFO: "blue", Tone.GOOD: "green"}
_STYLES = {Role.HEADLINE: "bold", Role.BODY: "", Role.CARD: "", Role.LINK: "", Role.FINE: "dim"}
_WIDEST = 110


class ConsoleNotifier:
    """Writes to a stream that it does not own. rich decides whether that is a terminal, and obeys NO_COLOR."""

    min_interval_s = 0.0

    def __init__(self, stream: TextIO, *, timezone: str) -> None:
        self._stream = stream
        self._timezone = timezone

    async def send(self, message: Message) -> Receipt:
        """Write and flush; a closed or full stream raises Retryable."""
        try:
            console = Console(file=self._stream)
            text = drawn(sheet(message), console, zone=self._timezone)
            self._stream.write(_writable(text, self._stream))
            self._stream.flush()
        except OSError as error:
            raise Retryable("stream_failed", f"the terminal cannot be written: {error.strerror or error}") from error
        except ValueError as error:
            if not self._stream.closed:
                raise
            raise Retryable("stream_failed", "the terminal is closed") from error
        return Receipt()

    async def close(self) -> None:
        """The stream belongs to whoever opened it."""


def drawn(content: Sheet, console: Console, *, zone: str) -> str:
    """The sheet as the console shows it: a card in a terminal, plain lines elsewhere; ends with a line break."""
    if not console.is_terminal:
        return "\n".join(sheet_lines(content, zone=zone)) + "\n"
    # Never printed on the console itself: where its pipe is broken, rich ends the whole process (rich 15).
    paper = StringIO()
    drawing = Console(
        file=paper,
        force_terminal=True,
        color_system="standard" if console.color_system else None,
        no_color=console.no_color,
        width=min(console.width, _WIDEST),
        height=console.height,  # with both given, rich asks neither the environment nor the machine
        legacy_windows=False,
    )
    rows = Group(*(_drawn_row(row) for row in sheet_rows(content, zone=zone)))
    border = ROUNDED if console.encoding.startswith("utf") else ASCII
    drawing.print(Panel(rows, box=border, border_style=_COLOURS[content.tone], padding=(0, 1)))
    return paper.getvalue()


def _drawn_row(row: Row) -> Padding:
    """One row that keeps its indentation where it wraps."""
    # Text objects are never parsed for markup, so a name such as "[red]" stays a name.
    text = Text(row.words, style=_STYLES[row.role])
    if row.tone is not None:
        text.stylize(f"bold {_COLOURS[row.tone]}", 0, len(row.mark))
    return Padding(text, (0, 0, 0, row.indent))


def _writable(text: str, stream: TextIO) -> str:
    """The text in the stream's own encoding: a terminal without "●" shows "?" and not an error instead of an alert."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)

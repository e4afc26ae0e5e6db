"""What a message says, before it takes the shape of Slack, a terminal or a text: lines of words and moments."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from fusewatch.domain.periods import local_clock
from fusewatch.domain.rules import Severity

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Moment(NamedTuple):
    """An instant inside a line; each reader sees it in their own zone. `seconds`: shown to the second."""

    at_ms: int
    seconds: bool = False


Line: TypeAlias = tuple[str | Moment, ...]
"""One line: words, already clean, and moments."""


class Tone(StrEnum):
    """What the colour and the mark say."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    GOOD = "good"

    @property
    def mark(self) -> str:
        """The sign for a reader who sees no colour."""
        return {Tone.CRITICAL: "●", Tone.WARNING: "●", Tone.INFO: "○", Tone.GOOD: "✓"}[self]


def tone_of(severity: Severity) -> Tone:
    """The tone of bad news of this severity."""
    return {Severity.CRITICAL: Tone.CRITICAL, Severity.WARNING: Tone.WARNING, Severity.INFO: Tone.INFO}[severity]


@dataclass(frozen=True, slots=True)
class Link:
    """A way on: `label` for a button, `url` http or https."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Card:
    """One notice: its first line, then what explains it."""

    tone: Tone
    headline: Line
    body: tuple[Line, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole message from top to bottom: headline, body, cards, `rest` (what is not shown), then the fine print.

    `created_ms` is "now" for the reader: moments of the same local day show no date. It comes from the message and not
    from a clock, so that a retry reads the same.
    """

    tone: Tone
    mark: str
    headline: Line
    created_ms: int
    body: tuple[Line, ...] = ()
    cards: tuple[Card, ...] = ()
    rest: str = ""
    fine: Line = ()
    links: tuple[Link, ...] = ()

    @property
    def all_links(self) -> tuple[Link, ...]:
        """The links of the message and its cards, each address once."""
        by_url = {link.url: link for card in reversed(self.cards) for link in card.links}
        by_url.update({link.url: link for link in self.links})
        ordered = [*self.links, *(link for card in self.cards for link in card.links)]
        return tuple(by_url[url] for url in dict.fromkeys(link.url for link in ordered))


def moment_text(moment: Moment, *, zone: str, now_ms: int) -> str:
    """`16:42`, `16:42:08`, `19 Nov, 11:05`, `19 Nov 2025, 11:05`: no more than tells it from now.

    In UTC, which few people live in, the moment to the second says so.
    """
    local, now = local_clock(zone, moment.at_ms), local_clock(zone, now_ms)
    text = f"{local:%H:%M:%S}" if moment.seconds else f"{local:%H:%M}"
    if moment.seconds and zone == "UTC":
        text += " UTC"
    return text if local.date() == now.date() else f"{_date_text(local, now)}, {text}"


def is_today(moment: Moment, *, zone: str, now_ms: int) -> bool:
    """Whether the moment needs no date."""
    return local_clock(zone, moment.at_ms).date() == local_clock(zone, now_ms).date()


def line_text(line: Line, *, zone: str, now_ms: int) -> str:
    """The line as plain text."""
    return "".join(
        moment_text(piece, zone=zone, now_ms=now_ms) if isinstance(piece, Moment) else piece for piece in line
    )


class Role(StrEnum):
    """What a row is for; renderers differ in how they stress it."""

    HEADLINE = "headline"
    BODY = "body"
    CARD = "card"
    LINK = "link"
    FINE = "fine"


class Row(NamedTuple):
    """One row of a message as text: indented by `indent` spaces; `mark` and `tone` only where a card starts."""

    role: Role
    indent: int
    text: str
    mark: str = ""
    tone: Tone | None = None

    @property
    def words(self) -> str:
        """The row without its indentation."""
        return f"{self.mark} {self.text}" if self.mark else self.text


def sheet_rows(sheet: Sheet, *, zone: str) -> list[Row]:
    """The whole message from top to bottom: the first row is the headline, the last the fine print."""

    def told(line: Line) -> str:
        return line_text(line, zone=zone, now_ms=sheet.created_ms)

    rows = [Row(Role.HEADLINE, 0, told(sheet.headline), sheet.mark, sheet.tone)]
    rows += [Row(Role.BODY, 2, told(line)) for line in sheet.body]
    for card in sheet.cards:
        rows.append(Row(Role.CARD, 2, told(card.headline), card.tone.mark, card.tone))
        rows += [Row(Role.BODY, 4, told(line)) for line in card.body]
    if sheet.rest:
        rows.append(Row(Role.BODY, 2, sheet.rest))
    rows += [Row(Role.LINK, 2, f"{link.label}: {link.url}") for link in sheet.all_links]
    if sheet.fine:
        rows.append(Row(Role.FINE, 2, told(sheet.fine)))
    return rows


def sheet_lines(sheet: Sheet, *, zone: str) -> list[str]:
    """The rows as plain lines."""
    return [" " * row.indent + row.words for row in sheet_rows(sheet, zone=zone)]


def _date_text(local: datetime, now: datetime) -> str:
    # Not strftime's %b, which speaks the language of the machine.
    text = f"{local.day} {_MONTHS[local.month - 1]}"
    return text if local.year == now.year else f"{text} {local.year}"

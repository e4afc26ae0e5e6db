"""A message as Slack's blocks: the headline on top, the rest beside a bar in the colour of the severity.

Limits (docs.slack.dev, Block Kit reference): 50 blocks, 3,000 characters a text, 150 a header, 75 a button. Blocks and
attachments together stay below 12,000 characters, as Slack refuses about 13,200 with `msg_blocks_too_long` (which is
undocumented: slackapi/bolt-js issue 2509). Text from outside goes into `plain_text` objects, which Slack does not
parse; a line with a time needs mrkdwn for `<!date^…>`, so everything else in it is escaped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import msgspec
from slack_sdk.models.attachments import BlockAttachment
from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    HeaderBlock,
    InteractiveElement,
    MarkdownTextObject,
    Option,
    PlainTextObject,
    SectionBlock,
    StaticSelectElement,
)

from fusewatch.domain.actions import EACH, SILENCES, Action, Wish, sealed
from fusewatch.domain.notices import Message, Notice
from fusewatch.notify.groups import is_opening
from fusewatch.notify.sheet import (
    Card,
    Line,
    Link,
    Moment,
    Role,
    Sheet,
    Tone,
    is_today,
    line_text,
    moment_text,
    sheet_rows,
)
from fusewatch.notify.text import cut, slack_escape, without_mentions
from fusewatch.notify.words import sheet

COLOURS = {Tone.CRITICAL: "#C5221F", Tone.WARNING: "#E8710A", Tone.INFO: "#5F6368", Tone.GOOD: "#188038"}

METADATA = "fusewatch_message"
"""The event type of the metadata that carries a message's id."""

_TEXT_LENGTH = 3000
_HEADER_LENGTH = 150
_BUTTON_LENGTH = 75
_BUTTONS = 5
_FALLBACK_LENGTH = 2000
"""`text` is what a notification and a screen reader tell; receivers without blocks show nothing else."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """How lines turn into Slack's text: the zone is that of the fallback, Slack itself shows each reader's own."""

    zone: str
    now_ms: int

    def plain(self, line: Line) -> str:
        return without_mentions(line_text(line, zone=self.zone, now_ms=self.now_ms))

    def mrkdwn(self, line: Line) -> str:
        return "".join(self._date(piece) if isinstance(piece, Moment) else slack_escape(piece) for piece in line)

    def _date(self, moment: Moment) -> str:
        clock = "{time_secs}" if moment.seconds else "{time}"
        if not is_today(moment, zone=self.zone, now_ms=self.now_ms):
            clock = "{date_short_pretty}, " + clock
        fallback = moment_text(moment, zone=self.zone, now_ms=self.now_ms)
        return f"<!date^{moment.at_ms // 1000}^{clock}|{fallback}>"

    def text_object(self, lines: list[Line]) -> PlainTextObject | MarkdownTextObject:
        """The lines as one object; plain where no time is in them, or where marks would make them too long."""
        if any(isinstance(piece, Moment) for line in lines for piece in line):
            text = "\n".join(self.mrkdwn(line) for line in lines)
            if len(text) <= _TEXT_LENGTH:
                return MarkdownTextObject(text=text, verbatim=True)
        text = "\n".join(self.plain(line) for line in lines)
        return PlainTextObject(text=cut(text, _TEXT_LENGTH), emoji=False)


def webhook_body(message: Message, zone: str) -> bytes:
    """What an incoming webhook is sent; the same message gives the same bytes."""
    return _encoded(_parts(message, zone))


@dataclass(frozen=True, slots=True)
class Controls:
    """What people can choose below a message: about `count` incidents that stand, none of which somebody looks after
    where `fresh`. `secret` seals the choices."""

    delivery: str
    count: int
    fresh: bool
    secret: str = field(repr=False)


def controls_of(delivery: str, notices: Sequence[Notice], secret: str) -> Controls | None:
    """The choices for a message that shows these notices; None where nothing stands any more, or without a secret."""
    standing = [notice for notice in notices if is_opening(notice)]
    if not standing or not secret:
        return None
    fresh = any(notice.incident.acked_ms is None for notice in standing)
    return Controls(delivery, len(standing), fresh, secret)


def bot_body(message: Message, zone: str, channel: str, controls: Controls | None = None) -> bytes:
    """What `chat.postMessage` is sent. Its `metadata` carries the message's id, so that a repeat can be recognised."""
    return _encoded({**_of_sheet(sheet(message), zone, controls), **_addressed(channel, message.id)})


def _encoded(payload: dict[str, object]) -> bytes:
    return msgspec.json.encode(payload, order="sorted")


def edit_body(content: Sheet, zone: str, *, channel: str, ts: str, id_: str, controls: Controls | None = None) -> bytes:
    """What `chat.update` is sent: the message as it is to read now. Its parts take the place of the former ones."""
    parts = _of_sheet(content, zone, controls)
    shown = {name: parts[name] for name in ("text", "blocks", "attachments")}
    return _encoded({**shown, **_addressed(channel, id_), "ts": ts})


def reply_body(content: Sheet, zone: str, *, channel: str, thread_ts: str, broadcast: bool, id_: str) -> bytes:
    """What `chat.postMessage` is sent for a reply into a thread. It has neither attachments nor buttons: a reply that
    the channel is shown too (`reply_broadcast`) may hold none (docs.slack.dev, thread_broadcast)."""
    reader = _Reader(zone, content.created_ms)
    blocks = [_headline(content, reader), *_details(replace(content, links=(), cards=_unlinked(content)), reader)]
    extras = {"thread_ts": thread_ts, "reply_broadcast": broadcast, "unfurl_links": False, "unfurl_media": False}
    shown = {"text": _of_sheet(content, zone)["text"], "blocks": [block.to_dict() for block in blocks], "mrkdwn": False}
    return _encoded({**shown, **_addressed(channel, id_), **extras})


def _unlinked(content: Sheet) -> tuple[Card, ...]:
    return tuple(replace(card, links=()) for card in content.cards)


def _addressed(channel: str, id_: str) -> dict[str, object]:
    metadata = {"event_type": METADATA, "event_payload": {"id": id_}}
    return {"channel": channel, "parse": "none", "link_names": False, "metadata": metadata}


def _parts(message: Message, zone: str) -> dict[str, object]:
    return _of_sheet(sheet(message), zone)


def _of_sheet(content: Sheet, zone: str, controls: Controls | None = None) -> dict[str, object]:
    reader = _Reader(zone, content.created_ms)
    rows = sheet_rows(content, zone=zone)
    lines = [slack_escape(row.words) for row in rows if row.role is not Role.LINK]
    lines += [f"{slack_escape(link.label)}: {_escaped_address(link.url)}" for link in content.all_links]
    fallback = "\n".join(lines)
    attachment = BlockAttachment(
        blocks=_details(content, reader, controls),
        color=COLOURS[content.tone],
        fallback=cut(reader.plain(content.headline), _HEADER_LENGTH * 2),
    )
    return {
        "text": _cut_escaped(fallback, _FALLBACK_LENGTH),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [_headline(content, reader).to_dict()],
        "attachments": [attachment.to_dict()],
    }


def _escaped_address(url: str) -> str:
    """An address keeps its underscores and tildes, or it would lead elsewhere."""
    return url.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut_escaped(text: str, bound: int) -> str:
    """Like `cut`, but never in the middle of `&amp;`."""
    shortened = cut(text, bound)
    start = shortened.rfind("&", -6)
    return shortened if start < 0 or ";" in shortened[start:] or shortened == text else f"{shortened[:start]}…"


def _headline(content: Sheet, reader: _Reader) -> Block:
    line: Line = (f"{content.mark} ", *content.headline)
    text = reader.plain(line)
    if len(text) <= _HEADER_LENGTH and not any(isinstance(piece, Moment) for piece in line):
        return HeaderBlock(text=PlainTextObject(text=text, emoji=False))
    return SectionBlock(text=reader.text_object([line]))


def _details(content: Sheet, reader: _Reader, controls: Controls | None = None) -> list[Block]:
    blocks: list[Block] = _sections(list(content.body), reader)
    short: list[Line] = []
    for card in content.cards:
        headline: Line = (f"{card.tone.mark} ", *card.headline)
        if card.body:
            blocks += _sections([headline, *card.body], reader)
        else:
            short.append(headline)
    blocks += _sections(short, reader)
    if content.rest:
        blocks += _sections([(content.rest,)], reader)
    if content.all_links:
        blocks.append(ActionsBlock(elements=[_button(n, link) for n, link in enumerate(content.all_links[:_BUTTONS])]))
    if controls is not None:
        blocks.append(ActionsBlock(elements=_choices(controls)))
    if content.fine:
        blocks.append(ContextBlock(elements=[reader.text_object([content.fine])]))
    return blocks


def _sections(lines: list[Line], reader: _Reader) -> list[Block]:
    """Neighbouring lines in as few sections as possible, so that only those with times are parsed by Slack."""
    runs = groupby(lines, key=lambda line: any(isinstance(piece, Moment) for piece in line))
    return [SectionBlock(text=reader.text_object(list(run))) for _, run in runs]


def _button(number: int, link: Link) -> ButtonElement:
    label = cut(without_mentions(link.label), _BUTTON_LENGTH)
    return ButtonElement(
        text=PlainTextObject(text=label, emoji=False), url=link.url, action_id=f"fusewatch_link_{number}"
    )


def _choices(controls: Controls) -> list[InteractiveElement]:
    def value(wish: Wish) -> str:
        return sealed(Action(wish, controls.delivery), controls.secret)

    many = controls.count > 1
    silence = "Silence" if controls.count <= EACH else "Silence their rules"
    select = StaticSelectElement(
        placeholder=PlainTextObject(text=f"{silence} …", emoji=False),
        options=[
            Option(text=PlainTextObject(text=f"{silence} {_span(wish)}", emoji=False), value=value(wish))
            for wish in SILENCES
        ],
        action_id="fusewatch_silence",
    )
    if not controls.fresh:
        return [select]
    label = f"{Wish.ACKNOWLEDGE.words} all {controls.count:,}" if many else Wish.ACKNOWLEDGE.words
    button = ButtonElement(
        text=PlainTextObject(text=label, emoji=False), value=value(Wish.ACKNOWLEDGE), action_id="fusewatch_acknowledge"
    )
    return [button, select]


def _span(wish: Wish) -> str:
    return wish.words if wish is Wish.TOMORROW else f"for {wish.words}"

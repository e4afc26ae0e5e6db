"""What each kind of destination makes of a message, as text that can be compared: one line for each."""

import io
import json
from collections.abc import Callable, Mapping

from rich.console import Console

from fusewatch.domain.notices import Message
from fusewatch.domain.relaying import alert_of_notice
from fusewatch.notify.alertmanager_payload import body, posted
from fusewatch.notify.console import drawn
from fusewatch.notify.mail_payload import html_of
from fusewatch.notify.pagerduty_payload import events
from fusewatch.notify.sheet import sheet_lines
from fusewatch.notify.slack_payload import bot_body, webhook_body
from fusewatch.notify.webhook_payload import webhook_json
from fusewatch.notify.words import sheet
from tests.notify.pagerservice import KEY
from tests.notify.samples import BERLIN


def readable(body: bytes) -> str:
    """JSON as people read it."""
    return json.dumps(json.loads(body), indent=1, ensure_ascii=False) + "\n"


def _card(message: Message) -> str:
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system="standard", width=88, legacy_windows=False, _environ={}
    )
    return drawn(sheet(message), console, zone=BERLIN)


def _alerts(message: Message) -> str:
    alerts = [alert_of_notice(notice) for notice in message.notices]
    return readable(body(posted(alerts, now_ms=message.created_ms, lasts_ms=300_000, zone=BERLIN, link=message.link)))


def _events(message: Message) -> str:
    told = [json.loads(event.body(KEY)) for event in events(message, BERLIN)]
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


RENDERERS: Mapping[str, Callable[[Message], str]] = {
    "txt": lambda message: "\n".join(sheet_lines(sheet(message), zone=BERLIN)) + "\n",
    "ansi": _card,
    "slack.json": lambda message: readable(webhook_body(message, BERLIN)),
    "bot.json": lambda message: readable(bot_body(message, BERLIN, "#llm-spend")),
    "webhook.json": lambda message: readable(webhook_json(message, BERLIN)),
    "alertmanager.json": _alerts,
    "pagerduty.json": _events,
    "mail.html": lambda message: html_of(sheet(message), BERLIN),
}
"""By the ending of the golden files. A new kind of destination is one more line; Apprise is sent the plain text."""

TOO_LONG = {
    f"{name}.{ending}"
    for name in ("group_of_37", "group_mixed", "sample_many")
    for ending in ("webhook.json", "alertmanager.json")
}
"""A program gets every notice of a group; three of them show how, thirty-seven only fill a file."""

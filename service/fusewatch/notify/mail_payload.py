"""A message as a mail (RFC 5322): plain text and HTML that say the same, with headers by which clients thread."""

import re
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from html import escape

from fusewatch.domain.notices import Message
from fusewatch.notify.identity import only_key
from fusewatch.notify.sheet import Role, Row, Sheet, Tone, sheet_lines, sheet_rows
from fusewatch.notify.text import cut, is_web_address
from fusewatch.notify.words import sheet

_SUBJECT_LENGTH = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLOURS = {Tone.CRITICAL: "#d93025", Tone.WARNING: "#e8710a", Tone.INFO: "#80868b", Tone.GOOD: "#1e8e3e"}
"""Readable on white and on black: most clients turn a mail dark by themselves."""

_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_STYLES = {
    Role.HEADLINE: "margin:0 0 8px;font-size:17px;font-weight:600",
    Role.BODY: "margin:0 0 4px",
    Role.CARD: "margin:8px 0 4px",
    Role.LINK: "margin:8px 0 4px",
    Role.FINE: "margin:10px 0 0;font-size:12px;opacity:.75",
}


def envelope_address(address: str) -> str:
    """The address with its domain as the net knows it (`münchen.example` → `xn--mnchen-3ya.example`).

    ValueError for a domain that there cannot be.
    """
    name, _, domain = address.rpartition("@")
    try:
        return f"{name}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        raise ValueError(f"there cannot be a mail address at {domain!r}") from None


def mail_bytes(message: Message, zone: str, *, sender: str, to: tuple[str, ...]) -> bytes:
    """The whole mail; the same message gives the same bytes. `sender` and `to` are envelope addresses.

    `Message-ID` follows from the message's, so that a server or a reader can drop a repeat. What is about one incident
    refers to a first message that this incident would have, so that clients show its news as one conversation.
    """
    content = sheet(message)
    mail = EmailMessage(policy=SMTP if _is_ascii(sender, *to) else SMTPUTF8)
    headline = sheet_rows(content, zone=zone)[0]
    mail["Subject"] = cut(headline.words, _SUBJECT_LENGTH)
    mail["From"] = _address(sender, "Fusewatch")
    mail["To"] = tuple(_address(address) for address in to)
    mail["Date"] = _EPOCH + timedelta(seconds=message.created_ms // 1000)
    domain = sender.rpartition("@")[2]
    mail["Message-ID"] = f"<{_word(message.id)}@{domain}>"
    if key := only_key(message):
        root = f"<incident.{_word(key)}@{domain}>"
        mail["In-Reply-To"] = root
        mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["List-Id"] = f"<{_word(message.destination)}.fusewatch.{domain}>"
    mail["X-Fusewatch-Kind"] = message.kind.value
    mail["X-Fusewatch-Severity"] = message.severity.word
    mail.set_content("\n".join(sheet_lines(content, zone=zone)) + "\n", cte="quoted-printable")
    mail.add_alternative(html_of(content, zone), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_{_word(message.id)[:50]}")
    return mail.as_bytes()


def _is_ascii(*addresses: str) -> bool:
    return all(address.isascii() for address in addresses)


def _address(address: str, name: str = "") -> Address:
    user, _, domain = address.rpartition("@")
    return Address(name, user, domain)


def _word(text: str) -> str:
    """What may stand in an identifier: an atom of RFC 5322, short enough for one line."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", text)[:100].strip("-") or "fusewatch"


def html_of(content: Sheet, zone: str) -> str:
    """The sheet as HTML without anything to load. Colours only where they mean something: the reader's theme rules."""
    rows = [_row(row) for row in sheet_rows(content, zone=zone) if row.role not in (Role.LINK, Role.FINE)]
    if links := " &nbsp; ".join(
        f'<a href="{escape(link.url)}">{escape(link.label)}</a>'
        for link in content.all_links
        if is_web_address(link.url)
    ):
        rows.append(f'<p style="{_STYLES[Role.LINK]}">{links}</p>')
    rows += [_row(row) for row in sheet_rows(content, zone=zone) if row.role is Role.FINE]
    bar = f"border-left:4px solid {_COLOURS[content.tone]};padding:2px 0 2px 14px;max-width:46em"
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
        f'</head>\n<body style="margin:0;padding:16px;font-size:15px;line-height:1.45;{_FONT}">\n'
        f'<div style="{bar}">\n' + "\n".join(rows) + "\n</div>\n</body>\n</html>\n"
    )


def _row(row: Row) -> str:
    mark = ""
    if row.mark:
        colour = f' style="color:{_COLOURS[row.tone]}"' if row.tone else ""
        mark = f"<span{colour}>{escape(row.mark)}</span> "
    indent = f";padding-left:{row.indent - 2}ch" if row.indent > 2 else ""
    return f'<p style="{_STYLES[row.role]};white-space:pre-wrap{indent}">{mark}{escape(row.text)}</p>'

"""A Slack payload as a page that looks as Slack shows it. Whatever it does not know raises, so that no picture lies."""

import html
import re
from collections.abc import Mapping, Sequence

Payload = Mapping[str, object]

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: #1d1c1d; font: 15px/22px Lato, "Helvetica Neue", Arial, sans-serif;
       font-variant-numeric: normal; -webkit-font-smoothing: antialiased; }
.window { width: 760px; }
.channel { display: flex; align-items: center; height: 49px; padding: 0 20px; border-bottom: 1px solid #e2e2e2;
           font-size: 18px; font-weight: 900; }
.channel span { color: #616061; font-weight: 400; margin-right: 3px; }
.day { position: relative; margin: 14px 0 2px; text-align: center; font-size: 13px; font-weight: 700;
       line-height: 28px; }
.day::before { content: ""; position: absolute; left: 0; right: 0; top: 50%; border-top: 1px solid #e2e2e2; }
.day span { position: relative; display: inline-block; padding: 0 16px; border: 1px solid #e2e2e2; border-radius: 24px;
            background: #fff; }
.message { display: flex; gap: 8px; padding: 8px 20px 18px; }
.avatar { flex: none; width: 36px; height: 36px; border-radius: 8px; margin-top: 3px; }
.content { flex: 1; min-width: 0; }
.who { font-weight: 900; }
.app { margin: 0 4px; padding: 1px 3px; border-radius: 2px; background: #e8e8e8; color: #616061; font-size: 10px;
       font-weight: 700; line-height: 14px; vertical-align: 2px; }
.time { color: #616061; font-size: 12px; }
.header { margin: 2px 0 6px; font-size: 18px; line-height: 24px; font-weight: 900; }
.attachment { display: flex; margin-top: 4px; }
.bar { flex: none; width: 4px; border-radius: 8px; }
.blocks { flex: 1; min-width: 0; padding-left: 12px; }
.section { margin: 4px 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.date { background: none; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 10px 0 8px; }
.button { height: 28px; padding: 0 12px; border: 1px solid rgba(29,28,29,.3); border-radius: 4px; font-size: 13px;
          font-weight: 700; line-height: 26px; white-space: nowrap; }
.button.primary { background: #007a5a; border-color: #007a5a; color: #fff; }
.button.danger { border-color: #e01e5a; color: #e01e5a; }
.button i { display: inline-block; margin: 0 0 2px 8px; border: solid #616061; border-width: 0 1.5px 1.5px 0;
            padding: 2.5px; transform: rotate(45deg); }
.context { margin-top: 6px; color: #616061; font-size: 13px; line-height: 18px; overflow-wrap: anywhere; }
.divider { margin: 10px 0; border-top: 1px solid #e2e2e2; }
b { font-weight: 900; } a { color: #1264a3; text-decoration: none; }
code { padding: 2px 3px; border: 1px solid #e2e2e2; border-radius: 3px; background: #f8f8f8; color: #c01343;
       font: 12px/1 Monaco, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { margin: 4px 0; padding: 8px; border: 1px solid #e2e2e2; border-radius: 4px; background: #f8f8f8;
      white-space: pre-wrap; font: 12px/18px Monaco, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
"""

_AVATAR = (
    '<svg class="avatar" viewBox="0 0 36 36"><rect width="36" height="36" fill="#1f2937"/>'
    '<path d="M5 18h6m14 0h6" stroke="#e5e7eb" stroke-width="2.4" stroke-linecap="round"/>'
    '<rect x="9.5" y="12" width="17" height="12" rx="3.5" fill="none" stroke="#e5e7eb" stroke-width="2.4"/>'
    '<path d="M12.5 18c2.2-4.4 4.4 4.4 5.6 0s3.2-3.6 5.4 0" fill="none" stroke="#f59e0b" stroke-width="2.2"'
    ' stroke-linecap="round"/></svg>'
)


def page(payload: Payload, *, channel: str, day: str, time: str) -> str:
    """The page of one message of ours in a channel. Times read as their fallbacks, which are in the samples' zone."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Slack</title><style>{_STYLE}</style></head>'
        f'<body><div class="window"><div class="channel"><span>#</span>{html.escape(channel.lstrip("#"))}</div>'
        f'<div class="day"><span>{html.escape(day)}</span></div>'
        f'<div class="message">{_AVATAR}<div class="content">'
        f'<div><span class="who">Fusewatch</span> <span class="app">APP</span>'
        f'<span class="time">{html.escape(time)}</span></div>'
        f"{_blocks(payload.get('blocks'))}{_attachments(payload.get('attachments'))}"
        "</div></div></div></body></html>\n"
    )


def _attachments(value: object) -> str:
    return "".join(
        f'<div class="attachment"><div class="bar" style="background:{html.escape(_word(one, "color"))}"></div>'
        f'<div class="blocks">{_blocks(one.get("blocks"))}</div></div>'
        for one in _mappings(value)
    )


def _blocks(value: object) -> str:
    return "".join(_block(block) for block in _mappings(value))


def _block(block: Payload) -> str:
    kind = _word(block, "type")
    match kind:
        case "header":
            return f'<div class="header">{_text(block["text"])}</div>'
        case "section" if not {"fields", "accessory"} & set(block):
            return f'<div class="section">{_text(block["text"])}</div>'
        case "context":
            return f'<div class="context">{"".join(_text(one) for one in _mappings(block["elements"]))}</div>'
        case "actions":
            return f'<div class="actions">{"".join(_element(one) for one in _mappings(block["elements"]))}</div>'
        case "divider":
            return '<div class="divider"></div>'
        case _:
            raise ValueError(f"a block of type {kind} with {sorted(block)} has no picture yet")


def _element(element: Payload) -> str:
    kind = _word(element, "type")
    match kind:
        case "button":
            style = html.escape(_word(element, "style")) if "style" in element else ""
            return f'<span class="button {style}">{_text(element["text"])}</span>'
        case "static_select" | "overflow":
            label = _text(element["placeholder"]) if "placeholder" in element else "…"
            return f'<span class="button">{label}<i></i></span>'
        case _:
            raise ValueError(f"an element of type {kind} has no picture yet")


def _text(value: object) -> str:
    """A text object as Slack shows it: plain text as it is, mrkdwn with its dates, links and marks."""
    assert isinstance(value, Mapping)
    text = _word(value, "text")
    if value["type"] == "plain_text":
        return html.escape(text)
    assert value["type"] == "mrkdwn", value
    # Slack's own escapes are those of HTML, so what is left are its marks.
    text = re.sub(r"<!date\^\d+\^[^|>]*\|([^>]*)>", r"\1", text)
    text = re.sub(r"<(https?://[^|>]*)\|([^>]*)>", r'<a href="\1">\2</a>', text)
    text = re.sub(r"```(.+?)```", r"<pre>\1</pre>", text, flags=re.DOTALL)
    text = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", text)
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<b>\1</b>", text)
    return re.sub(r"(?<!\w)_([^_\n]+)_(?!\w)", r"<i>\1</i>", text)


def _mappings(value: object) -> Sequence[Payload]:
    if value is None:
        return []
    assert isinstance(value, list), value
    return value


def _word(value: Payload, key: str) -> str:
    word = value[key]
    assert isinstance(word, str), (key, word)
    return word

"""Text that came from outside, made safe to show: one line, nothing invisible, bounded, and no mention in Slack."""

import re
import unicodedata
from urllib.parse import urlsplit

NAME_LENGTH = 80
"""How much of a name a message shows. Langfuse itself keeps at most 200 characters of most of them."""

ELLIPSIS = "…"
UNPRINTABLE = "(unprintable)"

_JOINER = "\u2060"
"""Word joiner: invisible, without width, and no part of any mention."""

_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC: titles, links
    r"|\x1b[@-Z\\-_]"
)
_REMOVED = frozenset({"Cc", "Cf", "Cs", "Cn", "Co"})
_SPACES = re.compile(r"\s+")
_CONTROL_SEQUENCE = re.compile(r"<(?=[!@#])")
_MENTION = re.compile(r"(?<![^\W_])(?<![.+-])@|@(?=(?:here|channel|everyone|all|group)\b)", re.IGNORECASE)
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_LOOK_ALIKES = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})


def clean(text: str, bound: int = NAME_LENGTH) -> str:
    """The text as one visible line of at most `bound` characters, the last of them "…" where it was cut.

    Terminal escapes, control and format characters (bidi marks, zero-width characters, lone surrogates) go, every run
    of white space becomes one space. A text of which nothing is left reads "(unprintable)", an empty one stays empty.
    """
    if not text:
        return ""
    # No more than this can matter, and a megabyte of a name is not worth a look at every character.
    visible = _ANSI.sub("", text[: 40 * bound])
    visible = "".join(" " if char.isspace() else char for char in visible if _shown(char))
    visible = _SPACES.sub(" ", visible).strip()
    return cut(visible or UNPRINTABLE, bound)


def _shown(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) not in _REMOVED


def cut(text: str, bound: int) -> str:
    """The text, at most `bound` characters of it, with "…" as the last where something is missing."""
    return text if len(text) <= bound else text[: bound - 1].rstrip() + ELLIPSIS


def without_mentions(text: str) -> str:
    """The same to the eye, but neither `<!channel>` nor `@here` is one any more, in whatever way it gets parsed.

    Slack parses neither in `plain_text`; receivers that take the same shape do (Mattermost looks for `@here`), so
    an invisible joiner goes between. An address such as ana@example.com stays as it is.
    """
    return _MENTION.sub("@" + _JOINER, _CONTROL_SEQUENCE.sub("<" + _JOINER, text))


def slack_escape(text: str) -> str:
    """The text for Slack's mrkdwn, where it shows as written: no mention, no link, no formatting.

    `&`, `<` and `>` are escaped as Slack's formatting reference says. It has no escape for `*`, `~` and the backtick:
    they become look-alikes, as does an underscore that is not inside a word (Slack leaves those alone).
    """
    text = without_mentions(text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _EDGE_UNDERSCORE.sub("＿", text.translate(_LOOK_ALIKES))


def is_web_address(text: str, bound: int = 3000) -> bool:
    """Whether the text can be a link: http or https, a host, at most `bound` characters, none of them white."""
    if len(text) > bound or clean(text, bound) != text or " " in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)

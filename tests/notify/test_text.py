"""What comes from outside is shown as one harmless line."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.notify.text import clean, cut, is_web_address, slack_escape, without_mentions

HOSTILE = [
    "<!channel>",
    "<!here|here>",
    "<!everyone>",
    "<@U012AB3CD>",
    "<#C024BE7LR>",
    "<!subteam^SAZ94GDB8>",
    "<https://evil.example.com|Runbook>",
    "@here",
    "please @channel now",
    "x@here",
    "*_~`bold`~_*",
    "&lt;!channel&gt;",
    "line one\nline two\r\nline three\u2028four",
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example.com\x07link\x1b]8;;\x07 \x9b1mbold",
    "\u202egnp.exe",
    "zero\u200bwidth\u200d\ufeff\u2060",
    "lone \ud800 surrogate",
    "👩\u200d🚀 rocket 🚀",
    "[red]not markup[/red]",
    "x" * 5000,
    "ع" * 5000,
    "\x00\x07\x08",
    "  ",
]

mention = re.compile(r"<[!@#]|(?<![^\W_])(?<![.+-])@\w|@(?:here|channel|everyone|all|group)\b", re.IGNORECASE)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("summarization", "summarization"),
        ("Zusammenfassung für Käufer", "Zusammenfassung für Käufer"),
        ("a\tb\n c", "a b c"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07name", "name"),
        ("\x9b31mred", "red"),
        ("user\u202e4711", "user4711"),
        ("fea\u200bture", "feature"),
        ("a\u2028b", "a b"),
        ("\u200b\u200c", "(unprintable)"),
        ("\x00", "(unprintable)"),
        ("", ""),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
    ],
)
def test_a_name_is_shown_as_one_visible_line(raw: str, shown: str) -> None:
    assert clean(raw) == shown


def test_a_long_name_is_cut_with_an_ellipsis_and_never_longer_than_its_bound() -> None:
    assert clean("x" * 5000, 10) == "xxxxxxxxx…"
    assert clean("x" * 10, 10) == "xxxxxxxxxx"
    assert cut("abcd efgh", 6) == "abcd…"


@settings(deadline=None)
@given(st.text(max_size=300), st.integers(min_value=1, max_value=120))
def test_whatever_the_name_cleaning_leaves_one_bounded_visible_line(raw: str, bound: int) -> None:
    shown = clean(raw, bound)
    assert len(shown) <= bound
    assert shown == shown.strip()
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(char) for char in shown}
    shown.encode()
    if len(shown) < bound:
        assert clean(shown, bound) == shown


@pytest.mark.parametrize("raw", HOSTILE)
def test_no_hostile_name_mentions_anybody_in_slack(raw: str) -> None:
    for safe in (without_mentions(clean(raw)), slack_escape(clean(raw)), slack_escape(raw)):
        assert not mention.search(safe)


@settings(deadline=None)
@given(st.text(st.sampled_from("<>!@#&|^*_~`: herchanl\u2060a1"), max_size=60))
def test_no_arrangement_of_slack_signs_survives_escaping(raw: str) -> None:
    escaped = slack_escape(clean(raw, 100))
    assert not mention.search(escaped)
    assert not mention.search(without_mentions(clean(raw, 100)))
    assert not set(escaped) & set("<>*~`")
    assert "&" not in re.sub(r"&(?:amp|lt|gt);", "", escaped)
    assert not re.search(r"(?<![^\W_])_|_(?![^\W_])", escaped), "an underscore at the edge of a word formats"


@pytest.mark.parametrize("plain", ["search_assist", "ana@example.com", "feature-01", "2.4x (content)", "a.b+c@d.org"])
def test_usual_names_stay_as_they_are_in_slack(plain: str) -> None:
    assert slack_escape(plain) == plain
    assert without_mentions(plain) == plain


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://wiki.example.com/llm?a=b&c=d#e", True),
        ("http://127.0.0.1:9469/", True),
        ("javascript:alert(1)", False),
        ("ftp://example.com", False),
        ("https://", False),
        ("https://exa mple.com", False),
        ("https://example.com/\u202e", False),
        ("https://[broken", False),
        ("/relative", False),
        ("https://example.com/" + "x" * 3000, False),
    ],
)
def test_only_a_short_http_address_becomes_a_link(text: str, is_one: bool) -> None:
    assert is_web_address(text) is is_one

"""What can be changed on the page, and the form that logs in."""

from fusewatch.domain.notices import Incident
from fusewatch.domain.silences import FACTS, MOST_TEXT, Silence
from fusewatch.web.html import Markup, el, foreign, join
from fusewatch.web.page.parts import Shown, document, form, hidden_field

HOURS = {"1h": "1 hour", "4h": "4 hours", "12h": "12 hours", "1d": "1 day", "7d": "7 days"}
SPANS_MS = {"1h": 3_600_000, "4h": 4 * 3_600_000, "12h": 12 * 3_600_000, "1d": 86_400_000, "7d": 7 * 86_400_000}
"""What a silence made here may last, by the word in the form."""

LONGEST_NAME = 100


def matchers_of(incident: Incident, dimensions: tuple[str, ...]) -> dict[str, list[str]]:
    """What silences this incident and no other key: its rule and the values of its key, read as they are written."""
    found = {"rule": [_literal(incident.rule)]}
    for name, value in incident.labels:
        if name in dimensions and name not in FACTS:
            found[name] = [_literal(value)]
    return found


def _literal(value: str) -> str:
    """The glob that fits this value alone."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in value)


def incident_forms(shown: Shown, incident: Incident) -> Markup | None:
    """Acknowledge and silence, for who may."""
    if not shown.may_change:
        return None
    about = hidden_field("incident", incident.id)
    acknowledge = form(
        shown,
        "/acknowledge",
        about,
        _text("author", "Your name", LONGEST_NAME),
        el("button", "Acknowledge", type="submit"),
        class_="inline",
    )
    duration = el(
        "label",
        "for ",
        el("select", *(el("option", words, value=word) for word, words in HOURS.items()), name="span"),
    )
    silence = form(
        shown,
        "/silence",
        about,
        duration,
        _text("comment", "Why", MOST_TEXT),
        _text("author", "Your name", LONGEST_NAME),
        el("button", "Silence", type="submit"),
        class_="inline",
    )
    return el("div", None if incident.acked_ms is not None else acknowledge, silence, class_="actions")


def _text(name: str, words: str, longest: int) -> Markup:
    """A field within its label."""
    field = el(
        "input",
        type="text",
        name=name,
        maxlength=str(longest),
        required="",
        autocomplete="name" if name == "author" else "off",
    )
    return el("label", f"{words} ", field)


def end_silence(shown: Shown, silence: Silence) -> Markup:
    """The button that ends a silence; its id for who may not."""
    if not shown.may_change:
        return foreign(silence.id)
    about = hidden_field("silence", silence.id)
    return form(shown, "/unsilence", about, el("button", "End it", type="submit", title=f"silence {silence.id}"))


def account(shown: Shown) -> Markup | None:
    """Who is logged in, in the head of the page."""
    if shown.session is not None:
        words = "may change" if shown.may_change else "reading"
        button = el("button", "Log out", type="submit", class_="plain")
        return el("div", el("span", f"{words} · ", class_="dim"), form(shown, "/logout", button), class_="account")
    return el("a", "Log in", href="/login", class_="account") if shown.login else None


def login_page(wrong: str = "", back: str = "/") -> bytes:
    """The form that takes a token. `wrong` says why the last try failed."""
    hint = "FUSEWATCH_WEB_TOKEN may change, FUSEWATCH_READ_TOKEN may read. The session ends after 12 hours."
    field = el(
        "input",
        type="password",
        name="token",
        id="token",
        required="",
        autocomplete="current-password",
        aria_describedby="hint",
        aria_invalid="true" if wrong else None,
    )
    body = el(
        "body",
        el(
            "main",
            el("h1", "Fusewatch"),
            el("p", wrong, class_="notice", role="alert") if wrong else None,
            el(
                "form",
                hidden_field("back", back),
                el("p", join(el("label", "Token", for_="token"), field)),
                el("p", hint, class_="dim", id="hint"),
                el("p", el("button", "Log in", type="submit")),
                method="post",
                action="/login",
            ),
            class_="login",
        ),
    )
    return document("Log in · Fusewatch", body)

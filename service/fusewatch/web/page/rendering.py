"""The page: is anything wrong, where do we stand, where does the money go; then projects and deliveries."""

from collections.abc import Sequence

from fusewatch.domain.money import format_usd
from fusewatch.domain.rules import Severity
from fusewatch.web.assets import address_of
from fusewatch.web.html import Markup, el, foreign, join, text
from fusewatch.web.page.budgets import budgets, spikes
from fusewatch.web.page.findings import Finding, findings, headline, mark, verdict
from fusewatch.web.page.forms import account, end_silence
from fusewatch.web.page.parts import Shown, document, note, section, table
from fusewatch.web.page.spend import spend, traces
from fusewatch.web.page.upkeep import deliveries, projects
from fusewatch.web.words import moment

MOST_SILENCES = 20
MOST_ENDED = 20

TOLD = {
    "silenced": "It is silenced: nobody is told of it any more, and it goes on being judged.",
    "unsilenced": "The silence has ended.",
    "acknowledged": "It is acknowledged.",
    "ended": "That incident is over, so there is nothing to acknowledge.",
    "gone": "There is no such incident or silence any more.",
}
"""What the page says after a change, by the word in its address."""


def render_page(shown: Shown) -> bytes:
    """The whole page."""
    found = findings(shown)
    wrong = sum(one.severity >= Severity.WARNING for one in found)
    body = el(
        "body",
        el("a", "Skip to what is wrong", href="#main", class_="skip"),
        _header(shown, wrong),
        el(
            "main",
            _notices(shown),
            _wrong(shown, found),
            _silences(shown),
            budgets(shown),
            spend(shown),
            traces(shown),
            spikes(shown),
            _ended(shown),
            projects(shown),
            deliveries(shown),
            id="main",
            tabindex="-1",
        ),
        _footer(shown),
    )
    return document(
        f"({wrong}) Fusewatch" if wrong else "Fusewatch",
        body,
        el("meta", name="color-scheme", content="light dark"),
        el("link", rel="stylesheet", href=address_of("uPlot.min.css")),
        el("script", src=address_of("uPlot.iife.min.js"), defer=""),
        el("script", src=address_of("page.js"), defer=""),
    )


def _header(shown: Shown, wrong: int) -> Markup:
    return el(
        "header",
        el("div", el("h1", "Fusewatch"), account(shown), class_="top"),
        el("p", verdict(shown.snapshot, wrong, shown.zone), class_="verdict"),
        _today(shown),
        id="head",
    )


def _today(shown: Shown) -> Markup | None:
    """Today's spend of everything, and what it comes to by the end of the day."""
    today = shown.spending.today if shown.spending is not None else None
    if today is None:
        return None
    words = f"{format_usd(today.pico)} today"
    if today.low is not None and today.high is not None and today.expected is not None:
        low, high = format_usd(today.low), format_usd(today.high)
        span = low if low == high else f"{low} – {high}"
        words += f", {span} by the end of the day"
    month = sum(line.month_pico for line in shown.snapshot.spend)
    return el("p", words, f" · {format_usd(month)} this month" if month else None, class_="today")


def _notices(shown: Shown) -> Markup | None:
    query = shown.query
    said = [TOLD[query.told]] if query.told in TOLD else []
    rows = [el("p", words, class_="notice", role="status") for words in said]
    rows += [
        el("p", "The address asks for something else than this page shows: ", text(one), class_="notice")
        for one in query.mistakes
    ]
    return el("div", *rows, id="notices") if rows else None


def _wrong(shown: Shown, found: Sequence[Finding]) -> Markup | None:
    severity = shown.query.severity
    rows = [one for one in found if severity is None or one.severity >= severity]
    if not rows:
        return None
    return section(
        "wrong", "Is anything wrong?", _counted(rows), el("ul", *(one.row for one in rows), class_="findings")
    )


def _counted(found: Sequence[Finding]) -> str:
    counts = [(severity.word, sum(one.severity is severity for one in found)) for severity in reversed(Severity)]
    return ", ".join(f"{count:,} {word}" for word, count in counts if count)


def _silences(shown: Shown) -> Markup | None:
    silences = shown.snapshot.silences
    if not silences:
        return None
    rows = [
        (
            foreign(" ".join(f"{m.dimension}={','.join(m.patterns)}" for m in silence.matchers)),
            foreign(silence.comment),
            foreign(silence.author),
            end_silence(shown, silence),
            text(moment(silence.until_ms, shown.now_ms, shown.zone)),
        )
        for silence in silences[:MOST_SILENCES]
    ]
    count = len(silences)
    hint = f"the last {MOST_SILENCES} of {count:,}" if count > MOST_SILENCES else ""
    title = "What is silenced?"
    return section(
        "silences", title, hint, table(title, ("what", "because", "by", "silence", "until"), rows, numbers=1)
    )


def _ended(shown: Shown) -> Markup | None:
    """Incidents that ended lately."""
    over = [one for one in shown.snapshot.recent_incidents if one.state.value != "open"][:MOST_ENDED]
    if not over:
        return None
    rows = [
        (
            join(mark(one.severity), headline(one, shown.now_ms, shown.zone)),
            text(one.state.value.replace("_", " ")),
            text(moment(one.opened_ms, shown.now_ms, shown.zone)),
            text(moment(one.changed_ms, shown.now_ms, shown.zone)),
        )
        for one in over
    ]
    title = "What ended lately"
    inner = table(title, ("incident", "how", "opened", "ended"), rows, numbers=2)
    return section("ended", title, "", el("details", el("summary", f"{len(over)} incidents"), inner, id="ended-list"))


def _footer(shown: Shown) -> Markup:
    now = moment(shown.now_ms, shown.now_ms, shown.zone)
    changes = None
    if not shown.changes:
        changes = note("Nothing can be changed here: set FUSEWATCH_WEB_TOKEN to silence and acknowledge on this page.")
    return el(
        "footer",
        el(
            "p",
            f"Fusewatch {shown.process.version} · as of ",
            el("span", now, id="as-of"),
            f", times in {shown.zone} · ",
            el("a", "metrics", href="/metrics"),
            " · ",
            el("a", "API", href="/api/v1/openapi.json"),
        ),
        changes,
        id="foot",
    )


def message_page(title: str, words: str) -> bytes:
    """A page that says one sentence."""
    body = el("body", el("main", el("h1", title), el("p", words, class_="verdict", role="alert"), class_="login"))
    return document(title, body)

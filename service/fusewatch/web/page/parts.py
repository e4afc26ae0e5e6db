"""What the sections of the page are made of: headings, tables, forms, and what every part is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fusewatch.app.snapshot import Snapshot
from fusewatch.app.spending import Spending
from fusewatch.domain.ratebudget import InUse
from fusewatch.domain.routing import known_values
from fusewatch.domain.rules import Rule, RuleSet
from fusewatch.web.assets import address_of
from fusewatch.web.html import Child, Markup, el, text
from fusewatch.web.page.query import Query
from fusewatch.web.sessions import Session
from fusewatch.web.telemetry import Process


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that one page is made of. `spending` is None where it could not be read in time; `session` is None
    for who is not logged in; `changes` tells whether anything can be changed here at all; `login`: whether a token was
    set, so that somebody can log in."""

    snapshot: Snapshot
    process: Process
    rules: RuleSet
    problems: Sequence[str] = ()
    query: Query = field(default_factory=Query)
    spending: Spending | None = None
    session: Session | None = None
    changes: bool = False
    login: bool = False
    in_use: Mapping[str, Sequence[InUse]] = field(default_factory=dict)
    """What is used of the request budget, by project key."""

    @property
    def now_ms(self) -> int:
        return self.snapshot.now_ms

    @property
    def zone(self) -> str:
        return self.rules.calendar.timezone

    @property
    def may_change(self) -> bool:
        return self.changes and self.session is not None and self.session.right.value == "change"

    def rule(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules.rules if rule.name == name), None)

    def fits(self, rule: str, labels: Sequence[tuple[str, str]]) -> bool:
        """Whether the filters mean this key of a rule."""
        if not self.query.only:
            return True
        found = self.rule(rule)
        return self.query.fits((known_values(found, tuple(labels)) if found else dict(labels)).items())


def document(title: str, body: Markup, *more: Markup) -> bytes:
    """A whole page; `more` stands in its head before our own style."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", title),
        el("link", rel="icon", href=address_of("mark.svg")),
        *more,
        el("link", rel="stylesheet", href=address_of("page.css")),
    )
    return b"<!doctype html>\n" + el("html", head, body, lang="en").encode()


def section(name: str, title: str, note: str, *content: Child) -> Markup:
    """A part of the page that can be jumped to, and that our script puts in place anew when it changed."""
    heading = el("h2", title, el("small", f" {note}") if note else None, id=f"{name}-title")
    return el("section", heading, *content, id=name, aria_labelledby=f"{name}-title")


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Markup]], *, numbers: int) -> Markup:
    """The first column names the rows; the last `numbers` columns hold numbers."""
    words = len(columns) - numbers

    def kind(index: int) -> str | None:
        return None if index < words else "n"

    head = el(
        "thead", el("tr", *(el("th", name, scope="col", class_=kind(index)) for index, name in enumerate(columns)))
    )
    body = [
        el(
            "tr",
            *(
                el("td", cell, class_=kind(index)) if index else el("th", cell, scope="row", class_=kind(index))
                for index, cell in enumerate(row)
            ),
        )
        for row in rows
    ]
    inner = el("table", el("caption", caption, class_="hidden"), head, el("tbody", *body))
    return el("div", inner, class_="wide", role="group", aria_label=caption, tabindex="0")


def hidden_field(name: str, value: str) -> Markup:
    return el("input", type="hidden", name=name, value=value)


def form(shown: Shown, action: str, *content: Child, class_: str | None = None) -> Markup:
    """A form that changes something: it carries the key of the session, and where to come back to."""
    assert shown.session is not None, "only who is logged in sees it"
    back = shown.query.address()
    return el(
        "form",
        hidden_field("form_key", shown.session.form_key),
        hidden_field("back", back),
        *content,
        method="post",
        action=action,
        class_=class_,
    )


def note(words: str | Markup) -> Markup:
    return el("p", text(words), class_="dim")

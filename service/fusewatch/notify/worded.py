"""A destination's own words in place of ours: what its template makes of a message, and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from fusewatch.domain.notices import Message
from fusewatch.notify.samples import KINDS, samples, shown_by
from fusewatch.notify.sheet import Line, Sheet
from fusewatch.notify.template import Faulty, Mistake, Vocabulary, compiled, filled
from fusewatch.notify.templatevalues import Moments, values_of, vocabulary_of
from fusewatch.notify.text import clean, cut
from fusewatch.notify.words import sheet

TITLE_LENGTH = 300
"""Characters of a title that are shown. Slack shows 150 of them large."""
BODY_LENGTH = 2500
"""Characters of a body that are shown: they fit into one block of Slack."""
BODY_LINES = 40

_SAMPLED_MS = 1_795_534_920_000
"""When the samples happen on which templates are tried: a check says the same at any time."""


def worded(own: Sheet, message: Message) -> Sheet:
    """Our own sheet with the title and the body that the message's destination wants; links and fine print stay.

    A title that comes out empty leaves our headline. A template that fails costs nothing but its words: the sheet is
    ours then, and says so.
    """
    wording = message.wording
    if wording is None:
        return own
    moments = Moments()
    values = values_of(message, own, moments)
    part = "title"
    try:
        title = _filled(wording.title, values)
        part = "body"
        body = _filled(wording.body, values)
    except Faulty as fault:
        why = clean(str(fault.mistakes[0]), 200)
        return replace(own, body=(*own.body, (f"The template of this destination failed ({part}, {why}).",)))
    if title is not None and (headline := moments.line(" ".join(title.split()), TITLE_LENGTH)):
        own = replace(own, headline=headline)
    if body is not None:
        own = replace(own, body=_lines(body, moments), cards=(), rest="", links=own.all_links)
    return own


def _filled(source: str | None, values: dict[str, object]) -> str | None:
    return None if source is None else filled(compiled(source, _vocabulary()), values)


def _lines(body: str, moments: Moments) -> tuple[Line, ...]:
    """The body's lines without the empty ones, as many as fit; the last says "…" where more were written."""
    written = [text for text in body.splitlines() if text.strip()]
    shown: list[Line] = []
    left = BODY_LENGTH
    for number, text in enumerate(written):
        if number == BODY_LINES or left < 1:
            shown[-1] = (*shown[-1], " …")
            break
        shown.append(moments.line(cut(text.strip(), left), left))
        left -= len(text)
    return tuple(line for line in shown if line)


@cache
def _vocabulary() -> Vocabulary:
    """All names there are, learned from a sample of each kind, so that they are listed once."""
    return vocabulary_of(values_of(message, sheet(message), Moments()) for message in _tried())


def _tried() -> Iterator[Message]:
    """A message of each kind, as if it were no sample."""
    return map(shown_by, samples("sample", _SAMPLED_MS, link="https://fusewatch.example.com/").values())


# ---------------------------------------------------------------- before anything is sent


def template_mistakes(source: str) -> list[Mistake]:
    """All that is wrong with a template, tried on a message of each kind."""
    return [m._replace(what=f"{m.what}{_in(kinds)}") for m, kinds in _mistakes(source).items()]


def _mistakes(source: str) -> dict[Mistake, list[str]]:
    """Each mistake with the kinds of messages in which it shows; none where it always does."""
    try:
        template = compiled(source, _vocabulary())
    except Faulty as fault:
        return {mistake: [] for mistake in fault.mistakes}
    found: dict[Mistake, list[str]] = {}
    for name, message in zip(KINDS, _tried(), strict=True):
        try:
            filled(template, values_of(message, sheet(message), Moments()))
        except Faulty as fault:
            for mistake in fault.mistakes:
                found.setdefault(mistake, []).append(name)
    return {mistake: [] if len(kinds) == len(KINDS) else kinds for mistake, kinds in found.items()}


def _in(kinds: list[str]) -> str:
    return f" (in the samples {', '.join(kinds)})" if kinds else ""

"""What a template is told of a message: plain values under fixed names, all of them there in every message."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from fusewatch.domain.money import pico_to_decimal
from fusewatch.domain.notices import DigestFacts, Gap, Hold, Incident, Kind, Message, MessageKind, Notice, State
from fusewatch.domain.rules import Unit
from fusewatch.notify import cards
from fusewatch.notify.numbers import amount, multiple, percent, rough_span
from fusewatch.notify.sheet import Line, Moment, Sheet
from fusewatch.notify.template import Facts, Vocabulary
from fusewatch.notify.text import clean, is_web_address

MOST_NOTICES = 30
"""A template is told of so many notices, the worst, and of the number of all."""

_FIRST_MARK, _LAST_MARK = 0xE000, 0xF8FF
_RUNBOOK_LENGTH = 500


class Moments:
    """Instants inside a text: each stands there as one character for private use, which no other text of ours holds.

    So a time in a template becomes what it is in our own words: each reader sees it in their own zone.
    """

    def __init__(self) -> None:
        self._known: dict[Moment, str] = {}

    def mark(self, at_ms: int, *, seconds: bool = False) -> str:
        moment = Moment(at_ms, seconds)
        if moment not in self._known and _FIRST_MARK + len(self._known) > _LAST_MARK:
            return ""
        return self._known.setdefault(moment, chr(_FIRST_MARK + len(self._known)))

    def text(self, line: Line) -> str:
        """One of our lines, its moments marked."""
        return "".join(self.mark(p.at_ms, seconds=p.seconds) if isinstance(p, Moment) else p for p in line)

    def line(self, text: str, bound: int) -> Line:
        """A text with marks as a line: its words cleaned, at most `bound` characters of it."""
        by_mark = {mark: moment for moment, mark in self._known.items()}
        pieces: list[str | Moment] = []
        words = ""
        for char in text[:bound]:
            if char in by_mark:
                pieces += [_words(words, bound), by_mark[char]]
                words = ""
            else:
                words += char
        pieces.append(_words(words, bound))
        found = [piece for piece in pieces if piece != ""]
        if found and isinstance(found[0], str):
            found[0] = found[0].lstrip()
        if found and isinstance(found[-1], str):
            found[-1] = found[-1].rstrip()
        return tuple(piece for piece in found if piece != "")


def _words(text: str, bound: int) -> str:
    """Words between two moments, clean; a space at either end stays."""
    if not text.strip():
        return " " if text else ""
    kept = clean(text, bound)
    return f"{' ' if text[0].isspace() else ''}{kept}{' ' if text[-1].isspace() else ''}"


def values_of(message: Message, own: Sheet, moments: Moments) -> dict[str, object]:
    """The variables: what docs/templates.md lists."""
    notices = tuple(_notice(n, moments) for n in message.notices[:MOST_NOTICES])
    return {
        "kind": message.kind.value,
        "severity": message.severity.word,
        "destination": clean(message.destination),
        "mark": own.mark,
        "headline": moments.text(own.headline),
        "lines": tuple(moments.text(line) for line in _lines(own)),
        "link": message.link if is_web_address(message.link) else "",
        "created_at": moments.mark(message.created_ms, seconds=True),
        "count": len(message.notices),
        "notices": notices,
        "notice": notices[0] if message.kind is MessageKind.NOTICES and len(message.notices) == 1 else None,
        "gap": _gap(message.gap, moments) if message.gap else None,
        "hold": _hold(message.hold, moments) if message.hold else None,
        "digest": _digest(message.digest, moments) if message.digest else None,
        "projects": tuple(clean(name) for name in message.start.projects[:MOST_NOTICES]) if message.start else (),
    }


def _lines(own: Sheet) -> Iterable[Line]:
    """All that our own words say between the headline and the links."""
    yield from own.body
    for card in own.cards:
        yield (f"{card.tone.mark} ", *card.headline)
        yield from card.body
    if own.rest:
        yield (own.rest,)


def _notice(notice: Notice, moments: Moments) -> Facts:
    incident = notice.incident
    card = cards.whole(notice)
    unit = incident.unit
    is_share = incident.kind is not Kind.SPIKE
    values = {
        "rule": clean(incident.rule),
        "subject": cards.subject(incident),
        "group": clean(incident.group, 200),
        "labels": _labels("notice.labels", incident.labels),
        "owner": _labels("notice.owner", notice.labels),
        "kind": incident.kind.value,
        "severity": notice.severity.word,
        "reason": notice.reason.value,
        "cause": notice.cause.value,
        "is_open": incident.state is State.OPEN,
        "mark": card.tone.mark,
        "headline": moments.text(card.headline),
        "lines": tuple(moments.text(line) for line in card.body),
        "unit": unit.value,
        "measured": amount(incident.measured, unit),
        "measured_amount": _number(incident.measured, unit),
        "limit": amount(incident.limit, unit),
        "limit_amount": _number(incident.limit, unit),
        "left": amount(max(incident.limit - incident.measured, 0), unit),
        "over": amount(max(incident.measured - incident.limit, 0), unit),
        "estimated": amount(incident.estimated, Unit.USD) if incident.estimated else "",
        "used": percent(_used(incident)),
        "used_percent": int(_used(incident) * 100),
        "threshold": percent(notice.threshold) if is_share else multiple(notice.threshold),
        "threshold_percent": int(notice.threshold * 100),
        "baseline": "" if incident.baseline is None else amount(incident.baseline, unit),
        "forecast": rough_span(notice.forecast.low, notice.forecast.high, unit) if notice.forecast else "",
        "at_least": notice.at_least,
        "period": _period(incident),
        "period_start": moments.mark(incident.period_start_ms),
        "period_end": moments.mark(incident.period_end_ms),
        "timezone": incident.timezone,
        "at": moments.mark(notice.at_ms),
        "as_of": moments.mark(notice.as_of_ms, seconds=True),
        "opened_at": moments.mark(incident.opened_ms),
        "repeats": incident.repeats,
        "incident": clean(incident.id, 40),
        "runbook": notice.runbook if is_web_address(notice.runbook, _RUNBOOK_LENGTH) else "",
    }
    return Facts("a notice", values)


def _period(incident: Incident) -> str:
    """`day`, `last 24 h`; empty where it has no word."""
    if incident.window is not None:
        return f"last {incident.window.words}"
    every = cards.period_of(incident)
    return every.value if every else ""


def _used(incident: Incident) -> Fraction:
    """The share of the limit that is used by now, in whole percent, rounded down."""
    return Fraction(incident.measured * 100 // incident.limit, 100) if incident.limit > 0 else Fraction(0)


def _number(value: int, unit: Unit) -> Decimal:
    return pico_to_decimal(value) if unit.is_money else Decimal(value)


def _labels(what: str, pairs: Iterable[tuple[str, str]]) -> Facts:
    return Facts(what, {clean(name): clean(value) for name, value in pairs}, lenient=True)


def _gap(gap: Gap, moments: Moments) -> Facts:
    values = {
        "project": clean(gap.project),
        "since": moments.mark(gap.since_ms),
        "until": "" if gap.until_ms is None else moments.mark(gap.until_ms),
        "reason": clean(gap.reason, 200),
        "spend": amount(gap.cost_pico, Unit.USD),
    }
    return Facts("a gap", values)


def _hold(hold: Hold, moments: Moments) -> Facts:
    values = {
        "why": hold.why.value,
        "since": moments.mark(hold.since_ms),
        "until": moments.mark(hold.until_ms),
        "silence": clean(hold.silence, 40),
    }
    return Facts("a hold", values)


def _digest(digest: DigestFacts, moments: Moments) -> Facts:
    values = {
        "period": digest.every.value,
        "start": moments.mark(digest.start_ms),
        "end": moments.mark(digest.end_ms),
        "spend": amount(digest.cost_pico, Unit.USD),
        "spend_amount": pico_to_decimal(digest.cost_pico),
        "before": amount(digest.before_pico, Unit.USD),
        "before_amount": pico_to_decimal(digest.before_pico),
        "estimated": amount(digest.estimated_pico, Unit.USD) if digest.estimated_pico else "",
        "requests": digest.requests,
        "tokens": digest.tokens,
    }
    return Facts("a digest", values)


def vocabulary_of(every: Iterable[Mapping[str, object]]) -> Vocabulary:
    """All names that appear in the values of some messages."""
    variables: set[str] = set()
    fields: set[str] = set()
    lenient: set[str] = set()

    def learn(name: str, value: object) -> None:
        if isinstance(value, tuple):
            for item in value:
                learn(name, item)
        if isinstance(value, Facts):
            if value.lenient:
                lenient.add(name)
                return
            fields.update(value.values)
            for inner, one in value.values.items():
                learn(inner, one)

    for values in every:
        variables.update(values)
        for name, value in values.items():
            learn(name, value)
    return Vocabulary(frozenset(variables), frozenset(fields), frozenset(lenient))

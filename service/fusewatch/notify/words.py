"""A message in words: which sentences it has and in which order, the same for every kind of destination."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from shlex import quote

from fusewatch.domain.notices import Gap, Hold, Kind, Message, MessageKind, Notice, Reason, StartSummary, State, Why
from fusewatch.domain.rules import Unit
from fusewatch.notify import cards, digestcard
from fusewatch.notify.groups import SHOWN, WHOLE, common_rule, headline_of, is_opening, rest_of, shown_cards
from fusewatch.notify.numbers import amount, amount_of, duration, percent
from fusewatch.notify.samples import shown_by
from fusewatch.notify.sheet import Card, Line, Link, Moment, Sheet, Tone, tone_of
from fusewatch.notify.text import clean, is_web_address

_NAMES_SHOWN = 3
_NEAR_SHOWN = 5
_DAY_MS = 86_400_000


def sheet(message: Message) -> Sheet:
    """What the message says. Pure: the same message gives the same sheet.

    Where its destination has words of its own, they stand in place of ours; a sample is marked in either case.
    Raises ValueError for a message that lacks what its kind is about.
    """
    if message.kind is MessageKind.SAMPLE:
        return _marked(sheet(shown_by(message)), message)
    own = _SHEETS[message.kind](message)
    if message.wording is None:
        return own
    from fusewatch.notify.worded import worded  # noqa: PLC0415 - loads Jinja2, which most destinations do not need

    return worded(own, message)


# ---------------------------------------------------------------- notices


def _notices(message: Message) -> Sheet:
    if not message.notices:
        raise ValueError(f"message {message.id} has no notices")
    if len(message.notices) > 1:
        return _group(message)
    notice = message.notices[0]
    card = cards.whole(notice)
    as_of: Line = ("data as of ", Moment(notice.as_of_ms, seconds=True))
    return Sheet(
        tone=card.tone,
        mark=card.tone.mark,
        headline=card.headline,
        created_ms=message.created_ms,
        body=card.body,
        fine=(*as_of, f" · incident {clean(notice.incident.id, 40)} · {_question(notice)}"),
        links=(*_page(message, "Open the page"), *card.links),
    )


def _question(notice: Notice) -> str:
    """The command that tells more: of a rule of the file `why`, to be pasted into a shell as it stands."""
    incident = notice.incident
    words = [incident.rule, *([incident.group] if incident.group else [])]
    if incident.kind.is_watch or any(clean(word) != word for word in words):
        return "fusewatch status"
    return f"fusewatch why {' '.join(map(quote, words))}"


def _group(message: Message) -> Sheet:
    shown, rest = shown_cards(message.notices)
    tone = Tone.GOOD if all(n.reason is Reason.RESOLVED for n in message.notices) else tone_of(message.severity)
    return Sheet(
        tone=tone,
        mark=tone.mark,
        headline=(headline_of(message.notices),),
        created_ms=message.created_ms,
        cards=shown,
        rest=rest,
        fine=(*common_rule(message.notices), *_as_of(message.notices)),
        links=_page(message, f"All {len(message.notices)} on the page"),
    )


def _as_of(notices: Sequence[Notice]) -> Line:
    return ("data as of ", Moment(min(n.as_of_ms for n in notices), seconds=True), " · fusewatch status")


def _page(message: Message, label: str) -> tuple[Link, ...]:
    return (Link(label, message.link),) if is_web_address(message.link) else ()


# ---------------------------------------------------------------- the other kinds


def _start(message: Message) -> Sheet:
    summary = message.start
    if summary is None:
        raise ValueError(f"message {message.id} lacks what was read at the start")
    shown, rest = ((), "") if _told_in_headline(message.notices) else _start_cards(message.notices)
    return Sheet(
        tone=tone_of(message.severity),
        mark="○",
        headline=(f"Fusewatch started watching {_names(summary.projects)}. ", *_state_at_start(message.notices)),
        created_ms=message.created_ms,
        body=((_read_so_far(summary),),),
        cards=shown,
        rest=rest,
        fine=_as_of(message.notices) if message.notices else ("fusewatch status",),
        links=_page(message, "Open the page"),
    )


def _told_in_headline(notices: Sequence[Notice]) -> bool:
    return len(notices) == 1 and notices[0].incident.kind is Kind.BUDGET and notices[0].threshold >= WHOLE


def _start_cards(notices: Sequence[Notice]) -> tuple[tuple[Card, ...], str]:
    """One line for each, with the time of its true crossing."""
    shown = []
    for notice in notices[:SHOWN]:
        card = cards.short(notice)
        shown.append(Card(card.tone, (*card.headline, *_since(notice))))
    rest = len(notices) - SHOWN
    return tuple(shown), rest_of(rest)


def _since(notice: Notice) -> Line:
    crossing = cards.crossing_of(notice)
    return (", since ", Moment(crossing.at_ms)) if crossing else ()


def _state_at_start(notices: Sequence[Notice]) -> Line:
    budgets = [n for n in notices if n.incident.kind is Kind.BUDGET]
    over = [n for n in budgets if n.threshold >= WHOLE]
    near = [n for n in budgets if n.threshold < WHOLE]
    spikes = sum(1 for n in notices if n.incident.kind is Kind.SPIKE)
    line: Line = (f"Already over: {len(over):,}",) if over else ("Nothing is over its budget",)
    if len(over) == 1:
        line = (*line, " (", *_over_at_start(over[0]), ")")
    line = (*line, ".")
    if near:
        line = (*line, f" Above {percent(min(n.threshold for n in near))}: {len(near):,}.")
    line = (*line, f" Spikes: {spikes:,}.") if spikes else line
    watches = sum(1 for n in notices if n.incident.kind.is_watch)
    return (*line, f" Other findings: {watches:,}.") if watches else line


def _over_at_start(notice: Notice) -> Line:
    incident = notice.incident
    return (
        f"{cards.subject(incident)}: {amount_of(incident.measured, incident.limit, incident.unit)}"
        f"{cards.estimated_part(incident)}",
        *_since(notice),
    )


def _read_so_far(summary: StartSummary) -> str:
    days = summary.history_ms // _DAY_MS
    span = f"{days:,} {'day' if days == 1 else 'days'}" if days else duration(summary.history_ms)
    noun = "generation" if summary.generations == 1 else "generations"
    return f"Read {span}, {summary.generations:,} {noun}, {amount(summary.cost_pico, Unit.USD)}."


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(clean(name) for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def _gap(message: Message) -> Gap:
    if message.gap is None:
        raise ValueError(f"message {message.id} lacks the gap that it is about")
    return message.gap


def _unreadable(message: Message) -> Sheet:
    gap = _gap(message)
    lasting = duration(message.created_ms - gap.since_ms)
    headline: Line = (
        f"{clean(gap.project)} cannot be read since ",
        Moment(gap.since_ms),
        f" ({lasting}): {clean(gap.reason, 200).rstrip('.')}. Spend since then is unknown, not zero.",
    )
    return Sheet(
        tone=tone_of(message.severity),
        mark=tone_of(message.severity).mark,
        headline=headline,
        created_ms=message.created_ms,
        body=((_near(gap),),),
        fine=("fusewatch status",),
        links=_page(message, "Open the page"),
    )


def _near(gap: Gap) -> str:
    if not gap.near:
        return "No budget was above 80 % at that time."
    count = len(gap.near)
    shown = [f"{_keyed(rule, group)} {share} %" for rule, group, share in gap.near[:_NEAR_SHOWN]]
    more = f" and {count - _NEAR_SHOWN:,} more" if count > _NEAR_SHOWN else ""
    verb = "budget was" if count == 1 else "budgets were"
    return f"{count:,} {verb} above 80 % at that time: {', '.join(shown)}{more}"


def _keyed(rule: str, group: str) -> str:
    # With one dimension its name says nothing that the value does not.
    value = group.partition("=")[2] if group.count("=") == 1 else group
    return f"{clean(value)} ({clean(rule)})" if group else clean(rule)


def _readable(message: Message) -> Sheet:
    gap = _gap(message)
    until_ms = message.created_ms if gap.until_ms is None else gap.until_ms
    headline: Line = (
        f"{clean(gap.project)} is read again since ",
        Moment(until_ms),
        f" (gap {duration(until_ms - gap.since_ms)}). In the gap: {amount(gap.cost_pico, Unit.USD)}",
    )
    only = message.notices[0] if len(message.notices) == 1 else None
    shown, rest = shown_cards(message.notices) if len(message.notices) > 1 else ((), "")
    crossing = cards.crossing_of(only) if only else None
    if only and crossing and is_opening(only):
        what = f"; crossed {percent(only.threshold)}: {cards.subject(only.incident)} at "
        headline = (*headline, what, Moment(crossing.at_ms), " (learned ", Moment(crossing.learned_ms), ").")
    elif message.notices:
        shown = shown or (cards.whole(message.notices[0]),)
        headline = (*headline, f"; {headline_of(message.notices)}.")
    else:
        headline = (*headline, "; nothing was crossed.")
    return Sheet(
        tone=Tone.GOOD,
        mark=Tone.GOOD.mark,
        headline=headline,
        created_ms=message.created_ms,
        cards=shown,
        rest=rest,
        fine=_as_of(message.notices) if message.notices else ("fusewatch status",),
        links=_page(message, "Open the page"),
    )


def _digest(message: Message) -> Sheet:
    if message.digest is None:
        raise ValueError(f"message {message.id} lacks the digest that it is about")
    return Sheet(
        tone=Tone.INFO,
        mark=Tone.INFO.mark,
        headline=digestcard.headline(message.digest),
        created_ms=message.created_ms,
        body=digestcard.body(message.digest),
        fine=("fusewatch status",),
        links=_page(message, "Open the page"),
    )


def _summary(message: Message) -> Sheet:
    hold = message.hold
    if hold is None or not message.notices:
        raise ValueError(f"message {message.id} lacks what was held back")
    shown, rest = shown_cards(message.notices)
    tone = Tone.GOOD if all(n.reason is Reason.RESOLVED for n in message.notices) else tone_of(message.severity)
    silence: Line = (f" · silence {clean(hold.silence, 40)}",) if hold.silence else ()
    return Sheet(
        tone=tone,
        mark=tone.mark,
        headline=(*_held_back(hold), f": {_standing(message.notices)}"),
        created_ms=message.created_ms,
        cards=shown,
        rest=rest,
        fine=(*common_rule(message.notices), *_as_of(message.notices), *silence),
        links=_page(message, "Open the page"),
    )


def _held_back(hold: Hold) -> Line:
    what = {Why.QUIET_HOURS: "While it was quiet", Why.SILENCE: "After a silence"}[hold.why]
    return (f"{what} (", Moment(hold.since_ms), " – ", Moment(hold.until_ms), ")")


def _standing(notices: Sequence[Notice]) -> str:
    """`3 still open, 1 over with its period, 1 resolved`."""
    resolved = sum(1 for n in notices if n.reason is Reason.RESOLVED)
    over = sum(1 for n in notices if n.reason is not Reason.RESOLVED and n.incident.state is not State.OPEN)
    still = len(notices) - resolved - over
    counts = ((still, "still open"), (over, "over with its period" if over == 1 else "over with their periods"))
    return ", ".join(f"{count:,} {words}" for count, words in (*counts, (resolved, "resolved")) if count)


def _marked(shown: Sheet, message: Message) -> Sheet:
    """The sheet, so that nobody takes it for the real thing."""
    return replace(
        shown,
        headline=("Test message, nothing happened: ", *shown.headline),
        body=(("Nothing is wrong and nothing was spent: a sample with made-up numbers.",), *shown.body),
        fine=(
            f"sent to {clean(message.destination)} by fusewatch notify-test at ",
            Moment(message.created_ms, seconds=True),
        ),
    )


_SHEETS: Mapping[MessageKind, Callable[[Message], Sheet]] = {
    MessageKind.NOTICES: _notices,
    MessageKind.START: _start,
    MessageKind.UNREADABLE: _unreadable,
    MessageKind.READABLE: _readable,
    MessageKind.SUMMARY: _summary,
    MessageKind.DIGEST: _digest,
    MessageKind.UPDATE: _notices,
}

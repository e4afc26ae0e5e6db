"""One notice in words: what, how much, of what limit, since when; then what explains it."""

from dataclasses import replace
from fractions import Fraction
from typing import assert_never

from fusewatch.domain import foresight
from fusewatch.domain.notices import Cause, Crossing, Incident, Kind, Notice, NoticeLink, Reason, Timing
from fusewatch.domain.periods import Every
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import UNKNOWN
from fusewatch.notify import drivercards, forecastcards, watchcards
from fusewatch.notify.handled import handled
from fusewatch.notify.numbers import amount, amount_of, average_of, duration, multiple, percent
from fusewatch.notify.sheet import Card, Line, Link, Moment, Tone, tone_of
from fusewatch.notify.sparkline import last_day
from fusewatch.notify.text import clean, cut, is_web_address

SUBJECT_LENGTH = 160
"""A key of many dimensions stays a part of a line."""

WIDER_LENGTH = 120

_WHOLE = Fraction(1)
_VERBS = {Unit.USD: "costs", Unit.TOKENS: "uses", Unit.REQUESTS: "makes", Unit.USD_PER_REQUEST: "costs"}
_CROSSINGS_SHOWN = 4
_LABELS_SHOWN = 6
_NAMED_DIMENSIONS = frozenset({"user", "session"})
"""Their values mean nothing without the dimension's name before them."""

ADJECTIVES = {Every.HOUR: "hourly ", Every.DAY: "daily ", Every.WEEK: "weekly ", Every.MONTH: "monthly "}
_NOW = {Every.HOUR: "this hour", Every.DAY: "today", Every.WEEK: "this week", Every.MONTH: "this month"}
_RATES = {Every.HOUR: " an hour", Every.DAY: " a day", Every.WEEK: " a week", Every.MONTH: " a month"}


def period_of(incident: Incident) -> Every | None:
    """What the incident's period is, by its label (`day:2026-11-22`); None for a label of another kind."""
    word = incident.period.removeprefix(foresight.PREFIX).partition(":")[0]
    return next((every for every in Every if every == word), None)


def subject(incident: Incident) -> str:
    """Who it is about: `content-team`, `summarization (each-feature)`, for a spike `summarization (content)`."""
    rule = clean(incident.rule)
    if not incident.labels:
        return rule
    if incident.kind is Kind.SPIKE:
        first, *others = [_value(name, value) for name, value in incident.labels]
        return cut(f"{first} ({', '.join(others)})" if others else first, SUBJECT_LENGTH)
    return f"{cut(_key(incident), SUBJECT_LENGTH - 60)} ({cut(rule, 57)})"


def _key(incident: Incident) -> str:
    return cut(", ".join(_value(name, value) for name, value in incident.labels), SUBJECT_LENGTH)


def _value(name: str, value: str) -> str:
    if value == UNKNOWN:
        return f"unknown {clean(name)}"
    return f"{name} {clean(value)}" if name in _NAMED_DIMENSIONS else clean(value)


def tone(notice: Notice) -> Tone:
    """Good news only where the incident is over because it got better."""
    match notice.reason:
        case Reason.OPENED | Reason.ESCALATED | Reason.REPEATED:
            return tone_of(notice.severity)
        case Reason.RESOLVED:
            return Tone.GOOD
        case Reason.ROLLED_OVER | Reason.WITHDRAWN:
            return Tone.INFO
        case _:
            assert_never(notice.reason)


def whole(notice: Notice) -> Card:
    """The notice with everything that explains it."""
    last = tuple(line for line in (last_day(notice), handled(notice)) if line)
    return Card(tone(notice), headline(notice), (*_body(notice), *last), _links(notice))


def short(notice: Notice, *, one_rule: bool = False) -> Card:
    """The notice as one line among many; without rule and period where the lines have them in common (`one_rule`)."""
    card, done = _short(notice, one_rule=one_rule), handled(notice)
    return replace(card, headline=(*card.headline, " · ", *done)) if done else card


def _short(notice: Notice, *, one_rule: bool) -> Card:
    incident = notice.incident
    if incident.kind is not Kind.BUDGET or notice.reason is Reason.WITHDRAWN:
        return Card(tone(notice), headline(notice))
    every = period_of(incident)
    amounts = (
        f"{_at_least(notice)}{amount_of(incident.measured, incident.limit, incident.unit)}{estimated_part(incident)}"
    )
    who = _key(incident) if one_rule and incident.labels else subject(incident)
    rate = _RATES[every] if every and not one_rule else ""
    if incident.window is not None and not one_rule:
        rate = f" in the last {incident.window.words}"
    if notice.reason in (Reason.OPENED, Reason.ESCALATED, Reason.REPEATED):
        still = "still " if notice.reason is Reason.REPEATED else ""
        return Card(tone(notice), (f"{who} {still}{_used(notice)}: {amounts}{rate}", *_late(notice)))
    state = "below again" if notice.reason is Reason.RESOLVED else "period over"
    return Card(tone(notice), (f"{who} {state}: {amounts}{rate}",))


def _used(notice: Notice) -> str:
    """The share that is used by now, in whole percent, rounded down; it may be far above the threshold."""
    incident = notice.incident
    if incident.limit <= 0:
        return percent(notice.threshold)
    return percent(Fraction(incident.measured * 100 // incident.limit, 100))


def headline(notice: Notice) -> Line:
    """The first line."""
    match notice.incident.kind:
        case Kind.BUDGET:
            return _budget(notice)
        case Kind.SPIKE:
            return _spike(notice)
        case Kind.FORECAST:
            return forecastcards.headline(notice, subject(notice.incident), budget_phrase(notice.incident))
        case Kind.UNREADABLE:
            return _unreadable(notice)
        case Kind.UNPRICED | Kind.DRIFT | Kind.UNATTRIBUTED | Kind.SILENT | Kind.NEW:
            return watchcards.headline(notice)
        case _:
            assert_never(notice.incident.kind)


def budget_phrase(incident: Incident) -> str:
    """`daily budget`, `24 h budget`; `budget` where the period has no word."""
    if incident.window is not None:
        return f"{incident.window.words} budget"
    every = period_of(incident)
    return f"{ADJECTIVES[every] if every else ''}budget"


def crossing_of(notice: Notice) -> Crossing | None:
    """The crossing that the notice announces: the last one up to its threshold."""
    return next((c for c in reversed(notice.incident.crossings) if c.share <= notice.threshold), None)


def _at_least(notice: Notice) -> str:
    return "at least " if notice.at_least else ""


def estimated_part(*incidents: Incident) -> str:
    """The part of an amount that is our own estimate: ` ($12.00 estimated)`; of several, of their sum."""
    pico = sum(incident.estimated for incident in incidents)
    return f" ({amount(pico, Unit.USD)} estimated)" if pico else ""


def _budget(notice: Notice) -> Line:
    incident = notice.incident
    who, what = subject(incident), budget_phrase(incident)
    amounts = (
        f"{_at_least(notice)}{amount_of(incident.measured, incident.limit, incident.unit)}{estimated_part(incident)}"
    )
    if incident.window is not None:
        span = "within" if incident.timing is Timing.LATE else "in the last"
        what, amounts = "budget", f"{amounts} {span} {incident.window.words}"
    match notice.reason:
        case Reason.OPENED | Reason.ESCALATED:
            share = percent(notice.threshold)
            return (f"{who} reached {share} of its {what}: {amounts}", *_late(notice))
        case Reason.REPEATED:
            return (f"{who} is still at {_used(notice)} of its {what}: {amounts}",)
        case Reason.RESOLVED:
            return (f"{who} is {_below(notice)}: {amounts}{_why_resolved(notice)}",)
        case Reason.ROLLED_OVER:
            return (f"{who} starts a new period; the last one ended at {amounts}",)
        case Reason.WITHDRAWN:
            return (f"{who} is no longer watched, its rule changed; it stood at {amounts}",)
        case _:
            assert_never(notice.reason)


def _below(notice: Notice) -> str:
    """How far down it is, never more than the numbers beside it say."""
    incident = notice.incident
    if notice.cause is Cause.SUBSIDED:
        return "clearly below its budget again" if incident.measured < incident.limit else "settled"
    if incident.measured < incident.limit and notice.threshold >= _WHOLE:
        return "below its budget again"
    if incident.measured < incident.limit * notice.threshold:
        return f"below {percent(notice.threshold)} of its budget again"
    return "settled"


def _why_resolved(notice: Notice) -> str:
    unit, before = notice.incident.unit, notice.previous
    match notice.cause:
        case Cause.NONE:
            return ""
        case Cause.LIMIT_RAISED:
            return " (limit raised)" if before is None else f" (limit raised from {amount(before, unit)})"
        case Cause.CORRECTED:
            return _corrected(unit, None if before is None else before - notice.incident.measured)
        case Cause.REESTIMATED:
            fall = "" if before is None else f" by {amount(before - notice.incident.measured, unit)}"
            return f" (the estimate for usage without a price fell{fall})"
        case Cause.READ_AGAIN:
            return " (read again in Langfuse)"
        case Cause.SUBSIDED:
            window = notice.incident.window
            return f" (calm for {window.words})" if window is not None else " (calm again)"
        case _:
            assert_never(notice.cause)


def _corrected(unit: Unit, fall: int | None) -> str:
    noun = {
        Unit.USD: "cost",
        Unit.TOKENS: "usage",
        Unit.REQUESTS: "number of requests",
        Unit.USD_PER_REQUEST: "cost",
    }[unit]
    if fall is None or fall <= 0:
        return f" (the {noun} was corrected in Langfuse)"
    return f" (a {noun} of {amount(fall, unit)} was corrected in Langfuse)"


def _late(notice: Notice) -> Line:
    crossing = crossing_of(notice)
    if notice.incident.timing is not Timing.LATE:
        return ()
    if crossing is None:
        return (" (late: learned after its period had ended)",)
    return (" (late: crossed ", Moment(crossing.at_ms), ", learned ", Moment(crossing.learned_ms), ")")


def _spike(notice: Notice) -> Line:
    incident = notice.incident
    who = subject(incident)
    span = "today so far" if incident.window is None else f"in the last {incident.window.words}"
    today = f"{_at_least(notice)}{amount(incident.measured, incident.unit)} {span}{estimated_part(incident)}"
    verb = _VERBS[incident.unit]
    if notice.reason is Reason.REPEATED:
        verb = f"still {verb}"
    if incident.baseline is None:
        return (f"{who} {verb} more than usual: {today}", *_late(notice))
    average = f"{'usual' if incident.seasonal else 'average'} {average_of(incident.baseline, incident.unit)}"
    if notice.reason is Reason.RESOLVED:
        return (f"{who} is back below {_line_of(incident, incident.limit)}: {today}, {average}{_why_resolved(notice)}",)
    if notice.reason is Reason.WITHDRAWN:
        return (f"{who} is no longer watched, its rule changed; it stood at {today}, {average}",)
    if notice.reason is Reason.ROLLED_OVER:
        ended_at = f"{amount(incident.measured, incident.unit)}{estimated_part(incident)}"
        return (f"{who} starts a new day; the last one ended at {ended_at}",)
    if incident.baseline <= 0:
        then = "on the days before" if incident.window is None else "at this time of the days before"
        return (f"{who} {verb} {today}, and nothing {then}", *_late(notice))
    ratio = multiple(Fraction(incident.measured, incident.baseline))
    return (f"{who} {verb} {ratio} {_usual(incident)}: {today}, {average}", *_late(notice))


def _usual(incident: Incident) -> str:
    """What a spike is compared with."""
    if incident.seasonal:
        return "what is usual at this time of day"
    return "its daily average" if incident.window is None else "its average at this time of day"


def _line_of(incident: Incident, line: int) -> str:
    if not incident.baseline:
        return "its line"
    return f"{multiple(Fraction(line, incident.baseline))} {_usual(incident)}"


def _unreadable(notice: Notice) -> Line:
    who = ", ".join(clean(value) for _, value in notice.incident.labels) or clean(notice.incident.rule)
    if notice.reason is Reason.RESOLVED:
        return (f"{cut(who, SUBJECT_LENGTH)} is read again",)
    since = Moment(notice.incident.opened_ms)
    still = "still " if notice.reason is Reason.REPEATED else ""
    return (
        f"{cut(who, SUBJECT_LENGTH)} {still}cannot be read since ",
        since,
        ". Spend since then is unknown, not zero.",
    )


def _body(notice: Notice) -> tuple[Line, ...]:
    lines: list[Line] = []
    match notice.incident.kind:
        case Kind.BUDGET:
            lines.append(_times(notice))
        case Kind.SPIKE:
            lines.append(_spike_facts(notice))
        case Kind.FORECAST:
            lines.append(_joined((forecastcards.compared(notice), _ending(notice))))
        case Kind.UNREADABLE:
            pass
        case Kind.UNPRICED | Kind.DRIFT | Kind.UNATTRIBUTED | Kind.SILENT | Kind.NEW:
            lines += watchcards.body(notice)
        case _:
            assert_never(notice.incident.kind)
    if notice.incident.estimated and not notice.incident.kind.is_watch:
        part = amount(notice.incident.estimated, Unit.USD)
        lines.append((f"{part} of it is estimated: Langfuse has no price for that usage",))
    if notice.why is not None:
        lines += drivercards.lines(notice.why, _span_of(notice))
    if notice.at_least:
        lines.append(("part of the period is not read yet: this is a lower bound",))
    if notice.incident.detail:
        lines.append((clean(notice.incident.detail, 300),))
    if notice.labels:
        shown = [f"{clean(name, 40)}: {clean(value)}" for name, value in notice.labels[:_LABELS_SHOWN]]
        lines.append((" · ".join(shown) + (" · …" if len(notice.labels) > _LABELS_SHOWN else ""),))
    if notice.runbook and not is_web_address(notice.runbook):
        lines.append((f"runbook: {clean(notice.runbook, 300)}",))
    return tuple(line for line in lines if line)


def _span_of(notice: Notice) -> str:
    """What the drivers are a share of: `today`, `this month`."""
    incident = notice.incident
    if incident.window is not None:
        return f"the last {incident.window.words}"
    every = period_of(incident)
    if every is None or notice.at_ms >= incident.period_end_ms:
        return "it"
    return _NOW[every]


def _times(notice: Notice) -> Line:
    """`80 % at 14:20, 100 % at 16:42 · resets in 7 h 18 min`; for a resolved one how long it lasted."""
    incident = notice.incident
    pieces: list[str | Moment] = []
    for crossing in incident.crossings[-_CROSSINGS_SHOWN:]:
        pieces += [", " if pieces else "", f"{percent(crossing.share)} at ", Moment(crossing.at_ms)]
    return _joined((tuple(pieces), _ending(notice), forecastcards.outlook(notice)))


def _ending(notice: Notice) -> Line:
    incident = notice.incident
    if notice.reason is Reason.RESOLVED:
        return (f"lasted {duration(notice.at_ms - incident.opened_ms)}",)
    if notice.reason is Reason.WITHDRAWN or incident.rolling:
        return ()
    if notice.at_ms >= incident.period_end_ms:
        return ("its period ended ", Moment(incident.period_end_ms))
    return (f"resets in {duration(incident.period_end_ms - notice.at_ms)}",)


def _spike_facts(notice: Notice) -> Line:
    incident = notice.incident
    crossing = crossing_of(notice)
    since: Line = ()
    if crossing is not None and notice.reason in (Reason.OPENED, Reason.ESCALATED, Reason.REPEATED):
        line = int(incident.limit * crossing.share)  # of the crossing that is told, which may be a higher one
        since = (f"above {_line_of(incident, line)} ({amount(line, incident.unit)}) since ", Moment(crossing.at_ms))
    days = incident.baseline_days
    compared: Line = (f"compared with {days} {'day' if days == 1 else 'days'} before",) if days else ()
    rule: Line = (f"rule {clean(incident.rule)}",) if incident.labels else ()
    return _joined((since, compared, rule))


def _joined(parts: tuple[Line, ...]) -> Line:
    line: Line = ()
    for part in parts:
        if part:
            line = (*line, " · ", *part) if line else part
    return line


def _links(notice: Notice) -> tuple[Link, ...]:
    rows = tuple(Link(link_label(link), link.url) for link in notice.links if is_web_address(link.url))
    return (*rows, Link("Runbook", notice.runbook)) if is_web_address(notice.runbook) else rows


def link_label(link: NoticeLink) -> str:
    """`Open these rows in Langfuse`, `Open in Langfuse (wider: all of team content)`."""
    wider = f" (wider: {clean(link.wider, WIDER_LENGTH)})" if link.wider else ""
    return f"{clean(link.label, WIDER_LENGTH) or 'Open in Langfuse'}{wider}"

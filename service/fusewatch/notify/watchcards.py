"""The notices of the watches over a project's day, and of the one for newcomers, in words."""

from fractions import Fraction
from typing import assert_never

from fusewatch.domain.notices import AUDIT, Incident, Kind, Notice, Reason
from fusewatch.domain.rules import Unit
from fusewatch.notify.numbers import amount, duration, percent
from fusewatch.notify.sheet import Line, Moment
from fusewatch.notify.text import clean

_HELP = {
    Kind.DRIFT: "by hour: fusewatch reconcile",
    Kind.SILENT: "reading works: either nothing calls a model, or its calls are no longer traced",
    Kind.NEW: "told once; budgets and spikes watch what it costs from here on",
}
_OVER = (Reason.ROLLED_OVER, Reason.WITHDRAWN)


def headline(notice: Notice) -> Line:
    """The first line of a notice of `unpriced`, `drift`, `unattributed`, `silent` or `new`.

    ValueError for a notice of anything else.
    """
    incident = notice.incident
    who = clean(incident.labels[0][1] if incident.labels else incident.key[0])
    if notice.reason in _OVER:
        return (f"{who}: {_what(incident)} is {'over with its day' if _rolled(notice) else 'no longer watched'}",)
    resolved = notice.reason is Reason.RESOLVED
    match incident.kind:
        case Kind.UNPRICED:
            return (_unpriced(who, incident, resolved=resolved),)
        case Kind.DRIFT:
            audited = _audited(incident)
            return (_audit(who, incident) if audited else _drift(who, incident, resolved=resolved),)
        case Kind.UNATTRIBUTED:
            return (_unattributed(who, incident, resolved=resolved),)
        case Kind.SILENT:
            return _silent(who, notice, resolved=resolved)
        case Kind.NEW:
            return _new(who, notice)
        case Kind.BUDGET | Kind.SPIKE | Kind.FORECAST | Kind.UNREADABLE:
            raise ValueError(f"{incident.kind} is no watch over a project's day")
        case _:
            assert_never(incident.kind)


def body(notice: Notice) -> list[Line]:
    """What explains it and what helps; nothing once it is over."""
    incident = notice.incident
    if notice.reason not in (Reason.OPENED, Reason.ESCALATED, Reason.REPEATED):
        return []
    match incident.kind:
        case Kind.UNPRICED:
            lines: list[Line] = [(_by_model(incident),)] if len(incident.parts) > 1 else []
            counted = "budgets count the estimate" if incident.estimated else "no budget counts that cost"
            helps = "prices in the budget file, or a model definition with a price in Langfuse, from then on"
            return [*lines, (f"{counted}; what helps: {helps}",)]
        case Kind.DRIFT if _audited(incident):
            return _audit_body(incident)
        case Kind.UNATTRIBUTED:
            name = _dimension(incident)
            return [
                (f"rules count it as {name} unknown; attribution in the budget file says where a {name} comes from",)
            ]
        case Kind.DRIFT | Kind.SILENT | Kind.NEW:
            return [(_HELP[incident.kind],)]
        case Kind.BUDGET | Kind.SPIKE | Kind.FORECAST | Kind.UNREADABLE:
            return []
        case _:
            assert_never(incident.kind)


def _rolled(notice: Notice) -> bool:
    return notice.reason is Reason.ROLLED_OVER


def _what(incident: Incident) -> str:
    match incident.kind:
        case Kind.UNPRICED:
            return "usage without a price"
        case Kind.DRIFT if _audited(incident):
            return "what the audit found"
        case Kind.DRIFT:
            return "a difference between ledger and Langfuse"
        case Kind.UNATTRIBUTED:
            return f"cost without a {_dimension(incident)}"
        case Kind.NEW:
            return "a new value"
        case _:
            return "silence"


def _unpriced(who: str, incident: Incident, *, resolved: bool) -> str:
    requests = amount(incident.measured, Unit.REQUESTS)
    verb = "has" if incident.measured == 1 else "have"
    if resolved:
        return f"{who}: Langfuse has priced them; {requests} of today {verb} no price now"
    models = f" of {clean(incident.parts[0][0])}" if len(incident.parts) == 1 else ""
    return f"{who}: {requests}{models} {verb} no price today. {_unpriced_cost(incident)}"


def _unpriced_cost(incident: Incident) -> str:
    if not incident.estimated:
        return "Their cost is unknown, not zero."
    return f"Their cost is estimated at {amount(incident.estimated, Unit.USD)}, as far as prices are known."


def _by_model(incident: Incident) -> str:
    named = [f"{clean(model)} {requests:,}" for model, requests in incident.parts]
    rest = incident.measured - sum(requests for _, requests in incident.parts)
    return " · ".join([*named, f"other models {rest:,}"] if rest > 0 else named)


def _drift(who: str, incident: Incident, *, resolved: bool) -> str:
    apart = amount(abs(incident.measured), Unit.USD)
    if resolved:
        return f"{who}: ledger and Langfuse agree again, {apart} apart"
    side = "less" if incident.measured < 0 else "more"
    return f"{who}: the ledger holds {apart} {side} than Langfuse, and nothing explains it"


def _audited(incident: Incident) -> bool:
    return incident.key[:1] == (AUDIT,)


def _audit(who: str, incident: Incident) -> str:
    by = f"{amount(incident.measured, Unit.USD)} apart" if incident.measured else "in tokens or requests"
    return f"The nightly audit of {who} found sums that were not those of the rows: {by}"


def _audit_body(incident: Incident) -> list[Line]:
    cells = _wrong_cells(incident)
    return [(cells,), ("what was judged by them before may have been wrong",)]


def _wrong_cells(incident: Incident) -> str:
    return " · ".join(f"{clean(name)} {cells:,} {'sum' if cells == 1 else 'sums'}" for name, cells in incident.parts)


def _unattributed(who: str, incident: Incident, *, resolved: bool) -> str:
    cost = incident.baseline or 0
    share = percent(Fraction(incident.measured * 100 // cost, 100)) if cost > 0 else "part"
    amounts = f"{amount(incident.measured, Unit.USD)} of {amount(cost, Unit.USD)}"
    now = "now only " if resolved else ""
    return f"{who}: {now}{share} of today's cost has no {_dimension(incident)}: {amounts}"


def _dimension(incident: Incident) -> str:
    return clean(incident.labels[-1][1])


def _silent(who: str, notice: Notice, *, resolved: bool) -> Line:
    crossings = notice.incident.crossings
    since_ms = crossings[0].at_ms if crossings else notice.incident.opened_ms
    lasting = duration(notice.at_ms - since_ms)
    if resolved:
        return (f"{who}: generations come again, after {lasting} of silence",)
    return (f"{who}: no generation since ", Moment(since_ms), f" ({lasting}), where one always came at these hours")


def _new(who: str, notice: Notice) -> Line:
    incident = notice.incident
    name = clean(incident.labels[0][0] if incident.labels else incident.key[0], 40).replace("_", " ")
    since_ms = incident.crossings[0].at_ms if incident.crossings else incident.opened_ms
    return (f"{who} is a new {name}: {amount(incident.measured, Unit.USD)} since ", Moment(since_ms))

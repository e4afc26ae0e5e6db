"""What a forecast says in words: how much by when, and when the limit will be crossed."""

from fusewatch.domain import foresight
from fusewatch.domain.forecast import Basis
from fusewatch.domain.notices import Cause, Incident, Notice, Reason
from fusewatch.domain.periods import local_clock
from fusewatch.notify.numbers import amount, amount_of, rough_span
from fusewatch.notify.sheet import Line, Moment

_ENDS = {"hour": "by the end of the hour", "week": "by the end of the week", "month": "by the end of the month"}


def by_end(incident: Incident) -> Line:
    """`by midnight`, `by the end of the month`; the instant where a day ends at another time."""
    word = incident.period.removeprefix(foresight.PREFIX).partition(":")[0]
    if word in _ENDS:
        return (_ENDS[word],)
    ends = local_clock(incident.timezone, incident.period_end_ms)
    if (ends.hour, ends.minute) == (0, 0):
        return ("by midnight",)
    return ("by ", Moment(incident.period_end_ms))


def outlook(notice: Notice) -> Line:
    """`at this pace $71 – $79 by midnight`, and when that crosses the limit; empty where nothing is known."""
    found, incident = notice.forecast, notice.incident
    if found is None or notice.reason not in (Reason.OPENED, Reason.ESCALATED):
        return ()
    line: Line = (f"at this pace {rough_span(found.low, found.high, incident.unit)} ", *by_end(incident))
    if found.crosses_at_ms is None:
        return line
    return (*line, f", crosses {amount(incident.limit, incident.unit)} about ", Moment(found.crosses_at_ms))


def headline(notice: Notice, who: str, what: str) -> Line:
    """The first line of a warning. `who` and `what` as for a budget: `content-team`, `daily budget`."""
    incident, found = notice.incident, notice.forecast or notice.incident.forecast
    unit = incident.unit
    sums = amount_of(incident.measured, incident.limit, unit)
    if notice.reason is Reason.WITHDRAWN:
        return (f"{who} is no longer watched, its rule changed; it stood at {sums}",)
    if notice.reason is Reason.ROLLED_OVER:
        return (f"{who} starts a new period; the last one ended at {sums}",)
    at_end: Line = ()
    if found is not None:
        at_end = (f", {rough_span(found.low, found.high, unit)} ", *by_end(incident))
    if notice.reason is Reason.RESOLVED:
        raised = notice.cause is Cause.LIMIT_RAISED and notice.previous is not None
        why = f" (limit raised from {amount(notice.previous or 0, unit)})" if raised else ""
        return (f"{who} is no longer expected to cross its {what}: {sums} so far", *at_end, why)
    about: Line = ()
    if found is not None and found.crosses_at_ms is not None:
        about = (" about ", Moment(found.crosses_at_ms))
    return (f"{who} is expected to cross its {what}", *about, f": {sums} so far", *at_end)


def compared(notice: Notice) -> Line:
    """What the forecast rests on."""
    found = notice.forecast or notice.incident.forecast
    if found is None:
        return ()
    if found.basis is Basis.PACE:
        return ("from the plain pace so far: too few earlier days to compare",)
    return (f"from the usual shape of {found.days} days before",)

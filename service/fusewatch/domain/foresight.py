"""How the warning of a forecast lives: opened once for each period and key, ended by the crossing or by a clear fall.

Its incident stands beside the budget's own, under the period's label with a prefix, so that neither hides the other.
"""

from dataclasses import replace
from fractions import Fraction

from fusewatch.domain.forecast import Forecast, SoFar, warns
from fusewatch.domain.incidents import Step, Subject, fingerprint, stable_id
from fusewatch.domain.notices import Cause, Incident, Kind, Reason, State
from fusewatch.domain.periods import Period
from fusewatch.domain.rules import Severity, Threshold
from fusewatch.domain.verdicts import Verdict

PREFIX = "forecast:"
CLEARLY_BELOW = Fraction(9, 10)
"""A warning is taken back when not more than this share of the limit is expected any more."""

CAME_TRUE = "the limit was crossed"


def label_of(period: Period) -> str:
    """``forecast:day:2026-11-22``."""
    return f"{PREFIX}{period.label}"


def foresee(
    subject: Subject, verdict: Verdict, found: Forecast | None, so_far: SoFar, memory: Incident | None, *, now_ms: int
) -> Step:
    """One judgement of a running, wholly read period later. `memory` is this period's warning, if there was one.

    It is told once. Taken back, that is told too; should the forecast rise again after that, it is only shown. When the
    limit is crossed the warning ends without a word: the budget's own notice says so.
    """
    if memory is None:
        if found is None or not warns(found, subject.period, verdict.limit, so_far):
            return Step(None)
        whole = Threshold(Fraction(1), Severity.WARNING)
        return Step(_opened(subject, verdict, found, now_ms), Reason.OPENED, threshold=whole)
    if memory.state is State.WITHDRAWN or memory.unit is not verdict.unit:
        return Step(memory)
    now = replace(memory, measured=verdict.measured, limit=verdict.limit, forecast=found or memory.forecast)
    if memory.state is State.OPEN:
        return _go_on(verdict, found, memory, now, now_ms)
    if found is not None and warns(found, subject.period, verdict.limit, so_far):
        # Told in this period already, and its end too: whoever looks sees it.
        return Step(replace(now, state=State.OPEN, told=(), detail="", changed_ms=now_ms))
    return Step(memory)


def _go_on(verdict: Verdict, found: Forecast | None, memory: Incident, now: Incident, now_ms: int) -> Step:
    if verdict.measured >= verdict.limit:
        return Step(replace(now, state=State.RESOLVED, detail=CAME_TRUE, changed_ms=now_ms))
    if found is None or found.amount > verdict.limit * CLEARLY_BELOW:
        return Step(now)
    over = replace(now, state=State.RESOLVED, changed_ms=now_ms)
    if verdict.limit > memory.limit:
        return Step(over, Reason.RESOLVED, Cause.LIMIT_RAISED, previous=memory.limit)
    return Step(over, Reason.RESOLVED)


def _opened(subject: Subject, verdict: Verdict, found: Forecast, now_ms: int) -> Incident:
    label = label_of(subject.period)
    return Incident(
        id=stable_id(fingerprint(subject.rule, subject.key, label), "1"),
        kind=Kind.FORECAST,
        rule=subject.rule,
        key=subject.key,
        labels=subject.labels,
        period=label,
        period_start_ms=subject.period.start_ms,
        period_end_ms=subject.period.end_ms,
        timezone=subject.timezone,
        episode=1,
        state=State.OPEN,
        severity=Severity.WARNING,
        level=Fraction(1),
        limit=verdict.limit,
        unit=verdict.unit,
        measured=verdict.measured,
        opened_ms=now_ms,
        changed_ms=now_ms,
        forecast=found,
    )

"""How an incident lives: from the verdict and what is remembered to what is remembered next, and what to tell."""

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from hashlib import blake2b

from fusewatch.domain.notices import Cause, Crossing, Incident, Kind, Reason, State, Timing
from fusewatch.domain.periods import Period
from fusewatch.domain.rules import Threshold
from fusewatch.domain.verdicts import Verdict

LATE_WINDOW_MS = 24 * 3_600_000
"""A crossing learned within this time after its period ended is announced once, marked late; an older one recorded."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Standing(StrEnum):
    """How far a rule's period has been read."""

    LOADING = "loading"
    """Never yet read from its start: no verdict, no series."""
    CATCHING_UP = "catching_up"
    """It was read once, but a gap lies in it now: its sum is a lower bound."""
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose incident it is: the parts of the fingerprint, and the same for people."""

    kind: Kind
    rule: str
    key: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    period: Period
    timezone: str


@dataclass(frozen=True, slots=True)
class Step:
    """The incident as it is now, and what changed: `reason` None when there is nothing to tell.

    `threshold` is the highest of the newly `crossed` ones, as severe as the worst of them: the others count as
    announced, so that whoever was to be told of one of them is to be told now. `previous` is what was measured before,
    or the former limit where that was raised. `held` says that something waits for the end of the catch-up, so that
    the key is to be judged again.
    """

    incident: Incident | None
    reason: Reason | None = None
    cause: Cause = Cause.NONE
    threshold: Threshold | None = None
    previous: int | None = None
    held: bool = False
    crossed: tuple[Threshold, ...] = ()


def fingerprint(rule: str, key: tuple[str, ...], period: str) -> str:
    """Rule, key and period label: the identity that a notice has besides its threshold, limit and episode."""
    return "\x1f".join((rule, *key, period))


def stable_id(*parts: str) -> str:
    """A short name that the same parts always give: 16 signs of Crockford's base 32."""
    number = int.from_bytes(blake2b("\x1e".join(parts).encode(), digest_size=10).digest())
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(75, -5, -5))


def timing_of(period: Period, now_ms: int, *, first: bool) -> Timing:
    """How a crossing in `period` that is learned now is to be told. `first`: the rule was never judged before.

    A period that had ended when its rule was first judged is not announced.
    """
    if now_ms < period.end_ms:
        return Timing.AT_START if first else Timing.LIVE
    if first:
        return Timing.RECORDED
    return Timing.LATE if now_ms - period.end_ms <= LATE_WINDOW_MS else Timing.RECORDED


def advance(
    subject: Subject,
    verdict: Verdict,
    memory: Incident | None,
    *,
    now_ms: int,
    standing: Standing,
    timing: Timing,
) -> Step:
    """One judgement later. `memory` is the latest episode of this rule, key and period.

    Crossing times are filled in by the caller, who alone can look at the rows: a new incident has none for what this
    step passed. `memory` must hold them for what was announced before, each threshold with its limit: that is how a
    limit that is changed back finds its marks.
    """
    ended = now_ms >= subject.period.end_ms
    if memory is not None and not ended and memory.state is not State.RESOLVED:
        return _go_on(subject, verdict, memory, now_ms, standing)
    crossed = _newly_crossed(subject.kind, verdict, memory, ended=ended)
    if not crossed:
        return _quiet(verdict, memory, now_ms, ended=ended)
    if standing is Standing.CATCHING_UP and crossed[-1].share < 1:
        return Step(memory, held=True)
    return _announce(subject, verdict, memory, crossed, now_ms, timing, ended=ended)


def _newly_crossed(kind: Kind, verdict: Verdict, memory: Incident | None, *, ended: bool) -> tuple[Threshold, ...]:
    """The passed thresholds that are still to be announced, rising.

    An ended period is judged by the limit that it ended with, too: an edit made after it crosses nothing in it.
    """
    if memory is None:
        return verdict.passed
    above = tuple(t for t in verdict.passed if t.share > memory.level)
    if kind is not Kind.BUDGET:
        return above
    limit = verdict.limit
    if ended:
        same_unit = memory.unit is verdict.unit
        limit = memory.limit
        above = tuple(t for t in above if same_unit and verdict.measured >= limit * t.share)
    announced = {(c.share, c.limit) for c in memory.crossings} if memory.state is not State.RESOLVED else set()
    return tuple(t for t in above if (t.share, limit) not in announced)


def _told_threshold(crossed: tuple[Threshold, ...]) -> Threshold:
    """The highest, as severe as the worst."""
    return replace(crossed[-1], severity=max(t.severity for t in crossed))


def _announce(
    subject: Subject,
    verdict: Verdict,
    memory: Incident | None,
    crossed: tuple[Threshold, ...],
    now_ms: int,
    timing: Timing,
    *,
    ended: bool,
) -> Step:
    """A threshold above the armed one was passed: a new episode, or news about a period that ended."""
    threshold = _told_threshold(crossed)
    if memory is not None and memory.state is not State.RESOLVED:
        incident = replace(
            memory,
            state=State.ROLLED_OVER,
            severity=max(memory.severity, threshold.severity),
            level=threshold.share,
            measured=verdict.measured,
            estimated=verdict.estimated,
            changed_ms=now_ms,
            timing=timing,
        )
        if subject.kind is not Kind.BUDGET:
            incident = replace(incident, limit=verdict.limit, baseline=verdict.baseline)
        return Step(incident, Reason.ESCALATED, threshold=threshold, previous=memory.measured, crossed=crossed)
    episode = memory.episode + 1 if memory else 1
    incident = Incident(
        id=stable_id(fingerprint(subject.rule, subject.key, subject.period.label), str(episode)),
        kind=subject.kind,
        rule=subject.rule,
        key=subject.key,
        labels=subject.labels,
        period=subject.period.label,
        period_start_ms=subject.period.start_ms,
        period_end_ms=subject.period.end_ms,
        timezone=subject.timezone,
        episode=episode,
        state=State.ROLLED_OVER if ended else State.OPEN,
        severity=verdict.severity or threshold.severity,
        level=threshold.share,
        limit=verdict.limit,
        unit=verdict.unit,
        measured=verdict.measured,
        estimated=verdict.estimated,
        opened_ms=now_ms,
        changed_ms=now_ms,
        timing=timing,
        baseline=verdict.baseline,
        baseline_days=verdict.baseline_days,
    )
    return Step(incident, Reason.OPENED, threshold=threshold, crossed=crossed)


def _quiet(verdict: Verdict, memory: Incident | None, now_ms: int, *, ended: bool) -> Step:
    """Nothing new was passed. A resolved incident arms again what lies above the present share: after a higher limit
    at once, after a correction only when the spend has clearly fallen."""
    if memory is None:
        return Step(None)
    if ended or memory.state is not State.RESOLVED:
        return Step(
            replace(memory, measured=verdict.measured, estimated=verdict.estimated)
            if memory.unit is verdict.unit
            else memory
        )
    share = _share(verdict)
    now = replace(
        memory, measured=verdict.measured, estimated=verdict.estimated, limit=verdict.limit, unit=verdict.unit
    )
    if share < memory.level and (_raised(verdict, memory) or verdict.clearly_below(memory.level)):
        return Step(replace(now, level=share, changed_ms=now_ms))
    return Step(now)


def _share(verdict: Verdict) -> Fraction:
    return verdict.highest.share if verdict.highest else Fraction(0)


def _raised(verdict: Verdict, memory: Incident) -> bool:
    """Whether the budget's limit rose. A spike's line moves by itself, and an amount in another unit is no higher."""
    return memory.kind is Kind.BUDGET and verdict.unit is memory.unit and verdict.limit > memory.limit


def _go_on(subject: Subject, verdict: Verdict, memory: Incident, now_ms: int, standing: Standing) -> Step:
    """The period runs, and the episode was not resolved: it is open, or its rule or its period has come back."""
    if memory.unit is not verdict.unit:
        # Another unit means another rule: what it measures now says nothing about how the old one stands.
        memory = replace(memory, state=State.WITHDRAWN)
    now = replace(
        memory,
        state=State.OPEN,
        measured=verdict.measured,
        estimated=verdict.estimated,
        limit=verdict.limit,
        unit=verdict.unit,
        labels=subject.labels,
        period_start_ms=subject.period.start_ms,
        period_end_ms=subject.period.end_ms,
        timezone=subject.timezone,
        baseline=verdict.baseline,
        baseline_days=verdict.baseline_days,
    )
    worst = verdict.severity
    if worst is None or _share(verdict) < memory.level:
        if standing is Standing.CATCHING_UP:
            return Step(memory, held=True)
        return _fallen(verdict, memory, now, now_ms)
    severity = worst if memory.state is State.WITHDRAWN else max(memory.severity, worst)
    crossed = _newly_crossed(subject.kind, verdict, memory, ended=False)
    if not crossed:
        return Step(replace(now, severity=severity, level=_share(verdict)))
    if standing is Standing.CATCHING_UP and crossed[-1].share < 1:
        waiting = replace(now, state=State.WITHDRAWN) if memory.state is State.WITHDRAWN else now
        return Step(waiting, held=True)
    threshold = _told_threshold(crossed)
    incident = replace(now, severity=severity, level=threshold.share, changed_ms=now_ms, timing=Timing.LIVE)
    previous = memory.measured if memory.unit is verdict.unit else None
    return Step(incident, Reason.ESCALATED, threshold=threshold, previous=previous, crossed=crossed)


def _fallen(verdict: Verdict, memory: Incident, now: Incident, now_ms: int) -> Step:
    """The spend stands below the announced threshold: because the limit rose, or because costs were corrected.

    It resolves when the severity falls; a spike when it is none any more. A changed limit arms everything above the
    present share again; a correction leaves thresholds of the same severity announced, or they would be told twice.
    """
    still_as_severe = verdict.severity is not None and verdict.severity >= memory.severity
    if memory.kind is Kind.BUDGET and still_as_severe:
        changed = verdict.unit is memory.unit and verdict.limit != memory.limit
        return Step(replace(now, level=_share(verdict), changed_ms=now_ms)) if changed else Step(now)
    if memory.kind is not Kind.BUDGET and verdict.highest is not None:
        return Step(now)
    raised = _raised(verdict, memory)
    if memory.state is State.WITHDRAWN:
        # Its end was told to nobody, so this is not either; coming back higher it is told again.
        level, severity = (
            (_share(verdict), verdict.severity or memory.severity) if raised else (now.level, now.severity)
        )
        return Step(replace(now, state=State.WITHDRAWN, level=level, severity=severity))
    if not raised and not verdict.clearly_below(_line_above(verdict, memory)):
        return Step(now)
    incident = replace(now, state=State.RESOLVED, level=_share(verdict), changed_ms=now_ms)
    if raised:
        return Step(incident, Reason.RESOLVED, Cause.LIMIT_RAISED, previous=memory.limit)
    by_estimate = memory.estimated - verdict.estimated >= memory.measured - verdict.measured > 0
    cause = Cause.REESTIMATED if by_estimate else Cause.CORRECTED
    return Step(incident, Reason.RESOLVED, cause, previous=memory.measured)


def _line_above(verdict: Verdict, memory: Incident) -> Fraction:
    """The share to stay clear of: the lowest at which the severity of the incident would begin again."""
    if memory.kind is not Kind.BUDGET:
        return Fraction(1)
    return min((memory.level, *(t.share for t in verdict.ahead if t.severity >= memory.severity)))


def lift(memory: Incident, now_ms: int) -> Step:
    """The limit was lifted altogether (``limit: none``). An ended period only rolls over."""
    if now_ms >= memory.period_end_ms:
        return roll_over(memory, now_ms)
    incident = replace(memory, state=State.RESOLVED, level=Fraction(0), changed_ms=now_ms)
    return Step(incident, Reason.RESOLVED, Cause.LIMIT_RAISED, previous=memory.limit)


def roll_over(memory: Incident, now_ms: int) -> Step:
    """The period ended: the incident ends with it, and no message says so."""
    return Step(replace(memory, state=State.ROLLED_OVER, changed_ms=now_ms), Reason.ROLLED_OVER)


def withdraw(memory: Incident, now_ms: int) -> Step:
    """The rule is gone, or means something else."""
    return Step(replace(memory, state=State.WITHDRAWN, changed_ms=now_ms), Reason.WITHDRAWN)


def with_crossings(incident: Incident, found: tuple[Crossing, ...]) -> Incident:
    """The incident with newly found crossings, in the order in which they happened, each once for each limit."""
    known: dict[tuple[Fraction, int], Crossing] = {}
    for crossing in (*incident.crossings, *found):
        known.setdefault((crossing.share, crossing.limit), crossing)
    return replace(incident, crossings=tuple(sorted(known.values(), key=lambda c: (c.at_ms, c.share))))

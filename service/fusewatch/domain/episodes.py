"""How the incident of a rolling window lives: in episodes, since a window has no end at which it could start anew.

BUDGET_FILE.md: "closed after staying below 90 % of the line for one window (at least 15 minutes), then armed again".
The line is the lowest threshold that the episode announced. Within an episode a threshold that was passed counts as
passed, however far the sum falls meanwhile: what comes back before the episode is closed is no news.
"""

from dataclasses import replace
from fractions import Fraction

from fusewatch.domain.incidents import Standing, Step, Subject, advance
from fusewatch.domain.notices import Cause, Incident, Kind, Reason, State, Timing
from fusewatch.domain.periods import CELL_MS, cell_of, cell_start_ms
from fusewatch.domain.rules import Threshold
from fusewatch.domain.verdicts import Verdict

CALM = Fraction(9, 10)
"""Below this share of its line a rolling sum is on the way to be calm."""


def advance_episode(
    subject: Subject,
    verdict: Verdict,
    memory: Incident | None,
    *,
    now_ms: int,
    standing: Standing,
    timing: Timing,
) -> Step:
    """`advance` for a rule over a rolling window; the period of `subject` is where the window lies now."""
    if memory is not None:
        memory = _forgotten_if_stale(memory, now_ms)
    if memory is None or memory.state is State.RESOLVED:
        step = advance(subject, verdict, memory, now_ms=now_ms, standing=standing, timing=timing)
        return step if memory is None or step.reason is not None or step.held else _rest(step, verdict, memory, now_ms)
    if memory.state is State.OPEN and memory.unit is verdict.unit and not _limit_raised(memory, verdict):
        lower = _as_it_stands(memory, verdict)
        memory, judged = (lower, verdict) if _crosses(verdict, lower) else (memory, _held(verdict, memory))
    else:
        judged = verdict
    step = advance(subject, judged, memory, now_ms=now_ms, standing=standing, timing=timing)
    return _calmer(step, verdict, now_ms, standing)


def look_again_ms(incident: Incident | None, now_ms: int) -> int | None:
    """When time alone can change something: at the next quarter hour the window moves, and a calm one may end. None
    while nothing is open: then only new spend can open something."""
    if incident is None or not (incident.state is State.OPEN or _must_calm_down(incident)):
        return None
    moves_ms = cell_start_ms(cell_of(now_ms) + 1)
    return moves_ms if incident.calm_since_ms is None else min(moves_ms, incident.calm_since_ms + window_ms(incident))


def known_until_ms(memory: Incident | None) -> int | None:
    """Windows that began before this instant are part of the latest episode, or were judged with it; None while it is
    open or withdrawn, and so is all that lies before now."""
    if memory is None:
        return 0
    match memory.state:
        case State.OPEN | State.WITHDRAWN:
            return None
        case State.RESOLVED:
            return memory.changed_ms
        case State.ROLLED_OVER:
            return memory.period_end_ms


def window_ms(incident: Incident) -> int:
    """The length of the window that the incident is about."""
    return max(CELL_MS, incident.period_end_ms - incident.period_start_ms)


def _must_calm_down(incident: Incident) -> bool:
    """A closed one still knows what it announced only where its limit was raised."""
    return incident.state is State.RESOLVED and incident.level > 0


def _forgotten_if_stale(memory: Incident, now_ms: int) -> Incident:
    """What was withdrawn longer ago than its window can see says nothing about now, nor does an episode that was over
    when it was learned of."""
    stale = memory.state is State.WITHDRAWN and now_ms - memory.changed_ms >= window_ms(memory)
    if stale or memory.state is State.ROLLED_OVER:
        return replace(memory, state=State.RESOLVED, level=Fraction(0), calm_since_ms=None)
    return memory


def _limit_raised(memory: Incident, verdict: Verdict) -> bool:
    return memory.kind is Kind.BUDGET and verdict.limit > memory.limit


def _crosses(verdict: Verdict, memory: Incident) -> bool:
    return verdict.highest is not None and verdict.highest.share > memory.level


def _as_it_stands(memory: Incident, verdict: Verdict) -> Incident:
    """Before a lower limit: what the sum has fallen below since is not announced any more, so that the lower limit
    announces what it newly crosses."""
    if memory.kind is not Kind.BUDGET or verdict.limit >= memory.limit:
        return memory
    reached = [c.share for c in memory.crossings if verdict.measured >= memory.limit * c.share]
    return replace(memory, level=min(memory.level, max(reached, default=Fraction(0))))


def _held(verdict: Verdict, memory: Incident) -> Verdict:
    """The verdict with all that the episode announced, also what the sum has fallen below since."""
    if verdict.highest is not None and verdict.highest.share >= memory.level:
        return verdict
    below = tuple(t for t in (*verdict.passed, *verdict.ahead) if t.share < memory.level)
    return replace(verdict, passed=(*below, Threshold(memory.level, memory.severity)))


def _is_below(verdict: Verdict, share: Fraction) -> bool:
    line = max(verdict.limit * share, Fraction(verdict.least), Fraction(1))
    return verdict.measured < line * CALM


def _calm_since(incident: Incident, verdict: Verdict, share: Fraction, now_ms: int) -> int | None:
    if not _is_below(verdict, share):
        return None
    return now_ms if incident.calm_since_ms is None else incident.calm_since_ms


def _calmer(step: Step, verdict: Verdict, now_ms: int, standing: Standing) -> Step:
    """The episode goes on: is it calm, and for how long? A partial sum says nothing of that."""
    incident = step.incident
    if incident is None or incident.state is not State.OPEN or step.reason is not None:
        return step if incident is None else replace(step, incident=replace(incident, calm_since_ms=None))
    lowest = min((c.share for c in incident.crossings), default=incident.level)
    since = None if standing is Standing.CATCHING_UP else _calm_since(incident, verdict, lowest, now_ms)
    if since is None or now_ms - since < window_ms(incident):
        return replace(step, incident=replace(incident, calm_since_ms=since))
    closed = replace(incident, state=State.RESOLVED, level=Fraction(0), changed_ms=now_ms, calm_since_ms=None)
    return Step(closed, Reason.RESOLVED, Cause.SUBSIDED)


def _rest(step: Step, verdict: Verdict, memory: Incident, now_ms: int) -> Step:
    """A closed episode, and nothing new. What a raised limit left announced is armed again after a calm window."""
    incident = step.incident
    if incident is None or not _must_calm_down(memory):
        return step
    level = memory.level if verdict.limit <= memory.limit else incident.level
    incident = replace(incident, level=level)
    since = _calm_since(incident, verdict, level, now_ms)
    if since is not None and now_ms - since >= window_ms(memory):
        return replace(step, incident=replace(incident, level=Fraction(0), changed_ms=now_ms, calm_since_ms=None))
    return replace(step, incident=replace(incident, calm_since_ms=since))

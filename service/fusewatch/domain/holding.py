"""What keeps a notice from a destination, and what is still worth telling when nothing does any more.

The rules, as a reader knows them: during a silence, and during quiet hours, nothing comes. At the end one message tells
what is so then and was not told before; what came and went meanwhile is told to nobody. The end of something whose
beginning was told is told, too, if it is still over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from fusewatch.domain.notices import Hold, Incident, Notice, Reason, State, Why
from fusewatch.domain.rules import DestinationPolicy
from fusewatch.domain.silences import Silence, facts_of

OPENING = (Reason.OPENED, Reason.ESCALATED)


@dataclass(frozen=True, slots=True)
class Held:
    """The latest notice of one incident that one destination has not been told yet, and what holds it back.

    `from_ms` is when its first notice was held: what was crossed before, the destination knows as far as it was told of
    the incident at all. Of several openings the notice has the highest threshold, as severe as the worst.
    """

    destination: str
    notice: Notice
    hold: Hold
    from_ms: int

    @property
    def incident_id(self) -> str:
        return self.notice.incident.id


def hold_of(
    notice: Notice, values: Mapping[str, str], policy: DestinationPolicy, silences: Iterable[Silence], now_ms: int
) -> Hold | None:
    """What holds a notice back at a destination, None for nothing. A silence comes before quiet hours, of several
    silences the one that lasts longest. `values` are those that the notice's key is known to have."""
    facts = facts_of(notice, values)
    covering = [silence for silence in silences if silence.is_active(now_ms) and silence.covers(facts)]
    if covering:
        last = max(covering, key=lambda silence: (silence.until_ms, silence.id))
        return Hold(Why.SILENCE, last.starts_ms, last.until_ms, last.id)
    if policy.quiet is None or policy.relays or notice.severity in policy.urgent:
        return None
    span = policy.quiet.span_at(now_ms)
    return None if span is None else Hold(Why.QUIET_HOURS, *span)


def held_with(before: Held | None, destination: str, notice: Notice, hold: Hold, now_ms: int) -> Held:
    """What is held of an incident once this notice is held, too."""
    if before is None:
        return Held(destination, notice, hold, now_ms)
    if notice.reason in OPENING and before.notice.reason in OPENING:
        notice = replace(
            notice,
            reason=before.notice.reason,
            severity=max(notice.severity, before.notice.severity),
            threshold=max(notice.threshold, before.notice.threshold),
        )
    return replace(before, notice=notice, hold=hold)


def still_worth_telling(held: Held, incident: Incident, later: Incident | None, now_ms: int) -> Notice | None:
    """The notice to tell now that nothing holds it any more, as things stand; None for one that came to nothing.

    `incident` is the held one as it is now, `later` a newer episode of the same rule, key and period. After quiet hours
    that includes what ended with its period: yesterday's budget was spent all the same. A silence said that nobody
    wants to know of that.
    """
    notice = replace(held.notice, incident=incident, at_ms=now_ms)
    if notice.reason is Reason.RESOLVED:
        over = incident.state is State.RESOLVED and (later is None or later.state is not State.OPEN)
        return notice if over else None
    stands = incident.state is State.OPEN or (incident.state is State.ROLLED_OVER and held.hold.why is Why.QUIET_HOURS)
    if not stands:
        return None
    threshold = min(notice.threshold, incident.level)
    return replace(notice, threshold=threshold) if threshold > 0 else notice


def known_share(held: Held) -> Fraction:
    """The highest share that was announced of an incident before anything of it was held."""
    before = (c.share for c in held.notice.incident.crossings if c.learned_ms < held.from_ms)
    return max(before, default=Fraction(0))


def knows_already(notice: Notice, earlier: Sequence[Held]) -> bool:
    """Whether a destination that was never told the end of an `earlier` episode knows what this notice says: it came
    back to where it was when that one was told."""
    same = [held for held in earlier if held.notice.reason is Reason.RESOLVED and _is_same(held, notice)]
    return any(known_share(held) >= notice.threshold for held in same)


def _is_same(held: Held, notice: Notice) -> bool:
    one, other = held.notice.incident, notice.incident
    return (one.rule, one.key, one.period, one.limit, one.unit) == (
        other.rule,
        other.key,
        other.period,
        other.limit,
        other.unit,
    )

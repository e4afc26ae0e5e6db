"""The message that `fusewatch notify-test` sends: marked as a test, with a made-up notice to show the layout."""

from fractions import Fraction

from fusewatch.domain.money import PICO_PER_USD
from fusewatch.domain.notices import Crossing, Incident, Kind, Message, MessageKind, Notice, Reason, State
from fusewatch.domain.rules import Severity, Unit

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_LIMIT_PICO = 50 * PICO_PER_USD


def sample_message(destination: str, now_ms: int) -> Message:
    """A test message for one destination. Its id changes with every millisecond, so that no receiver drops it."""
    start_ms = now_ms - now_ms % _DAY_MS
    warned, reached = now_ms - 2 * _HOUR_MS, now_ms - 60_000
    incident = Incident(
        id="sample",
        kind=Kind.BUDGET,
        rule="sample-budget",
        key=("summarization",),
        labels=(("feature", "summarization"),),
        period="day:sample",
        period_start_ms=start_ms,
        period_end_ms=start_ms + _DAY_MS,
        timezone="UTC",
        episode=1,
        state=State.OPEN,
        severity=Severity.CRITICAL,
        level=Fraction(1),
        limit=_LIMIT_PICO,
        unit=Unit.USD,
        measured=_LIMIT_PICO + 31 * PICO_PER_USD // 100,
        opened_ms=warned,
        changed_ms=now_ms,
        crossings=(
            Crossing(Fraction(4, 5), Severity.WARNING, _LIMIT_PICO, warned, warned),
            Crossing(Fraction(1), Severity.CRITICAL, _LIMIT_PICO, reached, now_ms),
        ),
    )
    notice = Notice(
        incident=incident,
        reason=Reason.ESCALATED,
        severity=Severity.CRITICAL,
        threshold=Fraction(1),
        at_ms=now_ms,
        as_of_ms=now_ms,
    )
    return Message(
        id=f"sample-{now_ms}",
        destination=destination,
        kind=MessageKind.SAMPLE,
        severity=Severity.INFO,
        created_ms=now_ms,
        notices=(notice,),
    )

"""A notice to start from, and three destinations with different tastes."""

from dataclasses import replace
from fractions import Fraction

from fusewatch.domain.notices import Incident, Kind, Notice, Reason, State
from fusewatch.domain.routing import Change, Owner
from fusewatch.domain.rules import DestinationPolicy, Severity, Unit
from tests.domain.lifecycle import MORNING_MS, pico
from tests.domain.zones import HOUR_MS

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL

POLICIES = {
    name: DestinationPolicy(name, kind, least)
    for name, kind, least in (
        ("finops", "slack", WARNING),
        ("content", "slack", INFO),
        ("pager", "pagerduty", CRITICAL),
    )
}
INCIDENT = Incident(
    id="I",
    kind=Kind.BUDGET,
    rule="each-feature",
    key=("search",),
    labels=(("feature", "search"),),
    period="day:2026-11-22",
    period_start_ms=MORNING_MS - 8 * HOUR_MS,
    period_end_ms=MORNING_MS + 16 * HOUR_MS,
    timezone="UTC",
    episode=1,
    state=State.OPEN,
    severity=CRITICAL,
    level=Fraction(1),
    limit=pico(50),
    unit=Unit.USD,
    measured=pico(55),
    opened_ms=MORNING_MS,
    changed_ms=MORNING_MS,
)
NOTICE = Notice(INCIDENT, Reason.OPENED, CRITICAL, Fraction(1), MORNING_MS, MORNING_MS)


def change_to(*destinations: str, notice: Notice = NOTICE) -> Change:
    return Change(notice, Owner(destinations))


def about(notice: Notice = NOTICE, **facts: object) -> Notice:
    return replace(notice, incident=replace(notice.incident, **facts))  # type: ignore[arg-type]  # fields by name

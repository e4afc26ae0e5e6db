"""Realistic messages of every kind, as the passes make them, at 16:42:00 in Berlin on 24 November 2026."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from fusewatch.domain.explanations import Against, DearTrace, Driver, Effect, Explanation, Part, Was
from fusewatch.domain.forecast import Basis, Forecast
from fusewatch.domain.notices import (
    Cause,
    Crossing,
    DigestFacts,
    Gap,
    Hold,
    Incident,
    Kind,
    Message,
    MessageKind,
    Mover,
    Near,
    Notice,
    NoticeLink,
    Reason,
    StartSummary,
    State,
    Timing,
    Why,
)
from fusewatch.domain.periods import Every
from fusewatch.domain.rules import Severity, Unit
from fusewatch.notify.samples import samples

BERLIN = "Europe/Berlin"
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
DEFAULT_SHARES = (Fraction(1, 2), Fraction(4, 5), Fraction(1))


def at(text: str) -> int:
    """Epoch milliseconds of a moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOW = at("2026-11-24T15:42:00")
MIDNIGHT = at("2026-11-23T23:00:00")
"""Midnight in Berlin."""
LANGFUSE = "https://cloud.langfuse.com/project/shop"
LINK = "https://fusewatch.example.com/"


def usd(amount: str) -> int:
    """Picodollars."""
    return int(Decimal(amount) * 10**12)


def crossing(share: str, at_ms: int, severity: Severity, limit: int, learned_ms: int | None = None) -> Crossing:
    return Crossing(Fraction(share), severity, limit, at_ms, at_ms + 40_000 if learned_ms is None else learned_ms)


BUDGET = Incident(
    id="01JDFQ0M3W8N9V2R5T7Y4X6Z1K",
    kind=Kind.BUDGET,
    rule="content-team",
    key=(),
    labels=(),
    period="day:2026-11-24",
    period_start_ms=MIDNIGHT,
    period_end_ms=MIDNIGHT + DAY,
    timezone=BERLIN,
    episode=1,
    state=State.OPEN,
    severity=Severity.CRITICAL,
    level=Fraction(1),
    limit=usd("50"),
    unit=Unit.USD,
    measured=usd("50.31"),
    opened_ms=NOW - 142 * MINUTE,
    changed_ms=NOW,
    crossings=(
        crossing("4/5", NOW - 142 * MINUTE, Severity.WARNING, usd("50")),
        crossing("1", NOW - 20_000, Severity.CRITICAL, usd("50"), NOW),
    ),
    told=("finops",),
)

REACHED = Notice(
    incident=BUDGET,
    reason=Reason.ESCALATED,
    severity=Severity.CRITICAL,
    threshold=Fraction(1),
    at_ms=NOW,
    as_of_ms=NOW - 12_000,
    labels=(("owner", "content"),),
    runbook="https://wiki.example.com/llm/content",
)

WARNED = replace(
    REACHED,
    incident=replace(BUDGET, measured=usd("40.02"), crossings=BUDGET.crossings[:1], severity=Severity.WARNING),
    reason=Reason.OPENED,
    severity=Severity.WARNING,
    threshold=Fraction(4, 5),
)

DROVE = Explanation(
    against=Against.HOURS,
    count=7,
    from_ms=MIDNIGHT,
    to_ms=NOW,
    unit=Unit.USD,
    amount=usd("50.31"),
    baseline=usd("18.41"),
    effect=Effect(usd("21.12"), usd("0.31"), usd("10.47"), Fraction(21, 10), Fraction(101, 100), Fraction(13, 10)),
    drivers=(
        Driver(
            Part(
                *("feature", "summarization", usd("40.47"), usd("13.07")),
                Effect(usd("26.60"), usd("0.10"), usd("0.70"), Fraction(31, 10), Fraction(1), Fraction(21, 20)),
            ),
            (
                Part(
                    *("model", "gpt-4o", usd("24.10"), 0, Effect(usd("24.10"), 0, 0)),
                    was=Was("gpt-4o-mini", NOW - 217 * MINUTE),
                ),
                Part("user", "user-4711", usd("31.19"), usd("11.39"), Effect(usd("19.80"), 0, 0), at_least=True),
            ),
        ),
    ),
    rest=usd("4.50"),
    traces=(
        DearTrace("lf:shop", "4bf92f3577b34da6a3ce929d0e0e4736", usd("1.92")),
        DearTrace("lf:shop", "5cf92f3577b34da6a3ce929d0e0e4737", usd("1.10")),
    ),
    sampled=True,
)

DRIVEN = replace(REACHED, why=DROVE)

HOSTILE_DRIVER = Driver(
    Part("feature", "<!channel> *sum*\u202e\x1b[31m", usd("40.47"), 0, Effect(usd("40.47"), 0, 0)),
    (Part("user", "unknown", usd("20"), usd("1"), Effect(usd("19"), 0, 0, Fraction(20), Fraction(1), Fraction(1))),),
)

DRIVEN_BY_HOSTILE = replace(REACHED, why=replace(DROVE, drivers=(HOSTILE_DRIVER,), rest=usd("-8.57"), traces=()))

NOT_GROWN = replace(
    REACHED,
    why=replace(DROVE, baseline=usd("52.41"), rest=usd("9.84"), effect=Effect(usd("-2.1"), 0, 0, Fraction(1))),
)

NO_HISTORY = replace(
    REACHED,
    why=replace(DROVE, against=Against.NOTHING, count=0, baseline=None, effect=None, rest=usd("9.84"), sampled=False),
)

RESOLVED = replace(
    REACHED,
    incident=replace(BUDGET, measured=usd("43.10"), state=State.RESOLVED),
    reason=Reason.RESOLVED,
    cause=Cause.CORRECTED,
    previous=usd("50.31"),
)

PARTLY_ESTIMATED = replace(REACHED, incident=replace(BUDGET, estimated=usd("12.04")))

REESTIMATED = replace(
    RESOLVED, incident=replace(BUDGET, measured=usd("43.10"), estimated=usd("4.83")), cause=Cause.REESTIMATED
)

RAISED = replace(
    REACHED,
    incident=replace(BUDGET, measured=usd("50.31"), limit=usd("80"), state=State.RESOLVED),
    reason=Reason.RESOLVED,
    cause=Cause.LIMIT_RAISED,
    previous=usd("50"),
)

LATE = replace(
    REACHED,
    incident=replace(
        BUDGET,
        period="day:2026-11-23",
        period_start_ms=MIDNIGHT - DAY,
        period_end_ms=MIDNIGHT,
        timing=Timing.LATE,
        crossings=(crossing("1", MIDNIGHT - 50 * MINUTE, Severity.CRITICAL, usd("50"), MIDNIGHT + 242 * MINUTE),),
    ),
    at_ms=MIDNIGHT + 242 * MINUTE,
    as_of_ms=MIDNIGHT + 242 * MINUTE,
    labels=(),
    runbook="",
)

AT_LEAST = replace(REACHED, at_least=True, labels=(), runbook="")

SPIKE_INCIDENT = replace(
    BUDGET,
    id="01JDFQ5B7C1D3E5F7G9H1J3K5M",
    kind=Kind.SPIKE,
    rule="twice-the-average",
    key=("summarization", "content"),
    labels=(("feature", "summarization"), ("team", "content")),
    severity=Severity.WARNING,
    limit=usd("18.10"),
    measured=usd("21.60"),
    baseline=usd("9.05"),
    baseline_days=7,
    opened_ms=NOW,
    crossings=(crossing("1", NOW - 217 * MINUTE, Severity.WARNING, usd("18.10")),),
)

SPIKE = Notice(
    incident=SPIKE_INCIDENT,
    reason=Reason.OPENED,
    severity=Severity.WARNING,
    threshold=Fraction(1),
    at_ms=NOW,
    as_of_ms=NOW - 12_000,
)

SPIKE_TWICE = replace(
    SPIKE,
    incident=replace(
        SPIKE_INCIDENT,
        severity=Severity.CRITICAL,
        measured=usd("37.20"),
        crossings=(
            *SPIKE_INCIDENT.crossings,
            crossing("2", NOW - 20 * MINUTE, Severity.CRITICAL, usd("18.10")),
        ),
    ),
    reason=Reason.ESCALATED,
    severity=Severity.CRITICAL,
    threshold=Fraction(2),
)

TOKENS = replace(
    WARNED,
    incident=replace(
        BUDGET,
        id="01JDFQ9N1P3Q5R7S9T1V3W5X7Y",
        rule="user-tokens",
        key=("user-4711",),
        labels=(("user", "user-4711"),),
        unit=Unit.TOKENS,
        limit=2_000_000,
        measured=2_104_511,
        crossings=(crossing("1", NOW - 20_000, Severity.CRITICAL, 2_000_000, NOW),),
    ),
    severity=Severity.CRITICAL,
    threshold=Fraction(1),
    labels=(),
    runbook="",
)


UNPRICED_INCIDENT = replace(
    BUDGET,
    id="01JDFQ6C8D2E4F6G8H0J2K4M6N",
    kind=Kind.UNPRICED,
    rule="unpriced",
    key=("https://langfuse.example.com|p1",),
    labels=(("project", "shop"),),
    severity=Severity.WARNING,
    limit=100,
    unit=Unit.REQUESTS,
    measured=212,
    opened_ms=NOW,
    crossings=(),
    parts=(("my-ft-summarizer", 212),),
)
WATCHED = replace(
    REACHED,
    incident=UNPRICED_INCIDENT,
    reason=Reason.OPENED,
    severity=Severity.WARNING,
    labels=(),
    runbook="",
)
UNPRICED_ESTIMATED = replace(WATCHED, incident=replace(UNPRICED_INCIDENT, estimated=usd("3.21")))

UNPRICED_SEVERAL = replace(
    WATCHED,
    incident=replace(
        UNPRICED_INCIDENT, measured=2_212, parts=(("my-ft-summarizer", 1_900), ("llama-4-local", 300), ("x", 7))
    ),
)
DRIFT = replace(
    WATCHED,
    incident=replace(
        UNPRICED_INCIDENT, kind=Kind.DRIFT, rule="drift", unit=Unit.USD, limit=usd("1"), measured=-usd("3.20"), parts=()
    ),
)
AUDITED = replace(
    DRIFT,
    incident=replace(
        DRIFT.incident,
        key=("audit", "2026-11-20"),
        labels=(("audit", "2026-11-20"),),
        limit=0,
        measured=usd("3.20"),
        detail="formed anew from the rows",
        parts=(("content-team", 3), ("totals", 1)),
    ),
)
UNATTRIBUTED = replace(
    WATCHED,
    incident=replace(
        UNPRICED_INCIDENT,
        kind=Kind.UNATTRIBUTED,
        rule="unattributed",
        key=(*UNPRICED_INCIDENT.key, "team"),
        labels=(("project", "shop"), ("dimension", "team")),
        unit=Unit.USD,
        limit=usd("7.30"),
        measured=usd("12.41"),
        baseline=usd("36.50"),
        parts=(),
    ),
)
SILENT = replace(
    WATCHED,
    incident=replace(
        UNPRICED_INCIDENT,
        kind=Kind.SILENT,
        rule="silent",
        limit=0,
        measured=0,
        crossings=(crossing("1", NOW - 127 * MINUTE, Severity.WARNING, 0, NOW),),
        parts=(),
    ),
)


TO_COME = Forecast(usd("74.80"), usd("71.20"), usd("79.10"), None, Basis.SHAPE, 28)
CROSSING = replace(TO_COME, crosses_at_ms=NOW + 38 * MINUTE)
EXPECTED = replace(
    REACHED,
    incident=replace(
        BUDGET,
        id="01JDFQ2F5R3C4S6T8E0X2P4E6C",
        kind=Kind.FORECAST,
        period="forecast:day:2026-11-24",
        severity=Severity.WARNING,
        measured=usd("31.20"),
        opened_ms=NOW,
        crossings=(),
        forecast=CROSSING,
    ),
    reason=Reason.OPENED,
    severity=Severity.WARNING,
    forecast=CROSSING,
)
CALMED = replace(TO_COME, amount=usd("44.02"), low=usd("41.60"), high=usd("47.30"))


def ended(notice: Notice, measured: int) -> Notice:
    """The same once it is over."""
    incident = replace(notice.incident, state=State.RESOLVED, measured=measured)
    return replace(notice, incident=incident, reason=Reason.RESOLVED, at_ms=NOW + 40 * MINUTE)


def feature(number: int, spent: str, *, name: str | None = None, limit: str = "75") -> Notice:
    """One key of `each-feature`, over its budget."""
    value = name or f"feature-{number:02d}"
    incident = replace(
        BUDGET,
        id=f"01JDFR{number:020d}",
        rule="each-feature",
        key=(value,),
        labels=(("feature", value),),
        limit=usd(limit),
        measured=usd(spent),
        crossings=(crossing("1", NOW - number * MINUTE, Severity.CRITICAL, usd(limit), NOW),),
    )
    threshold = Fraction(2 if incident.measured >= 2 * incident.limit else 1)
    return replace(REACHED, incident=incident, reason=Reason.OPENED, threshold=threshold, labels=(), runbook="")


def message(*notices: Notice, kind: MessageKind = MessageKind.NOTICES, destination: str = "finops") -> Message:
    """One message, as severe as its worst notice."""
    return Message(
        id="msg_2bKq7XvT0a9c4e6g8i0k2m4o6q8",
        destination=destination,
        kind=kind,
        severity=max((n.severity for n in notices), default=Severity.CRITICAL),
        created_ms=notices[0].at_ms if notices else NOW,
        notices=notices,
        link=LINK,
    )


MANY = tuple(feature(n, f"{170 - 2 * n}.25") for n in range(37))

ALL_LLM = replace(
    REACHED,
    incident=replace(
        BUDGET,
        rule="all-llm",
        period="month:2026-11",
        period_start_ms=at("2026-10-31T23:00:00"),
        period_end_ms=at("2026-11-30T23:00:00"),
        limit=usd("500"),
        measured=usd("512"),
        timing=Timing.AT_START,
        crossings=(crossing("1", at("2026-11-19T10:05:00"), Severity.CRITICAL, usd("500"), NOW),),
    ),
    reason=Reason.OPENED,
    labels=(),
    runbook="",
)

SUMMARY = StartSummary(("shop",), 35 * DAY, 1_204_311, usd("8912.437"))

OUTAGE = Gap(
    project="shop",
    since_ms=NOW - 16 * MINUTE,
    until_ms=None,
    reason="Langfuse answers 503",
    near=(("each-feature", "feature=search-assist", 91), ("all-llm", "", 84), ("content-team", "", 81)),
)

RECOVERY = replace(OUTAGE, since_ms=NOW - 368 * MINUTE, until_ms=NOW - MINUTE, cost_pico=usd("14.2"), near=())

SEARCH_ASSIST = replace(
    feature(0, "72.40", name="search-assist", limit="90"), threshold=Fraction(4, 5), severity=Severity.WARNING
)
IN_THE_GAP = replace(
    SEARCH_ASSIST,
    incident=replace(
        SEARCH_ASSIST.incident,
        crossings=(crossing("4/5", NOW - 200 * MINUTE, Severity.WARNING, usd("90"), NOW),),
    ),
)

YESTERDAY = DigestFacts(
    every=Every.DAY,
    start_ms=MIDNIGHT - DAY,
    end_ms=MIDNIGHT,
    before_ms=MIDNIGHT - 2 * DAY,
    timezone=BERLIN,
    cost_pico=usd("182.40"),
    requests=41_203,
    tokens=96_000_000,
    before_pico=usd("171.10"),
    up=(Mover("feature", "summarization", usd("42.80"), usd("30")), Mover("feature", "chat", usd("9"), usd("8.60"))),
    down=(Mover("feature", "code-review", usd("1.20"), usd("5.30")),),
    near=(
        Near("each-feature", (("feature", "search-assist"),), "day", Unit.USD, usd("18.20"), usd("20")),
        Near("all-llm", (), "month", Unit.USD, usd("420"), usd("500"), 24, 30),
    ),
    near_count=2,
    open_incidents=(("critical", 1), ("warning", 2)),
    unpriced=(("my-ft-summarizer", 212),),
    unattributed=(("team", usd("5.48")),),
    estimated_pico=usd("2.12"),
)
LAST_MONTH = DigestFacts(
    every=Every.MONTH,
    start_ms=at("2026-09-30T22:00:00"),
    end_ms=at("2026-10-31T23:00:00"),
    before_ms=at("2026-08-31T22:00:00"),
    timezone=BERLIN,
    cost_pico=usd("4210.00"),
    requests=1_204_311,
    tokens=3_150_000_000,
    before_pico=0,
    at_least=True,
)
NEWCOMER = replace(
    WARNED,
    incident=replace(
        BUDGET,
        kind=Kind.NEW,
        rule="new",
        key=("model", "o9-pro"),
        labels=(("model", "o9-pro"),),
        period="new",
        period_start_ms=NOW - 3 * HOUR,
        severity=Severity.INFO,
        limit=usd("5"),
        measured=usd("5.12"),
        crossings=(crossing("1", NOW - 3 * HOUR, Severity.INFO, usd("5"), NOW),),
    ),
    severity=Severity.INFO,
    threshold=Fraction(1),
    labels=(),
    runbook="",
)
STILL = replace(REACHED, incident=replace(BUDGET, measured=usd("61.20"), repeats=2), reason=Reason.REPEATED)
ENDED = replace(
    REACHED,
    incident=replace(
        BUDGET,
        rule="nightly",
        state=State.ROLLED_OVER,
        period="day:2026-11-23",
        period_start_ms=MIDNIGHT - DAY,
        period_end_ms=MIDNIGHT,
        crossings=(crossing("1", MIDNIGHT - 50 * MINUTE, Severity.CRITICAL, usd("50")),),
    ),
    reason=Reason.OPENED,
    labels=(),
    runbook="",
)
NIGHT = Hold(Why.QUIET_HOURS, MIDNIGHT - 2 * HOUR, MIDNIGHT + 7 * HOUR)
SILENCED = Hold(Why.SILENCE, NOW - 2 * HOUR, NOW, "01JDFS0A2B4C6D8E")

HOURS = tuple(usd(spent) for spent in ("0 " * 12 + "0.4 0.9 1.1 2 3.5 3 4.2 5 6.1 7 8.4 8.71").split())
"""What the last 24 hours before the notice cost."""

MESSAGES: dict[str, Message] = {
    "budget_reached": message(REACHED),
    "budget_driven": message(DRIVEN),
    "budget_driven_hostile": message(DRIVEN_BY_HOSTILE),
    "budget_not_grown": message(NOT_GROWN),
    "budget_no_history": message(NO_HISTORY),
    "budget_warned": message(WARNED),
    "budget_late": message(LATE),
    "budget_at_least": message(AT_LEAST),
    "budget_resolved": message(RESOLVED),
    "budget_estimated": message(PARTLY_ESTIMATED),
    "budget_reestimated": message(REESTIMATED),
    "unpriced_estimated": message(UNPRICED_ESTIMATED),
    "spike_estimated": message(replace(SPIKE, incident=replace(SPIKE_INCIDENT, estimated=usd("2.5")))),
    "budget_limit_raised": message(RAISED),
    "budget_rolled_over": message(replace(REACHED, reason=Reason.ROLLED_OVER)),
    "budget_withdrawn": message(replace(REACHED, reason=Reason.WITHDRAWN)),
    "budget_keyed": message(feature(7, "75.20", name="summarization")),
    "budget_tokens": message(TOKENS),
    "spike": message(SPIKE),
    "spike_escalated": message(SPIKE_TWICE),
    "spike_resolved": message(
        replace(SPIKE, incident=replace(SPIKE_INCIDENT, measured=usd("17.90")), reason=Reason.RESOLVED)
    ),
    "budget_outlook": message(replace(REACHED, forecast=TO_COME)),
    "budget_warned_outlook": message(replace(WARNED, forecast=CROSSING)),
    "forecast": message(EXPECTED),
    "forecast_by_pace": message(
        replace(
            EXPECTED,
            incident=replace(EXPECTED.incident, rule="all-llm", period="forecast:month:2026-11"),
            forecast=replace(CROSSING, basis=Basis.PACE, days=0, crosses_at_ms=NOW + 50 * HOUR),
        )
    ),
    "forecast_resolved": message(
        replace(
            EXPECTED,
            incident=replace(EXPECTED.incident, measured=usd("36.10"), state=State.RESOLVED),
            reason=Reason.RESOLVED,
            forecast=CALMED,
        )
    ),
    "group_with_forecast": message(REACHED, EXPECTED, SPIKE, WATCHED),
    "unpriced": message(WATCHED),
    "unpriced_several": message(UNPRICED_SEVERAL),
    "unpriced_resolved": message(replace(ended(WATCHED, 12), cause=Cause.CORRECTED, previous=212)),
    "drift": message(DRIFT),
    "drift_resolved": message(ended(DRIFT, usd("0.40"))),
    "audit": message(AUDITED),
    "unattributed": message(UNATTRIBUTED),
    "unattributed_resolved": message(ended(UNATTRIBUTED, usd("6.90"))),
    "silent": message(SILENT),
    "silent_resolved": message(ended(SILENT, 0)),
    "group_of_watches": message(WARNED, WATCHED, DRIFT, UNATTRIBUTED),
    "group_of_3": message(REACHED, SPIKE, TOKENS),
    "group_of_37": message(*MANY),
    "group_mixed": message(*MANY[:9], WARNED, SPIKE, RESOLVED),
    "start": replace(message(ALL_LLM, kind=MessageKind.START), start=SUMMARY),
    "start_several": replace(
        message(ALL_LLM, WARNED, IN_THE_GAP, kind=MessageKind.START),
        start=replace(SUMMARY, projects=("shop", "labs", "ops", "web", "data")),
    ),
    "start_watch": replace(
        message(replace(WATCHED, incident=replace(UNPRICED_INCIDENT, timing=Timing.AT_START)), kind=MessageKind.START),
        start=SUMMARY,
    ),
    "start_quiet": replace(message(kind=MessageKind.START), severity=Severity.INFO, start=SUMMARY),
    "unreadable": replace(message(kind=MessageKind.UNREADABLE), gap=OUTAGE),
    "readable": replace(message(IN_THE_GAP, kind=MessageKind.READABLE), gap=RECOVERY),
    "readable_several": replace(message(REACHED, IN_THE_GAP, kind=MessageKind.READABLE), gap=RECOVERY),
    "readable_quiet": replace(message(kind=MessageKind.READABLE), severity=Severity.INFO, gap=RECOVERY),
    "digest_day": replace(message(kind=MessageKind.DIGEST), severity=Severity.INFO, digest=YESTERDAY),
    "digest_month": replace(message(kind=MessageKind.DIGEST), severity=Severity.INFO, digest=LAST_MONTH),
    "new": message(NEWCOMER),
    "budget_repeated": message(STILL),
    "spike_repeated": message(replace(SPIKE, reason=Reason.REPEATED)),
    "group_repeated": message(STILL, replace(WARNED, reason=Reason.REPEATED)),
    "summary_of_the_night": replace(message(REACHED, ENDED, RESOLVED, kind=MessageKind.SUMMARY), hold=NIGHT),
    "update": message(replace(REACHED, reason=Reason.ROLLED_OVER), kind=MessageKind.UPDATE),
    "summary_of_one": replace(message(WARNED, kind=MessageKind.SUMMARY), hold=NIGHT),
    "summary_after_a_silence": replace(message(*MANY[:6], kind=MessageKind.SUMMARY), hold=SILENCED),
    "summary_resolved": replace(message(RESOLVED, kind=MessageKind.SUMMARY), hold=SILENCED),
    **{f"sample_{name}": shown for name, shown in samples("finops", NOW, link=LINK).items()},
    "budget_whole": message(
        replace(
            REACHED,
            why=replace(DROVE, sampled=False),
            hours=HOURS,
            forecast=TO_COME,
            links=(
                NoticeLink("Open these rows in Langfuse", f"{LANGFUSE}/observations?dateRange=last1Day"),
                NoticeLink("Dearest trace $1.92", f"{LANGFUSE}/traces/4bf92f3577b34da6a3ce929d0e0e4736"),
            ),
        )
    ),
    "budget_with_hours": message(replace(REACHED, hours=HOURS)),
    "budget_handled": message(
        replace(REACHED, incident=replace(BUDGET, acked_ms=NOW, acked_by="ana"), silent_ms=NOW + 90 * MINUTE)
    ),
    "group_handled": message(
        *(replace(n, incident=replace(n.incident, acked_ms=NOW, acked_by="ana <!channel>")) for n in MANY[:5])
    ),
    "group_over": message(*MANY[:3], *(replace(n, reason=Reason.ROLLED_OVER) for n in MANY[3:6])),
}

"""Snapshots as the passes make them, at 16:42:08 in Berlin on 24 November 2026, and a daemon to show them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

import httpx
from starlette.types import ASGIApp

from fusewatch.app.reports import Breakdown
from fusewatch.app.reports import Question as SpendQuestion
from fusewatch.app.retold import Story
from fusewatch.app.snapshot import BudgetLine, Snapshot, SpendLine, SpikeLine
from fusewatch.app.spending import MOST_VALUES, Dear, Series, Spending, Today, Wanted
from fusewatch.app.why import Question
from fusewatch.app.whyfacts import Explained, Overview
from fusewatch.domain.breakdown import Usage
from fusewatch.domain.coverage import Span
from fusewatch.domain.explanations import Against, Driver, Effect, Explanation, Part, Was
from fusewatch.domain.forecast import Forecast
from fusewatch.domain.incidents import Standing
from fusewatch.domain.notices import Crossing, Incident, Kind, State
from fusewatch.domain.periods import Calendar, Every
from fusewatch.domain.ratebudget import InUse
from fusewatch.domain.rules import Budget, Limit, RuleSet, Severity, Spike, Unit
from fusewatch.domain.silences import Silence
from fusewatch.errors import Problem
from fusewatch.ports import CounterSeries, DeliveryRow, DurationSeries, ProjectCounters, ProjectState, Totals
from fusewatch.web.apidesk import ApiDesk, Reloaded
from fusewatch.web.app import make_app
from fusewatch.web.slack import ActionsDesk
from fusewatch.web.state import SilenceDesk, WebState
from fusewatch.web.telemetry import Outcome, Telemetry

T = TypeVar("T")

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
BERLIN = "Europe/Berlin"


def at(text: str) -> int:
    """Epoch milliseconds of a moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def usd(amount: str) -> int:
    """Picodollars."""
    return int(Decimal(amount) * 10**12)


NOW = at("2026-11-24T15:42:08")
MIDNIGHT = at("2026-11-23T23:00:00")
NEXT_MONTH = at("2026-11-30T23:00:00")

PROJECT = ProjectState(
    key="https://langfuse.example.com|p1",
    name="shop",
    host="https://langfuse.example.com",
    project_id="p1",
    organisation_id="o1",
    api="v2",
    floor_ms=None,
    loaded_ms=NOW - 9 * DAY,
    counters_from_ms=NOW - 9 * DAY,
    last_success_ms=NOW - 12_345,
    data_as_of_ms=NOW - 14_500,
    failing_since_ms=None,
    failure="",
    failure_text="",
    retry_at_ms=None,
    reconciled_ms=NOW - 60_000,
    drift_pico=1_250_000_000,
)
FAILING = replace(
    PROJECT,
    key="https://langfuse.example.com|p2",
    name="labs",
    project_id="p2",
    last_success_ms=NOW - 16 * MINUTE,
    data_as_of_ms=NOW - 17 * MINUTE,
    failing_since_ms=NOW - 15 * MINUTE,
    failure="server_error",
    failure_text="Langfuse at https://langfuse.example.com answers 503",
)

BERLIN_CALENDAR = Calendar(BERLIN)
RULES = RuleSet(
    budgets=(
        Budget("all-llm", Limit(Unit.USD, usd("500")), Every.MONTH, BERLIN_CALENDAR),
        Budget("each-feature", Limit(Unit.USD, usd("20")), Every.DAY, BERLIN_CALENDAR, each=("feature",)),
        Budget("agents", Limit(Unit.REQUESTS, 1000), Every.HOUR, BERLIN_CALENDAR, each=("agent-type", "team")),
        Budget("user-tokens", Limit(Unit.TOKENS, 2_000_000), Every.DAY, BERLIN_CALENDAR, each=("user",)),
    ),
    spikes=(
        Spike("twice-the-average", Fraction(2), usd("5"), calendar=BERLIN_CALENDAR, each=("feature", "team")),
        Spike("chatty-session", Fraction(3), usd("1"), calendar=BERLIN_CALENDAR, each=("session",)),
    ),
    calendar=BERLIN_CALENDAR,
)


def budget(
    name: str, limit: int, spent: int, *, unit: Unit = Unit.USD, forecast: int | None = None, **labels: str
) -> BudgetLine:
    return BudgetLine(
        budget=name,
        labels=tuple((key.replace("_", "-") if key == "agent_type" else key, value) for key, value in labels.items()),
        every=Every.DAY,
        unit=unit,
        limit=limit,
        spent=spent,
        forecast=None if forecast is None else Forecast(forecast, forecast * 9 // 10, forecast * 11 // 10),
        resets_ms=MIDNIGHT + DAY,
        standing=Standing.READY,
    )


BUDGETS = (
    replace(
        budget("all-llm", usd("500"), usd("420.10"), forecast=usd("531.2")), every=Every.MONTH, resets_ms=NEXT_MONTH
    ),
    replace(
        budget("each-feature", usd("75"), usd("75.200000000001"), forecast=usd("107.9"), feature="summarization"),
        estimated=usd("3.5"),
    ),
    budget("each-feature", usd("20"), usd("12.8"), forecast=usd("18.4"), feature="search-assist"),
    replace(budget("each-feature", usd("20"), usd("0.00042"), feature="code-review"), standing=Standing.CATCHING_UP),
    budget("agents", 1000, 812, unit=Unit.REQUESTS, agent_type="planner", team="content"),
    budget("user-tokens", 2_000_000, 2_400_000, unit=Unit.TOKENS, forecast=3_300_000, user="user-4711"),
    budget("user-tokens", 2_000_000, 100, unit=Unit.TOKENS, user="ana@example.com"),
)

SPIKES = (
    SpikeLine(
        "twice-the-average",
        (("feature", "summarization"), ("team", "content")),
        Unit.USD,
        today=usd("21.60"),
        baseline=usd("9"),
        days=7,
        ratio=2.4,
        fires=True,
    ),
    SpikeLine("chatty-session", (("session", "s-1"),), Unit.USD, usd("9"), usd("1"), 7, 9.0, fires=True),
    SpikeLine("chatty-session", (("session", "s-2"),), Unit.USD, usd("1"), usd("1"), 7, 1.0),
)

CROSSED = Incident(
    id="01JDFQ0M3W8N9V2R",
    kind=Kind.BUDGET,
    rule="each-feature",
    key=("summarization",),
    labels=(("feature", "summarization"),),
    period="day:2026-11-24",
    period_start_ms=MIDNIGHT,
    period_end_ms=MIDNIGHT + DAY,
    timezone=BERLIN,
    episode=1,
    state=State.OPEN,
    severity=Severity.CRITICAL,
    level=Fraction(1),
    limit=usd("75"),
    unit=Unit.USD,
    measured=usd("75.200000000001"),
    opened_ms=NOW - 142 * MINUTE,
    changed_ms=NOW,
    crossings=(
        Crossing(Fraction(4, 5), Severity.WARNING, usd("75"), NOW - 142 * MINUTE, NOW - 141 * MINUTE),
        Crossing(Fraction(1), Severity.CRITICAL, usd("75"), NOW - 20_000, NOW),
    ),
    told=("finops",),
)
SPIKED = replace(
    CROSSED,
    id="01JDFQ0M3W8N9V2S",
    kind=Kind.SPIKE,
    rule="twice-the-average",
    key=("summarization", "content"),
    labels=(("feature", "summarization"), ("team", "content")),
    severity=Severity.WARNING,
    limit=usd("18"),
    measured=usd("21.6"),
    baseline=usd("9"),
    baseline_days=7,
    crossings=(),
)
UNREADABLE = replace(
    CROSSED,
    id="01JDFQ0M3W8N9V2T",
    kind=Kind.UNREADABLE,
    rule="unreadable",
    key=(FAILING.key,),
    labels=(("project", "labs"),),
    period=f"since:{NOW - 15 * MINUTE}",
    period_start_ms=NOW - 15 * MINUTE,
    period_end_ms=NOW - 15 * MINUTE,
    limit=0,
    measured=0,
    crossings=(),
    detail=FAILING.failure_text,
)
WATCHED = replace(
    CROSSED,
    id="01JDFQ0M3W8N9V2U",
    kind=Kind.UNPRICED,
    rule="unpriced",
    key=(FAILING.key,),
    labels=(("project", "labs"),),
    severity=Severity.WARNING,
    unit=Unit.REQUESTS,
    limit=100,
    measured=212,
    crossings=(),
    parts=(("my-ft-summarizer", 200), ("llama-4", 12)),
)
"""Found by one of the watches over a project's day."""

BUSY = Snapshot(
    now_ms=NOW,
    version=7,
    projects=(PROJECT, FAILING),
    totals=Totals(1_204_311, usd("8912.44"), 212),
    budgets=BUDGETS,
    spikes=SPIKES,
    loading=(),
    spend=(
        SpendLine(
            ("shop", "summarization", "content", "gpt-4o", "chat"),
            usd("75.200000000001"),
            usd("301.5"),
            usd("3.5"),
            usd("4.25"),
        ),
        SpendLine(("shop", "search-assist", "search", "gpt-4o-mini", "chat"), usd("12.8"), usd("91.02")),
        SpendLine(("labs", "unknown", "unknown", "text-embedding-3-small", "embedding"), 0, usd("0.000000000001")),
    ),
    open_incidents=(CROSSED, SPIKED, UNREADABLE),
    recent_incidents=(CROSSED, SPIKED, UNREADABLE),
    rule_last_match_ms={"all-llm": at("2026-11-24T15:30:00"), "each-feature": at("2026-11-24T15:30:00")},
    metric_labels=("feature", "team", "model", "operation"),
    counters=(
        CounterSeries(
            ("shop", "summarization", "content", "gpt-4o", "chat"),
            usd("301.500000000003"),
            usd("1.25"),
            41_203,
            (90_000_000, 6_000_000, 1200, 0, 7, 0, 0),
        ),
        CounterSeries(
            ("shop", "search-assist", "search", "gpt-4o-mini", "chat"), usd("91.02"), 0, 900, (1, 2, 0, 0, 0, 0, 0)
        ),
    ),
    durations=(DurationSeries("shop", "gpt-4o", "chat", (1, 0, 2, 30, 100, 40, 9, 3, 0, 0, 0, 0, 1), 612_345),),
    project_counters=(ProjectCounters("shop", 212, usd("3.5"), 0), ProjectCounters("labs", 0, 0, 4)),
    deliveries={("finops", "sent"): 31, ("finops", "pending"): 2, ("finops", "claimed"): 1, ("pager", "dead"): 1},
    stuck=(
        DeliveryRow(
            "d1", "pager", "dead", "notices", 212, NOW - 2 * DAY, None, None, "gone", "example.com answered 410"
        ),
        DeliveryRow(
            "d2", "finops", "pending", "notices", 3, NOW - 4 * MINUTE, NOW + 9_000, None, "timeout", "no answer"
        ),
    ),
)

QUIET = replace(
    BUSY,
    projects=(PROJECT,),
    budgets=BUDGETS[2:3],
    spikes=(),
    open_incidents=(),
    recent_incidents=(),
    deliveries={("finops", "sent"): 31},
    stuck=(),
)

DESTINATIONS = ("finops", "pager")

EFFECT = Effect(usd("20"), 0, usd("7.4"), Fraction(31, 10), Fraction(1), Fraction(13, 10))


def telemetry() -> Telemetry:
    """What a daemon has counted after a while."""
    counted = Telemetry(version="0.1.0", python="3.11.7")
    counted.expect("shop", ("rate_limited", "timeout"))
    counted.poll("shop", 0.42)
    counted.poll("shop", 1.0)
    counted.poll("labs", 45.000001, "server_error")
    counted.request("shop", "observations", "200")
    counted.request("shop", "observations", "200")
    counted.request("labs", "observations", "503")
    counted.notification("finops", Outcome.SENT)
    counted.notification("finops", Outcome.RETRY, "timeout")
    counted.notification("pager", Outcome.DEAD, "gone")
    counted.reload(True, NOW - 9 * DAY)
    return counted


def spending(wanted: Wanted | None = None, *, values: Sequence[str] = ("summarization", "search-assist")) -> Spending:
    """Spend of today by feature: each value costs a dollar less than the one before, at ten and at three o'clock."""
    asked_for = wanted or Wanted("feature", Span(MIDNIGHT, MIDNIGHT + DAY), Every.HOUR)
    hours = tuple(range(asked_for.span.from_ms, asked_for.span.to_ms + 1, HOUR))
    most = max(len(hours) - 2, 0)

    def series(value: str, pico: int) -> Series:
        buckets = [0] * (most + 1)
        for hour in (min(10, most), min(15, most)):
            buckets[hour] += pico // 2
        return Series(value, buckets, pico, 0, 40, 9000)

    found = [series(value, usd("75.20") - n * usd("1")) for n, value in enumerate(values)]
    rest = series("", 0)
    for one in found[MOST_VALUES:]:
        rest.add(one)
    return Spending(
        asked_for,
        hours,
        tuple(found[:MOST_VALUES]),
        rest,
        max(0, len(found) - MOST_VALUES),
        (Dear("shop", "t-1", NOW - HOUR, values[0], "nightly", 12, usd("1.92"), "https://langfuse.example.com/t-1"),),
        MIDNIGHT,
        Today(usd("88"), usd("120"), usd("110"), usd("131"), MIDNIGHT + DAY),
        {CROSSED.id: WHY},
    )


WHY = Explanation(
    Against.HOURS,
    7,
    MIDNIGHT,
    NOW,
    Unit.USD,
    usd("50.31"),
    usd("18.41"),
    None,
    (
        Driver(
            Part("feature", "summarization", usd("40"), usd("12.6"), EFFECT),
            (Part("model", "gpt-4o", usd("30"), 0, EFFECT, Was("gpt-4o-mini", NOW - 3 * HOUR)),),
        ),
    ),
    usd("4.5"),
)


class HeldClock:
    """Time that moves when a test says so."""

    def __init__(self, now_ms: int = NOW) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic(self) -> float:
        return self.at_ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.at_ms += round(seconds * 1000)


@dataclass(repr=False)
class Daemon:
    """Stands for the composition root: what the web asks of it, with a memory of how often it asked."""

    picture: Snapshot = BUSY
    rules: RuleSet = RULES
    destinations: Sequence[str] = DESTINATIONS
    telemetry: Telemetry = field(default_factory=telemetry)
    clock: HeldClock = field(default_factory=HeldClock)
    dead_loops: list[str] = field(default_factory=list)
    not_ready: list[str] = field(default_factory=list)
    trouble: Exception | None = None
    listen_is_loopback: bool = True
    read_token: str | None = None
    web_token: str | None = None
    pictures_taken: int = 0
    silences: list[Silence] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    actions: ActionsDesk | None = None
    stories: dict[str, Story] = field(default_factory=dict)
    spent: Breakdown | None = None
    dead: list[DeliveryRow] = field(default_factory=list)
    file_problems: tuple[Problem, ...] = ()
    reloads: int = 0
    answers: Callable[[Question], Explained | Overview] | None = None
    spend: Spending | None = None
    looked: list[Wanted] = field(default_factory=list)
    in_use: tuple[InUse, ...] = ()

    async def snapshot(self) -> Snapshot:
        if self.trouble is not None:
            raise self.trouble
        self.pictures_taken += 1
        return replace(self.picture, now_ms=self.clock.now_ms())

    async def version(self) -> int:
        if self.trouble is not None:
            raise self.trouble
        return self.picture.version

    async def readiness(self) -> Sequence[str]:
        return self.not_ready

    async def _listed(self, past: bool) -> list[Silence]:
        return [silence for silence in self.silences if past or silence.is_active(self.clock.now_ms())]

    async def _add(self, silence: Silence) -> None:
        self.silences.append(silence)

    async def _end(self, silence_id: str) -> Silence | None:
        for index, silence in enumerate(self.silences):
            if silence.id == silence_id:
                self.silences[index] = replace(silence, ended_ms=self.clock.now_ms())
                return self.silences[index]
        return None

    async def _acknowledge(self, incident_id: str, author: str) -> Incident | None:
        found = next((incident for incident in self.incidents if incident.id == incident_id), None)
        if found is None or found.state is not State.OPEN:
            return found
        return replace(found, acked_ms=self.clock.now_ms(), acked_by=author)

    async def _why(self, question: Question) -> Explained | Overview:
        assert self.answers is not None, "the test says what is answered"
        return self.answers(question)

    async def _incidents(self, open_only: bool) -> Sequence[Incident]:
        self._troubled()
        return self.picture.open_incidents if open_only else self.picture.recent_incidents

    async def _story(self, incident_id: str) -> Story | None:
        self._troubled()
        return self.stories.get(incident_id)

    async def _deliveries(self, states: Sequence[str]) -> Sequence[DeliveryRow]:
        self._troubled()
        return [row for row in (*self.picture.stuck, *self.dead) if row.state in states]

    async def _revive(self, delivery_id: str) -> DeliveryRow | None:
        self._troubled()
        found = next((row for row in self.dead if row.id == delivery_id), None)
        if found is None:
            return None
        self.dead.remove(found)
        return found._replace(state="pending", attempts=0, next_ms=self.clock.now_ms())

    async def _breakdown(self, asked: SpendQuestion) -> Breakdown:
        self._troubled()
        if self.spent is None:
            return Breakdown(asked.by, asked.span, [], Usage(), [], None)
        return self.spent

    async def _reload(self) -> Reloaded:
        self._troubled()
        self.reloads += 1
        return Reloaded(not self.file_problems, "r1", self.file_problems)

    def _troubled(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    async def _spending(self, wanted: Wanted) -> Spending:
        self.looked.append(wanted)
        if self.trouble is not None:
            raise self.trouble
        return spending(wanted) if self.spend is None else self.spend

    def state(self) -> WebState:
        return WebState(
            snapshot=self.snapshot,
            version=self.version,
            telemetry=self.telemetry,
            liveness=lambda: self.dead_loops,
            readiness=self.readiness,
            clock=self.clock,
            rules=lambda: self.rules,
            destinations=lambda: self.destinations,
            silences=SilenceDesk(self._listed, self._add, self._end),
            why=self._why,
            acknowledge=self._acknowledge,
            desk=ApiDesk(self._incidents, self._story, self._deliveries, self._revive, self._breakdown, self._reload),
            spending=self._spending,
            actions=self.actions,
            listen_is_loopback=self.listen_is_loopback,
            read_token=self.read_token,
            web_token=self.web_token,
            budget_in_use=lambda _project: self.in_use,
        )

    def app(self) -> ASGIApp:
        return make_app(self.state())


def asked(app: ASGIApp, *requests: httpx.Request) -> list[httpx.Response]:
    """The answers of the app, one after the other, in one loop."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as client:
            return [await client.send(request) for request in requests]

    return asyncio.run(ask())


def request(path: str, *, method: str = "GET", host: str = "127.0.0.1:9469", token: str | None = None) -> httpx.Request:
    headers = {"host": host} | ({"authorization": f"Bearer {token}"} if token is not None else {})
    return httpx.Request(method, f"http://127.0.0.1:9469{path}", headers=headers)


def get(
    daemon: Daemon, path: str, *, method: str = "GET", host: str = "127.0.0.1:9469", token: str | None = None
) -> httpx.Response:
    """One answer of a daemon's web."""
    return asked(daemon.app(), request(path, method=method, host=host, token=token))[0]


def within(seconds: float, work: Callable[[], Awaitable[T]]) -> T:
    """Run asynchronous work, which must end in time."""

    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            return await work()

    return asyncio.run(bounded())

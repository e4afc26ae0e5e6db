"""Samples of every kind of message: what `fusewatch notify-test` sends, and what templates are tried on.

Each is of the kind `sample` and only an info, so that no program takes it for news, and shows another kind.
"""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from fusewatch.domain.explanations import Against, Driver, Effect, Explanation, Part, Was
from fusewatch.domain.forecast import Basis, Forecast
from fusewatch.domain.money import PICO_PER_USD
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
    Reason,
    StartSummary,
    State,
    Why,
)
from fusewatch.domain.periods import Every
from fusewatch.domain.rules import Severity, Unit

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_CENT = PICO_PER_USD // 100
_RUNBOOK = "https://wiki.example.com/llm/content"
_FEATURES = ("summarization", "search-assist", "chat", "code-review", "translation", "tagging", "routing", "titles")
_MANY = 37
_LAST_DAY = (*range(8, 32, 2), 40, 60, 90, 110, 180, 240, 310, 420, 520, 610, 720, 871)
"""What each of the last 24 hours cost, in cents."""

KINDS = (
    "opened",
    "escalated",
    "spike",
    "forecast",
    "resolved",
    "watches",
    "many",
    "start",
    "unreadable",
    "readable",
    "summary",
    "digest",
)
"""The names of the samples, in the order in which an incident goes on."""


def shown_by(sample: Message) -> Message:
    """The message that a sample shows, as if it were none."""
    kind = sample.sample_of or MessageKind.NOTICES
    worst = max((notice.severity for notice in sample.notices), default=Severity.INFO)
    severity = Severity.CRITICAL if kind is MessageKind.UNREADABLE else worst
    return replace(sample, kind=kind, severity=severity, sample_of=None)


def samples(destination: str, now_ms: int, *, link: str = "") -> Mapping[str, Message]:
    """A message of each kind by its name, in the order of `KINDS`.

    Their ids change with every millisecond, so that no receiver drops them as repeats. `link` is that of our own page.
    """
    made = _Maker(destination, now_ms, link)
    made_of_each = {
        "opened": made.notices("opened", made.warned()),
        "escalated": made.notices("escalated", made.reached()),
        "spike": made.notices("spike", made.spike()),
        "forecast": made.notices("forecast", made.forecast()),
        "resolved": made.notices("resolved", made.resolved()),
        "watches": made.notices("watches", *made.watches()),
        "many": made.notices("many", *(made.feature(n) for n in range(_MANY))),
        "start": made.start(),
        "unreadable": made.unreadable(),
        "readable": made.readable(),
        "summary": made.summary(),
        "digest": made.digest(),
    }
    assert tuple(made_of_each) == KINDS, "each kind has its sample"
    return made_of_each


class _Maker:
    """Makes messages for one destination at one time; the day began eight hours ago."""

    def __init__(self, destination: str, now_ms: int, link: str) -> None:
        self.destination = destination
        self.now_ms = now_ms
        self.link = link
        self.start_ms = now_ms - 8 * _HOUR_MS - 42 * _MINUTE_MS

    # ------------------------------------------------------------ messages

    def message(self, name: str, shows: MessageKind, *notices: Notice) -> Message:
        return Message(
            id=f"sample-{name}-{self.now_ms}",
            destination=self.destination,
            kind=MessageKind.SAMPLE,
            severity=Severity.INFO,
            created_ms=self.now_ms,
            notices=notices,
            link=self.link,
            sample_of=shows,
        )

    def notices(self, name: str, *notices: Notice) -> Message:
        return self.message(name, MessageKind.NOTICES, *notices)

    def start(self) -> Message:
        summary = StartSummary(("shop",), 35 * _DAY_MS, 1_204_311, 891_243 * _CENT)
        return replace(self.message("start", MessageKind.START, self.reached(), self.warned()), start=summary)

    def unreadable(self) -> Message:
        near = (("each-feature", "feature=search-assist", 91), ("content-team", "", 84))
        gap = Gap("shop", self.now_ms - 16 * _MINUTE_MS, None, "Langfuse answers 503", near=near)
        return replace(self.message("unreadable", MessageKind.UNREADABLE), gap=gap)

    def readable(self) -> Message:
        gap = Gap(
            "shop",
            self.now_ms - 6 * _HOUR_MS - 7 * _MINUTE_MS,
            self.now_ms - _MINUTE_MS,
            "Langfuse answered 503",
            1420 * _CENT,
        )
        return replace(self.message("readable", MessageKind.READABLE, self.warned()), gap=gap)

    def summary(self) -> Message:
        hold = Hold(Why.QUIET_HOURS, self.start_ms - 2 * _HOUR_MS, self.start_ms + 7 * _HOUR_MS)
        return replace(self.message("summary", MessageKind.SUMMARY, self.reached(), self.calmed()), hold=hold)

    def digest(self) -> Message:
        facts = DigestFacts(
            every=Every.DAY,
            start_ms=self.start_ms - _DAY_MS,
            end_ms=self.start_ms,
            before_ms=self.start_ms - 2 * _DAY_MS,
            timezone="UTC",
            cost_pico=18_240 * _CENT,
            requests=41_203,
            tokens=96_000_000,
            before_pico=17_110 * _CENT,
            up=(Mover("feature", "summarization", 4280 * _CENT, 3000 * _CENT),),
            down=(Mover("feature", "code-review", 120 * _CENT, 530 * _CENT),),
            near=(Near("each-feature", (("feature", "search-assist"),), "day", Unit.USD, 1820 * _CENT, 2000 * _CENT),),
            near_count=1,
            open_incidents=(("critical", 1),),
            unpriced=(("my-ft-summarizer", 212),),
            unattributed=(("team", 548 * _CENT),),
        )
        return replace(self.message("digest", MessageKind.DIGEST), digest=facts)

    # ------------------------------------------------------------ notices

    def incident(self, rule: str, measured: int, limit: int, **labels: str) -> Incident:
        """A budget of a day that crossed 80 % two hours ago, amounts in cents."""
        warned_ms = self.now_ms - 2 * _HOUR_MS
        return Incident(
            id=f"sample-{rule}",
            kind=Kind.BUDGET,
            rule=rule,
            key=tuple(labels.values()),
            labels=tuple(labels.items()),
            period="day:sample",
            period_start_ms=self.start_ms,
            period_end_ms=self.start_ms + _DAY_MS,
            timezone="UTC",
            episode=1,
            state=State.OPEN,
            severity=Severity.WARNING,
            level=Fraction(4, 5),
            limit=limit * _CENT,
            unit=Unit.USD,
            measured=measured * _CENT,
            opened_ms=warned_ms,
            changed_ms=self.now_ms,
            crossings=(Crossing(Fraction(4, 5), Severity.WARNING, limit * _CENT, warned_ms, warned_ms),),
        )

    def notice(self, incident: Incident, reason: Reason, threshold: Fraction) -> Notice:
        return Notice(
            incident=incident,
            reason=reason,
            severity=incident.severity,
            threshold=threshold,
            at_ms=self.now_ms,
            as_of_ms=self.now_ms - 12_000,
        )

    def warned(self) -> Notice:
        return self.notice(
            self.incident("each-feature", 7240, 9000, feature="search-assist"), Reason.OPENED, Fraction(4, 5)
        )

    def reached(self) -> Notice:
        incident = self._over(self.incident("content-team", 5031, 5000), Fraction(1), 1)
        forecast = Forecast(7480 * _CENT, 7120 * _CENT, 7910 * _CENT, None, Basis.SHAPE, 28)
        notice = self.notice(incident, Reason.ESCALATED, Fraction(1))
        notice = replace(notice, labels=(("owner", "content"),), runbook=_RUNBOOK, forecast=forecast)
        return replace(notice, why=self._drove(), hours=tuple(cents * _CENT for cents in _LAST_DAY))

    def _drove(self) -> Explanation:
        """What drove it: one model took another's place, and one user had most of it."""
        requests = Effect(2660 * _CENT, 10 * _CENT, 70 * _CENT, Fraction(31, 10), Fraction(1), Fraction(21, 20))
        replaced = Was("gpt-4o-mini", self.now_ms - 217 * _MINUTE_MS)
        model = Part("model", "gpt-4o", 2410 * _CENT, 0, Effect(2410 * _CENT, 0, 0), was=replaced)
        user = Part("user", "user-4711", 3119 * _CENT, 1139 * _CENT, Effect(1980 * _CENT, 0, 0))
        feature = Part("feature", "summarization", 4047 * _CENT, 1307 * _CENT, requests)
        return Explanation(
            against=Against.HOURS,
            count=7,
            from_ms=self.now_ms - 17 * _HOUR_MS,
            to_ms=self.now_ms,
            unit=Unit.USD,
            amount=5031 * _CENT,
            baseline=1841 * _CENT,
            effect=None,
            drivers=(Driver(feature, (model, user)),),
            rest=450 * _CENT,
        )

    def _over(self, incident: Incident, share: Fraction, minutes_ago: int) -> Incident:
        """The same after a further crossing, which is critical."""
        at_ms = self.now_ms - minutes_ago * _MINUTE_MS
        crossing = Crossing(share, Severity.CRITICAL, incident.limit, at_ms, self.now_ms)
        crossings = (*incident.crossings, crossing)
        return replace(incident, severity=Severity.CRITICAL, level=share, crossings=crossings)

    def feature(self, number: int) -> Notice:
        name = _FEATURES[number] if number < len(_FEATURES) else f"feature-{number + 1:02d}"
        limit = 2000
        measured = limit + 40 + 9000 // (number + 3)
        incident = self.incident("each-feature", measured, limit, feature=name)
        share = Fraction(2 if measured >= 2 * limit else 1)
        return self.notice(self._over(incident, share, number + 1), Reason.OPENED, share)

    def spike(self) -> Notice:
        line = 1810 * _CENT
        incident = replace(
            self.incident("twice-the-average", 2160, 1810, feature="summarization", team="content"),
            kind=Kind.SPIKE,
            level=Fraction(1),
            baseline=905 * _CENT,
            baseline_days=7,
            opened_ms=self.now_ms,
            crossings=(Crossing(Fraction(1), Severity.WARNING, line, self.now_ms - 217 * _MINUTE_MS, self.now_ms),),
        )
        return self.notice(incident, Reason.OPENED, Fraction(1))

    def forecast(self) -> Notice:
        crosses_ms = self.now_ms + 3 * _HOUR_MS
        expected = Forecast(7480 * _CENT, 7120 * _CENT, 7910 * _CENT, crosses_ms, Basis.SHAPE, 28)
        incident = replace(
            self.incident("content-team", 3120, 5000),
            kind=Kind.FORECAST,
            period="forecast:day:sample",
            level=Fraction(1),
            opened_ms=self.now_ms,
            crossings=(),
            forecast=expected,
        )
        return replace(self.notice(incident, Reason.OPENED, Fraction(1)), forecast=expected)

    def resolved(self) -> Notice:
        over = self._over(self.incident("content-team", 4310, 5000), Fraction(1), 90)
        notice = self.notice(replace(over, state=State.RESOLVED), Reason.RESOLVED, Fraction(1))
        return replace(notice, cause=Cause.CORRECTED, previous=5031 * _CENT)

    def calmed(self) -> Notice:
        warned = self.warned()
        incident = replace(warned.incident, state=State.RESOLVED, measured=6810 * _CENT)
        previous = warned.incident.measured
        return replace(warned, incident=incident, reason=Reason.RESOLVED, cause=Cause.CORRECTED, previous=previous)

    def watches(self) -> tuple[Notice, ...]:
        unpriced = replace(
            self.incident("unpriced", 0, 0, project="shop"),
            kind=Kind.UNPRICED,
            level=Fraction(1),
            limit=100,
            unit=Unit.REQUESTS,
            measured=212,
            crossings=(),
            parts=(("my-ft-summarizer", 212),),
        )
        drift = replace(self.incident("drift", -320, 100, project="shop"), kind=Kind.DRIFT, crossings=())
        return tuple(self.notice(incident, Reason.OPENED, Fraction(1)) for incident in (unpriced, drift))

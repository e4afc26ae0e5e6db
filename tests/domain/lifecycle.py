"""One key of one rule, watched over one period: remembers what the assess pass remembers, and what it would tell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from fusewatch.domain.incidents import (
    Standing,
    Step,
    Subject,
    advance,
    lift,
    roll_over,
    timing_of,
    with_crossings,
    withdraw,
)
from fusewatch.domain.notices import Cause, Crossing, Incident, Kind, Reason, State, Timing
from fusewatch.domain.periods import Calendar, Every, Period, period_at
from fusewatch.domain.rules import (
    Baseline,
    Budget,
    Limit,
    Override,
    Severity,
    Spike,
    Threshold,
    Unit,
)
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import Verdict, judge_budget, judge_spike
from tests.domain.zones import HOUR_MS, ms

DOLLAR = 10**12
MORNING_MS = ms("2026-11-22T08:00")
TODAY = period_at(Calendar(), Every.DAY, MORNING_MS)


def pico(dollars: float | str) -> int:
    """Whole picodollars of an amount as people write it."""
    return int(Fraction(str(dollars)) * DOLLAR)


def budget(dollars: float = 50, *thresholds: Threshold) -> Budget:
    declared = Budget("cap", Limit(Unit.USD, pico(dollars)), Every.DAY)
    return replace(declared, thresholds=thresholds) if thresholds else declared


def threshold(percent: int, severity: Severity, *notify: str) -> Threshold:
    return Threshold(Fraction(percent, 100), severity, notify or None)


def spike(factor: float = 2, floor: float = 5, at_least: int = 3) -> Spike:
    return Spike("sudden", Fraction(str(factor)), pico(floor), baseline=Baseline(at_least=at_least))


@dataclass
class Watched:
    """`rule` may be replaced at any time; `told` are the steps with something to tell, in their order."""

    rule: Budget | Spike
    period: Period = TODAY
    now_ms: int = MORNING_MS
    spent: Amounts = field(default_factory=Amounts)
    days: Sequence[int] = ()
    standing: Standing = Standing.READY
    first: bool = False
    memory: Incident | None = None
    told: list[Step] = field(default_factory=list)
    held: bool = False

    def verdict(self) -> Verdict | None:
        at_ms = min(self.now_ms, self.period.end_ms - 1)
        if isinstance(self.rule, Budget):
            return judge_budget(self.rule, {}, self.spent, at_ms)
        return judge_spike(self.rule, self.spent.cost_pico, self.days)

    def judge(self) -> Step | None:
        """One pass: judge, keep, and roll over what has ended."""
        verdict = self.verdict()
        step = None
        if verdict is not None:
            step = advance(
                Subject(
                    kind=Kind.BUDGET if isinstance(self.rule, Budget) else Kind.SPIKE,
                    rule=self.rule.name,
                    key=(),
                    labels=(),
                    period=self.period,
                    timezone="UTC",
                ),
                verdict,
                self.memory,
                now_ms=self.now_ms,
                standing=self.standing,
                timing=timing_of(self.period, self.now_ms, first=self.first),
            )
            self.held = step.held
            self._keep(step, verdict)
        elif self.memory is not None and self.memory.state is State.OPEN and isinstance(self.rule, Budget):
            step = lift(self.memory, self.now_ms)
            self._keep(step, None)
        if self.memory is not None and self.memory.state is State.OPEN and self.now_ms >= self.memory.period_end_ms:
            self._keep(roll_over(self.memory, self.now_ms), None)
        return step

    def take_away(self) -> None:
        """The rule is gone from the budget file."""
        if self.memory is not None and self.memory.state is State.OPEN:
            self._keep(withdraw(self.memory, self.now_ms), None)

    def _keep(self, step: Step, verdict: Verdict | None) -> None:
        incident = step.incident
        if incident is not None and verdict is not None and step.threshold is not None:
            found = tuple(
                Crossing(t.share, t.severity, incident.limit, self.now_ms, self.now_ms)
                for t in verdict.passed
                if t.share <= step.threshold.share
            )
            incident = with_crossings(incident, found)
            step = replace(step, incident=incident)
        self.memory = incident
        if step.reason in (Reason.OPENED, Reason.ESCALATED, Reason.RESOLVED):
            self.told.append(step)

    @property
    def words(self) -> list[str]:
        """What was told, as short sentences: ``opened 80% warning``."""
        return [_words(step) for step in self.told]

    @property
    def state(self) -> str:
        return "none" if self.memory is None else self.memory.state.value


def _words(step: Step) -> str:
    incident = step.incident
    assert incident is not None
    assert step.reason is not None
    words = [step.reason.value]
    if step.threshold is not None:
        words += [f"{int(step.threshold.share * 100)}%", step.threshold.severity.word]
    if step.cause is not Cause.NONE:
        words.append(step.cause.value)
    if step.reason is not Reason.RESOLVED and incident.timing is not Timing.LIVE:
        words.append(incident.timing.value)
    if incident.episode > 1:
        words.append(f"episode {incident.episode}")
    return " ".join(words)


Act = Callable[[Watched], None]
"""Something that happens, and the pass after it."""


def after(watched: Watched, acts: Sequence[Act]) -> Watched:
    for act in acts:
        act(watched)
    return watched


def spent(dollars: float | str) -> Act:
    """The period's sum is this now."""

    def act(watched: Watched) -> None:
        watched.spent = Amounts(pico(dollars), 1000, 10)
        watched.judge()

    return act


def limit(dollars: float) -> Act:
    """The budget file says another limit now."""

    def act(watched: Watched) -> None:
        assert isinstance(watched.rule, Budget)
        watched.rule = replace(watched.rule, limit=Limit(Unit.USD, pico(dollars)), overrides=())
        watched.judge()

    return act


def tokens(amount: int) -> Act:
    """The budget file counts tokens now; 1000 were used."""

    def act(watched: Watched) -> None:
        assert isinstance(watched.rule, Budget)
        watched.rule = replace(watched.rule, limit=Limit(Unit.TOKENS, amount))
        watched.judge()

    return act


def no_limit(watched: Watched) -> None:
    """An override says ``limit: none`` now."""
    assert isinstance(watched.rule, Budget)
    watched.rule = replace(watched.rule, overrides=(Override((), None),))
    watched.judge()


def same_limit_again(watched: Watched) -> None:
    """The override is gone."""
    assert isinstance(watched.rule, Budget)
    watched.rule = replace(watched.rule, overrides=())
    watched.judge()


def thresholds(*declared: Threshold) -> Act:
    def act(watched: Watched) -> None:
        assert isinstance(watched.rule, Budget)
        watched.rule = replace(watched.rule, thresholds=declared)
        watched.judge()

    return act


def after_end(hours: float) -> Act:
    """It is so many hours after the period's end."""

    def act(watched: Watched) -> None:
        watched.now_ms = watched.period.end_ms + int(hours * HOUR_MS)
        watched.judge()

    return act


def clock_back(watched: Watched) -> None:
    """The clock is set back into the period."""
    watched.now_ms = MORNING_MS
    watched.judge()


def a_gap(watched: Watched) -> None:
    """Part of the period is unread."""
    watched.standing = Standing.CATCHING_UP
    watched.judge()


def all_read(watched: Watched) -> None:
    watched.standing = Standing.READY
    watched.first = False
    watched.judge()


def at_start(watched: Watched) -> None:
    """The rule was never judged before: the next act is its first judgement."""
    watched.first = True


def rule_gone(watched: Watched) -> None:
    watched.take_away()


def rule_back(watched: Watched) -> None:
    watched.judge()


def polled(watched: Watched) -> None:
    """A pass without news."""
    watched.now_ms += 60_000
    watched.judge()


def baseline(*dollars: float) -> Act:
    """The complete days before today cost this."""

    def act(watched: Watched) -> None:
        watched.days = [pico(amount) for amount in dollars]
        watched.judge()

    return act

"""Whatever happens to a budget in whatever order, its incident keeps these promises."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fusewatch.domain.incidents import Standing
from fusewatch.domain.notices import Reason, State, Timing
from fusewatch.domain.rules import DEFAULT_THRESHOLDS, Budget, Limit, Override, Severity, Threshold, Unit
from fusewatch.domain.usage import Amounts
from tests.domain.lifecycle import MORNING_MS, TODAY, Watched, budget
from tests.domain.zones import HOUR_MS

LADDERS = (
    DEFAULT_THRESHOLDS,
    (Threshold(Fraction(1, 2), Severity.INFO),),
    (Threshold(Fraction(1), Severity.CRITICAL), Threshold(Fraction(6, 5), Severity.WARNING)),
    (Threshold(Fraction(1, 2), Severity.WARNING), Threshold(Fraction(4, 5), Severity.WARNING)),
    (Threshold(Fraction(3, 4), Severity.CRITICAL), Threshold(Fraction(2), Severity.INFO)),
)
AMOUNTS = st.integers(-20, 260)
LIMITS = st.sampled_from((0, 40, 45, 50, 55, 60, 100))


class BudgetLife(RuleBasedStateMachine):
    """Small whole amounts, so that lines are met exactly and often."""

    @initialize(ladder=st.sampled_from(LADDERS), limit=LIMITS, standing=st.sampled_from(Standing))
    def start(self, ladder: tuple[Threshold, ...], limit: int, standing: Standing) -> None:
        declared = replace(budget(50), thresholds=ladder, limit=Limit(Unit.USD, limit))
        standing = Standing.READY if standing is Standing.LOADING else standing
        self.watched = Watched(declared, standing=standing)
        self.announced: set[tuple[Fraction, int, int]] = set()
        self.worst: dict[int, Severity] = {}
        self.opened: set[int] = set()
        self.resolved: set[int] = set()

    @property
    def budget(self) -> Budget:
        assert isinstance(self.watched.rule, Budget)
        return self.watched.rule

    def judge(self) -> None:
        before = len(self.watched.told)
        known = self.watched.memory
        self.watched.judge()
        told = self.watched.told[before:]
        assert len(told) <= 1, "one pass tells at most one thing of one key"
        for step in told:
            incident = step.incident
            assert incident is not None
            if step.reason is Reason.RESOLVED:
                self._resolved(incident.episode)
                continue
            assert step.threshold is not None
            notice = (step.threshold.share, incident.limit, incident.episode)
            assert notice not in self.announced, f"{notice} was announced before"
            self.announced.add(notice)
            line = max(incident.limit * step.threshold.share, Fraction(1))
            assert self.watched.spent.cost_pico >= line, "what is announced was passed at that moment"
            assert step.crossed[-1].share == step.threshold.share
            assert all(incident.limit * t.share <= self.watched.spent.cost_pico for t in step.crossed)
            if self.watched.standing is Standing.CATCHING_UP:
                assert step.threshold.share >= 1, "while catching up only 100 % and more are announced"
            assert (incident.timing is Timing.LIVE) == (self.watched.now_ms < TODAY.end_ms)
            self._opened(step.reason, incident.episode, step.threshold.severity, known is None)

    def _opened(self, reason: Reason | None, episode: int, severity: Severity, fresh: bool) -> None:
        if reason is Reason.OPENED:
            assert episode not in self.opened
            assert fresh == (episode == 1)
            assert episode == 1 or episode - 1 in self.resolved, "only what was resolved can begin anew"
            self.opened.add(episode)
        assert episode in self.opened
        assert episode not in self.resolved
        self.worst[episode] = max(severity, self.worst.get(episode, severity))

    def _resolved(self, episode: int) -> None:
        assert episode in self.opened, "resolved follows an opening"
        assert episode not in self.resolved, "and is told once"
        assert self.watched.now_ms < TODAY.end_ms, "an ended period never resolves"
        assert self.watched.standing is Standing.READY or self.budget.overrides, "a partial sum resolves nothing"
        self.resolved.add(episode)

    @rule(amount=AMOUNTS)
    def the_sum_changes(self, amount: int) -> None:
        self.watched.spent = Amounts(amount, 0, 0)
        self.judge()

    @rule(by=st.integers(0, 40))
    def spend_grows(self, by: int) -> None:
        self.watched.spent = self.watched.spent.plus(Amounts(by, 0, 0))
        told = len(self.watched.told)
        self.judge()
        assert all(step.reason is not Reason.RESOLVED for step in self.watched.told[told:]), "growth never resolves"

    @rule(amount=LIMITS)
    def the_limit_changes(self, amount: int) -> None:
        self.watched.rule = replace(self.budget, limit=Limit(Unit.USD, amount), overrides=())
        self.judge()

    @rule()
    def the_limit_is_lifted(self) -> None:
        self.watched.rule = replace(self.budget, overrides=(Override((), None),))
        self.judge()

    @rule()
    def a_part_is_unread(self) -> None:
        self.watched.standing = Standing.CATCHING_UP
        self.judge()

    @rule()
    def all_is_read(self) -> None:
        self.watched.standing = Standing.READY
        self.judge()

    @rule()
    def the_rule_goes_away(self) -> None:
        self.watched.take_away()
        self.worst.clear()  # coming back, it may be milder than it was

    @rule(hours=st.integers(0, 30))
    def time_passes(self, hours: int) -> None:
        self.watched.now_ms += hours * HOUR_MS
        self.judge()

    @precondition(lambda self: self.watched.now_ms > MORNING_MS)
    @rule()
    def the_clock_is_set_back(self) -> None:
        self.watched.now_ms = MORNING_MS
        self.judge()

    @rule()
    def nothing_happens(self) -> None:
        """A pass on the same facts has nothing to tell and nothing to store."""
        self.watched.judge()
        told, memory = len(self.watched.told), self.watched.memory
        self.watched.judge()
        assert len(self.watched.told) == told
        assert self.watched.memory == memory

    @invariant()
    def an_incident_is_open_only_while_its_period_runs(self) -> None:
        memory = self.watched.memory
        if memory is not None and memory.state is State.OPEN:
            assert self.watched.now_ms < memory.period_end_ms
            assert memory.level > 0
            assert memory.episode not in self.resolved

    @invariant()
    def an_open_incident_is_as_severe_as_the_worst_it_announced(self) -> None:
        memory = self.watched.memory
        if memory is not None and memory.state is State.OPEN:
            assert memory.severity >= self.worst.get(memory.episode, Severity.INFO)

    @invariant()
    def episodes_follow_each_other(self) -> None:
        memory = self.watched.memory
        assert self.opened == (set() if memory is None else set(range(1, memory.episode + 1)))
        assert self.resolved <= self.opened


TestBudgetLife = BudgetLife.TestCase
TestBudgetLife.settings = settings(
    max_examples=300, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@given(
    amounts=st.lists(st.integers(0, 30), min_size=1, max_size=40),
    ladder=st.sampled_from(LADDERS),
    limit=st.integers(0, 60),
    poll=st.integers(1, 10),
)
@settings(deadline=None)
def test_growing_spend_tells_each_threshold_at_most_once_and_ends_where_one_look_would(
    amounts: list[int], ladder: tuple[Threshold, ...], limit: int, poll: int
) -> None:
    declared = replace(budget(50), thresholds=ladder, limit=Limit(Unit.USD, limit))
    slow, once = Watched(declared), Watched(declared)
    total = 0
    for number, amount in enumerate(amounts, 1):
        total += amount
        if number % poll == 0 or number == len(amounts):
            slow.spent = Amounts(total)
            slow.judge()
    once.spent = Amounts(total)
    once.judge()
    shares = [step.threshold.share for step in slow.told if step.threshold is not None]
    assert shares == sorted(set(shares))
    assert (slow.memory and slow.memory.level) == (once.memory and once.memory.level)
    assert len(once.told) <= 1
    crossed = [t for step in slow.told for t in step.crossed]
    assert crossed == [t for step in once.told for t in step.crossed], "looking seldom loses no threshold"

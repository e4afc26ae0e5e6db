"""How the incident of a rolling window lives: $50 in the last hour, or twice the usual hour, told in episodes."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.episodes import advance_episode, look_again_ms
from fusewatch.domain.incidents import Step, Subject, lift, timing_of
from fusewatch.domain.notices import Kind, Reason, State
from fusewatch.domain.periods import CELL_MS, Calendar, Last, period_at
from fusewatch.domain.rules import Budget, Limit, Severity, Unit
from fusewatch.domain.usage import Amounts
from tests.domain.lifecycle import (
    MORNING_MS,
    Act,
    Watched,
    a_gap,
    after,
    all_read,
    at_start,
    baseline,
    budget,
    limit,
    no_limit,
    rule_back,
    rule_gone,
    same_limit_again,
    spent,
    spike,
    threshold,
    tokens,
)
from tests.domain.zones import HOUR_MS, MINUTE_MS

HOUR = Last(HOUR_MS)
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


@dataclass
class Rolling(Watched):
    """The same key, judged over the window that ends now."""

    window: Last = HOUR

    def judge(self) -> Step | None:
        self.period = period_at(Calendar(), self.window, self.now_ms)
        verdict = self.verdict()
        if verdict is None:
            if self.memory is None or self.memory.state is not State.OPEN or not isinstance(self.rule, Budget):
                return None
            here = replace(self.memory, period_start_ms=self.period.start_ms, period_end_ms=self.period.end_ms)
            step = lift(here, self.now_ms)
            self._keep(step, None)
            return step
        kind = Kind.BUDGET if isinstance(self.rule, Budget) else Kind.SPIKE
        step = advance_episode(
            Subject(kind, self.rule.name, (), (), self.period, "UTC"),
            verdict,
            self.memory,
            now_ms=self.now_ms,
            standing=self.standing,
            timing=timing_of(self.period, self.now_ms, first=self.first),
        )
        self.held = step.held
        self._keep(step, verdict)
        return step


def wait(minutes: int) -> Act:
    """A pass every five minutes, in which the sum stays what it is."""

    def act(watched: Watched) -> None:
        end_ms = watched.now_ms + minutes * MINUTE_MS
        while watched.now_ms < end_ms:
            watched.now_ms += 5 * MINUTE_MS
            watched.judge()

    return act


def away(minutes: int) -> Act:
    """Nothing judges for so long."""

    def act(watched: Watched) -> None:
        watched.now_ms += minutes * MINUTE_MS

    return act


ONE = budget(50, threshold(100, CRITICAL))
TWO = budget(50, threshold(80, WARNING), threshold(100, CRITICAL))
OPENED = "opened 100% critical"
CALM = "resolved subsided"

BUDGETS = [
    pytest.param(ONE, [spent(49.99)], [], "none", id="below its line nothing is told"),
    pytest.param(ONE, [spent(50)], [OPENED], "open", id="at its line an episode opens"),
    pytest.param(ONE, [spent(50), wait(1440)], [OPENED], "open", id="an episode lasts as long as the sum stays"),
    pytest.param(ONE, [spent(50), spent(45), wait(600)], [OPENED], "open", id="at 90 % of its line it is not calm"),
    pytest.param(ONE, [spent(50), spent(44.99), wait(55)], [OPENED], "open", id="calm for less than a window it lasts"),
    pytest.param(
        ONE, [spent(50), spent(44.99), wait(60)], [OPENED, CALM], "resolved", id="calm for one window it is closed"
    ),
    pytest.param(
        ONE,
        [spent(50), spent(10), wait(50), spent(46), wait(5), spent(10), wait(55)],
        [OPENED],
        "open",
        id="what comes back to 90 % starts the wait anew",
    ),
    pytest.param(
        ONE, [spent(50), spent(10), wait(50), spent(50), spent(10), wait(50), spent(60)], [OPENED], "open",
        id="within an episode a line is told once however often it is crossed",
    ),
    pytest.param(
        ONE, [spent(50), spent(0), wait(60), spent(50)], [OPENED, CALM, f"{OPENED} episode 2"], "open",
        id="after a calm window the next crossing is a new episode",
    ),
    pytest.param(
        ONE, [spent(50), spent(0), wait(60), spent(40), wait(600)], [OPENED, CALM], "resolved",
        id="a closed episode stays closed below its line",
    ),
    pytest.param(
        TWO, [spent(41), spent(50), spent(120)],
        ["opened 80% warning", "escalated 100% critical", "escalated 200% critical"], "open",
        id="higher thresholds and doublings escalate the episode",
    ),
    pytest.param(
        TWO, [spent(50), spent(41), wait(300)], [OPENED], "open",
        id="the line is the lowest threshold of the episode, not the highest",
    ),
    pytest.param(
        TWO, [spent(50), spent(40), wait(300), spent(50)], [OPENED], "open",
        id="below the highest threshold and back is no news",
    ),
    pytest.param(
        TWO, [spent(50), spent(35), wait(60)], [OPENED, CALM], "resolved",
        id="below 90 % of the lowest threshold for a window closes it",
    ),
    pytest.param(
        ONE, [spent(220), spent(60), spent(110), spent(230)], ["opened 400% critical"], "open",
        id="a doubling that fell back is not told again",
    ),
    pytest.param(
        ONE, [spent(60), limit(100), wait(120)], [OPENED, "resolved limit_raised"], "resolved",
        id="a limit raised above the sum resolves at once",
    ),
    pytest.param(
        TWO, [spent(60), limit(70), spent(70)],
        [OPENED, "resolved limit_raised", "opened 100% critical episode 2"], "open",
        id="a raised limit arms what lies above the present share",
    ),
    pytest.param(
        TWO, [spent(60), limit(70), spent(40), wait(5), spent(60)], [OPENED, "resolved limit_raised"], "resolved",
        id="and not what lies below it until it is calm",
    ),
    pytest.param(
        TWO, [spent(60), limit(70), spent(40), wait(60), spent(60)],
        [OPENED, "resolved limit_raised", "opened 80% warning episode 2"], "open",
        id="but after a calm window that is armed again too",
    ),
    pytest.param(
        ONE, [spent(120), limit(55), spent(130)], ["opened 200% critical"], "open",
        id="a limit raised below the sum says nothing",
    ),
    pytest.param(
        TWO, [spent(41), limit(40)], ["opened 80% warning", "escalated 100% critical"], "open",
        id="a lowered limit announces the highest that it newly crosses",
    ),
    pytest.param(
        TWO, [spent(60), spent(30), limit(29)], [OPENED, OPENED.replace("opened", "escalated")], "open",
        id="also where the sum had fallen meanwhile",
    ),
    pytest.param(
        TWO, [spent(60), spent(30), limit(45), spent(46)], [OPENED], "open",
        id="a lowered limit that crosses nothing leaves announced what was",
    ),
    pytest.param(ONE, [spent(60), no_limit], [OPENED, "resolved limit_raised"], "resolved", id="none lifts the limit"),
    pytest.param(
        ONE, [spent(60), no_limit, same_limit_again], [OPENED, "resolved limit_raised", f"{OPENED} episode 2"], "open",
        id="a limit that comes back after it was lifted is crossed anew",
    ),
    pytest.param(
        ONE, [spent(60), tokens(400)], [OPENED, "escalated 200% critical"], "open",
        id="another unit is judged by its own line",
    ),
    pytest.param(
        ONE, [spent(60), tokens(5000), wait(120), tokens(900)], [OPENED, "opened 100% critical episode 2"], "open",
        id="where it is below that, the episode ends silently",
    ),
    pytest.param(ONE, [spent(60), rule_gone, rule_back], [OPENED], "open", id="a rule that comes back goes on"),
    pytest.param(
        ONE, [spent(60), rule_gone, away(120), rule_back], [OPENED, f"{OPENED} episode 2"], "open",
        id="a rule that was away for longer than its window starts anew",
    ),
    pytest.param(
        ONE, [spent(60), rule_gone, spent(10), wait(120), spent(60)], [OPENED, f"{OPENED} episode 2"], "open",
        id="a rule that came back below its line is armed after a window",
    ),
    pytest.param(
        ONE, [at_start, spent(60)], ["opened 100% critical at_start"], "open", id="what was over at first is marked"
    ),
    pytest.param(TWO, [a_gap, spent(41)], [], "none", id="while catching up less than 100 % waits"),
    pytest.param(TWO, [a_gap, spent(41), all_read], ["opened 80% warning"], "open", id="and is told after it"),
    pytest.param(TWO, [a_gap, spent(50)], [OPENED], "open", id="while catching up 100 % is told"),
    pytest.param(ONE, [spent(60), a_gap, spent(1), wait(300)], [OPENED], "open", id="a partial sum calms nothing"),
    pytest.param(
        ONE, [spent(60), a_gap, spent(1), wait(300), all_read, wait(60)], [OPENED, CALM], "resolved",
        id="calm counts from when all is read",
    ),
    pytest.param(
        ONE, [spent(60), spent(1), wait(30), a_gap, wait(60), all_read, wait(55)], [OPENED], "open",
        id="a gap interrupts the calm",
    ),
    pytest.param(
        ONE, [spent(60), away(600), spent(1), wait(55)], [OPENED], "open",
        id="time in which nothing judged counts for no calm",
    ),
    pytest.param(budget(0), [spent(1)], [OPENED], "open", id="a limit of nothing is crossed by the first spend"),
    pytest.param(
        budget(0), [spent(1), spent(0), wait(60)], [OPENED, CALM], "resolved", id="and calm when nothing is left"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "acts", "told", "state"), BUDGETS)
def test_the_episode_of_a_budget_lives_like_this(rule: Budget, acts: list[Act], told: list[str], state: str) -> None:
    watched = after(Rolling(rule), acts)
    assert (watched.words, watched.state) == (told, state)


USUAL = baseline(10, 10, 10)
SPIKED = "opened 100% warning"

SPIKES = [
    pytest.param([USUAL, spent(20)], [], "none", id="exactly factor times the usual is no spike"),
    pytest.param([USUAL, spent(21)], [SPIKED], "open", id="above it it is"),
    pytest.param([baseline(10, 10), spent(99)], [], "none", id="fewer windows than at_least give no verdict"),
    pytest.param(
        [USUAL, spent(21), spent(41)], [SPIKED, "escalated 200% critical"], "open", id="twice the factor is critical"
    ),
    pytest.param([USUAL, spent(21), spent(18), wait(300)], [SPIKED], "open", id="at 90 % of its line it goes on"),
    pytest.param([USUAL, spent(21), spent(17.9), wait(60)], [SPIKED, CALM], "resolved", id="a calm hour ends it"),
    pytest.param(
        [USUAL, spent(21), spent(5), wait(60), spent(21)], [SPIKED, CALM, f"{SPIKED} episode 2"], "open",
        id="and it may fire again the same day",
    ),
    pytest.param(
        [USUAL, spent(21), baseline(30, 30, 30), wait(60)], [SPIKED, CALM], "resolved",
        id="it is also calm where more is usual",
    ),
    pytest.param([USUAL, spent(41), spent(21), spent(41)], ["opened 200% critical"], "open", id="up and down is once"),
    pytest.param(
        [baseline(0, 0, 0), spent(6), spent(4.6), wait(300)], ["opened 200% critical"], "open",
        id="where the floor is the line, 90 % of the floor counts",
    ),
    pytest.param(
        [baseline(0, 0, 0), spent(6), spent(0), wait(60)], ["opened 200% critical", CALM], "resolved",
        id="over a baseline of zero it ends as well",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("acts", "told", "state"), SPIKES)
def test_the_episode_of_a_spike_lives_like_this(acts: list[Act], told: list[str], state: str) -> None:
    watched = after(Rolling(spike(factor=2, floor=5)), acts)
    assert (watched.words, watched.state) == (told, state)


def test_an_open_episode_is_looked_at_each_quarter_hour_and_when_its_calm_window_ends() -> None:
    watched = Rolling(ONE, now_ms=MORNING_MS + 7 * MINUTE_MS)
    spent(60)(watched)
    assert look_again_ms(watched.memory, watched.now_ms) == MORNING_MS + CELL_MS
    spent(1)(watched)
    watched.now_ms += 59 * MINUTE_MS
    watched.judge()
    assert look_again_ms(watched.memory, watched.now_ms) == MORNING_MS + HOUR_MS + 7 * MINUTE_MS
    watched.now_ms += MINUTE_MS
    watched.judge()
    assert watched.words[-1] == CALM
    assert look_again_ms(watched.memory, watched.now_ms) is None


def test_a_window_of_a_quarter_hour_is_calm_after_one() -> None:
    watched = after(Rolling(ONE, window=Last(CELL_MS)), [spent(60), spent(1), wait(10)])
    assert watched.words == [OPENED]
    wait(5)(watched)
    assert watched.words == [OPENED, CALM]


@given(
    st.lists(
        st.one_of(
            st.integers(0, 120).map(lambda amount: spent(amount / 2)),
            st.sampled_from((5, 30, 60, 90)).map(wait),
            st.sampled_from((30, 50, 60)).map(limit),
            st.sampled_from((a_gap, all_read, no_limit)),
            st.sampled_from((rule_gone, away(20))),
        ),
        max_size=25,
    )
)
def test_whatever_happens_a_line_is_told_once_in_an_episode_and_an_end_follows_an_opening(acts: list[Act]) -> None:
    watched = after(Rolling(TWO), acts)
    announced: set[tuple[object, ...]] = set()
    ended: set[int] = set()
    for step in watched.told:
        assert step.incident is not None
        episode = step.incident.episode
        assert episode not in ended
        if step.reason is Reason.RESOLVED:
            assert any(notice[0] == episode for notice in announced), "an end follows an opening"
            ended.add(episode)
            continue
        assert step.threshold is not None
        notice = (episode, step.threshold.share, step.incident.limit)
        assert notice not in announced
        announced.add(notice)
        assert step.incident.measured >= step.incident.limit * step.threshold.share


@given(st.lists(st.integers(0, 120), min_size=1, max_size=12))
def test_judging_the_same_again_changes_nothing(amounts: list[int]) -> None:
    watched = Rolling(TWO)
    for amount in amounts:
        watched.spent = Amounts(amount * 10**12, 0, 0)
        watched.judge()
        told, memory = len(watched.told), watched.memory
        watched.judge()
        assert (len(watched.told), watched.memory) == (told, memory)
        watched.now_ms += 7 * MINUTE_MS


def test_another_window_is_another_subject() -> None:
    hour, day = (
        after(Rolling(Budget("cap", Limit(Unit.USD, 1), last), window=last), [spent(60)]).memory
        for last in (HOUR, Last(24 * HOUR_MS))
    )
    assert hour is not None
    assert day is not None
    assert (hour.period, day.period) == ("last:1h", "last:24h")
    assert hour.id != day.id

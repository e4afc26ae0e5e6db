"""When a failed delivery is tried again, and when it is given up."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.delivery import (
    FIRST_PAUSE_MS,
    GIVE_UP_AFTER_MS,
    LONGEST_PAUSE_MS,
    next_attempt_ms,
    should_give_up,
)

NOW_MS = 1_795_000_000_000


@pytest.mark.parametrize(
    ("attempts", "pause_s"),
    [
        pytest.param(1, 5, id="5 seconds after the first"),
        pytest.param(2, 10, id="then twice as long"),
        pytest.param(5, 80, id="and again"),
        pytest.param(8, 640, id="and again"),
        pytest.param(9, 900, id="never above 15 minutes"),
        pytest.param(10_000, 900, id="however often it failed"),
    ],
)
def test_pauses_double_up_to_a_quarter_hour(attempts: int, pause_s: int) -> None:
    pause = next_attempt_ms("D", attempts, NOW_MS, None) - NOW_MS
    assert pause_s * 1000 <= pause <= pause_s * 1250


@given(delivery=st.text(), attempts=st.integers(0, 200))
def test_the_same_failure_has_the_same_pause_whatever_the_time(delivery: str, attempts: int) -> None:
    pauses = {next_attempt_ms(delivery, attempts, at, None) - at for at in (0, NOW_MS)}
    assert len(pauses) == 1
    (pause,) = pauses
    assert FIRST_PAUSE_MS <= pause <= LONGEST_PAUSE_MS * 5 // 4


def test_deliveries_that_fail_together_do_not_come_back_together() -> None:
    times = {next_attempt_ms(f"D{n}", 9, NOW_MS, None) for n in range(100)}
    assert len(times) > 90


@given(attempts=st.integers(1, 30), wish_s=st.floats(0, GIVE_UP_AFTER_MS / 1000))
def test_it_is_never_tried_before_the_receivers_own_wish(attempts: int, wish_s: float) -> None:
    assert next_attempt_ms("D", attempts, NOW_MS, wish_s) - NOW_MS >= wish_s * 1000


def test_a_short_wish_does_not_shorten_the_pause() -> None:
    plain = next_attempt_ms("D", 5, NOW_MS, None)
    assert next_attempt_ms("D", 5, NOW_MS, 1) == next_attempt_ms("D", 5, NOW_MS, 0) == plain
    assert next_attempt_ms("D", 5, NOW_MS, -3600) == plain


@pytest.mark.parametrize("wish_s", [10.0**9, math.inf, math.nan])
def test_no_wish_puts_a_delivery_off_for_good(wish_s: float) -> None:
    assert next_attempt_ms("D", 1, NOW_MS, wish_s) - NOW_MS <= GIVE_UP_AFTER_MS


@pytest.mark.parametrize(
    ("age_ms", "dead"),
    [
        pytest.param(0, False, id="a new one"),
        pytest.param(GIVE_UP_AFTER_MS - 1, False, id="a millisecond before two days"),
        pytest.param(GIVE_UP_AFTER_MS, True, id="two days"),
        pytest.param(-60_000, False, id="one from the future, after the clock was set back"),
    ],
)
def test_a_delivery_that_failed_for_two_days_is_dead(age_ms: int, dead: bool) -> None:
    assert should_give_up(NOW_MS - age_ms, NOW_MS) is dead

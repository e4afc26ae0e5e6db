"""How the incident of a today-spike lives: factor 2, floor $5, at least 3 days."""

import pytest

from tests.domain.lifecycle import Act, Watched, a_gap, after, after_end, baseline, rule_gone, spent, spike

SPIKES = [
    pytest.param([baseline(4, 4), spent(50)], [], "none", id="fewer days than at_least give no verdict"),
    pytest.param([baseline(4, 4, 4), spent(9)], ["opened 100% warning"], "open", id="above factor and floor it fires"),
    pytest.param([baseline(10, 10, 10), spent(20)], [], "none", id="exactly factor times the baseline is no spike"),
    pytest.param(
        [baseline(10, 10, 10), spent("20.000000000001")],
        ["opened 100% warning"],
        "open",
        id="a picodollar above it is one",
    ),
    pytest.param([baseline(1, 1, 1), spent(5.99)], [], "none", id="below the floor above the baseline it is quiet"),
    pytest.param([baseline(3, 3, 3), spent(8)], ["opened 100% warning"], "open", id="exactly the floor is enough"),
    pytest.param(
        [baseline(0, 0, 0), spent(4.99), spent(5)],
        ["opened 200% critical"],
        "open",
        id="over a baseline of zero the floor alone decides",
    ),
    pytest.param(
        [baseline(10, 10, 10), spent(21), spent(40), spent(41), spent(500)],
        ["opened 100% warning", "escalated 200% critical"],
        "open",
        id="a spike is critical above twice its factor, and then told no more",
    ),
    pytest.param(
        [baseline(10, 10, 10), spent(21), baseline(10.4, 10.4, 10.4), baseline(10, 10, 10)],
        ["opened 100% warning"],
        "open",
        id="a corrected baseline makes no second notice",
    ),
    pytest.param(
        [baseline(10, 10, 10), spent(21), baseline(20, 20, 20)],
        ["opened 100% warning", "resolved corrected"],
        "resolved",
        id="a baseline that is corrected far up resolves",
    ),
    pytest.param(
        [baseline(10, 10, 10), spent(41), spent(30), spent(41)],
        ["opened 200% critical"],
        "open",
        id="a spike corrected below twice its factor is a spike still",
    ),
    pytest.param(
        [baseline(10, 10, 10), spent(21), spent(19.7), spent(21)],
        ["opened 100% warning"],
        "open",
        id="a spike needs 2 % below its line to resolve",
    ),
    pytest.param(
        [baseline(1, 1, 1), spent(6), spent(5.95), spent(6)],
        ["opened 200% critical"],
        "open",
        id="and below its floor, where that is the line",
    ),
    pytest.param(
        [baseline(1, 1, 1), spent(6), spent(5.8)],
        ["opened 200% critical", "resolved corrected"],
        "resolved",
        id="clearly below the floor it resolves, though above the factor",
    ),
    pytest.param(
        [baseline(10, 10, 10), spent(21), spent(12), spent(21)],
        ["opened 100% warning", "resolved corrected", "opened 100% warning episode 2"],
        "open",
        id="a spike that comes again after it resolved is a new episode",
    ),
    pytest.param(
        [baseline(10, 10, 10), spent(21), after_end(0)],
        ["opened 100% warning"],
        "rolled_over",
        id="a spike rolls over at midnight without a message",
    ),
    pytest.param(
        [baseline(10, 10, 10), spent(41), rule_gone, spent(30)],
        ["opened 200% critical"],
        "open",
        id="a rule that comes back to a milder spike has it open again",
    ),
    pytest.param(
        [baseline(10, 10, 10), a_gap, spent(21)],
        ["opened 100% warning"],
        "open",
        id="a partial day above the line is a spike already",
    ),
]


@pytest.mark.parametrize(("acts", "told", "state"), SPIKES)
def test_a_spike_incident_lives_like_this(acts: list[Act], told: list[str], state: str) -> None:
    watched = after(Watched(spike(factor=2, floor=5)), acts)
    assert (watched.words, watched.state) == (told, state)

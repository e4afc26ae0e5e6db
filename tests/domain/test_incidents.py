"""How an incident lives while its period runs, a sentence of the product for each case; the budget is $50 a day."""

import pytest

from fusewatch.domain.rules import Severity
from tests.domain.lifecycle import (
    Act,
    Watched,
    after,
    budget,
    limit,
    no_limit,
    polled,
    same_limit_again,
    spent,
    threshold,
    thresholds,
    tokens,
)

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL

CROSSING = [
    pytest.param([spent(24.99)], [], "none", id="below the first threshold nothing is remembered"),
    pytest.param([spent(25)], ["opened 50% info"], "open", id="reaching a threshold exactly opens an incident"),
    pytest.param([spent("24.999999999999")], [], "none", id="a picodollar below a threshold is below it"),
    pytest.param(
        [spent(30), polled, polled, polled], ["opened 50% info"], "open", id="a crossing is told once, not per poll"
    ),
    pytest.param(
        [spent(30), spent(41), spent(51)],
        ["opened 50% info", "escalated 80% warning", "escalated 100% critical"],
        "open",
        id="each higher threshold is told as it is crossed",
    ),
    pytest.param(
        [spent(60)],
        ["opened 100% critical"],
        "open",
        id="of several thresholds crossed at once the highest is announced",
    ),
    pytest.param(
        [spent(30), spent(55)],
        ["opened 50% info", "escalated 100% critical"],
        "open",
        id="what was jumped over counts as announced",
    ),
    pytest.param(
        [spent(60), spent(99), spent(100), spent(199), spent(200), spent(450)],
        ["opened 100% critical", "escalated 200% critical", "escalated 400% critical", "escalated 800% critical"],
        "open",
        id="a runaway is told at every doubling",
    ),
    pytest.param([spent(-3)], [], "none", id="a day that corrections took below zero crosses nothing"),
    pytest.param(
        [spent(0), spent("0.000000000001")],
        [],
        "none",
        id="a picodollar of a real limit crosses nothing",
    ),
    pytest.param(
        [limit(0), spent(0), spent("0.000000000001"), spent(500), polled],
        ["opened 100% critical"],
        "open",
        id="the first spend crosses a limit of zero, once and without doublings",
    ),
    pytest.param(
        [limit(0), spent(1), spent(-1), spent(1)],
        ["opened 100% critical", "resolved corrected", "opened 100% critical episode 2"],
        "open",
        id="a limit of zero resolves when corrections take all of it back",
    ),
]

CUSTOM = [
    pytest.param(
        [thresholds(threshold(50, INFO)), spent(60), spent(120), spent(210)],
        ["opened 50% info", "escalated 200% critical", "escalated 400% critical"],
        "open",
        id="doublings follow when only 50 % is declared",
    ),
    pytest.param(
        [thresholds(threshold(100, CRITICAL), threshold(120, CRITICAL)), spent(55), spent(60), spent(100)],
        ["opened 100% critical", "escalated 120% critical", "escalated 200% critical"],
        "open",
        id="a declared 120 % lies between 100 % and the first doubling",
    ),
    pytest.param(
        [thresholds(threshold(100, WARNING), threshold(200, INFO)), spent(50), spent(100), spent(200)],
        ["opened 100% warning", "escalated 200% info", "escalated 400% critical"],
        "open",
        id="a declared 200 % keeps its own severity",
    ),
    pytest.param(
        [thresholds(threshold(100, CRITICAL), threshold(120, INFO)), spent(61)],
        ["opened 120% critical"],
        "open",
        id="a mild threshold does not hide a severe one crossed at the same time",
    ),
    pytest.param(
        [thresholds(threshold(100, CRITICAL), threshold(120, INFO)), spent(51), spent(61), spent(55)],
        ["opened 100% critical", "escalated 120% info"],
        "open",
        id="an incident stays as severe as the worst that it announced",
    ),
    pytest.param(
        [thresholds(threshold(50, WARNING), threshold(80, WARNING)), spent(41), spent(24.9), spent(25)],
        ["opened 80% warning"],
        "open",
        id="the margin counts from the lowest threshold of the same severity",
    ),
    pytest.param(
        [spent(51), thresholds(threshold(50, INFO), threshold(150, CRITICAL))],
        ["opened 100% critical"],
        "open",
        id="taking a threshold out of the file resolves nothing while the spend is above it",
    ),
    pytest.param(
        [spent(30), thresholds(threshold(50, INFO), threshold(60, WARNING))],
        ["opened 50% info", "escalated 60% warning"],
        "open",
        id="a threshold added to the file is announced when the spend is above it",
    ),
]

FALLING = [
    pytest.param(
        [spent(51), spent(49.01)],
        ["opened 100% critical"],
        "open",
        id="a correction to just below the line does not resolve",
    ),
    pytest.param(
        [spent(51), spent(49)],
        ["opened 100% critical", "resolved corrected"],
        "resolved",
        id="a correction resolves at 2 % of the limit below the line",
    ),
    pytest.param(
        [spent(51), spent(39.9)],
        ["opened 100% critical", "resolved corrected"],
        "resolved",
        id="being close to a milder threshold does not keep a severe one open",
    ),
    pytest.param(
        [spent(51), spent(49.5), spent(51), spent(49.5), spent(51)],
        ["opened 100% critical"],
        "open",
        id="swinging within the margin tells nothing",
    ),
    pytest.param(
        [spent(110), spent(99), spent(101)],
        ["opened 200% critical"],
        "open",
        id="falling below a doubling stays silent: it is critical still",
    ),
    pytest.param(
        [spent(210), spent(49.9), spent(50.1)],
        ["opened 400% critical"],
        "open",
        id="after a doubling, too, the margin lies below the line and not below the doubling",
    ),
    pytest.param(
        [spent(210), spent(49)],
        ["opened 400% critical", "resolved corrected"],
        "resolved",
        id="a corrected runaway resolves below the line",
    ),
    pytest.param(
        [spent(110), spent(60), spent(110), spent(210)],
        ["opened 200% critical", "escalated 400% critical"],
        "open",
        id="a doubling crossed again after a correction is not told again",
    ),
    pytest.param(
        [spent(51), spent(45), spent(51)],
        ["opened 100% critical", "resolved corrected", "opened 100% critical episode 2"],
        "open",
        id="crossing again after resolved was announced is a new episode",
    ),
    pytest.param(
        [spent(51), spent(45), spent(46)],
        ["opened 100% critical", "resolved corrected"],
        "resolved",
        id="a resolved incident does not announce the thresholds that stayed crossed",
    ),
    pytest.param(
        [spent(51), spent(45), spent(39.5), spent(41)],
        ["opened 100% critical", "resolved corrected"],
        "resolved",
        id="a resolved incident arms a threshold again only when the spend is clearly below it",
    ),
    pytest.param(
        [spent(51), spent(45), spent(39), spent(41)],
        ["opened 100% critical", "resolved corrected", "opened 80% warning episode 2"],
        "open",
        id="and then announces its crossing as a new episode",
    ),
    pytest.param(
        [spent(30), spent(-5)],
        ["opened 50% info", "resolved corrected"],
        "resolved",
        id="corrections below zero resolve",
    ),
    pytest.param(
        [spent(41), spent(30)],
        ["opened 80% warning", "resolved corrected"],
        "resolved",
        id="a warning resolves when only an info threshold is left",
    ),
]

LIMITS = [
    pytest.param(
        [spent(51), limit(100)],
        ["opened 100% critical", "resolved limit_raised"],
        "resolved",
        id="raising the limit resolves what is no longer crossed",
    ),
    pytest.param(
        [spent(50.5), limit(51)],
        ["opened 100% critical", "resolved limit_raised"],
        "resolved",
        id="a raised limit needs no margin",
    ),
    pytest.param(
        [spent(51), limit(100), spent(80), spent(101)],
        [
            "opened 100% critical",
            "resolved limit_raised",
            "opened 80% warning episode 2",
            "escalated 100% critical episode 2",
        ],
        "open",
        id="raising the limit arms what lies above the present share",
    ),
    pytest.param(
        [spent(110), limit(60), spent(120)],
        ["opened 200% critical", "escalated 200% critical"],
        "open",
        id="raising the limit within the same severity arms silently",
    ),
    pytest.param(
        [spent(110), limit(60), limit(50), limit(60), limit(50)],
        ["opened 200% critical"],
        "open",
        id="a limit that is changed back finds its marks",
    ),
    pytest.param(
        [spent(110), limit(60), limit(50), spent(200)],
        ["opened 200% critical", "escalated 400% critical"],
        "open",
        id="and goes on from them",
    ),
    pytest.param(
        [spent(30), limit(35)],
        ["opened 50% info", "escalated 80% warning"],
        "open",
        id="lowering the limit announces the highest newly crossed",
    ),
    pytest.param(
        [spent(30), limit(10)],
        ["opened 50% info", "escalated 200% critical"],
        "open",
        id="lowering it far announces only the highest",
    ),
    pytest.param(
        [spent(55), limit(45)],
        ["opened 100% critical"],
        "open",
        id="lowering the limit announces nothing that was crossed before",
    ),
    pytest.param(
        [spent(51), limit(60), spent(51.5), limit(50)],
        ["opened 100% critical", "resolved limit_raised", "opened 100% critical episode 2"],
        "open",
        id="a limit lowered back after resolved was announced is a new episode",
    ),
    pytest.param(
        [spent(51), limit(60), limit(64), spent(51.5)],
        ["opened 100% critical", "resolved limit_raised", "opened 80% warning episode 2"],
        "open",
        id="a resolved incident arms again at every further raise, without a margin",
    ),
    pytest.param(
        [spent(51), no_limit],
        ["opened 100% critical", "resolved limit_raised"],
        "resolved",
        id="lifting the limit altogether resolves",
    ),
    pytest.param([no_limit, spent(500)], [], "none", id="without a limit nothing is crossed"),
    pytest.param(
        [spent(51), no_limit, spent(70), same_limit_again],
        ["opened 100% critical", "resolved limit_raised", "opened 100% critical episode 2"],
        "open",
        id="a lifted limit that is set again starts a new episode",
    ),
    pytest.param(
        [spent(51), limit(0)],
        ["opened 100% critical"],
        "open",
        id="lowering a crossed limit to zero announces nothing new",
    ),
    pytest.param(
        [limit(0), spent(1), limit(50)],
        ["opened 100% critical", "resolved limit_raised"],
        "resolved",
        id="raising a limit of zero resolves",
    ),
    pytest.param(
        [spent(51), tokens(10_000)],
        ["opened 100% critical"],
        "withdrawn",
        id="a limit in another unit withdraws without a message",
    ),
    pytest.param(
        [spent(51), tokens(1000), tokens(400)],
        ["opened 100% critical", "escalated 200% critical"],
        "open",
        id="and carries the highest announced share over",
    ),
]


@pytest.mark.parametrize(("acts", "told", "state"), [*CROSSING, *CUSTOM, *FALLING, *LIMITS])
def test_a_budget_incident_lives_like_this(acts: list[Act], told: list[str], state: str) -> None:
    watched = after(Watched(budget(50)), acts)
    assert (watched.words, watched.state) == (told, state)

"""Whatever happens, in whatever order: the ledger is right, nothing is told twice, nothing is left untold."""

from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.demo.standin import DEMO_PROJECT, Span
from fusewatch.domain.notices import MessageKind, Notice
from tests.app import truth
from tests.app.stage import Stage
from tests.app.when import HOUR_MS, clock_of

RULES = """
history: 1d
budgets:
  - {name: hourly, limit: $20, every: hour}
  - {name: teams, each: [team], limit: $20, every: day}
"""
LIMIT_PICO = 20 * 10**12
SHARES = (Fraction(4, 5), Fraction(1), *(Fraction(2**n) for n in range(1, 12)))
"""What `finops` is told of: from 80 % on, and every doubling."""


class Spend(NamedTuple):
    team: str
    cents: int
    appears_after_s: int


class Grow(NamedTuple):
    """The last call turns out to cost more."""

    cents: int


class Kill(NamedTuple):
    """The process ends in so many transactions."""

    transactions: int
    after_commit: bool


happenings = st.one_of(
    st.builds(Spend, st.sampled_from(["content", "search", ""]), st.integers(1, 1500), st.integers(0, 100)),
    st.builds(Grow, st.integers(1, 1500)),
    st.builds(Kill, st.integers(1, 12), st.booleans()),
    st.sampled_from(["down", "up", "restart", "no poll"]),
)
stories = st.lists(st.lists(happenings, max_size=3), min_size=3, max_size=30)
"""For each minute, what happens in it."""


@settings(max_examples=12, deadline=None)
@given(story=stories)
def test_in_any_story_the_ledger_is_right_and_every_crossing_is_told_once(
    story: list[list[Spend | Grow | Kill | str]],
) -> None:
    with TemporaryDirectory() as folder:
        stage = Stage(rules=RULES, folder=Path(folder))
        try:
            stage.at("06:00", "07:29")
            for minute, happening in enumerate(story):
                _play(stage, clock_of(stage.ms("07:30") + minute * 60_000)[:-3], happening)
            _end(stage)
            truth.check(stage)
            _check_told(stage)
        finally:
            stage.close()


def _play(stage: Stage, minute: str, happening: list[Spend | Grow | Kill | str]) -> None:
    """One minute of the story, and the poll at its end."""
    last: Span | None = None
    for second, what in enumerate(happening, start=10):
        match what:
            case Spend(team, cents, appears_after_s):
                start_ms = stage.ms(f"{minute}:{second}")
                appears = clock_of(start_ms + 1000 * appears_after_s)
                last = stage.spend(f"{cents / 100:.2f}", at=f"{minute}:{second}", team=team, arrives=appears)
            case Grow(cents) if last is not None:
                more = last.cost["input"] + Decimal(cents) / 100  # type: ignore[operator] # the stage spends Decimals
                last = stage.update(last, at=f"{minute}:{second + 30}", usd=str(more))
            case Kill(transactions, after_commit):
                stage.runner.fatal = stage.runner.done + transactions
                stage.runner.after_commit = after_commit
            case "down":
                stage.langfuse_down()
            case "up":
                stage.langfuse_up()
            case "restart":
                stage.restart()
    if "no poll" not in happening:
        _poll(stage, f"{minute}:59")


def _poll(stage: Stage, at: str) -> None:
    if stage.dies(lambda: stage.at(at)):
        stage.repeats_allowed += 1
        stage.restart()
        stage.round()


def _end(stage: Stage) -> None:
    """Langfuse answers, nobody kills, and polls go on until one of them looked far back."""
    stage.langfuse_up()
    stage.runner.fatal = None
    for _ in range(6):
        stage.clock.go_on(60_000)
        stage.round()
    stage.deliver_until(clock_of(stage.clock.now_ms() + 1_200_000))


def _check_told(stage: Stage) -> None:
    """The thresholds told of each key and period: each once, and the highest is the one that the spend passed.

    What a watch saw is told once a day, too, and resolved at most once.
    """
    by_id = {message.id: message for message in stage.told("finops") if message.kind is MessageKind.NOTICES}
    notices = [notice for message in by_id.values() for notice in message.notices]
    watched = Counter((n.incident.id, n.reason) for n in notices if n.incident.kind.is_watch)
    assert all(times == 1 for times in watched.values())
    told = Counter((_subject(n), n.threshold) for n in notices if not n.incident.kind.is_watch)
    assert all(times == 1 for times in told.values())
    highest: dict[tuple[str, str], Fraction] = {}
    for subject, share in told:
        highest[subject] = max(share, highest.get(subject, share))
    assert highest == _truly_passed(stage)


def _subject(notice: Notice) -> tuple[str, str]:
    incident = notice.incident
    return (incident.rule, incident.period) if incident.rule == "hourly" else (incident.rule, incident.key[0])


def _truly_passed(stage: Stage) -> dict[tuple[str, str], Fraction]:
    """From Langfuse's own rows: of each hour and each team the highest share that its spend reached."""
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for span in stage.warehouse.newest(DEMO_PROJECT):
        hour = clock_of(span.start_ms // HOUR_MS * HOUR_MS)
        sums["hourly", f"hour:2026-{hour[:5]}T{hour[6:8]}Z"] += span.total_pico()
        sums["teams", span.all_metadata().get("team") or "unknown"] += span.total_pico()
    passed = {subject: [s for s in SHARES if pico >= s * LIMIT_PICO] for subject, pico in sums.items()}
    return {subject: shares[-1] for subject, shares in passed.items() if shares}

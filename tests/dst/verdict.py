"""Lives a history and judges it."""

from dataclasses import dataclass

from tests.dst.history import History
from tests.dst.manners import judge_manners
from tests.dst.oracle import judge
from tests.dst.simulation import Seen, simulate
from tests.dst.telling import Judgement


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a history came to, and all that was wrong with it."""

    history: History
    seen: Seen
    judged: Judgement

    @property
    def wrong(self) -> list[str]:
        leaks = [f"secret {leak}" for leak in self.seen.leaks]
        return [*self.judged.wrong, *leaks, *(f"the daemon says {line}" for line in self.seen.troubles)]


def live(history: History) -> Outcome:
    """From the first start to the verdict."""
    seen = simulate(history)
    crashes = [at_ms for at_ms, _ in seen.crashes]
    judged = judge(history, seen.ledger, seen.received, seen.stops, crashes)
    judge_manners(history, seen.asked, crashes, judged)
    return Outcome(history, seen, judged)

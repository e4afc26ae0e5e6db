"""From a history that goes wrong to a smaller one that goes wrong in the same way: fewer faults, then fewer calls."""

import re
from collections.abc import Callable, Iterator

from tests.dst.history import History
from tests.dst.verdict import Outcome, live

MOST_RUNS = 60


def shrunk(outcome: Outcome, *, run: Callable[[History], Outcome] = live, most_runs: int = MOST_RUNS) -> Outcome:
    """The smallest found in so many runs. The same way: the first complaint is alike but for its numbers."""
    looks = _kind_of(outcome)
    best = outcome
    runs = 0
    for part in ("faults", "calls"):
        size = max(1, len(getattr(best.history, part)) // 2)
        while size >= 1 and runs < most_runs:
            smaller = None
            for away in _chunks(len(getattr(best.history, part)), size):
                if runs >= most_runs:
                    break
                runs += 1
                tried = run(best.history.without(**{part: away}))
                if looks in map(_shape, tried.wrong):
                    smaller = tried
                    break
            if smaller is not None:
                best = smaller
                size = min(size, max(1, len(getattr(best.history, part))))
            else:
                size //= 2
    return best


def _chunks(length: int, size: int) -> Iterator[frozenset[int]]:
    for start in range(0, length, size):
        yield frozenset(range(start, min(start + size, length)))


def _kind_of(outcome: Outcome) -> str:
    return _shape(outcome.wrong[0])


def _shape(complaint: str) -> str:
    """What a complaint is about, without its numbers and names."""
    return re.sub(r"[0-9a-f]{8,}|\d+|\(.*?\)", "", complaint)[:60]

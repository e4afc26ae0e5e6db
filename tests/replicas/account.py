"""What was told how often, held against the sends that were cut off: a repeat needs one of them as its reason."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Self

from tests.process.receiver import Post


@dataclass(slots=True)
class CutOff:
    """The deliveries that a daemon had claimed when it was killed or paused, by their ids: it may have sent them, and
    nobody else can tell. `heard` counts those that the receiver had got already."""

    by_kill: Counter[str] = field(default_factory=Counter)
    by_pause: Counter[str] = field(default_factory=Counter)
    heard: int = 0

    def add(self, deliveries: Iterable[str], posts: Sequence[Post], *, paused: bool = False) -> None:
        arrived = {post.id for post in posts}
        for delivery in deliveries:
            (self.by_pause if paused else self.by_kill)[delivery] += 1
            self.heard += delivery in arrived


@dataclass(frozen=True, slots=True)
class Repeats:
    """How many posts came again with the id of an earlier one: after a kill or a pause in mid-send, and otherwise; and
    how many notices came under a second id."""

    after_kill: int
    after_pause: int
    unexplained: int
    under_two_ids: int

    @property
    def all(self) -> int:
        return self.after_kill + self.after_pause + self.unexplained + self.under_two_ids


def repeats(posts: Sequence[Post], cut_off: CutOff) -> Repeats:
    after_kill = after_pause = unexplained = 0
    for id_, times in Counter(post.id for post in posts).items():
        killed = min(times - 1, cut_off.by_kill[id_])
        paused = min(times - 1 - killed, cut_off.by_pause[id_])
        after_kill += killed
        after_pause += paused
        unexplained += times - 1 - killed - paused
    ids: dict[str, set[str]] = {}
    for post in posts:
        for notice in post.notices:
            ids.setdefault(notice["key"]["feature"], set()).add(post.id)
    return Repeats(after_kill, after_pause, unexplained, sum(len(found) - 1 for found in ids.values()))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least so many of them do not exceed."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


class Ticker:
    """`with Ticker() as ticker:` notices for how long at a time this process got no turn: then the machine stood still,
    or somebody had stopped us all, and what took long says nothing."""

    def __init__(self) -> None:
        self._longest_s = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)

    def longest_s(self) -> float:
        """The longest since it was asked last."""
        longest_s, self._longest_s = self._longest_s, 0.0
        return longest_s

    def _tick(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(0.1):
            now = time.monotonic()
            self._longest_s, last = max(self._longest_s, now - last - 0.1), now

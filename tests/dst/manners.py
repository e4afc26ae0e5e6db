"""Whether Langfuse was treated as a good neighbour does: its limits, its wishes, and our share of them."""

from collections.abc import Sequence
from typing import Protocol

from tests.dst.history import DAY_MS, MINUTE_MS, SECOND_MS, History
from tests.dst.telling import Judgement

SHARES = {"/v2/observations": (15, MINUTE_MS), "/v2/metrics": (48, DAY_MS)}
"""Half of the Hobby plan's allowance, and the most that is asked of metrics in a day."""
FORGOTTEN = 15
"""Half a minute of requests may be forgotten in a crash; Langfuse's own limit is not to be reached for it."""


class Request(Protocol):
    @property
    def at_ms(self) -> int: ...
    @property
    def path(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def planted(self) -> str: ...
    @property
    def retry_after_s(self) -> int: ...


def judge_manners(history: History, asked: Sequence[Request], crashes: Sequence[int], found: Judgement) -> None:
    """Complaints go to `found`."""
    if history.cloud:
        for path, (most, window_ms) in SHARES.items():
            _judge_share(path, most, window_ms, [a.at_ms for a in asked if a.path.endswith(path)], crashes, found)
        for request in asked:
            if request.status == 429 and not request.planted:
                found.complain(f"Langfuse refused {request.path} at {request.at_ms}: too many requests")
    _judge_wishes(history, asked, found)


def _judge_share(
    path: str, most: int, window_ms: int, times: Sequence[int], crashes: Sequence[int], found: Judgement
) -> None:
    first = 0
    for last, at_ms in enumerate(times):
        while times[first] <= at_ms - window_ms:
            first += 1
        killed = sum(at_ms - window_ms <= crash <= at_ms for crash in crashes)
        forgotten = killed * FORGOTTEN if window_ms == MINUTE_MS else killed
        if last - first + 1 > most + forgotten:
            found.complain(f"{path}: {last - first + 1} requests in {window_ms // SECOND_MS} s up to {at_ms}")
            return


def _judge_wishes(history: History, asked: Sequence[Request], found: Judgement) -> None:
    """After a 429 with a wish nothing of the kind is asked before its time; a clock that is set shifts that."""
    skewed = history.of("skew")
    for number, request in enumerate(asked):
        if request.planted != "429" or any(s.at_ms - DAY_MS < request.at_ms < s.until_ms + DAY_MS for s in skewed):
            continue
        until_ms = request.at_ms + request.retry_after_s * SECOND_MS
        for later in asked[number + 1 :]:
            if later.at_ms >= until_ms:
                break
            # What was on its way already, of another project, may still arrive.
            if later.path == request.path and later.at_ms > request.at_ms + SECOND_MS:
                found.complain(f"{request.path} asked again at {later.at_ms}, refused until {until_ms}")
                break

"""What the page shows of spend, kept while it is true: each look reads many cells."""

import asyncio

from fusewatch.app.snapshot import Snapshot
from fusewatch.app.spending import Spending, Wanted
from fusewatch.web.state import ANSWER_WITHIN_S, WebState

KEPT = 16
"""So many different looks."""

FRESH_MS = 60_000
"""A look is taken anew after so long although nothing was written: forecasts move with time."""


class Looks:
    """One look is taken at a time. `of` gives None where that takes too long: the rest of the page is shown then."""

    def __init__(self, state: WebState) -> None:
        self._state = state
        self._lock = asyncio.Lock()
        self._kept: dict[tuple[Wanted, int, str], tuple[int, Spending]] = {}

    async def of(self, wanted: Wanted, snapshot: Snapshot) -> Spending | None:
        place = wanted, snapshot.version, self._state.rules().revision
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S), self._lock:
                kept = self._kept.get(place)
                if kept is not None and snapshot.now_ms - kept[0] < FRESH_MS:
                    return kept[1]
                found = await self._state.spending(wanted)
        except TimeoutError:
            return None
        self._kept.pop(place, None)
        self._kept[place] = snapshot.now_ms, found
        while len(self._kept) > KEPT:
            self._kept.pop(next(iter(self._kept)))
        return found

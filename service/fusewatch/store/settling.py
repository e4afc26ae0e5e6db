"""What a batch changes in the ledger, and which version counts of an observation that was read with several starts."""

from collections.abc import Callable, Mapping, Sequence

from fusewatch.store import identity
from fusewatch.store.connection import Link
from fusewatch.store.inheriting import Place
from fusewatch.store.rows import (
    CHANGED,
    CONTENT,
    COST,
    COUNTED,
    OBS,
    REPLACED,
    SEEN,
    START,
    TRACE,
    LedgerRow,
    order_of,
    with_state,
)


class Changes:
    """What one batch does to the ledger: rows to write, rows that begin to count, rows that no longer do."""

    def __init__(self) -> None:
        self.first_seen: list[LedgerRow] = []
        self.inserted: list[LedgerRow] = []
        self.replaced: dict[Place, LedgerRow] = {}
        self.gained: list[LedgerRow] = []
        self.lost: list[LedgerRow] = []

    def swap(self, old: LedgerRow | None, new: LedgerRow) -> None:
        """`new` counts from now on, in place of `old`; nothing to tell when they say the same."""
        if old is not None:
            if old[CONTENT] == new[CONTENT]:
                return
            self.lost.append(old)
        self.gained.append(new)


def settle(
    link: Link,
    project: int,
    changes: Changes,
    unsettled: Mapping[tuple[bytes, bytes], Sequence[LedgerRow]],
    estimated: Callable[[Sequence[LedgerRow]], Sequence[LedgerRow]],
) -> int:
    """Of observations with several starts the newest version counts; the others stay as stubs that do not.

    `unsettled`: the rows just read, by trace and observation; `estimated` gives rows the estimates of the present
    prices. The answer is how many of the rows moved here from another start.
    """
    moved = 0
    for (trace, obs), rows in unsettled.items():
        stored = identity.stored_versions(link, project, trace, obs)
        moved += sum(1 for row in rows if row[START] not in stored) - (0 if stored else 1)
        # A newer version of the counted row, found in this same batch, has been swapped in already.
        present = {start: changes.replaced.get((start, trace, obs), row) for start, row in stored.items()}
        counting = next((row for row in present.values() if row[COUNTED]), None)
        after = present | {row[START]: row for row in rows}
        pruned = identity.counted_below_floor(link, project, trace, obs)
        winner = max(after.values(), key=order_of)
        now_ms = rows[0][SEEN]  # what was just read was first seen just now
        for start, row in after.items():
            known = present.get(start)
            wins = row is winner and not pruned
            replaced_cost, changed_ms = row[REPLACED], row[CHANGED]
            if known is not None and row is not known:
                replaced_cost, changed_ms = known[COST], now_ms
            if wins and counting is not None and counting[CONTENT] != row[CONTENT]:
                replaced_cost, changed_ms = counting[COST], now_ms
            seen_ms = row[SEEN] if known is None else known[SEEN]
            settled = with_state(row, counted=wins, seen_ms=seen_ms, replaced_cost=replaced_cost, changed_ms=changed_ms)
            if wins and row is known:  # prices may have changed while it did not count
                (settled,) = estimated([settled])
            if known is None:
                changes.inserted.append(settled)
            elif settled != known:
                changes.replaced[place_of(row)] = settled
            if wins:
                changes.swap(counting, settled)
    return moved


def place_of(row: LedgerRow) -> Place:
    """Where the ledger holds the row: its start, trace and observation."""
    return row[START], row[TRACE], row[OBS]

"""Units of work of pruning and forgetting."""

from collections.abc import Sequence
from typing import Protocol

from fusewatch.ports.assess import Audited, Pruned
from fusewatch.ports.ingest import ProjectState
from fusewatch.ports.read import PersonPlaces
from fusewatch.ports.reports import ClosedMonth


class UpkeepUnit(Protocol):
    """One short write transaction of the upkeep: pruning, and what the audit leaves. `most` bounds each step."""

    def projects(self) -> Sequence[ProjectState]: ...

    def prune(self, project: str, to_ms: int, *, most: int) -> Pruned:
        """Add the oldest rows that start before `to_ms` to the archive, delete them with their identities, and raise
        the project's floor: below it nothing is recorded any more. Totals, counters and cells hold what they held."""

    def fold_totals(self, project: str, before_ms: int, *, most: int) -> bool:
        """Archived sums older than that lose their hour and are kept as one sum; whether more are left."""

    def drop_cells(self, after: int, *, quarters_before: int | None, days_before: int | None, most: int) -> int | None:
        """Forget old cells of the keys behind `after` (0 at first), and keys without any; the last key looked at, None
        when there is no further one. Bounds are cell and day indexes."""

    def drop_incidents(self, before_ms: int, *, most: int) -> bool:
        """Forget incidents that ended before that; whether more are left."""

    def drop_deliveries(self, after: int, before_ms: int, *, most: int) -> int | None:
        """Forget deliveries behind `after` (0 at first) that ended before that, sent or dead; the last one looked at,
        None when there is no further one so old."""

    def pruned_ms(self) -> int | None:
        """When pruning last came to its end."""

    def put_pruned(self, at_ms: int) -> None: ...

    def audited(self) -> Audited | None: ...

    def put_audited(self, audited: Audited) -> None: ...

    def distrust_view(self, view: str) -> None:
        """Let the next assess pass form the cells of a view anew."""

    def forget_name(self, user: str, places: PersonPlaces) -> bool:
        """Replace the user by `forgotten` in rows, cells and what is due, for good: what is recorded of that user later
        is so, too. False when the ledger knows no such user."""

    def redact_incidents(self, user: str, places: PersonPlaces, after: str) -> tuple[int, str | None]:
        """Replace the user in some incidents behind the id `after` ("" at first): in how many, and the last one looked
        at, None at the end."""

    def redact_deliveries(self, user: str, places: PersonPlaces, after: int) -> tuple[int, int | None]:
        """The same for messages, by their number (0 at first)."""

    def close_month(self, month: ClosedMonth) -> bool:
        """Keep what a month sums to now, for good. False, and nothing done, when it is closed already."""

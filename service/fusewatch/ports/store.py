"""The database as a whole."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from fusewatch.domain.silences import Silence
from fusewatch.ports.assess import AssessUnit
from fusewatch.ports.deliver import DeliverUnit
from fusewatch.ports.desk import DeskUnit
from fusewatch.ports.ingest import IngestUnit, ProjectState
from fusewatch.ports.read import ReadUnit, StoredRules
from fusewatch.ports.source import ProjectIdentity, RateMemory
from fusewatch.ports.threads import ThreadUnit
from fusewatch.ports.upkeep import UpkeepUnit

T = TypeVar("T")


class Store(RateMemory, Protocol):
    """The database. Each call is one transaction; `work` may be run again when the database was busy."""

    def ingest(self, project: str, work: Callable[[IngestUnit], T], /) -> T: ...

    def assess(self, work: Callable[[AssessUnit], T], /) -> T: ...

    def deliver(self, work: Callable[[DeliverUnit], T], /) -> T: ...

    def threads(self, work: Callable[[ThreadUnit], T], /) -> T: ...

    def desk(self, work: Callable[[DeskUnit], T], /) -> T: ...

    def read(self, work: Callable[[ReadUnit], T], /) -> T: ...

    def upkeep(self, work: Callable[[UpkeepUnit], T], /) -> T: ...

    def leave(self) -> None:
        """The process was asked to end: units of work that walk through the whole ledger raise Leaving."""

    def register(self, identity: ProjectIdentity, name: str, *, now_ms: int) -> ProjectState:
        """Remember who a project is, under its present name; the same key keeps its ledger whatever the name."""

    def known(self, host: str, name: str) -> ProjectState | None:
        """The project that last had this name at this host: who it is while Langfuse cannot be asked."""

    def failed(self, project: str, *, at_ms: int, reason: str, text: str, retry_at_ms: int | None) -> None:
        """A read failed: `failing_since_ms` is set once, until the next success."""

    def add_silence(self, silence: Silence) -> None:
        """Keep it; one that is there already stays as it is."""

    def end_silence(self, silence_id: str, *, at_ms: int) -> Silence | None:
        """End a silence now; one that is over stays as it is. None when there is none with that id."""

    def keep_rules(self, rules: StoredRules) -> None: ...

    def set_metric_labels(self, labels: Sequence[str], max_series: int) -> None:
        """Which dimensions the counters carry. Another choice forms the series anew from the ledger."""

    def set_attribution(self, revision: str) -> None:
        """The attribution in force from now on (`Resolver.revision`). What any project read by another one is covered
        no more but stale, and what is known of its traces is forgotten, until it is read again."""

    def wipe(self) -> bool:
        """Write the database anew, so that nothing deleted is left in its files; other writers wait meanwhile. False
        when a reader kept the write-ahead log from being emptied."""

    def free_claims(self) -> int:
        """At start-up on a database that is ours alone: claims of an earlier run are free at once."""

    def close(self) -> None: ...

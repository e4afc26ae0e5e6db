"""What a daemon is made of; the composition root fills it in."""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Protocol

from fusewatch.app.assess import AssessReport
from fusewatch.app.audit import AuditReport
from fusewatch.app.deliver import Attempt
from fusewatch.app.ingest import IngestReport
from fusewatch.app.pricing import PricingReport
from fusewatch.app.prune import PruneReport
from fusewatch.app.reconcile import ReconcileReport
from fusewatch.app.scheduled import ExportReport
from fusewatch.app.totals import TotalsReport
from fusewatch.bootstrap import Connections
from fusewatch.daemon.bells import Bells
from fusewatch.domain.readplan import Lookback
from fusewatch.domain.rules import RuleSet
from fusewatch.errors import ConfigError, FusewatchError, LeaseLost, Permanent, Retryable
from fusewatch.ports import Clock, Linker, ProjectState, Runner, Store
from fusewatch.ports.leases import Everything, Rights
from fusewatch.runtime import InlineRunner

TICK_S = 15.0
"""How often the loops look at what time alone changes: ends of periods, watches, retries."""


class Rulebook(Protocol):
    """The rules in force. `changed` yields whenever the file may have changed."""

    @property
    def rules(self) -> RuleSet: ...

    def connect(self) -> Connections: ...

    def mark(self) -> object:
        """What `Connections.mark` would be now."""

    def reload(self) -> bool:
        """Read the file again. True when something changed; ConfigError, and the last good rules, when it is broken."""

    def changed(self) -> AsyncIterator[None]: ...


class Observer(Protocol):
    """Who looks on: logs and metrics in the daemon, the progress line in the demo."""

    def ingested(self, project: ProjectState, report: IngestReport, seconds: float) -> None: ...

    def reconciled(self, project: ProjectState, report: ReconcileReport) -> None: ...

    def totalled(self, project: ProjectState, report: TotalsReport) -> None: ...

    def priced(self, project: ProjectState, report: PricingReport) -> None: ...

    def unidentified(self, name: str, error: Exception) -> None: ...

    def assessed(self, report: AssessReport) -> None: ...

    def pruned(self, report: PruneReport) -> None: ...

    def audited(self, report: AuditReport) -> None: ...

    def attempted(self, attempt: Attempt) -> None: ...

    def pinged(self, error: FusewatchError | None) -> None:
        """A heartbeat was sent, or failed."""

    def exported(self, place: str, ended: ExportReport | Retryable | Permanent) -> None:
        """A scheduled export was written, or failed."""

    def reloaded(self, error: ConfigError | None) -> None: ...

    def crashed(self, loop: str, error: Exception) -> None: ...

    def fenced(self, loop: str, error: LeaseLost) -> None:
        """A step was refused what it wanted to write: another daemon has its lease."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that the loops need. Seconds are those of the clock."""

    store: Store
    run: Runner
    clock: Clock
    speed: Callable[[], float]
    poll_interval_s: float
    holder: str
    link: str
    started_ms: int
    rulebook: Rulebook
    observer: Observer
    lookback: Lookback = Lookback()
    tick_s: float = TICK_S
    linker: Linker | None = None
    rights: Rights = field(default_factory=Everything)
    """Which parts of the work are ours, where several daemons share a database."""
    shares: bool = False
    """Whether there may be other daemons."""
    want: Callable[[str], None] = lambda _lease: None
    """Told which leases there is work for."""
    leases: tuple[Callable[[Bells], Coroutine[None, None, None]], ...] = ()
    """The loop that keeps the leases, where there are any."""
    forget_rate: Callable[[str, str], None] = lambda _host, _organisation: None
    """Told when the request budget of an organisation becomes ours."""
    aside: Runner = field(default_factory=InlineRunner)
    """For long work that only reads: what it runs on keeps nobody waiting."""

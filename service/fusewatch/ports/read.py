"""Units of work that only read: page, metrics, commands."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from fusewatch.domain.coverage import Span
from fusewatch.domain.holding import Held
from fusewatch.domain.metered import MeteredRead
from fusewatch.domain.notices import Incident, Message
from fusewatch.domain.silences import Silence
from fusewatch.domain.usage import Amounts, Delta, Dimensions
from fusewatch.ports.assess import Audited, RuleState, Totals
from fusewatch.ports.drivers import DriverUnit
from fusewatch.ports.ingest import ProjectState
from fusewatch.ports.reports import ReportUnit
from fusewatch.ports.series import ManySeriesUnit


class CounterSeries(NamedTuple):
    """One exported series: label values in the order (project name, *metric_labels). All values only grow.

    `debt_pico` is how far the exported cost is above the true one (a cost was corrected downwards).
    """

    labels: tuple[str, ...]
    cost_pico: int
    debt_pico: int
    requests: int
    tokens: tuple[int, ...]
    """By type, in the order of `usage.TOKEN_TYPES`."""


class DurationSeries(NamedTuple):
    """Requests by duration: `buckets` are counts (not cumulative) for each bound of `DURATION_BOUNDS_S`, +Inf last."""

    project: str
    model: str
    operation: str
    buckets: tuple[int, ...]
    sum_ms: int


DURATION_BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)


class ProjectCounters(NamedTuple):
    """Counters of one project: requests with usage and no price, cost of rows without a feature or a team."""

    project: str
    unpriced_requests: int
    unattributed_pico: int
    series_dropped: int


class DeliveryRow(NamedTuple):
    """One line of the outbox as status and page show it."""

    id: str
    destination: str
    state: str
    kind: str
    attempts: int
    created_ms: int
    next_ms: int | None
    sent_ms: int | None
    reason: str
    text: str


class Posted(NamedTuple):
    """A delivery with its message, whatever became of it."""

    row: DeliveryRow
    message: Message


class Sums(NamedTuple):
    """What the counted generations of one set of dimensions sum to, and what of it was not known at some instant.

    `late` is the part of `amounts` that was first seen after it. `changed` is the part, seen before it, of those whose
    newest version came after it, and `changed_was_pico` what these had cost before that version.
    """

    project: str
    dimensions: Dimensions
    user: str
    session: str
    amounts: Amounts
    late: Amounts
    changed: Amounts
    changed_was_pico: int


class StoredRules(NamedTuple):
    """The last good budget file, as written: secrets are not filled in. `files` are (name, text) pairs."""

    files: tuple[tuple[str, str], ...]
    loaded_ms: int


class Past(NamedTuple):
    """One counted generation as a replay needs it. `end_ms` is its start where no duration is known; `seen_ms` when it
    was first seen; `unpriced`: it has usage and no price, or one for only part of it."""

    project: str
    start_ms: int
    end_ms: int
    seen_ms: int
    dimensions: Dimensions
    user: str
    session: str
    amounts: Amounts
    unpriced: bool


class PersonPlaces(NamedTuple):
    """Where the name of a user can stand: `dimensions` that the attribution takes from the user; by view and by rule,
    which places of a key hold one; and the views whose scope looks at users, which are to be formed anew."""

    dimensions: tuple[str, ...]
    views: Mapping[str, tuple[int, ...]]
    rules: Mapping[str, tuple[int, ...]]
    formed_anew: frozenset[str]


class Traces(NamedTuple):
    """How much speaks of a user: rows, and what holds the name as a whole or as a part of another text."""

    rows: int
    incidents: int
    messages: int


class ReadUnit(ManySeriesUnit, ReportUnit, Protocol):
    """A consistent read of everything that is shown."""

    def version(self) -> int:
        """Changes whenever anything that is shown may have changed."""

    def projects(self) -> Sequence[ProjectState]: ...

    def coverage(self) -> Mapping[str, Sequence[Span]]: ...

    def built_views(self) -> frozenset[str]: ...

    def known_from(self) -> Mapping[str, int]:
        """As `AssessUnit.known_from`."""

    def rule_states(self) -> Mapping[str, RuleState]: ...

    def keys(self, view: str, from_cell: int) -> Sequence[tuple[str, ...]]: ...

    def last_cells(self) -> Mapping[str, int]:
        """By view: the latest 15-minute cell in which any of its keys spent anything."""

    def waiting(self) -> bool:
        """Whether changes of the ledger wait for assess, so that cells do not equal rows."""

    def metered_reads(self) -> Mapping[tuple[str, str], MeteredRead]:
        """As `AssessUnit.metered_reads`."""

    def audited(self) -> Audited | None: ...

    def traces(self, user: str) -> Traces:
        """How much speaks of the user; it looks through the whole ledger."""

    def row_sums(self, from_ms: int, to_ms: int, *, people: bool) -> Sequence[Delta]:
        """What the counted rows of the span sum to, by project, cell and dimensions; with `people` by user and session
        too, which are `unknown` without."""

    def cells(self, view: str, from_cell: int, to_cell: int) -> Mapping[tuple[tuple[str, ...], int], Amounts]:
        """The 15-minute cells of all keys of a view in ``from_cell <= cell < to_cell`` that hold anything."""

    def day_cells(self, view: str, day: int) -> Mapping[tuple[str, ...], Amounts]:
        """The day cells of all keys of a view that hold anything."""

    def incidents(self, *, open_only: bool, limit: int) -> Sequence[Incident]:
        """Newest change first."""

    def incident_by_id(self, incident_id: str) -> Incident | None: ...

    def relayed(self, ended_from_ms: int) -> Sequence[Incident]:
        """Those that are open, and those that ended at the instant or later, by rule, key, period and episode."""

    def counters(self) -> Sequence[CounterSeries]: ...

    def durations(self) -> Sequence[DurationSeries]: ...

    def project_counters(self) -> Sequence[ProjectCounters]: ...

    def deliveries(self, *, states: Sequence[str], limit: int) -> Sequence[DeliveryRow]: ...

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """None when there is none with this id."""

    def delivery_counts(self) -> Mapping[tuple[str, str], int]:
        """How many deliveries each (destination, state) has; states are pending, claimed, sent, dead."""

    def totals(self) -> Totals: ...

    def history(self, from_ms: int, to_ms: int, *, people: bool) -> Sequence[Past]:
        """The counted generations of all projects that start in the span, by start time; meant for a day or less.

        Without `people` user and session are `unknown`, which is much faster where nobody asks for them.
        """

    def sums(self, from_ms: int, to_ms: int, *, known_ms: int, people: bool) -> Sequence[Sums]:
        """The counted generations of all projects that start in the span, summed by their dimensions, and what of them
        was not known at `known_ms`; meant for a day or less. Without `people` as `history`."""

    def incidents_of(self, rule: str, key: tuple[str, ...], period: str) -> Sequence[Incident]:
        """All episodes of this rule, key and period label, in their order."""

    def posted(self, incident_id: str, *, from_ms: int) -> Sequence[Posted]:
        """The deliveries since an instant that have a notice of the incident, oldest first."""

    def rules(self) -> StoredRules | None: ...

    def rules_versions(self) -> Sequence[StoredRules]:
        """The budget files that were in force, the newest first."""

    def values(self, dimension: str) -> Sequence[str]:
        """The values that a dimension other than user and session ever had; of a project its names."""

    def held(self) -> Sequence[Held]:
        """All notices that wait, in the order in which they were first held."""

    def silences(self, *, active_at_ms: int | None) -> Sequence[Silence]:
        """Those that are active then, or, for None, all that ever were; the one that ends last first."""

    def drivers(self) -> DriverUnit:
        """Where drivers are looked for."""

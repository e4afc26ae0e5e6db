"""What the passes need from the world. Adapters implement these; the composition root puts them together."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from fusewatch.domain.coverage import Span as Span
from fusewatch.domain.holding import Held
from fusewatch.domain.inheritance import NOTHING_INHERITED, Inheritance
from fusewatch.domain.lateness import Lateness
from fusewatch.domain.notices import Incident, Message
from fusewatch.domain.prices import NO_PRICES, ModelPrices, PriceBook
from fusewatch.domain.ratebudget import Priority
from fusewatch.domain.reconciling import HourLedger, HourReading
from fusewatch.domain.silences import Silence
from fusewatch.domain.usage import Amounts, Delta, Dimensions, Generation, Observation

T = TypeVar("T")


# ---------------------------------------------------------------- time and threads


class Clock(Protocol):
    """The only way to the time. The demo and the tests run on faster or frozen ones."""

    def now_ms(self) -> int:
        """Wall time as epoch milliseconds."""

    def monotonic(self) -> float:
        """Seconds that never go back, in this clock's own speed."""

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""


class Runner(Protocol):
    """Runs blocking store work: on the one writer thread in the daemon, inline in tests and simulation."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


# ---------------------------------------------------------------- Langfuse


@dataclass(frozen=True, slots=True)
class ProjectIdentity:
    """Who a key pair answers for. `host` is scheme://host[:port][/base] in lower case without trailing slash.

    `api` is ``v2`` or ``v1``; `server_version` as its health endpoint says, "" if it does not.
    """

    host: str
    project_id: str
    project_name: str
    organisation_id: str
    api: str
    server_version: str

    @property
    def key(self) -> str:
        """The stable key of the project: renaming it or rotating its key changes nothing."""
        return f"{self.host}|{self.project_id}"


class Rejected(NamedTuple):
    """A row that could not be read: its id ("" if that was unreadable too), the field, and what was wrong."""

    id: str
    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. Rows are newest first by start time.

    `complete_from_ms`: every readable row of the asked span that starts at or after this instant is in this page or an
    earlier one of the same walk (so a crash after committing the page loses nothing). On the last page it is the span's
    own start. `server_now_ms` is the `Date` header of the answer.
    """

    observations: Sequence[Observation]
    rejected: Sequence[Rejected]
    complete_from_ms: int
    server_now_ms: int
    last: bool
    size_bytes: int


class Walk(Protocol):
    """A walk through one span, page by page, newest first; `None` after the last page.

    Raises `Retryable` (``rate_limited``, ``timeout``, ``unreachable``, ``server_error``, ``not_json`` …) or `Permanent`
    (``bad_key``, ``organisation_key``, ``not_langfuse``, ``wrong_project`` …). After a `Retryable` the walk may be
    asked again and goes on at the same page.
    """

    async def next_page(self) -> Page | None: ...


@dataclass(frozen=True, slots=True)
class BucketSum:
    """What Langfuse's metrics say of one hour or minute that begins at `start_ms`.

    Metrics count every stored version of an observation, spans too, and sum doubles: compare with an earlier reading of
    the same bucket, or with a tolerance, never with the ledger's own count (FINDINGS, second part, 2).
    """

    start_ms: int
    count: int
    cost: float
    tokens: int

    @property
    def fingerprint(self) -> str:
        """Changes when anything in the bucket did that the sums can see."""
        return f"{self.count}:{self.cost:.9f}:{self.tokens}"


@dataclass(frozen=True, slots=True)
class ModelList:
    """Langfuse's price list, its own models and the project's. `skipped` names the entries that could not be read."""

    models: tuple[ModelPrices, ...]
    skipped: tuple[str, ...] = ()


class Source(Protocol):
    """One Langfuse project, read through one key pair."""

    async def identify(self) -> ProjectIdentity:
        """Ask who we are and which API answers; raises as `Walk` does."""

    def walk(self, span: Span, *, priority: Priority = Priority.LIVE) -> Walk:
        """A walk through `span`. Where requests are short, the less urgent walk waits for the more urgent one."""

    async def sums(self, span: Span, *, by_minute: bool = False) -> Sequence[BucketSum]:
        """The sums of all observations by UTC hour (or minute), oldest first, buckets without any left out.

        One request; at most 1,000 buckets, ValueError for a longer span. `span` lies on bucket boundaries. Raises as
        `Walk` does.
        """

    async def models(self) -> ModelList:
        """The price list; a request for each 100 models, of the least urgency. Raises as `Walk` does."""

    async def close(self) -> None: ...


class Gate(Protocol):
    """Holds requests to Langfuse back, so that an organisation's rate limit is never reached by us alone."""

    def belongs_to(self, organisation_id: str) -> None:
        """Whose budget the requests count against, once that is known; "" when the server names no organisation."""

    async def wait(self, endpoint: str, priority: Priority) -> None:
        """Return when a request may be sent; it is counted. `Retryable` (``rate_limited``) when that takes too long."""

    async def limited(self, endpoint: str, *, limit: int | None, retry_after_s: float | None) -> None:
        """Langfuse answered 429: the allowance it named, and how long it asked us to wait."""


class RateMemory(Protocol):
    """Keeps the rate budget of an organisation over restarts. `organisation` is host and id, `text` opaque."""

    def load_rate(self, organisation: str) -> str | None: ...

    def save_rate(self, organisation: str, text: str) -> None: ...


# ---------------------------------------------------------------- destinations


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver said. `reference` finds the message again (a Slack timestamp), "" if there is none."""

    reference: str = ""


class Notifier(Protocol):
    """One configured destination. `send` returns only after the receiver accepted; else `Retryable` or `Permanent`."""

    @property
    def min_interval_s(self) -> float:
        """The least time between two sends, in seconds: 1 for a Slack channel, 0 for most."""

    async def send(self, message: Message) -> Receipt: ...

    async def close(self) -> None: ...


class Pinger(Protocol):
    """Tells a watchdog that all is well. `ping` returns after it was heard; else `Retryable` or `Permanent`."""

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


# ---------------------------------------------------------------- store: units of work


@dataclass(frozen=True, slots=True)
class ProjectState:
    """What the store knows of a project. Times are epoch milliseconds, None when it has not happened.

    `need_from_ms` is how far back the rules look; `loaded_ms` when the first load was complete; `failing_since_ms` the
    first failed read since the last success, with `failure` (reason) and `failure_text`; `retry_at_ms`: not before.
    """

    key: str
    name: str
    host: str
    project_id: str
    organisation_id: str
    api: str
    floor_ms: int | None
    loaded_ms: int | None
    counters_from_ms: int | None
    last_success_ms: int | None
    data_as_of_ms: int | None
    failing_since_ms: int | None
    failure: str
    failure_text: str
    retry_at_ms: int | None
    reconciled_ms: int | None = None
    drift_pico: int = 0
    attribution: str = ""
    """The revision of the attribution by which what is covered was read, "" before the first."""
    stale_ms: int = 0
    """How much that was read by an earlier attribution is still to be read again."""


class Recorded(NamedTuple):
    """What writing one batch of generations changed. `first_seen`: when those started that were never seen before;
    `completed`: how many that were in the ledger took a dimension from what was read now of their trace.
    `below_floor`: how many were left out, since rows of their time were pruned and they may be counted already."""

    new: int
    changed: int
    unchanged: int
    delta: Amounts
    unpriced: int
    first_seen: Sequence[int] = ()
    completed: int = 0
    below_floor: int = 0


EstimatePlace: TypeAlias = tuple[int, int, bytes, bytes]
"""Where a walk through the rows without a price stands: start, number of the dimensions, trace, observation."""


class Reestimated(NamedTuple):
    """One step of such a walk: rows looked at, estimates changed, and behind which row to go on, None at the end."""

    rows: int
    changed: int
    last: EstimatePlace | None


class IngestUnit(Protocol):
    """One write transaction of the ingest pass, for one project."""

    def project(self) -> ProjectState: ...

    def coverage(self) -> Sequence[Span]:
        """The spans that were read, sorted, disjoint, merged where they touch."""

    def record(
        self,
        span: Span,
        generations: Sequence[Generation],
        *,
        now_ms: int,
        whole: bool = False,
        prices: PriceBook = NO_PRICES,
        inheritance: Inheritance = NOTHING_INHERITED,
    ) -> Recorded:
        """Diff `generations` (those that start inside `span`, in any order, several versions of one id allowed)
        against the ledger, write the differences, append their deltas for assess, and move the counters.

        They come with their own dimensions; what these lack they take from `inheritance` and from what was read of
        their traces in the last 24 hours, and so do the rows of these traces that are in the ledger. A version equal to
        the stored one replaces it when that was read by another attribution. `Retryable` (``rules_changed``), and
        nothing is written, when `inheritance` is not of the attribution in force (`Store.set_attribution`).

        `whole` says that these are all the versions that Langfuse holds there: then its newest one also replaces a
        stored one that would win, since Langfuse is the truth and no longer holds that. What Langfuse could not price
        is estimated by `prices`; when other estimates come from another book, all are to be formed again.

        What starts below the project's floor is left out.
        """

    def has_unpriced(self, from_ms: int) -> bool:
        """Whether any counted generation from `from_ms` on has usage without a whole price."""

    def models_ms(self) -> int | None:
        """When the price list was fetched; None when it never was."""

    def models(self) -> Sequence[ModelPrices]:
        """The price list as it was last fetched."""

    def put_models(self, found: ModelList, *, at_ms: int) -> None: ...

    def begin_estimates(self, revision: str) -> bool:
        """The book of this revision is in force. False when all estimates come from it; else they are to be formed
        again by `estimate_again`, from the start."""

    def estimate_again(self, prices: PriceBook, after: EstimatePlace | None) -> Reestimated:
        """Form the estimates of a bounded number of generations anew, and append what that changes for assess."""

    def end_estimates(self, revision: str) -> bool:
        """The walk came to its end. False when estimates of another book were written meanwhile: walk again."""

    def cover(self, span: Span, *, read_at_ms: int) -> None:
        """Remember that `span` was read completely; it is stale no more."""

    def stale(self) -> Sequence[Span]:
        """What was read by an earlier attribution only, sorted, disjoint; none of it is covered."""

    def lateness(self) -> Lateness:
        """How late generations appeared, as far as `put_lateness` was told; nothing when it never was."""

    def put_lateness(self, lateness: Lateness) -> None: ...

    def succeeded(self, *, at_ms: int, as_of_ms: int) -> None:
        """A whole live read worked: forget the failure, move `data_as_of_ms`."""

    def loaded(self, *, at_ms: int, counters_from_ms: int) -> None:
        """The first load is complete: counters appear from here on."""

    def hours(self, span: Span) -> Mapping[int, HourLedger]:
        """What the ledger holds by UTC hour, as epoch milliseconds of its start; counted generations only."""

    def readings(self, span: Span) -> Mapping[int, HourReading]:
        """The last comparison of each hour that had one."""

    def put_reading(self, hour_ms: int, reading: HourReading) -> None: ...

    def mark_gone(self, span: Span, present: Collection[tuple[str, str, int]], *, at_ms: int) -> int:
        """Langfuse holds exactly the (trace id, observation id, start) of `present` in `span`, read completely: what
        else the ledger holds there vanished. It stays counted, since it was spent. Returns how many are newly gone; a
        row that is there again is gone no more."""

    def reconciled(self, *, at_ms: int, drift_pico: int) -> None:
        """A comparison ended; what it left unexplained is the project's drift."""

    def distrust_sums(self) -> None:
        """The ledger had been changed behind our back: totals and counters are summed anew from the rows and the
        archive, and assess forms all cells anew as far as there are rows."""


class SeriesUnit(Protocol):
    """The cells under the rules, as the engine reads them. `view` is a `views.View.id`."""

    def quarters(self, view: str, key: tuple[str, ...], from_cell: int, to_cell: int) -> Sequence[tuple[int, Amounts]]:
        """The 15-minute cells ``from_cell <= cell < to_cell`` that hold anything, in order."""

    def days(self, view: str, key: tuple[str, ...], from_day: int, to_day: int) -> Sequence[tuple[int, Amounts]]:
        """The local-day cells (day indexes of the view's calendar) that hold anything, in order."""

    def blocks(
        self, view: str, key: tuple[str, ...], from_cell: int, to_cell: int, at_cell: int, size: int
    ) -> Sequence[tuple[int, Amounts]]:
        """The sums of blocks of `size` 15-minute cells in ``from_cell <= cell < to_cell``, in order, those that hold
        anything: block 0 begins at `at_cell`, block -1 ends there."""

    def first_cell(self, view: str, key: tuple[str, ...]) -> int | None:
        """The first 15-minute cell in which the key existed."""


class RuleState(NamedTuple):
    """What the store remembers of a rule. `revision` is a hash of its meaning when it was last judged as a whole;
    `ready_ms` when it was first judged over a period read from its start."""

    rule: str
    kind: str
    revision: str
    ready_ms: int | None


class Due(NamedTuple):
    """A key to judge although nothing touched it: a period ended, or a notice was held back."""

    rule: str
    key: tuple[str, ...]
    at_ms: int


class Row(NamedTuple):
    """One counted generation as the search for the exact crossing needs it."""

    project: str
    start_ms: int
    dimensions: Dimensions
    user: str
    session: str
    amounts: Amounts


class Totals(NamedTuple):
    """The whole ledger: counted generations, their cost, how many of them have usage but no price, and what these are
    estimated to cost beside it."""

    generations: int
    cost_pico: int
    unpriced: int
    estimate_pico: int = 0


class Pruned(NamedTuple):
    """One step of pruning a project: how many rows went, before which instant there are none now, whether more wait."""

    rows: int
    floor_ms: int
    more: bool


class Audited(NamedTuple):
    """The last audit: when it ended, which day it looked at (a day index), and what it found wrong, to be told: rule
    or use of each view that was formed anew, and how many of its cells differed, by `off_pico` at the most."""

    at_ms: int
    day: int
    found: tuple[tuple[str, int], ...] = ()
    off_pico: int = 0


class AssessUnit(SeriesUnit, Protocol):
    """One write transaction of the assess pass: what it takes, changes and enqueues becomes true together."""

    def projects(self) -> Sequence[ProjectState]: ...

    def coverage(self) -> Mapping[str, Sequence[Span]]:
        """The spans read, by project key; sorted, disjoint, merged where they touch."""

    def take_deltas(self, limit: int) -> Sequence[Delta]:
        """Take up to `limit` changes, oldest first; they are gone when the transaction commits."""

    def built_views(self) -> frozenset[str]: ...

    def known_from(self) -> Mapping[str, int]:
        """By view: before which instant its cells lack what had been pruned when it was built. Views that lack nothing
        are left out."""

    def build_view(
        self,
        view: str,
        key_of: Callable[[str, Dimensions, str, str], tuple[str, ...] | None],
        day_of: Callable[[int], int],
        *,
        uses_people: bool,
    ) -> None:
        """Form the cells of a view from the rows. Only when no delta is left to take. Of one that was built before,
        the cells from before the rows begin stay.

        `day_of` maps a 15-minute cell to the day index of the view's calendar.
        """

    def drop_views(self, keep: frozenset[str]) -> None: ...

    def add(self, view: str, key: tuple[str, ...], cell: int, day: int, amounts: Amounts) -> None:
        """Add to the key's 15-minute cell and to its day cell."""

    def keys(self, view: str, from_cell: int) -> Sequence[tuple[str, ...]]:
        """The keys that spent anything in or after `from_cell`."""

    def rows(self, from_ms: int, to_ms: int) -> Sequence[Row]:
        """The counted generations of all projects that start in the span, by start time. Meant for one cell."""

    def unpriced(self, project: str, from_ms: int, to_ms: int) -> Sequence[tuple[Dimensions, int, int]]:
        """How many counted generations of the span have usage and no price, or one for only part of it, and what they
        are estimated to cost beside their price, for each set of dimensions that has any. It reads those generations
        only."""

    def rule_states(self) -> Mapping[str, RuleState]: ...

    def put_rule_state(self, state: RuleState) -> None: ...

    def drop_rule(self, rule: str) -> None: ...

    def incident(self, rule: str, key: tuple[str, ...], period: str) -> Incident | None:
        """The latest episode, whatever its state."""

    def open_incidents(self, rule: str | None = None) -> Sequence[Incident]: ...

    def ended_incidents(self, from_ms: int) -> Sequence[Incident]:
        """Those that rolled over with a period that ended after the instant."""

    def put_incident(self, incident: Incident) -> None: ...

    def due(self, now_ms: int) -> Sequence[Due]: ...

    def set_due(self, rule: str, key: tuple[str, ...], at_ms: int | None) -> None:
        """When to judge the key again; None forgets it."""

    def enqueue(self, message: Message) -> bool:
        """Put a message into the outbox. False, and no change, when its id is there already."""

    def silences(self, now_ms: int) -> Sequence[Silence]:
        """Those that are active."""

    def held(self) -> Sequence[Held]:
        """All notices that wait, in the order in which they were first held."""

    def put_held(self, held: Held) -> None:
        """Keep it; one incident has one for each destination, and the latest counts."""

    def drop_held(self, incident_id: str, destination: str) -> None: ...

    def incident_by_id(self, incident_id: str) -> Incident | None: ...

    def is_known(self, dimension: str, value: str) -> bool:
        """Whether the value was seen before, as `know` was told."""

    def know(self, dimension: str, values: Collection[str]) -> None:
        """Remember the values for ever, whatever is pruned."""

    def totals(self) -> Totals: ...

    def mark(self, name: str) -> int | None:
        """The number that was last put under this name, None when none ever was: when something was last done."""

    def put_mark(self, name: str, value: int) -> None: ...

    def audited(self) -> Audited | None: ...


class AssessStore(Protocol):
    """What the assess pass needs of a store: the database has it, and so has a replay in memory."""

    def assess(self, work: Callable[[AssessUnit], T], /) -> T: ...


class Claimed(NamedTuple):
    """A delivery that is ours to attempt. `attempts` counts those before this one."""

    id: str
    message: Message
    attempts: int
    created_ms: int


class DeliverUnit(Protocol):
    """One short transaction of the deliver pass; sending happens outside."""

    def claim(self, destination: str, *, now_ms: int, until_ms: int, holder: str) -> Claimed | None:
        """The oldest due delivery of the destination, claimed until `until_ms`; None when there is none, or when an
        older one of the same destination is claimed by somebody else."""

    def sent(self, claimed: Claimed, *, at_ms: int, reference: str) -> None: ...

    def retry(self, claimed: Claimed, *, at_ms: int, next_ms: int, reason: str, text: str) -> None: ...

    def dead(self, claimed: Claimed, *, at_ms: int, reason: str, text: str) -> None: ...

    def release(self, claimed: Claimed) -> None:
        """Give the claim back untouched (shutdown)."""

    def next_due(self, destinations: Sequence[str]) -> int | None:
        """When the next pending delivery of these destinations may be attempted."""


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


class ReadUnit(SeriesUnit, Protocol):
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

    def counters(self) -> Sequence[CounterSeries]: ...

    def durations(self) -> Sequence[DurationSeries]: ...

    def project_counters(self) -> Sequence[ProjectCounters]: ...

    def deliveries(self, *, states: Sequence[str], limit: int) -> Sequence[DeliveryRow]: ...

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

    def redact_incidents(self, user: str, places: PersonPlaces, after: int) -> tuple[int, int | None]:
        """Replace the user in some incidents behind `after` (0 at first): in how many, and the last one looked at,
        None at the end."""

    def redact_deliveries(self, user: str, places: PersonPlaces, after: int) -> tuple[int, int | None]:
        """The same for messages."""


class Store(RateMemory, Protocol):
    """The database. Each call is one transaction; `work` may be run again when the database was busy."""

    def ingest(self, project: str, work: Callable[[IngestUnit], T], /) -> T: ...

    def assess(self, work: Callable[[AssessUnit], T], /) -> T: ...

    def deliver(self, work: Callable[[DeliverUnit], T], /) -> T: ...

    def read(self, work: Callable[[ReadUnit], T], /) -> T: ...

    def upkeep(self, work: Callable[[UpkeepUnit], T], /) -> T: ...

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

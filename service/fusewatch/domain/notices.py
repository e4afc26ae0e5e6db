"""What is told to people: incidents, transitions and messages. Facts only; the words are those of `notify`."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from fusewatch.domain.explanations import Explanation
from fusewatch.domain.forecast import Forecast
from fusewatch.domain.periods import Every, Last
from fusewatch.domain.rules import Method, Severity, Unit

AUDIT = "audit"
"""The key of a drift incident that the nightly audit opened begins with this; its day is the rest."""


class Kind(StrEnum):
    """What an incident is about."""

    BUDGET = "budget"
    SPIKE = "spike"
    FORECAST = "forecast"
    """The limit of a budget will be crossed before its period ends, as far as can be seen."""
    UNREADABLE = "unreadable"
    UNPRICED = "unpriced"
    """Usage whose price Langfuse does not know: its cost is unknown."""
    DRIFT = "drift"
    """Ledger and Langfuse stay apart, and nothing explains it."""
    UNATTRIBUTED = "unattributed"
    """Much of the spend lacks a dimension that rules use."""
    SILENT = "silent"
    """Reading works, but nothing comes any more."""
    NEW = "new"
    """The first real money of a value never seen before."""

    @property
    def is_watch(self) -> bool:
        """Whether Fusewatch watches it by itself, so that no rule of the file stands behind it."""
        return self not in (Kind.BUDGET, Kind.SPIKE, Kind.FORECAST)


class State(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    ROLLED_OVER = "rolled_over"
    WITHDRAWN = "withdrawn"


class Reason(StrEnum):
    """Why an incident changed."""

    OPENED = "opened"
    ESCALATED = "escalated"
    REPEATED = "repeated"
    """Nothing changed: it is told again because it is still open."""
    RESOLVED = "resolved"
    ROLLED_OVER = "rolled_over"
    WITHDRAWN = "withdrawn"


class Cause(StrEnum):
    """What made an incident end or change, where that is known."""

    NONE = ""
    LIMIT_RAISED = "limit_raised"
    CORRECTED = "corrected"
    REESTIMATED = "reestimated"
    """Our estimate for usage without a price fell: Langfuse has a cost now, or the prices are others."""
    SUBSIDED = "subsided"
    """A rolling sum stayed clearly below the line for a whole window."""
    READ_AGAIN = "read_again"


class Timing(StrEnum):
    """When the crossing was learned, compared with when it happened."""

    LIVE = "live"
    AT_START = "at_start"
    """Already so when the rule was first judged: goes out in one summary for each destination."""
    LATE = "late"
    """Learned after its period had ended, within 24 hours: announced once, marked late."""
    RECORDED = "recorded"
    """Learned too late to announce: kept, never sent."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """One threshold that was crossed. `share` of the limit; `at_ms` the start of the generation that crossed it;
    `learned_ms` when we knew; `limit` in the rule's unit."""

    share: Fraction
    severity: Severity
    limit: int
    at_ms: int
    learned_ms: int


@dataclass(frozen=True, slots=True)
class Incident:
    """The remembered episode of one rule, key and period.

    `key` holds the values of the rule's `each` dimensions in their order; `labels` are (dimension, value) pairs for
    people, with project names in place of ids. `level` is the highest threshold that counts as announced; `measured`
    and `limit` are in the rule's unit (1e-12 USD for money); for a spike `limit` is factor x baseline and `baseline`
    what was compared. `told` names the destinations that were told of the opening. `told_ms` is when any was told
    anything of it last, and `repeats` how often it was told again without any change. `estimated` is the part of
    `measured` that is our own estimate for usage without a price, 1e-12 USD; for `unpriced`, which measures requests,
    what they are estimated to cost.

    For a watch: `unpriced` measures requests, and `parts` are those of the models with most of them; `drift` measures
    ledger minus Langfuse, after an audit the difference between sums and rows, whose `parts` are the cells that were
    wrong by rule; `unattributed` measures the cost without the dimension, its `baseline` is the whole cost of
    the day and its `limit` the part of it that may lack it; `silent` has one crossing, the last generation's start;
    `new` measures the cost of the value so far, and its one crossing is the value's first generation.

    The `detail` of a spike is its method, where that is not the plain ratio.

    A rolling window has the label `last:24h` wherever it lies, and the span where it lay when it was judged; its
    incident is an episode, and `calm_since_ms` says since when the sum is clearly below the line (`episodes`).
    """

    id: str
    kind: Kind
    rule: str
    key: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    period: str
    period_start_ms: int
    period_end_ms: int
    timezone: str
    episode: int
    state: State
    severity: Severity
    level: Fraction
    limit: int
    unit: Unit
    measured: int
    opened_ms: int
    changed_ms: int
    crossings: tuple[Crossing, ...] = ()
    told: tuple[str, ...] = ()
    timing: Timing = Timing.LIVE
    baseline: int | None = None
    baseline_days: int = 0
    detail: str = ""
    parts: tuple[tuple[str, int], ...] = ()
    estimated: int = 0
    forecast: Forecast | None = None
    """Only of a `forecast`: what was expected at the last judgement."""
    calm_since_ms: int | None = None
    told_ms: int | None = None
    repeats: int = 0
    acked_ms: int | None = None
    """Since when somebody looks after it (`acked_by`); until it escalates."""
    acked_by: str = ""
    told_as: tuple[tuple[str, Severity], ...] = ()
    """As how severe the destinations that relay know it, (name, severity): the latest last."""

    @property
    def highest(self) -> Fraction:
        """The highest share that was crossed, whatever it has fallen to since."""
        return max((crossing.share for crossing in self.crossings), default=self.level)

    @property
    def rolling(self) -> bool:
        """Whether it is an episode of a rolling window, which has no end of its own."""
        return self.period.startswith("last:")

    @property
    def seasonal(self) -> bool:
        """Whether it is a spike against what is usual at this time of day: its baseline is no average."""
        return self.kind is Kind.SPIKE and self.detail == Method.SEASONAL

    @property
    def window(self) -> Last | None:
        """The rolling window that it is about."""
        return Last(self.period_end_ms - self.period_start_ms) if self.rolling else None

    @property
    def group(self) -> str:
        """The key as people and metrics write it: ``feature=a,team=b``; empty for a rule without `each`."""
        return ",".join(f"{name}={value}" for name, value in self.labels)


@dataclass(frozen=True, slots=True)
class NoticeLink:
    """Where the rows of a notice are seen. `wider` says what is seen there, where that is more than was meant."""

    label: str
    url: str
    wider: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One transition of one incident, as it stood then.

    `threshold` is the share announced (for a spike the multiple of its line); `as_of_ms` how old the data is;
    `at_least` says that part of the period is not read yet, so that `measured` is a lower bound.
    """

    incident: Incident
    reason: Reason
    severity: Severity
    threshold: Fraction
    at_ms: int
    as_of_ms: int
    cause: Cause = Cause.NONE
    previous: int | None = None
    at_least: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    runbook: str = ""
    forecast: Forecast | None = None
    """What the period is expected to have spent at its end; of a running budget that was read up to now."""
    rows: tuple[tuple[str, str], ...] = ()
    """What the rows that it counts are known to have in common: (dimension, value), sorted."""
    hours: tuple[int, ...] = ()
    """What its key spent in each of the last 24 hours before `at_ms`, in the incident's unit, the last hour last; empty
    where that is not known. They end with the quarter hour that runs, so that the last one is not whole."""
    silent_ms: int | None = None
    """Until when a silence that somebody (`silent_by`) made from its message holds the next ones back."""
    silent_by: str = ""
    links: tuple[NoticeLink, ...] = ()
    """To the rows in Langfuse, as it was when this was decided."""
    why: Explanation | None = None
    """What explains it, as it was enqueued; of the first notices of a message only."""


class MessageKind(StrEnum):
    NOTICES = "notices"
    """One or more notices of one pass, most severe first."""
    START = "start"
    """What was already over when watching began."""
    UNREADABLE = "unreadable"
    READABLE = "readable"
    """Recovery after a gap, with what happened in it."""
    SUMMARY = "summary"
    """What was held back and still stands, at the end of quiet hours or of a silence."""
    UPDATE = "update"
    """Ends that are no news, for destinations whose earlier messages can change: nobody is called for it."""
    SAMPLE = "sample"
    DIGEST = "digest"
    """What a day, week or month cost, at a fixed time."""


class Why(StrEnum):
    """Why a notice waits."""

    QUIET_HOURS = "quiet_hours"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Hold:
    """What keeps a notice from a destination: from `since_ms` on, and until `until_ms` unless somebody ends it.

    `silence` is the id of the silence, "" for quiet hours.
    """

    why: Why
    since_ms: int
    until_ms: int
    silence: str = ""


@dataclass(frozen=True, slots=True)
class StartSummary:
    """What the first load read: `projects` by name, days, generations, money."""

    projects: tuple[str, ...]
    history_ms: int
    generations: int
    cost_pico: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A span in which a project could not be read. `until_ms` None while it lasts; `reason` as the reader said it."""

    project: str
    since_ms: int
    until_ms: int | None
    reason: str
    cost_pico: int = 0
    near: tuple[tuple[str, str, int], ...] = ()
    """Budgets above 80 % when it began: (rule, group, percent)."""
    incident: str = ""
    """The id of the incident that it is."""


class Mover(NamedTuple):
    """A value of a dimension whose spend changed: what it cost in the period, and in the one before, 1e-12 USD."""

    dimension: str
    value: str
    cost_pico: int
    before_pico: int


class Near(NamedTuple):
    """A budget of which at least 80 % was used: in the period that ended, or so far where its own still runs.

    `day` counts the days of a running period, of `days`; both 0 where it ended.
    """

    rule: str
    labels: tuple[tuple[str, str], ...]
    every: str
    unit: Unit
    measured: int
    limit: int
    day: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """What a digest tells of the period [start_ms, end_ms), and of the one before it, which starts at `before_ms`.

    `up` and `down` are those whose spend rose and fell most, the largest change first; `near` the budgets near their
    limit or over it; `open_incidents` counts those that are open now by severity word; `unpriced` are (model, requests)
    and `unattributed` (dimension, 1e-12 USD), each only where there are any. `at_least`: part of it is not read yet.
    """

    every: Every
    start_ms: int
    end_ms: int
    before_ms: int
    timezone: str
    cost_pico: int
    requests: int
    tokens: int
    before_pico: int
    up: tuple[Mover, ...] = ()
    down: tuple[Mover, ...] = ()
    near: tuple[Near, ...] = ()
    near_count: int = 0
    open_incidents: tuple[tuple[str, int], ...] = ()
    unpriced: tuple[tuple[str, int], ...] = ()
    unattributed: tuple[tuple[str, int], ...] = ()
    at_least: bool = False
    estimated_pico: int = 0
    """The part of `cost_pico` that is our own estimate."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A destination's own words, as templates: what stands in place of our headline, and of all below it down to the
    links. None leaves ours."""

    title: str | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What one destination receives at once. `id` is stable over retries, so that a receiver can drop a repeat.

    `notices` are ordered: most severe first, then most specific, then the largest share. Their number has no bound:
    renderers show the first ones whole, then lines, then a count.
    """

    id: str
    destination: str
    kind: MessageKind
    severity: Severity
    created_ms: int
    notices: tuple[Notice, ...] = ()
    start: StartSummary | None = None
    gap: Gap | None = None
    hold: Hold | None = None
    """For a summary: what held its notices back, as it was when it ended."""
    link: str = ""
    """The address of our own page, where FUSEWATCH_PUBLIC_URL is set."""
    digest: DigestFacts | None = None
    sample_of: MessageKind | None = None
    """Of a sample: the kind that it shows; None shows its notices."""
    wording: Wording | None = None

"""What is told to people: incidents, transitions and messages. Facts only; the words are those of `notify`."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from fusewatch.domain.rules import Severity, Unit

AUDIT = "audit"
"""The key of a drift incident that the nightly audit opened begins with this; its day is the rest."""


class Kind(StrEnum):
    """What an incident is about."""

    BUDGET = "budget"
    SPIKE = "spike"
    UNREADABLE = "unreadable"
    UNPRICED = "unpriced"
    """Usage whose price Langfuse does not know: its cost is unknown."""
    DRIFT = "drift"
    """Ledger and Langfuse stay apart, and nothing explains it."""
    UNATTRIBUTED = "unattributed"
    """Much of the spend lacks a dimension that rules use."""
    SILENT = "silent"
    """Reading works, but nothing comes any more."""

    @property
    def is_watch(self) -> bool:
        """Whether Fusewatch watches it by itself, so that no rule of the file stands behind it."""
        return self not in (Kind.BUDGET, Kind.SPIKE)


class State(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    ROLLED_OVER = "rolled_over"
    WITHDRAWN = "withdrawn"


class Reason(StrEnum):
    """Why an incident changed."""

    OPENED = "opened"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    ROLLED_OVER = "rolled_over"
    WITHDRAWN = "withdrawn"


class Cause(StrEnum):
    """What made an incident end or change, where that is known."""

    NONE = ""
    LIMIT_RAISED = "limit_raised"
    CORRECTED = "corrected"
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
    what was compared. `told` names the destinations that were told of the opening.

    For a watch: `unpriced` measures requests, and `parts` are those of the models with most of them; `drift` measures
    ledger minus Langfuse, after an audit the difference between sums and rows, whose `parts` are the cells that were
    wrong by rule; `unattributed` measures the cost without the dimension, its `baseline` is the whole cost of
    the day and its `limit` the part of it that may lack it; `silent` has one crossing, the last generation's start.
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

    @property
    def group(self) -> str:
        """The key as people and metrics write it: ``feature=a,team=b``; empty for a rule without `each`."""
        return ",".join(f"{name}={value}" for name, value in self.labels)


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


class MessageKind(StrEnum):
    NOTICES = "notices"
    """One or more notices of one pass, most severe first."""
    START = "start"
    """What was already over when watching began."""
    UNREADABLE = "unreadable"
    READABLE = "readable"
    """Recovery after a gap, with what happened in it."""
    SAMPLE = "sample"


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
    link: str = ""
    """The address of our own page, where FUSEWATCH_PUBLIC_URL is set."""

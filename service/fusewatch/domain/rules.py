"""What was declared: budgets, spikes, scopes, routes. Frozen values, compiled from the budget file by `config`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from fractions import Fraction

from fusewatch.domain.periods import Calendar, Every, Last
from fusewatch.domain.prices import Price
from fusewatch.domain.quiet import QuietHours

BUILT_IN_DIMENSIONS = (
    "project",
    "environment",
    "feature",
    "team",
    "user",
    "session",
    "model",
    "provider",
    "operation",
    "type",
    "release",
    "version",
    "prompt",
    "trace_name",
)

HIGH_CARDINALITY = frozenset({"user", "session"})
"""Dimensions that never become a metric label."""

DEFAULT_EXCLUDED_ENVIRONMENTS = ("langfuse-*", "sdk-experiment")


class Unit(StrEnum):
    """What a limit counts."""

    USD = "usd"
    TOKENS = "tokens"
    REQUESTS = "requests"
    USD_PER_REQUEST = "usd_per_request"
    """What one request costs, in 1e-12 USD; of spikes alone, no limit is written in it."""

    @property
    def is_money(self) -> bool:
        """Whether its amounts are picodollars."""
        return self in (Unit.USD, Unit.USD_PER_REQUEST)


class Severity(IntEnum):
    INFO = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount that a scope may use in a period: 1e-12 USD for `Unit.USD`, else a count."""

    unit: Unit
    amount: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """A share of the limit at which severity changes; `notify` overrides the rule's destinations."""

    share: Fraction
    severity: Severity
    notify: tuple[str, ...] | None = None


DEFAULT_THRESHOLDS = (
    Threshold(Fraction(1, 2), Severity.INFO),
    Threshold(Fraction(4, 5), Severity.WARNING),
    Threshold(Fraction(1), Severity.CRITICAL),
)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One `dimension: pattern` entry. Patterns are globs (`*`, `?`, `[…]`), compared with case; any of them may match.

    For `project` the patterns match the name in the budget file.
    """

    dimension: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which generations count: every matcher of `where` matches and none of `unless` does."""

    where: tuple[Matcher, ...] = ()
    unless: tuple[Matcher, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """Another limit for the keys that match; `limit` None means no limit. `until_ms`: not from this instant on."""

    match: tuple[Matcher, ...]
    limit: Limit | None
    notify: tuple[str, ...] | None = None
    until_ms: int | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit for a scope over a calendar period or a rolling window; one judgement for each combination of `each`
    values that appears."""

    name: str
    limit: Limit
    every: Every | Last
    calendar: Calendar = Calendar()
    scope: Scope = Scope()
    each: tuple[str, ...] = ()
    thresholds: tuple[Threshold, ...] = DEFAULT_THRESHOLDS
    overrides: tuple[Override, ...] = ()
    notify: tuple[str, ...] | None = None
    was: str | None = None
    forecast: bool = False
    """Whether people are warned before the limit is crossed; the forecast itself is shown for every budget."""
    metered: bool = False
    """Whether Langfuse's own sums are judged in place of the ledger (`domain.metered`)."""


class BaselineUsing(StrEnum):
    MEAN = "mean"
    MEDIAN = "median"


class Method(StrEnum):
    """How a spike is compared: by a multiple of the average, or robustly with the usual at this time (`baselines`)."""

    RATIO = "ratio"
    SEASONAL = "seasonal"


@dataclass(frozen=True, slots=True)
class Baseline:
    """The days a spike is compared with: up to `days` complete local days before today, at least `at_least` of them."""

    days: int = 7
    at_least: int = 3
    using: BaselineUsing = BaselineUsing.MEAN
    same_weekday: bool = False


@dataclass(frozen=True, slots=True)
class Spike:
    """Today so far against the days before: fires above `factor` times the baseline and at least `floor` above it.

    `unit` says what is compared; `floor` is in that unit, or money where it is the cost of a request. With `last`, at
    most a day, the window that ends now is compared with the same window of the local clock on the days before. A
    seasonal spike has a line of its own; `factor` times its baseline is the least that passes it.
    """

    name: str
    factor: Fraction
    floor: int
    unit: Unit = Unit.USD
    baseline: Baseline = Baseline()
    calendar: Calendar = Calendar()
    scope: Scope = Scope()
    each: tuple[str, ...] = ()
    notify: tuple[str, ...] | None = None
    was: str | None = None
    last: Last | None = None
    method: Method = Method.RATIO


Rule = Budget | Spike


def period_kind(rule: Rule) -> Every | Last:
    """The period or window of a rule; a spike without a window lives for its local day."""
    if isinstance(rule, Budget):
        return rule.every
    return rule.last or Every.DAY


@dataclass(frozen=True, slots=True)
class Route:
    """An owner: the first route whose matchers all match a key adds destinations, labels and a runbook."""

    match: tuple[Matcher, ...]
    notify: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class DestinationPolicy:
    """What the core knows of a destination: its name, its kind, the least severity it takes, its readers' time zone.

    `quiet` are its quiet hours, in its own zone; notices of the severities `urgent` do not wait for their end.
    `relays`: it passes notices on to something that groups, repeats and keeps quiet by itself (an Alertmanager), so it
    gets each notice at once, and none again. `follows`: what it received stays in sight and can change (a
    Slack message, an alert), so it learns of ends that are no news as well: a period that is over, a rule that is gone.
    """

    name: str
    type: str
    least: Severity = Severity.WARNING
    timezone: str = "UTC"
    quiet: QuietHours | None = None
    urgent: tuple[Severity, ...] = ()
    relays: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The watch for a project that cannot be read; `after_ms` since the last success, None when switched off."""

    after_ms: int | None = 15 * 60_000


@dataclass(frozen=True, slots=True)
class Unpriced:
    """The watch for usage without a price: more than `above` requests of a project's day; None when switched off."""

    above: int | None = 100


@dataclass(frozen=True, slots=True)
class Drift:
    """The watch for a ledger that stays apart from Langfuse by more than this; None when switched off."""

    above_pico: int | None = 10**12


@dataclass(frozen=True, slots=True)
class Unattributed:
    """The watch for spend whose dimension is unknown: more than this share of a project's day, and at least
    `floor_pico`. `above` is None when it is switched off."""

    above: Fraction | None = Fraction(1, 5)
    floor_pico: int = 5 * 10**12


@dataclass(frozen=True, slots=True)
class Silent:
    """The watch for a project in which nothing comes any more; off, as by default, when `after_ms` is None."""

    after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """A report of the period that ended, sent on the first day of the next at `at_min` minutes after local midnight."""

    every: Every
    at_min: int
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Newcomers:
    """The watch for values never seen before of these dimensions, each by itself, once they cost `floor_pico`; off, as
    by default, without a dimension."""

    each: tuple[str, ...] = ()
    floor_pico: int = 5 * 10**12


@dataclass(frozen=True, slots=True)
class Retention:
    """How long rows and sums are kept; None for ever: nothing is deleted that nobody asked to delete."""

    rows_ms: int | None = None
    totals_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AttributionSource:
    """One place to take a dimension from. `kind`: ``metadata`` (`name` is a path), ``tag`` (prefix) or ``field``."""

    kind: str
    name: str


DEFAULT_ATTRIBUTION: tuple[tuple[str, tuple[AttributionSource, ...]], ...] = (
    (
        "feature",
        (
            AttributionSource("metadata", "feature"),
            AttributionSource("tag", "feature"),
            AttributionSource("field", "trace_name"),
        ),
    ),
    ("team", (AttributionSource("metadata", "team"), AttributionSource("tag", "team"))),
)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Everything that the budget file declares about judging and routing. `revision` is a hash of its meaning."""

    budgets: tuple[Budget, ...] = ()
    spikes: tuple[Spike, ...] = ()
    routes: tuple[Route, ...] = ()
    notify: tuple[str, ...] = ()
    destinations: Mapping[str, DestinationPolicy] = field(default_factory=dict)
    attribution: tuple[tuple[str, tuple[AttributionSource, ...]], ...] = DEFAULT_ATTRIBUTION
    excluded_environments: tuple[str, ...] = DEFAULT_EXCLUDED_ENVIRONMENTS
    calendar: Calendar = Calendar()
    unreadable: Unreadable = Unreadable()
    unpriced: Unpriced = Unpriced()
    drift: Drift = Drift()
    unattributed: Unattributed = Unattributed()
    silent: Silent = Silent()
    digests: tuple[Digest, ...] = ()
    prices: tuple[Price, ...] = ()
    new: Newcomers = Newcomers()
    repeat: tuple[tuple[Severity, int], ...] = ()
    """How often an open incident is told again, in milliseconds, by its severity; those not named never are."""
    metric_labels: tuple[str, ...] = ("feature", "team", "model", "operation")
    max_series: int = 5000
    history_ms: int = 35 * 86_400_000
    retention: Retention = Retention()
    revision: str = ""

    @property
    def rules(self) -> tuple[Rule, ...]:
        return (*self.budgets, *self.spikes)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """All that a generation may have a value of: the built-in ones and those of `attribution`."""
        return tuple(dict.fromkeys((*BUILT_IN_DIMENSIONS, *(name for name, _ in self.attribution))))

    @property
    def watches(self) -> tuple[str, ...]:
        """The names of the watches that are on, where a rule's name would stand."""
        on = {
            "unreadable": self.unreadable.after_ms is not None,
            "unpriced": self.unpriced.above is not None,
            "drift": self.drift.above_pico is not None,
            "unattributed": self.unattributed.above is not None and any(attributed_by(rule) for rule in self.rules),
            "silent": self.silent.after_ms is not None,
            "new": bool(self.new.each),
        }
        return tuple(name for name, is_on in on.items() if is_on)


def attributed_by(rule: Rule) -> tuple[str, ...]:
    """The dimensions whose values decide under which key of a rule a generation counts, or whether it does at all; a
    project is always known."""
    named = (*rule.each, *(matcher.dimension for matcher in rule.scope.where))
    return tuple(name for name in dict.fromkeys(named) if name != "project")

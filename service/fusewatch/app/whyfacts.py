"""What is known of one rule at one instant, and why what was told was told, and the rest not. Facts only."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from fusewatch.domain.forecast import Forecast
from fusewatch.domain.incidents import Standing
from fusewatch.domain.nearest import Misfit
from fusewatch.domain.periods import Period
from fusewatch.domain.rules import Rule, RuleSet, Severity, Unit
from fusewatch.domain.usage import Amounts

NOTHING = Amounts()


class Untold(StrEnum):
    """Why a destination was not told of a threshold."""

    NOT_CROSSED = "not_crossed"
    LOADING = "loading"
    """The period had not been read from its start."""
    CATCHING_UP = "catching_up"
    """Part of the period was not read: below 100 % nothing is told of a lower bound."""
    TOO_FEW_DAYS = "too_few_days"
    """A spike had too few days to be compared with."""
    NOT_IN_FORCE = "not_in_force"
    """The rule did not exist yet."""
    NOT_JUDGED = "not_judged"
    """The ledger says so, and no pass has judged it."""
    RECORDED_ONLY = "recorded_only"
    """Learned too late to announce."""
    SILENCED = "silenced"
    QUIET_HOURS = "quiet_hours"
    BELOW_FROM = "below_from"
    """The destination takes only what is more severe."""
    LIMIT_NONE = "limit_none"
    DESTINATION_DEAD = "destination_dead"
    """The message could not be delivered, and nothing tries again."""
    ANNOUNCED_WITH = "announced_with"
    """Crossed at once with a higher threshold, which was announced for both."""
    ANNOUNCED_BEFORE = "announced_before"
    NOTHING_MATCHED = "nothing_matched"
    NO_DESTINATION = "no_destination"


@dataclass(frozen=True, slots=True)
class Hindrance:
    """One reason, of one destination ("" for all). `until_ms` is when it ends or ended, `silence` its id, `detail` what
    the receiver said, or which threshold was announced."""

    reason: Untold
    destination: str = ""
    until_ms: int | None = None
    silence: str = ""
    detail: str = ""
    least: Severity | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A delivery that told of it: its state is pending, claimed or sent; `next_ms` the next attempt, `sent_ms` when the
    receiver accepted it; `text` what it said when it did not."""

    destination: str
    state: str
    created_ms: int
    sent_ms: int | None
    next_ms: int | None
    attempts: int
    text: str


@dataclass(frozen=True, slots=True)
class Rung:
    """One threshold: a share of the limit, and the least amount that passes it.

    `missing` is what lacks of it as known then, 0 when it was passed. `crossed_ms` is the start of the generation that
    crossed it, `learned_ms` when that was known, None when no incident remembers it. `expected_ms` is when it will be
    crossed at this pace, of the next one only.
    """

    share: Fraction
    severity: Severity
    amount: int
    missing: int
    crossed_ms: int | None = None
    learned_ms: int | None = None
    expected_ms: int | None = None
    told: tuple[Told, ...] = ()
    untold: tuple[Hindrance, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """The budget file in force at an instant: since when, and until when (None: still). `since_ms` is None where no
    version is kept from that time, and `rules` are the oldest that is kept, or today's."""

    rules: RuleSet
    since_ms: int | None
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class Spend:
    """What a key had spent in the period up to an instant: as known `now`, and as known `then`.

    `late` is the part of `now` that was first seen later. `changed` calls have another cost since then, all together by
    `changed_pico`, 1e-12 USD.
    """

    now: Amounts = NOTHING
    then: Amounts = NOTHING
    late: Amounts = NOTHING
    changed: int = 0
    changed_pico: int = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """Which rule was asked about, and how it stood. `existed`: the version in force had it; `differs`: today's file has
    another one by that name, or none. `misfits` are None unless the rule matched nothing in its period and in 7 days;
    `standing` says how far its period was read."""

    rule: Rule
    version: Version
    existed: bool
    differs: bool
    period: Period
    at_ms: int
    as_of_ms: int
    standing: Standing
    stale_ms: int
    misfits: tuple[Misfit, ...] | None


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything about one key of a rule. Amounts are in `unit`; `limit` is None where it was lifted, or where a spike
    had too few days; `days` are the amounts of the days that a spike was compared with, the latest first."""

    subject: Subject
    labels: tuple[tuple[str, str], ...]
    unit: Unit
    spend: Spend
    measured: int
    limit: int | None
    rungs: tuple[Rung, ...]
    because: str = ""
    limit_until_ms: int | None = None
    overridden: bool = False
    baseline: int | None = None
    days: tuple[int, ...] = ()
    forecast: Forecast | None = None
    warned: tuple[Told, ...] = ()
    """Who was told that the limit will be crossed."""

    @property
    def group(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.labels)


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key among many: what it had spent as known then, of which limit (None: lifted, or not to be judged)."""

    labels: tuple[tuple[str, str], ...]
    unit: Unit
    measured: int
    limit: int | None

    @property
    def group(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.labels)


@dataclass(frozen=True, slots=True)
class Overview:
    """The keys of a rule that are nearest to their limit, worst first; `total` counts all of the period."""

    subject: Subject
    lines: tuple[KeyLine, ...]
    total: int

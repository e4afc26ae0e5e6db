"""What explains the spend of a key: the values that drove it, by how much, and the dearest traces. Facts only."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from fusewatch.domain.rules import Unit


class Against(StrEnum):
    """What the spend so far is compared with."""

    NOTHING = "nothing"
    """There is no earlier time that was read and in which the key existed: shares of the spend alone are told."""
    HOURS = "same_hours"
    """The same hours of the days before."""
    WEEKS = "same_part_of_weeks"
    """The same part of the weeks before."""
    MONTHS = "same_part_of_months"
    """The same part of the months before."""
    WINDOWS = "windows_before"
    """The windows of the same length that came before; of windows longer than a day."""
    STRETCH = "stretch_before"
    """The days right before the period, brought to its length: no earlier period was read from its start."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A growth split into its three causes, which sum to it exactly, in the unit of the rule (1e-12 USD for money).

    `requests`: how much of it comes from more requests, `size` from more tokens in each, `price` from a dearer token.
    `…_by` is the factor of each, None where it has none: where nothing was spent before, or no tokens are known.
    """

    requests: int
    size: int
    price: int
    requests_by: Fraction | None = None
    size_by: Fraction | None = None
    price_by: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Was:
    """The value that another one replaced; `until_ms` is when, None where that was before the span compared."""

    value: str
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One value of a dimension: what it spent in the span, and what it spends there usually, in the rule's unit.

    `at_least`: it was looked for in the busiest part of the span only, so that it is a lower bound.
    """

    dimension: str
    value: str
    amount: int
    baseline: int
    effect: Effect
    was: Was | None = None
    at_least: bool = False

    @property
    def growth(self) -> int:
        return self.amount - self.baseline


@dataclass(frozen=True, slots=True)
class Driver:
    """A value that explains the spend, and what explains it within that value, the most telling first."""

    part: Part
    under: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class DearTrace:
    """A trace by its project's stable key and its id, and what it cost in the span, in 1e-12 USD."""

    project: str
    trace: str
    cost_pico: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a key spent what it did in [from_ms, to_ms), in the rule's unit; that of a cost per request is money.

    `count` says against how many days, weeks, months or windows; `baseline` is what these spent on average, None
    without a comparison. The growth of the drivers and `rest` are together the whole growth; where nothing grew
    (`grew`) their amounts and `rest` are the whole amount. `sampled`: there are so many generations that users,
    sessions and traces were looked for in the busiest part of the span only.
    """

    against: Against
    count: int
    from_ms: int
    to_ms: int
    unit: Unit
    amount: int
    baseline: int | None
    effect: Effect | None
    drivers: tuple[Driver, ...]
    rest: int
    traces: tuple[DearTrace, ...] = ()
    sampled: bool = False

    @property
    def grew(self) -> bool:
        """Whether more was spent than usual, so that the drivers are those of the growth."""
        return self.baseline is not None and self.amount > self.baseline

    @property
    def growth(self) -> int:
        return self.amount - (self.baseline or 0)

"""Budgets and spikes as the budget file describes them."""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from fusewatch.config import words
from fusewatch.config.fields import Also, Text, complaint
from fusewatch.config.rulefile.kinds import (
    UNSET_SHARE,
    Amount,
    BudgetWindow,
    DayStart,
    Dimensions,
    Factor,
    Flag,
    Name,
    Notify,
    OverrideAmount,
    Patterns,
    Percent,
    SeverityWord,
    SpikeWindow,
    Weekday,
    Where,
    Words,
    Zone,
    choice,
    whole,
)
from fusewatch.config.rulefile.part import Complaint, Part, only_one
from fusewatch.config.words import Known, Wrong
from fusewatch.domain.metered import METERED_DIMENSIONS
from fusewatch.domain.rules import Unit

OVERRIDE_KEYS = ("limit", "notify", "until", "because")
RESERVED_RULE_NAMES = frozenset({"unreadable", "unpriced", "drift", "unattributed", "silent", "new"})
"""The watches' own names: their incidents and metrics carry them as the rule."""

_UNITS = {Unit.USD: "money", Unit.TOKENS: "tokens", Unit.REQUESTS: "requests"}
_SEASONAL_AT_MOST_MS = 12 * 3_600_000
_HIGHEST_SHARE = Fraction(10_000)


def _date(text: str) -> date:
    try:
        if len(text) != 10:
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        raise Wrong("{} is not a date", "write it as 2026-12-31") from None
    if not 2000 <= day.year <= 2999:
        raise Wrong("{} is too far away", "write a date of this millennium")
    return day


def _override_key(text: str, known: Known) -> str:
    if text in known.dimensions:
        return text
    right = words.nearest(text, (*OVERRIDE_KEYS, *known.dimensions))
    raise Wrong("{} is neither a dimension nor a key of an override", right or f"keys: {', '.join(OVERRIDE_KEYS)}")


def _split_override(value: object) -> object:
    """The dimensions of an override stand beside its other keys; here they get a mapping of their own."""
    if not isinstance(value, dict):
        return value
    match = {key: entry for key, entry in value.items() if key not in OVERRIDE_KEYS}
    rest = {key: entry for key, entry in value.items() if key in OVERRIDE_KEYS}
    return {**rest, "match": match} if match else rest


def _at(value: object) -> object:
    return {"at": value} if isinstance(value, str) else value


class ThresholdPart(Part):
    """A share of the limit at which something is told."""

    at: Percent = Field(description="The share of the limit, as 80%.")
    severity: SeverityWord | None = Field(
        None, description="Default: info below 80 %, warning below 100 %, critical from there on."
    )
    notify: Notify | None = Field(None, description="Destinations of this threshold, in place of the rule's.")


def _as_written(schema: dict[str, Any]) -> None:
    """In the file the dimensions stand beside the other keys."""
    schema["additionalProperties"] = schema["properties"].pop("match")["additionalProperties"]


class OverridePart(Part):
    """Another limit for the keys that match."""

    model_config = ConfigDict(json_schema_extra=_as_written)

    match: dict[Annotated[str, Text(_override_key, {"type": "string"}, refers=True)], Patterns] = Field(
        default_factory=dict
    )
    limit: OverrideAmount = Field(None, description='Another limit, or "none"; the budget\'s own where it is left out.')
    notify: Notify | None = Field(None, description="Destinations for these keys, in place of the rule's.")
    until: Annotated[date, Text(_date, {"type": "string", "format": "date"}, date(2999, 1, 1))] | None = Field(
        None, description="Holds until this local day begins."
    )
    because: Words = Field("", description="The reason, shown where the override is.")

    @property
    def has_limit(self) -> bool:
        """Whether it names a limit at all; `none` is one."""
        return "limit" in self.model_fields_set

    @classmethod
    def conflicts(cls, raw: dict[str, object]) -> Iterator[Complaint]:
        if "limit" not in raw and "notify" not in raw:
            yield Complaint("", "this override changes nothing", 'write a "limit" or "notify"')


def _ascending(thresholds: tuple[ThresholdPart, ...]) -> tuple[ThresholdPart, ...]:
    if not thresholds:
        raise complaint("the list is empty", "leave it out for 50%, 80% and 100%")
    shares = [threshold.at for threshold in thresholds if threshold.at is not UNSET_SHARE]
    for before, after in pairwise(shares):
        if before == after:
            raise complaint(f"{_percent(after)} stands twice", "keep one")
        if before > after:
            raise complaint(f"{_percent(after)} stands after {_percent(before)}", "write the lowest first")
    if shares and shares[-1] > _HIGHEST_SHARE:
        raise complaint(f"{_percent(shares[-1])} is out of reach", "write at most 1000000%")
    return thresholds


def _percent(share: Fraction) -> str:
    return f"{float(share * 100):g} %"


OneThreshold: TypeAlias = Annotated[ThresholdPart, Also(_at, {"type": "string", "examples": ["80%"]})]
Thresholds: TypeAlias = Annotated[tuple[OneThreshold, ...], AfterValidator(_ascending)]
OneOverride: TypeAlias = Annotated[OverridePart, BeforeValidator(_split_override)]


class CalendarPart(Part):
    """Whose days are meant; it may stand at the top and on any rule."""

    timezone: Zone | None = Field(None, description="IANA time zone of days, weeks and months; default UTC.")
    day_starts_at: DayStart | None = Field(None, description="The reset hour, a multiple of 15 minutes.")
    week_starts_on: Weekday | None = Field(None, description="The first day of a week; default monday.")
    month_starts_on: Annotated[int, whole(1, 28)] | None = Field(
        None, description="The first day of a month; default 1."
    )


class RulePart(CalendarPart):
    """What budgets and spikes have in common."""

    name: Name = Field(description="Unique among budgets and spikes; it identifies the rule's notices.")
    where: Where = Field(default_factory=dict, description="Which generations count: entries are AND, lists OR, globs.")
    not_: Where = Field(default_factory=dict, alias="not", description="Which of them do not, in the same form.")
    each: Dimensions = Field((), description="One judgement for each combination of these dimensions' values.")
    notify: Notify | None = Field(None, description="Destinations, in place of what the routes say.")
    was: Name | None = Field(None, description="The name that this rule had before, so that it stays the same rule.")

    @classmethod
    def conflicts(cls, raw: dict[str, object]) -> Iterator[Complaint]:
        name = raw.get("name")
        if isinstance(name, str) and name in RESERVED_RULE_NAMES:
            yield Complaint("name", f"{words.shown(name)} is the name of a watch", "choose another one")
        if isinstance(name, str) and raw.get("was") == name:
            yield Complaint("was", "this is the rule's present name", 'remove "was"')


def _every_or_last(schema: dict[str, Any]) -> None:
    schema["oneOf"] = [{"required": ["every"]}, {"required": ["last"]}]


class BudgetPart(RulePart):
    """A limit for a scope over a period."""

    model_config = ConfigDict(json_schema_extra=_every_or_last)

    limit: Amount = Field(description="$500, 2M tokens or 500 requests.")
    every: Annotated[str, choice("hour", "day", "week", "month")] | None = Field(None, description="A calendar period.")
    last: BudgetWindow | None = Field(None, description="A rolling window in place of `every`, as 24h: at most 90d.")
    thresholds: Thresholds | None = Field(None, description="Default 50%, 80%, 100%, and every doubling after that.")
    overrides: tuple[OneOverride, ...] = Field((), description="Other limits for some keys; the first match counts.")
    forecast: Flag = Field(False, description="Warn, once a period, that the limit will be crossed.")
    source: Annotated[str, choice("ledger", "metrics")] = Field(
        "ledger", description="metrics: Langfuse's own sums, in place of the ledger."
    )

    @classmethod
    def conflicts(cls, raw: dict[str, object]) -> Iterator[Complaint]:
        yield from super().conflicts(raw)
        yield from only_one(raw, "every", "last", required=True, example="write every: hour, day, week or month")

    def complaints(self) -> Iterator[Complaint]:
        for override in self.overrides:
            for dimension in override.match:
                if dimension not in self.each:
                    right = f"write each: [{', '.join((*self.each, dimension))}]"
                    yield Complaint("overrides", f'an override names "{dimension}", but "each" does not', right)
            if override.limit is not None and override.limit.unit is not self.limit.unit:
                units = f"the budget counts {_UNITS[self.limit.unit]}, an override {_UNITS[override.limit.unit]}"
                yield Complaint("overrides", units, "use one unit")
        if self.source == "metrics":
            yield from self._unanswerable()

    def _unanswerable(self) -> Iterator[Complaint]:
        """What Langfuse's own sums cannot tell."""
        named = dict.fromkeys((*self.each, *self.where, *self.not_))
        beyond = [name for name in named if name not in METERED_DIMENSIONS]
        if beyond:
            what = f"Langfuse's sums are not known by {' or '.join(beyond)}"
            yield Complaint("source", what, f"use {words.one_of(METERED_DIMENSIONS)}; or leave source out")
        if self.last is not None:
            yield Complaint(
                "source", "Langfuse's sums are read for calendar periods", 'write "every" in place of "last"'
            )
        if self.limit.unit is Unit.REQUESTS:
            yield Complaint("source", "Langfuse's sums count spans, too, not requests", "limit money or tokens")
        if self.forecast:
            yield Complaint("source", "a forecast needs the ledger", 'remove "forecast", or leave source out')


class BaselinePart(Part):
    """What today is compared with."""

    days: Annotated[int, whole(1, 90)] = Field(7, description="This many complete local days before today.")
    at_least: Annotated[int, whole(1, 90)] = Field(3, description="No verdict with fewer days than this.")
    using: Annotated[str, choice("mean", "median")] = Field("mean", description="What is made of them.")
    same_weekday: Flag = Field(False, description="Only the same weekdays count.")

    @property
    def least(self) -> int:
        """`at_least`, where it is left out not more than there are days."""
        return self.at_least if "at_least" in self.model_fields_set else min(self.at_least, self.days)

    def complaints(self) -> Iterator[Complaint]:
        if self.least > self.days:
            yield Complaint("at_least", f"{self.at_least} is more than the {self.days} days of the baseline")


SPIKE_UNITS = {
    "cost": Unit.USD,
    "tokens": Unit.TOKENS,
    "requests": Unit.REQUESTS,
    "cost per request": Unit.USD_PER_REQUEST,
}

SEASONAL_DAYS = 14
SEASONAL_LEAST_DAYS = 7
"""Without a whole week a first weekend, or the first day after it, is unlike all before."""


class SpikePart(RulePart):
    """Today so far against the days before."""

    factor: Factor | None = Field(None, description="Fires above this many times the baseline.")
    floor: Amount | None = Field(None, description="And at least this much above it.")
    baseline: BaselinePart = Field(BaselinePart.model_construct(), description="What today is compared with.")
    of: Annotated[str, choice(*SPIKE_UNITS)] = Field("cost", description="What is compared.")
    method: Annotated[str, choice("ratio", "seasonal")] = Field("ratio", description="How it is compared.")
    last: SpikeWindow | None = Field(None, description="A window in place of today, as 1h: at most 24h.")

    @classmethod
    def conflicts(cls, raw: dict[str, object]) -> Iterator[Complaint]:
        yield from super().conflicts(raw)
        if "factor" not in raw and raw.get("method") != "seasonal":
            yield Complaint("", '"factor" is missing', "write factor: 2")

    def complaints(self) -> Iterator[Complaint]:
        unit = Unit.USD if self.of == "cost per request" else SPIKE_UNITS[self.of]
        if self.floor is not None and self.floor.unit is not unit:
            what = f"the floor counts {_UNITS[self.floor.unit]}, but the spike is of {self.of}"
            yield Complaint("floor", what, f"write an amount of {_UNITS[unit]}")
        if self.method == "seasonal":
            yield from self._seasonal_complaints()

    def _seasonal_complaints(self) -> Iterator[Complaint]:
        if self.of == "cost per request":
            yield Complaint("method", "the cost of a request has no season", 'remove "method" and write factor: 2')
        if self.baseline.same_weekday:
            yield Complaint("baseline", "method: seasonal compares all weekdays", 'remove "same_weekday"')
        if self.baseline.using == "mean" and "using" in self.baseline.model_fields_set:
            yield Complaint("baseline", "method: seasonal takes the median", 'remove "using"')
        if self.last is not None and self.last > _SEASONAL_AT_MOST_MS:
            yield Complaint("last", "method: seasonal looks at windows of at most 12h", 'write 1h, or remove "last"')

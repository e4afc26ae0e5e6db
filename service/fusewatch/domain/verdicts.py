"""Verdicts: one judgement of one key over one period, without memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import ceil
from operator import attrgetter
from statistics import median
from typing import NamedTuple

from fusewatch.domain.rules import (
    Baseline,
    BaselineUsing,
    Budget,
    Limit,
    Override,
    Severity,
    Spike,
    Threshold,
    Unit,
)
from fusewatch.domain.usage import Amounts
from fusewatch.domain.views import matches

HYSTERESIS = Fraction(2, 100)
"""An incident resolves only when this share of the limit lies between it and the line (ENGINE, Assess)."""

SPIKE_LEVELS = (
    Threshold(Fraction(1), Severity.WARNING),
    Threshold(Fraction(2), Severity.CRITICAL),
)
"""Shares of a spike's line (factor x baseline): it is critical at twice its factor."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was measured against which line, in the rule's unit, and which thresholds it passed, in rising order.

    `ahead` are the thresholds not passed, rising: the declared ones and the next doubling. `least` is the amount that
    no threshold is passed below, whatever its share: a spike's baseline and floor together. `estimated` is the part of
    `measured` that is our own estimate, for money only.
    """

    unit: Unit
    measured: int
    limit: int
    passed: tuple[Threshold, ...]
    baseline: int | None = None
    baseline_days: int = 0
    notify: tuple[str, ...] | None = None
    ahead: tuple[Threshold, ...] = ()
    least: int = 0
    estimated: int = 0

    @property
    def highest(self) -> Threshold | None:
        return self.passed[-1] if self.passed else None

    @property
    def severity(self) -> Severity | None:
        """The worst severity among the passed thresholds: a file may declare a mild one above a severe one."""
        return max((t.severity for t in self.passed), default=None)

    def clearly_below(self, share: Fraction) -> bool:
        """Whether the measured amount is under `share` of the limit by the hysteresis at least."""
        line = max(self.limit * share, Fraction(self.least))
        return self.measured <= line - HYSTERESIS * max(self.limit, self.least)


def measure(amounts: Amounts, unit: Unit) -> int:
    """The one of the amounts that `unit` counts; money with our estimate for usage without a price."""
    match unit:
        case Unit.USD:
            return amounts.cost_pico + amounts.estimate_pico
        case Unit.TOKENS:
            return amounts.tokens
        case Unit.REQUESTS:
            return amounts.requests
        case Unit.USD_PER_REQUEST:
            return measure(amounts, Unit.USD) // amounts.requests if amounts.requests > 0 else 0


def estimated(amounts: Amounts, unit: Unit) -> int:
    """The part of `measure` that is our own estimate."""
    return amounts.estimate_pico if unit is Unit.USD else 0


def override_for(budget: Budget, labels: Mapping[str, str], at_ms: int) -> Override | None:
    """The first override from the top that matches the key and has not ended. `labels` maps dimensions to values."""
    for override in budget.overrides:
        ended = override.until_ms is not None and at_ms >= override.until_ms
        if not ended and all(m.dimension in labels and matches(m, labels[m.dimension]) for m in override.match):
            return override
    return None


def limit_for(budget: Budget, labels: Mapping[str, str], at_ms: int) -> Limit | None:
    """The limit that holds for the key at that time; None when an override lifts it."""
    override = override_for(budget, labels, at_ms)
    return override.limit if override else budget.limit


def passed(thresholds: tuple[Threshold, ...], measured: int, limit: int) -> tuple[Threshold, ...]:
    """The thresholds reached, rising, with every doubling of the limit after them.

    A limit of zero is passed by the first spend, once: it has no doublings, and is as severe as the worst threshold.
    """
    return _split(thresholds, measured, limit)[0]


def ahead(thresholds: tuple[Threshold, ...], measured: int, limit: int) -> tuple[Threshold, ...]:
    """The thresholds not reached, rising: the declared ones and the next doubling."""
    return _split(thresholds, measured, limit)[1]


def _split(
    thresholds: tuple[Threshold, ...], measured: int, limit: int
) -> tuple[tuple[Threshold, ...], tuple[Threshold, ...]]:
    if limit <= 0:
        if measured <= 0:
            return (), ()
        top = max(thresholds, key=lambda t: t.share, default=Threshold(Fraction(1), Severity.CRITICAL))
        return (replace(top, severity=max(t.severity for t in (top, *thresholds))),), ()
    steps = _steps(thresholds, measured, limit)
    if measured <= 0:
        return (), tuple(steps)
    reached = sum(_reaches(measured, limit, t.share) for t in steps)
    return tuple(steps[:reached]), tuple(steps[reached:])


def _reaches(measured: int, limit: int, share: Fraction) -> bool:
    """``measured >= limit * share`` in whole numbers: a product with a Fraction takes ten times as long."""
    return measured * share.denominator >= limit * share.numerator


_MOST_STEPS = 1_000
_known_steps: dict[tuple[int, int], tuple[tuple[Threshold, ...], list[Threshold]]] = {}
"""By the identity of a rule's thresholds, which all its keys share: sorting Fractions takes longer than judging. They
are kept beside it: while they stand here, nothing else has their identity."""


def _steps(thresholds: tuple[Threshold, ...], measured: int, limit: int) -> list[Threshold]:
    """The declared thresholds and the doublings up to the first that is not reached, rising."""
    doublings = max(1, (max(measured, 0) // limit).bit_length())
    place = (id(thresholds), doublings)
    known = _known_steps.get(place)
    if known is None:
        declared = {t.share for t in thresholds}
        steps = [*thresholds, *(d for d in _doublings(doublings) if d.share not in declared)]
        if len(_known_steps) >= _MOST_STEPS:
            _known_steps.clear()
        known = _known_steps[place] = (thresholds, sorted(steps, key=attrgetter("share")))
    return known[1]


@lru_cache
def _doublings(number: int) -> tuple[Threshold, ...]:
    return tuple(Threshold(Fraction(2**n), Severity.CRITICAL) for n in range(1, number + 1))


def judge_budget(budget: Budget, labels: Mapping[str, str], spent: Amounts, at_ms: int) -> Verdict | None:
    """The spend of a key in a period against its limit; None when an override lifts the limit."""
    override = override_for(budget, labels, at_ms)
    limit = override.limit if override else budget.limit
    if limit is None:
        return None
    measured = measure(spent, limit.unit)
    reached, not_yet = _split(budget.thresholds, measured, limit.amount)
    return Verdict(
        unit=limit.unit,
        measured=measured,
        limit=limit.amount,
        passed=reached,
        notify=override.notify if override else None,
        ahead=not_yet,
        estimated=estimated(spent, limit.unit),
    )


def average(baseline: Baseline, days: Sequence[int]) -> Fraction:
    """The mean or the median of one day at least."""
    if baseline.using is BaselineUsing.MEAN:
        return Fraction(sum(days), len(days))
    return Fraction(median(map(Fraction, days)))


class BaselineDay(NamedTuple):
    """One of the days that a spike is compared with: what is known of it, and whether that is all."""

    amounts: Amounts
    complete: bool


def counted_days(spike: Spike, days: Sequence[BaselineDay]) -> list[Amounts]:
    """The amounts of the days that count: the complete ones and, where these are enough for a verdict, those of the
    others that raise their average.

    All of such a day raises it further, so what is known of it belongs to the comparison: without the dearest day a
    usual one looks like a spike. The rest may be dear or not; nobody knows yet, and they do not count. A cost per
    request, which more spend may lower, is formed of complete days alone.
    """
    amounts = [measure(day.amounts, spike.unit) for day in days]
    counted = [n for n, day in enumerate(days) if day.complete]
    if len(counted) >= max(1, spike.baseline.at_least) and spike.unit is not Unit.USD_PER_REQUEST:
        others = (n for n, day in enumerate(days) if not day.complete)
        for n in sorted(others, key=amounts.__getitem__, reverse=True):
            if amounts[n] <= average(spike.baseline, [amounts[each] for each in counted]):
                break
            counted.append(n)
    return [days[n].amounts for n in sorted(counted)]


def judge_spike(spike: Spike, today: int, days: Sequence[int], *, estimate: int = 0) -> Verdict | None:
    """Today so far against complete days before it; None while there are fewer than `at_least` of them.

    `days` are the amounts of the days that count, zero days included; `estimate` is the part of `today` that is our
    own. BUDGET_FILE, "Spike, exactly": it fires when
    today > factor x baseline and today - baseline >= floor. Days that corrections took below zero make no baseline
    below zero.
    """
    if len(days) < max(1, spike.baseline.at_least):
        return None
    baseline = max(average(spike.baseline, days), Fraction(0))
    line = spike.factor * baseline
    above_floor = today > 0 and today - baseline >= spike.floor
    fired = tuple(t for t in SPIKE_LEVELS if above_floor and today > line * t.share)
    return Verdict(
        unit=spike.unit,
        measured=today,
        limit=int(line),
        passed=fired,
        baseline=int(baseline),
        baseline_days=len(days),
        ahead=SPIKE_LEVELS[len(fired) :],
        least=ceil(baseline + spike.floor),
        estimated=estimate,
    )

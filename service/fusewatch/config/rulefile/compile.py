"""Models → the domain's rules. Everything here was validated before, so nothing can fail."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from fusewatch.config.rulefile.models import BudgetFile, PricePart
from fusewatch.config.rulefile.revision import revision_of
from fusewatch.config.rulefile.rulemodels import (
    SEASONAL_DAYS,
    SEASONAL_LEAST_DAYS,
    SPIKE_UNITS,
    BaselinePart,
    BudgetPart,
    CalendarPart,
    OverridePart,
    RulePart,
    SpikePart,
    ThresholdPart,
)
from fusewatch.domain.periods import Calendar, Every, Last, day_span
from fusewatch.domain.prices import Price
from fusewatch.domain.rules import (
    DEFAULT_ATTRIBUTION,
    DEFAULT_EXCLUDED_ENVIRONMENTS,
    DEFAULT_THRESHOLDS,
    AttributionSource,
    Baseline,
    BaselineUsing,
    Budget,
    DestinationPolicy,
    Digest,
    Drift,
    Matcher,
    Method,
    Newcomers,
    Override,
    Retention,
    Route,
    RuleSet,
    Scope,
    Severity,
    Silent,
    Spike,
    Threshold,
    Unattributed,
    Unpriced,
    Unreadable,
)
from fusewatch.domain.usage import TOKEN_TYPES

SILENT_AFTER_MS = 2 * 3_600_000
"""How long nothing must come where ``silent: true`` says no more."""


def compile_rules(file: BudgetFile, policies: Mapping[str, DestinationPolicy], default: tuple[str, ...]) -> RuleSet:
    """The rule set. `policies` are the destinations that this version can send to; `default` is the default notify."""
    calendar = _calendar(file, Calendar())
    rules = RuleSet(
        budgets=tuple(_budget(b, calendar) for b in file.budgets),
        spikes=tuple(_spike(s, calendar) for s in file.spikes),
        routes=tuple(Route(_matchers(r.where), r.notify, tuple(r.labels.items()), r.runbook) for r in file.routes),
        notify=default,
        destinations=dict(policies),
        attribution=_attribution(file),
        excluded_environments=file.environments.exclude if file.environments else DEFAULT_EXCLUDED_ENVIRONMENTS,
        calendar=calendar,
        unreadable=_unreadable(file),
        unpriced=_unpriced(file),
        drift=_drift(file),
        unattributed=_unattributed(file),
        silent=_silent(file),
        digests=tuple(Digest(Every(d.every), d.at, d.to) for d in file.digest),
        prices=tuple(map(_price, file.prices)),
        new=_new(file),
        repeat=tuple(sorted(file.repeat.items())),
        metric_labels=file.metrics.labels,
        max_series=file.metrics.max_series,
        history_ms=file.history,
        retention=_retention(file),
    )
    return replace(rules, revision=revision_of(rules))


def _calendar(part: CalendarPart, outer: Calendar) -> Calendar:
    return Calendar(
        outer.timezone if part.timezone is None else part.timezone,
        outer.day_starts_at_min if part.day_starts_at is None else part.day_starts_at,
        outer.week_starts_on if part.week_starts_on is None else part.week_starts_on,
        outer.month_starts_on if part.month_starts_on is None else part.month_starts_on,
    )


def _matchers(where: Mapping[str, tuple[str, ...]]) -> tuple[Matcher, ...]:
    return tuple(Matcher(dimension, patterns) for dimension, patterns in where.items())


def _scope(rule: RulePart) -> Scope:
    return Scope(_matchers(rule.where), _matchers(rule.not_))


def _budget(part: BudgetPart, calendar: Calendar) -> Budget:
    calendar = _calendar(part, calendar)
    every = _last(part.last) or (Every(part.every) if part.every else None)
    assert every is not None, "a budget without `every` has `last`"
    return Budget(
        name=part.name,
        limit=part.limit,
        every=every,
        calendar=calendar,
        scope=_scope(part),
        each=part.each,
        thresholds=tuple(_threshold(t) for t in part.thresholds or ()) or DEFAULT_THRESHOLDS,
        overrides=tuple(_override(o, part, calendar) for o in part.overrides),
        notify=part.notify,
        was=part.was,
        forecast=part.forecast,
        metered=part.source == "metrics",
    )


def _last(window_ms: int | None) -> Last | None:
    return None if window_ms is None else Last(window_ms)


def _threshold(part: ThresholdPart) -> Threshold:
    return Threshold(part.at, part.severity or _usual_severity(part.at), part.notify)


def _usual_severity(share: Fraction) -> Severity:
    """That of the highest default threshold that the share reaches."""
    reached = [threshold.severity for threshold in DEFAULT_THRESHOLDS if threshold.share <= share]
    return reached[-1] if reached else Severity.INFO


def _override(part: OverridePart, budget: BudgetPart, calendar: Calendar) -> Override:
    return Override(
        match=_matchers(part.match),
        limit=part.limit if part.has_limit else budget.limit,
        notify=part.notify,
        until_ms=None if part.until is None else day_span(calendar, part.until.toordinal())[0],
        because=part.because,
    )


def _spike(part: SpikePart, calendar: Calendar) -> Spike:
    return Spike(
        name=part.name,
        factor=Fraction(1) if part.factor is None else part.factor,
        floor=part.floor.amount if part.floor else 0,
        unit=SPIKE_UNITS[part.of],
        baseline=_seasonal_baseline(part.baseline) if part.method == "seasonal" else _baseline(part.baseline),
        calendar=_calendar(part, calendar),
        scope=_scope(part),
        each=part.each,
        notify=part.notify,
        was=part.was,
        last=_last(part.last),
        method=Method(part.method),
    )


def _seasonal_baseline(part: BaselinePart) -> Baseline:
    written = part.model_fields_set
    days = part.days if "days" in written else SEASONAL_DAYS
    at_least = part.at_least if "at_least" in written else min(SEASONAL_LEAST_DAYS, days)
    return Baseline(days, at_least, BaselineUsing.MEDIAN)


def _baseline(part: BaselinePart) -> Baseline:
    return Baseline(part.days, part.least, BaselineUsing(part.using), part.same_weekday)


def _attribution(file: BudgetFile) -> tuple[tuple[str, tuple[AttributionSource, ...]], ...]:
    """The defaults of feature and team hold unless the file says otherwise for them."""
    return tuple({**dict(DEFAULT_ATTRIBUTION), **file.attribution}.items())


def _price(part: PricePart) -> Price:
    """US dollars per token."""
    stated: list[tuple[str, Fraction | None]] = [(name, getattr(part, name)) for name in TOKEN_TYPES]
    return Price(part.match.pattern, tuple((name, price / part.per) for name, price in stated if price is not None))


def _unreadable(file: BudgetFile) -> Unreadable:
    watch = file.watch.unreadable
    if watch is None:
        return Unreadable(None)
    return Unreadable() if watch.after is None else Unreadable(watch.after)


def _unpriced(file: BudgetFile) -> Unpriced:
    watch = file.watch.unpriced
    if watch is None:
        return Unpriced(None)
    return Unpriced() if watch.above is None else Unpriced(watch.above.amount)


def _drift(file: BudgetFile) -> Drift:
    watch = file.watch.drift
    if watch is None:
        return Drift(None)
    return Drift() if watch.above is None else Drift(watch.above)


def _unattributed(file: BudgetFile) -> Unattributed:
    watch = file.watch.unattributed
    if watch is None:
        return Unattributed(None)
    default = Unattributed()
    return Unattributed(
        default.above if watch.above is None else watch.above,
        default.floor_pico if watch.floor is None else watch.floor,
    )


def _silent(file: BudgetFile) -> Silent:
    watch = file.watch.silent
    if watch is None:
        return Silent(None)
    return Silent(SILENT_AFTER_MS if watch.after is None else watch.after)


def _new(file: BudgetFile) -> Newcomers:
    watch = file.watch.new
    if watch is None:
        return Newcomers()
    return Newcomers(watch.each) if watch.floor is None else Newcomers(watch.each, watch.floor)


def _retention(file: BudgetFile) -> Retention:
    kept = file.retention
    return Retention() if kept is None else Retention(kept.rows, kept.totals)

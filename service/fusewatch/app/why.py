"""Why a rule told what it told, and why not the rest: everything that is known of one key at one instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import ceil

from fusewatch.app.cells import reading_of, spent
from fusewatch.app.forecasting import Outlook
from fusewatch.app.hindsight import NO_SPEND, CellsUntil, last_quarter, spend_by_key
from fusewatch.app.spiking import compared, judge_spike_now
from fusewatch.app.whyfacts import Explained, Hindrance, KeyLine, Overview, Rung, Spend, Subject, Untold
from fusewatch.app.whyrules import Parse, key_meant, rule_named, version_at
from fusewatch.app.whytold import Crossed, records, warnings_told
from fusewatch.domain.foresight import label_of
from fusewatch.domain.incidents import Standing
from fusewatch.domain.nearest import Misfit, misfits
from fusewatch.domain.notices import Crossing, Incident, State
from fusewatch.domain.periods import Last, cell_of, period_at
from fusewatch.domain.readplan import looks_from
from fusewatch.domain.routing import known_values
from fusewatch.domain.rules import Budget, RuleSet, Severity, Spike, Threshold, period_kind
from fusewatch.domain.verdicts import Verdict, judge_budget, measure, override_for
from fusewatch.domain.views import Key, totals_view, view_of
from fusewatch.ports import ReadUnit, SeriesUnit

SHOWN = 20
"""So many keys are told where none is asked for."""

_UNMATCHED_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Question:
    """Which rule, which key as people write it (None: the worst ones), and when (None: now)."""

    rule: str
    key: str | None = None
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Present:
    """What is so now: the rules of today's file, the stable keys of the projects that count, and the time."""

    rules: RuleSet
    parse: Parse
    active: frozenset[str]
    now_ms: int
    started_ms: int = 0


def explain(unit: ReadUnit, present: Present, question: Question) -> Explained | Overview:
    """Answer a question from one transaction. `UnknownRule`, `UnknownKey`.

    Without a time it reads cells alone. With one it sums the rows of the period up to it, which takes some
    seconds for a million of them.
    """
    return _Case(unit, present, question).answer()


class _Case:
    """One question inside its transaction."""

    def __init__(self, unit: ReadUnit, present: Present, question: Question) -> None:
        self.unit, self.present, self.question = unit, present, question
        now_ms = present.now_ms
        self.at_ms = now_ms if question.at_ms is None else min(question.at_ms, now_ms)
        self.is_past = self.at_ms < now_ms
        self.version = version_at(unit.rules_versions(), present.parse, present.rules, self.at_ms)
        self.rule = rule_named(question.rule, self.version.rules, present.rules)
        self.existed = self.rule in self.version.rules.rules
        self.rules = self.version.rules if self.existed else present.rules
        self.reading = reading_of(unit, present.active, started_ms=present.started_ms, now_ms=self.at_ms)
        self.names = {key: project.name for key, project in self.reading.projects.items()}
        self.view = view_of(self.rule, self.rules, self.names)
        self.period = period_at(self.rule.calendar, period_kind(self.rule), self.at_ms)
        self._only: Key | None = None
        self.is_built = self.view.id in unit.built_views()

    def answer(self) -> Explained | Overview:
        if self.question.key is None and self.rule.each:
            return self._overview()
        keys = self.unit.keys(self.view.id, 0) if self.rule.each else ()
        key = () if self.question.key is None else key_meant(self.question.key, self.rule, keys, self.names)
        self._only = key
        spend = self._spend(key)
        if isinstance(self.rule, Budget):
            return self._budget(self.rule, key, spend)
        return self._spike(self.rule, key, spend)

    # ------------------------------------------------------------ the rule

    @cached_property
    def subject(self) -> Subject:
        today = next((rule for rule in self.present.rules.rules if rule.name == self.rule.name), None)
        relevant = self.reading.relevant(self.view)
        return Subject(
            rule=self.rule,
            version=self.version,
            existed=self.existed,
            differs=today != self.rule,
            period=self.period,
            at_ms=self.at_ms,
            as_of_ms=min(self.reading.as_of_ms(self.view), self.at_ms),
            standing=self._standing(),
            stale_ms=max((self.reading.projects[key].stale_ms for key in relevant), default=0),
            misfits=self._misfits(),
        )

    def _standing(self) -> Standing:
        state = self.unit.rule_states().get(self.rule.name)
        ready = state is not None and state.ready_ms is not None
        if ready and self.is_past and state is not None and state.ready_ms is not None:
            ready = state.ready_ms <= self.at_ms or not self.existed
        if not ready or not self.is_built:
            return Standing.LOADING
        return self.reading.standing(self.view, self.period.start_ms, ready=True)

    def _misfits(self) -> tuple[Misfit, ...] | None:
        """None unless the rule matched nothing in its period and in 7 days, while there was spend."""
        last = self.unit.last_cells()
        anything = last.get(totals_view(self.present.rules).id)
        if anything is None or not self.is_built:
            return None
        since = cell_of(min(looks_from(self.rule, self.at_ms), self.at_ms - _UNMATCHED_MS))
        if last.get(self.view.id, since - 1) < since <= anything:
            return misfits(self.rule.scope, self.unit.values)
        return None

    # ------------------------------------------------------------ what was spent

    def _spend(self, key: Key) -> Spend:
        if self.is_past:
            return self._spends.get(key, NO_SPEND)
        amounts = spent(self.unit, self.view, key, self.period)
        return Spend(now=amounts, then=amounts)

    @cached_property
    def _spends(self) -> dict[Key, Spend]:
        """Of all keys, or of the one that was asked for, up to an instant of the past."""
        return spend_by_key(
            self.unit, self.view, self.period.start_ms, self.at_ms, known_ms=self.at_ms, only=self._only
        )

    def _cells(self, key: Key) -> SeriesUnit:
        if not self.is_past:
            return self.unit
        return CellsUntil(self.unit, self.view, self.at_ms, self._quarter.get(key, NO_SPEND).now)

    @cached_property
    def _quarter(self) -> dict[Key, Spend]:
        return last_quarter(self.unit, self.view, self.at_ms)

    def _labels(self, key: Key) -> tuple[tuple[str, str], ...]:
        return tuple(
            (name, self.names.get(value, value) if name == "project" else value)
            for name, value in zip(self.rule.each, key, strict=True)
        )

    def _overview(self) -> Overview:
        keys: Sequence[Key] = (
            list(self._spends) if self.is_past else self.unit.keys(self.view.id, cell_of(self.period.start_ms))
        )
        lines = sorted(map(self._line, keys), key=_nearest_first)
        return Overview(self.subject, tuple(lines[:SHOWN]), len(lines))

    def _line(self, key: Key) -> KeyLine:
        labels, then = self._labels(key), self._spend(key).then
        if isinstance(self.rule, Budget):
            verdict = judge_budget(self.rule, known_values(self.rule, labels), then, self.at_ms)
            unit = self.rule.limit.unit if verdict is None else verdict.unit
        else:
            verdict, unit = self._spike_verdict(self.rule, key, self._cells(key)), self.rule.unit
        return KeyLine(labels, unit, measure(then, unit), None if verdict is None else verdict.limit)

    # ------------------------------------------------------------ budgets

    def _budget(self, budget: Budget, key: Key, spend: Spend) -> Explained:
        labels = self._labels(key)
        values = known_values(budget, labels)
        override = override_for(budget, values, self.at_ms)
        verdict = judge_budget(budget, values, spend.then, self.at_ms)
        unit = budget.limit.unit if verdict is None else verdict.unit
        forecast = None
        expected_ms = None
        outlook = self._outlook(key)
        if outlook is not None and verdict is not None:
            forecast = outlook.of(key, verdict, spend.now)
            if verdict.ahead:
                amount = line_amount(verdict, verdict.ahead[0].share, strict=False)
                ahead = outlook.of(key, replace(verdict, limit=amount), spend.now)
                expected_ms = None if ahead is None else ahead.crosses_at_ms
        warning = self.unit.incidents_of(budget.name, key, label_of(self.period)) if budget.forecast else ()
        return Explained(
            subject=self.subject,
            labels=labels,
            unit=unit,
            spend=spend,
            measured=measure(spend.then, unit),
            limit=None if verdict is None else verdict.limit,
            rungs=self._rungs(key, verdict, values, budget.thresholds, expected_ms),
            because="" if override is None else override.because,
            limit_until_ms=None if override is None else override.until_ms,
            overridden=override is not None,
            forecast=forecast,
            warned=warnings_told(records(self.unit, warning)),
        )

    def _outlook(self, key: Key) -> Outlook | None:
        if not self.is_built or isinstance(self.period.every, Last):
            return None
        return Outlook(self._cells(key), self.reading, self.view, self.period)

    # ------------------------------------------------------------ spikes

    def _spike(self, spike: Spike, key: Key, spend: Spend) -> Explained:
        labels = self._labels(key)
        cells = self._cells(key)
        verdict = self._spike_verdict(spike, key, cells)
        _, days = compared(cells, self.view, key, spike, self.period, self.reading)
        return Explained(
            subject=self.subject,
            labels=labels,
            unit=spike.unit,
            spend=spend,
            measured=measure(spend.then, spike.unit),
            limit=None if verdict is None else verdict.limit,
            rungs=self._rungs(key, verdict, known_values(spike, labels), (), None),
            baseline=None if verdict is None else verdict.baseline,
            days=tuple(measure(day, spike.unit) for day in days),
        )

    def _spike_verdict(self, spike: Spike, key: Key, cells: SeriesUnit) -> Verdict | None:
        return judge_spike_now(cells, self.view, key, spike, self.period, self.reading) if self.is_built else None

    # ------------------------------------------------------------ thresholds

    def _rungs(
        self,
        key: Key,
        verdict: Verdict | None,
        values: Mapping[str, str],
        declared: Sequence[Threshold],
        expected_ms: int | None,
    ) -> tuple[Rung, ...]:
        if verdict is None:
            reason = Untold.LIMIT_NONE if declared else Untold.TOO_FEW_DAYS
            return (Rung(Fraction(1), Severity.CRITICAL, 0, 0, untold=(Hindrance(reason),)),)
        found = records(self.unit, self._episodes(key))
        strict = isinstance(self.rule, Spike)
        rungs = []
        for threshold in (*verdict.passed, *verdict.ahead):
            amount = max(line_amount(verdict, threshold.share, strict=strict), verdict.least)
            passed = threshold in verdict.passed
            rung = Rung(threshold.share, threshold.severity, amount, 0 if passed else max(amount - verdict.measured, 0))
            if threshold == next(iter(verdict.ahead), None):
                rung = replace(rung, expected_ms=expected_ms)
            crossed = self._crossing(found.incidents, threshold, verdict)
            if crossed is None:
                rungs.append(replace(rung, untold=(self._uncrossed(threshold, passed=passed),)))
                continue
            incident, crossing = crossed
            told, untold = Crossed(
                self.rules, self.rule, values, threshold, verdict.notify, incident, crossing, found
            ).outcome()
            rungs.append(
                replace(rung, crossed_ms=crossing.at_ms, learned_ms=crossing.learned_ms, told=told, untold=untold)
            )
        return tuple(rungs)

    def _episodes(self, key: Key) -> list[Incident]:
        """Of a calendar period all; of a rolling window the one that was open at the instant."""
        # A rule renamed since then took its incidents along.
        names = [self.rule.name, *(rule.name for rule in self.present.rules.rules if rule.was == self.rule.name)]
        found = [one for name in names for one in self.unit.incidents_of(name, key, self.period.label)]
        if not isinstance(self.period.every, Last):
            return found
        begun = [incident for incident in found if _begun_ms(incident) <= self.at_ms]
        last = begun[-1:]
        return [one for one in last if one.state is State.OPEN or one.changed_ms > self.at_ms]

    def _crossing(
        self, incidents: Sequence[Incident], threshold: Threshold, verdict: Verdict
    ) -> tuple[Incident, Crossing] | None:
        """The latest crossing of the threshold. A budget's limit is part of its identity, a spike's line moves."""
        spike = isinstance(self.rule, Spike)
        for incident in reversed(incidents):
            for crossing in incident.crossings:
                if crossing.share == threshold.share and (spike or crossing.limit == verdict.limit):
                    return incident, crossing
        return None

    def _uncrossed(self, threshold: Threshold, *, passed: bool) -> Hindrance:
        subject = self.subject
        if not subject.existed:
            return Hindrance(Untold.NOT_IN_FORCE)
        if subject.standing is Standing.LOADING:
            return Hindrance(Untold.LOADING)
        if passed and subject.standing is Standing.CATCHING_UP and threshold.share < 1:
            return Hindrance(Untold.CATCHING_UP)
        if passed:
            return Hindrance(Untold.NOT_JUDGED)
        return Hindrance(Untold.NOT_CROSSED if subject.misfits is None else Untold.NOTHING_MATCHED)


def line_amount(verdict: Verdict, share: Fraction, *, strict: bool) -> int:
    """The least amount that passes `share` of the limit; `strict` where it must lie above."""
    line = verdict.limit * share
    return max(1, int(line) + 1 if strict else ceil(line))


def _begun_ms(incident: Incident) -> int:
    return min((crossing.at_ms for crossing in incident.crossings), default=incident.opened_ms)


def _nearest_first(line: KeyLine) -> tuple[bool, Fraction, tuple[tuple[str, str], ...]]:
    used = Fraction(line.measured, line.limit) if line.limit else Fraction(line.measured)
    return line.limit is None, -used, line.labels

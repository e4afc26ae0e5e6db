"""Judging one key of one rule: the verdict over its cells, the next step of its incident, and what is to be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil

from fusewatch.app.cells import Reading, baseline_days, crossing_times, spent
from fusewatch.app.post import Post
from fusewatch.domain import routing
from fusewatch.domain.incidents import Standing, Step, Subject, advance, lift, timing_of, with_crossings
from fusewatch.domain.notices import Crossing, Incident, Kind, Notice, State
from fusewatch.domain.periods import Period, day_span
from fusewatch.domain.readplan import looks_from
from fusewatch.domain.rules import Budget, Rule, RuleSet, Spike
from fusewatch.domain.verdicts import Verdict, judge_budget, judge_spike, measure, override_for
from fusewatch.domain.views import Key, View
from fusewatch.ports import AssessUnit


@dataclass(slots=True)
class Work:
    """What the judges of one pass share. `changes` collects what changed, `judged` counts the keys."""

    unit: AssessUnit
    rules: RuleSet
    names: Mapping[str, str]
    reading: Reading
    now_ms: int
    changes: list[routing.Change] = field(default_factory=list)
    judged: int = 0
    post: Post = field(init=False)

    def __post_init__(self) -> None:
        self.post = Post(self.unit, self.rules, self.reading, self.now_ms)

    def tell(self, change: routing.Change) -> Incident:
        """Whoever takes it is told of the change, now or when nothing holds it back any more. The incident comes back
        with whom it was told, to be stored."""
        told = self.post.tell(change)
        self.changes.append(told)
        return told.notice.incident


def changed(step: Step) -> Incident:
    assert step.incident is not None, "a step that is kept has an incident"
    return step.incident


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the keys of one rule within a pass."""

    work: Work
    rule: Rule
    view: View
    first: bool
    wishes: dict[Key, int] = field(default_factory=dict)

    def judge(self, key: Key, period: Period) -> None:
        work = self.work
        labels = tuple(
            (name, work.names.get(value, value) if name == "project" else value)
            for name, value in zip(self.rule.each, key, strict=True)
        )
        values = routing.known_values(self.rule, labels)
        memory = work.unit.incident(self.rule.name, key, period.label)
        renamed = self._before_rename(key, period) if memory is None else None
        memory = memory or renamed
        work.judged += 1
        at_ms = min(work.now_ms, period.end_ms - 1)
        verdict = self._verdict(key, period, values, at_ms)
        if verdict is None:
            if memory is not None and memory.state is State.OPEN and isinstance(self.rule, Budget):
                self._keep(lift(memory, work.now_ms), None, key, period, values)
            self._set_due(key, period, values, held=False)
            return
        step = advance(
            Subject(
                kind=Kind.SPIKE if isinstance(self.rule, Spike) else Kind.BUDGET,
                rule=self.rule.name,
                key=key,
                labels=labels,
                period=period,
                timezone=self.rule.calendar.timezone,
            ),
            verdict,
            memory,
            now_ms=work.now_ms,
            standing=self._standing(period),
            timing=timing_of(period, work.now_ms, first=self.first),
        )
        if step.incident is not None and (step.incident != memory or step.reason is not None or renamed is not None):
            self._keep(step, verdict, key, period, values)
        self._set_due(key, period, values, held=step.held)

    def _standing(self, period: Period) -> Standing:
        return self.work.reading.standing(self.view, period.start_ms, ready=True)

    def _verdict(self, key: Key, period: Period, values: Mapping[str, str], at_ms: int) -> Verdict | None:
        amounts = spent(self.work.unit, self.view, key, period)
        match self.rule:
            case Budget():
                return judge_budget(self.rule, values, amounts, at_ms)
            case Spike():
                days = baseline_days(self.work.unit, self.view, key, self.rule, period, self._is_read)
                return judge_spike(self.rule, measure(amounts, self.rule.unit), days)

    def _is_read(self, day: int) -> bool:
        return self.work.reading.is_read(self.view, *day_span(self.view.calendar, day))

    def _baseline_is_read(self, today: Period) -> bool:
        return self.work.reading.is_read(self.view, looks_from(self.rule, today.start_ms), today.start_ms)

    def _before_rename(self, key: Key, period: Period) -> Incident | None:
        """An incident of the rule's former name (``was``) goes on under the new one; it keeps its id."""
        old = self.work.unit.incident(self.rule.was, key, period.label) if self.rule.was else None
        return None if old is None else replace(old, rule=self.rule.name)

    def _set_due(self, key: Key, period: Period, values: Mapping[str, str], *, held: bool) -> None:
        """Note when the key is to be judged again; the earliest of its periods' wishes counts."""
        wish: int | None = None
        if held or (isinstance(self.rule, Spike) and not self._baseline_is_read(period)):
            wish = self.work.now_ms + 1
        elif isinstance(self.rule, Budget):
            override = override_for(self.rule, values, self.work.now_ms)
            wish = override.until_ms if override is not None else None
        if wish is not None and wish < self.wishes.get(key, wish + 1):
            self.wishes[key] = wish
            self.work.unit.set_due(self.rule.name, key, wish)

    def _keep(self, step: Step, verdict: Verdict | None, key: Key, period: Period, values: Mapping[str, str]) -> None:
        work = self.work
        incident = changed(step)
        if verdict is not None and step.threshold is not None:
            found = self._crossings(verdict, key, period, incident, step.threshold.share)
            incident = with_crossings(incident, found)
        if step.reason is not None:
            threshold = step.threshold
            severity = threshold.severity if threshold else incident.severity
            override_notify = verdict.notify if verdict is not None else None
            owner = routing.owner_of_crossed(work.rules, self.rule.notify, override_notify, step.crossed, values)
            notice = Notice(
                incident=incident,
                reason=step.reason,
                severity=severity,
                threshold=threshold.share if threshold else incident.level,
                at_ms=work.now_ms,
                as_of_ms=work.reading.as_of_ms(self.view),
                cause=step.cause,
                previous=step.previous,
                at_least=self._standing(period) is not Standing.READY,
                labels=owner.labels,
                runbook=owner.runbook,
            )
            incident = work.tell(routing.Change(notice, owner))
        work.unit.put_incident(incident)

    def _crossings(
        self, verdict: Verdict, key: Key, period: Period, incident: Incident, announced: Fraction
    ) -> tuple[Crossing, ...]:
        """The thresholds passed up to the announced one that have no crossing yet, each with its true time."""
        limit = incident.limit
        known = {(c.share, c.limit) for c in incident.crossings}
        new = [t for t in verdict.passed if t.share <= announced and (t.share, limit) not in known]
        strict = isinstance(self.rule, Spike)
        needs = [max(_need(limit, t.share, strict=strict), verdict.least) for t in new]
        times = crossing_times(self.work.unit, self.view, key, period, verdict.unit, needs)
        return tuple(
            Crossing(t.share, t.severity, limit, min(at, self.work.now_ms), self.work.now_ms)
            for t, at in zip(new, times, strict=True)
        )


def _need(limit: int, share: Fraction, *, strict: bool) -> int:
    """The least amount that passes `share` of `limit`; `strict` where it must lie above."""
    line = limit * share
    return max(1, int(line) + 1 if strict else ceil(line))

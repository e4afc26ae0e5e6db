"""Judging one key of one rule: the verdict over its cells, the next step of its incident, and what is to be told."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil

from fusewatch.app.cells import Reading, crossing_times, prepare_spent, reaching, spent
from fusewatch.app.forecasting import WORTH, Outlook, warn
from fusewatch.app.post import Post
from fusewatch.app.signposts import Signposts
from fusewatch.app.spiking import judge_spike_now
from fusewatch.app.windowcells import hours_until, sums_at
from fusewatch.domain import routing
from fusewatch.domain.coverage import frontier
from fusewatch.domain.episodes import advance_episode, known_until_ms, look_again_ms
from fusewatch.domain.foresight import label_of
from fusewatch.domain.incidents import LATE_WINDOW_MS, Standing, Step, Subject, advance, lift, timing_of, with_crossings
from fusewatch.domain.notices import Crossing, Incident, Kind, Notice, Reason, State, Timing
from fusewatch.domain.periods import Last, Period, cell_of, cell_start_ms, period_at
from fusewatch.domain.readplan import looks_from
from fusewatch.domain.rules import Budget, Method, Rule, RuleSet, Spike, Unit
from fusewatch.domain.verdicts import Verdict, judge_budget, limit_for, override_for
from fusewatch.domain.views import Key, View
from fusewatch.ports import AssessUnit

LANGFUSE_TOTALS = "measured by Langfuse totals, which count every stored version"
"""What notices of a budget with `source: metrics` say."""

DAY_BEGINS_MS = 15 * 60_000
"""How long after midnight a spike waits for projects that were not read up to it yet. Who is behind for longer is told
of as unreadable, and then the days that were read have to do."""


@dataclass(slots=True)
class Work:
    """What the judges of one pass share. `changes` collects what changed, `judged` counts the keys."""

    unit: AssessUnit
    rules: RuleSet
    names: Mapping[str, str]
    reading: Reading
    now_ms: int
    signposts: Signposts | None = None
    changes: list[routing.Change] = field(default_factory=list)
    judged: int = 0
    post: Post = field(init=False)

    def __post_init__(self) -> None:
        self.post = Post(self.unit, self.rules, self.reading, self.now_ms, self.signposts)

    def tell(self, change: routing.Change) -> Incident:
        """Whoever takes it is told of the change, now or when nothing holds it back any more. The incident comes back
        with whom it was told, to be stored."""
        if change.notice.reason is Reason.ESCALATED:  # whoever looked after it knew less
            fresh = replace(change.notice.incident, acked_ms=None, acked_by="")
            change = replace(change, notice=replace(change.notice, incident=fresh))
        told = self.post.tell(change)
        self.changes.append(told)
        return told.notice.incident


def changed(step: Step) -> Incident:
    assert step.incident is not None, "a step that is kept has an incident"
    return step.incident


def _least(budget: Budget) -> int:
    share = min((t.share for t in budget.thresholds), default=Fraction(1))
    if budget.forecast:
        share = min(share, WORTH)
    return ceil(budget.limit.amount * share)


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the keys of one rule within a pass."""

    work: Work
    rule: Rule
    view: View
    first: bool
    wishes: dict[Key, int] = field(default_factory=dict)
    outlooks: dict[str, Outlook] = field(default_factory=dict)
    quiet: dict[str, frozenset[Key]] = field(default_factory=dict)
    """The keys of which there is nothing to tell, by the label of the period."""
    least: int = field(init=False)
    """The least whole amount that reaches a threshold of a budget, or is worth a warning."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "least", _least(self.rule) if isinstance(self.rule, Budget) else 0)

    def prepare(self, places: Collection[tuple[Period, Key]]) -> None:
        """Read what judging these will ask for, with a few queries for all of them."""
        by_period: dict[Period, list[Key]] = {}
        before: Period | None = None
        for period, key in places:
            if period is not before:
                before, of_period = period, by_period.setdefault(period, [])
            of_period.append(key)
        unit = self.work.unit
        for period, keys in by_period.items():
            if isinstance(period.every, Last):
                continue
            foreseen = isinstance(self.rule, Budget) and self.rule.forecast
            periods = (period.label, label_of(period)) if foreseen else (period.label,)
            told = unit.prepare_incidents(self.rule.name, keys, periods)
            if isinstance(self.rule, Budget):
                quiet = self.quiet[period.label] = self._quiet(keys, period, told)
                prepare_spent(unit, self.view, [key for key in keys if key not in quiet], period)

    def _quiet(self, keys: Collection[Key], period: Period, told: Collection[Key]) -> frozenset[Key]:
        """The keys of a budget that have so little that neither a threshold nor a warning is near, and of which nothing
        was ever told: most of many keys. It only saves time: `judge` would find nothing to do."""
        rule = self.rule
        if not isinstance(rule, Budget) or rule.overrides or rule.was or self.least <= 0:
            return frozenset()
        reached = reaching(self.work.unit, self.view, keys, period, self.least, rule.limit.unit)
        return frozenset(keys).difference(reached, told)

    def judge(self, key: Key, period: Period) -> None:
        work = self.work
        if key in self.quiet.get(period.label, ()):
            work.judged += 1
            return
        labels = self._labels(key)
        values = routing.known_values(self.rule, labels)
        memory = work.unit.incident(self.rule.name, key, period.label)
        renamed = self._before_rename(key, period) if memory is None else None
        memory = memory or renamed
        work.judged += 1
        at_ms = min(work.now_ms, period.end_ms - 1)
        verdict = self._verdict(key, period, values, at_ms)
        if verdict is None:
            if memory is not None and memory.state is State.OPEN and isinstance(self.rule, Budget):
                here = replace(memory, period_start_ms=period.start_ms, period_end_ms=period.end_ms)
                self._keep(lift(here, work.now_ms), None, key, period, values)
            self._set_due(key, period, values, held=False)
            return
        subject = self._subject(key, labels, period)
        step = (advance_episode if isinstance(period.every, Last) else advance)(
            subject,
            verdict,
            memory,
            now_ms=work.now_ms,
            standing=self._standing(period),
            timing=timing_of(period, work.now_ms, first=self.first),
        )
        if step.incident is not None and (step.incident != memory or step.reason is not None or renamed is not None):
            self._keep(step, verdict, key, period, values)
        episode = step.incident if isinstance(period.every, Last) else None
        self._set_due(key, period, values, held=step.held, episode=episode)
        if isinstance(self.rule, Budget) and self.rule.forecast and episode is None and work.now_ms < period.end_ms:
            self._foresee(subject, verdict, values)

    def _foresee(self, subject: Subject, verdict: Verdict, values: Mapping[str, str]) -> None:
        """The warning before the crossing; not at the first judgement, which tells how things stand."""
        seen = warn(self.work.unit, self._outlook(subject.period), subject, verdict, self.rule.was, first=self.first)
        if seen.due_ms is not None:
            self._wish(subject.key, seen.due_ms)
        if seen.step is not None:
            self._keep(seen.step, verdict, subject.key, subject.period, values)

    def _outlook(self, period: Period) -> Outlook:
        if self.outlooks.get(period.label) is None:
            self.outlooks[period.label] = Outlook(self.work.unit, self.work.reading, self.view, period)
        return self.outlooks[period.label]

    def judge_missed(self, key: Key, cells: Collection[int], now: Period, since_ms: int) -> None:
        """Windows that lay before the present one `now` hold changed `cells` too: after an outage, or where a row came
        late, one of them may have crossed a line that the present one is below again.

        The one with most is judged. While it is less than a window ago its episode would still be open, so it opens; an
        older one is over: told late where its rule is a budget, a spike is recorded only. `since_ms`: when the rule was
        first judged; nothing before that counts.
        """
        work, window = self.work, now.every
        assert isinstance(window, Last), "only windows move"
        memory = work.unit.incident(self.rule.name, key, now.label)
        known_ms = known_until_ms(memory)
        if known_ms is None:
            return
        size, present = window.cells, cell_of(now.start_ms) + window.cells - 1
        first_cell = max(min(cells), cell_of(max(since_ms, work.now_ms - LATE_WINDOW_MS)))
        first_cell = max(first_cell, cell_of(known_ms) + size - 1 if known_ms else first_cell)
        end_cell = min(max(cells) + size, present)
        if first_cell >= end_cell:
            return
        labels = self._labels(key)
        values = routing.known_values(self.rule, labels)
        unit = self._unit(values)
        sums = sums_at(work.unit, self.view, key, size, first_cell, end_cell, unit)
        most, _ = max(sums, key=lambda at: at[1])
        then = period_at(self.rule.calendar, window, cell_start_ms(most))
        verdict = self._verdict(key, then, values, cell_start_ms(most))
        standing = self._standing(now)
        if verdict is None or verdict.highest is None or (standing is not Standing.READY and verdict.highest.share < 1):
            return
        line = max(verdict.limit * verdict.passed[0].share, Fraction(verdict.least))
        over_until_ms = cell_start_ms(max(cell for cell, amount in sums if amount >= line) + 1)
        lasts = work.now_ms - over_until_ms < window.ms
        over = Timing.RECORDED if isinstance(self.rule, Spike) else Timing.LATE
        step = advance_episode(
            self._subject(key, labels, now if lasts else then),
            verdict,
            memory,
            now_ms=work.now_ms,
            standing=standing,
            timing=Timing.LIVE if lasts else over,
        )
        if step.reason is not Reason.OPENED:
            return
        opened = replace(changed(step), period_start_ms=then.start_ms, period_end_ms=then.end_ms)
        step = replace(step, incident=opened if lasts else replace(opened, state=State.ROLLED_OVER))
        self._keep(step, verdict, key, then, values)
        if lasts:  # and how does it stand now?
            self.judge(key, now)

    def _labels(self, key: Key) -> tuple[tuple[str, str], ...]:
        names = self.work.names
        return tuple(
            (name, names.get(value, value) if name == "project" else value)
            for name, value in zip(self.rule.each, key, strict=True)
        )

    def _subject(self, key: Key, labels: tuple[tuple[str, str], ...], period: Period) -> Subject:
        return Subject(
            kind=Kind.SPIKE if isinstance(self.rule, Spike) else Kind.BUDGET,
            rule=self.rule.name,
            key=key,
            labels=labels,
            period=period,
            timezone=self.rule.calendar.timezone,
        )

    def _unit(self, values: Mapping[str, str]) -> Unit:
        """What the rule counts for the key."""
        if isinstance(self.rule, Spike):
            return self.rule.unit
        return (limit_for(self.rule, values, self.work.now_ms) or self.rule.limit).unit

    def _standing(self, period: Period) -> Standing:
        return self.work.reading.standing(self.view, period.start_ms, ready=True)

    def _verdict(self, key: Key, period: Period, values: Mapping[str, str], at_ms: int) -> Verdict | None:
        match self.rule:
            case Budget():
                return judge_budget(self.rule, values, spent(self.work.unit, self.view, key, period), at_ms)
            case Spike():
                if self._yesterday_is_coming(period):
                    return None
                return judge_spike_now(self.work.unit, self.view, key, self.rule, period, self.work.reading)

    def _yesterday_is_coming(self, today: Period) -> bool:
        """Whether the day has just begun and a project was not read up to it yet: then yesterday, perhaps the dearest
        of the days to compare with, is about to be complete, and a verdict without it would be taken back."""
        reading = self.work.reading
        if isinstance(today.every, Last) or self.work.now_ms - today.start_ms >= DAY_BEGINS_MS:
            return False
        ends = (frontier(reading.coverage.get(key, ())) for key in reading.relevant(self.view))
        return any(end is not None and end < today.start_ms for end in ends)

    def _baseline_is_read(self, today: Period) -> bool:
        return self.work.reading.is_read(self.view, looks_from(self.rule, today.start_ms), today.start_ms)

    def _before_rename(self, key: Key, period: Period) -> Incident | None:
        """An incident of the rule's former name (``was``) goes on under the new one; it keeps its id."""
        old = self.work.unit.incident(self.rule.was, key, period.label) if self.rule.was else None
        return None if old is None else replace(old, rule=self.rule.name)

    def _set_due(
        self, key: Key, period: Period, values: Mapping[str, str], *, held: bool, episode: Incident | None = None
    ) -> None:
        """Note when the key is to be judged again; the earliest of its periods' wishes counts."""
        wish = look_again_ms(episode, self.work.now_ms)
        if held or (isinstance(self.rule, Spike) and not self._baseline_is_read(period)):
            wish = self.work.now_ms + 1
        elif isinstance(self.rule, Budget):
            override = override_for(self.rule, values, self.work.now_ms)
            if override is not None and override.until_ms is not None:
                wish = min(wish or override.until_ms, override.until_ms)
        if wish is not None:
            self._wish(key, wish)

    def _wish(self, key: Key, wish: int) -> None:
        if wish < self.wishes.get(key, wish + 1):
            self.wishes[key] = wish
            self.work.unit.set_due(self.rule.name, key, wish)

    def _keep(self, step: Step, verdict: Verdict | None, key: Key, period: Period, values: Mapping[str, str]) -> None:
        work = self.work
        incident = changed(step)
        if isinstance(self.rule, Spike):
            incident = replace(incident, detail="" if self.rule.method is Method.RATIO else self.rule.method.value)
        elif self.view.metered:
            incident = replace(incident, detail=LANGFUSE_TOTALS)
        if verdict is not None and step.crossed:
            assert step.threshold is not None, "what was crossed has a highest threshold"
            found = self._crossings(verdict, key, period, incident, step.threshold.share)
            incident = with_crossings(incident, found)
        if step.reason is not None:
            threshold = step.threshold
            forecast = incident.forecast
            if incident.kind is Kind.BUDGET and verdict is not None and not isinstance(period.every, Last):
                forecast = self._outlook(period).of(key, verdict, spent(work.unit, self.view, key, period))
            severity = threshold.severity if threshold else incident.severity
            override_notify = verdict.notify if verdict is not None else None
            owner = routing.owner_of_crossed(work.rules, self.rule.notify, override_notify, step.crossed, values)
            notice = Notice(
                incident=incident,
                reason=step.reason,
                severity=severity,
                threshold=threshold.share if threshold else incident.highest,
                at_ms=work.now_ms,
                as_of_ms=work.reading.as_of_ms(self.view),
                cause=step.cause,
                previous=step.previous,
                at_least=self._standing(period) is not Standing.READY,
                labels=owner.labels,
                runbook=owner.runbook,
                forecast=forecast,
                rows=tuple(sorted(values.items())),
                hours=() if self.view.metered else hours_until(work.unit, self.view, key, work.now_ms, incident.unit),
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
        if self.view.metered:  # Langfuse's sums tell no instant: it is known since it was read
            return tuple(Crossing(t.share, t.severity, limit, *[self.work.now_ms] * 2) for t in new)
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

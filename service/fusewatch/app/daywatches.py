"""The watches over a project's day: usage without a price, a ledger apart from Langfuse, spend without a dimension,
and silence.

A day is a local day of the file's calendar, judged while it runs. What a watch sees is told once for each project (and
dimension) and day: what comes back after it was resolved is shown again, and told no more. While a project cannot be
read its incidents stay as they are, since nothing is known; they roll over with their day.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from fusewatch.app.cells import spent
from fusewatch.app.judging import Work, changed
from fusewatch.domain import routing
from fusewatch.domain.coverage import covers
from fusewatch.domain.incidents import Standing, fingerprint, roll_over, stable_id, withdraw
from fusewatch.domain.notices import AUDIT, Cause, Crossing, Incident, Kind, Notice, Reason, State, Timing
from fusewatch.domain.periods import Period, cell_of, cell_start_ms, day_at, day_index, day_span
from fusewatch.domain.rules import RuleSet, Severity, Unit, attributed_by
from fusewatch.domain.verdicts import HYSTERESIS
from fusewatch.domain.views import View, counted_view, lacking_view, totals_view
from fusewatch.ports import ProjectState

PARTS = 5
"""So many models are named, those with most requests."""

DAYS_COMPARED = 7
LEAST_DAYS = 3
"""Silence is told only where at least so many of the days compared were read."""

_CELLS_A_DAY = 96
_KINDS = (Kind.UNPRICED, Kind.DRIFT, Kind.UNATTRIBUTED, Kind.SILENT)


def watch_views(rules: RuleSet) -> tuple[View, ...]:
    """The views that these watches sum, beside the totals."""
    if Kind.UNATTRIBUTED not in rules.watches:
        return ()
    dimensions = dict.fromkeys(name for rule in rules.rules for name in attributed_by(rule))
    return (counted_view(rules), *(lacking_view(rules, name) for name in dimensions))


@dataclass(frozen=True, slots=True)
class Sign:
    """What a watch sees of one project now; `holds` says whether it is to be told of, None that this cannot be said.

    The amounts are those of `Incident`.
    """

    kind: Kind
    project: ProjectState
    holds: bool | None
    unit: Unit
    measured: int = 0
    limit: int = 0
    dimension: str = ""
    baseline: int | None = None
    parts: tuple[tuple[str, int], ...] = ()
    estimated: int = 0

    @property
    def key(self) -> tuple[str, ...]:
        return (self.project.key, self.dimension) if self.dimension else (self.project.key,)

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        project = ("project", self.project.name)
        return (project, ("dimension", self.dimension)) if self.dimension else (project,)


@dataclass(slots=True)
class DayWatches:
    """One look at every project within an assess pass; what is to be told goes to `work.changes`.

    `views` are those of the rules, by rule; `at_start`: rules are judged for the first time in this pass.
    """

    work: Work
    views: Mapping[str, View]
    at_start: bool
    today: Period = field(init=False)
    watches: frozenset[str] = field(init=False)
    open: dict[tuple[str, tuple[str, ...]], Incident] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.today = day_at(self.work.rules.calendar, self.work.now_ms)
        self.watches = frozenset(self.work.rules.watches)

    def run(self) -> None:
        for kind in _KINDS:
            for incident in self.work.unit.open_incidents(kind.value):
                self._keep_or_end(incident)
        for key in sorted(self.work.reading.active):
            project = self.work.reading.projects[key]
            if project.failing_since_ms is None:
                for sign in self._signs(project):
                    self._heed(sign)

    def _keep_or_end(self, incident: Incident) -> None:
        """A day that ended rolls over; what nothing watches any more is withdrawn."""
        reading = self.work.reading
        all_known = len(reading.active) >= reading.expected
        if incident.period_end_ms <= self.work.now_ms:
            self.work.unit.put_incident(changed(roll_over(incident, self.work.now_ms)))
        elif (
            incident.kind not in self.watches
            or (all_known and incident.key[0] not in (AUDIT, *reading.active))
            or (incident.kind is Kind.UNATTRIBUTED and incident.key[1] not in self._dimensions(incident.key[0]))
        ):
            self.work.unit.put_incident(changed(withdraw(incident, self.work.now_ms)))
        else:
            self.open[incident.rule, incident.key] = incident

    # ------------------------------------------------------------ what is seen

    def _signs(self, project: ProjectState) -> Iterator[Sign]:
        rules = self.work.rules
        if rules.drift.above_pico is not None:
            yield self._drift(project, rules.drift.above_pico)
        if rules.silent.after_ms is not None:
            yield Sign(Kind.SILENT, project, self._is_silent(project, rules.silent.after_ms), Unit.REQUESTS)
        alone = View(counted_view(rules).scope, (), rules.calendar, frozenset({project.key}))
        if self.work.reading.standing(alone, self.today.start_ms, ready=False) is not Standing.READY:
            return  # the day is not read from its start: a share of it would say nothing
        if rules.unpriced.above is not None:
            yield self._unpriced(project, rules.unpriced.above)
        if rules.unattributed.above is not None:
            for dimension in self._dimensions(project.key):
                yield self._unattributed(project, dimension, rules.unattributed.above)

    def _drift(self, project: ProjectState, above_pico: int) -> Sign:
        """As the last comparison of this day found it."""
        compared = project.reconciled_ms is not None and project.reconciled_ms >= self.today.start_ms
        holds = abs(project.drift_pico) > above_pico if compared else None
        return Sign(Kind.DRIFT, project, holds, Unit.USD, project.drift_pico, above_pico)

    def _unpriced(self, project: ProjectState, above: int) -> Sign:
        """Requests in environments that rules leave out do not count."""
        counted = counted_view(self.work.rules)
        models: Counter[str] = Counter()
        estimate = 0
        for dimensions, requests, estimated in self.work.unit.unpriced(
            project.key, self.today.start_ms, self.today.end_ms
        ):
            if counted.key_of(project.key, dimensions, "", "") is not None:
                models[dimensions.model] += requests
                estimate += estimated
        most_first = sorted(models.items(), key=lambda model: (-model[1], model[0]))
        requests = models.total()
        return Sign(
            Kind.UNPRICED,
            project,
            requests > above,
            Unit.REQUESTS,
            requests,
            above,
            parts=tuple(most_first[:PARTS]),
            estimated=estimate,
        )

    def _unattributed(self, project: ProjectState, dimension: str, above: Fraction) -> Sign:
        rules, unit = self.work.rules, self.work.unit
        cost = spent(unit, counted_view(rules), (project.key,), self.today).cost_pico
        lacks = spent(unit, lacking_view(rules, dimension), (project.key,), self.today).cost_pico
        line = cost * above
        holds: bool | None = lacks > line and lacks >= rules.unattributed.floor_pico
        if not holds and line * (1 - HYSTERESIS) < lacks and lacks >= rules.unattributed.floor_pico:
            holds = None
        return Sign(Kind.UNATTRIBUTED, project, holds, Unit.USD, lacks, int(line), dimension=dimension, baseline=cost)

    def _dimensions(self, project: str) -> tuple[str, ...]:
        """Those that any rule over the project uses."""
        over_it = [
            rule
            for rule in self.work.rules.rules
            if (projects := self.views[rule.name].projects) is None or project in projects
        ]
        return tuple(dict.fromkeys(name for rule in over_it for name in attributed_by(rule)))

    def _is_silent(self, project: ProjectState, after_ms: int) -> bool | None:
        """Whether nothing came in the last `after_ms` that were read, and something did at the same time of each of the
        last 7 days that were read. Only a generation ends a silence. Cells are looked at, whole quarter hours."""
        to_ms = project.data_as_of_ms
        read = self.work.reading.coverage.get(project.key, ())
        if to_ms is None or not covers(read, to_ms - after_ms, to_ms):
            return None
        if self._came(project, to_ms - after_ms, to_ms):
            return False
        calendar = self.work.rules.calendar
        day = day_index(calendar, to_ms)
        into_day_ms = to_ms - day_span(calendar, day)[0]
        ends = [day_span(calendar, day - n)[0] + into_day_ms for n in range(1, DAYS_COMPARED + 1)]
        known = [end for end in ends if covers(read, end - after_ms, end)]
        always = len(known) >= LEAST_DAYS and all(self._came(project, end - after_ms, end) for end in known)
        return True if always else None

    def _came(self, project: ProjectState, from_ms: int, to_ms: int) -> bool:
        cells = self._quarters(project, cell_of(from_ms), cell_of(to_ms - 1) + 1)
        return any(requests > 0 for _, requests in cells)

    def _quarters(self, project: ProjectState, from_cell: int, to_cell: int) -> list[tuple[int, int]]:
        view = totals_view(self.work.rules)
        return [(c, a.requests) for c, a in self.work.unit.quarters(view.id, (project.key,), from_cell, to_cell)]

    def _last_start_ms(self, project: ProjectState) -> int:
        """When the last generation before a silence started; one came within the day before it."""
        end = cell_of(self.work.now_ms) + 1
        reach = 2 * _CELLS_A_DAY + cell_of(self.work.rules.silent.after_ms or 0)
        last = max((cell for cell, n in self._quarters(project, end - reach, end) if n > 0), default=end - reach)
        rows = self.work.unit.rows(cell_start_ms(last), cell_start_ms(last + 1))
        return max((row.start_ms for row in rows if row.project == project.key), default=cell_start_ms(last))

    # ------------------------------------------------------------ what becomes of it

    def _heed(self, sign: Sign) -> None:
        held = self.open.get((sign.kind.value, sign.key))
        if sign.holds is None or (held is None and not sign.holds):
            return
        memory = held or self.work.unit.incident(sign.kind.value, sign.key, self.today.label)
        if memory is None:
            self._tell(self._opened(sign), Reason.OPENED)
            return
        now = replace(
            memory,
            state=State.OPEN,
            labels=sign.labels,
            measured=sign.measured,
            limit=sign.limit,
            baseline=sign.baseline,
            parts=sign.parts or memory.parts,
            estimated=sign.estimated,
            period_start_ms=self.today.start_ms,
            period_end_ms=self.today.end_ms,
            timezone=self.work.rules.calendar.timezone,
        )
        if not sign.holds:
            self._tell(replace(now, state=State.RESOLVED, changed_ms=self.work.now_ms), Reason.RESOLVED, memory)
        elif memory.state is State.RESOLVED:  # told today already, its end too
            self.work.unit.put_incident(replace(now, told=(), changed_ms=self.work.now_ms))
        elif now != memory:
            self.work.unit.put_incident(now)

    def _opened(self, sign: Sign) -> Incident:
        now_ms, rule = self.work.now_ms, sign.kind.value
        crossings: tuple[Crossing, ...] = ()
        if sign.kind is Kind.SILENT:
            since_ms = self._last_start_ms(sign.project)
            crossings = (Crossing(Fraction(1), Severity.WARNING, sign.limit, since_ms, now_ms),)
        return Incident(
            id=stable_id(fingerprint(rule, sign.key, self.today.label), "1"),
            kind=sign.kind,
            rule=rule,
            key=sign.key,
            labels=sign.labels,
            period=self.today.label,
            period_start_ms=self.today.start_ms,
            period_end_ms=self.today.end_ms,
            timezone=self.work.rules.calendar.timezone,
            episode=1,
            state=State.OPEN,
            severity=Severity.WARNING,
            level=Fraction(1),
            limit=sign.limit,
            unit=sign.unit,
            measured=sign.measured,
            opened_ms=now_ms,
            changed_ms=now_ms,
            crossings=crossings,
            timing=Timing.AT_START if self.at_start else Timing.LIVE,
            baseline=sign.baseline,
            parts=sign.parts,
            estimated=sign.estimated,
        )

    def _tell(self, incident: Incident, reason: Reason, before: Incident | None = None) -> None:
        """To the default destinations, by severity."""
        work = self.work
        priced = incident.kind is Kind.UNPRICED and reason is Reason.RESOLVED
        notice = Notice(
            incident=incident,
            reason=reason,
            severity=incident.severity,
            threshold=incident.level,
            at_ms=work.now_ms,
            as_of_ms=work.reading.projects[incident.key[0]].data_as_of_ms or work.now_ms,
            cause=Cause.CORRECTED if priced else Cause.NONE,
            previous=before.measured if before is not None else None,
        )
        work.unit.put_incident(work.tell(routing.Change(notice, routing.Owner(work.rules.notify))))

"""The nightly audit: one past day of cells against the rows that they were summed from.

Cells that differ are damage: nothing of ours makes them differ. Their view is formed anew, and people are told, since
something may have been judged by them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial

from fusewatch.app.daywatches import watch_views
from fusewatch.app.judging import Work
from fusewatch.domain import routing
from fusewatch.domain.incidents import fingerprint, stable_id
from fusewatch.domain.notices import AUDIT, Incident, Kind, Notice, Reason, State, Timing
from fusewatch.domain.periods import cell_of, day_at, day_span
from fusewatch.domain.retention import DAY_MS, HOUR_MS, audit_due, day_to_audit, totals_until
from fusewatch.domain.rules import RuleSet, Severity, Unit
from fusewatch.domain.usage import Amounts, Delta
from fusewatch.domain.views import Key, View, drivers_view, labels_view, totals_view, view_of
from fusewatch.ports import Audited, Clock, ReadUnit, Runner, Store, UpkeepUnit


@dataclass(slots=True)
class Difference:
    """What is wrong with the cells of one view: how many, and by how much cost together."""

    cells: int = 0
    off_pico: int = 0

    def note(self, truth: Mapping[object, Amounts], held: Mapping[object, Amounts]) -> None:
        for place in {*truth, *held}:
            off = held.get(place, Amounts()).minus(truth.get(place, Amounts()))
            if any(off):
                self.cells += 1
                self.off_pico += abs(off.cost_pico)


@dataclass(slots=True)
class AuditReport:
    """One audit: the day it looked at, and the views that were wrong, by the rule or use that they have."""

    day: int
    views: tuple[tuple[str, View], ...]
    differences: dict[str, Difference] = field(default_factory=dict)
    """By the view's id."""

    @property
    def found(self) -> tuple[tuple[str, int], ...]:
        """(rule or use, cells) of each view that was wrong."""
        return tuple((name, self.differences[v.id].cells) for name, v in self.views if v.id in self.differences)

    @property
    def off_pico(self) -> int:
        return max((difference.off_pico for difference in self.differences.values()), default=0)


async def audit_pass(store: Store, run: Runner, clock: Clock, rules: RuleSet) -> AuditReport | None:
    """Audit the day whose turn it is; None when no audit is due.

    It reads hour by hour, each in a transaction of its own that holds up no writer. While changes wait for assess, or
    rows of that day are being pruned, cells and rows cannot be compared: then None too, and it is for the next call.
    """
    now_ms = clock.now_ms()
    report = await run(lambda: store.read(lambda unit: _begin(unit, rules, now_ms)))
    if report is None:
        return None
    from_ms, to_ms = day_span(rules.calendar, report.day)
    for hour_ms in range(from_ms, to_ms, HOUR_MS):
        span = (hour_ms, min(hour_ms + HOUR_MS, to_ms))
        if not await run(partial(store.read, partial(_compare_hour, report=report, span=span))):
            return None
    if not await run(lambda: store.read(lambda unit: _compare_days(unit, report))):
        return None
    await run(lambda: store.upkeep(lambda unit: _finish(unit, report, now_ms)))
    return report


def _begin(unit: ReadUnit, rules: RuleSet, now_ms: int) -> AuditReport | None:
    last = unit.audited()
    if not audit_due(rules.calendar, last.at_ms if last else None, now_ms):
        return None
    projects = unit.projects()
    read = [spans[0].from_ms for spans in unit.coverage().values() if spans]
    kept = [project.floor_ms for project in projects if project.floor_ms is not None]
    if not read:
        return None
    rows_from_ms = max(kept, default=min(read))
    totals_ms = totals_until(rules.retention, now_ms)
    if totals_ms is not None:
        rows_from_ms = max(rows_from_ms, totals_ms + DAY_MS)
    day = day_to_audit(rules.calendar, last.day if last else None, rows_from_ms, now_ms)
    built = unit.built_views()
    names = {project.key: project.name for project in projects}
    return None if day is None else AuditReport(day, tuple(_views(rules, names, built)))


def _views(rules: RuleSet, names: Mapping[str, str], built: frozenset[str]) -> Iterable[tuple[str, View]]:
    """Each built view once, with the first rule that uses it, or what else it is for."""
    known = [(rule.name, view_of(rule, rules, names)) for rule in rules.rules]
    known += [("totals", totals_view(rules)), ("metrics", labels_view(rules)), ("drivers", drivers_view(rules))]
    known += [("watches", view) for view in watch_views(rules)]
    seen: set[str] = set()
    for name, view in known:
        if view.id in built and view.id not in seen and not view.metered:
            seen.add(view.id)
            yield name, view


def _comparable(unit: ReadUnit, from_ms: int) -> bool:
    return not unit.waiting() and all((project.floor_ms or from_ms) <= from_ms for project in unit.projects())


def _compare_hour(unit: ReadUnit, *, report: AuditReport, span: tuple[int, int]) -> bool:
    if not _comparable(unit, span[0]):
        return False
    sums: dict[bool, Iterable[Delta]] = {}
    for _, view in report.views:
        people = view.uses_people
        if people not in sums:
            sums[people] = unit.row_sums(*span, people=people)
        truth: defaultdict[object, Amounts] = defaultdict(Amounts)
        for delta in sums[people]:
            key = view.key_of(delta.project, delta.dimensions, delta.user, delta.session)
            if key is not None:
                truth[key, delta.cell] = truth[key, delta.cell].plus(delta.amounts)
        held = unit.cells(view.id, cell_of(span[0]), cell_of(span[1] - 1) + 1)
        _note(report, view, truth, dict(held.items()))
    return True


def _compare_days(unit: ReadUnit, report: AuditReport) -> bool:
    """The day cells of each view, in its own calendar, against its quarter hours."""
    if unit.waiting():
        return False
    for _, view in report.views:
        from_ms, to_ms = day_span(view.calendar, report.day)
        truth: defaultdict[object, Amounts] = defaultdict(Amounts)
        for hour_ms in range(from_ms, to_ms, HOUR_MS):  # of a day, each of many keys may have a hundred
            end = cell_of(min(hour_ms + HOUR_MS, to_ms) - 1) + 1
            for (key, _cell), amounts in unit.cells(view.id, cell_of(hour_ms), end).items():
                truth[key] = truth[key].plus(amounts)
        held: Mapping[Key, Amounts] = unit.day_cells(view.id, report.day)
        if view.id not in report.differences:
            _note(report, view, truth, dict(held.items()))
    return True


def _note(report: AuditReport, view: View, truth: Mapping[object, Amounts], held: Mapping[object, Amounts]) -> None:
    difference = report.differences.get(view.id, Difference())
    difference.note(truth, held)
    if difference.cells:
        report.differences[view.id] = difference


def _finish(unit: UpkeepUnit, report: AuditReport, now_ms: int) -> None:
    for view in report.differences:
        unit.distrust_view(view)
    unit.put_audited(Audited(now_ms, report.day, report.found, report.off_pico))


# ---------------------------------------------------------------- what is told of it


def tell_audit(work: Work) -> None:
    """Open an incident of the drift watch for what the audit of this day found and mended, once; it rolls over with the
    day. To the default destinations."""
    audited = work.unit.audited()
    today = day_at(work.rules.calendar, work.now_ms)
    if audited is None or not audited.found or Kind.DRIFT.value not in work.rules.watches:
        return
    key = (AUDIT, day_at(work.rules.calendar, day_span(work.rules.calendar, audited.day)[0]).label.partition(":")[2])
    if audited.at_ms < today.start_ms or work.unit.incident(Kind.DRIFT.value, key, today.label) is not None:
        return
    incident = Incident(
        id=stable_id(fingerprint(Kind.DRIFT.value, key, today.label), "1"),
        kind=Kind.DRIFT,
        rule=Kind.DRIFT.value,
        key=key,
        labels=(key,),
        period=today.label,
        period_start_ms=today.start_ms,
        period_end_ms=today.end_ms,
        timezone=work.rules.calendar.timezone,
        episode=1,
        state=State.OPEN,
        severity=Severity.WARNING,
        level=Fraction(1),
        limit=0,
        unit=Unit.USD,
        measured=audited.off_pico,
        opened_ms=work.now_ms,
        changed_ms=work.now_ms,
        timing=Timing.LIVE,
        detail="formed anew from the rows",
        parts=audited.found,
    )
    notice = Notice(incident, Reason.OPENED, incident.severity, incident.level, work.now_ms, audited.at_ms)
    change = routing.Change(notice, routing.Owner(work.rules.notify))
    incident = replace(incident, told=routing.told(change, work.rules.destinations))
    work.changes.append(replace(change, notice=replace(notice, incident=incident)))
    work.unit.put_incident(incident)

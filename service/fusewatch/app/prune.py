"""The pruning pass: rows that are too old go, and what they summed to stays.

Every step is one short transaction after which all sums are right, so the pass may end at any instant; the next one
goes on where it ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from fusewatch.domain.periods import Calendar, cell_of, day_index
from fusewatch.domain.retention import QUARTERS_BEYOND_MS, prune_due, rows_until, totals_until
from fusewatch.domain.rules import Retention
from fusewatch.ports import Clock, ProjectState, Runner, Store, UpkeepUnit

ROWS_AT_ONCE = 4_000
"""How many rows one transaction deletes with their identities: about 0.1 s with a cold cache."""

CELLS_AT_ONCE = 5_000


@dataclass(slots=True)
class PruneReport:
    """What one pass deleted. `rows` by the stable key of their project, where there were any."""

    rows: dict[str, int] = field(default_factory=dict)
    floor_ms: int | None = None


async def prune_pass(
    store: Store,
    run: Runner,
    clock: Clock,
    retention: Retention,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> PruneReport | None:
    """Prune what became too old since the last complete pass; None when nothing can have, or when `stop` says so.

    Projects are pruned once their first load is complete, whether or not they are still read.
    """
    now_ms = clock.now_ms()
    projects = await run(lambda: store.upkeep(partial(_projects_if_due, retention=retention, now_ms=now_ms)))
    if projects is None:
        return None
    report = PruneReport(floor_ms=rows_until(retention, now_ms))
    for step in _steps(report, retention, [p.key for p in projects if p.loaded_ms is not None], now_ms):
        more = True
        while more:
            if stop():
                return None
            more = await run(partial(store.upkeep, step))
    await run(lambda: store.upkeep(lambda unit: unit.put_pruned(now_ms)))
    return report


Step = Callable[[UpkeepUnit], bool]
"""One transaction of the pass; whether it wants another one."""


def _projects_if_due(unit: UpkeepUnit, *, retention: Retention, now_ms: int) -> Sequence[ProjectState] | None:
    return unit.projects() if prune_due(retention, unit.pruned_ms(), now_ms) else None


def _steps(report: PruneReport, retention: Retention, projects: Sequence[str], now_ms: int) -> list[Step]:
    rows_ms, totals_ms = rows_until(retention, now_ms), totals_until(retention, now_ms)
    steps: list[Step] = []
    if rows_ms is not None:
        steps += [partial(_prune_rows, report=report, project=project, to_ms=rows_ms) for project in projects]
    if totals_ms is not None:
        steps += [partial(_fold, project=project, before_ms=totals_ms) for project in projects]
        steps.append(lambda unit: unit.drop_incidents(totals_ms, most=ROWS_AT_ONCE))
    told_ms = totals_ms if rows_ms is None else rows_ms
    if told_ms is not None:
        quarters_ms = told_ms - (0 if rows_ms is None else QUARTERS_BEYOND_MS)
        days_before = None if totals_ms is None else day_index(Calendar(), totals_ms) - 1
        steps.append(_Cells(cell_of(quarters_ms), days_before))
        steps.append(_Deliveries(told_ms))
    return steps


def _prune_rows(unit: UpkeepUnit, *, report: PruneReport, project: str, to_ms: int) -> bool:
    pruned = unit.prune(project, to_ms, most=ROWS_AT_ONCE)
    if pruned.rows:
        report.rows[project] = report.rows.get(project, 0) + pruned.rows
    return pruned.more


def _fold(unit: UpkeepUnit, *, project: str, before_ms: int) -> bool:
    return unit.fold_totals(project, before_ms, most=ROWS_AT_ONCE)


@dataclass(slots=True)
class _Cells:
    """Walks through the keys of all views."""

    quarters_before: int
    days_before: int | None
    after: int = 0

    def __call__(self, unit: UpkeepUnit) -> bool:
        last = unit.drop_cells(
            self.after, quarters_before=self.quarters_before, days_before=self.days_before, most=CELLS_AT_ONCE
        )
        self.after = last or 0
        return last is not None


@dataclass(slots=True)
class _Deliveries:
    """Walks through the outbox from its oldest end."""

    before_ms: int
    after: int = 0

    def __call__(self, unit: UpkeepUnit) -> bool:
        last = unit.drop_deliveries(self.after, self.before_ms, most=ROWS_AT_ONCE)
        self.after = last or 0
        return last is not None

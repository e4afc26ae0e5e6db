"""What must be so after every story: the ledger, and all that is formed from it, against what Langfuse really has."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from fusewatch.app.daywatches import watch_views
from fusewatch.demo.standin import Span
from fusewatch.domain.coverage import Span as Covered
from fusewatch.domain.periods import cell_of, cell_start_ms, day_index
from fusewatch.domain.usage import FORGOTTEN, UNKNOWN, Amounts
from fusewatch.domain.views import Key, View, drivers_view, labels_view, totals_view, view_of
from fusewatch.ports import AssessUnit, ProjectState, Row
from tests.app.stage import Stage
from tests.store.samples import raw

Fact = tuple[int, str, str, str, str, int, int, int]
"""Start, feature, team, user, environment, picodollars, tokens, estimated picodollars of one generation."""

Cells = defaultdict[tuple[Key, int], Amounts]
"""What a key used in a cell or on a day."""


def check(stage: Stage) -> None:
    """AssertionError where Fusewatch and Langfuse disagree about anything that was read."""
    projects = stage.store.assess(lambda unit: list(unit.projects()))
    for project in projects:
        for read in stage.store.ingest(project.key, lambda unit: list(unit.coverage())):
            covered = Covered(min(max(read.from_ms, project.floor_ms or 0), read.to_ms), read.to_ms)
            ledger = stage.store.assess(partial(_facts, project=project, span=covered))
            assert ledger == _truth(stage, project, covered)
        _check_counters(stage, project)
    _check_totals(stage)
    _check_cells(stage)
    _check_sent_once(stage)


def _facts(unit: AssessUnit, project: ProjectState, span: Covered) -> Counter[Fact]:
    return Counter(_fact(row) for row in unit.rows(*span) if row.project == project.key)


def _fact(row: Row) -> Fact:
    d = row.dimensions
    cost, tokens, _, estimate = row.amounts
    return row.start_ms, d.feature, d.team, row.user, d.environment, cost, tokens, estimate


def _truth(stage: Stage, project: ProjectState, covered: Covered) -> Counter[Fact]:
    newest = stage.warehouse.newest(project.project_id, *covered)
    traces: defaultdict[str, list[Span]] = defaultdict(list)
    for span in stage.warehouse.newest(project.project_id):
        traces[span.trace_id].append(span)
    return Counter(_true_fact(stage, span, traces[span.trace_id]) for span in newest if span.usage or span.cost)


def _true_fact(stage: Stage, span: Span, trace: list[Span]) -> Fact:
    """What a call lacks is that of the first of its trace that has it, call or not."""
    oldest_first = sorted(trace, key=lambda one: (one.start_ms, one.id))

    def found(own: Callable[[Span], str | None]) -> str:
        return next(filter(None, map(own, [span, *oldest_first])), UNKNOWN)

    return (
        span.start_ms,
        found(stage.feature_of),
        found(lambda one: one.all_metadata().get("team")),
        found(lambda one: FORGOTTEN if one.user_id in stage.forgotten else one.user_id),
        span.environment,
        span.total_pico(),
        span.usage_details().get("total", 0),
        stage.estimate_of(span),
    )


def _check_counters(stage: Stage, project: ProjectState) -> None:
    """What is exported, less the debt, is the ledger from the start of the first load on."""
    counters = [c for c in stage.store.read(lambda unit: unit.counters()) if c.labels[0] == project.name]
    if project.counters_from_ms is None:
        assert counters == []
        return
    rows = stage.store.assess(lambda unit: unit.rows(project.counters_from_ms or 0, 2**53))
    true = sum(row.amounts.cost_pico for row in rows if row.project == project.key)
    true += sum(cost for start_ms, cost, _ in _pruned(stage, project) if start_ms >= project.counters_from_ms)
    assert sum(c.cost_pico - c.debt_pico for c in counters) == true


def _pruned(stage: Stage, project: ProjectState) -> list[tuple[int, int, int]]:
    """Start, cost and estimate of what lies below the floor, where anything was read and pruned."""
    with raw(stage.url) as ask:
        archived = ask("SELECT 1 FROM hour_total LIMIT 1")
    if project.floor_ms is None or not archived:
        return []
    facts = _truth(stage, project, Covered(0, project.floor_ms)).elements()
    return [(start_ms, cost, estimate) for start_ms, *_, cost, _tokens, estimate in facts]


def _check_totals(stage: Stage) -> None:
    rows = stage.store.assess(lambda unit: unit.rows(0, 2**53))
    projects = stage.store.assess(lambda unit: list(unit.projects()))
    money = [(row.amounts.cost_pico, row.amounts.estimate_pico) for row in rows]
    money += [(cost, estimate) for project in projects for _, cost, estimate in _pruned(stage, project)]
    totals = stage.store.read(lambda unit: unit.totals())
    sums = sum(cost for cost, _ in money), sum(estimate for _, estimate in money)
    assert (totals.generations, totals.cost_pico, totals.estimate_pico) == (len(money), *sums)


def _check_cells(stage: Stage) -> None:
    """Every cell that was kept up to date change by change is what the rows give at once."""
    rules = stage.book.rules

    def compare(unit: AssessUnit) -> None:
        if any(project.floor_ms is not None for project in unit.projects()):
            return  # cells know more than rows; the stories of pruning look at them
        names = {project.key: project.name for project in unit.projects()}
        views = [view_of(rule, rules, names) for rule in rules.rules] + [totals_view(rules), labels_view(rules)]
        views += [*watch_views(rules), drivers_view(rules)]
        rows = unit.rows(0, 2**53)
        for view in views:
            if view.id in unit.built_views() and not view.metered:  # those are Langfuse's sums, of when they were read
                _compare(unit, view, rows)

    stage.store.assess(compare)


def _compare(unit: AssessUnit, view: View, rows: Sequence[Row]) -> None:
    quarters: Cells = defaultdict(Amounts)
    days: Cells = defaultdict(Amounts)
    for row in rows:
        key = view.key_of(row.project, row.dimensions, row.user, row.session)
        if key is None:
            continue
        cell = cell_of(row.start_ms)
        quarters[key, cell] = quarters[key, cell].plus(row.amounts)
        day = day_index(view.calendar, cell_start_ms(cell))
        days[key, day] = days[key, day].plus(row.amounts)
    keys = set(unit.keys(view.id, 0))
    assert {key for key, _ in quarters} <= keys
    for key in keys:
        assert dict(unit.quarters(view.id, key, 0, 2**40)) == _of(quarters, key)
        assert dict(unit.days(view.id, key, 0, 2**40)) == _of(days, key)


def _of(cells: Cells, key: Key) -> dict[int, Amounts]:
    return {place: amounts for (owner, place), amounts in cells.items() if owner == key and any(amounts)}


def _check_sent_once(stage: Stage) -> None:
    for name, inbox in stage.inboxes.items():
        ids = Counter(message.id for message in inbox.accepted)
        repeats = sum(ids.values()) - len(ids)
        assert repeats <= stage.repeats_allowed, f"{name} was sent something twice"

"""The totals pass: ask Langfuse for the sums of the budgets that are judged by them, and add what they grew by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from fusewatch.app.cells import spent
from fusewatch.domain.metered import (
    MeteredRead,
    Question,
    Wanted,
    by_project,
    metered_budgets,
    questions,
)
from fusewatch.domain.money import pico_from_json
from fusewatch.domain.periods import Period, cell_of, cell_start_ms, day_index
from fusewatch.domain.rules import RuleSet
from fusewatch.domain.usage import UNKNOWN, Amounts, Dimensions
from fusewatch.domain.views import Key, View, remembering
from fusewatch.errors import Permanent, Retryable
from fusewatch.ports import AssessUnit, Clock, GroupSum, GroupSums, ReadUnit, Runner, Source, Store

_NOTHING_KNOWN = Dimensions._make((*[UNKNOWN] * (len(Dimensions._fields) - 1), ()))
_PLACES = {name: place for place, name in enumerate(Dimensions._fields)}


@dataclass(frozen=True, slots=True)
class TotalsReport:
    """What one pass over one project did: how many requests, how many keys changed, whether groups were cut off."""

    requests: int
    changed: int
    whole: bool
    failure: Retryable | Permanent | None = None


async def totals_pass(
    source: Source, project: str, store: Store, run: Runner, clock: Clock, rules: RuleSet
) -> TotalsReport | None:
    """Ask once for each period and set of dimensions of the metered budgets; None when the project has none,
    or assess has not begun with them.

    Each answer is written in one transaction with the keys that it makes due. A failed request ends the pass; what was
    read before it stays.
    """
    if not metered_budgets(rules):
        return None
    asked = await run(lambda: store.read(lambda unit: _questions(unit, project, rules, clock.now_ms())))
    if not asked:
        return None
    requests = changed = 0
    whole = True
    try:
        for question, wanted in asked.items():
            at_ms = clock.now_ms()
            requests += 1
            sums = await source.group_sums(question.from_ms, question.to_ms, question.dimensions)
            write = partial(_write, project=project, question=question, wanted=wanted, sums=sums, at_ms=at_ms)
            changed += await run(partial(store.assess, write))
            whole = whole and sums.whole
    except (Retryable, Permanent) as failure:
        return TotalsReport(requests, changed, whole, failure)
    return TotalsReport(requests, changed, whole)


def _questions(unit: ReadUnit, project: str, rules: RuleSet, now_ms: int) -> Mapping[Question, tuple[Wanted, ...]]:
    names = {p.key: p.name for p in unit.projects()}
    reads = {view: read for (view, of), read in unit.metered_reads().items() if of == project}
    built = unit.built_views()
    asked = questions(rules, project, names, reads, now_ms)
    ready = {question: tuple(w for w in wanted if _built(w.view) <= built) for question, wanted in asked.items()}
    return {question: wanted for question, wanted in ready.items() if wanted}


def _built(view: View) -> set[str]:
    """What assess has to have made before anything can be added."""
    return {view.id, by_project(view).id}


def _write(
    unit: AssessUnit, project: str, question: Question, wanted: Sequence[Wanted], sums: GroupSums, at_ms: int
) -> int:
    """How many keys changed. A view that is not built yet, or no more, is left for a later pass."""
    built = unit.built_views()
    reads = unit.metered_reads()
    places = {(one.view, one.period) for one in wanted}
    changed = 0
    for view, period in places:
        if not _built(view) <= built:
            continue
        grown = _grow(
            unit, project, view, period, _by_key(view, project, question.dimensions, sums.groups), sums, at_ms
        )
        for budget in {one.budget.name for one in wanted if one.view == view}:
            for key in grown:
                unit.set_due(budget, key, at_ms)
        before = reads.get((view.id, project))
        if before is None or before.from_ms <= period.start_ms:
            unit.put_metered_read(view.id, project, MeteredRead(period.start_ms, at_ms, sums.whole))
        changed += len(grown)
    return changed


def _grow(
    unit: AssessUnit,
    project: str,
    view: View,
    period: Period,
    found: Mapping[Key, Amounts],
    sums: GroupSums,
    at_ms: int,
) -> list[Key]:
    """Add to the cells of now what the sums of the period grew by; the keys that changed. A group that vanished from a
    whole answer fell to zero."""
    apart = by_project(view).id
    cell = cell_of(min(max(at_ms, period.start_ms), period.end_ms - 1))
    day = day_index(view.calendar, cell_start_ms(cell))
    keys = set(found)
    if sums.whole:
        keys |= {key[1:] for key in unit.keys(apart, cell_of(period.start_ms)) if key[0] == project}
    changed = []
    for key in sorted(keys):
        apart_key = (project, *key)
        known = spent(unit, by_project(view), apart_key, period)
        growth = found.get(key, Amounts()).minus(known)
        if any(growth):
            unit.add(apart, apart_key, cell, day, growth)
            unit.add(view.id, key, cell, day, growth)
            changed.append(key)
    return changed


def _by_key(view: View, project: str, dimensions: Sequence[str], groups: Sequence[GroupSum]) -> dict[Key, Amounts]:
    key_of = remembering(view)
    found: dict[Key, Amounts] = {}
    for group in groups:
        values = list(_NOTHING_KNOWN)
        for name, value in zip(dimensions, group.values, strict=True):
            values[_PLACES[name]] = value.strip() or UNKNOWN
        key = key_of(project, Dimensions._make(values), UNKNOWN, UNKNOWN)
        if key is not None:
            amounts = Amounts(pico_from_json(group.cost), group.tokens, 0, 0)
            found[key] = found[key].plus(amounts) if key in found else amounts
    return found

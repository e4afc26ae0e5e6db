"""Budgets over Langfuse's own sums (`source: metrics`): what is asked, and what an answer adds to the cells.

Langfuse's metrics endpoint sums where the rows are, so a question costs the same whatever the traffic. It counts every
stored version of an observation and knows no exact instant, which is why a budget has to ask for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from fusewatch.domain.periods import Period, period_at, previous
from fusewatch.domain.rules import Budget, RuleSet, period_kind
from fusewatch.domain.views import View, view_of

METERED_DIMENSIONS = (
    "project",
    "environment",
    "model",
    "operation",
    "type",
    "release",
    "version",
    "prompt",
    "trace_name",
)
"""What Langfuse can group by itself and has few values. Feature and team come from metadata, which it cannot group by;
users and sessions it groups only as far as the dearest thousand."""

SETTLING_MS = 10 * 60_000
"""How long after its end a period is still asked for: generations appear when they end."""

STALE_MS = 3 * 3_600_000
"""Sums that were read longer ago are lower bounds: on the smallest plan they are read once an hour."""


class MeteredRead(NamedTuple):
    """The last reading of one view's sums in one project: of the period that began at `from_ms`, taken at `at_ms`.
    `whole`: no group was cut off."""

    from_ms: int
    at_ms: int
    whole: bool = True


class Wanted(NamedTuple):
    """One rule over one period."""

    budget: Budget
    view: View
    period: Period


class Question(NamedTuple):
    """One request: sums of what starts in [from_ms, to_ms), by these dimensions, in their order."""

    from_ms: int
    to_ms: int
    dimensions: tuple[str, ...]


def metered_budgets(rules: RuleSet) -> tuple[Budget, ...]:
    return tuple(rule for rule in rules.rules if isinstance(rule, Budget) and rule.metered)


def unmetered(rules: RuleSet) -> RuleSet:
    """The same rules over the ledger: a replay has no other sums."""
    return replace(rules, budgets=tuple(replace(budget, metered=False) for budget in rules.budgets))


def by_project(view: View) -> View:
    """The view whose cells keep the projects of a metered view apart: its keys are (project, *key)."""
    return replace(view, each=("project", *view.each), metered=f"{view.metered} by project")


def dimensions_of(view: View) -> tuple[str, ...]:
    """What Langfuse has to group by, so that the view can tell which groups it counts, and under which key."""
    named = {*view.each, *(matcher.dimension for matcher in (*view.scope.where, *view.scope.unless))}
    return tuple(name for name in METERED_DIMENSIONS if name in named and name != "project")


def questions(
    rules: RuleSet, project: str, names: Mapping[str, str], reads: Mapping[str, MeteredRead], now_ms: int
) -> Mapping[Question, tuple[Wanted, ...]]:
    """What to ask one project, each question once, and which rules its answer is for. `reads` are the last readings of
    this project, by view.

    A period that just ended is asked for again until it has settled, so that what was spent just before is judged.
    """
    asked: dict[Question, list[Wanted]] = {}
    for budget in metered_budgets(rules):
        view = view_of(budget, rules, names)
        if view.projects is not None and project not in view.projects:
            continue
        for period in _periods(budget, reads.get(view.id), now_ms):
            question = Question(period.start_ms, min(now_ms + 1, period.end_ms), dimensions_of(view))
            asked.setdefault(question, []).append(Wanted(budget, view, period))
    return {question: tuple(wanted) for question, wanted in asked.items()}


def _periods(budget: Budget, last: MeteredRead | None, now_ms: int) -> Iterable[Period]:
    current = period_at(budget.calendar, period_kind(budget), now_ms)
    before = previous(budget.calendar, current)
    if last is not None and last.from_ms >= before.start_ms:
        just_ended = now_ms - before.end_ms < SETTLING_MS
        if just_ended or last.from_ms == before.start_ms:
            yield before
    yield current

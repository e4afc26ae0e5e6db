"""The planted culprits of `tests.bench.driver_bank`: found through the real database, in the real order."""

from collections.abc import Mapping

import pytest

from fusewatch.domain.explanations import Part
from fusewatch.domain.verdicts import measure
from fusewatch.domain.views import dimension_value, view_of
from fusewatch.ports import Row
from tests.bench.driver_bank import SCENARIOS, Verdict, judge, played, table

LEAST = 19, 20
"""At least so many of so many."""


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return [judge(scenario) for scenario in SCENARIOS]


def test_the_culprit_is_named_first_in_nineteen_of_twenty(verdicts: list[Verdict]) -> None:
    assert len(verdicts) >= 20
    right = sum(verdict.right for verdict in verdicts)
    assert right * LEAST[1] >= len(verdicts) * LEAST[0], "\n".join(table(verdicts))


def test_what_is_told_adds_up_to_the_growth_to_the_picodollar(verdicts: list[Verdict]) -> None:
    for why in (verdict.why for verdict in verdicts):
        assert why.grew
        assert sum(driver.part.growth for driver in why.drivers) + why.rest == why.growth
        assert why.effect is not None
        assert why.effect.requests + why.effect.size + why.effect.price == why.growth


@pytest.mark.parametrize("number", [0, 2, 6, 9, 20, 22, 24])
def test_every_named_value_spent_exactly_what_is_told_within_the_scope_of_the_rule(
    verdicts: list[Verdict], number: int
) -> None:
    """Nothing of other keys, of other scopes or of other hours is in it."""
    scenario, why = SCENARIOS[number], verdicts[number].why
    with played(scenario) as (store, rules, _):
        names = {project.key: project.name for project in store.read(lambda unit: unit.projects())}
        view = view_of(rules.rules[0], rules, names)
        rows = store.assess(lambda unit: list(unit.rows(why.from_ms, why.to_ms)))
    ours = [r for r in rows if view.key_of(r.project, r.dimensions, r.user, r.session) == scenario.key]
    assert why.amount == sum(measure(row.amounts, why.unit) for row in ours)
    for driver in why.drivers:
        own = [row for row in ours if value_of(driver.part, row, names) == driver.part.value]
        for part in (driver.part, *driver.under):
            if part.dimension == "trace":
                continue
            spent = sum(measure(r.amounts, why.unit) for r in own if value_of(part, r, names) == part.value)
            assert (part.amount, part.at_least) == (spent, why.sampled and part.dimension == "user")


def value_of(part: Part, row: Row, names: Mapping[str, str]) -> str:
    found = dimension_value(part.dimension, row.project, row.dimensions, row.user, row.session)
    return names[found] if part.dimension == "project" else found

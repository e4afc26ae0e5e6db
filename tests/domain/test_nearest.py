"""Which pattern of a rule fits nothing, and what its author may have meant."""

import pytest

from fusewatch.domain.nearest import Misfit, misfits
from fusewatch.domain.rules import Matcher, Scope

EXISTING = {
    "team": ["content", "search", "unknown"],
    "feature": ["summarization", "search-assist", "chat", "unknown"],
    "model": ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5"],
}


def _misfits(**where: tuple[str, ...]) -> tuple[Misfit, ...]:
    scope = Scope(tuple(Matcher(name, patterns) for name, patterns in where.items()))
    return misfits(scope, lambda name: EXISTING.get(name, []))


@pytest.mark.parametrize(
    ("name", "pattern", "meant"),
    [
        ("team", "contents", ("content",)),
        ("team", "Content", ("content",)),
        ("feature", "summarisation", ("summarization",)),
        ("feature", "search_assist", ("search-assist",)),
        ("feature", "assist*", ("search-assist",)),
        ("model", "claude-sonnet", ("claude-sonnet-4-5",)),
        ("model", "openai/gpt-4o", ("gpt-4o",)),
        ("team", "billing", ()),
    ],
)
def test_a_pattern_that_fits_nothing_is_told_with_the_values_it_looks_like(
    name: str, pattern: str, meant: tuple[str, ...]
) -> None:
    (misfit,) = _misfits(**{name: (pattern,)})
    assert (misfit.dimension, misfit.patterns) == (name, (pattern,))
    assert misfit.nearest[: len(meant)] == meant
    assert bool(misfit.nearest) == bool(meant)


def test_a_pattern_that_fits_something_is_no_misfit_even_when_the_whole_rule_matches_nothing() -> None:
    assert _misfits(team=("content",), feature=("sum*",)) == ()


def test_of_several_patterns_one_that_fits_is_enough() -> None:
    assert _misfits(team=("contents", "search")) == ()


def test_users_and_sessions_are_never_compared() -> None:
    assert _misfits(user=("nobody",), session=("none",)) == ()


def test_a_dimension_without_any_value_has_nothing_near() -> None:
    assert _misfits(agent_type=("planner",)) == (Misfit("agent_type", ("planner",), ()),)

"""Which generations a rule counts, under which key, and which rules share their cells."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.periods import Calendar, Every
from fusewatch.domain.rules import Budget, Limit, Matcher, RuleSet, Scope, Severity, Threshold, Unit
from fusewatch.domain.usage import UNKNOWN, Dimensions
from fusewatch.domain.views import View, dimension_value, labels_view, matches, totals_view, view_of
from tests.domain.lifecycle import budget, spike

PLAIN = Dimensions(
    environment="production",
    feature="search",
    team="content",
    model="gpt-4o",
    provider="openai",
    operation="answer",
    type="GENERATION",
    release="r1",
    version="v1",
    prompt="p1",
    trace_name="chat",
    extra=(("agent_type", "planner"), ("region", "eu")),
)
NAMES = {"cloud:1": "shop", "cloud:2": "labs", "eu:9": "labs-eu"}


def where(**patterns: str | tuple[str, ...]) -> tuple[Matcher, ...]:
    return tuple(Matcher(n, (p,) if isinstance(p, str) else p) for n, p in patterns.items())


def _view(
    *,
    counts: tuple[Matcher, ...] = (),
    leaves_out: tuple[Matcher, ...] = (),
    each: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
    calendar: Calendar = Calendar(),
) -> View:
    declared = replace(budget(), scope=Scope(counts, leaves_out), each=each, calendar=calendar)
    return view_of(declared, RuleSet(excluded_environments=excluded), NAMES)


def _counts(view: View, project: str = "cloud:1", **facts: str) -> bool:
    user, session = facts.pop("user", "u1"), facts.pop("session", "s1")
    dimensions = Dimensions._make(facts.get(name, plain) for name, plain in zip(PLAIN._fields, PLAIN, strict=True))
    return view.key_of(project, dimensions, user, session) is not None


# ---------------------------------------------------------------- patterns


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        pytest.param("search", "search", True, id="a literal"),
        pytest.param("search", "Search", False, id="compared with case"),
        pytest.param("search", "search-assist", False, id="the whole value"),
        pytest.param("eval-*", "eval-", True, id="a star matches nothing, too"),
        pytest.param("eval-*", "eval-a/b\nc", True, id="and slashes and line ends"),
        pytest.param("*", UNKNOWN, True, id="a missing value is a value"),
        pytest.param("v?", "v1", True, id="one sign"),
        pytest.param("v?", "v10", False, id="only one"),
        pytest.param("[ab]c", "bc", True, id="one of some"),
        pytest.param("[ab]c", "[ab]c", True, id="a value that looks like a pattern matches itself"),
        pytest.param("a.c", "abc", False, id="a dot is a dot"),
    ],
)
def test_a_pattern_fits_a_value(pattern: str, value: str, expected: bool) -> None:
    assert matches(Matcher("feature", (pattern,)), value) is expected


def test_any_pattern_of_an_entry_may_fit() -> None:
    assert matches(Matcher("feature", ("a", "b*")), "bc")
    assert not matches(Matcher("feature", ()), "bc")


# ---------------------------------------------------------------- what counts


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        pytest.param(_view(), True, id="without a where everything counts"),
        pytest.param(_view(counts=where(team="content", feature="search")), True, id="all entries match"),
        pytest.param(_view(counts=where(team="content", feature="chat")), False, id="one of them does not"),
        pytest.param(_view(counts=where(feature=("chat", "sea*"))), True, id="one of a list does"),
        pytest.param(_view(leaves_out=where(model="gpt-*")), False, id="left out by a glob"),
        pytest.param(_view(leaves_out=where(model="o1", team="content")), False, id="any exclusion is enough"),
        pytest.param(_view(counts=where(team="content"), leaves_out=where(team="content")), False, id="not beats it"),
        pytest.param(_view(counts=where(agent_type="planner")), True, id="a dimension of one's own"),
        pytest.param(_view(counts=where(colour=UNKNOWN)), True, id="one that the generation lacks is unknown"),
        pytest.param(_view(counts=where(user="u1", session="s*")), True, id="user and session"),
        pytest.param(_view(counts=where(user="u2")), False, id="another user"),
        pytest.param(_view(counts=where(project="shop")), True, id="a project by its name"),
        pytest.param(_view(counts=where(project="cloud:1")), False, id="and not by its id"),
        pytest.param(_view(counts=where(project="lab*")), False, id="another project"),
        pytest.param(_view(leaves_out=where(project="shop")), False, id="a project left out"),
        pytest.param(_view(counts=where(project="gone")), False, id="a project that nobody has counts nothing"),
    ],
)
def test_what_a_view_counts(view: View, expected: bool) -> None:
    assert _counts(view) is expected


def test_where_and_not_on_projects_hold_together() -> None:
    view = _view(counts=where(project="lab*"), leaves_out=where(project="*-eu"))
    assert [key for key in NAMES if _counts(view, key)] == ["cloud:2"]
    assert _view().projects is None


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param((), False, id="left out by default"),
        pytest.param(where(team="content"), False, id="also where something else is named"),
        pytest.param(where(environment="langfuse-*"), True, id="counted where the rule names them"),
        pytest.param(where(environment="*"), True, id="a glob names them"),
        pytest.param(where(environment="production"), False, id="naming another does not"),
    ],
)
def test_langfuses_own_environments(counts: tuple[Matcher, ...], expected: bool) -> None:
    view = _view(counts=counts, excluded=("langfuse-*", "sdk-experiment"))
    assert _counts(view, environment="langfuse-llm-as-a-judge") is expected


def test_not_environment_does_not_bring_the_excluded_ones_back() -> None:
    view = _view(leaves_out=where(environment="staging"), excluded=("langfuse-*",))
    assert [e for e in ("production", "staging", "langfuse-x") if _counts(view, environment=e)] == ["production"]


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("each", "key"),
    [
        pytest.param((), (), id="without each there is one key"),
        pytest.param(("feature", "team"), ("search", "content"), id="the values in their order"),
        pytest.param(("team", "feature"), ("content", "search"), id="the other order is another key"),
        pytest.param(("project",), ("cloud:1",), id="a project by its id, which no renaming changes"),
        pytest.param(("user", "session"), ("u1", "s1"), id="user and session"),
        pytest.param(("agent_type", "region", "colour"), ("planner", "eu", UNKNOWN), id="dimensions of one's own"),
    ],
)
def test_the_key_of_a_generation(each: tuple[str, ...], key: tuple[str, ...]) -> None:
    assert _view(each=each).key_of("cloud:1", PLAIN, "u1", "s1") == key


@pytest.mark.parametrize("name", [name for name in Dimensions._fields if name != "extra"])
def test_each_built_in_dimension_has_its_own_value(name: str) -> None:
    assert dimension_value(name, "p", PLAIN, "u", "s") == getattr(PLAIN, name)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (_view(each=("feature",)), False),
        (_view(each=("user",)), True),
        (_view(counts=where(session="s*")), True),
        (_view(leaves_out=where(user="bot-*")), True),
    ],
)
def test_a_view_says_whether_people_matter(view: View, expected: bool) -> None:
    assert view.uses_people is expected


@given(user=st.text(), session=st.text())
def test_without_people_the_key_never_depends_on_them(user: str, session: str) -> None:
    view = _view(each=("feature", "project"), counts=where(team="content"))
    assert view.key_of("cloud:1", PLAIN, user, session) == view.key_of("cloud:1", PLAIN, "", "")


# ---------------------------------------------------------------- sharing

BASE = _view(counts=where(team="content", feature=("a", "b")), leaves_out=where(model="m"), each=("user",))

ALIKE = [
    pytest.param(
        _view(counts=where(feature=("a", "b"), team="content"), leaves_out=where(model="m"), each=("user",)),
        id="the order of the entries",
    ),
    pytest.param(
        _view(counts=where(team="content", feature=("b", "a", "b")), leaves_out=where(model="m"), each=("user",)),
        id="the order of a list, or a value that stands twice in it",
    ),
    pytest.param(
        _view(
            counts=where(team="content", feature=("a", "b")),
            leaves_out=where(model="m"),
            each=("user",),
            calendar=Calendar(week_starts_on=6, month_starts_on=15),
        ),
        id="where weeks and months start: they are sums of days",
    ),
]


@pytest.mark.parametrize("view", ALIKE)
def test_rules_that_count_alike_share_a_view_whatever(view: View) -> None:
    assert (view.id, view) == (BASE.id, BASE)


def test_what_is_judged_is_no_part_of_a_view() -> None:
    rules = RuleSet()
    first = budget()
    tight = replace(
        first,
        name="other",
        limit=Limit(Unit.TOKENS, 5),
        every=Every.MONTH,
        thresholds=(Threshold(first.thresholds[0].share, Severity.CRITICAL),),
        notify=("finops",),
    )
    ids = {view_of(rule, rules, NAMES).id for rule in (first, tight, spike())}
    assert len(ids) == 1


def test_an_exclusion_by_the_rule_and_by_default_is_one() -> None:
    by_rule = _view(leaves_out=where(environment=("langfuse-*", "sdk-experiment")))
    by_default = _view(excluded=("sdk-experiment", "langfuse-*"))
    both = _view(leaves_out=where(environment="langfuse-*"), excluded=("sdk-experiment", "langfuse-*"))
    assert by_rule.id == by_default.id == both.id


def test_renaming_a_project_changes_no_view() -> None:
    declared = replace(budget(), scope=Scope(where(project="shop")))
    renamed = replace(budget(), scope=Scope(where(project="store")))
    before = view_of(declared, RuleSet(), NAMES)
    after = view_of(renamed, RuleSet(), NAMES | {"cloud:1": "store"})
    assert before.id == after.id


def test_rules_that_count_differently_have_different_views() -> None:
    views = [
        BASE,
        _view(),
        _view(counts=where(team="content")),
        _view(counts=where(feature="content")),
        _view(leaves_out=where(team="content")),
        _view(each=("team",)),
        _view(each=("team", "feature")),
        _view(each=("feature", "team")),
        _view(counts=where(team="content", feature="a")),
        _view(counts=(Matcher("team", ("content",)), Matcher("team", ("c*",)))),
        _view(counts=where(team=("content", "c*"))),
        _view(counts=where(project="shop")),
        _view(counts=where(project="labs")),
        _view(counts=where(project="gone")),
        _view(excluded=("langfuse-*",)),
        _view(calendar=Calendar("Europe/Berlin")),
        _view(calendar=Calendar(day_starts_at_min=15)),
        totals_view(RuleSet()),
        labels_view(RuleSet()),
    ]
    assert len({view.id for view in views}) == len(views)


SIGNS = st.lists(st.sampled_from(["a", "b", "*", "u*"]), min_size=1, max_size=3).map(tuple)
ENTRIES = st.lists(
    st.builds(Matcher, st.sampled_from(["team", "feature", "environment", "user"]), SIGNS), max_size=4
).map(tuple)
VALUES = st.sampled_from(["a", "b", "ub", UNKNOWN])


@given(counts=ENTRIES, leaves_out=ENTRIES, team=VALUES, feature=VALUES, environment=VALUES, user=VALUES)
def test_bringing_a_scope_into_order_changes_nothing_that_it_counts(
    counts: tuple[Matcher, ...],
    leaves_out: tuple[Matcher, ...],
    team: str,
    feature: str,
    environment: str,
    user: str,
) -> None:
    view = _view(counts=counts, leaves_out=leaves_out)
    shuffled = _view(counts=counts[::-1], leaves_out=leaves_out[::-1])
    values = {"team": team, "feature": feature, "environment": environment, "user": user}
    said = all(matches(m, values[m.dimension]) for m in counts)
    said = said and not any(matches(m, values[m.dimension]) for m in leaves_out)
    for one in (view, shuffled):
        assert _counts(one, team=team, feature=feature, environment=environment, user=user) is said
    assert view.id == shuffled.id


# ---------------------------------------------------------------- the standing views


def test_totals_count_everything_by_project() -> None:
    view = totals_view(RuleSet(excluded_environments=("langfuse-*",)))
    assert view.key_of("cloud:1", PLAIN._replace(environment="langfuse-x"), "", "") == ("cloud:1",)


def test_the_gauges_count_everything_by_project_and_metric_labels() -> None:
    view = labels_view(RuleSet(metric_labels=("team", "agent_type")))
    assert view.key_of("cloud:1", PLAIN, "", "") == ("cloud:1", "content", "planner")
    assert not view.uses_people


def test_a_budget_is_a_rule_like_any_other() -> None:
    declared: Budget = budget()
    assert view_of(declared, RuleSet(excluded_environments=()), {}) == View(Scope(), (), Calendar())

"""Who is told: owners of keys and of thresholds, and which destinations take what."""

from dataclasses import replace

import pytest

from fusewatch.domain.notices import (
    Reason,
    Timing,
)
from fusewatch.domain.routing import (
    Owner,
    known_values,
    owner_of,
    owner_of_crossed,
    told,
)
from fusewatch.domain.rules import Matcher, Route, RuleSet, Scope, Severity
from tests.domain.lifecycle import budget, threshold
from tests.domain.notice_samples import CRITICAL, INFO, NOTICE, POLICIES, WARNING, about, change_to

# ---------------------------------------------------------------- owners

CONTENT = Route((Matcher("team", ("content",)),), ("content",), (("owner", "content"),), "https://wiki.example.com/c")
ANY_TEAM = Route((Matcher("team", ("*",)),), ("finops",), (("owner", "some team"),))
RUNBOOK_ONLY = Route((Matcher("feature", ("search",)),), (), (), "https://wiki.example.com/search")
RULES = RuleSet(routes=(CONTENT, ANY_TEAM, RUNBOOK_ONLY), notify=("pager",), destinations=POLICIES)


@pytest.mark.parametrize(
    ("values", "destinations"),
    [
        pytest.param({"team": "content"}, ("content",), id="the first matching route wins"),
        pytest.param({"team": "search"}, ("finops",), id="the next where the first does not match"),
        pytest.param({"team": "unknown"}, ("finops",), id="a missing team is a value like any other"),
        pytest.param({"team": "Content"}, ("finops",), id="values are compared with case"),
        pytest.param({}, ("pager",), id="where no route matches the default is told"),
        pytest.param({"feature": "search"}, ("pager",), id="also where the route names no destination"),
    ],
)
def test_the_route_of_a_key(values: dict[str, str], destinations: tuple[str, ...]) -> None:
    assert owner_of(RULES, None, None, values).destinations == destinations


def test_a_route_adds_labels_and_a_runbook_even_where_others_are_told() -> None:
    owner = owner_of(RULES, ("finops",), None, {"team": "content"})
    assert owner == Owner(("finops",), CONTENT.labels, CONTENT.runbook)
    assert owner_of(RULES, None, None, {"feature": "search"}).runbook == RUNBOOK_ONLY.runbook
    assert owner_of(RULES, None, None, {}) == Owner(("pager",))


def test_all_entries_of_a_route_must_match() -> None:
    both = Route((Matcher("team", ("content",)), Matcher("feature", ("search",))), ("content",))
    rules = replace(RULES, routes=(both,))
    assert owner_of(rules, None, None, {"team": "content"}).destinations == ("pager",)
    assert owner_of(rules, None, None, {"team": "content", "feature": "search"}).destinations == ("content",)


@pytest.mark.parametrize(
    ("rule_notify", "specific", "expected"),
    [
        pytest.param(None, None, ("content",), id="the route"),
        pytest.param(("finops",), None, ("finops",), id="the rule's own notify wins over the route's"),
        pytest.param(("finops",), ("pager",), ("pager",), id="the threshold's or override's wins over the rule's"),
        pytest.param((), None, (), id="a rule that names nobody tells nobody"),
        pytest.param(("finops",), (), (), id="and so does a threshold"),
    ],
)
def test_whose_notify_wins(
    rule_notify: tuple[str, ...] | None, specific: tuple[str, ...] | None, expected: tuple[str, ...]
) -> None:
    assert owner_of(RULES, rule_notify, specific, {"team": "content"}).destinations == expected


def test_a_jump_over_several_thresholds_tells_everybody_whom_one_of_them_names() -> None:
    crossed = (threshold(80, WARNING), threshold(100, CRITICAL), threshold(120, CRITICAL, "pager", "content"))
    owner = owner_of_crossed(RULES, ("finops", "content"), None, crossed, {"team": "content"})
    assert owner.destinations == ("pager", "content", "finops")
    assert owner.labels == CONTENT.labels


def test_a_threshold_without_notify_goes_where_the_override_says() -> None:
    crossed = (threshold(80, WARNING), threshold(100, CRITICAL, "pager"))
    assert owner_of_crossed(RULES, ("finops",), ("content",), crossed, {}).destinations == ("pager", "content")
    assert owner_of_crossed(RULES, ("finops",), ("content",), (), {}).destinations == ("content",)


@pytest.mark.parametrize(
    ("where", "labels", "expected"),
    [
        pytest.param((Matcher("team", ("content",)),), (), {"team": "content"}, id="a literal where is known"),
        pytest.param((Matcher("team", ("con*",)),), (), {}, id="a glob is not"),
        pytest.param((Matcher("team", ("team-?",)),), (), {}, id="nor one for a sign"),
        pytest.param((Matcher("team", ("[ab]",)),), (), {}, id="nor one for some signs"),
        pytest.param((Matcher("team", ("a", "b")),), (), {}, id="nor a choice"),
        pytest.param((), (("team", "a*"),), {"team": "a*"}, id="a key's own value is known whatever its signs"),
        pytest.param(
            (Matcher("team", ("a",)), Matcher("project", ("shop",))),
            (("feature", "f"),),
            {"team": "a", "project": "shop", "feature": "f"},
            id="both together, projects by name",
        ),
        pytest.param((Matcher("team", ("a*",)),), (("team", "ab"),), {"team": "ab"}, id="the key decides a glob"),
    ],
)
def test_what_is_known_of_a_key(
    where: tuple[Matcher, ...], labels: tuple[tuple[str, str], ...], expected: dict[str, str]
) -> None:
    assert known_values(replace(budget(), scope=Scope(where)), labels) == expected


# ---------------------------------------------------------------- who is told


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        pytest.param(INFO, ("content",), id="info goes only where it is asked for"),
        pytest.param(WARNING, ("finops", "content"), id="a warning from warning on"),
        pytest.param(CRITICAL, ("finops", "content", "pager"), id="critical to all"),
    ],
)
@pytest.mark.parametrize("reason", [Reason.OPENED, Reason.ESCALATED])
def test_a_destination_is_told_from_its_own_severity_on(
    reason: Reason, severity: Severity, expected: tuple[str, ...]
) -> None:
    notice = replace(NOTICE, reason=reason, severity=severity)
    assert told(change_to("finops", "content", "pager", notice=notice), POLICIES) == expected


def test_a_destination_named_twice_is_told_once() -> None:
    assert told(change_to("finops", "pager", "finops"), POLICIES) == ("finops", "pager")


def test_a_destination_that_is_gone_is_not_told() -> None:
    assert told(change_to("old", "finops"), POLICIES) == ("finops",)
    resolved = replace(about(told=("old", "finops")), reason=Reason.RESOLVED)
    assert told(change_to(notice=resolved), POLICIES) == ("finops",)


def test_a_resolution_goes_only_where_the_opening_went() -> None:
    resolved = replace(about(told=("pager",)), reason=Reason.RESOLVED, severity=INFO)
    assert told(change_to("finops", "content", notice=resolved), POLICIES) == ("pager",)
    assert told(change_to("finops", notice=replace(NOTICE, reason=Reason.RESOLVED)), POLICIES) == ()


@pytest.mark.parametrize("reason", [Reason.ROLLED_OVER, Reason.WITHDRAWN])
def test_the_end_of_a_period_or_of_a_rule_tells_nobody(reason: Reason) -> None:
    assert told(change_to("finops", notice=replace(about(told=("finops",)), reason=reason)), POLICIES) == ()


@pytest.mark.parametrize("reason", [Reason.OPENED, Reason.ESCALATED])
def test_what_is_recorded_is_never_sent(reason: Reason) -> None:
    recorded = replace(about(timing=Timing.RECORDED), reason=reason)
    assert told(change_to("finops", "pager", notice=recorded), POLICIES) == ()


def test_what_is_late_is_sent() -> None:
    assert told(change_to("finops", notice=about(timing=Timing.LATE)), POLICIES) == ("finops",)

"""Silences: what they cover, how long, and which are refused."""

from dataclasses import replace

import pytest

from fusewatch.domain.notices import Notice
from fusewatch.domain.rules import AttributionSource, Matcher, RuleSet, Severity
from fusewatch.domain.silences import LONGEST_MS, Silence, facts_of, mistakes_in, silence_of
from tests.domain.lifecycle import budget
from tests.domain.notice_samples import NOTICE

RULES = RuleSet(
    budgets=(replace(budget(), name="each-feature", each=("feature",)),),
    attribution=(("feature", ()), ("agent_type", (AttributionSource("metadata", "agent_type"),))),
)
SILENCE = silence_of({"rule": ["each-*"]}, starts_ms=100, ends_ms=200, author="ana", comment="known")


@pytest.mark.parametrize(
    ("wanted", "covers"),
    [
        pytest.param({"rule": ["each-feature"]}, True, id="the rule by its name"),
        pytest.param({"rule": ["each-*"]}, True, id="by a glob"),
        pytest.param({"rule": ["all-llm"]}, False, id="not another rule"),
        pytest.param({"severity": ["critical"]}, True, id="the severity of the notice"),
        pytest.param({"severity": ["warning"]}, False, id="not what grew beyond it"),
        pytest.param({"kind": ["budget"]}, True, id="the kind"),
        pytest.param({"kind": ["spike", "drift"]}, False, id="not other kinds"),
        pytest.param({"feature": ["search"]}, True, id="a value of the key"),
        pytest.param({"feature": ["chat", "sea*"]}, True, id="one of several values"),
        pytest.param({"feature": ["Search"]}, False, id="values are compared with case"),
        pytest.param({"team": ["content"]}, True, id="a value that the rule's where fixes"),
        pytest.param({"model": ["*"]}, False, id="not what the notice has no value of, not even by a star"),
        pytest.param({"rule": ["each-*"], "feature": ["search"]}, True, id="all that it names"),
        pytest.param({"rule": ["each-*"], "feature": ["chat"]}, False, id="and nothing less"),
    ],
)
def test_a_silence_covers(wanted: dict[str, list[str]], covers: bool) -> None:
    silence = silence_of(wanted, starts_ms=0, ends_ms=1, author="", comment="")
    assert silence.covers(facts_of(NOTICE, {"feature": "search", "team": "content"})) is covers


def test_a_dimension_never_stands_in_for_the_rule_or_the_severity() -> None:
    assert facts_of(NOTICE, {"rule": "fake", "severity": "info"})["rule"] == "each-feature"


@pytest.mark.parametrize(
    ("at_ms", "ended_ms", "active"),
    [
        pytest.param(99, None, False, id="not before its start"),
        pytest.param(100, None, True, id="from its start on"),
        pytest.param(199, None, True, id="until its end"),
        pytest.param(200, None, False, id="not at its end"),
        pytest.param(149, 150, True, id="until somebody ended it"),
        pytest.param(150, 150, False, id="and not from then on"),
    ],
)
def test_a_silence_is_active(at_ms: int, ended_ms: int | None, active: bool) -> None:
    assert replace(SILENCE, ended_ms=ended_ms).is_active(at_ms) is active


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        pytest.param({}, None, id="one that can be meant"),
        pytest.param({"matchers": (Matcher("rule", ("*",)),)}, None, id="one of everything"),
        pytest.param({"matchers": (Matcher("rule", ("unreadable",)),)}, None, id="one of a watch"),
        pytest.param({"matchers": (Matcher("agent_type", ("x",)),)}, None, id="one of a dimension of one's own"),
        pytest.param(
            {"matchers": (Matcher("rule", ("each-featur",)),)},
            'rule: "each-featur" is none; did you mean each-feature?',
            id="a rule that does not exist",
        ),
        pytest.param(
            {"matchers": (Matcher("rule", ("all-*",)),)},
            'rule: "all-*" matches none; known here: each-feature, unreadable, unpriced, drift, unattributed',
            id="a glob that matches no rule",
        ),
        pytest.param(
            {"matchers": (Matcher("severity", ("critcal",)),)},
            'severity: "critcal" is none; did you mean critical?',
            id="a severity that does not exist",
        ),
        pytest.param(
            {"matchers": (Matcher("feture", ("x",)),)},
            "feture: there is no such dimension; did you mean feature?",
            id="a dimension that does not exist",
        ),
        pytest.param(
            {"matchers": (Matcher("feature", ("",)),)},
            "feature: no value stands there; write feature=VALUE",
            id="a dimension without a value",
        ),
        pytest.param(
            {"matchers": ()},
            'matchers: nothing says what to silence; name a rule or a dimension; rule "*" is all',
            id="one of nothing",
        ),
        pytest.param({"ends_ms": 100}, "end: it lies in the past; name a time from now on", id="an end in the past"),
        pytest.param(
            {"ends_ms": 101 + LONGEST_MS},
            "end: it lies more than a year away; what nobody wants to be told of needs no rule",
            id="an end beyond all hope",
        ),
        pytest.param(
            {"comment": "  "}, "comment: nothing says why; write it for whoever wonders at night", id="no comment"
        ),
        pytest.param({"author": "x" * 501}, "author: it has 501 characters; at most 500", id="a name like a novel"),
    ],
)
def test_what_is_wrong_with_a_silence(changes: dict[str, object], mistake: str | None) -> None:
    silence = replace(SILENCE, **changes)  # type: ignore[arg-type]  # fields by name
    assert [str(found) for found in mistakes_in(silence, RULES, 100)] == ([] if mistake is None else [mistake])


def test_the_same_wish_at_the_same_instant_is_the_same_silence() -> None:
    def wish(ends_ms: int) -> Silence:
        return silence_of({"team": ["a"], "rule": ["b"]}, starts_ms=1, ends_ms=ends_ms, author="x", comment="y")

    assert wish(2).id == wish(2).id
    assert wish(2).id != wish(3).id


def test_the_facts_name_the_severity_of_the_notice_not_of_the_incident() -> None:
    notice: Notice = replace(NOTICE, severity=Severity.INFO)
    assert facts_of(notice, {})["severity"] == "info"

"""`why` over the API: the question as it is asked, the answer as fields, and what is asked wrongly."""

from fractions import Fraction

import pytest

from fusewatch.app.why import Question
from fusewatch.app.whyfacts import Explained, Hindrance, KeyLine, Overview, Rung, Spend, Subject, Told, Untold, Version
from fusewatch.app.whyrules import UnknownKey, UnknownRule
from fusewatch.domain.incidents import Standing
from fusewatch.domain.nearest import Misfit
from fusewatch.domain.periods import Every, period_at
from fusewatch.domain.rules import Budget, Limit, Severity, Unit
from fusewatch.domain.usage import Amounts
from fusewatch.errors import Problem
from tests.web.pictures import MINUTE, NOW, RULES, Daemon, get, usd

BUDGET = Budget("each-feature", Limit(Unit.USD, usd("10")), Every.DAY, each=("feature",))
SUBJECT = Subject(
    rule=BUDGET,
    version=Version(RULES, NOW - 60 * MINUTE, None),
    existed=True,
    differs=False,
    period=period_at(BUDGET.calendar, Every.DAY, NOW),
    at_ms=NOW,
    as_of_ms=NOW - MINUTE,
    standing=Standing.READY,
    stale_ms=0,
    misfits=(Misfit("team", ("contents",), ("content",)),),
)
ANSWER = Explained(
    subject=SUBJECT,
    labels=(("feature", "<b>a</b>\udcff"),),
    unit=Unit.USD,
    spend=Spend(Amounts(usd("9.2"), 2, 2), Amounts(usd("8"), 1, 1), Amounts(usd("1.2"), 1, 1)),
    measured=usd("8"),
    limit=usd("10"),
    rungs=(
        Rung(
            Fraction(4, 5),
            Severity.WARNING,
            usd("8"),
            0,
            NOW - 2 * MINUTE,
            NOW - MINUTE,
            told=(Told("finops", "sent", NOW - MINUTE, NOW, None, 1, ""),),
            untold=(Hindrance(Untold.BELOW_FROM, "pager", least=Severity.CRITICAL),),
        ),
        Rung(Fraction(1), Severity.CRITICAL, usd("10"), usd("2"), untold=(Hindrance(Untold.NOT_CROSSED),)),
    ),
)


def test_an_answer_has_every_fact_as_a_field() -> None:
    questions: list[Question] = []

    def answered(question: Question) -> Explained:
        questions.append(question)
        return ANSWER

    daemon = Daemon(answers=answered)
    answer = get(daemon, "/api/v1/why?rule=each-feature&key=feature%3Da&at=2026-11-24T15:42:08Z")
    assert answer.status_code == 200
    assert questions == [Question("each-feature", "feature=a", NOW)]
    body = answer.json()
    assert body["rule"]["nothing_matched"] == [{"dimension": "team", "patterns": ["contents"], "nearest": ["content"]}]
    assert body["key"] == {"feature": "<b>a</b>\\udcff"}
    assert (body["spend"]["as_known_then"], body["spend"]["as_known_now"], body["spend"]["late"]) == ("8", "9.2", "1.2")
    warning, critical = body["thresholds"]
    assert [(told["destination"], told["state"]) for told in warning["told"]] == [("finops", "sent")]
    assert [(one["reason"], one["destination"], one["least"]) for one in warning["untold"]] == [
        ("below_from", "pager", "critical")
    ]
    assert (critical["missing"], critical["untold"][0]["reason"], critical["crossed_at"]) == ("2", "not_crossed", None)


def test_without_a_key_the_answer_is_a_list_of_keys() -> None:
    lines = (KeyLine((("feature", "a"),), Unit.USD, usd("12"), usd("10")),)
    daemon = Daemon(answers=lambda question: Overview(SUBJECT, lines, 1))
    body = get(daemon, "/api/v1/why?rule=each-feature").json()
    assert body["keys"] == [{"group": "feature=a", "unit": "usd", "spent": "12", "limit": "10"}]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(
            UnknownRule([Problem("rule", 0, "", "there is no rule x", "did you mean y?")]),
            "rule: there is no rule x; did you mean y?",
            id="unknown rule",
        ),
        pytest.param(UnknownKey("x never saw team=b"), "x never saw team=b", id="a key never seen"),
    ],
)
def test_what_does_not_exist_is_not_found(error: Exception, told: str) -> None:
    def refused(question: Question) -> Explained:
        raise error

    answer = get(Daemon(answers=refused), "/api/v1/why?rule=x")
    assert (answer.status_code, answer.json()["detail"]) == (404, told)


@pytest.mark.parametrize("query", ["", "?rule=x&at=noon", "?rule=x&at=2026-11-24T15:42:08"])
def test_a_question_that_cannot_be_meant_is_refused(query: str) -> None:
    assert get(Daemon(), f"/api/v1/why{query}").status_code == 422


def test_it_is_read_with_the_right_to_read_as_all_else() -> None:
    daemon = Daemon(answers=lambda question: ANSWER, read_token="r", listen_is_loopback=False)
    assert get(daemon, "/api/v1/why?rule=x", host="fusewatch.example").status_code == 401
    assert get(daemon, "/api/v1/why?rule=x", host="fusewatch.example", token="r").status_code == 200

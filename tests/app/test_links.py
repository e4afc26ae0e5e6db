"""The links of notices, decided by the real passes over the stand-in's traffic: they show the rows that were judged."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import NamedTuple

import pytest

from fusewatch.app.forget import forget_user
from fusewatch.app.signposts import MOST_AT_ONCE, Signposts
from fusewatch.bootstrap import LINKER
from fusewatch.demo.standin import DEMO_PROJECT, Span
from fusewatch.domain.notices import Kind, Message, MessageKind, Notice, NoticeLink
from fusewatch.domain.periods import Every
from fusewatch.domain.rules import Budget, Limit, RuleSet, Unit
from tests.app.conftest import Play
from tests.app.scene import PROJECTS
from tests.app.stage import HEADER, Stage
from tests.langfuse.tablelinks import rows_of, table_of
from tests.notify.samples import BUDGET, NOW
from tests.web.pictures import PROJECT

ATTRIBUTION = "attribution:\n  feature: [metadata.feature]\n  team: ['tag:team']\n"
FEATURES, MODELS = ("search", "search-assist", "chat", ""), ("gpt-4o", "o3")
QUIET = "watch: {unattributed: false}\n"


def _started(play: Play, rules: str) -> Stage:
    stage = play(rules)
    stage.linker = LINKER
    stage.at("06:00", "07:00")
    return stage


def _traffic(stage: Stage) -> list[Span]:
    """Calls of every mix of feature, team, environment and model, half of them stored as SDK 5 does, with quotes;
    beside each a span that is no call."""
    spans = []
    mixes = product(FEATURES, ("content", "web", ""), ("production", "ci-1", "langfuse-judge"), MODELS)
    for number, (feature, team, environment, model) in enumerate(mixes):
        written = {"feature": f'"{feature}"' if number % 5 < 2 else feature} if feature else {}
        span = Span(
            id=f"{number + 1000:016x}",
            trace_id=f"{number + 1000:032x}",
            start_ms=stage.ms("07:10") + number * 1000,
            name="call",
            environment=environment,
            model=model,
            user_id=f"user-{number % 3}",
            tags=(f"team:{team}", "beta") if team else ("beta",),
            metadata={**written, **({"team": team} if team else {})},
            usage={"input": 1000},
            cost={"input": Decimal("1.5")} if number % 7 else {},
        )
        step = replace(span, id=f"{number + 5000:016x}", type="SPAN", usage={}, cost={})
        spans += [span, step]
    stage.warehouse.add(spans)
    return spans


class Case(NamedTuple):
    """A budget, and which calls of the day it counts, said again by hand. `wider`: the link may show more."""

    rule: str
    counts: Callable[[Span], bool]
    wider: bool


def _feature(span: Span) -> str:
    return span.metadata.get("feature", "").strip('"')


def _inner(span: Span) -> bool:
    return span.environment != "langfuse-judge"


CASES = {
    "all": Case("limit: $10", _inner, False),
    "one model": Case("where: {model: o3}, limit: $10", lambda s: _inner(s) and s.model == "o3", False),
    "models by a glob": Case(
        "where: {model: 'gpt-*'}, limit: $10", lambda s: _inner(s) and s.model == "gpt-4o", False
    ),
    "a team by its tag": Case(
        "where: {team: content}, limit: $10", lambda s: _inner(s) and "team:content" in s.tags, False
    ),
    "two teams": Case(
        "where: {team: [content, web]}, limit: $10", lambda s: _inner(s) and len(s.tags) == 2, False
    ),
    "not an environment": Case(
        "not: {environment: 'ci-*'}, limit: $10", lambda s: s.environment == "production", False
    ),
    "langfuse's own environments": Case(
        "where: {environment: 'langfuse-*'}, limit: $10", lambda s: s.environment == "langfuse-judge", False
    ),
    "a feature by its metadata, quoted or not": Case(
        "where: {feature: search-assist}, limit: $10", lambda s: _inner(s) and _feature(s) == "search-assist", False
    ),
    "a feature whose name others contain": Case(
        "where: {feature: search}, limit: $10", lambda s: _inner(s) and _feature(s) == "search", True
    ),
    "no team": Case("where: {team: unknown}, limit: $10", lambda s: _inner(s) and len(s.tags) == 1, True),
    "not a feature": Case(
        "not: {feature: chat}, where: {model: o3}, limit: $10",
        lambda s: _inner(s) and s.model == "o3" and _feature(s) != "chat",
        True,
    ),
    "one user's tokens": Case(
        "where: {user: user-1}, limit: 1k tokens", lambda s: _inner(s) and s.user_id == "user-1", False
    ),
    "requests": Case(
        "where: {model: o3}, limit: 3 requests", lambda s: _inner(s) and s.model == "o3", True
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_link_shows_the_rows_that_its_rule_counted_and_says_so_when_it_shows_more(play: Play, case: Case) -> None:
    budget = f"history: 1d\nbudgets:\n  - {{name: cap, every: day, {case.rule}}}\n"
    stage = play(f"{HEADER}{ATTRIBUTION}{QUIET}{budget}")
    stage.linker, stage.feature_of = LINKER, _feature
    before = [stage.spend("100", at="11-17 23:59:59.999", feature=f, model=m) for f in FEATURES for m in MODELS]
    stage.at("06:00", "07:00")
    spans = [*before, *_traffic(stage)]
    stage.at("08:00")
    notice = _only(stage.told())
    (link,) = to_rows(notice)
    shown, counted = rows_of(link.url, spans), _counted(notice, spans, case.counts)
    assert counted
    assert shown >= counted
    assert bool(link.wider) is case.wider
    if not case.wider:
        assert shown == counted


def _counted(notice: Notice, spans: Iterable[Span], counts: Callable[[Span], bool]) -> set[str]:
    """The calls of the period that the rule counts, and that add to what it measures."""
    incident = notice.incident

    def adds(span: Span) -> bool:
        return bool(span.cost if incident.unit is Unit.USD else span.usage)

    return {s.id for s in spans if s.start_ms >= incident.period_start_ms and counts(s) and adds(s)}


def to_rows(notice: Notice) -> tuple[NoticeLink, ...]:
    """Its links but the one to its dearest trace."""
    return tuple(link for link in notice.links if not link.label.startswith("Dearest trace"))


def _only(messages: Iterable[Message]) -> Notice:
    (message,) = [m for m in messages if m.kind is MessageKind.NOTICES]
    (notice,) = message.notices
    return notice


def test_by_default_langfuses_own_environments_are_left_out_by_name(play: Play) -> None:
    stage = _started(play, "history: 1d\nbudgets:\n  - {name: cap, limit: $10, every: day}\n")
    stage.spend("1", at="07:00:10", environment="langfuse-llm-as-a-judge")
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    (link,) = to_rows(_only(stage.told()))
    assert link.wider == ""
    assert [(f.column, f.operator, f.values) for f in table_of(link.url).filters] == [
        ("environment", "none of", ("langfuse-llm-as-a-judge",)),
        ("totalCost", ">", ("0",)),
    ]


def test_a_feature_of_the_default_sources_is_not_filtered_once_there_are_others_and_the_label_says_so(
    play: Play,
) -> None:
    stage = _started(play, "history: 1d\nbudgets:\n  - {name: cap, each: [feature], limit: $10, every: day}\n")
    stage.spend("1", at="07:00:10", feature="chat")
    stage.spend("11", at="07:00:30", feature="search")
    stage.at("07:01")
    (link,) = to_rows(_only(stage.told()))
    assert (link.label, link.wider) == ("Open in Langfuse", "all of langfuse, whatever its feature")


def test_a_rule_over_several_projects_links_to_each_of_them(play: Play) -> None:
    stage = _started(play, f"{HEADER}{PROJECTS}history: 1d\nbudgets:\n  - {{name: cap, limit: $10, every: day}}\n")
    stage.spend("6", at="07:00:10", project="shop")
    stage.spend("6", at="07:00:30", project="labs")
    stage.at("07:01")
    links = to_rows(_only(stage.told()))
    assert [link.label for link in links] == [
        "Open these rows in Langfuse (labs)",
        "Open these rows in Langfuse (shop)",
    ]
    assert [table_of(link.url).project_id for link in links] == ["proj-labs", DEMO_PROJECT]


def test_a_budget_for_each_project_links_to_that_one(play: Play) -> None:
    rules = "budgets:\n  - {name: cap, each: [project], limit: $10, every: day}\n"
    stage = _started(play, f"{HEADER}{PROJECTS}history: 1d\n{rules}")
    stage.spend("11", at="07:00:30", project="labs")
    stage.at("07:01")
    (link,) = to_rows(_only(stage.told()))
    assert table_of(link.url).project_id == "proj-labs"
    assert link.wider == ""


def test_usage_without_a_price_links_to_the_models_that_have_none(play: Play) -> None:
    rules = "watch: {unpriced: {above: 2 requests}}\nbudgets:\n  - {name: cap, limit: $10, every: day}\n"
    stage = _started(play, "history: 1d\n" + rules)
    for second in range(4):
        stage.spend(None, at=f"07:00:0{second}", model="my-ft-1")
    stage.spend("1", at="07:00:10")
    stage.at("07:01")
    notice = _only(stage.told())
    assert notice.incident.kind is Kind.UNPRICED
    (link,) = to_rows(notice)
    assert link.wider == "all of model my-ft-1, also without usage"
    assert ("model", ("my-ft-1",)) in [(f.column, f.values) for f in table_of(link.url).filters]


def test_a_new_value_links_to_what_it_cost_so_far(play: Play) -> None:
    rules = "watch: {new: {each: [model], floor: $5}}\nbudgets:\n  - {name: cap, limit: $100, every: day}\n"
    stage = _started(play, f"{HEADER.replace('notify: [finops]', 'notify: [diary]')}history: 1d\n{rules}")
    stage.spend("1", at="07:00:10")
    stage.at("07:00:30")
    spans = [stage.spend("6", at="07:00:40", model="o3"), stage.spend("2", at="07:00:41")]
    stage.at("07:01")
    notice = _only(stage.told("diary"))
    assert notice.incident.kind is Kind.NEW
    (link,) = to_rows(notice)
    assert link.wider == ""
    assert rows_of(link.url, spans) == {spans[0].id}


def test_a_notice_that_waited_keeps_the_link_that_was_decided_with_it(play: Play) -> None:
    stage = _started(play, "history: 1d\nbudgets:\n  - {name: cap, limit: $10, every: day}\n")
    silence = stage.silence("09:00", rule="cap")
    stage.spend("11", at="07:00:30")
    stage.at("07:01", "09:01")
    assert silence.until_ms == stage.ms("09:00")
    (message,) = [m for m in stage.told() if m.kind is MessageKind.SUMMARY]
    (link,) = to_rows(message.notices[0])
    assert table_of(link.url).to_ms == stage.ms("07:01") - 1


def test_a_notice_leads_to_its_dearest_trace(play: Play) -> None:
    stage = play("budgets:\n  - {name: daily, limit: $10, every: day}\n")
    stage.linker = LINKER
    stage.at("06:00")
    stage.spend("3", at="07:00")
    dearest = stage.spend("9", at="07:01")
    stage.at("07:02")
    (link,) = [link for link in _only(stage.told()).links if link.label.startswith("Dearest trace")]
    assert link.label == "Dearest trace $9.00"
    assert link.url.endswith(f"/traces/{dearest.trace_id}")


def test_without_a_linker_no_notice_has_a_link(play: Play) -> None:
    stage = play("history: 1d\nbudgets:\n  - {name: cap, limit: $10, every: day}\n")
    stage.at("06:00", "07:00")
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    assert _only(stage.told()).links == ()


def test_a_forgotten_user_stands_in_no_link(play: Play) -> None:
    alice = "alice.liddell@wonderland.example"
    stage = _started(play, "history: 1d\nbudgets:\n  - {name: users, each: [user], limit: $10, every: day}\n")
    stage.spend("11", at="07:00:30", user=alice)
    stage.at("07:01")
    (link,) = to_rows(_only(stage.told()))
    assert ("userId", (alice,)) in [(f.column, f.values) for f in table_of(link.url).filters]
    forget_user(stage.store, alice, stage.book.rules)
    (posted, *_) = stage.store.read(lambda unit: unit.posted(stage.incidents("users")[0].id, from_ms=0))
    assert posted.message.notices[0].links == ()
    stage.forgotten.add(alice)


def test_of_very_many_notices_at_once_the_first_get_links(play: Play) -> None:
    stage = _started(play, "history: 1d\nbudgets:\n  - {name: cap, limit: $10, every: day}\n")
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    notice = _only(stage.told())
    projects = {p.key: p for p in stage.store.read(lambda unit: unit.projects())}
    signs = Signposts(LINKER, stage.book.rules, projects, lambda name: ["production"])
    assert [bool(signs.of(notice)) for _ in range(MOST_AT_ONCE + 2)] == [True] * MOST_AT_ONCE + [False] * 2


def _signs(page: str = "", projects: int = 1) -> Signposts:
    states = [
        replace(PROJECT, key=f"https://lf.example|p{n}", name=f"p{n}", project_id=f"p{n}") for n in range(projects)
    ]
    rules = RuleSet(budgets=(Budget("cap", Limit(Unit.USD, 1), Every.DAY),))
    return Signposts(LINKER, rules, {state.key: state for state in states}, lambda name: [], page)


def test_what_lies_in_more_than_three_projects_is_seen_on_our_page_where_there_is_one() -> None:
    incident = replace(BUDGET, rule="cap", labels=(), key=())
    assert len(_signs(projects=3).of_incident(incident, NOW)) == 3
    assert _signs(projects=4).of_incident(incident, NOW) == ()
    (link,) = _signs("https://spend.example.com", projects=4).of_incident(incident, NOW)
    assert (link.label, link.url) == ("Open the page", "https://spend.example.com")


@pytest.mark.parametrize(
    ("kind", "wider"),
    [(Kind.UNREADABLE, ""), (Kind.DRIFT, ""), (Kind.UNATTRIBUTED, "all of p0, whatever its team"), (Kind.SILENT, "")],
)
def test_a_watch_links_to_the_project_that_it_is_about(kind: Kind, wider: str) -> None:
    labels = (("project", "p0"), ("dimension", "team")) if kind is Kind.UNATTRIBUTED else (("project", "p0"),)
    about = replace(BUDGET, kind=kind, rule=kind.value, labels=labels, key=("https://lf.example|p0",))
    (link,) = _signs(projects=5).of_incident(about, NOW)
    table = table_of(link.url)
    assert (table.project_id, link.wider) == ("p0", wider)
    assert table.from_ms < table.to_ms


def test_the_link_of_a_silence_shows_the_hour_before_it_and_not_the_silence() -> None:
    last = replace(BUDGET.crossings[0], at_ms=NOW - 7_200_000)
    about = replace(BUDGET, kind=Kind.SILENT, rule="silent", labels=(("project", "p0"),), crossings=(last,))
    (link,) = _signs().of_incident(replace(about, key=("https://lf.example|p0",)), NOW)
    assert (table_of(link.url).from_ms, table_of(link.url).to_ms) == (last.at_ms - 3_600_000, last.at_ms)


def test_an_incident_of_a_rule_that_is_gone_has_no_link() -> None:
    assert _signs().of_incident(replace(BUDGET, rule="was here once"), NOW) == ()

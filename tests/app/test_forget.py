"""A forgotten user's spend stays and counts; the name is nowhere any more, nor does it come back."""

from pathlib import Path

from fusewatch.app.forget import ForgetReport, forget_user
from fusewatch.domain.notices import State
from fusewatch.domain.views import view_of
from fusewatch.errors import Retryable
from fusewatch.ports import ReadUnit
from fusewatch.store import open_store
from tests.app.conftest import Play
from tests.app.stage import Stage

ALICE = "alice.liddell@wonderland.example"
USERS = "history: 2d\nbudgets:\n  - {name: users, each: [user, model], limit: $10, every: day}\n"
DOLLAR = 10**12


def forget(stage: Stage, user: str = ALICE) -> ForgetReport:
    """As the command does, on connections of its own beside the daemon's."""
    with open_store(f"sqlite:///{stage.store.path}", holder="the command", exclusive=False) as store:
        return forget_user(store, user, stage.book.rules)


def files_with(folder: Path, name: str) -> list[str]:
    """The files of the database that hold the bytes of the name."""
    return [path.name for path in sorted(folder.glob("fusewatch.db*")) if name.encode() in path.read_bytes()]


def cells(stage: Stage, rule: str = "users") -> dict[tuple[str, ...], float]:
    """What each key of the rule spent, in dollars."""
    names = {p.key: p.name for p in stage.store.read(lambda unit: unit.projects())}
    (found,) = [r for r in stage.book.rules.rules if r.name == rule]
    view = view_of(found, stage.book.rules, names).id

    def costs_of(unit: ReadUnit) -> dict[tuple[str, ...], int]:
        return {key: sum(a.cost_pico for _, a in unit.days(view, key, 0, 2**40)) for key in unit.keys(view, 0)}

    costs = stage.store.read(costs_of)
    return {key: cost / DOLLAR for key, cost in costs.items() if cost}


def told_of_alice(play: Play, rules: str = USERS) -> Stage:
    """Alice is over her budget, and everybody was told."""
    stage = play(rules)
    stage.at("06:00")
    stage.spend("12", at="06:10", user=ALICE)
    stage.spend("1", at="06:11", user="bob")
    stage.at("06:12")
    stage.news()
    return stage


def test_the_name_is_nowhere_and_every_sum_is_what_it_was(play: Play) -> None:
    stage = told_of_alice(play)
    assert files_with(stage.folder, ALICE) != []
    before = stage.store.read(lambda unit: unit.totals())
    report = forget(stage)
    assert (report.known, report.rows, report.wiped) == (True, 1, True)
    assert report.incidents >= 1
    assert report.messages >= 1
    assert files_with(stage.folder, ALICE) == []
    assert stage.store.read(lambda unit: unit.totals()) == before
    assert cells(stage) == {("forgotten", "gpt-4o"): 12, ("bob", "gpt-4o"): 1}
    assert {row.user for row in stage.store.assess(lambda unit: unit.rows(0, 2**53))} == {"forgotten", "bob"}
    stage.forgotten.add(ALICE)


def test_what_langfuse_goes_on_reporting_comes_to_the_same_place_in_a_daemon_that_knew_the_name(play: Play) -> None:
    stage = told_of_alice(play)
    forget(stage)
    stage.spend("3", at="06:20", user=ALICE)
    stage.spend("4", at="06:21", user="carol")
    stage.at("06:22")
    stage.restart()
    stage.spend("5", at="06:23", user=ALICE)
    stage.at("06:24")
    assert cells(stage) == {("forgotten", "gpt-4o"): 20, ("bob", "gpt-4o"): 1, ("carol", "gpt-4o"): 4}
    assert files_with(stage.folder, ALICE) == []
    stage.forgotten.add(ALICE)


def test_reading_the_same_rows_again_writes_nothing_and_brings_no_name_back(play: Play) -> None:
    stage = told_of_alice(play)
    forget(stage)
    before = cells(stage)
    stage.every(5, until="07:00")
    assert cells(stage) == before
    assert files_with(stage.folder, ALICE) == []
    stage.forgotten.add(ALICE)


def test_an_open_incident_goes_on_without_the_name_and_is_not_told_again(play: Play) -> None:
    stage = told_of_alice(play)
    forget(stage)
    stage.at("06:30")
    assert stage.silent()
    (incident,) = stage.open("users")
    assert incident.key == ("forgotten", "gpt-4o")
    assert dict(incident.labels)["user"] == "forgotten"
    stage.spend("10", at="06:40", user=ALICE)
    stage.at("06:41")
    assert stage.news() == ["users user=forgotten,model=gpt-4o escalated critical 200%"]
    stage.at("11-19 00:05")
    assert [i.state for i in stage.incidents("users")] == [State.ROLLED_OVER]
    assert files_with(stage.folder, ALICE) == []
    stage.forgotten.add(ALICE)


def test_a_message_that_waits_is_sent_without_the_name(play: Play) -> None:
    stage = play(USERS)
    stage.at("06:00")
    stage.inbox("finops").down = Retryable("unreachable", f"no route for {ALICE}")
    stage.spend("12", at="06:10", user=ALICE)
    stage.at("06:12")
    forget(stage)
    assert files_with(stage.folder, ALICE) == []
    stage.inbox("finops").down = None
    stage.at("06:30")
    assert stage.news() == ["users user=forgotten,model=gpt-4o opened critical 100%"]
    stage.forgotten.add(ALICE)


def test_two_forgotten_users_are_one_key(play: Play) -> None:
    stage = told_of_alice(play)
    assert forget(stage).known
    assert forget(stage, "bob").known
    assert cells(stage) == {("forgotten", "gpt-4o"): 13}
    stage.spend("1", at="06:20", user="bob")
    stage.at("06:21")
    assert cells(stage) == {("forgotten", "gpt-4o"): 14}
    stage.forgotten.add("bob")
    stage.forgotten.add(ALICE)


def test_changes_that_assess_has_not_seen_yet_move_too(play: Play) -> None:
    stage = told_of_alice(play)
    stage.runner.fatal = stage.runner.done + 2  # the poll's rows are in the ledger, nothing judged them
    stage.runner.after_commit = True
    stage.spend("2", at="06:20", user=ALICE)
    assert stage.dies(lambda: stage.at("06:21"))
    forget(stage)
    stage.restart()
    stage.at("06:22")
    assert cells(stage) == {("forgotten", "gpt-4o"): 14, ("bob", "gpt-4o"): 1}
    assert files_with(stage.folder, ALICE) == []
    stage.forgotten.add(ALICE)


def test_a_rule_over_the_user_alone_counts_as_its_file_says_afterwards(play: Play) -> None:
    rules = USERS + '  - {name: hers, where: {user: "alice*"}, limit: $5, every: day}\n'
    stage = told_of_alice(play, rules)
    assert cells(stage, "hers") == {(): 12}
    forget(stage)
    stage.at("06:30")
    assert cells(stage, "hers") == {}
    stage.forgotten.add(ALICE)


def test_a_dimension_that_the_attribution_takes_from_the_user_is_forgotten_with_it(play: Play) -> None:
    rules = (
        "attribution: {customer: [user]}\nmetrics: {labels: [customer]}\nhistory: 2d\n"
        "budgets:\n  - {name: customers, each: [customer], limit: $10, every: day}\n"
    )
    stage = told_of_alice(play, rules)
    counters = sum(c.cost_pico for c in stage.shown().counters)
    assert forget(stage).known
    assert files_with(stage.folder, ALICE) == []
    assert cells(stage, "customers") == {("forgotten",): 12, ("bob",): 1}
    stage.spend("2", at="06:20", user=ALICE)
    stage.at("06:21")
    assert cells(stage, "customers") == {("forgotten",): 14, ("bob",): 1}
    assert {c.labels[1] for c in stage.shown().counters} == {"forgotten", "bob"}
    assert sum(c.cost_pico for c in stage.shown().counters) == counters + 2 * DOLLAR
    assert files_with(stage.folder, ALICE) == []
    stage.forgotten.add(ALICE)


def test_a_feature_of_the_same_name_is_left_alone(play: Play) -> None:
    stage = play("history: 2d\nbudgets:\n  - {name: both, each: [feature, user], limit: $1, every: day}\n")
    stage.at("06:00")
    stage.spend("2", at="06:10", feature="bob", user="bob")
    stage.at("06:12")
    forget(stage, "bob")
    assert cells(stage, "both") == {("bob", "forgotten"): 2}
    (incident,) = stage.incidents("both")
    assert incident.key == ("bob", "forgotten")
    stage.forgotten.add("bob")


def test_who_is_unknown_is_said_to_be_and_nothing_changes(play: Play) -> None:
    stage = told_of_alice(play)
    assert forget(stage, "alice").known is False
    assert cells(stage) == {(ALICE, "gpt-4o"): 12, ("bob", "gpt-4o"): 1}


def test_forgetting_again_finds_the_user_who_was_forgotten(play: Play) -> None:
    """So that a forgetting that was interrupted can be ended by the same command."""
    stage = told_of_alice(play)
    forget(stage)
    again = forget(stage)
    assert (again.known, again.rows, again.incidents, again.messages) == (True, 1, 0, 0)
    stage.forgotten.add(ALICE)

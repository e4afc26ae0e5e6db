"""Incidents, rule states and due keys come back exactly as they were stored."""

from dataclasses import fields, replace
from fractions import Fraction
from operator import methodcaller

from hypothesis import given, settings

from fusewatch.domain.notices import Incident, Kind, Message, State
from fusewatch.domain.rules import Severity, Unit
from fusewatch.ports import Due, RuleState, StoredRules
from fusewatch.store import SqlStore
from fusewatch.store.codec import encode, incident_of, message_of
from tests.store import facts
from tests.store.samples import opened


def incident(id_: str = "i1", **changes: object) -> Incident:
    base = Incident(
        id=id_,
        kind=Kind.BUDGET,
        rule="daily",
        key=("core",),
        labels=(("team", "core"),),
        period="day:2026-11-22",
        period_start_ms=1,
        period_end_ms=2,
        timezone="Europe/Berlin",
        episode=1,
        state=State.OPEN,
        severity=Severity.WARNING,
        level=Fraction(4, 5),
        limit=20_000_000 * 10**12,
        unit=Unit.USD,
        measured=17_000_000 * 10**12,
        opened_ms=10,
        changed_ms=10,
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # fields by name


def put(store: SqlStore, *incidents: Incident) -> None:
    for found in incidents:
        store.assess(methodcaller("put_incident", found))


@settings(max_examples=80, deadline=None)
@given(facts.messages)
def test_every_message_survives_the_database_unchanged(message: Message) -> None:
    assert message_of(encode(message)) == message


@settings(max_examples=60, deadline=None)
@given(facts.incidents)
def test_every_incident_survives_the_database_unchanged(found: Incident) -> None:
    again = incident_of(encode(found))
    assert again == found
    assert [type(getattr(again, f.name)) for f in fields(again)] == [
        type(getattr(found, f.name)) for f in fields(found)
    ]


def test_the_latest_episode_answers_whatever_its_state(store: SqlStore) -> None:
    first = incident("i1", state=State.RESOLVED)
    second = incident("i2", episode=2, state=State.WITHDRAWN)
    put(store, second, first)
    assert store.assess(lambda unit: unit.incident("daily", ("core",), "day:2026-11-22")) == second
    assert store.assess(lambda unit: unit.incident("daily", ("other",), "day:2026-11-22")) is None


def test_an_incident_put_again_replaces_what_was_known_of_it(store: SqlStore) -> None:
    put(store, incident())
    escalated = incident(severity=Severity.CRITICAL, level=Fraction(1), changed_ms=20)
    put(store, escalated)
    assert store.read(lambda unit: unit.incidents(open_only=False, limit=9)) == [escalated]


def test_open_incidents_are_found_by_rule_and_all_together(store: SqlStore) -> None:
    put(store, incident("i1"), incident("i2", rule="weekly"), incident("i3", key=("x",), state=State.RESOLVED))
    assert [i.id for i in store.assess(lambda unit: unit.open_incidents())] == ["i1", "i2"]
    assert [i.id for i in store.assess(lambda unit: unit.open_incidents("weekly"))] == ["i2"]


def test_what_changed_last_is_shown_first(store: SqlStore) -> None:
    put(
        store,
        incident("i1", changed_ms=5),
        incident("i2", period="p2", changed_ms=9),
        incident("i3", period="p3", changed_ms=7, state=State.ROLLED_OVER),
    )
    assert [i.id for i in store.read(lambda unit: unit.incidents(open_only=False, limit=2))] == ["i2", "i3"]
    assert [i.id for i in store.read(lambda unit: unit.incidents(open_only=True, limit=9))] == ["i2", "i1"]


def test_keys_that_look_alike_stay_apart(store: SqlStore) -> None:
    for number, key in enumerate([("a", "b"), ("a,b",), ('a","b',), (), ("",)]):
        put(store, incident(f"i{number}", key=key))
        found = store.assess(methodcaller("incident", "daily", key, "day:2026-11-22"))
        assert found == incident(f"i{number}", key=key)


def test_rule_states_are_replaced_and_dropped_with_what_was_due(url: str) -> None:
    with opened(url) as store:
        store.assess(lambda unit: unit.put_rule_state(RuleState("daily", "budget", "v1", None)))
        store.assess(lambda unit: unit.put_rule_state(RuleState("daily", "budget", "v2", 5)))
        store.assess(lambda unit: unit.set_due("daily", ("a",), 10))
    with opened(url) as store:
        assert store.read(lambda unit: unit.rule_states()) == {"daily": RuleState("daily", "budget", "v2", 5)}
        store.assess(lambda unit: unit.drop_rule("daily"))
        assert store.assess(lambda unit: unit.rule_states()) == {}
        assert store.assess(lambda unit: list(unit.due(10**9))) == []


def test_a_key_is_due_at_its_latest_set_time_until_forgotten(store: SqlStore) -> None:
    def due(now_ms: int) -> list[Due]:
        return store.assess(lambda unit: list(unit.due(now_ms)))

    store.assess(lambda unit: unit.set_due("daily", ("a",), 10))
    store.assess(lambda unit: unit.set_due("daily", ("b",), 5))
    assert due(10) == [Due("daily", ("b",), 5), Due("daily", ("a",), 10)]
    store.assess(lambda unit: unit.set_due("daily", ("b",), 20))
    assert due(19) == [Due("daily", ("a",), 10)]
    store.assess(lambda unit: unit.set_due("daily", ("a",), None))
    assert due(20) == [Due("daily", ("b",), 20)]


def test_the_last_good_rules_are_kept_as_they_were_written(url: str) -> None:
    with opened(url) as store:
        assert store.read(lambda unit: unit.rules()) is None
        store.keep_rules(StoredRules((("a.yaml", "old"),), 1))
        kept = StoredRules((("a.yaml", "budgets: []\n# ü"), ("b.yaml", "")), 2)
        store.keep_rules(kept)
    with opened(url) as store:
        assert store.read(lambda unit: unit.rules()) == kept


def test_versions_of_the_rules_are_kept_newest_first_and_the_same_text_is_no_new_one(store: SqlStore) -> None:
    def versions() -> list[StoredRules]:
        return list(store.read(lambda unit: unit.rules_versions()))

    first, second = (StoredRules((("a.yaml", text),), at) for text, at in (("one", 1), ("two", 5)))
    store.keep_rules(first)
    store.keep_rules(StoredRules((("a.yaml", "one"),), 3))
    assert versions() == [first]
    store.keep_rules(second)
    store.keep_rules(StoredRules((("a.yaml", "one"),), 9))
    assert versions() == [StoredRules((("a.yaml", "one"),), 9), second, first]
    for number in range(300):
        store.keep_rules(StoredRules((("a.yaml", f"text {number}"),), 10 + number))
    assert len(versions()) == 200
    assert versions()[0].files == (("a.yaml", "text 299"),)


def test_what_was_due_by_now_is_forgotten_of_one_rule_alone(store: SqlStore) -> None:
    for rule, key, at_ms in (("daily", "a", 10), ("daily", "b", 11), ("hourly", "a", 5)):
        store.assess(lambda unit, rule=rule, key=key, at_ms=at_ms: unit.set_due(rule, (key,), at_ms))  # type: ignore[misc]
    store.assess(lambda unit: unit.forget_due("daily", 10))
    left = store.assess(lambda unit: list(unit.due(99)))
    assert left == [Due("hourly", ("a",), 5), Due("daily", ("b",), 11)]

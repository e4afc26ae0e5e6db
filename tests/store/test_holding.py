"""Silences, notices that wait, and values that were seen: what comes back is what was put in."""

from dataclasses import replace

from fusewatch.domain.holding import Held
from fusewatch.domain.notices import Hold, Why
from fusewatch.domain.silences import silence_of
from fusewatch.store import SqlStore, open_store
from tests.domain.notice_samples import INCIDENT, NOTICE

EARLY = silence_of({"rule": ["a", "b*"], "team": ["x"]}, starts_ms=10, ends_ms=50, author="ana", comment="known")
LATE = silence_of({"rule": ["*"]}, starts_ms=10, ends_ms=90, author="", comment="all")
WAITS = Held("content", NOTICE, Hold(Why.SILENCE, 1, 9, "S"), 5)


def test_silences_are_listed_while_they_are_active_the_one_that_ends_last_first(store: SqlStore) -> None:
    for silence in (EARLY, LATE, replace(EARLY, comment="the same id stays as it is")):
        store.add_silence(silence)
    assert store.read(lambda unit: unit.silences(active_at_ms=9)) == []
    assert store.read(lambda unit: unit.silences(active_at_ms=10)) == [LATE, EARLY]
    assert store.read(lambda unit: unit.silences(active_at_ms=50)) == [LATE]
    assert store.assess(lambda unit: unit.silences(50)) == [LATE]
    assert store.read(lambda unit: unit.silences(active_at_ms=None)) == [LATE, EARLY]


def test_a_silence_is_ended_once_and_not_after_its_end(store: SqlStore) -> None:
    store.add_silence(EARLY)
    store.add_silence(LATE)
    assert store.end_silence(EARLY.id, at_ms=60) == EARLY
    assert store.end_silence(LATE.id, at_ms=60) == replace(LATE, ended_ms=60)
    assert store.end_silence(LATE.id, at_ms=70) == replace(LATE, ended_ms=60)
    assert store.end_silence("NONE", at_ms=70) is None


def test_a_change_of_silences_makes_another_picture(store: SqlStore) -> None:
    before = store.read(lambda unit: unit.version())
    store.add_silence(LATE)
    between = store.read(lambda unit: unit.version())
    store.end_silence(LATE.id, at_ms=60)
    assert before < between < store.read(lambda unit: unit.version())


def test_a_command_beside_the_daemon_sees_and_changes_the_same_silences(store: SqlStore, url: str) -> None:
    with open_store(url, holder="a command", exclusive=False) as beside:
        beside.add_silence(LATE)
        assert store.assess(lambda unit: unit.silences(20)) == [LATE]


def test_what_waits_is_kept_once_for_each_incident_and_destination_in_its_order(store: SqlStore) -> None:
    other = replace(WAITS, destination="finops", from_ms=3)
    later = replace(WAITS, hold=Hold(Why.QUIET_HOURS, 2, 8))

    for held in (WAITS, other, later):
        store.assess(lambda unit, held=held: unit.put_held(held))  # type: ignore[misc]  # mypy infers no lambda with defaults
    assert store.read(lambda unit: unit.held()) == [other, later]
    store.assess(lambda unit: unit.drop_held(INCIDENT.id, "finops"))
    assert store.assess(lambda unit: unit.held()) == [later]


def test_an_incident_is_found_by_its_id_whatever_its_rule_is_called_now(store: SqlStore) -> None:
    store.assess(lambda unit: unit.put_incident(replace(INCIDENT, rule="renamed", repeats=2, told_ms=7)))
    found = store.assess(lambda unit: unit.incident_by_id(INCIDENT.id))
    assert found == replace(INCIDENT, rule="renamed", repeats=2, told_ms=7)
    assert store.assess(lambda unit: unit.incident_by_id("none")) is None


def test_a_value_is_known_by_its_dimension(store: SqlStore) -> None:
    store.assess(lambda unit: unit.know("model", {"a", "b"}))
    store.assess(lambda unit: unit.know("model", ["b", "c"]))
    known = [store.assess(lambda unit, value=value: unit.is_known("model", value)) for value in "abcd"]  # type: ignore[misc]  # mypy infers no lambda with defaults
    assert known == [True, True, True, False]
    assert not store.assess(lambda unit: unit.is_known("feature", "a"))

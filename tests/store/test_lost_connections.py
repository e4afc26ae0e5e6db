"""A connection may be lost before any statement, and before the answer to any: whatever was done is done once."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from fusewatch.domain.notices import Message, MessageKind
from fusewatch.domain.rules import Severity
from fusewatch.errors import StoreLost
from fusewatch.ports import AssessUnit, Claimed
from fusewatch.store import SqlStore
from tests.domain.notice_samples import INCIDENT
from tests.store.samples import T0, generation, opened, record
from tests.store.test_holding import EARLY
from tests.store.wire import Wire

DATABASES = ("postgres",)
EVERY = ("pending", "claimed", "sent", "dead")
Work = Callable[[SqlStore, int], object]


@pytest.fixture
def wire(url: str) -> Iterator[Wire]:
    with Wire(url) as made:
        yield made


def broken_everywhere(wire: Wire, prepare: Work, work: Work) -> int:
    """Do `work` once for each statement of it and each side of that statement, with the connection lost there; how many
    times that was. What it works on is prepared before."""
    times = 0
    with opened(wire.url) as store:
        for after in (False, True):
            statement = 0
            broke = True
            while broke:
                statement += 1
                times += 1
                prepare(store, times)
                wire.break_at(statement, after=after)
                work(store, times)
                broke = wire.is_broken
                wire.break_at(2**62, after=False)
                assert statement < 200
    return times


def nothing(_store: SqlStore, _number: int) -> None: ...


def message(number: int) -> Message:
    return Message(f"m{number}", "hook", MessageKind.NOTICES, Severity.INFO, T0)


def enqueue(store: SqlStore, number: int) -> None:
    store.assess(lambda unit: unit.enqueue(message(number)))


def claim(store: SqlStore, number: int) -> Claimed | None:
    return store.deliver(lambda u: u.claim("hook", now_ms=T0, until_ms=T0 + number, holder="us"))


def states(store: SqlStore) -> list[str]:
    return [row.state for row in store.read(lambda unit: unit.deliveries(states=EVERY, limit=999))]


def test_generations_are_counted_once(wire: Wire, store: SqlStore) -> None:
    def read(through: SqlStore, number: int) -> None:
        rows = [generation(f"{number:015x}{each}", user=f"user {number}", cost_pico=7) for each in range(2)]
        record(through, rows)

    times = broken_everywhere(wire, nothing, read)
    totals = store.read(lambda unit: unit.totals())
    assert times > 20
    assert (totals.generations, totals.cost_pico) == (2 * times, 14 * times)
    assert store.assess(lambda unit: len(list(unit.rows(0, 2**60)))) == 2 * times


def test_an_incident_and_its_message_are_stored_together_and_once(wire: Wire, store: SqlStore) -> None:
    def judge(through: SqlStore, number: int) -> None:
        def work(unit: AssessUnit) -> bool:
            unit.put_incident(replace(INCIDENT, id=f"I{number}", key=(f"k{number}",)))
            return unit.enqueue(message(number))

        through.assess(work)

    times = broken_everywhere(wire, nothing, judge)
    assert states(store) == ["pending"] * times
    assert all(store.read(lambda unit, n=n: unit.incident_by_id(f"I{n}")) for n in range(1, times + 1))  # type: ignore[misc]  # mypy infers no lambda with defaults


def test_a_claim_is_found_again_instead_of_lying_until_it_ends(wire: Wire, store: SqlStore) -> None:
    def take(through: SqlStore, number: int) -> None:
        claimed = claim(through, number)
        assert claimed is not None
        assert (claimed.id, claimed.attempts) == (f"m{number}", 0)
        store.deliver(lambda unit: unit.sent(claimed, at_ms=T0, reference=""))

    times = broken_everywhere(wire, enqueue, take)
    assert states(store) == ["sent"] * times


def test_what_a_receiver_said_is_noted(wire: Wire, store: SqlStore) -> None:
    taken: dict[int, Claimed] = {}

    def prepare(through: SqlStore, number: int) -> None:
        enqueue(through, number)
        claimed = claim(through, number)
        assert claimed is not None
        taken[number] = claimed

    def note(through: SqlStore, number: int) -> None:
        if number % 2:
            through.deliver(lambda unit: unit.sent(taken[number], at_ms=T0, reference="r"))
        else:
            through.deliver(lambda unit: unit.dead(taken[number], at_ms=T0, reason="gone", text=""))

    times = broken_everywhere(wire, prepare, note)
    assert sorted(states(store)) == sorted("sent" if number % 2 else "dead" for number in range(1, times + 1))


def test_what_people_asked_for_is_done_once(wire: Wire, store: SqlStore) -> None:
    def silence(through: SqlStore, number: int) -> None:
        asked = replace(EARLY, id=f"S{number}")
        through.add_silence(asked)
        assert through.end_silence(asked.id, at_ms=20) == replace(asked, ended_ms=20)

    times = broken_everywhere(wire, nothing, silence)
    found = store.read(lambda unit: unit.silences(active_at_ms=None))
    assert len(found) == times
    assert {each.ended_ms for each in found} == {20}


def test_what_is_read_is_right_or_said_to_be_unreadable(wire: Wire, store: SqlStore) -> None:
    record(store, [generation("a1" * 8), generation("a2" * 8)])
    unreadable = []

    def read(through: SqlStore, _number: int) -> None:
        assert through.read(lambda unit: unit.totals()).generations == 2

    def try_to_read(through: SqlStore, number: int) -> None:
        try:
            read(through, number)
        except StoreLost:
            unreadable.append(number)

    times = broken_everywhere(wire, read, try_to_read)
    assert 0 < len(unreadable) < times

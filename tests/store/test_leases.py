"""Several daemons on one database: each part of the work is one's, and who lost it writes nothing any more."""

from collections.abc import Iterator

import pytest

from fusewatch.domain.notices import Message, MessageKind
from fusewatch.domain.rules import Severity
from fusewatch.errors import LeaseLost, StoreBusy
from fusewatch.ports import AssessUnit
from fusewatch.ports.leases import JUDGE, reading
from fusewatch.store import SqlStore
from fusewatch.store.leases import ALIVE, LEASE_MS, LEFT_LYING_S, RENEW_S, SETTLE_S, Leases
from fusewatch.store.link import number_of
from tests.store.samples import PROJECT, T0, generation, opened, raw, record
from tests.store.server import cut

DATABASES = ("postgres",)
FIRST, SECOND = "process 1 on a (aa)", "process 2 on b (bb)"
READ = reading(PROJECT.host, PROJECT.organisation_id)


class Watch:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Daemon:
    """A store under leases, and its own watch; it has been running for a while."""

    def __init__(self, url: str, name: str) -> None:
        self.store: SqlStore = opened(url)
        self.watch = Watch()
        self.leases: Leases = self.store.leases(name, self.watch)
        self.store.guard(self.leases)
        self.settle()

    def settle(self) -> None:
        """It is connected, and has been for a while."""
        self.leases.turn(())
        self.watch.now += SETTLE_S

    def turn(self, *wanted: str) -> tuple[str, ...]:
        return self.leases.turn(wanted).gained

    def holds(self, *names: str) -> list[bool]:
        return [self.leases.fence(name) is not None for name in names]


@pytest.fixture
def pair(url: str) -> Iterator[tuple[Daemon, Daemon]]:
    first, second = Daemon(url, FIRST), Daemon(url, SECOND)
    yield first, second
    for each in (first, second):
        each.leases.end()
        each.store.close()


def let_end(url: str) -> None:
    """As if the time of every lease were over, by the database's clock."""
    with raw(url) as ask:
        ask("UPDATE lease SET expires_ms = 1")


def test_a_lease_has_one_holder_and_is_free_at_once_when_that_one_ends(pair: tuple[Daemon, Daemon]) -> None:
    first, second = pair
    assert first.turn(JUDGE) == (JUDGE,)
    assert second.turn(JUDGE) == ()
    assert first.turn(JUDGE) == ()
    first.leases.end()
    assert second.turn(JUDGE) == (JUDGE,)
    assert first.holds(JUDGE) == [False]


def test_who_has_yet_to_start_leaves_what_is_free_to_those_who_run(url: str, pair: tuple[Daemon, Daemon]) -> None:
    with opened(url) as store:
        starting = store.leases("process 3 on c (cc)", Watch())
        assert starting.turn([JUDGE]).gained == ()
        assert pair[0].turn(JUDGE) == (JUDGE,)
        starting.end()


def test_who_lost_a_lease_writes_nothing_even_before_it_knows(url: str, pair: tuple[Daemon, Daemon]) -> None:
    """A process that was paused wakes up with the lease of a while ago."""
    first, second = pair
    second.leases.end()  # it is not there yet
    first.turn(JUDGE, READ)
    assert record(first.store, [generation("a1" * 8)]).new == 1
    let_end(url)
    second.settle()
    second.turn(JUDGE, READ)
    assert second.holds(JUDGE, READ) == [True, True]
    assert first.holds(JUDGE, READ) == [True, True]  # so it thinks
    with pytest.raises(LeaseLost):
        record(first.store, [generation("a2" * 8)])
    with pytest.raises(LeaseLost):
        first.store.assess(lambda unit: unit.put_mark("m", 1))
    with pytest.raises(LeaseLost):
        first.store.upkeep(lambda unit: unit.put_pruned(1))
    with pytest.raises(LeaseLost):
        first.store.failed(PROJECT.key, at_ms=1, reason="r", text="t", retry_at_ms=None)
    with pytest.raises(LeaseLost):
        first.store.set_attribution("other")
    assert record(second.store, [generation("a1" * 8), generation("a2" * 8)]).new == 1


def test_who_cannot_renew_in_time_by_its_own_clock_stops_by_itself(pair: tuple[Daemon, Daemon]) -> None:
    first, _ = pair
    first.turn(JUDGE)
    first.watch.now += LEASE_MS / 1000
    assert first.holds(JUDGE) == [False]
    with pytest.raises(LeaseLost):
        first.store.assess(lambda unit: unit.put_mark("m", 1))


def test_a_lease_is_not_taken_in_the_middle_of_a_unit_of_work(url: str, pair: tuple[Daemon, Daemon]) -> None:
    first, second = pair
    first.turn(JUDGE)
    second.turn()
    let_end(url)

    def work(unit: AssessUnit) -> tuple[str, ...]:
        unit.put_mark("m", 1)
        return second.turn(JUDGE)

    assert first.store.assess(work) == ()
    assert second.turn(JUDGE) == (JUDGE,)


def test_the_work_is_shared_among_the_living(pair: tuple[Daemon, Daemon]) -> None:
    first, second = pair
    wanted = (JUDGE, READ, "read other|1", "read other|2")
    second.leases.end()
    assert len(first.turn(*wanted)) == 4
    second.settle()
    first.turn(*wanted)
    second.turn(*wanted)
    assert sum(first.holds(*wanted)) == sum(second.holds(*wanted)) == 2
    assert all(a != b for a, b in zip(first.holds(*wanted), second.holds(*wanted), strict=True))


def test_who_cannot_show_that_it_lives_takes_nothing_until_it_can(url: str) -> None:
    """The server has not noticed yet that a former connection of this daemon is gone, and holds its sign of life."""
    with opened(url) as store, raw(url) as former:
        former(f"SELECT pg_advisory_lock({ALIVE}, {number_of(FIRST)})")
        leases = store.leases(FIRST, Watch())
        for _ in range(2):
            with pytest.raises(StoreBusy):
                leases.turn([JUDGE])
            assert leases.fence(JUDGE) is None
        former(f"SELECT pg_advisory_unlock({ALIVE}, {number_of(FIRST)})")
        leases.turn([JUDGE])
        other = Daemon(url, SECOND)
        assert leases.turn([JUDGE]).lost == ()
        assert other.turn(JUDGE) == ()
        assert leases.fence(JUDGE) is not None
        other.leases.end()
        other.store.close()
        leases.end()


def test_what_the_dead_were_sending_is_free_for_the_living(url: str, pair: tuple[Daemon, Daemon]) -> None:
    first, second = pair
    first.turn(JUDGE)
    first.store.assess(lambda unit: unit.enqueue(Message("m1", "hook", MessageKind.NOTICES, Severity.INFO, T0)))
    assert first.store.deliver(lambda u: u.claim("hook", now_ms=T0, until_ms=T0 + 30_000, holder=FIRST)) is not None
    second.turn(JUDGE)
    assert second.store.deliver(lambda u: u.claim("hook", now_ms=T0, until_ms=T0 + 30_000, holder="b")) is None
    let_end(url)
    second.watch.now += RENEW_S
    second.turn(JUDGE)
    assert second.store.deliver(lambda u: u.claim("hook", now_ms=T0, until_ms=T0 + 30_000, holder="b")) is not None


def test_who_was_cut_off_takes_its_own_back_and_says_of_nobody_else_that_it_is_gone(
    url: str, pair: tuple[Daemon, Daemon]
) -> None:
    """After a failover every session is new and every lease may have ended: all go on with what they had."""
    first, second = pair
    first.turn(JUDGE)
    first.turn(JUDGE, READ)
    second.turn(JUDGE, READ)
    assert (first.holds(JUDGE, READ), second.holds(JUDGE, READ)) == ([True, False], [False, True])
    first.store.assess(lambda unit: unit.enqueue(Message("m1", "hook", MessageKind.NOTICES, Severity.INFO, T0)))
    claimed = second.store.deliver(lambda u: u.claim("hook", now_ms=T0, until_ms=T0 + 30_000, holder=SECOND))
    assert claimed is not None
    cut(url)
    let_end(url)
    for each in pair:
        with pytest.raises(StoreBusy):
            each.turn(JUDGE, READ)
        each.watch.now += LEASE_MS / 1000
    for each in pair:
        each.turn(JUDGE, READ)
    assert (first.holds(JUDGE, READ), second.holds(JUDGE, READ)) == ([True, False], [False, True])
    assert first.store.deliver(lambda u: u.claim("hook", now_ms=T0, until_ms=T0 + 30_000, holder=FIRST)) is None
    first.watch.now += SETTLE_S
    first.turn(JUDGE, READ)
    assert first.store.deliver(lambda u: u.claim("hook", now_ms=T0, until_ms=T0 + 30_000, holder=FIRST)) is None


def test_a_lease_of_somebody_killed_lies_for_no_longer_than_a_moment_whatever_the_shares(
    url: str, pair: tuple[Daemon, Daemon]
) -> None:
    """A third daemon that has just started counts among the living, and may take long until it can work."""
    first, second = pair
    second.turn(JUDGE)
    first.turn(JUDGE, READ)
    second.leases.end()
    with opened(url) as store:
        starting = store.leases("process 3 on c (cc)", Watch())
        starting.turn([JUDGE, READ])
        assert first.turn(JUDGE, READ) == ()
        first.watch.now += LEFT_LYING_S
        assert first.turn(JUDGE, READ) == (JUDGE,)
        starting.end()

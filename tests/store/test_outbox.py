"""The outbox: in order for each destination, one claim at a time, sent only once the receiver has it."""

import pytest

from fusewatch.domain.notices import Message, MessageKind
from fusewatch.domain.rules import Severity
from fusewatch.ports import Claimed, DeliveryRow
from fusewatch.store import SqlStore, open_store
from tests.store.samples import opened


def message(id_: str, destination: str = "slack", created_ms: int = 100) -> Message:
    return Message(id_, destination, MessageKind.SAMPLE, Severity.INFO, created_ms)


def enqueue(store: SqlStore, *messages: Message) -> list[bool]:
    return store.assess(lambda unit: [unit.enqueue(m) for m in messages])


def claim(
    store: SqlStore, now_ms: int = 200, until_ms: int = 300, destination: str = "slack", holder: str = "us"
) -> Claimed | None:
    return store.deliver(lambda unit: unit.claim(destination, now_ms=now_ms, until_ms=until_ms, holder=holder))


def must_claim(store: SqlStore, now_ms: int = 200, until_ms: int = 300) -> Claimed:
    claimed = claim(store, now_ms, until_ms)
    assert claimed is not None
    return claimed


def sent(store: SqlStore, claimed: Claimed, at_ms: int = 210) -> None:
    store.deliver(lambda unit: unit.sent(claimed, at_ms=at_ms, reference="ts-1"))


def retry(store: SqlStore, claimed: Claimed, next_ms: int, at_ms: int = 210) -> None:
    store.deliver(lambda unit: unit.retry(claimed, at_ms=at_ms, next_ms=next_ms, reason="timeout", text="t" * 900))


def next_due(store: SqlStore, *destinations: str) -> int | None:
    return store.deliver(lambda unit: unit.next_due(destinations))


def states(store: SqlStore) -> dict[str, str]:
    every = ("pending", "claimed", "sent", "dead")
    return {row.id: row.state for row in store.read(lambda unit: unit.deliveries(states=every, limit=99))}


def test_a_message_is_enqueued_once_by_its_id(store: SqlStore) -> None:
    assert enqueue(store, message("m1"), message("m1", "other", 999)) == [True, False]
    assert enqueue(store, message("m1")) == [False]
    assert must_claim(store).message == message("m1")


def test_deliveries_of_a_destination_go_one_after_the_other_in_their_order(store: SqlStore) -> None:
    enqueue(store, message("m1"), message("m2"), message("x1", "webhook"))
    first = must_claim(store)
    assert (first.id, first.attempts, first.created_ms) == ("m1", 0, 100)
    assert claim(store, until_ms=301) is None
    assert claim(store, holder="others") is None
    sent(store, first)
    assert must_claim(store).id == "m2"


def test_the_very_same_claim_is_found_again_where_the_answer_was_lost(store: SqlStore) -> None:
    enqueue(store, message("m1"), message("m2"))
    assert claim(store) == claim(store) == must_claim(store)


def test_one_destination_does_not_hold_up_another(store: SqlStore) -> None:
    enqueue(store, message("m1"), message("x1", "webhook"))
    must_claim(store)
    other = claim(store, destination="webhook")
    assert other is not None
    assert other.id == "x1"


def test_a_delivery_that_waits_for_its_retry_does_not_hold_up_younger_ones(store: SqlStore) -> None:
    enqueue(store, message("m1"), message("m2"))
    retry(store, must_claim(store), next_ms=500)
    second = must_claim(store)
    assert second.id == "m2"
    sent(store, second)
    assert claim(store, now_ms=499) is None
    again = must_claim(store, now_ms=500, until_ms=600)
    assert (again.id, again.attempts) == ("m1", 1)


def test_among_due_deliveries_the_oldest_goes_first_even_after_a_retry(store: SqlStore) -> None:
    enqueue(store, message("m1"), message("m2"))
    retry(store, must_claim(store), next_ms=220)
    assert must_claim(store, now_ms=220).id == "m1"


def test_a_claim_whose_lease_ran_out_is_free_again_and_counts_as_an_attempt(store: SqlStore) -> None:
    enqueue(store, message("m1"))
    must_claim(store, until_ms=300)
    assert claim(store, now_ms=299, until_ms=399) is None
    again = must_claim(store, now_ms=300, until_ms=400)
    assert (again.id, again.attempts) == ("m1", 1)


def test_a_late_failure_of_a_claim_that_another_took_over_changes_nothing(store: SqlStore) -> None:
    enqueue(store, message("m1"))
    slow = must_claim(store, until_ms=300)
    fast = must_claim(store, now_ms=300, until_ms=400)
    retry(store, slow, next_ms=301)
    store.deliver(lambda unit: unit.dead(slow, at_ms=310, reason="gone", text=""))
    store.deliver(lambda unit: unit.release(slow))
    assert states(store) == {"m1": "claimed"}
    sent(store, fast)
    assert states(store) == {"m1": "sent"}


def test_a_late_success_counts_whoever_holds_the_claim_for_the_receiver_has_it(store: SqlStore) -> None:
    enqueue(store, message("m1"))
    slow = must_claim(store, until_ms=300)
    fast = must_claim(store, now_ms=300, until_ms=400)
    sent(store, slow, at_ms=305)
    retry(store, fast, next_ms=500)
    assert states(store) == {"m1": "sent"}
    assert claim(store, now_ms=900, until_ms=950) is None


def test_a_released_claim_is_as_if_it_never_was(store: SqlStore) -> None:
    enqueue(store, message("m1"))
    claimed = must_claim(store)
    store.deliver(lambda unit: unit.release(claimed))
    assert must_claim(store) == claimed


def test_a_dead_delivery_is_kept_with_its_reason_and_never_claimed(store: SqlStore) -> None:
    enqueue(store, message("m1"))
    claimed = must_claim(store)
    store.deliver(lambda unit: unit.dead(claimed, at_ms=210, reason="channel_not_found", text="no such channel"))
    assert claim(store, now_ms=10**9, until_ms=10**9 + 1) is None
    (row,) = store.read(lambda unit: unit.deliveries(states=["dead"], limit=5))
    assert (row.reason, row.text, row.attempts, row.next_ms) == ("channel_not_found", "no such channel", 1, None)


def die(store: SqlStore, *ids: str) -> None:
    """Enqueue these and let their receiver refuse each for good at 210."""
    for id_ in ids:
        enqueue(store, message(id_))
        claimed = must_claim(store)
        store.deliver(lambda unit, c=claimed: unit.dead(c, at_ms=210, reason="invalid_auth", text="no such token"))  # type: ignore[misc]  # mypy infers no lambda with defaults


def revive(store: SqlStore, *ids: str, at_ms: int = 5_000) -> list[str]:
    """All of them where none is named."""
    return list(store.deliver(lambda unit: unit.revive(ids or None, at_ms=at_ms)))


def test_a_revived_delivery_is_due_at_once_under_its_old_id_and_counts_anew(store: SqlStore) -> None:
    die(store, "m1")
    assert next_due(store, "slack") is None
    assert revive(store, "m1") == ["m1"]
    assert next_due(store, "slack") == 5_000
    (row,) = store.read(lambda unit: unit.deliveries(states=["pending"], limit=9))
    assert row == DeliveryRow("m1", "slack", "pending", "sample", 0, 100, 5_000, None, "invalid_auth", "no such token")
    assert claim(store, now_ms=4_999) is None
    again = must_claim(store, now_ms=5_000, until_ms=5_100)
    assert (again.id, again.attempts, again.created_ms) == ("m1", 0, 5_000)
    assert again.message == message("m1")


def test_only_the_dead_are_revived_each_once_and_the_oldest_goes_first(store: SqlStore) -> None:
    die(store, "m1", "m2", "m3")
    enqueue(store, message("m4"))
    sent(store, must_claim(store))
    assert revive(store, "m4", "nobody") == []
    assert revive(store, "m2") == ["m2"]
    assert revive(store) == ["m1", "m3"]
    assert revive(store) == []
    assert states(store) == {"m1": "pending", "m2": "pending", "m3": "pending", "m4": "sent"}
    assert must_claim(store, now_ms=6_000, until_ms=6_100).id == "m1"


def test_status_shows_each_delivery_as_it_stands(store: SqlStore) -> None:
    enqueue(store, message("m1"), message("m2"), message("x1", "webhook"))
    first = must_claim(store)
    retry(store, first, next_ms=500)
    sent(store, must_claim(store), at_ms=250)
    rows = store.read(lambda unit: unit.deliveries(states=["pending", "sent"], limit=2))
    assert rows == [
        DeliveryRow("x1", "webhook", "pending", "sample", 0, 100, 100, None, "", ""),
        DeliveryRow("m2", "slack", "sent", "sample", 1, 100, None, 250, "", ""),
    ]
    (m1,) = store.read(lambda unit: [r for r in unit.deliveries(states=["pending"], limit=9) if r.id == "m1"])
    assert (m1.next_ms, m1.reason, len(m1.text)) == (500, "timeout", 500)
    assert store.read(lambda unit: unit.delivery_counts()) == {
        ("slack", "pending"): 1,
        ("slack", "sent"): 1,
        ("webhook", "pending"): 1,
    }
    assert store.read(lambda unit: unit.deliveries(states=[], limit=9)) == []


def test_next_due_is_when_something_may_really_be_attempted(store: SqlStore) -> None:
    assert next_due(store, "slack") is None
    enqueue(store, message("m1"), message("m2", created_ms=120))
    assert next_due(store, "webhook") is None
    assert next_due(store, "slack", "webhook") == 100
    claimed = must_claim(store, until_ms=300)
    assert next_due(store, "slack") == 300
    retry(store, claimed, next_ms=500)
    assert next_due(store, "slack") == 120


def test_after_a_crash_the_claims_of_the_earlier_run_are_free_at_once(url: str) -> None:
    with opened(url) as store:
        enqueue(store, message("m1"))
        must_claim(store, until_ms=10**9)
    with opened(url) as store:
        assert claim(store) is None
        if store.is_shared:  # another daemon may be sending it; `test_leases` has those of the dead
            assert store.free_claims() == 0
            return
        assert store.free_claims() == 1
        assert must_claim(store).attempts == 1
        with (
            open_store(url, holder="command", exclusive=False) as command,
            pytest.raises(ValueError, match="only by the daemon"),
        ):
            command.free_claims()


def test_a_delivery_of_several_steps_is_given_back_without_counting_and_lets_younger_ones_go_first(
    store: SqlStore,
) -> None:
    enqueue(store, message("m1"), message("m2"))
    first = must_claim(store)
    store.deliver(lambda unit: unit.release(first, next_ms=400))
    assert must_claim(store, now_ms=210).id == "m2"
    again = must_claim(store, now_ms=500, until_ms=600)
    assert (again.id, again.attempts) == ("m1", 0)

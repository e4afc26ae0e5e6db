"""The deliver pass: claim what is due, send it outside any transaction, and note what the receiver said."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TypeVar

from fusewatch.domain.delivery import next_attempt_ms, should_give_up
from fusewatch.domain.notices import MessageKind
from fusewatch.errors import Permanent, Retryable, StoreBusy, StoreError, StoreFull, StoreLost
from fusewatch.ports import Claimed, Clock, Notifier, Receipt, Runner, Store

T = TypeVar("T")

LEASE_MS = 30_000
"""How long a claim is ours: well above the 8 seconds that a send may take."""

ASK_AGAIN_S = 1.0
"""How soon a database that could not note a claim, or what the receiver said, is asked again."""


class Outcome(StrEnum):
    SENT = "sent"
    RETRY = "retry"
    DEAD = "dead"
    PART = "part"
    """A step of several was taken; it is neither sent nor did it fail."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at delivery. `reason` is empty when it was sent, else the error's; `text` is for people."""

    destination: str
    delivery: str
    outcome: Outcome
    reason: str = ""
    text: str = ""


async def deliver_one(
    destination: str, notifier: Notifier, store: Store, run: Runner, clock: Clock, *, holder: str
) -> Attempt | None:
    """Attempt the oldest due delivery of one destination; None when nothing is due.

    It is marked sent only after the receiver accepted it. Any failure that the notifier did not foresee counts as
    one that may pass: the delivery must not be lost to a bug.
    """
    now_ms = clock.now_ms()
    until_ms = now_ms + LEASE_MS

    def claim() -> Claimed | None:
        return store.deliver(lambda u: u.claim(destination, now_ms=now_ms, until_ms=until_ms, holder=holder))

    # A claim whose answer was lost is found again by who asks for the very same one, and by nobody else.
    claimed = await _asked_again(run, clock, claim, now_ms + LEASE_MS // 2, StoreLost)
    if claimed is None:
        return None
    try:
        receipt = await notifier.send(claimed.message)
    except Permanent as error:
        note: Callable[[], Attempt] = partial(_dead, store, claimed, clock.now_ms(), error.reason, str(error))
    except Retryable as error:
        note = partial(_retry, store, claimed, clock.now_ms(), error)
    except Exception as error:  # noqa: BLE001 - a bug in one notifier must not lose its deliveries
        unforeseen = Retryable("internal", f"{type(error).__name__}: {error}")
        note = partial(_retry, store, claimed, clock.now_ms(), unforeseen)
    else:
        note = partial(_accepted, store, claimed, clock.now_ms(), receipt, notifier.min_interval_s)
    # What the receiver said is known only here, and forgetting it would tell people twice.
    return await _asked_again(run, clock, note, until_ms, StoreBusy, StoreFull)


async def _asked_again(
    run: Runner, clock: Clock, work: Callable[[], T], until_ms: int, *passing: type[StoreError]
) -> T:
    """What a unit of work returns, once the database no longer fails over, is restarted, locked or full."""
    while True:
        try:
            return await run(work)
        except passing:
            if clock.now_ms() >= until_ms:
                raise
            await clock.sleep(ASK_AGAIN_S)


def _accepted(store: Store, claimed: Claimed, at_ms: int, receipt: Receipt, min_interval_s: float) -> Attempt:
    destination = claimed.message.destination
    if receipt.more:
        # What only changes old messages lets younger news go first.
        pause_ms = int(2000 * min_interval_s) if claimed.message.kind is MessageKind.UPDATE else 0
        store.deliver(lambda u: u.release(claimed, next_ms=at_ms + pause_ms))
        return Attempt(destination, claimed.id, Outcome.PART)
    store.deliver(lambda u: u.sent(claimed, at_ms=at_ms, reference=receipt.reference))
    return Attempt(destination, claimed.id, Outcome.SENT)


def _dead(store: Store, claimed: Claimed, at_ms: int, reason: str, text: str) -> Attempt:
    store.deliver(lambda u: u.dead(claimed, at_ms=at_ms, reason=reason, text=text))
    return Attempt(claimed.message.destination, claimed.id, Outcome.DEAD, reason, text)


def _retry(store: Store, claimed: Claimed, at_ms: int, error: Retryable) -> Attempt:
    if should_give_up(claimed.created_ms, at_ms):
        return _dead(store, claimed, at_ms, error.reason, f"gave up after two days: {error}")
    next_ms = next_attempt_ms(claimed.id, claimed.attempts + 1, at_ms, error.retry_after_s)
    store.deliver(lambda u: u.retry(claimed, at_ms=at_ms, next_ms=next_ms, reason=error.reason, text=str(error)))
    return Attempt(claimed.message.destination, claimed.id, Outcome.RETRY, error.reason, str(error))

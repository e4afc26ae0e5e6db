"""`fusewatch notify-test` against receivers that are slow, strict or absent; the clock moves only when slept on."""

import asyncio

import pytest

from fusewatch.cli.notify_test import LONGEST_PAUSE_S, Said, kinds_for, send_samples
from fusewatch.domain.notices import Message
from fusewatch.errors import Permanent, Retryable
from fusewatch.notify.samples import KINDS, samples
from fusewatch.ports import Receipt

NOW = 1_795_534_920_000


class Clock:
    """Moves when somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now_ms(self) -> int:
        return NOW + int(1000 * sum(self.slept))

    def monotonic(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Receiver:
    """Answers with what it was given, in this order, then accepts; remembers what it heard."""

    def __init__(self, *answers: Receipt | Permanent | Retryable, min_interval_s: float = 0.0) -> None:
        self.min_interval_s = min_interval_s
        self.heard: list[Message] = []
        self._answers = list(answers)

    async def send(self, message: Message) -> Receipt:
        self.heard.append(message)
        answer = self._answers.pop(0) if self._answers else Receipt()
        if isinstance(answer, Receipt):
            return answer
        raise answer

    async def close(self) -> None: ...


def sent(receiver: Receiver, clock: Clock) -> list[Said]:
    told: list[Said] = []
    asyncio.run(send_samples(receiver, "hook", samples("hook", NOW), clock, told.append))
    return told


def test_one_sample_of_each_kind_is_sent_and_each_answer_told() -> None:
    receiver = Receiver(Receipt(said="HTTP 202"), Receipt("1795534920.000100"))
    told = sent(receiver, Clock())
    assert [one.kind for one in told] == list(KINDS)
    assert [one.ok for one in told] == [True] * len(KINDS)
    assert [message.id for message in receiver.heard] == [m.id for m in samples("hook", NOW).values()]
    assert [one.answer for one in told[:3]] == ["accepted, HTTP 202", "accepted, as 1795534920.000100", "accepted"]


def test_the_receiver_is_left_alone_between_two_samples_for_as_long_as_it_wants() -> None:
    clock = Clock()
    sent(Receiver(min_interval_s=1.0), clock)
    assert clock.slept == [1.0] * (len(KINDS) - 1)


def test_what_is_refused_is_told_with_its_reason_and_the_others_are_sent_all_the_same() -> None:
    told = sent(
        Receiver(Receipt(), Permanent("invalid_blocks", "slack.com refused the message: invalid_blocks")), Clock()
    )
    assert [one.ok for one in told] == [True, False, *[True] * (len(KINDS) - 2)]
    assert str(told[1]) == "✗ hook: escalated: slack.com refused the message: invalid_blocks (invalid_blocks)"


def test_a_short_pause_that_the_receiver_asks_for_is_kept_once() -> None:
    busy = Retryable("rate_limited", "hook asks to slow down (429)", retry_after_s=2.5)
    clock, receiver = Clock(), Receiver(busy)
    told = sent(receiver, clock)
    assert clock.slept == [2.5]
    assert told[0] == Said("hook", "opened", True, "accepted", 2.5)
    assert str(told[0]) == "✓ hook: opened: accepted (2,500 ms)"
    again = sent(Receiver(busy, busy), Clock())
    assert (again[0].ok, again[1].ok) == (False, True)


def test_nobody_waits_for_a_long_pause() -> None:
    busy = Retryable("rate_limited", "hook asks to slow down (429)", retry_after_s=LONGEST_PAUSE_S + 1)
    clock = Clock()
    assert sent(Receiver(busy), clock)[0].answer == "hook asks to slow down (429) (rate_limited)"
    assert clock.slept == []


@pytest.mark.parametrize("reason", ["timeout", "unreachable", "connection"])
def test_after_one_that_found_nobody_no_more_are_tried_and_each_is_told_as_not_sent(reason: str) -> None:
    receiver = Receiver(Receipt(), Retryable(reason, "nobody is there"))
    told = sent(receiver, Clock())
    assert len(receiver.heard) == 2
    assert [one.ok for one in told] == [True, *[False] * (len(KINDS) - 1)]
    assert {one.answer for one in told[2:]} == {"not sent, as the one before found nobody"}


def test_where_somebody_may_be_called_one_kind_is_enough_unless_others_are_asked_for() -> None:
    assert kinds_for("slack", ()) == kinds_for("webhook", ()) == KINDS
    assert kinds_for("pagerduty", ()) == kinds_for("alertmanager", ()) == ("escalated",)
    assert kinds_for("pagerduty", ("spike", "digest")) == kinds_for("slack", ("spike", "digest")) == ("spike", "digest")

"""From the outbox to the receivers: each for itself, at least once, and not twice without need."""

from datetime import date, timedelta
from itertools import count, pairwise

import pytest

from fusewatch.app.deliver import Outcome
from fusewatch.errors import Permanent, Retryable
from fusewatch.store import open_store
from tests.app.conftest import Play
from tests.app.inbox import Inbox
from tests.app.stage import Stage
from tests.app.when import STORY_DAY

BOTH = "history: 1d\nbudgets:\n  - {name: daily, limit: $10, every: day, notify: [finops, content]}\n"
DOWN = Retryable("unreachable", "nobody answers")


def _started(play: Play) -> Stage:
    stage = play(BOTH)
    stage.at("06:00", "07:00")
    return stage


def _pauses(inbox: Inbox) -> list[float]:
    """Seconds between the attempts."""
    times = [at for at, _ in inbox.attempts]
    return [(after - before) / 1000 for before, after in pairwise(times)]


def test_one_destination_that_is_down_does_not_keep_another_from_its_notice(play: Play) -> None:
    stage = _started(play)
    stage.inbox("finops").down = DOWN
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    assert stage.news("content") == ["daily opened critical 100%"]
    assert stage.news("finops") == []


def test_a_destination_that_does_not_answer_does_not_delay_another(play: Play) -> None:
    """Neither receiver answers before the other one was asked, so nobody may wait for his turn."""
    stage = _started(play)
    finops, content = stage.inbox("finops"), stage.inbox("content")
    finops.waits_for, content.waits_for = content.asked, finops.asked
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    assert (len(finops.accepted), len(content.accepted)) == (1, 1)


def test_a_destination_is_tried_again_with_growing_pauses_until_it_accepts(play: Play) -> None:
    stage = _started(play)
    finops = stage.inbox("finops")
    finops.down = DOWN
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    stage.deliver_until("09:00")
    pauses = _pauses(finops)
    assert 5 <= pauses[0] < 7
    growing = pauses[: next(n for n, pause in enumerate(pauses) if pause >= 15 * 60)]
    assert growing == sorted(growing)
    assert all(15 * 60 <= pause < 19 * 60 for pause in pauses[len(growing) :])
    finops.down = None
    stage.deliver_until("09:30")
    assert stage.news("finops") == ["daily opened critical 100%"]
    assert len({id_ for _, id_ in finops.attempts}) == 1


def test_a_wish_of_the_receiver_when_to_come_again_is_kept(play: Play) -> None:
    stage = _started(play)
    finops = stage.inbox("finops")
    finops.troubles.append(Retryable("rate_limited", "slow down", retry_after_s=300))
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    stage.deliver_until("07:30")
    assert 300 <= _pauses(finops)[0] < 310
    assert stage.news("finops") == ["daily opened critical 100%"]


def test_what_a_receiver_refuses_for_good_is_dead_and_shown_and_not_tried_again(play: Play) -> None:
    stage = _started(play)
    finops = stage.inbox("finops")
    finops.down = Permanent("no_channel", "there is no such channel")
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    stage.deliver_until("09:00")
    assert len(finops.attempts) == 1
    shown = stage.shown()
    assert shown.deliveries[("finops", "dead")] == 1
    assert [(row.destination, row.state, row.reason) for row in shown.stuck] == [("finops", "dead", "no_channel")]


def _revive(stage: Stage) -> list[str]:
    """As `fusewatch incidents --revive all` does, on connections of its own beside the daemon's."""
    with open_store(f"sqlite:///{stage.store.path}", holder="the command", exclusive=False) as store:
        return list(store.deliver(lambda unit: unit.revive(None, at_ms=stage.clock.now_ms())))


def test_a_destination_that_was_mended_gets_what_died_once_under_the_same_id(play: Play) -> None:
    """Slack said `invalid_auth`; somebody puts a right token there and revives."""
    stage = _started(play)
    finops = stage.inbox("finops")
    finops.down = Permanent("invalid_auth", "Slack said invalid_auth")
    stage.spend("11", at="07:00:30")
    stage.at("07:01", "07:30")
    ((_, died),) = finops.attempts
    finops.down = None
    stage.at("08:00")
    assert stage.news("finops") == []
    assert _revive(stage) == [died]
    stage.deliver_until("08:01")
    assert stage.news("finops") == ["daily opened critical 100%"]
    assert [id_ for _, id_ in finops.attempts] == [died, died]
    assert _revive(stage) == []
    assert stage.news("content") == ["daily opened critical 100%"]
    stage.at("09:00")
    assert stage.silent()
    assert len(finops.accepted) == 1


def test_what_is_revived_into_another_outage_is_tried_for_two_days_again(play: Play) -> None:
    stage = _started(play)
    finops = stage.inbox("finops")
    finops.down = DOWN
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    stage.deliver_until("11-21 07:00")
    assert stage.shown().deliveries[("finops", "dead")] == 1
    (died,) = _revive(stage)
    stage.deliver_until("11-22 07:00")
    assert stage.shown().deliveries[("finops", "pending")] == 1
    finops.down = None
    stage.deliver_until("11-22 08:00")
    assert stage.news("finops") == ["daily opened critical 100%"]
    assert {id_ for _, id_ in finops.attempts} == {died}


def test_what_is_refused_again_is_dead_again_and_can_be_revived_again(play: Play) -> None:
    stage = _started(play)
    finops = stage.inbox("finops")
    finops.down = Permanent("invalid_auth", "Slack said invalid_auth")
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    for minute in range(2, 4):
        assert len(_revive(stage)) == 1
        stage.at(f"07:0{minute}")
        assert stage.shown().deliveries[("finops", "dead")] == 1
    assert len(finops.attempts) == 3


def test_a_dead_delivery_does_not_keep_back_the_next_one(play: Play) -> None:
    stage = _started(play)
    stage.inbox("finops").troubles.append(Permanent("too_long", "the message is too long"))
    stage.spend("9", at="07:00:30")
    stage.at("07:01")
    stage.spend("2", at="07:01:30")
    stage.at("07:02")
    assert stage.news("finops") == ["daily escalated critical 100%"]


def test_a_delivery_that_waits_for_its_retry_does_not_keep_back_the_next_one(play: Play) -> None:
    stage = _started(play)
    stage.inbox("finops").troubles.append(Retryable("rate_limited", "slow down", retry_after_s=600))
    stage.spend("9", at="07:00:30")
    stage.at("07:01")
    stage.spend("2", at="07:01:30")
    stage.at("07:02")
    assert stage.news("finops") == ["daily escalated critical 100%"]
    stage.deliver_until("07:20")
    assert stage.news("finops") == ["daily opened warning 80%"]


def test_a_destination_that_is_down_for_two_days_makes_its_delivery_dead(play: Play) -> None:
    stage = _started(play)
    stage.inbox("finops").down = DOWN
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    stage.deliver_until("11-20 08:00")
    assert stage.shown().deliveries[("finops", "dead")] == 1
    last, _ = stage.inbox("finops").attempts[-1]
    assert stage.ms("11-20 07:00") <= last <= stage.ms("11-20 07:30")


def test_a_notifier_with_a_bug_counts_as_one_that_may_work_later(play: Play) -> None:
    stage = _started(play)
    finops = stage.inbox("finops")
    finops.troubles.extend([ZeroDivisionError("a bug"), ZeroDivisionError("a bug")])
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    assert stage.news("content") == ["daily opened critical 100%"]
    assert stage.attempts[-1].outcome in (Outcome.SENT, Outcome.RETRY)
    stage.deliver_until("07:10")
    assert stage.news("finops") == ["daily opened critical 100%"]


def test_a_notice_is_sent_only_after_the_receiver_accepted_it(play: Play) -> None:
    stage = _started(play)
    stage.inbox("finops").troubles.append(DOWN)
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    assert stage.shown().deliveries == {("finops", "pending"): 1, ("content", "sent"): 1}
    stage.deliver_until("07:05")
    assert stage.shown().deliveries == {("finops", "sent"): 1, ("content", "sent"): 1}


def test_what_was_not_delivered_is_delivered_after_a_restart(play: Play) -> None:
    stage = _started(play)
    stage.inbox("finops").down = DOWN
    stage.spend("11", at="07:00:30")
    stage.at("07:01")
    stage.restart()
    stage.inbox("finops").down = None
    stage.deliver_until("07:05")
    assert stage.news("finops") == ["daily opened critical 100%"]
    assert stage.news("content") == ["daily opened critical 100%"]


def test_a_crash_after_the_receiver_accepted_repeats_the_message_once_with_the_same_id(play: Play) -> None:
    stage = play(BOTH.replace(", content", ""))
    stage.at("06:00", "07:00")
    stage.inbox("finops").dies_on_accept = True
    stage.spend("11", at="07:00:30")
    assert stage.dies(lambda: stage.at("07:01"))
    stage.repeats_allowed = 1
    stage.restart()
    stage.at("07:02", "07:03")
    stage.restart()
    stage.at("07:04")
    first, second = stage.told("finops")
    assert first == second


def test_a_claim_whose_holder_hangs_is_taken_over_when_its_lease_ends(play: Play) -> None:
    stage = _started(play)
    stage.spend("11", at="07:00:30")
    stage.inbox("finops").down = DOWN
    stage.at("07:01")
    stage.clock.move(stage.ms("07:01:10"))
    claim = stage.store.deliver(
        lambda unit: unit.claim("finops", now_ms=stage.ms("07:01:10"), until_ms=stage.ms("07:01:40"), holder="hangs")
    )
    assert claim is not None
    stage.inbox("finops").down = None
    stage.at("07:01:30")
    assert stage.news("finops") == []
    stage.at("07:01:41")
    assert stage.news("finops") == ["daily opened critical 100%"]


@pytest.mark.parametrize("after_commit", [False, True], ids=["before a commit", "after a commit"])
def test_a_kill_at_any_transaction_loses_no_notice_and_counts_nothing_twice(play: Play, after_commit: bool) -> None:
    """The same story day after day; each day another transaction is the last one of a process, and a next process ends
    the story.

    Only a kill between the receiver's answer and its record may repeat a message, with the same id.
    """
    stage = play(BOTH)
    stage.at("06:00")
    for fatal in count(1):
        stage.day = (date.fromisoformat(STORY_DAY) + timedelta(days=fatal)).isoformat()
        stage.runner.fatal, stage.runner.after_commit = stage.runner.done + fatal, after_commit
        stage.repeats_allowed = fatal
        died = _two_crossings(stage)
        for name in ("finops", "content"):
            fresh = stage.inbox(name).fresh()
            told = {message.id: message.notices[0].reason.value for message in fresh}
            assert list(told.values()) == ["opened", "escalated"]
            assert len(fresh) <= 2 + (died and after_commit is False)
        if not died:
            break
    assert fatal > 20


def _two_crossings(stage: Stage) -> bool:
    """A day on which a budget is passed in two steps; whether the process was killed on it."""
    stage.spend("9", at="07:00:30")
    stage.spend("2", at="07:01:30")
    died = False
    for time in ("07:01", "07:02"):
        if stage.dies(lambda: stage.at(time)):  # noqa: B023 - called at once
            died = True
            stage.restart()
            stage.round()
    return died


def test_many_restarts_send_nothing_twice(play: Play) -> None:
    stage = _started(play)
    stage.spend("11", at="07:00:30")
    for minute in range(1, 8):
        stage.at(f"07:{minute:02}")
        stage.restart()
    stage.at("07:09")
    assert stage.news("finops") == ["daily opened critical 100%"]

"""Alerts at PagerDuty: one for each incident, closed when it is over, and nobody called twice for the same."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from fusewatch.domain.notices import Kind, Message, MessageKind, Reason, State, Timing
from fusewatch.domain.rules import Severity
from fusewatch.errors import Permanent, Retryable
from fusewatch.notify import pagerduty
from fusewatch.notify.identity import incident_key
from fusewatch.notify.kinds import PagerdutyKind
from fusewatch.notify.pagerduty import Pagerduty
from fusewatch.notify.pagerduty_payload import OWN_ALERTS, events, shared_key
from fusewatch.ports import Receipt
from tests.notify import samples
from tests.notify.pagerservice import KEY, PagerService, mistakes
from tests.notify.samples import BERLIN, BUDGET, MESSAGES, MINUTE, NOW, REACHED, RESOLVED, WARNED, feature, message
from tests.notify.support import FrozenClock, run

CLOCK = FrozenClock(NOW)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


def talk(service: PagerService, work: Callable[[Pagerduty], Awaitable[None]]) -> None:
    async def with_notifier(url: str) -> None:
        notifier = Pagerduty(PagerdutyKind(KEY, url), CLOCK, timezone=BERLIN)
        try:
            await work(notifier)
        finally:
            await notifier.close()

    run(service.during(with_notifier))


def tell(service: PagerService, *messages: Message) -> list[Receipt]:
    receipts: list[Receipt] = []

    async def work(notifier: Pagerduty) -> None:
        receipts.extend([await notifier.send(one) for one in messages])

    talk(service, work)
    return receipts


def failure(service: PagerService, one: Message) -> Permanent | Retryable:
    caught: list[Permanent | Retryable] = []

    async def work(notifier: Pagerduty) -> None:
        with pytest.raises((Permanent, Retryable)) as error:
            await notifier.send(one)
        assert isinstance(error.value, Permanent | Retryable)
        caught.append(error.value)

    talk(service, work)
    return caught[0]


def decoded(one: Message) -> list[dict[str, Any]]:
    return [json.loads(event.body(KEY)) for event in events(one, BERLIN)]


# ---------------------------------------------------------------- what becomes an event


@pytest.mark.parametrize("name", MESSAGES)
def test_every_event_is_what_the_api_takes(name: str) -> None:
    for event in decoded(MESSAGES[name]):
        assert mistakes(event) == []


def test_every_kind_of_message_is_sent_without_a_failure() -> None:
    service = PagerService()
    sent = [replace(one, id=name) for name, one in MESSAGES.items()]
    receipts = tell(service, *sent)
    expected = [{(event.action, event.key) for event in events(one, BERLIN)} for one in sent]
    assert {(event["event_action"], event["dedup_key"]) for event in service.events} == set().union(*expected)
    assert [bool(receipt.reference) for receipt in receipts] == [bool(one) for one in expected]


def test_an_incident_is_one_alert_from_its_warning_over_its_escalation_to_its_end() -> None:
    service = PagerService()
    tell(service, message(WARNED), message(REACHED), message(samples.STILL))
    assert service.open == [BUDGET.id]
    assert service.pages == 1
    (alert,) = service.alerts[BUDGET.id]
    assert [event["payload"]["severity"] for event in alert.triggers] == ["warning", "critical", "critical"]
    tell(service, message(RESOLVED))
    assert service.open == []


def test_the_first_line_is_the_summary_and_the_facts_stand_in_the_details() -> None:
    (event,) = decoded(MESSAGES["budget_keyed"])
    payload = event["payload"]
    assert payload["summary"] == "summarization (each-feature) reached 100 % of its daily budget: $75.20 of $75.00"
    assert (payload["component"], payload["group"], payload["class"]) == (
        "feature=summarization",
        "each-feature",
        "budget",
    )
    assert payload["custom_details"]["notice"]["measured"] == "75.2"
    assert "resets in 7 h 18 min" in payload["custom_details"]["explanation"]
    assert event["client_url"] == samples.LINK
    assert payload["timestamp"] == "2026-11-24T15:42:00.000Z"


def test_the_page_and_the_runbook_are_links() -> None:
    (event,) = decoded(MESSAGES["budget_reached"])
    assert [link["href"] for link in event["links"]] == [samples.LINK, REACHED.runbook]


@pytest.mark.parametrize("reason", [Reason.RESOLVED, Reason.ROLLED_OVER, Reason.WITHDRAWN])
def test_whatever_ends_an_incident_resolves_its_alert(reason: Reason) -> None:
    service = PagerService()
    ended = replace(REACHED, reason=reason, at_ms=NOW + MINUTE)
    kind = MessageKind.NOTICES if reason is Reason.RESOLVED else MessageKind.UPDATE
    tell(service, message(REACHED), message(ended, kind=kind))
    assert service.open == []


def test_a_project_that_cannot_be_read_is_an_alert_until_it_can() -> None:
    service = PagerService()
    outage = replace(MESSAGES["unreadable"], gap=replace(samples.OUTAGE, since_ms=samples.RECOVERY.since_ms))
    tell(service, outage)
    (key,) = service.open
    assert service.alerts[key][0].triggers[0]["payload"]["source"] == "shop"
    tell(service, MESSAGES["readable_several"])
    assert service.open == []
    assert service.pages == 1, "what was crossed in the gap comes in messages of its own"


def test_a_repeat_about_an_unreadable_project_joins_the_alert_of_its_first_message() -> None:
    """The first message knows the gap, the repeat the incident; both must lead to one alert."""
    service = PagerService()
    incident = replace(
        BUDGET,
        kind=Kind.UNREADABLE,
        rule="unreadable",
        key=("https://langfuse.example.com|p1",),
        labels=(("project", "shop"),),
        period=f"since:{samples.OUTAGE.since_ms}",
        period_start_ms=samples.OUTAGE.since_ms,
        crossings=(),
    )
    tell(service, MESSAGES["unreadable"], message(replace(REACHED, incident=incident, reason=Reason.REPEATED)))
    assert service.pages == 1
    gone = replace(REACHED, incident=replace(incident, state=State.WITHDRAWN), reason=Reason.WITHDRAWN)
    tell(service, message(gone, kind=MessageKind.UPDATE))
    assert service.open == []


@pytest.mark.parametrize("name", ["digest_day", "digest_month", "start_quiet"])
def test_a_report_calls_nobody(name: str) -> None:
    service = PagerService()
    tell(service, MESSAGES[name])
    assert service.events == []


def test_after_quiet_hours_what_ended_with_its_period_calls_nobody() -> None:
    ended = samples.ENDED.incident
    (only,) = [event for event in events(MESSAGES["summary_of_the_night"], BERLIN) if event.action == "trigger"]
    assert only.payload is not None
    assert ended.rule not in only.payload.summary


def test_what_was_learned_late_still_calls_since_nobody_knows_of_it() -> None:
    late = replace(REACHED, incident=replace(samples.LATE.incident, state=State.ROLLED_OVER, timing=Timing.LATE))
    (event,) = events(message(late), BERLIN)
    assert event.action == "trigger"


def test_a_test_message_opens_an_alert_of_the_least_severity_that_says_so() -> None:
    service = PagerService()
    tell(service, MESSAGES["sample_escalated"])
    ((alert,),) = service.alerts.values()
    payload = alert.triggers[0]["payload"]
    assert payload["severity"] == "info"
    assert payload["summary"].startswith("Test message, nothing happened: content-team reached 100 %")
    assert payload["summary"].endswith("$50.31 of $50.00. Resolve it by hand.")


# ---------------------------------------------------------------- many at once


def test_500_keys_at_once_are_a_handful_of_alerts_the_worst_by_name() -> None:
    service = PagerService()
    many = [feature(number, f"{600 - number}.25") for number in range(500)]
    tell(service, message(*many))
    assert service.pages == OWN_ALERTS + 1
    assert list(service.alerts)[:OWN_ALERTS] == [notice.incident.id for notice in many[:OWN_ALERTS]]
    shared = service.alerts[shared_key(many[0].incident)][0].triggers[0]["payload"]
    assert shared["summary"].startswith("Besides 5 with alerts of their own: 495 features over their daily budget")
    assert shared["severity"] == "critical"
    assert shared["custom_details"]["incident_count"] == 495
    assert len(shared["custom_details"]["incidents"]) == 100


def test_an_incident_that_shares_an_alert_gets_its_own_when_it_gets_worse() -> None:
    service = PagerService()
    many = [feature(number, f"{100 - number}.25") for number in range(20)]
    tell(service, message(*many))
    worse = replace(many[12], reason=Reason.ESCALATED)
    tell(service, message(worse))
    assert worse.incident.id in service.open


def test_the_shared_alert_ends_with_the_period_of_its_incidents() -> None:
    service = PagerService()
    many = [feature(number, f"{100 - number}.25") for number in range(20)]
    over = [replace(notice, reason=Reason.ROLLED_OVER, at_ms=NOW + MINUTE) for notice in many]
    tell(service, message(*many), message(*over, kind=MessageKind.UPDATE))
    assert service.open == []


def test_one_more_than_a_handful_has_its_own_alert_instead_of_sharing_one_with_nobody() -> None:
    service = PagerService()
    tell(service, message(*[feature(number, f"{100 - number}.25") for number in range(OWN_ALERTS + 1)]))
    assert sorted(service.open) == sorted(feature(n, "1").incident.id for n in range(OWN_ALERTS + 1))


def test_an_event_stays_below_the_size_that_is_taken_whatever_it_holds() -> None:
    wide = replace(
        BUDGET,
        rule="ж" * 400,
        labels=tuple((f"dimension{n}", "\U0001f4b8" * 200) for n in range(40)),
        parts=tuple(("\U0001f4b8" * 300, n) for n in range(400)),
        detail="\\" * 100_000,
    )
    many = [replace(REACHED, incident=replace(wide, id=f"i{n}"), runbook="x" * 10_000) for n in range(300)]
    assert all(len(event.body(KEY)) <= 512_000 for event in events(message(*many), BERLIN))
    assert all(mistakes(event) == [] for event in decoded(message(*many)))


# ---------------------------------------------------------------- failures


def test_a_message_that_was_sent_in_part_goes_on_where_it_stopped_and_calls_nobody_twice() -> None:
    service = PagerService(scripted=[None, None, (500, "")])
    three = message(*[feature(number, "90") for number in range(3)])

    async def work(notifier: Pagerduty) -> None:
        with pytest.raises(Retryable) as caught:
            await notifier.send(three)
        assert caught.value.reason == "server_error"
        await notifier.send(three)

    talk(service, work)
    assert [event["dedup_key"] for event in service.events] == [notice.incident.id for notice in three.notices]


def test_after_a_restart_in_between_the_same_alerts_take_the_repeated_events() -> None:
    service = PagerService(scripted=[None, None, (500, "")])
    three = message(*[feature(number, "90") for number in range(3)])
    failure(service, three)
    tell(service, three)  # by another notifier, which knows nothing of the first attempt
    assert len(service.events) == 5
    assert service.pages == 3


def test_an_event_whose_answer_was_lost_calls_nobody_twice() -> None:
    service = PagerService(scripted=["drop"])
    lost = failure(service, message(REACHED))
    assert isinstance(lost, Retryable)
    tell(service, message(REACHED))
    assert service.pages == 1


def test_too_many_events_wait_as_long_as_the_service_says_else_half_a_minute() -> None:
    for header, seconds in (("", 30.0), ("Retry-After: 120\r\n", 120.0)):
        error = failure(PagerService(scripted=[(429, header)]), message(REACHED))
        assert isinstance(error, Retryable)
        assert (error.reason, error.retry_after_s) == ("rate_limited", seconds)


def test_a_refused_event_is_dead_with_the_words_of_the_service_and_without_the_key() -> None:
    async def with_wrong_key(url: str) -> None:
        notifier = Pagerduty(PagerdutyKind("a" * 32, url), CLOCK, timezone=BERLIN)
        with pytest.raises(Permanent, match="Length of 'routing_key' is incorrect") as caught:
            await notifier.send(message(REACHED))
        assert caught.value.reason == "rejected"
        assert "a" * 32 not in str(caught.value)
        await notifier.close()

    run(PagerService().during(with_wrong_key))


def test_one_refused_event_keeps_back_no_other() -> None:
    service = PagerService(scripted=[(400, "")])
    three = message(*[feature(number, "90") for number in range(3)])
    error = failure(service, three)
    assert isinstance(error, Permanent)
    assert service.open == [notice.incident.id for notice in three.notices[1:]]


def test_a_success_that_is_not_pagerdutys_is_no_success() -> None:
    error = failure(PagerService(scripted=[(200, "")]), message(REACHED))
    assert isinstance(error, Retryable)
    assert error.reason == "unexpected_answer"


def test_a_trigger_that_comes_after_the_end_of_its_incident_opens_nothing() -> None:
    """It was delayed by failures while the resolution went through: an alert that nothing closes would stay."""
    service = PagerService(scripted=[(500, "")])
    ended = replace(REACHED, reason=Reason.ROLLED_OVER, at_ms=NOW + MINUTE)

    async def work(notifier: Pagerduty) -> None:
        with pytest.raises(Retryable):
            await notifier.send(message(REACHED))
        await notifier.send(replace(message(ended, kind=MessageKind.UPDATE), id="update"))
        await notifier.send(message(REACHED))
        assert service.open == []
        again = replace(REACHED, reason=Reason.ESCALATED, at_ms=NOW + 2 * MINUTE)
        await notifier.send(replace(message(again), id="again"))

    talk(service, work)
    assert service.open == [BUDGET.id]


def test_many_events_on_a_slow_line_are_sent_in_several_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagerduty, "TOGETHER_S", 0.0)
    error = failure(PagerService(), message(REACHED, samples.SPIKE))
    assert isinstance(error, Retryable)
    assert error.reason == "timeout"
    assert "0 of 2 events" in str(error)


@pytest.mark.parametrize(
    ("key", "url", "says"),
    [
        ("short", "https://events.pagerduty.com", "has 32 letters and digits"),
        ("x" * 31 + " ", "https://events.pagerduty.com", "has 32 letters and digits"),
        (KEY, "http://events.example.com", "in the clear"),
        (KEY, "events.example.com", "starts with https://"),
    ],
)
def test_an_impossible_setting_is_refused_without_the_key(key: str, url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        PagerdutyKind(key, url)
    assert key not in str(caught.value)


def test_incidents_with_one_rule_in_two_periods_do_not_share_an_alert() -> None:
    other = replace(BUDGET, period="day:2026-11-25")
    assert shared_key(BUDGET) != shared_key(other)
    assert incident_key(BUDGET) == BUDGET.id
    assert {event.payload.severity for event in events(message(WARNED), BERLIN) if event.payload} == {
        Severity.WARNING.word
    }

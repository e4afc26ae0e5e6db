"""What is sent: one message for each destination and pass, under ids that say what they stand for."""

from dataclasses import replace
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.notices import (
    Gap,
    Incident,
    Kind,
    Message,
    MessageKind,
    Notice,
    Reason,
    StartSummary,
    State,
    Timing,
)
from fusewatch.domain.routing import (
    delivery_id,
    gap_change,
    gap_messages,
    messages,
    order,
    told,
)
from fusewatch.domain.rules import RuleSet, Unit
from tests.domain.lifecycle import MORNING_MS, pico
from tests.domain.notice_samples import CRITICAL, INFO, NOTICE, POLICIES, WARNING, about, change_to
from tests.domain.zones import DAY_MS

# ---------------------------------------------------------------- identity

SAME = [
    pytest.param(replace(NOTICE, at_ms=MORNING_MS + DAY_MS, as_of_ms=1), id="when it was decided"),
    pytest.param(about(opened_ms=1, changed_ms=2), id="when it was opened"),
    pytest.param(about(measured=pico(60)), id="what was measured by then"),
    pytest.param(about(labels=(("feature", "Search"),)), id="how its labels are spelled"),
    pytest.param(about(timing=Timing.LATE), id="how late it was learned"),
    pytest.param(replace(NOTICE, severity=WARNING), id="its severity"),
    pytest.param(replace(NOTICE, runbook="x", labels=(("a", "b"),)), id="its route"),
    pytest.param(about(period_start_ms=0, period_end_ms=1), id="the instants of its period"),
]


@pytest.mark.parametrize("other", SAME)
def test_the_id_of_a_delivery_does_not_depend_on(other: Notice) -> None:
    assert delivery_id(other, "finops") == delivery_id(NOTICE, "finops")


DIFFERENT = [
    about(rule="other"),
    about(key=("chat",)),
    about(key=("search", "")),
    about(period="day:2026-11-23"),
    about(episode=2),
    about(limit=pico(51)),
    about(unit=Unit.TOKENS),
    replace(NOTICE, threshold=Fraction(2)),
    replace(NOTICE, reason=Reason.ESCALATED),
    replace(NOTICE, reason=Reason.RESOLVED),
]


def test_the_id_of_a_delivery_differs_whenever_the_notice_or_the_destination_does() -> None:
    ids = [delivery_id(notice, name) for notice in (NOTICE, *DIFFERENT) for name in ("finops", "pager")]
    assert len(set(ids)) == len(ids)


def test_the_moving_line_of_a_spike_is_no_part_of_its_identity() -> None:
    fired = about(kind=Kind.SPIKE, baseline=pico(10), limit=pico(20))
    corrected = about(kind=Kind.SPIKE, baseline=pico(11), limit=pico(22))
    assert delivery_id(fired, "finops") == delivery_id(corrected, "finops")


@given(
    parts=st.tuples(st.text(min_size=1), st.text(), st.integers(1, 9), st.fractions(0, 16), st.integers(0, 10**15)).map(
        lambda p: (p[0], (p[1],), p[2], p[3], p[4])
    ),
    others=st.tuples(
        st.text(min_size=1), st.text(), st.integers(1, 9), st.fractions(0, 16), st.integers(0, 10**15)
    ).map(lambda p: (p[0], (p[1],), p[2], p[3], p[4])),
)
def test_two_notices_have_one_id_only_if_they_are_one_notice(
    parts: tuple[str, tuple[str, ...], int, Fraction, int], others: tuple[str, tuple[str, ...], int, Fraction, int]
) -> None:
    def notice(rule: str, key: tuple[str, ...], episode: int, share: Fraction, limit: int) -> Notice:
        return replace(about(rule=rule, key=key, episode=episode, limit=limit), threshold=share)

    same = delivery_id(notice(*parts), "finops") == delivery_id(notice(*others), "finops")
    assert same is (parts == others)


# ---------------------------------------------------------------- order

MILD = replace(NOTICE, severity=WARNING)
BROAD = about(rule="all", key=(), labels=())
TWICE = about(measured=pico(100))
NOTHING = about(limit=0, measured=1, rule="none")


def test_most_severe_first_then_most_specific_then_the_largest_share() -> None:
    expected = [NOTHING, TWICE, NOTICE, BROAD, MILD]
    for shuffled in permutations(expected):
        assert sorted(shuffled, key=order) == expected


def test_the_order_is_total_so_that_a_message_has_one_id() -> None:
    yesterday = about(period="day:2026-11-21")
    escalated = replace(NOTICE, reason=Reason.ESCALATED)
    assert len({order(n) for n in (NOTICE, yesterday, escalated)}) == 3


# ---------------------------------------------------------------- messages

START = StartSummary(("shop",), DAY_MS, 10, pico(1))
AT_START = about(timing=Timing.AT_START)


def test_notices_of_one_pass_to_one_destination_are_one_message() -> None:
    changes = [change_to("finops", notice=BROAD), change_to("finops", "pager", notice=TWICE), change_to("finops")]
    sent = {m.destination: m for m in messages(changes, POLICIES, now_ms=MORNING_MS, link="http://x/", start=None)}
    assert {name: message.notices for name, message in sent.items()} == {
        "finops": (TWICE, NOTICE, BROAD),
        "pager": (TWICE,),
    }
    finops = sent["finops"]
    assert (finops.kind, finops.severity, finops.created_ms, finops.link, finops.start) == (
        MessageKind.NOTICES,
        CRITICAL,
        MORNING_MS,
        "http://x/",
        None,
    )


def test_a_message_is_as_severe_as_its_worst_notice() -> None:
    changes = [change_to("content", notice=replace(NOTICE, severity=s)) for s in (INFO, WARNING)]
    (message,) = messages(changes, POLICIES, now_ms=0, link="", start=None)
    assert message.severity is WARNING


def test_what_nobody_is_told_makes_no_message() -> None:
    assert messages([], POLICIES, now_ms=0, link="", start=START) == []
    assert messages([change_to()], POLICIES, now_ms=0, link="", start=None) == []
    assert messages([change_to("pager", notice=MILD)], POLICIES, now_ms=0, link="", start=None) == []


def test_the_id_of_a_message_depends_on_its_notices_and_its_destination_and_not_on_time_or_order() -> None:
    changes = [change_to("finops", "pager"), change_to("finops", "pager", notice=BROAD)]
    first = messages(changes, POLICIES, now_ms=1, link="", start=None)
    again = messages(changes[::-1], POLICIES, now_ms=2, link="x", start=None)
    assert sorted(m.id for m in first) == sorted(m.id for m in again)
    assert len({m.id for m in first}) == 2
    fewer = messages(changes[:1], POLICIES, now_ms=1, link="", start=None)
    assert not {m.id for m in first} & {m.id for m in fewer}


def test_what_was_over_when_watching_began_is_one_message_with_a_summary() -> None:
    changes = [change_to("finops", notice=AT_START), change_to("finops", notice=BROAD)]
    sent = messages(changes, POLICIES, now_ms=0, link="", start=START)
    assert [(m.kind, m.notices, m.start) for m in sent] == [
        (MessageKind.START, (AT_START,), START),
        (MessageKind.NOTICES, (BROAD,), None),
    ]
    assert sent[0].id != sent[1].id


@pytest.mark.parametrize("reason", [Reason.ESCALATED, Reason.RESOLVED])
def test_later_news_about_what_was_over_at_the_start_are_plain_notices(reason: Reason) -> None:
    later = replace(about(AT_START, told=("finops",)), reason=reason)
    (message,) = messages([change_to("finops", notice=later)], POLICIES, now_ms=0, link="", start=START)
    assert (message.kind, message.start) == (MessageKind.NOTICES, None)


def test_without_a_summary_the_state_at_the_start_is_told_as_notices() -> None:
    (message,) = messages([change_to("finops", notice=AT_START)], POLICIES, now_ms=0, link="", start=None)
    assert message.kind is MessageKind.NOTICES


# ---------------------------------------------------------------- unreadable projects

DARK = about(kind=Kind.UNREADABLE, rule="unreadable", key=("p1",), period="since:5", limit=0, measured=0).incident
GAP = Gap("shop", 5, None, "503")
Told = tuple[Incident, list[Message]]


def _gap(incident: Incident, reason: Reason, *crossed: Notice, notify: tuple[str, ...], now_ms: int) -> Told:
    rules = RuleSet(notify=notify, destinations=POLICIES)
    change = gap_change(incident, reason, rules, now_ms)
    names = told(change, POLICIES)
    incident = replace(incident, told=tuple(dict.fromkeys((*incident.told, *names))))
    return incident, gap_messages(replace(change, to=names), GAP, crossed, now_ms=now_ms, link="")


def test_the_default_destinations_are_told_once_that_a_project_is_unreadable() -> None:
    incident, sent = _gap(DARK, Reason.OPENED, notify=("finops", "pager", "finops", "gone"), now_ms=9)
    assert incident.told == ("finops", "pager")
    assert [(m.destination, m.kind, m.severity, m.gap) for m in sent] == [
        ("finops", MessageKind.UNREADABLE, CRITICAL, GAP),
        ("pager", MessageKind.UNREADABLE, CRITICAL, GAP),
    ]


def test_the_recovery_goes_where_the_failure_went_under_ids_of_its_own() -> None:
    incident, failed = _gap(DARK, Reason.OPENED, notify=("finops", "pager"), now_ms=9)
    after, sent = _gap(replace(incident, state=State.RESOLVED), Reason.RESOLVED, notify=("content",), now_ms=99)
    assert [(m.destination, m.kind) for m in sent] == [
        ("finops", MessageKind.READABLE),
        ("pager", MessageKind.READABLE),
    ]
    assert after.told == incident.told
    assert not {m.id for m in failed} & {m.id for m in sent}


def test_the_recovery_lists_what_was_crossed_in_the_gap_in_the_order_of_all_messages() -> None:
    told_before = replace(DARK, told=("finops",), state=State.RESOLVED)
    _, (message,) = _gap(told_before, Reason.RESOLVED, BROAD, MILD, TWICE, notify=(), now_ms=99)
    assert message.notices == (TWICE, BROAD, MILD)


def test_a_gap_told_again_after_a_crash_has_the_same_ids() -> None:
    _, first = _gap(DARK, Reason.OPENED, notify=("finops", "pager"), now_ms=9)
    _, again = _gap(DARK, Reason.OPENED, notify=("finops", "pager"), now_ms=77)
    assert [m.id for m in first] == [m.id for m in again]

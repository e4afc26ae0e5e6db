"""Slack messages stay inside Slack's limits and mention nobody, whatever the names and however many."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.domain.notices import (
    Gap,
    Hold,
    Message,
    MessageKind,
    Mover,
    Near,
    NoticeLink,
    Reason,
    StartSummary,
    Timing,
    Why,
)
from fusewatch.domain.rules import Unit
from fusewatch.notify.groups import SHOWN
from fusewatch.notify.present import present_sheet
from fusewatch.notify.sheet import Tone
from fusewatch.notify.slack_payload import COLOURS, bot_body, controls_of, edit_body, reply_body, webhook_body
from tests.notify.samples import (
    BERLIN,
    IN_THE_GAP,
    LATE,
    MESSAGES,
    NOW,
    OUTAGE,
    REACHED,
    SPIKE,
    SUMMARY,
    YESTERDAY,
    feature,
    message,
)
from tests.notify.support import strings
from tests.notify.test_text import HOSTILE, mention

Json = dict[str, object]


def blocks_of(payload: Json) -> list[Json]:
    attachments = payload["attachments"]
    assert isinstance(attachments, list)
    top = payload["blocks"]
    assert isinstance(top, list)
    return [*top, *(block for attachment in attachments for block in attachment["blocks"])]


def text_objects(value: object) -> list[Json]:
    found: list[Json] = []
    if isinstance(value, dict):
        if value.get("type") in ("plain_text", "mrkdwn"):
            found.append(value)
        for inner in value.values():
            found += text_objects(inner)
    elif isinstance(value, list):
        for inner in value:
            found += text_objects(inner)
    return found


def assert_inside_the_limits(body: bytes) -> Json:
    """The limits of the Block Kit reference, and the size at which Slack answers msg_blocks_too_long."""
    payload: Json = json.loads(body)
    assert len(body.decode()) < 12_000
    blocks = blocks_of(payload)
    assert 1 <= len(blocks) <= 50
    for item in text_objects(blocks):
        text = item["text"]
        assert isinstance(text, str)
        assert 1 <= len(text) <= 3000
        if item["type"] == "mrkdwn":
            assert item["verbatim"] is True
    for block in blocks:
        match block["type"]:
            case "header":
                (title,) = text_objects(block)
                assert title["type"] == "plain_text"
                assert len(str(title["text"])) <= 150
            case "actions":
                elements = block["elements"]
                assert isinstance(elements, list)
                assert 1 <= len(elements) <= 25
                assert len({element["action_id"] for element in elements}) == len(elements)
                for element in elements:
                    assert_an_element(element)
            case "context":
                elements = block["elements"]
                assert isinstance(elements, list)
                assert 1 <= len(elements) <= 10
            case kind:
                assert kind == "section"
    assert isinstance(payload["text"], str)
    assert 1 <= len(payload["text"]) <= 3000
    return payload


def assert_an_element(element: Json) -> None:
    """A link, a button with a value, or a menu."""
    if element["type"] == "static_select":
        options = element["options"]
        assert isinstance(options, list)
        assert 1 <= len(options) <= 100
        for option in options:
            assert len(option["text"]["text"]) <= 75
            assert len(option["value"]) <= 75
        return
    label = element["text"]
    assert isinstance(label, dict)
    assert len(label["text"]) <= 75
    assert len(str(element.get("url", ""))) <= 3000
    assert len(str(element.get("value", ""))) <= 2000


def assert_mentions_nobody(payload: Json) -> None:
    """Our own times are the only control sequences, and only in mrkdwn."""
    for item in text_objects(payload):
        text = str(item["text"])
        if item["type"] == "mrkdwn":
            text = re.sub(r"<!date\^\d+\^[{}a-z_, ]+\|[^<>|]+>", "", text)
            assert not set(text) & set("<>*~`"), text
            assert "&" not in re.sub(r"&(?:amp|lt|gt);", "", text)
        assert not mention.search(text), text
    fallback = str(payload["text"])
    assert not set(fallback) & set("<>"), fallback
    for text in strings(payload):
        if "<!date^" not in text:
            assert not mention.search(text), text


def hostile_message(names: list[str], kind: MessageKind = MessageKind.NOTICES) -> Message:
    """Names in every place that can hold one: keys, rule, labels, runbook, project, reason."""
    notices = tuple(
        replace(
            feature(n, "170.25", name=name),
            labels=((name, name),) * 9,
            runbook=name,
            links=(NoticeLink(name, "https://lf.example/x", name), NoticeLink(name, name, name)),
            at_least=True,
            incident=replace(
                feature(n, "170.25", name=name).incident,
                rule=names[-1 - n] or "rule",
                labels=(("feature", name), ("team", names[-1 - n]), ("user", name)),
                detail=name,
                timing=Timing.LATE,
                crossings=LATE.incident.crossings * 4,
            ),
        )
        for n, name in enumerate(names)
    )
    projects = tuple(names)
    near = tuple((name, f"feature={name}", 91) for name in names)
    return replace(
        message(*notices, kind=kind, destination=names[0]),
        start=StartSummary(projects, SUMMARY.history_ms, 5, 5),
        gap=Gap(names[0], OUTAGE.since_ms, None, names[0], near=near),
        digest=replace(
            YESTERDAY,
            up=tuple(Mover(name, name, 10**13, 1) for name in names[:3]),
            down=tuple(Mover(name, name, 1, 10**13) for name in names[:3]),
            near=tuple(
                Near(name, (("feature", name),) * 9, "month", Unit.USD, 10**13, 10**13, 3, 30) for name in names[:8]
            ),
            near_count=len(names),
            unpriced=tuple((name, 5) for name in names[:3]),
            unattributed=((names[0], 5),),
        ),
        hold=Hold(Why.SILENCE, OUTAGE.since_ms, OUTAGE.since_ms + 1, names[0]),
    )


@pytest.mark.parametrize("name", MESSAGES)
def test_every_kind_of_message_is_inside_the_limits_and_has_a_fallback_text(name: str) -> None:
    payload = assert_inside_the_limits(webhook_body(MESSAGES[name], BERLIN))
    assert_mentions_nobody(payload)
    assert_mentions_nobody(assert_inside_the_limits(bot_body(MESSAGES[name], BERLIN, "#llm-spend")))


def test_two_hundred_keys_over_their_budget_are_one_message_that_shows_the_worst_and_counts_the_rest() -> None:
    notices = [feature(n, f"{400 - n}.25") for n in range(200)]
    payload = assert_inside_the_limits(webhook_body(message(*notices), BERLIN))
    shown = "\n".join(strings(payload["attachments"]))
    assert shown.count("feature-") == SHOWN
    assert "8 worst shown, 192 more" in shown
    assert "200 features over their daily budget" in str(payload["text"])


@pytest.mark.parametrize("kind", list(MessageKind))
@pytest.mark.parametrize("count", [1, 2, 3, 4, 200])
def test_hostile_names_in_every_place_stay_inside_the_limits_and_mention_nobody(kind: MessageKind, count: int) -> None:
    names = [HOSTILE[n % len(HOSTILE)] for n in range(count)]
    for shifted in (names, [HOSTILE[(n + 5) % len(HOSTILE)] for n in range(count)]):
        payload = assert_inside_the_limits(webhook_body(hostile_message(shifted, kind), BERLIN))
        assert_mentions_nobody(payload)


@pytest.mark.parametrize("kind", list(MessageKind))
@pytest.mark.parametrize("count", [1, 3, 200])
def test_what_a_bot_posts_changes_and_replies_is_inside_the_limits_and_mentions_nobody(
    kind: MessageKind, count: int
) -> None:
    told = hostile_message([HOSTILE[n % len(HOSTILE)] for n in range(count)], kind)
    acked = tuple(
        replace(n, incident=replace(n.incident, acked_ms=NOW, acked_by=HOSTILE[0]), silent_ms=NOW, silent_by=HOSTILE[1])
        for n in told.notices
    )
    for notices in (told.notices, acked):
        controls = controls_of(told.id, notices, "secret")
        content = present_sheet(told, notices)
        place = {"channel": "C0123456789", "id_": told.id}
        for body in (
            bot_body(replace(told, notices=notices), BERLIN, "#c", controls),
            edit_body(content, BERLIN, ts="1.2", controls=controls, **place),
            reply_body(content, BERLIN, thread_ts="1.2", broadcast=True, **place),
        ):
            payload: Json = {"attachments": [], **json.loads(body)}
            assert_inside_the_limits(json.dumps(payload, ensure_ascii=False).encode())
            assert_mentions_nobody(payload)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", list(MessageKind))
def test_a_single_hostile_name_stays_inside_the_limits_and_mentions_nobody(name: str, kind: MessageKind) -> None:
    assert_mentions_nobody(assert_inside_the_limits(webhook_body(hostile_message([name], kind), BERLIN)))
    assert_mentions_nobody(assert_inside_the_limits(webhook_body(hostile_message([name] * 3, kind), BERLIN)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=400), min_size=1, max_size=12), st.sampled_from(list(MessageKind)))
def test_whatever_the_names_the_message_stays_inside_the_limits_and_mentions_nobody(
    names: list[str], kind: MessageKind
) -> None:
    assert_mentions_nobody(assert_inside_the_limits(webhook_body(hostile_message(names, kind), BERLIN)))


def test_a_name_full_of_ampersands_is_escaped_without_breaking_an_entity_where_the_text_is_cut() -> None:
    names = ["&" * 300, "<" * 300, "a&b" * 100]
    payload = assert_inside_the_limits(webhook_body(hostile_message(names), BERLIN))
    assert "&" not in re.sub(r"&(?:amp|lt|gt);", "", str(payload["text"]))


def test_the_bar_has_the_colour_of_the_severity() -> None:
    def colour(name: str) -> object:
        (attachment,) = json.loads(webhook_body(MESSAGES[name], BERLIN))["attachments"]
        return attachment["color"]

    assert colour("budget_reached") == COLOURS[Tone.CRITICAL]
    assert colour("budget_warned") == COLOURS[Tone.WARNING]
    assert colour("budget_resolved") == COLOURS[Tone.GOOD]
    assert colour("start_quiet") == COLOURS[Tone.INFO]
    assert len(set(COLOURS.values())) == 4


def test_times_are_given_as_slack_dates_so_that_everyone_reads_their_own_zone() -> None:
    text = "\n".join(strings(json.loads(webhook_body(MESSAGES["start"], BERLIN))["blocks"]))
    assert "since <!date^1795082700^{date_short_pretty}, {time}|19 Nov, 11:05>" in text
    text = "\n".join(strings(json.loads(webhook_body(MESSAGES["budget_reached"], BERLIN))["attachments"]))
    assert "80 % at <!date^1795526400^{time}|14:20>" in text


def test_the_page_and_the_runbook_are_link_buttons_and_are_left_out_where_there_is_none() -> None:
    def urls(one: Message) -> list[object]:
        blocks = blocks_of(json.loads(webhook_body(one, BERLIN)))
        actions = [block for block in blocks if block["type"] == "actions"]
        found: list[object] = []
        for block in actions:
            assert isinstance(block["elements"], list)
            found += [element["url"] for element in block["elements"]]
        return found

    assert urls(message(REACHED)) == ["https://fusewatch.example.com/", "https://wiki.example.com/llm/content"]
    assert urls(replace(message(SPIKE), link="")) == []
    assert urls(replace(message(SPIKE), link="javascript:alert(1)")) == []


def test_the_fallback_keeps_an_address_as_it_is_but_for_the_three_escapes() -> None:
    runbook = "https://wiki.example.com/~ops/_llm_*?a=1&b=2"
    text = str(json.loads(webhook_body(message(replace(REACHED, runbook=runbook)), BERLIN))["text"])
    assert text.endswith("Runbook: https://wiki.example.com/~ops/_llm_*?a=1&amp;b=2")


def test_the_same_message_gives_the_same_bytes_so_that_a_retry_is_a_repeat() -> None:
    for one in MESSAGES.values():
        assert webhook_body(one, BERLIN) == webhook_body(replace(one), BERLIN)
        assert bot_body(one, BERLIN, "#c") == bot_body(replace(one), BERLIN, "#c")


def test_a_bot_message_carries_its_id_where_a_repeat_can_be_recognised() -> None:
    payload = json.loads(bot_body(MESSAGES["spike"], BERLIN, "#llm-spend"))
    assert payload["channel"] == "#llm-spend"
    assert payload["metadata"]["event_payload"] == {"id": MESSAGES["spike"].id}
    assert payload["link_names"] is False


def test_a_rolled_over_budget_has_no_alarming_colour() -> None:
    body = webhook_body(message(replace(REACHED, reason=Reason.ROLLED_OVER)), BERLIN)
    assert json.loads(body)["attachments"][0]["color"] == COLOURS[Tone.INFO]


def test_a_recovery_reads_the_same_in_the_fallback_as_in_the_blocks() -> None:
    one = replace(message(IN_THE_GAP, kind=MessageKind.READABLE), gap=replace(OUTAGE, until_ms=NOW))
    payload = json.loads(webhook_body(one, BERLIN))
    assert str(payload["text"]).startswith("✓ shop is read again since 16:42 (gap 16 min).")

"""Every kind of message in every shape, word for word; `make update-golden` writes the files anew."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from fusewatch.domain.notices import Kind, MessageKind, Reason
from fusewatch.notify.present import present_sheet
from fusewatch.notify.slack_payload import bot_body, controls_of, edit_body, reply_body
from fusewatch.notify.webhook_payload import payload_schema, webhook_json
from fusewatch.notify.words import sheet
from tests.notify.renderers import RENDERERS, TOO_LONG, readable
from tests.notify.samples import BERLIN, MESSAGES
from tests.notify.support import GOLDEN, check_golden

DOCS = Path(__file__).parents[2] / "docs" / "webhook.md"


@pytest.mark.parametrize("ending", RENDERERS)
@pytest.mark.parametrize("name", MESSAGES)
def test_each_message_reads_at_each_destination_as_in_its_golden_file(name: str, ending: str) -> None:
    if f"{name}.{ending}" not in TOO_LONG:
        check_golden(f"{name}.{ending}", RENDERERS[ending](MESSAGES[name]))


ENDS = (Reason.RESOLVED, Reason.ROLLED_OVER, Reason.ESCALATED)
CHOICES = ("budget_with_hours", "budget_whole")
REPLIES = ("budget_resolved", "budget_with_hours", "group_mixed")


def test_no_golden_file_is_left_over() -> None:
    expected = {f"{name}.{ending}" for name in MESSAGES for ending in RENDERERS} - TOO_LONG
    expected |= {
        *(f"{name}.choices.json" for name in CHOICES),
        *(f"group_of_37.{reason.value}.edit.json" for reason in ENDS),
    }
    expected |= {f"{name}.reply.json" for name in REPLIES}
    assert {path.name for path in GOLDEN.iterdir()} == expected


@pytest.mark.parametrize("name", CHOICES)
def test_a_bot_message_with_choices_as_in_the_golden_file(name: str) -> None:
    told = MESSAGES[name]
    controls = controls_of(told.id, told.notices, "a signing secret")
    check_golden(f"{name}.choices.json", readable(bot_body(told, BERLIN, "#llm-spend", controls)))


@pytest.mark.parametrize("reason", ENDS)
def test_what_becomes_of_a_bot_message_as_in_the_golden_file(reason: Reason) -> None:
    told = MESSAGES["group_of_37"]
    notices = (*told.notices[:2], replace(told.notices[2], reason=reason), *told.notices[3:])
    body = edit_body(
        present_sheet(told, notices),
        BERLIN,
        channel="C0123456789",
        ts="1795535520.000100",
        id_=told.id,
        controls=controls_of(told.id, notices, "a signing secret"),
    )
    check_golden(f"group_of_37.{reason.value}.edit.json", readable(body))


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_in_a_thread_as_in_the_golden_file(name: str) -> None:
    place = ("C0123456789", "1795535520.000100")
    content = sheet(MESSAGES[name])
    body = reply_body(content, BERLIN, channel=place[0], thread_ts=place[1], broadcast=True, id_="3VXKQ9B2T7M4N0PD")
    check_golden(f"{name}.reply.json", readable(body))


def test_messages_of_every_kind_have_golden_files() -> None:
    kinds = {message.kind for message in MESSAGES.values()}
    assert kinds == set(MessageKind)
    notices = [notice for message in MESSAGES.values() for notice in message.notices]
    assert {notice.reason for notice in notices} == set(Reason)
    # An unreadable project is told by messages of its own, not by a notice.
    assert {notice.incident.kind for notice in notices} == set(Kind) - {Kind.UNREADABLE}


# ---------------------------------------------------------------- docs/webhook.md


def test_the_schema_in_the_docs_is_golden() -> None:
    check_golden("../../../docs/webhook.schema.json", json.dumps(payload_schema(), indent=1) + "\n")


def test_the_example_in_the_docs_is_what_is_sent() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert json.loads(example) == json.loads(webhook_json(MESSAGES["budget_keyed"], BERLIN))


def test_the_docs_name_every_field_and_every_type() -> None:
    text = DOCS.read_text(encoding="utf-8")
    schema = payload_schema()
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    fields = {field for one in definitions.values() for field in one.get("properties", {})}
    assert fields
    assert [field for field in sorted(fields) if f"`{field}`" not in text] == []
    assert [kind for kind in MessageKind if f"`fusewatch.{kind}`" not in text] == []

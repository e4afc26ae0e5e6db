"""Every kind of message in every shape, word for word; `make update-golden` writes the files anew."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from fusewatch.domain.notices import MessageKind, Reason
from fusewatch.notify.console import drawn
from fusewatch.notify.present import present_sheet
from fusewatch.notify.sheet import sheet_lines
from fusewatch.notify.slack_payload import bot_body, controls_of, edit_body, reply_body, webhook_body
from fusewatch.notify.webhook_payload import payload_schema, webhook_json
from fusewatch.notify.words import sheet
from tests.notify.samples import BERLIN, MESSAGES
from tests.notify.support import check_golden

DOCS = Path(__file__).parents[2] / "docs" / "webhook.md"


def readable(body: bytes) -> str:
    return json.dumps(json.loads(body), indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", MESSAGES)
def test_plain_lines_as_in_the_golden_file(name: str) -> None:
    lines = sheet_lines(sheet(MESSAGES[name]), zone=BERLIN)
    check_golden(f"{name}.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("name", MESSAGES)
def test_terminal_card_as_in_the_golden_file(name: str) -> None:
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system="standard", width=88, legacy_windows=False, _environ={}
    )
    check_golden(f"{name}.ansi", drawn(sheet(MESSAGES[name]), console, zone=BERLIN))


@pytest.mark.parametrize("name", MESSAGES)
def test_slack_blocks_as_in_the_golden_file(name: str) -> None:
    check_golden(f"{name}.slack.json", readable(webhook_body(MESSAGES[name], BERLIN)))


def test_slack_bot_call_as_in_the_golden_file() -> None:
    check_golden("budget_reached.bot.json", readable(bot_body(MESSAGES["budget_reached"], BERLIN, "#llm-spend")))


def test_a_bot_message_with_choices_as_in_the_golden_file() -> None:
    told = MESSAGES["budget_with_hours"]
    controls = controls_of(told.id, told.notices, "a signing secret")
    check_golden("budget_with_hours.choices.json", readable(bot_body(told, BERLIN, "#llm-spend", controls)))


@pytest.mark.parametrize("reason", [Reason.RESOLVED, Reason.ROLLED_OVER, Reason.ESCALATED])
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


@pytest.mark.parametrize("name", ["budget_resolved", "budget_with_hours", "group_mixed"])
def test_a_reply_in_a_thread_as_in_the_golden_file(name: str) -> None:
    place = ("C0123456789", "1795535520.000100")
    content = sheet(MESSAGES[name])
    body = reply_body(content, BERLIN, channel=place[0], thread_ts=place[1], broadcast=True, id_="3VXKQ9B2T7M4N0PD")
    check_golden(f"{name}.reply.json", readable(body))


@pytest.mark.parametrize("name", [name for name in MESSAGES if name not in ("group_of_37", "group_mixed")])
def test_webhook_body_as_in_the_golden_file(name: str) -> None:
    check_golden(f"{name}.webhook.json", readable(webhook_json(MESSAGES[name], BERLIN)))


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

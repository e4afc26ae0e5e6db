"""Every kind of message as a mail and as events of PagerDuty, word for word."""

import json

import pytest

from fusewatch.notify.mail_payload import html_of
from fusewatch.notify.pagerduty_payload import events
from fusewatch.notify.words import sheet
from tests.notify.pagerservice import KEY
from tests.notify.samples import BERLIN, MESSAGES
from tests.notify.support import check_golden


@pytest.mark.parametrize("name", MESSAGES)
def test_mail_as_in_the_golden_file(name: str) -> None:
    check_golden(f"{name}.mail.html", html_of(sheet(MESSAGES[name]), BERLIN))


@pytest.mark.parametrize("name", MESSAGES)
def test_pagerduty_events_as_in_the_golden_file(name: str) -> None:
    told = [json.loads(event.body(KEY)) for event in events(MESSAGES[name], BERLIN)]
    check_golden(f"{name}.pagerduty.json", json.dumps(told, indent=1, ensure_ascii=False) + "\n")

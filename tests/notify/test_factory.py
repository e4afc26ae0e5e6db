"""From a destination's settings to its notifier, without a secret in sight."""

import base64
import io
import logging
import traceback
from collections.abc import Callable

import httpx
import pytest

from fusewatch.domain.notices import MessageKind
from fusewatch.domain.rules import Severity
from fusewatch.errors import FusewatchError
from fusewatch.notify.console import ConsoleNotifier
from fusewatch.notify.factory import build
from fusewatch.notify.http import Poster
from fusewatch.notify.kinds import (
    AlertmanagerKind,
    AppriseKind,
    ConsoleKind,
    EmailKind,
    Kind,
    PagerdutyKind,
    SlackBotKind,
    SlackWebhookKind,
    WebhookKind,
)
from fusewatch.notify.samples import KINDS as SAMPLES
from fusewatch.notify.samples import samples
from fusewatch.notify.sheet import line_text
from fusewatch.notify.slack import SlackWebhook
from fusewatch.notify.slack_bot import SlackBot
from fusewatch.notify.webhook import Webhook
from fusewatch.notify.words import sheet
from tests.notify.samples import MESSAGES, NOW
from tests.notify.support import FrozenClock, Receiver, run

CANARY = "canary7f3a"
SECRET = "whsec_" + base64.b64encode(CANARY.encode() * 3).decode()
KINDS: list[Kind] = [
    SlackWebhookKind(f"https://hooks.slack.com/services/T0/B0/{CANARY}"),
    SlackBotKind(f"xoxb-{CANARY}", "#llm-spend"),
    WebhookKind(f"https://user:{CANARY}@hooks.example.com/{CANARY}?token={CANARY}", (SECRET, CANARY)),
    AlertmanagerKind(f"https://user:{CANARY}@am.example.com/{CANARY}", CANARY),
    PagerdutyKind(CANARY.ljust(32, "0")),
]
CLOCK = FrozenClock(NOW)


@pytest.mark.parametrize(
    ("kind", "type_", "interval_s"),
    [
        (ConsoleKind(), ConsoleNotifier, 0.0),
        (KINDS[0], SlackWebhook, 1.0),
        (KINDS[1], SlackBot, 1.0),
        (KINDS[2], Webhook, 0.0),
    ],
)
def test_each_kind_gets_its_notifier_and_says_how_long_its_receiver_wants_to_rest(
    kind: Kind, type_: type, interval_s: float
) -> None:
    notifier = build(kind, CLOCK, timezone="Europe/Berlin")
    assert isinstance(notifier, type_)
    assert notifier.min_interval_s == interval_s
    run(notifier.close())


def test_an_unknown_zone_shows_utc_instead_of_losing_the_alert() -> None:
    stream = io.StringIO()
    run(build(ConsoleKind(), CLOCK, timezone="Middle-earth/Shire", stream=stream).send(MESSAGES["budget_reached"]))
    assert "data as of 15:41:48 UTC" in stream.getvalue()


IMPOSSIBLE: list[tuple[Callable[[], Kind], str]] = [
    (lambda: SlackWebhookKind(f"hooks.slack.com/{CANARY}"), "Slack webhook starts with https://"),
    (lambda: SlackWebhookKind(""), "Slack webhook starts with https://"),
    (lambda: SlackBotKind(f"xoxb {CANARY}\n", "#c"), "one word of printable characters"),
    (lambda: SlackBotKind("", "#c"), "one word of printable characters"),
    (lambda: SlackBotKind(CANARY, " "), "channel is missing"),
    (lambda: WebhookKind(f"ftp://{CANARY}"), "webhook starts with https://"),
    (lambda: WebhookKind("https://hooks.example.com", ("",)), "secret is empty"),
    (lambda: WebhookKind("https://hooks.example.com", (f"whsec_{CANARY}!",)), "goes on in base64"),
    (lambda: WebhookKind("https://hooks.example.com", ("whsec_",)), "goes on in base64"),
    (lambda: AlertmanagerKind(f"am:9093/{CANARY}"), "Alertmanager starts with"),
    (lambda: AlertmanagerKind("http://am:9093", f"{CANARY}\n"), "one word of printable characters"),
    (lambda: PagerdutyKind(CANARY), "32 letters and digits"),
    (lambda: EmailKind(("a@example.com",), f"ftp://{CANARY}"), "mail server"),
    (lambda: AppriseKind(CANARY), "starts with a service"),
]


@pytest.mark.parametrize(("make", "says"), IMPOSSIBLE)
def test_an_impossible_setting_is_refused_with_what_would_be_right_and_without_the_value(
    make: Callable[[], Kind], says: str
) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        make()
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_shows_in_the_repr_of_a_kind_or_a_notifier(kind: Kind) -> None:
    notifier = build(kind, CLOCK)
    assert CANARY not in repr(kind) + str(kind) + repr(notifier) + str(notifier)
    assert SECRET not in repr(kind)
    run(notifier.close())


RECEIVERS = [
    Receiver(200, "ok"),
    Receiver(403, f"invalid token {CANARY}"),
    Receiver(404, "no_service"),
    Receiver(200, f'{{"ok": false, "error": "{CANARY} is wrong"}}'),
    Receiver(302, "", {"Location": f"https://elsewhere.example.com/{CANARY}"}),
    Receiver(429, CANARY, {"Retry-After": CANARY}),
    Receiver(500, CANARY),
    Receiver(fails=httpx.ReadTimeout(CANARY)),
    Receiver(fails=httpx.LocalProtocolError(f"Illegal header value b'Bearer {CANARY}'")),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("receiver", RECEIVERS)
def test_no_secret_reaches_a_log_an_error_or_a_traceback_with_its_variables(
    kind: Kind, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    notifier = build(kind, CLOCK, transport=receiver.transport)
    told = ""
    try:
        run(notifier.send(MESSAGES["spike"]))
    except FusewatchError as error:
        ours = traceback.TracebackException.from_exception(error, capture_locals=True)
        # The test's own frame holds the kinds; from the notifier down nothing may.
        told = f"{error}{error!r}" + "".join(ours.format())
    run(notifier.close())
    assert CANARY not in told
    assert SECRET not in told
    assert CANARY not in caplog.text


def test_the_address_of_a_closed_notifier_leaves_no_filter_behind() -> None:
    before = list(logging.getLogger("httpx").filters)
    poster = Poster("https://hooks.example.com/x", CLOCK, headers={})
    assert logging.getLogger("httpx").filters != before
    run(poster.close())
    assert logging.getLogger("httpx").filters == before


def test_there_is_a_sample_of_each_kind_and_none_is_taken_for_news() -> None:
    now, later = samples("finops", NOW), samples("finops", NOW + 1)
    assert tuple(now) == SAMPLES
    assert now == samples("finops", NOW)
    for name, message in now.items():
        assert message.kind is MessageKind.SAMPLE
        assert message.severity is Severity.INFO
        assert message.destination == "finops"
        assert message.id != later[name].id, "no receiver drops it as a repeat"
        shown = sheet(message)
        assert line_text(shown.headline, zone="UTC", now_ms=NOW).startswith("Test message, nothing happened: ")
        assert shown.body[0] == ("Nothing is wrong and nothing was spent: a sample with made-up numbers.",)
    assert len({message.id for message in now.values()}) == len(SAMPLES)


def test_samples_show_every_kind_of_message_that_there_is() -> None:
    shown = {message.sample_of for message in samples("finops", NOW).values()}
    assert shown == set(MessageKind) - {MessageKind.SAMPLE, MessageKind.UPDATE}

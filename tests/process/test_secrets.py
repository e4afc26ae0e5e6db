"""Promise 12 on the real process: no secret reaches a log, an answer, a metric, the page or the database."""

import base64
import subprocess
from collections.abc import Callable

import pytest

from fusewatch.demo.standin import DEMO_PROJECT, DEMO_PUBLIC_KEY, Key, StandinServer, Store
from fusewatch.demo.standin.answers import json_reply, message
from fusewatch.demo.standin.troubles import Trouble
from tests.process.home import Daemon, Home, noon_zone, now_ms, spend, wait_for
from tests.process.receiver import Answer, Post, Receiver

LANGFUSE = "sk-lf-canary-0f1e2d3c"
HOOK_PATH = "/hook/canary-in-the-path"
SLACK_PATH = "/services/T0CANARY/B0CANARY/canaryofslack"
HOOK_SECRET = "whsec_Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5"
CANARIES = {
    "Langfuse's key": LANGFUSE,
    "its encoding": base64.b64encode(f"{DEMO_PUBLIC_KEY}:{LANGFUSE}".encode()).decode(),
    "the webhook's address": "canary-in-the-path",
    "the webhook's query": "canary-in-the-query",
    "the webhook's secret": "Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5",
    "Slack's webhook": "canaryofslack",
    "Slack's token": "xoxb-canary-token",
    "Slack's signing secret": "canary-signing",
    "the reading token": "canary-read-token",
    "the web token": "canary-web-token",
}
BUDGETS = """\
version: 1
timezone: {zone}
budgets:
  - {{name: cap, each: [feature], limit: $10, every: day}}
destinations:
  hook: {{type: webhook, url: "${{HOOK_URL}}", secret: "${{HOOK_SECRET}}"}}
  bot: {{type: slack, channel: "#spend", token: "${{SLACK_BOT_TOKEN}}"}}
  slack: {{type: slack, webhook_url: "${{SLACK_WEBHOOK_URL}}"}}
notify: [hook, bot, slack]
"""


def echo(status: int) -> Callable[[Post], Answer]:
    """An answer that tells everything that was asked, as debugging proxies do."""

    def answer(post: Post) -> Answer:
        return Answer(status, f"{post.path} {dict(post.headers)} {post.body}")

    return answer


def plant(home: Home, receiver: Receiver) -> None:
    home.env |= {
        "LANGFUSE_SECRET_KEY": LANGFUSE,
        "HOOK_URL": f"{receiver.url}{HOOK_PATH}?token=canary-in-the-query",
        "HOOK_SECRET": HOOK_SECRET,
        "SLACK_WEBHOOK_URL": receiver.url + SLACK_PATH,
        "SLACK_BOT_TOKEN": "xoxb-canary-token",
        "SLACK_SIGNING_SECRET": "canary-signing",
        "FUSEWATCH_READ_TOKEN": "canary-read-token",
        "FUSEWATCH_WEB_TOKEN": "canary-web-token",
        "HTTPS_PROXY": "http://127.0.0.1:1",  # so that nothing reaches Slack
    }


def refuse_by_echo(langfuse: StandinServer) -> None:
    """Langfuse, or a proxy before it, answers with what it was sent."""
    sent = f"{LANGFUSE} {CANARIES['its encoding']}"
    away = (("Location", f"{langfuse.url}/login?key={LANGFUSE}"),)
    langfuse.troubles.add(
        Trouble(instead=message(500, f"cannot authorise {sent}")),
        Trouble(instead=json_reply({"message": sent}, 302, away)),
        Trouble(times=None, instead=message(401, f"Invalid credentials {sent}")),
    )


def everything_shown(daemon: Daemon) -> list[str]:
    paths = ("/metrics", "/", "/healthz", "/readyz", "/api/v1/budgets", "/api/v1/incidents", "/api/v1/openapi.json")
    return [daemon.get(path)[1] for path in paths]


def everything_said(home: Home) -> list[str]:
    commands = (("status", "--json"), ("check", "--online"), ("doctor",), ("notify-test",))
    ended: list[subprocess.CompletedProcess[str]] = [home.call(*command) for command in commands]
    return [text for one in ended for text in (one.stdout, one.stderr)]


@pytest.mark.parametrize("style", ["json", "console"])
def test_no_secret_is_told_anywhere_when_all_goes_well_and_when_all_goes_wrong(
    home: Home, receiver: Receiver, style: str
) -> None:
    plant(home, receiver)
    receiver.answer(HOOK_PATH, echo(500))
    receiver.answer(SLACK_PATH, echo(400))
    home.write(BUDGETS.format(zone=noon_zone()))
    with StandinServer(Store(), now_ms=now_ms, keys=[Key(DEMO_PUBLIC_KEY, LANGFUSE, DEMO_PROJECT)]) as langfuse:
        home.env["LANGFUSE_BASE_URL"] = langfuse.url
        langfuse.store.add([spend("11", feature="a")])
        with_log = home.run(FUSEWATCH_LOG_FORMAT=style)
        wait_for(lambda: with_log.stderr.count("notification_d") >= 3, "all three destinations fail", 60)
        refuse_by_echo(langfuse)
        wait_for(lambda: with_log.stderr.count("read_failed") + with_log.stderr.count("unidentified") >= 3, "refused")
        home.write(BUDGETS.format(zone=noon_zone()).replace("$10", '"${SLACK_BOT_TOKEN}"'))
        wait_for(lambda: "budget_file_broken" in with_log.stderr, "the broken file is told")
        shown = everything_shown(with_log) if style == "json" else []
        assert with_log.stop() == 0
        if style == "json":
            shown += [*everything_said(home), home.call("run", "--strict").stderr]
    places = {path.name: path.read_bytes() for path in home.folder.iterdir() if path.is_file()}
    assert {"fusewatch.db", "daemon-0.err"} <= places.keys()
    places |= {f"output {number}": text.encode() for number, text in enumerate(shown)}
    told = [
        (what, place) for place, text in places.items() for what, secret in CANARIES.items() if secret.encode() in text
    ]
    assert told == []

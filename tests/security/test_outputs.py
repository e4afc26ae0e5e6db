"""Promise 12 once more, with every secret there is and with names that attack: on the real process, in every output."""

import csv
import json
import re
import subprocess
from pathlib import Path

from fusewatch.demo.standin import DEMO_PROJECT, DEMO_PUBLIC_KEY, Key, StandinServer, Store
from tests.process.home import Home, noon_zone, now_ms, spend, wait_for
from tests.process.receiver import Answer, Post, Receiver

SECRETS = {
    "HOOK_URL_PATH": "canary0hookpath",
    "HOOK_SECRET": "whsec_Y2FuYXJ5MWNhbmFyeTFjYW5hcnkxY2FuYXJ5",
    "SLACK_WEBHOOK_URL": "canary2slackhook",
    "SLACK_BOT_TOKEN": "xoxb-canary3-bot-token",
    "SLACK_SIGNING_SECRET": "canary4signing",
    "PD_KEY": "canary5pagerdutykey0000000000000",
    "SMTP_PASSWORD": "canary6smtppassword",
    "APPRISE": "canary7apprise",
    "HEARTBEAT": "canary8heartbeat",
    "FUSEWATCH_READ_TOKEN": "canary9-read-token",
    "FUSEWATCH_WEB_TOKEN": "canary10-web-token",
    "OTHER_SECRET_KEY": "sk-lf-canary11-other-project",
    "ALERTMANAGER": "canary12alertmanager",
}
BUDGETS = """\
version: 1
timezone: {zone}
heartbeat: {{url: "${{HEARTBEAT_URL}}"}}
projects:
  - {{name: shop, base_url: "${{LANGFUSE_BASE_URL}}", public_key: "${{PUBLIC}}", secret_key: "${{OTHER_SECRET_KEY}}"}}
budgets:
  - {{name: cap, each: [feature], limit: $10, every: day}}
destinations:
  hook: {{type: webhook, url: "${{HOOK_URL}}", secret: "${{HOOK_SECRET}}"}}
  slack: {{type: slack, webhook_url: "${{SLACK_WEBHOOK_URL}}"}}
  bot: {{type: slack, channel: "#spend", token: "${{SLACK_BOT_TOKEN}}"}}
  pager: {{type: pagerduty, routing_key: "${{PD_KEY}}"}}
  mail: {{type: email, to: [a@example.com], sender: f@example.com, smtp: "${{SMTP_URL}}"}}
  am: {{type: alertmanager, url: "${{AM_URL}}"}}
  terminal: {{type: console}}
notify: [hook, slack, bot, pager, mail, am, terminal]
"""
ATTACKS = (
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "a\nlevel=error msg=forged",
    "\u202egnp.exe",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "<script>alert(1)</script>",
    'quote"} 1\nllm_cost_dollars_total{feature="forged"} 1',
    "{{ 7 * 7 }}{% raw %}",
)  # fmt: skip
MACHINES = frozenset({"/", "/metrics", "/api/v1/incidents", "/api/v1/openapi.json", "log json"})
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plant(home: Home, receiver: Receiver) -> None:
    """Every secret in its place; two of them through a file."""
    s = SECRETS
    files = {"SLACK_SIGNING_SECRET": s["SLACK_SIGNING_SECRET"], "FUSEWATCH_WEB_TOKEN": s["FUSEWATCH_WEB_TOKEN"]}
    (home.folder / "kept").mkdir()
    for name, value in files.items():
        (home.folder / "kept" / name).write_text(value + "\n", encoding="utf-8")
        home.env[f"{name}_FILE"] = str(home.folder / "kept" / name)
    home.env |= {
        "PUBLIC": DEMO_PUBLIC_KEY,
        "OTHER_SECRET_KEY": s["OTHER_SECRET_KEY"],
        "HOOK_URL": f"{receiver.url}/{s['HOOK_URL_PATH']}",
        "HOOK_SECRET": s["HOOK_SECRET"],
        "SLACK_WEBHOOK_URL": f"{receiver.url}/services/T/B/{s['SLACK_WEBHOOK_URL']}",
        "SLACK_BOT_TOKEN": s["SLACK_BOT_TOKEN"],
        "PD_KEY": s["PD_KEY"],
        "SMTP_URL": f"smtp://user:{s['SMTP_PASSWORD']}@127.0.0.1:9",
        "AM_URL": f"http://user:{s['ALERTMANAGER']}@127.0.0.1:9",
        "HEARTBEAT_URL": f"{receiver.url}/{s['HEARTBEAT']}",
        "FUSEWATCH_READ_TOKEN": s["FUSEWATCH_READ_TOKEN"],
        "HTTPS_PROXY": "http://127.0.0.1:1",  # so that nothing reaches Slack or PagerDuty
    }


def echo(post: Post) -> Answer:
    """A receiver that says everything it was sent, and sends us elsewhere."""
    away = {"Location": f"http://169.254.169.254/latest/{post.path}"}
    return Answer(302 if "slack" in post.path else 500, f"{post.path} {dict(post.headers)} {post.body}", away)


def said_by_commands(home: Home) -> dict[str, str]:
    commands = (
        ("check", "--online"), ("status",), ("status", "--json"), ("incidents", "--all"), ("incidents", "--json"),
        ("incidents", "--dead"), ("why", "cap"), ("doctor",), ("notify-test",), ("report", "spend", "--by", "feature"),
        ("report", "spend", "--by", "feature", "--json"), ("silence", "list"), ("export", "--to", "spend.csv"),
        ("backup", "copy.db"), ("backup", "x", "--database", "postgresql://u:canary13@127.0.0.1/d"), ("prices",),
        ("status", "--database", "postgresql://u:canary13@127.0.0.1:9/d"),
    )  # fmt: skip
    ended: dict[str, subprocess.CompletedProcess[str]] = {
        " ".join(one): home.call(*one, within_s=60) for one in commands
    }
    return {name: one.stdout + one.stderr for name, one in ended.items()}


def test_no_secret_gets_out_and_no_name_attacks_whoever_reads_it(home: Home, receiver: Receiver) -> None:
    del home.env["LANGFUSE_SECRET_KEY"]
    plant(home, receiver)
    keys = [Key(DEMO_PUBLIC_KEY, SECRETS["OTHER_SECRET_KEY"], DEMO_PROJECT)]
    with StandinServer(Store(), now_ms=now_ms, keys=keys) as langfuse:
        home.env["LANGFUSE_BASE_URL"] = langfuse.url
        langfuse.store.add(spend("11", feature=name, team=name) for name in ATTACKS)
        _look(home, receiver)


def _look(home: Home, receiver: Receiver) -> None:
    for secret in ("HOOK_URL_PATH", "SLACK_WEBHOOK_URL"):
        for prefix in ("/", "/services/T/B/"):
            receiver.answer(prefix + SECRETS[secret], echo)
    home.write(BUDGETS.format(zone=noon_zone()))
    outputs: dict[str, str] = {}
    for style in ("console", "json"):
        daemon = home.run(FUSEWATCH_LOG_FORMAT=style)
        wait_for(lambda: daemon.stderr.count("notification_d") >= (4 if style == "console" else 1), "failures", 40)  # noqa: B023 - called before the loop goes on
        if style == "json":
            for path in ("/metrics", "/", "/healthz", "/readyz", "/api/v1/incidents", "/api/v1/openapi.json"):
                outputs[path] = daemon.get(path)[1]
        limits = Path(f"/proc/{daemon.process.pid}/limits")
        assert not limits.exists() or re.search(r"Max core file size +0 ", limits.read_text(encoding="ascii"))
        assert daemon.stop() == 0
        outputs[f"log {style}"], outputs[f"terminal {style}"] = daemon.stderr, daemon.stdout
    outputs |= said_by_commands(home)
    _check_secrets(home, outputs)
    _check_names(home, outputs)


def _check_secrets(home: Home, outputs: dict[str, str]) -> None:
    planted = {*SECRETS.values(), SECRETS["HOOK_SECRET"].removeprefix("whsec_"), "canary13"}
    kept = {str(file): file.read_bytes() for file in home.folder.iterdir() if file.is_file()}
    assert {Path(name).name for name in kept} >= {"fusewatch.db", "copy.db", "spend.csv"}
    places = kept | {name: text.encode() for name, text in outputs.items()}
    assert [(s, place) for place, text in places.items() for s in planted if s.encode() in text] == []


def _check_names(home: Home, outputs: dict[str, str]) -> None:
    for name, text in outputs.items():
        if name in MACHINES or "--json" in name:
            continue  # names as they are, in a format that bounds them (HTML escapes them)
        assert not _CONTROL.search(text), f"{name}: {_CONTROL.findall(text)[:3]}"
        assert not re.search(r"^level=error", text, re.MULTILINE), name
    assert "<script>alert" not in outputs["/"]
    forged = [
        line for line in outputs["/metrics"].splitlines() if line.startswith('llm_cost_dollars_total{feature="forged"')
    ]
    assert forged == []
    for line in outputs["log json"].splitlines():
        json.loads(line)
    with (home.folder / "spend.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert [cell for cell in cells if cell[:1] in ("=", "@", "+", "\t")] == []

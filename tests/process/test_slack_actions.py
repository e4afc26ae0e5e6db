"""Slack's choices on the real process: signed ones are heard, once, over a restart too; acknowledging over the API."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from urllib.parse import urlencode

from fusewatch.demo.standin import StandinServer
from fusewatch.domain.actions import Action, Wish, sealed
from tests.process.home import Home, noon_zone, now_ms, spend, wait_for

SECRET = "canary-signing-secret"
RULES = """\
version: 1
timezone: {zone}
destinations:
  terminal: {{type: console}}
notify: [terminal]
budgets:
  - {{name: cap, each: [feature], limit: $10, every: day}}
"""


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    at = str(now_ms() // 1000)
    tag = hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={tag}"}


def test_choices_are_heard_once_and_only_from_slack(home: Home, langfuse: StandinServer) -> None:
    home.write(RULES.format(zone=noon_zone()))
    home.env |= {"SLACK_SIGNING_SECRET": SECRET, "FUSEWATCH_WEB_TOKEN": "canary-web"}
    daemon = home.run()
    wait_for(daemon.metrics, "it serves")
    value = sealed(Action(Wish.ACKNOWLEDGE, "NOSUCHDELIVERY"), SECRET)
    choice = {"type": "block_actions", "user": {"username": "ana"}, "actions": [{"value": value}]}
    body = urlencode({"payload": json.dumps(choice)}).encode()
    headers = signed(body)
    assert post(f"{daemon.url}/slack/actions", body, signed(body, "another"))[0] == 401
    assert post(f"{daemon.url}/slack/actions", body, headers) == (200, "")
    assert post(f"{daemon.url}/slack/actions", body, headers)[0] == 403

    langfuse.store.add([spend("11", feature="chat")])
    wait_for(lambda: daemon.metrics().get('fusewatch_incidents_open{rule="cap",severity="critical"}') == 1, "it")
    (incident,) = json.loads(daemon.get("/api/v1/incidents?state=open")[1])["incidents"]
    path = f"{daemon.url}/api/v1/incidents/{incident['id']}/acknowledge"
    wish = json.dumps({"author": "ana"}).encode()
    kind = {"Content-Type": "application/json"}
    assert post(path, wish, kind)[0] == 401
    status, answer = post(path, wish, {**kind, "Authorization": "Bearer canary-web"})
    assert (status, json.loads(answer)["acknowledged_by"]) == (200, "ana")
    assert "(acknowledged by ana)" in home.call("status").stdout
    assert json.loads(home.call("status", "--json").stdout)["incidents"][0]["acknowledged_by"] == "ana"
    assert daemon.stop() == 0

    again = home.run()
    wait_for(again.metrics, "it serves")
    assert post(f"{again.url}/slack/actions", body, headers)[0] == 403
    assert again.stop() == 0
    for one in (daemon, again):
        assert "canary" not in one.stdout + one.stderr

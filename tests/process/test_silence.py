"""Silences and heartbeats on the real process."""

import json

from fusewatch.demo.standin import StandinServer
from tests.process.home import Home, noon_zone, spend, wait_for
from tests.process.receiver import Answer, Receiver

RULES = """\
version: 1
timezone: {zone}
heartbeat: {{url: "${{BEAT_URL}}", every: 1s}}
destinations:
  hook: {{type: webhook, url: "{url}/hook"}}
notify: [hook]
budgets:
  - {{name: cap, each: [feature], limit: $10, every: day}}
"""


def test_a_silence_is_added_listed_and_ended_beside_the_daemon(home: Home, langfuse: StandinServer) -> None:
    with Receiver() as receiver:
        home.env["BEAT_URL"] = f"{receiver.url}/beat?token=canary"
        home.write(RULES.format(zone=noon_zone(), url=receiver.url))
        daemon = home.run()
        wait_for(lambda: receiver.of("/beat?token=canary"), "a first heartbeat")

        added = home.call(
            "silence", "add", "--for", "2h", "--rule", "cap", "feature=chat,se*", "--comment", "known", "--json"
        )
        assert added.returncode == 0, added.stderr
        silence = json.loads(added.stdout)
        assert silence["matchers"] == {"feature": ["chat", "se*"], "rule": ["cap"]}
        langfuse.store.add([spend("11", feature="chat")])
        wait_for(lambda: daemon.metrics().get('fusewatch_incidents_open{rule="cap",severity="critical"}') == 1, "it")
        assert daemon.metric("fusewatch_silences_active") == 1
        assert "cap feature=chat is held until" in home.call("status").stdout
        assert silence["id"] in home.call("silence", "list").stdout
        assert receiver.of("/hook") == []

        ended = home.call("silence", "end", silence["id"][:12].lower())
        assert ended.stdout == f"Silence {silence['id']} has ended.\n"
        wait_for(lambda: receiver.of("/hook"), "what was held", 25.0)
        (post,) = receiver.of("/hook")
        assert post.json["type"] == "fusewatch.summary"
        assert post.json["data"]["hold"]["silence"] == silence["id"]
        assert home.call("silence", "list").stdout == "No silences.\n"
        assert "(over)" in home.call("silence", "list", "--all").stdout
        assert home.call("silence", "end", silence["id"]).stdout == f"Silence {silence['id']} was over already.\n"

        receiver.answer("/beat?token=canary", Answer(500))
        wait_for(lambda: daemon.events("heartbeat_failed"), "a heartbeat that fails is said")
        assert daemon.metric('fusewatch_heartbeats_total{outcome="sent",reason=""}') >= 1
        assert daemon.stop() == 0
        assert "canary" not in daemon.stdout + daemon.stderr


def test_no_heartbeat_while_a_project_cannot_be_read(home: Home, langfuse: StandinServer) -> None:
    with Receiver() as receiver:
        home.env["BEAT_URL"] = f"{receiver.url}/beat"
        home.write(RULES.format(zone=noon_zone(), url=receiver.url))
        home.env["LANGFUSE_BASE_URL"] = "http://127.0.0.1:9"
        daemon = home.run()
        wait_for(lambda: daemon.events("project_unidentified"), "the failure is said")
        wait_for(daemon.metrics, "it serves")
        assert daemon.stop() == 0
        assert receiver.of("/beat") == []


def test_a_silence_that_cannot_be_meant_is_refused_with_every_mistake(home: Home) -> None:
    home.write("version: 1\nbudgets:\n  - {name: cap, each: [feature], limit: $10, every: day}\n")
    refused = home.call("silence", "add", "--for", "2h", "--rule", "cap", "--comment", "x")
    assert (refused.returncode, "there is no database" in refused.stderr) == (1, True)
    daemon = home.run()
    wait_for(daemon.metrics, "it serves")
    assert daemon.stop() == 0

    wrong = home.call("silence", "add", "--until", "2020-01-01", "--rule", "cup", "featur=x")
    assert wrong.returncode == 2
    assert wrong.stderr.splitlines() == [
        "command line: comment: nothing says why; write it for whoever wonders at night",
        "command line: end: it lies in the past; name a time from now on",
        "command line: featur: there is no such dimension; did you mean feature?",
        'command line: rule: "cup" is none; did you mean cap?',
    ]
    for arguments, said in (
        (("add", "--rule", "cap", "--comment", "x"), "--for: say how long it lasts"),
        (("add", "--for", "2h", "--until", "now", "--comment", "x"), "--for: say how long it lasts"),
        (("add", "--for", "soon", "--comment", "x", "team=a"), "--for: "),
        (("add", "--for", "2h", "--comment", "x", "team"), "this is no matcher"),
        (("add", "--for", "2h", "--comment", "x", "team=a", "team=b"), "team: it stands twice"),
        (("end", "nothing"), "no silence has the id"),
    ):
        ended = home.call("silence", *arguments)
        assert (ended.returncode, said in ended.stderr) == (2, True), ended.stderr

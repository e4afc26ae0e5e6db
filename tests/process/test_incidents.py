"""Dead deliveries and incidents on the real process, beside a daemon that runs."""

import json

import httpx

from fusewatch.demo.standin import StandinServer
from tests.process.home import Home, noon_zone, spend, wait_for
from tests.process.receiver import Answer, Receiver

RULES = """\
version: 1
timezone: {zone}
destinations:
  hook: {{type: webhook, url: "{url}/hook"}}
notify: [hook]
budgets:
  - {{name: cap, each: [feature], limit: $10, every: day}}
"""


def test_a_delivery_that_died_goes_out_once_under_its_id_when_it_is_revived_beside_the_daemon(
    home: Home, langfuse: StandinServer
) -> None:
    with Receiver() as receiver:
        home.write(RULES.format(zone=noon_zone(), url=receiver.url))
        receiver.answer("/hook", Answer(401, "no such secret"))
        daemon = home.run()
        wait_for(lambda: daemon.serves and '"loaded": true' in home.call("status", "--json").stdout, "a first load")
        langfuse.store.add([spend("11", feature="chat")])
        wait_for(lambda: receiver.of("/hook"), "a first attempt", 25.0)
        wait_for(lambda: json.loads(home.call("incidents", "--dead", "--json").stdout), "a dead delivery", 25.0)
        (dead,) = json.loads(home.call("incidents", "--dead", "--json").stdout)
        assert dead["destination"] == "hook"

        receiver.answer("/hook", Answer())
        assert "is due again, to hook" in home.call("incidents", "--revive", "all").stdout
        wait_for(lambda: len(receiver.of("/hook")) == 2, "what was revived", 25.0)
        first, second = receiver.of("/hook")
        assert first.id == second.id == dead["id"]
        assert first.body == second.body
        links = second.notices[0]["links"]
        assert links
        assert all(link["url"].startswith(f"{langfuse.url}/project/") for link in links)
        wait_for(lambda: "was told" in home.call("incidents", second.notices[0]["incident_id"]).stdout, "it is told")
        assert daemon.stop() == 0
        assert len(receiver.of("/hook")) == 2


def test_a_delivery_that_died_is_revived_over_the_api_by_whoever_has_the_token(
    home: Home, langfuse: StandinServer
) -> None:
    with Receiver() as receiver, httpx.Client(timeout=10) as client:
        home.write(RULES.format(zone=noon_zone(), url=receiver.url))
        home.env["FUSEWATCH_WEB_TOKEN"] = "the-token"
        receiver.answer("/hook", Answer(401, "no such secret"))
        langfuse.store.add([spend("11", feature="chat")])
        daemon = home.run()
        api = f"{daemon.url}/api/v1/deliveries"
        wait_for(lambda: daemon.serves and client.get(f"{api}?state=dead").json()["deliveries"], "a dead one", 25.0)
        (dead,) = client.get(f"{api}?state=dead").json()["deliveries"]

        receiver.answer("/hook", Answer())
        client.headers["Authorization"] = "Bearer the-token"
        assert client.post(f"{api}/{dead['id']}/revive", headers={"Authorization": ""}).status_code == 401
        revived = client.post(f"{api}/{dead['id']}/revive")
        assert revived.status_code == 200
        assert (revived.json()["id"], revived.json()["destination"]) == (dead["id"], "hook")
        wait_for(lambda: len(receiver.of("/hook")) == 2, "what was revived", 5.0)
        assert {post.id for post in receiver.of("/hook")} == {dead["id"]}
        for other in (dead["id"], "NOSUCHDELIVERY00"):
            assert client.post(f"{api}/{other}/revive").status_code == 404
        assert daemon.stop() == 0

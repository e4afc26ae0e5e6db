"""When Langfuse is gone, slow to anger, or refuses a key: nothing is lost, and what cannot be read is said."""

import base64
from collections.abc import Callable

from fusewatch.demo.standin import Key, Project, StandinServer, Store
from fusewatch.demo.standin.answers import message
from fusewatch.demo.standin.troubles import Ask, Trouble, rate_limited
from tests.process.home import Home, noon_zone, now_ms, spend, wait_for
from tests.process.receiver import Receiver

HOOKED = """\
version: 1
timezone: {zone}
budgets:
  - {{name: cap, each: [feature], limit: $10, every: day}}
destinations:
  hook: {{type: webhook, url: "{hook}/hook"}}
notify: [hook]
"""


def test_after_langfuse_was_down_what_was_spent_meanwhile_is_read_and_told(
    home: Home, langfuse: StandinServer, receiver: Receiver
) -> None:
    langfuse.store.add([spend("1", feature="a")])
    home.write(HOOKED.format(zone=noon_zone(), hook=receiver.url))
    daemon = home.run()
    wait_for(lambda: daemon.events("history_loaded"), "the first load")
    langfuse.stop()
    wait_for(lambda: daemon.events("read_failed") or daemon.events("project_unidentified"), "the outage is noticed")
    langfuse.store.add([spend("11", feature="a"), spend("3", feature="b")])
    found = daemon.metrics()
    assert found['fusewatch_poll_failures_total{project="langfuse",reason="unreachable"}'] >= 1
    assert found['llm_requests_total{project="langfuse",feature="a",team="web",model="gpt-4o",operation="call"}'] == 1
    assert daemon.get("/healthz")[0] == daemon.get("/readyz")[0] == 200
    langfuse.start()
    wait_for(lambda: receiver.posts, "the crossing is told")
    assert [(n["key"]["feature"], n["measured"]) for n in receiver.posts[0].notices] == [("a", "12")]
    assert daemon.stop() == 0
    assert len(receiver.posts) == 1


def test_retry_after_is_obeyed_over_a_restart_too(home: Home, langfuse: StandinServer, receiver: Receiver) -> None:
    langfuse.store.add([spend("1", feature="a")])
    home.write(HOOKED.format(zone=noon_zone(), hook=receiver.url))
    daemon = home.run()
    wait_for(lambda: daemon.events("history_loaded"), "the first load")
    langfuse.troubles.add(rate_limited(5))
    wait_for(lambda: daemon.events("read_failed"), "the 429")
    assert daemon.events("read_failed")[0]["reason"] == "rate_limited"
    daemon.kill()
    again = home.run()
    langfuse.store.add([spend("12", feature="a")])
    wait_for(lambda: receiver.posts, "the crossing is told")
    assert again.stop() == 0
    limited = next(place for place, seen in enumerate(langfuse.log) if seen.status == 429)
    pause_ms = langfuse.log[limited + 1].at_ms - langfuse.log[limited].at_ms
    assert 5_000 <= pause_ms < 9_000


def sent_with(secret: str) -> Callable[[Ask], bool]:
    """Requests that carry this key."""
    return lambda ask: secret in base64.b64decode(ask.headers.get("authorization", "").removeprefix("Basic ")).decode()


TWO = """\
version: 1
timezone: {zone}
projects:
  - {{name: shop, base_url: "{url}", public_key: pk-lf-shop, secret_key: "${{SHOP_SK}}"}}
  - {{name: labs, base_url: "{url}", public_key: pk-lf-labs, secret_key: "${{LABS_SK}}"}}
budgets:
  - {{name: cap, each: [project], limit: $10, every: day}}
watch: {{unreadable: {{after: 1s}}}}
destinations:
  hook: {{type: webhook, url: "{hook}/hook"}}
notify: [hook]
"""


def test_a_key_that_is_revoked_makes_its_project_unreadable_while_the_others_go_on(
    home: Home, receiver: Receiver
) -> None:
    projects = [Project("p-shop", "Shop"), Project("p-labs", "Labs")]
    keys = [Key("pk-lf-shop", "sk-lf-shop-1", "p-shop"), Key("pk-lf-labs", "sk-lf-labs-1", "p-labs")]
    home.env |= {"SHOP_SK": "sk-lf-shop-1", "LABS_SK": "sk-lf-labs-1"}
    with StandinServer(Store(), now_ms=now_ms, projects=projects, keys=keys) as langfuse:
        langfuse.store.add([spend("1", project="p-shop"), spend("1", project="p-labs")])
        home.write(TWO.format(zone=noon_zone(), url=langfuse.url, hook=receiver.url))
        daemon = home.run()
        wait_for(lambda: len(daemon.events("history_loaded")) == 2, "both are loaded")
        refusal = message(401, "Invalid credentials. Confirm that you've configured the correct host.")
        langfuse.troubles.add(Trouble(where=sent_with("sk-lf-labs-1"), times=None, instead=refusal))
        wait_for(lambda: receiver.posts, "labs is unreadable")
        langfuse.store.add([spend("11", project="p-shop"), spend("12", project="p-labs")])
        wait_for(lambda: len(receiver.posts) == 2, "shop goes on")
        assert daemon.metric('fusewatch_incidents_open{rule="unreadable",severity="critical"}') == 1
        langfuse.troubles.clear()
        wait_for(lambda: len(receiver.posts) >= 4, "labs is read again, and its crossing told", 20)
        assert daemon.stop() == 0
    gone, shop, *rest = [post.json for post in receiver.posts]
    assert (gone["type"], gone["data"]["gap"]["project"]) == ("fusewatch.unreadable", "labs")
    assert [notice["key"] for notice in shop["data"]["notices"]] == [{"project": "shop"}]
    assert sorted(body["type"] for body in rest) == ["fusewatch.notices", "fusewatch.readable"]

"""Promise 10 on the real process: a broken budget file never stops or blinds it; changes of the file are taken up."""

import shutil

from fusewatch.demo.standin import Key, Project, StandinServer, Store
from tests.process.home import Daemon, Home, noon_zone, now_ms, spend, wait_for
from tests.process.receiver import Answer, Receiver

WITHIN_S = 5.0
RELOADED = "fusewatch_config_last_reload_successful"
LIMIT = 'fusewatch_budget_limit_dollars{budget="cap",group=""}'
BROKEN = "version: 1\nbudgets:\n  - {name: cap, limit: 5 euros, every: day}\n"


def capped(usd: int) -> str:
    return f"version: 1\nbudgets:\n  - {{name: cap, limit: ${usd}, every: day}}\n"


def shows(daemon: Daemon, usd: int, reloaded: int) -> bool:
    found = daemon.metrics()
    return found.get(LIMIT) == usd and found[RELOADED] == reloaded


def test_a_broken_file_at_the_first_start_is_refused_with_every_mistake(home: Home) -> None:
    home.write(BROKEN.replace("every: day", "every: fortnight"))
    ended = home.call("run")
    assert ended.returncode == 2
    assert [line.partition(": ")[0] for line in ended.stderr.splitlines()] == ["config/budgets.yaml:3"] * 2
    assert not home.database.exists()


def test_a_broken_edit_keeps_the_last_good_rules_even_over_a_restart_and_says_so(
    home: Home, langfuse: StandinServer
) -> None:
    langfuse.store.add([spend("1")])
    home.write(capped(20))
    daemon = home.run()
    wait_for(lambda: shows(daemon, 20, reloaded=1), "the rules")
    home.write(capped(30))
    wait_for(lambda: shows(daemon, 30, reloaded=1), "an edit is taken up", WITHIN_S)
    home.write(BROKEN)
    wait_for(lambda: shows(daemon, 30, reloaded=0), "a broken edit is refused", WITHIN_S)
    assert daemon.stop() == 0
    assert [entry["problem"].partition(": ")[0] for entry in daemon.events("budget_file_broken")] == [
        "config/budgets.yaml:3"
    ]

    refused = home.call("run", "--strict")
    assert refused.returncode == 2
    assert refused.stderr.startswith("config/budgets.yaml:3: ")

    again = home.run()
    wait_for(lambda: shows(again, 30, reloaded=0), "the last good rules after a restart")
    said = again.events("budget_file_broken")[0]
    assert (said["level"], said["going_on_with"]) == ("error", "the last good rules")
    home.write(capped(40))
    wait_for(lambda: shows(again, 40, reloaded=1), "the mended file is taken up", WITHIN_S)
    home.file.unlink()
    wait_for(lambda: shows(again, 40, reloaded=0), "a file that is gone changes nothing", WITHIN_S)
    home.write(capped(40))
    wait_for(lambda: shows(again, 40, reloaded=1), "it is back", WITHIN_S)
    assert again.stop() == 0


def test_a_config_map_that_kubernetes_swaps_is_taken_up(home: Home, langfuse: StandinServer) -> None:
    langfuse.store.add([spend("1")])
    mount = home.folder / "mount"

    def publish(number: int, usd: int) -> None:
        """As the kubelet does: a new folder, a new link, one rename, the old folder goes."""
        fresh = mount / f"..2026_{number}"
        fresh.mkdir(parents=True)
        (fresh / "budgets.yaml").write_text(capped(usd))
        (mount / "..data_tmp").symlink_to(fresh.name)
        (mount / "..data_tmp").replace(mount / "..data")
        if number:
            shutil.rmtree(mount / f"..2026_{number - 1}")

    publish(0, 20)
    (mount / "budgets.yaml").symlink_to("..data/budgets.yaml")
    daemon = home.run("--config", "mount/budgets.yaml")
    wait_for(lambda: shows(daemon, 20, reloaded=1), "the rules")
    for number in (1, 2):
        publish(number, 20 + number)
        wait_for(lambda usd=20 + number: shows(daemon, usd, reloaded=1), "the swap is taken up", WITHIN_S)  # type: ignore[misc]  # mypy infers no lambda with defaults
    assert daemon.stop() == 0
    assert not daemon.events("budget_file_broken")


TWO = """\
version: 1
timezone: {zone}
projects:
  - {{name: shop, base_url: "{url}", public_key: pk-lf-shop, secret_key: "${{SHOP_SK}}"}}
{more}
budgets:
  - {{name: cap, each: [feature], limit: $10, every: day}}
destinations:
  first: {{type: webhook, url: "{hook}/first"}}
{places}
notify: [{names}]
"""
LABS = '  - {name: labs, base_url: "URL", public_key: pk-lf-labs, secret_key: "${LABS_SK}"}'


def test_projects_and_destinations_come_and_go_with_the_file(home: Home, receiver: Receiver) -> None:
    projects = [Project("p-shop", "Shop"), Project("p-labs", "Labs")]
    keys = [Key("pk-lf-shop", "sk-lf-shop-1", "p-shop"), Key("pk-lf-labs", "sk-lf-labs-1", "p-labs")]
    home.env |= {"SHOP_SK": "sk-lf-shop-1", "LABS_SK": "sk-lf-labs-1"}
    with StandinServer(Store(), now_ms=now_ms, projects=projects, keys=keys) as langfuse:
        both = {"zone": noon_zone(), "url": langfuse.url, "hook": receiver.url, "places": "", "names": "first"}
        home.write(TWO.format(**both, more=LABS.replace("URL", langfuse.url)))
        langfuse.store.add([spend("1", project="p-shop"), spend("2", project="p-labs")])
        daemon = home.run()
        success = 'fusewatch_last_success_timestamp_seconds{{project="{}"}}'
        wait_for(lambda: {success.format(p) for p in ("shop", "labs")} <= daemon.metrics().keys(), "both are read")

        second = f'  second: {{type: webhook, url: "{receiver.url}/second"}}'
        home.write(TWO.format(**{**both, "places": second, "names": "first, second"}, more=""))
        wait_for(lambda: success.format("labs") not in daemon.metrics(), "labs is gone", WITHIN_S)
        wait_for(lambda: 'fusewatch_outbox_pending{destination="second"}' in daemon.metrics(), "the second is there")
        assert not any('project="labs"' in name for name in daemon.metrics() if name.startswith("llm_"))
        langfuse.store.add(
            [spend("12", feature="new", project="p-shop"), spend("30", feature="gone", project="p-labs")]
        )
        wait_for(lambda: receiver.of("/first") and receiver.of("/second"), "both are told")
        assert daemon.stop() == 0
    told = [[notice["key"] for notice in post.notices] for post in receiver.posts]
    assert told == [[{"feature": "new"}]] * 2


def test_another_destination_in_the_middle_of_a_send_neither_cuts_it_off_nor_repeats_it(
    home: Home, langfuse: StandinServer, receiver: Receiver
) -> None:
    receiver.answer("/first", Answer(wait_s=2.5))
    one = capped(5) + f'destinations:\n  first: {{type: webhook, url: "{receiver.url}/first"}}\nnotify: [first]\n'
    home.write(one)
    langfuse.store.add([spend("6")])
    daemon = home.run()
    wait_for(lambda: receiver.posts, "the notice is being sent")
    home.write(one.replace("notify:", f'  second: {{type: webhook, url: "{receiver.url}/second"}}\nnotify:'))
    wait_for(lambda: 'fusewatch_outbox_pending{destination="second"}' in daemon.metrics(), "the second is there")
    wait_for(lambda: daemon.metric('fusewatch_outbox_pending{destination="first"}') == 0, "the notice is sent")
    assert daemon.stop() == 0
    assert len(receiver.posts) == len(receiver.finished) == 1
    assert len(daemon.events("notification_sent")) == 1


WORDED = """\
version: 1
timezone: {zone}
destinations:
  chat:
    type: slack
    webhook_url: "{url}/services/T0/B0/xyz"
    template: {{title: "[LLM spend] {{{{ headline }}}}", body: "made {{{{ created_at }}}}"}}
  bare: {{type: webhook, url: "{url}/bare", from: critical}}
notify: [chat]
budgets:
  - {{name: cap, limit: $10, every: day}}
"""


def test_a_destination_words_its_messages_itself_and_the_log_tells_what_is_doubtful_at_the_start(
    home: Home, langfuse: StandinServer, receiver: Receiver
) -> None:
    langfuse.store.add([spend("1")])
    home.write(WORDED.format(zone=noon_zone(), url=receiver.url))
    daemon = home.run()
    wait_for(lambda: daemon.metrics().get(LIMIT) == 10, "the rules")
    langfuse.store.add([spend("7.50")])
    wait_for(lambda: any("reached 80 %" in post.body for post in receiver.posts), "the notice", 30.0)
    (post,) = (post for post in receiver.posts if "reached 80 %" in post.body)
    assert post.json["text"].startswith("● [LLM spend] cap reached 80 % of its daily budget: $8.50 of $10.00\nmade ")
    doubts = [entry["problem"] for entry in daemon.events("destination_doubtful")]
    assert len(doubts) == 1
    assert doubts[0].startswith("config/budgets.yaml:8: destinations.bare: messages are not signed")
    assert receiver.url not in "".join(doubts)
    assert daemon.stop() == 0

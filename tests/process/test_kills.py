"""Promises 3, 5 and 6 on the real process: killed at any instant, it loses nothing and repeats only what it must."""

import json
import random
import time
from collections import Counter
from decimal import Decimal
from itertools import cycle

from fusewatch.demo.standin import DEMO_PROJECT, StandinServer
from tests.process.home import Daemon, Home, noon_zone, spend, wait_for
from tests.process.receiver import Answer, Receiver

KEYS = 50
KILLS = 15
AT_ONCE = 12
"""So many crossings fit into one message of a webhook with room to spare."""
STEPS = (("5.5", 0.5), ("3", 0.8), ("3", 1.0))
"""What a key spends next, and the threshold of its $10 that this crosses."""

BUDGETS = """\
version: 1
timezone: {zone}
budgets:
  - {{name: per-feature, each: [feature], limit: $10, every: day, thresholds: [50%, 80%, 100%]}}
destinations:
  hook: {{type: webhook, url: "{url}/hook", secret: "${{HOOK_SECRET}}", from: info}}
notify: [hook]
"""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Traffic:
    """Each key crosses its next threshold only when the last one was told, so that every crossing is one notice."""

    def __init__(self, langfuse: StandinServer, receiver: Receiver) -> None:
        self.langfuse = langfuse
        self.receiver = receiver
        self.taken = 0
        self.posts = 0
        self.told: set[tuple[str, float]] = set()
        self.expected: set[tuple[str, float]] = set()
        self.waiting = cycle(f"feature-{number}" for number in range(KEYS))
        self.place = dict.fromkeys((f"feature-{number}" for number in range(KEYS)), 0)

    @property
    def done(self) -> bool:
        return all(place == len(STEPS) for place in self.place.values()) and self.expected <= self.told

    def step(self) -> None:
        """Read what was told, and let one more key spend."""
        posts = list(self.receiver.finished)
        for post in posts[self.posts :]:
            assert post.json["data"]["truncated"] == 0
            self.told.update((notice["key"]["feature"], notice["threshold"]) for notice in post.notices)
        self.posts = len(posts)
        if len(self.expected - self.told) >= AT_ONCE:
            return
        for _ in range(KEYS):
            key = next(self.waiting)
            place = self.place[key]
            if place == len(STEPS) or (place and (key, STEPS[place - 1][1]) not in self.told):
                continue
            usd, threshold = STEPS[place]
            self.place[key] += 1
            self.expected.add((key, threshold))
            self.langfuse.store.add([spend(usd, feature=key)])
            return


class Counters:
    """Every counter of the ledger that was ever scraped, at its highest."""

    def __init__(self) -> None:
        self.highest: dict[str, Decimal] = {}

    def look(self, daemon: Daemon) -> None:
        found = {
            name: value for name, value in daemon.metrics().items() if name.startswith("llm_") and "_total" in name
        }
        for name, value in found.items():
            assert value >= self.highest.get(name, Decimal(0)), f"{name} fell"
            self.highest[name] = value
        if found:
            assert self.highest.keys() == found.keys(), "a series is gone"


def test_killed_at_any_instant_it_loses_no_notice_and_repeats_only_what_was_being_sent(
    home: Home, langfuse: StandinServer, receiver: Receiver
) -> None:
    chance = random.Random(20)
    receiver.answer("/hook", lambda _post: Answer(wait_s=chance.choice((0.0, 0.02, 0.3))))
    home.write(BUDGETS.format(zone=noon_zone(), url=receiver.url))
    home.env["HOOK_SECRET"] = SECRET
    traffic, counters = Traffic(langfuse, receiver), Counters()
    langfuse.store.add([spend("0.01", feature="feature-0")])

    _first_load(home, counters)
    for number in range(KILLS):
        daemon = home.run()
        _live(daemon, traffic, counters, chance.uniform(0.3, 2.0))
        if number % 2:
            _until_sending(traffic, receiver)
        daemon.kill()
    last = home.run()
    _live(last, traffic, counters, 20.0)
    wait_for(lambda: traffic.expected <= traffic.told, "every notice", 60)
    wait_for(lambda: last.metric('fusewatch_outbox_pending{destination="hook"}') == 0, "an empty outbox")
    counters.look(last)
    assert last.stop() == 0

    assert traffic.expected - traffic.told == set()
    _check_repeats(receiver)
    _check_ledger(home, langfuse, counters)


def _first_load(home: Home, counters: Counters) -> None:
    daemon = home.run()
    wait_for(lambda: any(name.startswith("llm_requests_total") for name in daemon.metrics()), "the first load")
    counters.look(daemon)
    daemon.kill()


def _live(daemon: Daemon, traffic: Traffic, counters: Counters, seconds: float) -> None:
    """Let a daemon work for so long, its start included, or until nothing is left to tell."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not traffic.done:
        traffic.step()
        time.sleep(0.01)
    if daemon.serves:
        counters.look(daemon)


def _until_sending(traffic: Traffic, receiver: Receiver) -> None:
    """The worst instant: the receiver has the request, and the daemon does not have the answer."""
    until = time.monotonic() + 20.0
    while time.monotonic() < until and not receiver.busy and not traffic.done:
        traffic.step()
        time.sleep(0.005)


def _check_repeats(receiver: Receiver) -> None:
    """The same notice always came under the same id, and again only after a kill."""
    posts = receiver.of("/hook")
    ids: dict[tuple[str, float], set[str]] = {}
    for post in posts:
        for notice in post.notices:
            assert notice["rule"] == "per-feature"
            ids.setdefault((notice["key"]["feature"], notice["threshold"]), set()).add(post.id)
    assert [name for name, found in ids.items() if len(found) > 1] == []
    bodies = {post.id: post.body for post in posts}
    assert all(bodies[post.id] == post.body for post in posts)
    assert receiver.dropped, "no kill came in the middle of a send, so nothing was shown"
    assert {post.id for post in receiver.dropped} <= {post.id for post in receiver.finished}
    again = sum(times - 1 for times in Counter(post.id for post in posts).values())
    assert again <= KILLS, "a delivery was repeated without a kill"


def _check_ledger(home: Home, langfuse: StandinServer, counters: Counters) -> None:
    spans = langfuse.store.newest(DEMO_PROJECT)
    truth = Decimal(sum(span.total_pico() for span in spans)).scaleb(-12)
    status = json.loads(home.call("status", "--json").stdout)
    assert Decimal(status["spend_usd"]) == truth
    assert status["generations"] == len(list(spans))
    told = sum(value for name, value in counters.highest.items() if name.startswith("llm_cost_dollars_total"))
    assert told == truth

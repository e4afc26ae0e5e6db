"""A disk that is full: said, waited for, and nothing lost."""

import json
import resource
from decimal import Decimal

from fusewatch.demo.standin import DEMO_PROJECT, StandinServer
from tests.process.home import COMMAND, Daemon, Home, noon_zone, spend, wait_for
from tests.process.receiver import Receiver

HOOKED = """\
version: 1
timezone: {zone}
budgets:
  - {{name: cap, limit: $10, every: day}}
destinations:
  hook: {{type: webhook, url: "{hook}/hook"}}
notify: [hook]
"""


def allow(daemon: Daemon, size: int) -> None:
    """No file of the daemon may grow beyond so many bytes: for SQLite the same as a full disk."""
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_disk_that_is_full_at_the_first_start_is_said_in_one_message(home: Home) -> None:
    home.write("version: 1\nbudgets:\n  - {name: cap, limit: $10, every: day}\n")
    limited = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *COMMAND)
    ended = home.call("run", program=limited)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("fusewatch: cannot ")
    assert str(home.database) in ended.stderr


def test_a_full_disk_is_said_and_waited_for_and_nothing_is_lost(
    home: Home, langfuse: StandinServer, receiver: Receiver
) -> None:
    langfuse.store.add([spend("1")])
    home.write(HOOKED.format(zone=noon_zone(), hook=receiver.url))
    daemon = home.run()
    wait_for(lambda: daemon.events("history_loaded"), "the first load")
    sizes = [path.stat().st_size for path in home.folder.glob("fusewatch.db*")]
    allow(daemon, max(sizes))
    langfuse.store.add(spend("0.01", feature=f"feature-{number}") for number in range(1000))
    wait_for(lambda: daemon.events("loop_failed"), "the full disk is said")
    said = daemon.events("loop_failed")[0]
    assert said["level"] == "error"
    assert f"cannot write {home.database}: " in said["error"]
    assert daemon.get("/healthz")[0] == 200
    assert daemon.get("/metrics")[0] == 200

    allow(daemon, resource.RLIM_INFINITY)
    wait_for(lambda: receiver.posts, "it goes on when there is space again", 25)
    assert receiver.posts[0].notices[0]["measured"] == "11"
    assert daemon.stop() == 0
    status = json.loads(home.call("status", "--json").stdout)
    truth = sum(span.total_pico() for span in langfuse.store.newest(DEMO_PROJECT))
    assert (status["generations"], Decimal(status["spend_usd"])) == (1001, Decimal(truth).scaleb(-12))

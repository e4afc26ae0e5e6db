"""Promise 13: SIGTERM and Ctrl-C finish what is being sent; whatever cannot start says so in one message."""

import json
import signal
import sqlite3

import pytest

from fusewatch.demo.standin import Key, StandinServer, Store
from fusewatch.demo.standin.answers import html_page
from fusewatch.demo.standin.troubles import Trouble, any_request
from tests.process.home import Home, noon_zone, now_ms, spend, wait_for
from tests.process.receiver import Answer, Receiver

SMALL = """\
version: 1
budgets:
  - {name: daily-cap, limit: $5, every: day}
"""
HOOKED = """\
version: 1
timezone: {zone}
budgets:
  - {{name: daily-cap, limit: $5, every: day}}
destinations:
  hook: {{type: webhook, url: "{url}/hook"}}
notify: [hook]
"""


def one_message(text: str) -> str:
    """The only line of a text."""
    lines = text.splitlines()
    assert len(lines) == 1, text
    return lines[0]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_a_send_lets_it_finish_and_ends_with_0(
    home: Home, langfuse: StandinServer, receiver: Receiver, sign: signal.Signals
) -> None:
    receiver.answer("/hook", Answer(wait_s=3))
    home.write(HOOKED.format(zone=noon_zone(), url=receiver.url))
    langfuse.store.add([spend("6")])
    daemon = home.run()
    wait_for(lambda: receiver.posts, "the notice is being sent")
    assert not receiver.finished

    assert daemon.stop(sign, within_s=10) == 0

    assert len(receiver.finished) == 1
    assert daemon.log[-1]["event"] == "stopped"
    status = json.loads(home.call("status", "--json").stdout)
    assert status["deliveries"] == [{"destination": "hook", "state": "sent", "count": 1}]


def test_a_signal_while_langfuse_does_not_answer_ends_it_within_10_seconds(home: Home, langfuse: StandinServer) -> None:
    langfuse.troubles.add(Trouble(where=any_request, times=None, wait_s=20))
    home.write(SMALL)
    daemon = home.run()
    assert daemon.get("/healthz")[0] == 200
    assert daemon.stop() == 0


def test_without_credentials_it_stops_with_one_message_and_makes_no_database(home: Home) -> None:
    home.write(SMALL)
    ended = home.call("run", LANGFUSE_PUBLIC_KEY="", LANGFUSE_SECRET_KEY="")
    assert ended.returncode == 2
    said = one_message(ended.stderr)
    assert "LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY are not set" in said
    assert not home.database.exists()


def test_keys_that_are_wrong_at_the_first_start_end_it(home: Home) -> None:
    home.write(SMALL)
    ended = home.call("run", LANGFUSE_SECRET_KEY="sk-lf-00000000-wrong", FUSEWATCH_LOG_FORMAT="console")
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("fusewatch: ")
    assert "Langfuse at" in last
    assert "sk-lf-00000000-wrong" not in ended.stderr


def test_an_organisation_key_ends_it_and_is_named_as_one(home: Home) -> None:
    with StandinServer(Store(), now_ms=now_ms, keys=[Key(project_id=None)]) as server:
        home.write(SMALL)
        ended = home.call("run", LANGFUSE_BASE_URL=server.url)
    assert ended.returncode == 1
    assert "organisation key" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize("status", [200, 404])
def test_a_host_that_serves_web_pages_is_no_langfuse(home: Home, langfuse: StandinServer, status: int) -> None:
    langfuse.troubles.add(Trouble(times=None, instead=html_page(status, "Welcome")))
    home.write(SMALL)
    ended = home.call("run")
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(f"fusewatch: {langfuse.url} is no Langfuse that can be read")
    assert "check LANGFUSE_BASE_URL" in last


def test_a_host_that_cannot_be_reached_is_tried_again_while_everything_else_works(home: Home) -> None:
    home.write(SMALL)
    daemon = home.run(LANGFUSE_BASE_URL="http://127.0.0.1:1")
    wait_for(lambda: len(daemon.events("project_unidentified")) >= 3, "it keeps trying")
    said = daemon.events("project_unidentified")[0]
    assert (said["level"], said["reason"]) == ("error", "unreachable")
    assert "cannot be reached: the connection is refused" in said["error"]
    for path in ("/metrics", "/healthz", "/readyz", "/"):
        assert daemon.get(path)[0] == 200, path
    assert daemon.metric('fusewatch_poll_failures_total{project="langfuse",reason="unreachable"}') >= 3
    assert daemon.stop() == 0


def test_a_port_in_use_is_named(home: Home, receiver: Receiver) -> None:
    home.write(SMALL)
    port = receiver.url.rpartition(":")[2]
    ended = home.call("run", FUSEWATCH_LISTEN=f"127.0.0.1:{port}")
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: the port is in use" in ended.stderr.splitlines()[-1]


def test_a_second_daemon_on_one_database_is_refused_and_told_who_holds_it(home: Home) -> None:
    home.write(SMALL)
    first = home.run()
    assert first.get("/readyz")[0] == 200
    ended = home.call("run")
    assert ended.returncode == 1
    said = one_message(ended.stderr)
    assert f"another Fusewatch already runs on this database: process {first.process.pid} on " in said
    assert first.get("/readyz")[0] == 200


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:////nowhere/at/all/fusewatch.db", "cannot write /nowhere/at/all/fusewatch.db"),
        ("sqlite:///.", "cannot"),
        ("mysql://user:hunter2@host/db", "this is no database address"),
    ],
)
def test_a_database_that_cannot_be_is_refused(home: Home, url: str, message: str) -> None:
    home.write(SMALL)
    ended = home.call("run", "--database", url)
    assert ended.returncode in (1, 2)
    assert message in one_message(ended.stderr)
    assert "hunter2" not in ended.stderr


def test_a_file_that_is_no_database_is_refused_and_left_alone(home: Home) -> None:
    home.write(SMALL)
    home.database.write_text("my shopping list\n" * 100)
    ended = home.call("run")
    assert ended.returncode == 1
    assert f"{home.database} is not a database" in one_message(ended.stderr)
    assert home.database.read_text() == "my shopping list\n" * 100


def test_a_database_that_is_damaged_or_newer_than_the_program_is_refused_at_the_start(
    home: Home, langfuse: StandinServer
) -> None:
    langfuse.store.add(spend("0.5", ago_s=number) for number in range(500))
    home.write(SMALL)
    daemon = home.run()
    wait_for(lambda: daemon.events("history_loaded"), "the first load")
    assert daemon.stop() == 0

    damaged = bytearray(home.database.read_bytes())
    middle = len(damaged) // 2 // 4096 * 4096
    damaged[middle : middle + 8192] = bytes(range(256)) * 32
    (home.folder / "damaged.db").write_bytes(damaged)
    ended = home.call("run", "--database", "sqlite:///damaged.db")
    assert ended.returncode == 1
    said = " ".join(ended.stderr.split())
    assert said.startswith(f"fusewatch: {home.folder / 'damaged.db'} ")
    assert said.count("damaged.db") == 1
    assert "restore a backup with `fusewatch restore FILE`, or move the file away" in said

    connection = sqlite3.connect(home.database)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    ended = home.call("run")
    assert ended.returncode == 1
    assert "newer" in one_message(ended.stderr)

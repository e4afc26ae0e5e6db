"""What people type: each command in good and in bad worlds, its exit code, and that looking changes nothing."""

import json
import signal
import sys
from decimal import Decimal
from pathlib import Path

from jsonschema import Draft202012Validator

from fusewatch import __version__
from fusewatch.cli import COMMANDS
from fusewatch.demo.standin import DEMO_SECRET_KEY, StandinServer
from fusewatch.demo.standin.troubles import slow
from tests.process.home import Daemon, Home, noon_zone, spend, wait_for
from tests.process.receiver import Answer, Receiver

SIX_MISTAKES = """\
version: 1
timezone: Mars/Olympus
budgets:
  - name: content-team
    limit: €50
    every: fortnight
  - name: content-team
    limit: $5
    every: day
    notify: [pager]
    treshold: [50%]
"""
CAPPED = """\
version: 1
timezone: {zone}
budgets:
  - {{name: cap, each: [feature], limit: $10, every: day}}
"""
DESTINATIONS = """\
version: 1
destinations:
  hook: {{type: webhook, url: "{url}/hook", secret: "${{HOOK_SECRET}}"}}
  chat: {{type: slack, webhook_url: "{url}/services/T0/B0/xyz"}}
  gone: {{type: slack, webhook_url: "{url}/services/T0/B0/gone"}}
  terminal: {{type: console}}
"""
EXPLAINING = (
    sys.executable,
    "-c",
    "import sys\n"
    "from fusewatch.cli import main\n"
    "for name in sys.argv[1:]:\n"
    "    sys.argv = ['fusewatch', name, '--help']\n"
    "    try:\n"
    "        main()\n"
    "    except SystemExit as end:\n"
    "        assert end.code == 0, name\n",
)
"""`--help` of each command that is named, in one process: most of the time goes into loading."""
HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def files(home: Home) -> set[str]:
    return {str(path.relative_to(home.folder)) for path in home.folder.rglob("*")}


def test_every_command_explains_itself_with_an_example(home: Home) -> None:
    overview = home.call("--help")
    assert overview.returncode == 0
    explained = home.call(*COMMANDS, program=EXPLAINING)
    assert explained.returncode == 0, explained.stderr
    for name in COMMANDS:
        assert f"\n  {name} " in overview.stdout
        assert f"\n    fusewatch {name}" in explained.stdout
    assert home.call("--version").stdout == f"{__version__}\n"
    for wrong in (("watch",), ("check", "--no-such-option"), ("demo", "--exit-after", "soon")):
        assert home.call(*wrong).returncode == 2
    assert files(home) == set()


def test_check_names_six_mistakes_with_their_lines_at_once(home: Home) -> None:
    home.write(SIX_MISTAKES)
    ended = home.call("check", "config/budgets.yaml")
    assert ended.returncode == 2
    told = [line for line in ended.stderr.splitlines() if line.startswith("config/budgets.yaml:")]
    lines = [int(line.split(":")[1]) for line in told if line.split(":")[1].isdigit()]
    assert lines == [2, 5, 6, 7, 10, 11]
    for word in ("Mars/Olympus", "USD", "fortnight", "content-team", "pager", "treshold"):
        assert word in ended.stderr

    as_json = home.call("check", "--json")
    assert as_json.returncode == 2
    document = json.loads(as_json.stdout)
    assert document["ok"] is False
    assert [problem["line"] for problem in document["problems"]] == lines
    assert all(problem["what"] for problem in document["problems"])


def test_check_needs_no_variable_and_online_asks_langfuse_and_the_destinations(
    home: Home, langfuse: StandinServer, receiver: Receiver
) -> None:
    home.write(DESTINATIONS.format(url=receiver.url))
    offline = home.call("check", LANGFUSE_PUBLIC_KEY="", LANGFUSE_SECRET_KEY="")
    assert offline.returncode == 0
    assert "HOOK_SECRET" in offline.stdout
    assert langfuse.log == []

    assert home.call("check", "--online").returncode == 2  # the variable is needed now
    good = home.call("check", "--online", "--json", HOOK_SECRET=HOOK_SECRET)
    assert good.returncode == 0
    assert json.loads(good.stdout)["ok"] is True
    assert "project langfuse: Demo on Langfuse" in good.stderr

    bad = home.call("check", "--online", HOOK_SECRET=HOOK_SECRET, LANGFUSE_SECRET_KEY="sk-lf-00000000-wrong")
    assert bad.returncode == 1
    assert "project langfuse: " in bad.stderr
    assert home.call("check", "--online", HOOK_SECRET="whsec_not!base64").returncode == 2
    assert receiver.posts == []


def test_the_schema_is_one_and_accepts_what_check_accepts(home: Home) -> None:
    ended = home.call("schema")
    assert ended.returncode == 0
    schema = json.loads(ended.stdout)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert validator.is_valid({"version": 1, "budgets": [{"name": "cap", "limit": "$5", "every": "day"}]})
    assert not validator.is_valid({"version": 1, "budgets": [{"name": "cap", "limt": "$5", "every": "day"}]})


def test_init_writes_a_file_that_check_accepts_and_never_replaces_one(home: Home, langfuse: StandinServer) -> None:
    langfuse.store.add(
        [
            spend("40", feature="summarization", team="content", ago_s=3600),
            spend("2", feature="search-assist", team="discovery", ago_s=7200),
            spend("1", feature='odd: "name"\n# here', team="content", ago_s=60),
        ]
    )
    ended = home.call("init")
    assert ended.returncode == 0, ended.stderr
    assert "3 generations, $43.00" in ended.stdout
    assert "3 features, 2 teams" in ended.stdout
    text = home.file.read_text(encoding="utf-8")
    for name in ("summarization", "search-assist", "content", "discovery", "gpt-4o"):
        assert name in text
    assert home.call("check").returncode == 0

    again = home.call("init")
    assert again.returncode == 2
    assert "this file is there already" in again.stderr
    assert home.file.read_text(encoding="utf-8") == text
    assert home.call("init", "--force").returncode == 0
    assert home.call("init", "--config", "/proc/nowhere/budgets.yaml").returncode == 2
    refused = home.call("init", "--config", "new.yaml", LANGFUSE_SECRET_KEY="sk-lf-00000000-wrong")
    assert refused.returncode == 1
    assert not (home.folder / "new.yaml").exists()


def test_status_tells_the_same_with_the_daemon_running_and_stopped(home: Home, langfuse: StandinServer) -> None:
    home.write(CAPPED.format(zone=noon_zone()))
    missing = home.call("status")
    assert missing.returncode == 1
    assert missing.stderr == f"fusewatch: there is no database at {home.database} yet; `fusewatch run` makes it\n"
    assert files(home) == {"config", "config/budgets.yaml"}

    langfuse.store.add([spend("12", feature="summarization"), spend("1.25", feature="chat")])
    daemon = home.run()
    wait_for(lambda: daemon.events("notification_sent"), "the notice")
    running = home.call("status")
    assert running.returncode == 0
    for words in ("2 generations, $13.25", "cap feature=summarization", "critical", "120 %", "0 waiting, 0 dead"):
        assert words in running.stdout
    assert daemon.stop() == 0
    document = json.loads(home.call("status", "--json").stdout)
    assert [(line["key"], line["spent"]) for line in document["budgets"]] == [
        ("feature=chat", "1.25"),
        ("feature=summarization", "12"),
    ]
    assert [incident["key"] for incident in document["incidents"]] == ["feature=summarization"]
    assert document["deliveries"] == [{"destination": "terminal", "state": "sent", "count": 1}]


def test_notify_test_says_what_each_receiver_answered(home: Home, receiver: Receiver) -> None:
    receiver.answer("/services/T0/B0/gone", Answer(404, "no_service"))
    home.write(DESTINATIONS.format(url=receiver.url))
    home.env |= {"HOOK_SECRET": HOOK_SECRET, "LANGFUSE_PUBLIC_KEY": "", "LANGFUSE_SECRET_KEY": ""}
    every = home.call("notify-test", "--kind", "escalated")
    assert every.returncode == 1
    said = [line for line in every.stdout.splitlines() if line[:1] in "✓✗"]
    assert [line.partition(":")[0] for line in said] == ["✓ hook", "✓ chat", "✗ gone", "✓ terminal"]
    assert said[0].startswith("✓ hook: escalated: accepted, HTTP 200 (")
    assert "no_service" in said[2]
    assert "● Test message, nothing happened: content-team reached 100 %" in every.stdout
    assert [post.path for post in receiver.posts] == ["/hook", "/services/T0/B0/xyz", "/services/T0/B0/gone"]
    assert receiver.posts[0].headers["webhook-signature"].startswith("v1,")
    assert receiver.posts[0].json["type"] == "fusewatch.sample"
    assert "blocks" in receiver.posts[1].json

    one = home.call("notify-test", "terminal", "--json")
    assert one.returncode == 0
    told = json.loads(one.stdout)
    assert [(line["destination"], line["ok"], line["answer"]) for line in told] == [("terminal", True, "accepted")] * 12
    assert [line["kind"] for line in told][:3] == ["opened", "escalated", "spike"]
    hook = home.call("notify-test", "hook")
    assert hook.returncode == 0
    assert len({post.id for post in receiver.posts[3:]}) == 12
    nobody = home.call("notify-test", "nobody")
    assert nobody.returncode == 2
    assert "there is no destination nobody; choose from hook, chat, gone, terminal" in nobody.stderr


def contents(home: Home) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.folder.rglob("*") if path.is_file() and "-lock" not in path.name}


def test_doctor_finds_nothing_wrong_in_a_good_world_and_changes_nothing(home: Home, receiver: Receiver) -> None:
    home.write(CAPPED.format(zone=noon_zone()))
    before = home.call("doctor")
    assert before.returncode == 0, before.stdout
    assert "there is none at" in before.stdout
    assert files(home) == {"config", "config/budgets.yaml"}

    daemon = home.run()
    wait_for(lambda: daemon.events("history_loaded"), "the first load")
    listen = daemon.url.removeprefix("http://")
    beside = home.call("doctor", FUSEWATCH_LISTEN=listen)
    assert beside.returncode == 0, beside.stdout
    assert f"in use by the daemon (process {daemon.process.pid} on " in beside.stdout
    assert f"alive at {daemon.url}" in beside.stdout
    assert "project langfuse: Demo on Langfuse" in beside.stdout
    assert daemon.stop() == 0
    stood = contents(home)
    after = home.call("doctor", "--json")
    assert {f["what"]: f["ok"] for f in json.loads(after.stdout)}["database"] is True
    assert contents(home) == stood


def test_doctor_names_everything_that_is_wrong_at_once(home: Home, receiver: Receiver) -> None:
    gone = "http://127.0.0.1:1"
    home.write(DESTINATIONS.format(url=gone))
    home.database.write_text("no database")
    taken = receiver.url.removeprefix("http://")
    receiver.answer("/healthz", Answer(body="It works!"))
    ended = home.call(
        "doctor",
        "--json",
        HOOK_SECRET=HOOK_SECRET,
        LANGFUSE_SECRET_KEY="sk-lf-00000000-wrong",
        FUSEWATCH_LISTEN=taken,
    )
    assert ended.returncode == 1
    found = {finding["what"]: finding["ok"] for finding in json.loads(ended.stdout)}
    wrong = {what for what, ok in found.items() if ok is False}
    assert wrong == {
        "database",
        "project langfuse",
        "destination hook",
        "destination chat",
        "destination gone",
        "daemon",
    }
    assert home.database.read_text() == "no database"
    assert DEMO_SECRET_KEY not in ended.stdout
    bad = home.call("doctor", FUSEWATCH_POLL_INTERVAL="never")
    assert bad.returncode == 1
    assert "FUSEWATCH_POLL_INTERVAL" in bad.stdout


def spend_counters(daemon: Daemon) -> dict[str, Decimal]:
    return {name: value for name, value in daemon.metrics().items() if name.startswith("llm_") and "_total" in name}


def test_backfill_reads_older_history_with_the_daemon_running_or_stopped(home: Home, langfuse: StandinServer) -> None:
    home.write(CAPPED.format(zone=noon_zone()) + "history: 2d\n")
    day_s = 86_400
    langfuse.store.add([spend("1.25", ago_s=days * day_s + 3600) for days in range(40, 60)])
    langfuse.store.add([spend("3", ago_s=7200)])
    early = home.call("backfill", "--from", "-50d")
    assert early.returncode == 1
    assert "there is no database" in early.stderr

    daemon = home.run()
    wait_for(lambda: daemon.events("history_loaded"), "the first load")
    counters = spend_counters(daemon)
    assert sum(counters.values()) > 3
    running = home.call("backfill", "--from", "-50d")
    assert running.returncode == 0, running.stderr
    assert "10 rows read, 10 new generations, $12.50 added" in running.stdout
    assert "langfuse: 0 % read, 0 rows" in running.stderr
    assert "langfuse: 100 % read, 10 rows" in running.stderr
    again = home.call("backfill", "--from", "-45d", "--to", "-40d")
    assert "everything there had been read before" in again.stdout
    assert spend_counters(daemon) == counters
    assert daemon.stop() == 0

    stopped = home.call("backfill", "--from", "-70d", "--json", "--project", "langfuse")
    assert stopped.returncode == 0, stopped.stderr
    (told,) = json.loads(stopped.stdout)
    assert (told["rows"], told["new"], told["added_usd"], told["unread_ms"], told["failure"]) == (
        10,
        10,
        "12.5",
        0,
        None,
    )
    assert "21 generations, $28.00" in home.call("status").stdout


def test_backfill_refuses_what_cannot_be_meant_and_says_what_stays_unread(home: Home, langfuse: StandinServer) -> None:
    home.write(CAPPED.format(zone=noon_zone()))
    for wrong, words in (
        (("--from", "yesterday"), 'command line: --from: "yesterday" is neither a date nor an instant'),
        (("--from", "2999-01-01"), "command line: --from: 2999-01-01 is not in the past"),
        (("--from", "-1d", "--to", "-2d"), "command line: --to: -2d is not after --from -1d"),
        (("--from", "-1d", "--project", "nobody"), "there is no project nobody"),
    ):
        refused = home.call("backfill", *wrong)
        assert refused.returncode == 2, refused.stdout
        assert words in refused.stderr
    assert home.call("backfill").returncode == 2

    daemon = home.run()
    wait_for(lambda: daemon.events("history_loaded"), "the first load")
    assert daemon.stop() == 0
    ended = home.call("backfill", "--from", "-400d", "--to", "-399d", LANGFUSE_SECRET_KEY="sk-lf-00000000-wrong")
    assert ended.returncode == 1
    assert "; the same command goes on from here" in ended.stderr


def interrupt_backfill(home: Home, langfuse: StandinServer, sign: signal.Signals) -> None:
    """In the middle: after some of the windows that are left, and before the last."""
    answered = len(langfuse.log)
    langfuse.troubles.add(slow(0.0, times=7), slow(20.0, times=None))
    running = home.start("backfill", "--from", "-111d")
    wait_for(lambda: len(langfuse.log) >= answered + 7, "some windows")
    assert running.stop(sign) != 0
    langfuse.troubles.clear()


def test_backfill_interrupted_or_killed_goes_on_where_it_ended(home: Home, langfuse: StandinServer) -> None:
    home.write(CAPPED.format(zone=noon_zone()) + "history: 2d\n")
    langfuse.store.add([spend("1", ago_s=days * 86_400) for days in range(40, 110)])
    daemon = home.run()
    wait_for(lambda: daemon.events("history_loaded"), "the first load")
    assert daemon.stop() == 0
    interrupt_backfill(home, langfuse, signal.SIGINT)
    interrupt_backfill(home, langfuse, signal.SIGKILL)
    ended = home.call("backfill", "--from", "-111d", "--json")
    assert ended.returncode == 0, ended.stderr
    (told,) = json.loads(ended.stdout)
    assert 0 < told["new"] < 70
    assert "70 generations, $70.00" in home.call("status").stdout

"""`fusewatch backup` and `restore` beside a real daemon."""

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from fusewatch.demo.standin import StandinServer
from tests.process.home import Home, noon_zone, spend, wait_for
from tests.process.receiver import Receiver

HOOKED = """\
version: 1
timezone: {zone}
budgets:
  - {{name: cap, each: [feature], limit: $10, every: day}}
destinations:
  hook: {{type: webhook, url: "{url}/hook"}}
notify: [hook]
"""


def test_a_backup_of_a_running_daemon_is_restored_and_nobody_is_told_twice(
    home: Home, langfuse: StandinServer, receiver: Receiver
) -> None:
    home.write(HOOKED.format(zone=noon_zone(), url=receiver.url))
    langfuse.store.add([spend("1", feature="a")])
    daemon = home.run()
    wait_for(lambda: daemon.events("history_loaded"), "the first load")
    made = home.call("backup", "kept.db", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["generations"] == 1
    langfuse.store.add([spend("12", feature="b")])
    wait_for(lambda: receiver.finished, "the notice of b")

    refused = home.call("restore", "kept.db")
    assert refused.returncode == 1
    assert f"already runs on this database: process {daemon.process.pid}" in refused.stderr
    assert daemon.stop() == 0
    done = home.call("restore", "kept.db")
    assert done.returncode == 0, done.stderr
    assert "Carried over from it: 1 sent messages, 0 silences." in done.stdout
    assert len(list(home.folder.glob("fusewatch.db.before-restore-*"))) == 1

    langfuse.store.add([spend("13", feature="c")])
    again = home.run()
    wait_for(lambda: len(receiver.finished) == 2, "the notice of c")
    assert again.stop() == 0
    assert [post.notices[0]["key"]["feature"] for post in receiver.posts] == ["b", "c"]
    status = json.loads(home.call("status", "--json").stdout)
    assert (status["generations"], status["spend_usd"]) == (3, "26")


def test_what_backup_and_restore_refuse_is_said_in_one_line(home: Home) -> None:
    for arguments, code, said in (
        (("backup", "b.db"), 1, "there is no database at"),
        (("restore", "b.db"), 1, "there is no file b.db"),
        (("backup", "b.db", "--database", "postgresql://u:canary@h/d"), 2, "use pg_dump; docs/backup.md shows how"),
        (("restore", "b.db", "--database", "postgresql+psycopg://u:canary@h/d"), 2, "use pg_restore;"),
    ):
        ended = home.call(*arguments)
        assert ended.returncode == code
        assert said in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
        assert "canary" not in ended.stderr
    home.write("version: 1\nbudgets:\n  - {name: cap, limit: $10, every: day}\n")
    daemon = home.run()
    wait_for(daemon.metrics, "it serves")
    assert daemon.stop() == 0
    assert home.call("backup", "b.db").returncode == 0
    ended = home.call("backup", "b.db")
    assert (ended.returncode, "name another file, or add --force" in ended.stderr) == (2, True)
    assert home.call("backup", "b.db", "--force").returncode == 0


def test_a_database_that_was_damaged_is_refused_with_a_way_out_that_works(home: Home, langfuse: StandinServer) -> None:
    langfuse.store.add(spend("0.5", ago_s=number) for number in range(500))
    home.write("version: 1\nbudgets:\n  - {name: cap, limit: $10000, every: day}\n")
    daemon = home.run()
    wait_for(lambda: daemon.events("history_loaded"), "the first load")
    assert home.call("backup", "kept.db").returncode == 0
    assert daemon.stop() == 0
    whole, chance = home.database.read_bytes(), random.Random(7)
    for damaged in _damages(whole, chance):
        home.database.write_bytes(damaged)
        refused = home.call("run")
        assert refused.returncode == 1, refused
        (line,) = refused.stderr.splitlines()
        assert "restore a backup with `fusewatch restore FILE`, or move the file away" in line
        assert home.database.read_bytes() == damaged

    restored = home.call("restore", "kept.db")
    assert restored.returncode == 0, restored.stderr
    assert "It cannot be read, so messages that were sent since the backup may be sent again." in restored.stdout
    again = home.run()
    wait_for(again.metrics, "it works again")
    assert again.stop() == 0
    assert json.loads(home.call("status", "--json").stdout)["generations"] == 500
    with closing(sqlite3.connect(home.database)) as link:
        assert link.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _damages(whole: bytes, chance: random.Random) -> Iterator[bytes]:
    """Random bytes on random pages, a file cut in half, a header and a schema page of garbage."""
    content = bytearray(whole)
    for page in chance.sample(range(1, len(content) // 4096), 6):
        content[page * 4096 : (page + 1) * 4096] = chance.randbytes(4096)
    yield bytes(content)
    yield whole[: len(whole) // 2]
    yield whole[:16] + chance.randbytes(84) + whole[100:]
    yield whole[:100] + chance.randbytes(3996) + whole[4096:]

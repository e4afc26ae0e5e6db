"""Scheduled exports on the real process: what was missed is made up, a failure is said, counted and in nobody's way."""

import csv
from functools import partial

import pytest

from fusewatch.bootstrap import connect_export
from fusewatch.config.rulefile import load_text
from fusewatch.demo.standin import StandinServer
from fusewatch.ports import AssessUnit
from fusewatch.store import open_store
from tests.process.home import Home, noon_zone, spend, wait_for

RULES = """\
version: 1
timezone: {zone}
budgets:
  - {{name: cap, each: [feature], limit: $10, every: day}}
exports:
  - {{cron: "0 2 * * *", by: [feature, team], to: "csv:{folder}/missing/spend.csv"}}
  - {{cron: "0 2 * * *", by: [feature, team], to: "csv:{folder}/spend.csv"}}
  - {{cron: "0 2 * * *", rows: true, to: "sqlite:///{folder}/warehouse.db"}}
"""


def _written_long_ago(mark: str, unit: AssessUnit) -> None:
    unit.put_mark(mark, 1)


@pytest.mark.slow
def test_missed_exports_are_made_up_once_and_one_that_fails_holds_up_no_other(
    home: Home, langfuse: StandinServer
) -> None:
    langfuse.store.add([spend("1.25", feature="chat"), spend("2.5", feature="chat"), spend("4", feature="search")])
    rules = RULES.format(zone=noon_zone(), folder=home.folder)
    home.write(rules)
    daemon = home.run()
    wait_for(lambda: daemon.events("history_loaded"), "the first load", 30.0)
    # As if all had been written long ago, and the daemon had been down since.
    with open_store(f"sqlite:///{home.database}", holder="test", exclusive=False) as store:
        for entry in load_text(rules, "rules.yaml", {}, secrets=False).exports:
            mark = connect_export(entry).mark
            store.assess(partial(_written_long_ago, mark))
    wait_for(lambda: len(daemon.events("export_written")) == 2, f"both exports; {daemon.stderr}", 45.0)
    with (home.folder / "spend.csv").open(encoding="utf-8", newline="") as lines:
        assert [(row["feature"], row["calls"], row["cost_usd"]) for row in csv.DictReader(lines)] == [
            ("search", "1", "4"),
            ("chat", "2", "3.75"),
        ]
    (failed,) = daemon.events("export_failed")
    assert failed["target"] == f"{home.folder}/missing/spend.csv"
    assert "No such file or directory" in failed["error"]
    assert daemon.metric('fusewatch_exports_total{outcome="written",reason=""}') == 2
    assert daemon.metric('fusewatch_exports_total{outcome="failed",reason="cannot_write"}') == 1
    assert daemon.stop() == 0

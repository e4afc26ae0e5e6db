"""A backtest straight from Langfuse, by the command itself."""

import json

from fusewatch.demo.standin import StandinServer
from tests.process.home import Home, spend

RULES = """\
version: 1
budgets:
  - {name: cap, limit: $10, every: day}
"""
DAY_S = 86_400


def test_the_past_is_read_straight_from_langfuse_and_no_database_is_made(home: Home, langfuse: StandinServer) -> None:
    home.write(RULES)
    langfuse.store.add([spend("12", ago_s=days * DAY_S) for days in range(2, 7)])
    refused = home.call("backtest", "--from", "-4d")
    assert refused.returncode == 1
    assert "there is no database" in refused.stderr

    told = home.call("backtest", "--langfuse", "--from", "-4d", "--json")
    assert told.returncode == 0, told.stderr
    assert "langfuse: 100 % read" in told.stderr
    outcome = json.loads(told.stdout)
    assert [notice["rule"] for notice in outcome["notices"]] == ["cap"] * 3
    assert not home.database.exists()

    wrong = home.call("backtest", "--langfuse", "--from", "-4d", LANGFUSE_SECRET_KEY="sk-lf-00000000-wrong")
    assert wrong.returncode == 1
    assert "Traceback" not in wrong.stderr

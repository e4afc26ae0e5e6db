"""`fusewatch simulate` against the stand-in: every token that it says it sent is in the ledger of a daemon, and in what
is exported from it."""

import csv
import json
import sqlite3
import sys
from dataclasses import dataclass
from typing import Any

from fusewatch.demo.standin import StandinServer
from fusewatch.demo.standin.answers import message
from fusewatch.demo.standin.troubles import Trouble, on_path
from tests.process.home import COMMAND, Home, wait_for

BUDGETS = "version: 1\nhistory: 5d\nbudgets:\n  - {name: cap, limit: $500, every: day}\n"
WITHOUT_SDK = (
    sys.executable,
    "-c",
    "import sys\nsys.modules['langfuse'] = None\nfrom fusewatch.cli import main\nmain()\n",
)
"""The command in an installation without the extra: importing the SDK fails."""


@dataclass(frozen=True, slots=True)
class Spent:
    calls: int
    tokens: int


def ledger(home: Home, column: str) -> dict[str, Spent]:
    """Calls and tokens in the database by a dimension."""
    with sqlite3.connect(f"file:{home.database}?mode=ro", uri=True) as link:
        rows = link.execute(
            f"SELECT d.{column}, count(*), sum(g.total) FROM generation g JOIN dims d ON d.id = g.dims"
            " WHERE g.counted = 1 GROUP BY 1"
        ).fetchall()
    link.close()
    return {value: Spent(calls, tokens) for value, calls, tokens in rows}


def told(document: dict[str, Any], *by: str) -> dict[str, Spent]:
    return {value: Spent(sums["calls"], sums["total_tokens"]) for value, sums in document["by"][by[0]].items()}


def test_every_token_that_simulate_sends_is_in_the_ledger_by_feature_team_and_model(home: Home) -> None:
    home.write(BUDGETS)
    past = home.call("simulate", "--days", "3", "--count", "600", "--spike", "feature=planning,x=3", "--json")
    assert past.returncode == 0, past.stderr
    live = home.call("simulate", "--count", "25", "--rate", "6000", "--seed", "2", "--json")
    assert live.returncode == 0, live.stderr
    documents = [json.loads(done.stdout) for done in (past, live)]
    assert [document["calls"] for document in documents] == [600, 25]
    assert [document["problems"] for document in documents] == [[], []]

    daemon = home.run()
    wait_for(lambda: home.database.exists() and _calls(home) >= 625, "all 625 calls in the ledger", 30)
    for dimension in ("feature", "team", "model"):
        expected: dict[str, Spent] = {}
        for document in documents:
            for value, spent in told(document, dimension).items():
                before = expected.get(value, Spent(0, 0))
                expected[value] = Spent(before.calls + spent.calls, before.tokens + spent.tokens)
        assert ledger(home, dimension) == expected
    assert set(ledger(home, "environment")) == {"simulate"}
    assert set(ledger(home, "provider")) >= {"openai", "anthropic"}
    assert daemon.stop() == 0


def test_every_token_that_simulate_sends_is_in_the_exported_csv(home: Home) -> None:
    home.write(BUDGETS)
    sent = home.call("simulate", "--days", "2", "--count", "300", "--json")
    document = json.loads(sent.stdout)
    daemon = home.run()
    wait_for(lambda: home.database.exists() and _calls(home) >= 300, "all 300 calls in the ledger", 30)
    assert daemon.stop() == 0
    done = home.call("export", "--to", "spend.csv", "--from", "-5d")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((home.folder / "spend.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["feature"]: Spent(int(row["calls"]), int(row["total_tokens"])) for row in rows} == told(
        document, "feature"
    )
    for column in ("calls", "input_tokens", "output_tokens", "total_tokens"):
        assert sum(int(row[column]) for row in rows) == document[column]


def _calls(home: Home) -> int:
    try:
        return sum(spent.calls for spent in ledger(home, "environment").values())
    except sqlite3.OperationalError:  # the daemon has not made its tables yet
        return 0


def test_a_dry_run_sends_nothing_and_says_what_the_same_seed_sends(home: Home, langfuse: StandinServer) -> None:
    shown = home.call("simulate", "--days", "2", "--count", "80", "--dry-run", "--json", LANGFUSE_SECRET_KEY="")
    assert shown.returncode == 0, shown.stderr
    assert langfuse.log == []
    sent = home.call("simulate", "--days", "2", "--count", "80", "--json")
    first, second = json.loads(shown.stdout), json.loads(sent.stdout)
    assert (first.pop("sent"), second.pop("sent")) == (False, True)
    assert first["calls"] == second["calls"] == 80
    table = home.call("simulate", "--count", "30", "--dry-run").stdout
    assert "would send 30 calls" in table
    assert "summarization" in table


def test_a_spike_multiplies_the_tokens_of_its_feature_alone(home: Home) -> None:
    def features(*more: str) -> dict[str, Spent]:
        done = home.call("simulate", "--count", "200", "--dry-run", "--json", *more)
        return told(json.loads(done.stdout), "feature")

    plain, spiking = features(), features("--spike", "feature=summarization,x=4")
    assert 3.9 < spiking["summarization"].tokens / plain["summarization"].tokens < 4.1
    assert {name: spent for name, spent in spiking.items() if name not in {"summarization", "unknown"}} == {
        name: spent for name, spent in plain.items() if name not in {"summarization", "unknown"}
    }


def test_without_keys_without_the_sdk_or_with_wrong_words_it_says_in_one_line_what_to_do(home: Home) -> None:
    cases: tuple[tuple[dict[str, Any], tuple[str, ...], tuple[str, ...], str], ...] = (
        (
            {"LANGFUSE_SECRET_KEY": ""},
            (),
            COMMAND,
            "LANGFUSE_SECRET_KEY is not set, so there is no Langfuse to send to",
        ),
        ({}, (), WITHOUT_SDK, "pip install 'fusewatch[tagging]'"),
        ({}, ("--spike", "feature=sumarization"), COMMAND, 'did you mean "summarization"?'),
        ({}, ("--spike", "summarization"), COMMAND, "write feature=summarization or feature=summarization,x=5"),
        ({}, ("--environment", "langfuse-x"), COMMAND, "Langfuse takes no environment 'langfuse-x'"),
        ({}, ("--duration", "soon"), COMMAND, "write a duration such as"),
        ({}, ("--rate", "0"), COMMAND, "--rate: 0 is not above 0"),
        ({}, ("--days", "400"), COMMAND, "--days: 400 is not above 0 and up to 365"),
    )
    for changes, arguments, program, line in cases:
        done = home.call("simulate", *arguments, program=program, **changes)
        assert done.returncode == 2, done
        assert done.stdout == ""
        assert line in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_langfuse_that_refuses_is_told_with_exit_code_1(home: Home, langfuse: StandinServer) -> None:
    wrong = home.call("simulate", "--count", "5", LANGFUSE_SECRET_KEY="sk-lf-wrong")
    assert wrong.returncode == 1
    assert "did not take the keys: HTTP 401" in wrong.stderr
    nobody = home.call("simulate", "--count", "5", LANGFUSE_BASE_URL="http://127.0.0.1:9")
    assert nobody.returncode == 1
    assert "http://127.0.0.1:9" in nobody.stderr
    langfuse.troubles.add(Trouble(on_path("otel"), times=None, instead=message(400, "Invalid request data")))
    lost = home.call("simulate", "--count", "5", "--rate", "6000", "--json")
    assert lost.returncode == 1
    assert json.loads(lost.stdout)["problems"]
    assert "not everything arrived" in lost.stderr

"""`fusewatch prices` as it is typed, against a Langfuse that answers on loopback as the real one did."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusewatch.demo.standin import DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, StandinServer
from fusewatch.demo.standin import Store as Spans
from fusewatch.demo.standin.troubles import Trouble
from fusewatch.domain.usage import Pricing, Tokens
from fusewatch.runtime import SystemClock
from tests.cli.ledger import call, five, prepared
from tests.store.samples import SEARCH, T0, generation

ACME = SEARCH._replace(model="acme-llm-1", provider="unknown")
PUSH = ("prices", "push", "acme-llm-1", "--input", "3.00", "--output", "15.00")


@pytest.fixture(autouse=True)
def langfuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandinServer]:
    used = Tokens(input=900, output=100, total=1000)
    lost = [
        generation(f"{n:02}" * 8, start_ms=T0 + n, cost_pico=0, pricing=Pricing.UNPRICED, tokens=used, dimensions=ACME)
        for n in range(3)
    ]
    prepared(tmp_path, monkeypatch, [*five(), *lost])
    with StandinServer(Spans([]), now_ms=SystemClock().now_ms) as server:
        monkeypatch.setenv("LANGFUSE_BASE_URL", server.url)
        monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", DEMO_PUBLIC_KEY)
        monkeypatch.setenv("LANGFUSE_SECRET_KEY", DEMO_SECRET_KEY)
        yield server


def sent(server: StandinServer) -> int:
    """How many requests asked Langfuse to change something."""
    return sum(seen.method == "POST" for seen in server.log)


def test_the_list_shows_what_a_million_costs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "prices", "list", "gpt-4o") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["gpt-4o", "(?i)^(openai/)?(gpt-4o)$", "$2.50", "$10.00", "Langfuse"] in lines
    assert [line[0] for line in lines[1:]] == ["gpt-4o", "gpt-4o-mini"]


def test_what_has_no_price_is_counted_by_model(
    langfuse: StandinServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "prices", "missing", "--from", "2025-10") == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == ["production", "acme-llm-1", "3", "3,000", "$0", "none"]
    assert lines[2] == ["production", "gpt-4o", "1", "50", "$0", "none"]
    assert langfuse.log == [], "the ledger alone is asked"
    assert call(monkeypatch, "prices", "missing", "--from", "2025-11") == 0


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(
    langfuse: StandinServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *PUSH, "--dry-run", "--yes") == 0
    said = capsys.readouterr().out
    assert r"acme-llm-1: matches (?i)^(acme\-llm\-1)$; per million tokens: input $3.00, output $15.00" in said
    assert "Nothing was sent." in said
    assert sent(langfuse) == 0


def test_without_a_yes_nothing_is_sent(
    langfuse: StandinServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert call(monkeypatch, *PUSH) == 1
    assert "Add it to Langfuse?" in capsys.readouterr().err
    assert sent(langfuse) == 0


def test_a_price_is_added_once_and_langfuse_then_shows_it(
    langfuse: StandinServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *PUSH, "--yes") == 0
    assert sent(langfuse) == 1
    capsys.readouterr()
    assert call(monkeypatch, "prices", "list", "acme", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "model": "acme-llm-1",
            "match_pattern": r"(?i)^(acme\-llm\-1)$",
            "managed": False,
            "usd_per_million": {"input": "3", "output": "15"},
        }
    ]
    assert call(monkeypatch, *PUSH, "--yes") == 1
    out, err = capsys.readouterr()
    assert "Langfuse prices acme-llm-1 already, as acme-llm-1 (the project's" in out
    assert "Model name 'acme-llm-1' already exists in project" in err


def test_an_answer_that_is_lost_is_not_asked_for_twice(
    langfuse: StandinServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    langfuse.troubles.add(Trouble(where=lambda ask: ask.method == "POST", times=None, cut_at=0.5))
    assert call(monkeypatch, *PUSH, "--yes") == 1
    assert sent(langfuse) == 1


def test_the_budget_files_own_price_is_taken_when_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "prices", "push", "acme-llm-1", "--dry-run") == 2
    assert "--input: no price is given for acme-llm-1" in capsys.readouterr().err
    file = tmp_path / "budgets.yaml"
    file.write_text(file.read_text() + 'prices:\n  - {match: "^acme-", input: 1.25, output: 7, per: 1M}\n')
    assert call(monkeypatch, "prices", "push", "acme-llm-1", "--dry-run") == 0
    assert "input $1.25, output $7.00" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--input", "free"], "--input: free is no price; write it as 3.00"),
        (["--input", "1", "--total", "2"], "--total: it stands in place of --input and --output"),
        (["--input", "1", "--unit", "WORDS"], "--unit: there is no unit WORDS; choose from TOKENS"),
        (["--input", "1", "--match", "^other"], "--match: ^other does not match acme-llm-1"),
        (["--input", "1", "--project", "labs"], "--project: there is no project labs"),
    ],
)
def test_what_cannot_be_meant_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert call(monkeypatch, "prices", "push", "acme-llm-1", *words) == 2
    assert said in capsys.readouterr().err

"""Every command of docs/reports.md runs, on the ledger that its example shows."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusewatch.config.rulefile import load_text
from fusewatch.demo.standin import DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, StandinServer
from fusewatch.demo.standin import Store as Spans
from fusewatch.runtime import SystemClock
from tests.cli.ledger import call, prepared
from tests.store.server import empty_database

PAGE = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [
    *(line.removeprefix("$ ") for block in SHOWN for line in block.splitlines() if line.startswith("$ ")),
    *(words for words in re.findall(r"`(fusewatch (?:report|export|prices) [^`]+)`", PAGE)),
]


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    prepared(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    with StandinServer(Spans([]), now_ms=SystemClock().now_ms) as server:
        monkeypatch.setenv("LANGFUSE_BASE_URL", server.url)
        monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", DEMO_PUBLIC_KEY)
        monkeypatch.setenv("LANGFUSE_SECRET_KEY", DEMO_SECRET_KEY)
        yield


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_runs(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "parquet" in command:
        pytest.importorskip("pyarrow")
    if "postgresql://" in command:
        command = re.sub(r"postgresql://\S+", empty_database(), command)
    expected = 1 if "prices missing" in command else 0
    assert call(monkeypatch, *shlex.split(command)[1:]) == expected


@pytest.mark.usefixtures("ledger")
def test_the_table_that_is_shown_is_what_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *table = SHOWN[0].strip().splitlines()
    assert call(monkeypatch, *shlex.split(command)[2:]) == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert printed[: len(table)] == table


def test_the_budget_file_that_is_shown_is_right_and_wholly_active() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    loaded = load_text(text, "reports.md", {"WAREHOUSE_URL": "postgresql://fuse@warehouse/spend"}, secrets=False)
    assert [export.to.get_secret_value().partition(":")[0] for export in loaded.exports] == [
        "csv",
        "parquet",
        "postgresql",
    ]

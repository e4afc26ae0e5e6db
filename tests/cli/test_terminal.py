"""What a terminal shows: colours only there, nothing that matters cut, examples in every help, names after Tab."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fusewatch.cli import COMMANDS
from fusewatch.demo.standin import DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, StandinServer, Store
from fusewatch.demo.standin.troubles import slow
from fusewatch.runtime import SystemClock
from tests.cli.ledger import prepared
from tests.cli.terminal import ESCAPE, PROGRAM, typed
from tests.docs.blocks import ROOT
from tests.docs.claims import parses, until_operator

KEPT = ("PATH", "LANG", "PYTHONPATH", "LD_LIBRARY_PATH")
GROUPS = {
    "silence": ("add", "list", "end"),
    "prices": ("list", "missing", "push"),
    "report": ("spend", "users", "sessions", "top-traces", "trend", "average", "trace", "month"),
}
PATHS = [*COMMANDS, *(f"{group} {name}" for group, names in GROUPS.items() for name in names)]
HELP = (
    "import sys\n"
    "from fusewatch.cli import main\n"
    "for path in sys.argv[1:]:\n"
    "    sys.argv = ['fusewatch', *path.split(), '--help']\n"
    "    print('#', path)\n"
    "    try:\n"
    "        main()\n"
    "    except SystemExit as end:\n"
    "        assert end.code == 0, path\n"
)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    url = prepared(tmp_path, monkeypatch)
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {
        "FUSEWATCH_CONFIG": str(tmp_path / "budgets.yaml"),
        "FUSEWATCH_DATABASE_URL": url,
        "HOME": str(tmp_path),
        "TERM": "xterm-256color",
    }


# ---------------------------------------------------------------- help


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    command = [sys.executable, "-c", HELP, *PATHS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    parts = re.split(r"^# (.+)\n", done.stdout, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_command_has_examples_and_each_is_understood(helps: dict[str, str]) -> None:
    assert set(helps) == set(PATHS)
    for path, text in helps.items():
        examples = re.findall(r"^    (fusewatch .+)$", text.partition("  Examples:\n")[2], re.MULTILINE)
        assert examples, path
        assert any(example.startswith(f"fusewatch {path}") for example in examples), path
        for example in examples:
            parses(until_operator(shlex.split(example)[1:]))
        assert "For example" not in text, path


# ---------------------------------------------------------------- colours and widths


def test_colours_are_for_terminals_and_no_color_takes_them_away(environment: dict[str, str]) -> None:
    assert ESCAPE.search(typed(environment, "report", "spend"))
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", typed(environment | {"NO_COLOR": "1"}, "status"))
    piped = subprocess.run([*PROGRAM, "report", "spend"], env=environment, capture_output=True, timeout=60, check=True)
    assert b"\x1b" not in piped.stdout


@pytest.mark.parametrize("columns", [40, 80])
def test_no_amount_and_no_id_is_cut_in_a_narrow_terminal(environment: dict[str, str], columns: int) -> None:
    traces = ESCAPE.sub("", typed(environment, "report", "top-traces", "--from", "2025-10", columns=columns))
    for name in ("1a", "2b", "3c"):
        assert name * 16 in traces
    spend = ESCAPE.sub("", typed(environment, "report", "spend", columns=columns))
    for amount in ("$0.000053", "$0.000012", "$0.00021", "$0.00028"):
        assert amount in spend
    assert "…" not in traces + spend


def test_a_wide_terminal_shows_every_column(environment: dict[str, str]) -> None:
    shown = ESCAPE.sub("", typed(environment, "report", "top-traces", "--from", "2025-10", columns=200))
    for name in ("started", "team", "total tokens", "Langfuse cost", "our estimate"):
        assert name in shown


# ---------------------------------------------------------------- waiting


def test_whoever_waits_for_more_than_a_second_sees_for_what_and_only_in_a_terminal(
    environment: dict[str, str],
) -> None:
    with StandinServer(Store(), now_ms=SystemClock().now_ms) as langfuse:
        langfuse.troubles.add(slow(1.0, times=None))
        keys = {
            "LANGFUSE_PUBLIC_KEY": DEMO_PUBLIC_KEY,
            "LANGFUSE_SECRET_KEY": DEMO_SECRET_KEY,
            "LANGFUSE_BASE_URL": langfuse.url,
        }
        there = environment | keys
        assert "Asking langfuse" in typed(there, "check", "--online")
        piped = subprocess.run([*PROGRAM, "check", "--online"], env=there, capture_output=True, timeout=60, check=False)
    assert b"Asking" not in piped.stdout + piped.stderr


# ---------------------------------------------------------------- completion


def completed(environment: dict[str, str], line: str, shell: str = "bash") -> list[str]:
    """What the shell is offered with the cursor at the end of the line."""
    words = line.split(" ")
    asked = {"_FUSEWATCH_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        asked |= {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    else:
        asked |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    program = [sys.executable, "-c", "import sys; sys.argv = ['fusewatch']; from fusewatch.cli import main; main()"]
    done = subprocess.run(program, env=environment | asked, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("fusewatch bac", {"backfill", "backtest", "backup"}),
        ("fusewatch backtest --com", {"--compare"}),
        ("fusewatch silence a", {"add"}),
        ("fusewatch report spend --ti", {"--timezone"}),
        ("fusewatch why a", {"all"}),
        ("fusewatch backtest --rule ", {"all"}),
        ("fusewatch notify-test ter", {"terminal"}),
        ("fusewatch notify-test --kind dig", {"digest"}),
        ("fusewatch report spend --by feature,te", {"feature,team"}),
        ("fusewatch incidents Z", set()),
        ("fusewatch silence end Z", set()),
    ],
)
def test_tab_offers_commands_options_and_names(environment: dict[str, str], line: str, offered: set[str]) -> None:
    assert set(completed(environment, line)) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_asks_in_its_own_way_and_is_answered(environment: dict[str, str], shell: str) -> None:
    assert "backtest" in " ".join(completed(environment, "fusewatch backt", shell))
    assert "--compare" in " ".join(completed(environment, "fusewatch backtest --comp", shell))


def test_tab_offers_the_ids_that_the_database_holds(environment: dict[str, str]) -> None:
    made = [*PROGRAM, "silence", "add", "--for", "2h", "--rule", "all", "--comment", "a test", "--json"]
    done = subprocess.run(made, env=environment, capture_output=True, text=True, timeout=60, check=True)
    (offered,) = completed(environment, "fusewatch silence end ")
    assert f'"{offered}"' in done.stdout


def test_tab_offers_nothing_and_complains_of_nothing_where_there_is_no_file(environment: dict[str, str]) -> None:
    nowhere = {"FUSEWATCH_CONFIG": "/nowhere/budgets.yaml", "FUSEWATCH_DATABASE_URL": "sqlite:////nowhere/fuse.db"}
    assert completed(environment | nowhere, "fusewatch why ") == []
    assert completed(environment | nowhere, "fusewatch incidents ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_each_shell_is_printed(environment: dict[str, str], shell: str) -> None:
    program = [sys.executable, "-c", "import sys; from fusewatch.cli import main; main()", "--show-completion", shell]
    switched = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(program, env=environment | switched, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "COMPLETE" in done.stdout
    assert str(ROOT) not in done.stdout

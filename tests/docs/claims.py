"""Who answers for a block: a handler that checks or runs it. What no handler claims is a mistake of the page."""

import importlib.util
import json
import re
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import typer
from ruamel.yaml import YAML
from typer._click.exceptions import MissingParameter, NoArgsIsHelpError

from fusewatch import cli
from fusewatch.config.rulefile import load
from fusewatch.config.settings import Settings, variable_of
from tests.docs.blocks import ROOT, Block, Command

_FOREIGN = """
apt-get cat cd chmod cp createdb crontab docker git grep helm install jq kubectl mkdir mv npm openssl pg_dump pip
promtool psql python3 rm sqlite3 sudo systemctl systemd-run tar uv
"""
FOREIGN = frozenset(_FOREIGN.split())
"""Programs that are not ours: that the shell understands the line is all that is checked here."""

COMPLETION = frozenset({"--install-completion", "--show-completion"})
STAY = frozenset({"run", "demo"})
ASKS = frozenset({"forget", "restore"})
SENDS = frozenset({"simulate"})
"""Commands that stay up, ask, or need the SDK: parsed, and run in tests of their own."""

MAY_SAY_NO = (("prices", "missing"), ("doctor",), ("check", "--online"))
RUN_ELSEWHERE = {"reports.md": "test_reports.py", "quickstart.md": "test_quickstart.py"}
"""Pages whose commands run in a test of their own, in a world that fits them."""

_OTHER_YAML = {
    "scrape_configs": "Prometheus",
    "display_information": "Slack",
    "services": "Compose",
    "apiVersion": "Kubernetes",
    "groups": "Prometheus",
    "route": "Alertmanager",
}
_LISTED = {"factor": "spikes", "method": "spikes", "of": "spikes", "limit": "budgets", "cron": "exports"}
_RULE = "budgets: [{name: any, limit: $5, every: day}]\n"


def budget_file(text: str) -> str:
    """A whole budget file around a part of one."""
    if text.startswith("- "):
        part = next(part for key, part in _LISTED.items() if re.search(rf"\b{key}:", text))
        text = f"{part}:\n{text}"
    has_rule = re.search(r"^(budgets|spikes|watch):", text, re.MULTILINE)
    return ("" if text.startswith("version:") else "version: 1\n") + text + ("" if has_rule else _RULE)


def claim_yaml(block: Block, folder: Path) -> str:
    """A budget file, or a part of one, passes the real check and is wholly active; other files are what they say."""
    document = YAML(typ="safe", pure=True).load(block.text)
    if isinstance(document, dict):
        first = next((kind for key, kind in _OTHER_YAML.items() if key in document), None)
        if first is not None:
            return first
        if "tests" in document:
            path = folder / "rules.test.yaml"
            path.write_text(block.text, encoding="utf-8")
            assert cli_exit("test", str(path)) == 0
            return "rule test"
    path = folder / "budgets.yaml"
    path.write_text(budget_file(block.text), encoding="utf-8")
    assert cli_exit("check", str(path)) == 0
    assert load(path, {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/x"}, secrets=False)
    return "budget file"


def claim_python(block: Block) -> str:
    compile(block.text, str(block), "exec")
    return "python"


def claim_json(block: Block) -> str:
    json.loads(block.text)
    return "json"


def parses(arguments: Sequence[str]) -> None:
    """The real parser takes these words; nothing is run. AssertionError with its own words otherwise."""
    app = typer.main.get_command(cli._app(list(arguments)))
    if len(arguments) == 1 and arguments[0] in COMPLETION:
        # Parsing would already write to the files of the shell.
        assert any(arguments[0] in parameter.opts for parameter in app.params)
        return
    said, problem = StringIO(), ""
    try:
        with redirect_stderr(said):
            context = app.make_context("fusewatch", list(arguments))
            while hasattr(context.command, "resolve_command"):
                rest = [*context._protected_args, *context.args]
                if not rest:
                    break
                name, command, rest = context.command.resolve_command(context, rest)
                assert command is not None
                context = command.make_context(name, rest, parent=context)
    except typer.Exit as end:
        problem = said.getvalue() if end.exit_code else ""
    except (NoArgsIsHelpError, MissingParameter) as error:
        # In running text a command is often only named.
        problem = "" if all(re.fullmatch("[a-z-]+", word) for word in arguments) else str(error)
    except Exception as error:
        raise AssertionError(f"fusewatch {shlex.join(arguments)}: {error}") from error
    assert problem == "", f"fusewatch {shlex.join(arguments)}: {problem}"


def claim_command(command: Command, place: str) -> str:
    """What a command is: `fusewatch` with words that parse, a target of make, curl, or a program that is not ours."""
    done = subprocess.run(["bash", "-n", "-c", command.text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{place}: {done.stderr}"
    first = command.text.split("\n<<", maxsplit=1)[0] if "<<" not in command.text else command.text.splitlines()[0]
    words = shlex.split(first.replace("\\\n", " "), comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        known(words.pop(0).partition("=")[0], place)
    assert words, f"{place}: nothing but variables"
    program = words[0].rpartition("/")[2]
    match program:
        case "fusewatch":
            parses(until_operator(words[1:]))
        case "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE), place
        case "export":
            for word in words[1:]:
                known(word.partition("=")[0], place)
        case "curl":
            pass
        case "python" if words[1:2] == ["-m"]:
            assert importlib.util.find_spec(words[2]), f"{place}: there is no {words[2]}"
        case _:
            assert program in FOREIGN, f"{place}: nobody answers for {program}"
    return program


def known(variable: str, place: str) -> None:
    """Our variables exist; others are a page's own."""
    if variable.startswith(("LANGFUSE_", "FUSEWATCH_", "SLACK_")):
        names = {variable_of(field) for field in Settings.model_fields} | {"LANGFUSE_HOST"}
        assert variable.removesuffix("_FILE") in names, f"{place}: there is no variable {variable}"


def until_operator(words: Sequence[str]) -> list[str]:
    """The words of the first command of a line."""
    return list(
        words[: next((i for i, w in enumerate(words) if w in ("|", "&&", "&", ";", ">", ">>", "2>", "<")), None)]
    )


def runs(command: Command) -> bool:
    """Whether a command is run in the prepared world."""
    program = command.text.split()[0].rpartition("/")[2]
    if "…" in command.text or "example.com" in command.text:
        return False
    words = command.text.split()
    if program == "curl":
        return "localhost:9469" in command.text or "127.0.0.1:9469" in command.text
    if program != "fusewatch" or words[1] in STAY | ASKS | COMPLETION:
        return False
    if words[1] in SENDS or words[1:3] == ["prices", "push"]:
        return "--dry-run" in words
    return not any(scheme in command.text for scheme in ("postgresql:", ".parquet"))


def may_say_no(text: str) -> bool:
    words = text.split()[1:]
    return any(all(word in words for word in wanted) for wanted in MAY_SAY_NO)


def cli_exit(*arguments: str) -> int:
    """The exit code of a command in this process."""
    try:
        cli._app(list(arguments))(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0

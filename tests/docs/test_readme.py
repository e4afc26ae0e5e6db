"""Every example, command, variable, metric and link in the README exists and works."""

import re
from pathlib import Path

import pytest

from fusewatch.cli import COMMANDS
from fusewatch.config.rulefile import load_text
from fusewatch.config.settings import Settings, variable_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
YAML = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("text", [t for t in YAML if t.startswith("version:")])
def test_the_readmes_budget_files_are_right(text: str) -> None:
    loaded = load_text(text, "README.md", {}, secrets=False)
    assert loaded.rules.budgets


def test_the_readme_names_every_command_and_no_other() -> None:
    assert set(re.findall(r"`fusewatch ([a-z-]+)[^`]*`", README)) == set(COMMANDS)


def test_every_variable_of_the_readme_is_read_and_every_one_that_is_read_is_named() -> None:
    section = README.split("## Settings")[1].split("## Commands")[0]
    named = set(re.findall(r"`((?:LANGFUSE|FUSEWATCH|SLACK)_[A-Z_]+)", section))
    read = {variable_of(field) for field in Settings.model_fields}
    assert named - {"LANGFUSE_HOST", "LANGFUSE_SECRET_KEY_FILE"} == read


def test_every_metric_of_the_readme_is_exposed() -> None:
    golden = (ROOT / "tests" / "web" / "golden" / "metrics.txt").read_text(encoding="utf-8")
    exposed = set(re.findall(r"^# TYPE (\S+)", golden, re.MULTILINE))
    named = set(re.findall(r"`((?:llm|fusewatch)_[a-z_]+)`", README))
    assert named
    assert named <= exposed
    assert {name for name in exposed if name.startswith("llm_")} <= named


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_every_link_of_the_readme_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()

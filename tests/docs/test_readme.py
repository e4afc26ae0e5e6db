"""The README is short, and its pages name every command, variable and metric that exists, and no other."""

import re
from pathlib import Path

import pytest

from fusewatch.cli import COMMANDS
from fusewatch.config.rulefile import load_text
from fusewatch.config.settings import Settings, variable_of
from tests.docs.blocks import ROOT, blocks_of

README = (ROOT / "README.md").read_text(encoding="utf-8")
NO_METRICS = {"llm_spend", "llm_generations", "fusewatch_export"}
"""Tables of exports."""


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_the_readme_is_short_and_its_budget_file_has_ten_lines() -> None:
    assert len(README.splitlines()) < 100
    (example,) = [block.text for block in blocks_of(ROOT / "README.md") if block.language == "yaml"]
    assert len(example.splitlines()) == 10
    loaded = load_text(
        example, "README.md", {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/x"}, secrets=False
    )
    assert loaded.rules.budgets


def test_the_page_of_commands_names_every_command_and_no_other() -> None:
    assert set(re.findall(r"^\| `fusewatch ([a-z-]+)[^`]*`", page("commands.md"), re.MULTILINE)) == set(COMMANDS)


def test_every_variable_of_the_settings_is_read_and_every_one_that_is_read_is_named() -> None:
    named = set(re.findall(r"`((?:LANGFUSE|FUSEWATCH|SLACK)_[A-Z_]+)", page("settings.md")))
    read = {variable_of(field) for field in Settings.model_fields}
    assert named - {"LANGFUSE_HOST", "LANGFUSE_SECRET_KEY_FILE"} == read


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name)
def test_every_metric_that_a_page_names_is_exposed(path: Path) -> None:
    golden = (ROOT / "tests" / "web" / "golden" / "metrics.txt").read_text(encoding="utf-8")
    exposed = set(re.findall(r"^# TYPE (\S+)", golden, re.MULTILINE))
    named = set(re.findall(r"`((?:llm|fusewatch)_[a-z_]*[a-z])[`{]", path.read_text(encoding="utf-8")))
    named = {re.sub("_(count|sum|bucket)$", "", name) for name in named}
    assert named - exposed - NO_METRICS == set()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)\)", README))))
def test_every_link_of_the_readme_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_the_list_of_pages_names_every_page() -> None:
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages - set(re.findall(r"\]\(([\w.-]+\.md)\)", page("README.md"))) == set()

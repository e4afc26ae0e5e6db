"""docs/deploy.md and docs/alerts.md: what they name exists."""

import re

import pytest

from fusewatch.cli import COMMANDS
from tests.operations.shipped import ROOT, exposed, is_ours, settings_variables
from tests.packaging.declared import project_version

PAGES = ("deploy.md", "alerts.md", "metrics.md")
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_path_and_link_leads_somewhere(name: str) -> None:
    paths = set(re.findall(r"(?<![\w/])(?:config|docs)/[\w./-]*\w", page(name)))
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", page(name))
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_variable_metric_and_command_exists(name: str) -> None:
    words = set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", page(name)))
    assert {word for word in words if is_ours(word)} - settings_variables() == set()
    metrics = {word for word in re.findall(r"\b(?:fusewatch|llm)_[a-z_]+\b", page(name)) if not word.endswith("_")}
    assert metrics - exposed() - {"llm_request_duration_seconds", "fusewatch_poll_duration_seconds"} == set()
    assert set(re.findall(r"(?:`|bin/)fusewatch ([a-z-]+)", page(name))) - set(COMMANDS) == set()


def test_the_image_is_built_under_the_name_that_the_manifests_run() -> None:
    assert f"docker build -t fusewatch:{project_version()} ." in DEPLOY


def test_the_unit_finds_what_the_page_installs() -> None:
    unit = (ROOT / "config" / "systemd" / "fusewatch.service").read_text(encoding="utf-8")
    for path in ("/opt/fusewatch", "/etc/fusewatch/budgets.yaml", "/etc/fusewatch/environment", "/var/lib/fusewatch"):
        assert path in unit
        assert path in DEPLOY

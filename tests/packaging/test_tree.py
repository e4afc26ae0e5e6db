"""What lies at the top of the project, and what its documents point at."""

import re
from fnmatch import fnmatch

import pytest

from tests.packaging import ROOT
from tests.packaging.declared import read

TOP_LEVEL = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "README.md",
    "config",
    "docs",
    "pyproject.toml",
    "requirements-build.lock",
    "requirements-dev.lock",
    "requirements.lock",
    "service",
    "tests",
}


def test_the_top_level_holds_what_every_such_project_has_and_nothing_else() -> None:
    ignored = [line.rstrip("/") for line in read(".gitignore").splitlines() if line and not line.startswith("#")]
    present = {
        path.name
        for path in ROOT.iterdir()
        if not path.name.startswith(".") and not any(fnmatch(path.name, pattern) for pattern in ignored)
    }
    assert present == TOP_LEVEL


def test_the_source_root_holds_the_package_alone() -> None:
    assert [p.name for p in (ROOT / "service").iterdir() if p.suffix != ".egg-info"] == ["fusewatch"]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_path_of_ours_that_a_page_names_exists(page: str) -> None:
    text = read(page)
    named = set(re.findall(r"`((?:service|tests|docs|config)/[^`]*)`", text))
    named |= {link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link}
    assert [path for path in sorted(named) if "KIND" not in path and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md"])
def test_every_target_of_make_that_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:^ {4}|`)make ([a-z-]+)", read(page), re.MULTILINE))
    assert named - targets == set()


def test_the_licence_is_mit_and_names_the_authors() -> None:
    lines = read("LICENSE").splitlines()
    assert lines[0] == "MIT License"
    assert lines[2] == "Copyright (c) 2026 The Fusewatch authors"

"""What CI does, and that nothing is skipped there."""

import os
import re
import subprocess

import pytest

from tests.packaging import ROOT
from tests.packaging.declared import read

pytest_plugins = ["pytester"]

SKIPPING = """
import pytest

def test_runs(): pass

def test_skips(): pytest.skip("promtool is not installed")

@pytest.mark.skipif(True, reason="chromium is not installed")
def test_is_skipped(): pass

@pytest.mark.xfail(strict=True)
def test_is_known_to_fail(): assert False
"""


def test_ci_runs_the_test_command_of_the_readme_and_the_checks() -> None:
    assert "make test" in read("README.md")
    assert re.search(r"^make test$.*^make check -o test\b", read(".ci/run"), re.MULTILINE | re.DOTALL)


def test_only_the_tests_are_left_out_of_the_checks_that_follow_them() -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "check", "-o", "test"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for command in ("ruff format --check", "ruff check", "mypy", "lint-imports"):
        assert command in planned
    assert "pytest" not in planned


def test_the_script_of_ci_is_executable_and_stops_at_the_first_error() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert read(".ci/run").startswith("#!/usr/bin/env bash\n")
    assert re.search(r"^set -euo pipefail$", read(".ci/run"), re.MULTILINE)
    subprocess.run(["bash", "-n", ".ci/run"], cwd=ROOT, check=True)


def test_on_a_machine_without_the_tools_a_test_may_be_skipped(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FUSEWATCH_REQUIRE_TOOLS", raising=False)
    pytester.makepyfile(SKIPPING)
    result = pytester.runpytest("-p", "tests.packaging.require_tools")
    result.assert_outcomes(passed=1, skipped=2, xfailed=1)


def test_in_ci_a_skipped_test_fails_and_says_which_tool_it_wanted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSEWATCH_REQUIRE_TOOLS", "1")
    pytester.makepyfile(SKIPPING)
    result = pytester.runpytest("-p", "tests.packaging.require_tools")
    result.assert_outcomes(passed=1, failed=1, errors=1, xfailed=1)
    for wanted in ("promtool", "chromium"):
        result.stdout.fnmatch_lines([f"*{wanted} is not installed*allows no test to be skipped*"])


def test_in_ci_a_module_that_skips_itself_fails_too(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSEWATCH_REQUIRE_TOOLS", "1")
    pytester.makepyfile('import pytest\npytest.importorskip("no_such_module")')
    result = pytester.runpytest("-p", "tests.packaging.require_tools")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no_such_module*allows no test to be skipped*"])


def test_ci_allows_no_skip() -> None:
    assert re.search(r"^export FUSEWATCH_REQUIRE_TOOLS=1$", read(".ci/run"), re.MULTILINE)

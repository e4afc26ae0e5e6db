"""The budget files of docs/destinations.md are right and wholly active."""

import re
from pathlib import Path

import pytest

from fusewatch.config.rulefile import load_text

TEXT = (Path(__file__).parents[2] / "docs" / "destinations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
def test_every_example_of_destinations_is_right_and_wholly_active(text: str) -> None:
    loaded = load_text(text, "destinations.md", {}, secrets=False)
    assert loaded.rules.budgets

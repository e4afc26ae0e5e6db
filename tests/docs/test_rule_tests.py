"""Every example of docs/rule-tests.md, and every test file that the project ships, passes."""

import re
from pathlib import Path

import pytest

from fusewatch.app.ruletests import verify
from fusewatch.config.testfile import RuleTests, load_tests, load_tests_text

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "rule-tests.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
SHIPPED = sorted((ROOT / "config" / "tests").glob("*.yaml"))


def failures(file: RuleTests) -> list[str]:
    verified = [verify(test, file.loaded.rules) for test in file.tests]
    return [f"{v.test.name}: missing {v.missing}, unexpected {v.unexpected}" for v in verified if not v.passed]


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_in_the_docs_of_rule_tests_passes(text: str) -> None:
    file = load_tests_text(text, "rule-tests.md", {}, folder=ROOT / "docs")
    assert file.tests
    assert failures(file) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_budget_file_does_what_its_tests_say(path: Path) -> None:
    assert failures(load_tests(path, {})) == []


def test_each_shipped_budget_file_has_tests() -> None:
    tested = {test.read_text(encoding="utf-8").split("rules: ../")[1].split("\n")[0] for test in SHIPPED}
    assert tested == {path.name for path in (ROOT / "config").glob("*.yaml")} - {"compose.yaml"}

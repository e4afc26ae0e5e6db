"""Folders, texts that are stored and loaded again, and the revision of their meaning."""

from pathlib import Path

import pytest

from fusewatch.config.rulefile import load, load_text
from fusewatch.errors import ConfigError
from tests.config.reading import ALL_VARIABLES, GOOD, KEYS, read


def test_a_folder_is_read_in_the_order_of_its_names_and_its_lists_are_joined() -> None:
    loaded = load(GOOD / "folder", KEYS, secrets=True)
    assert [rule.name for rule in loaded.rules.rules] == ["everything", "content-team", "twice-the-average"]
    assert set(loaded.rules.destinations) == {"finops", "content", "terminal"}
    assert loaded.rules.destinations["content"].timezone == "Europe/Berlin"
    assert loaded.rules.notify == ("finops",)
    assert [path.name for path in loaded.files] == ["10-settings.yaml", "20-content.yml", "30-spikes.yaml"]


@pytest.mark.parametrize("name", ["three-lines.yaml", "complete.yaml", "folder"])
def test_the_stored_text_of_a_configuration_loads_to_the_same_rules(name: str) -> None:
    loaded = load(GOOD / name, {**KEYS, **ALL_VARIABLES}, secrets=True)
    again = load_text(loaded.text, "the last good rules", {**KEYS, **ALL_VARIABLES}, secrets=True)
    assert again.rules == loaded.rules
    assert again.text == loaded.text
    assert again.projects == loaded.projects
    assert again.destinations == loaded.destinations
    assert again.files == ()


def test_a_stored_folder_tells_the_lines_of_its_own_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\n# no newline at the end")
    (tmp_path / "b.yaml").write_text("\r\nprices: []\r\n")
    (tmp_path / ".hidden.yaml").write_text("not: read")
    loaded = load(tmp_path, KEYS, secrets=True)
    broken = loaded.text.replace("prices", "pricse")
    with pytest.raises(ConfigError) as caught:
        load_text(broken, "stored", KEYS, secrets=True)
    assert str(caught.value) == 'stored/b.yaml:2: pricse: unknown key "pricse"; did you mean "prices"?'


def test_a_file_that_looks_like_a_stored_folder_is_stored_as_one_that_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "budgets.yaml"
    path.write_text('#% fusewatch files: [["x", 1]]\nversion: 1\ntimezone: Asia/Kolkata\n')
    loaded = load(path, KEYS, secrets=True)
    assert loaded.rules.calendar.timezone == "Asia/Kolkata"
    assert load_text(loaded.text, "stored", KEYS, secrets=True).rules == loaded.rules


def test_a_damaged_stored_folder_is_told() -> None:
    for header in ("{", "[[1]]", '[["a", "b"]]', "[" * 5000, '{"a": 1}', "3", '[["a", null]]'):
        with pytest.raises(ConfigError):
            load_text(f"#% fusewatch files: {header}\nversion: 1\n", "stored", KEYS, secrets=True)


# ---------------------------------------------------------------- revision


def revision(text: str) -> str:
    return read(text).rules.revision


def test_the_revision_is_that_of_the_meaning_not_of_the_text() -> None:
    short = revision("budgets: [{name: a, limit: $5, every: day}]\n")
    assert short == revision(
        "# a comment\ntimezone: UTC\nhistory: 35d\nbudgets:\n"
        "  - every: day\n    name: a\n    limit: 5.00 USD\n    thresholds: [50%, 80%, 100%]\n"
    )
    assert len(short) == 24


@pytest.mark.parametrize(
    "change",
    [
        "budgets: [{name: a, limit: $6, every: day}]\n",
        "budgets: [{name: b, limit: $5, every: day}]\n",
        "budgets: [{name: a, limit: 5 tokens, every: day}]\n",
        "budgets: [{name: a, limit: $5, every: week}]\n",
        "budgets: [{name: a, limit: $5, every: day, each: [team]}]\n",
        "budgets: [{name: a, limit: $5, every: day, notify: []}]\n",
        "budgets: [{name: a, limit: $5, every: day, thresholds: [50%]}]\n",
        "timezone: Asia/Kolkata\nbudgets: [{name: a, limit: $5, every: day}]\n",
        "environments: {exclude: []}\nbudgets: [{name: a, limit: $5, every: day}]\n",
        "watch: {unreadable: false}\nbudgets: [{name: a, limit: $5, every: day}]\n",
    ],
)
def test_a_change_of_meaning_is_another_revision(change: str) -> None:
    assert revision(change) != revision("budgets: [{name: a, limit: $5, every: day}]\n")

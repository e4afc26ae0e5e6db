"""`fusewatch forget` as it is typed."""

import json
from pathlib import Path

import pytest

from fusewatch.cli import main
from tests.store.samples import fresh_url, generation, opened, record

BUDGETS = "version: 1\nbudgets:\n  - {name: users, each: [user], limit: $10, every: day}\n"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database that knows ann, and the budget file beside it."""
    (tmp_path / "budgets.yaml").write_text(BUDGETS)
    monkeypatch.setenv("FUSEWATCH_CONFIG", str(tmp_path / "budgets.yaml"))
    made = fresh_url(tmp_path)
    with opened(made) as store:
        record(store, [generation(user="ann@example.com"), generation("0b" * 8, user="bob")])
    return made


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["fusewatch", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_it_says_what_it_did_and_that_langfuse_must_be_asked_separately(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call(monkeypatch, "forget", "--user", " ann@example.com ", "--yes", "--database", url) == 0
    said = capsys.readouterr().out
    assert "Forgotten: 1 rows, 0 incidents, 0 messages." in said
    assert "Langfuse itself still holds" in said
    assert [path.name for path in tmp_path.glob("fusewatch.db*") if b"ann@example.com" in path.read_bytes()] == []


def test_the_same_for_programs(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "forget", "--user", "ann@example.com", "--yes", "--json", "--database", url) == 0
    assert json.loads(capsys.readouterr().out) == {
        "known": True,
        "rows": 1,
        "incidents": 0,
        "messages": 0,
        "files_are_clean": True,
        "named_in_budget_file": False,
    }


def test_an_unknown_user_ends_with_one(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "forget", "--user", "ann", "--yes", "--database", url) == 1
    assert 'no user "ann" is known' in capsys.readouterr().err


@pytest.mark.parametrize("nobody", ["", "unknown", "forgotten"])
def test_who_is_nobody_is_wrong_use(url: str, monkeypatch: pytest.MonkeyPatch, nobody: str) -> None:
    assert call(monkeypatch, "forget", "--user", nobody, "--yes", "--database", url) == 2


def test_a_budget_file_that_names_the_user_is_said(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "budgets.yaml").write_text(BUDGETS.replace("each: [user]", "where: {user: ann@example.com}"))
    assert call(monkeypatch, "forget", "--user", "ann@example.com", "--yes", "--database", url) == 0
    assert "The budget file names the user" in capsys.readouterr().out

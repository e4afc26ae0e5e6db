"""Every bad file is pinned to its exact messages; UPDATE_GOLDEN=1 writes them anew."""

import os
from pathlib import Path

import pytest

from fusewatch.config.rulefile import load
from fusewatch.errors import ConfigError

BAD = Path(__file__).parent / "bad"
CASES = sorted(path.name for path in BAD.iterdir() if path.suffix != ".txt")


def messages(name: str) -> str:
    """What is told about a bad file, with paths as they would be inside its folder."""
    with pytest.raises(ConfigError) as caught:
        load(BAD / name, {}, secrets=False)
    return str(caught.value).replace(f"{BAD}{os.sep}", "") + "\n"


@pytest.mark.parametrize("name", CASES)
def test_a_bad_file_is_told_exactly_so_golden(name: str) -> None:
    golden = BAD / f"{name}.txt"
    found = messages(name)
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def test_each_golden_file_belongs_to_a_bad_file() -> None:
    assert sorted(path.name.removesuffix(".txt") for path in BAD.glob("*.txt")) == CASES
    assert len(CASES) >= 45


def test_six_mistakes_in_six_places_are_six_problems_with_their_lines() -> None:
    with pytest.raises(ConfigError) as caught:
        load(BAD / "six-mistakes.yaml", {}, secrets=False)
    assert [problem.line for problem in caught.value.problems] == [2, 4, 8, 13, 15, 23]
    assert all(problem.right for problem in caught.value.problems)


def test_every_problem_of_a_yaml_file_points_to_a_line_that_exists() -> None:
    for name in CASES:
        with pytest.raises(ConfigError) as caught:
            load(BAD / name, {}, secrets=False)
        for problem in caught.value.problems:
            path = Path(problem.file)
            if problem.line and path.is_file():
                assert problem.line <= max(1, len(path.read_bytes().splitlines())), problem


def test_a_file_that_is_not_there_is_told_with_what_writes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no such file; `fusewatch init` writes one"):
        load(tmp_path / "budgets.yaml", {}, secrets=False)


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "budgets.yaml"
    path.write_text("version: 1\n" + "# nothing\n" * 200_000)
    with pytest.raises(ConfigError, match="is larger than 256 kB"):
        load(path, {}, secrets=False)

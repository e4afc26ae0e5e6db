"""Every block of every page in docs/ and of the README is checked or run; a page may say of few that they are not."""

import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import Block, all_blocks, commands_of, inline_commands
from tests.docs.claims import (
    RUN_ELSEWHERE,
    claim_command,
    claim_json,
    claim_python,
    claim_yaml,
    may_say_no,
    parses,
    runs,
    until_operator,
)
from tests.docs.world import World, world

BLOCKS = [block for block in all_blocks() if not block.reason]
SHELL = [block for block in BLOCKS if block.language in ("console", "sh")]
LIVING = {
    page: [command for block in SHELL if block.page == page for command in commands_of(block) if runs(command)]
    for page in sorted({block.page for block in SHELL} - RUN_ELSEWHERE.keys())
}
NOT_RUN = 6
"""At most so many blocks say that they are not run."""


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_somebody_answers_for_every_block(block: Block, tmp_path: Path) -> None:
    match block.language:
        case "yaml":
            claim_yaml(block, tmp_path)
        case "python":
            claim_python(block)
        case "json":
            claim_json(block)
        case "console" | "sh":
            found = commands_of(block)
            assert found, "there is no command in it"
            for command in found:
                claim_command(command, f"{block.page}:{command.line}")
        case "text":
            assert "$ fusewatch" not in block.text, "what is typed belongs into a console block"
        case "sql":
            assert sqlite3.complete_statement(block.text)
        case "promql":
            assert block.text.strip()
        case _:
            pytest.fail(f"nobody answers for a block of language {block.language!r}; what is printed is `text`")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", [page for page in LIVING if LIVING[page]])
def test_what_a_page_says_to_type_works_in_a_living_world(page: str, there: World) -> None:
    for command in LIVING[page]:
        if command.text.startswith("curl") and shutil.which("curl") is None:
            pytest.skip("there is no curl here; Debian's package is curl")
        done = there.bash(command.text)
        allowed = (0, 1) if may_say_no(command.text) else (0,)
        assert done.returncode in allowed, f"{page}:{command.line}: {command.text}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize(("page", "command"), inline_commands())
def test_every_command_in_running_text_is_understood(page: str, command: str) -> None:
    said = re.sub(r"\[([A-Z]+)\]", r"\1", command).replace("|all", "")
    parses(until_operator(shlex.split(said)[1:]))


def test_few_blocks_are_not_run_and_each_says_why() -> None:
    kept_out = [block for block in all_blocks() if block.reason]
    assert len(kept_out) <= NOT_RUN, [f"{block}: {block.reason}" for block in kept_out]
    assert all(len(block.reason) > 10 for block in kept_out)

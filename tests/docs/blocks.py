"""The fenced blocks of the pages in docs/ and of the README, and the commands that stand in them."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md")

_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^>]+) -->\n)?^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$", re.M | re.S
)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:\.venv/bin/)?fusewatch [a-z-][^`]*)`")


class Block(NamedTuple):
    """A fenced block; `reason` is why it is not run, as the page itself says, "" where it is."""

    page: str
    line: int
    language: str
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


class Command(NamedTuple):
    """One command of a shell block with the line it stands on, continued lines and here-documents included."""

    line: int
    text: str


def blocks_of(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    found = [
        Block(
            path.name,
            text.count("\n", 0, match.start("language")) + 1,
            match["language"],
            match["text"],
            (match["reason"] or "").strip(),
        )
        for match in _BLOCK.finditer(text)
    ]
    assert len(found) == len(_FENCE.findall(text)), f"{path.name} has a fence that is not closed, or is indented"
    return found


def all_blocks() -> list[Block]:
    return [block for path in PAGES for block in blocks_of(path)]


def inline_commands() -> list[tuple[str, str]]:
    """(page, command) for every `fusewatch …` in running text."""
    return [
        (path.name, command)
        for path in PAGES
        for command in _INLINE.findall(_FENCE.sub("", path.read_text(encoding="utf-8")))
    ]


def commands_of(block: Block) -> list[Command]:
    """The commands of a shell block. Where prompts (`$ `) stand, every other line is output."""
    lines = block.text.splitlines()
    prompted = any(line.startswith("$ ") for line in lines)
    found: list[Command] = []
    ends_with = ""
    going_on = False
    for number, line in enumerate(lines, start=block.line + 1):
        if going_on:
            found[-1] = found[-1]._replace(text=f"{found[-1].text}\n{line}")
        elif (prompted and line.startswith("$ ")) or (not prompted and line.strip() and not line.startswith("#")):
            found.append(Command(number, line.removeprefix("$ ")))
        else:
            continue
        if here := re.search(r"<<'?(\w+)'?", line):
            ends_with = here[1]
        going_on = ends_with not in ("", line) or line.endswith("\\")
        if not going_on:
            ends_with = ""
    return found

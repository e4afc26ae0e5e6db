"""The pages in docs/adr: numbered without gaps, in one shape, and page 2 in step with the dependencies."""

import re

import pytest

from tests.packaging import ROOT
from tests.packaging.declared import LOCKS, all_requirements, lock, read

PAGES = sorted(path.name for path in (ROOT / "docs/adr").iterdir())


def test_the_pages_are_numbered_from_1_without_gaps() -> None:
    assert [page for page in PAGES if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page)] == []
    assert [int(page[:4]) for page in PAGES] == [*range(1, len(PAGES) + 1)]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_its_number_its_state_and_its_three_sections(page: str) -> None:
    lines = read(f"docs/adr/{page}").splitlines()
    assert lines[0].startswith(f"# {int(page[:4])}. ")
    assert re.fullmatch(r"Accepted, \d{4}-\d\d-\d\d|Replaced by \d+", lines[2])
    sections = [line for line in lines if line.startswith("## ")]
    assert [s for s in sections if s in {"## Context", "## Decision", "## Consequences"}] == [
        "## Context",
        "## Decision",
        "## Consequences",
    ]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_one_page(page: str) -> None:
    assert len(read(f"docs/adr/{page}").splitlines()) <= 80


def test_every_direct_dependency_has_its_line_with_a_reason_and_no_line_is_left_over() -> None:
    text = read("docs/adr/0002-dependencies.md")
    taken = text[: text.index("## Not taken")]
    lines = dict(re.findall(r"^- \*\*([a-z0-9.-]+)\*\*: (.+)$", taken, re.MULTILINE))
    assert {name.replace(".", "-") for name in lines} == set(all_requirements())
    assert min(len(reason.split()) for reason in lines.values()) >= 2


@pytest.mark.parametrize("name", LOCKS)
def test_what_was_not_taken_does_not_come_in_through_another_package(name: str) -> None:
    unwanted = {"aiohttp", "aiosqlite", "requests", "tenacity", "pandas", "numpy"}
    if name == "requirements-dev.lock":
        unwanted -= {"requests"}  # the exporter inside the Langfuse SDK, which the daemon never loads, sends with it
    assert unwanted & set(lock(name).pins) == set()

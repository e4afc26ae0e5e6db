"""docs/messages.md shows each kind of message word for word; UPDATE_GOLDEN=1 writes its examples anew."""

import os
import re
from pathlib import Path

import pytest

from fusewatch.notify.samples import KINDS, samples, shown_by
from fusewatch.notify.sheet import sheet_lines
from fusewatch.notify.words import sheet
from tests.notify.samples import BERLIN, LINK, NOW

PAGE = Path(__file__).parents[2] / "docs" / "messages.md"
SHOWN = re.compile(r"(?<=\n## )(\w+)(\n\n[^`]*(?:`[^`]+`[^`]*)*```text\n)(.*?)(?=```)", re.DOTALL)


def test_each_kind_of_message_reads_as_the_golden_page_says() -> None:
    told = samples("finops", NOW, link=LINK)

    def now(found: re.Match[str]) -> str:
        lines = sheet_lines(sheet(shown_by(told[found[1]])), zone=BERLIN)
        return f"{found[1]}{found[2]}" + "\n".join(lines) + "\n"

    text = PAGE.read_text(encoding="utf-8")
    expected = SHOWN.sub(now, text)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(expected, encoding="utf-8")
        text = expected
    assert text == expected, "make update-golden writes the examples anew"
    assert tuple(found[1] for found in SHOWN.finditer(text)) == KINDS


@pytest.mark.parametrize("page", sorted(PAGE.parent.glob("*.md")), ids=lambda page: page.name)
def test_what_a_page_in_the_docs_leads_to_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []

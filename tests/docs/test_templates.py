"""Every example of docs/templates.md passes the check and gives what stands below it; its tables name all there is."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from fusewatch.checking import template_problems
from fusewatch.config.rulefile import TemplateConfig, load
from fusewatch.domain.notices import Wording
from fusewatch.notify.samples import samples, shown_by
from fusewatch.notify.sheet import sheet_lines
from fusewatch.notify.template import Facts
from fusewatch.notify.templatefilters import FILTERS
from fusewatch.notify.templatevalues import Moments, values_of
from fusewatch.notify.words import sheet

DOCS = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```(.*?)(?=```yaml|\n## )", DOCS, re.DOTALL)
SHOWN = r"For the sample `(\w+)`:\n\n```text\n(.*?)```"
NOW = 1_795_534_920_000
BUDGETS = "budgets: [{name: cap, limit: $5, every: day}]\n"


def template_of(text: str, tmp_path: Path) -> TemplateConfig:
    path = tmp_path / "budgets.yaml"
    path.write_text(f"version: 1\n{text}{BUDGETS}", encoding="utf-8")
    loaded = load(path, {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/x"}, secrets=False)
    assert template_problems(loaded) == []
    (template,) = (config.template for config in loaded.destinations if config.template is not None)
    return template


@pytest.mark.parametrize(("text", "after"), EXAMPLES)
def test_every_example_gives_what_the_docs_show(text: str, after: str, tmp_path: Path) -> None:
    template = template_of(text, tmp_path)
    shown = re.findall(SHOWN, after, re.DOTALL)
    assert shown, "each example shows what it gives"
    for name, expected in shown:
        sample = samples("finops", NOW)[name]
        told = replace(shown_by(sample), wording=Wording(template.title, template.body))
        assert "\n".join(sheet_lines(sheet(told), zone="Europe/Berlin")) + "\n" == expected


def test_the_docs_have_examples() -> None:
    assert len(EXAMPLES) == 3
    assert len(re.findall(SHOWN, DOCS, re.DOTALL)) == 5


def test_the_tables_name_every_value_and_every_filter() -> None:
    named = set(re.findall(r"`([a-z_]+)(?:\(.*?\))?`", DOCS))
    names: set[str] = set(FILTERS)
    for message in samples("finops", NOW).values():
        told = shown_by(message)
        for name, value in values_of(told, sheet(told), Moments()).items():
            names.add(name)
            for one in value if isinstance(value, tuple) else (value,):
                names |= set(one.values) if isinstance(one, Facts) else set()
    assert sorted(names - named) == []

"""docs/metrics.md against what is exposed: every metric with its type and its labels, and none besides."""

import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
USAGE = {"project", "feature", "team", "model", "operation"}
DIMENSIONS = {"feature", "team", "agent_type"}
"""What the rules of the golden picture group by."""


class Row(NamedTuple):
    kind: str
    labels: str
    meaning: str


def documented() -> dict[str, Row]:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ?([^|]*?) \| (.+) \|$", text, re.MULTILINE)
    found = {name: Row(kind, labels.strip(), meaning) for name, kind, labels, meaning in rows}
    assert len(found) == len(rows), "a metric stands twice"
    return found


def golden() -> str:
    return (ROOT / "tests" / "web" / "golden" / "metrics.txt").read_text(encoding="utf-8")


def process_families() -> dict[str, str]:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    suffix = {"counter": "_total"}
    return {family.name + suffix.get(family.type, ""): family.type for family in registry.collect()}


def test_every_metric_is_there_with_its_type_and_none_besides() -> None:
    exposed = dict(re.findall(r"^# TYPE (\S+) (\S+)$", golden(), re.MULTILINE))
    assert {name: row.kind for name, row in documented().items()} == {**exposed, **process_families()}


def test_the_labels_are_those_that_are_exposed() -> None:
    shown: dict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(golden()):
        for sample in family.samples:
            name = f"{family.name}_total" if family.type == "counter" else family.name
            shown[name] |= sample.labels.keys() - {"le"}
    for name, row in documented().items():
        if name not in shown:
            continue
        named = set(re.findall(r"`(\w+)`", row.labels))
        named |= USAGE if "usage labels" in row.labels else set()
        named |= {"group", *(shown[name] & DIMENSIONS)} if "rule labels" in row.labels else set()
        assert named == shown[name], name


def test_every_metric_has_a_meaning() -> None:
    assert [name for name, row in documented().items() if len(row.meaning) < 8] == []

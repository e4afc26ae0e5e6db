"""The files of `config/`, parsed, and the metric names that a daemon really has."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from fusewatch.config.settings import Settings, variable_of

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
PROMETHEUS = CONFIG / "prometheus"
RULE_FILES = tuple(sorted(PROMETHEUS.glob("fusewatch-*.yml")))
_METRIC = re.compile(r"(?<![\w:\"])((?:llm|fusewatch)_\w+)(?![\w:(])")


def documents(path: Path) -> list[Any]:
    """Every YAML document of the file; a key that stands twice is an error."""
    with path.open(encoding="utf-8") as stream:
        return [found for found in YAML(typ="safe").load_all(stream) if found is not None]


def document(path: Path) -> Any:
    """The one YAML document of the file."""
    (found,) = documents(path)
    return found


@cache
def families() -> dict[str, str]:
    """Every family of /metrics by name, with its type: those of the golden file, which is compared with what the code
    writes."""
    golden = (ROOT / "tests" / "web" / "golden" / "metrics.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", golden, re.MULTILINE))


def exposed() -> set[str]:
    """The names that a query may ask for: a histogram has three."""
    histograms = [name for name, kind in families().items() if kind == "histogram"]
    plain = families().keys() - set(histograms)
    return plain | {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}


def metrics_of(query: str) -> set[str]:
    """The metrics of ours in a PromQL expression; what a recording rule makes has a colon and is none."""
    return set(_METRIC.findall(query))


def rules() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every rule with its file."""
    for path in RULE_FILES:
        for group in document(path)["groups"]:
            for rule in group["rules"]:
                yield path, rule


def alerts() -> list[dict[str, Any]]:
    return [rule for _, rule in rules() if "alert" in rule]


def settings_variables() -> set[str]:
    """Every variable that the daemon reads by itself, the files of secrets included."""
    named = {variable_of(field) for field in Settings.model_fields}
    return named | {f"{name}_FILE" for name in named} | {"LANGFUSE_HOST"}


def is_ours(variable: str) -> bool:
    """Whether a variable looks like one that the daemon should read."""
    return variable.startswith(("FUSEWATCH_", "LANGFUSE_", "SLACK_"))

"""The JSON Schema says the same as the loader, as far as a schema can."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

from fusewatch.config.rulefile.models import BudgetFile
from fusewatch.config.schema import DIALECT, json_schema

HERE = Path(__file__).parent
SHIPPED = HERE.parent.parent / "config" / "budgets.yaml"

SEEN_BY_SCHEMA = [
    "attribution.yaml",
    "braces-read-as-mapping.yaml",
    "destination-type.yaml",
    "digest-and-exports.yaml",
    "empty-values.yaml",
    "environments.yaml",
    "every-and-last.yaml",
    "every-unknown.yaml",
    "forecast-and-source.yaml",
    "limit-in-euros.yaml",
    "limit-missing.yaml",
    "limit-unreadable.yaml",
    "list-where-a-mapping-belongs.yaml",
    "metrics.yaml",
    "name-missing.yaml",
    "name-with-spaces.yaml",
    "neither-every-nor-last.yaml",
    "not-a-mapping.yaml",
    "other-destinations.yaml",
    "prices.yaml",
    "projects.yaml",
    "quiet-hours-and-repeat.yaml",
    "routes.yaml",
    "six-mistakes.yaml",
    "spike-baseline.yaml",
    "spikes.yaml",
    "threshold-keys.yaml",
    "unknown-key-at-top.yaml",
    "unknown-key-in-budget.yaml",
    "version-empty.yaml",
    "version-later.yaml",
    "version-missing.yaml",
    "watch.yaml",
    "webhook-destinations.yaml",
    "week-and-month-starts.yaml",
]


class TextDates(SafeConstructor):
    """Reads dates as editors do: as text, which is all that JSON has."""


TextDates.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def as_editors_see_it(path: Path) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = TextDates
    return yaml.load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


GOOD = [HERE / "good" / "three-lines.yaml", HERE / "good" / "complete.yaml", *([SHIPPED] if SHIPPED.exists() else [])]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_the_schema_accepts_what_the_loader_accepts(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    assert [error.message for error in validator.iter_errors(as_editors_see_it(path))] == []


@pytest.mark.parametrize("name", SEEN_BY_SCHEMA)
def test_the_schema_refuses_shapes_keys_and_words_that_the_loader_refuses(
    name: str, validator: jsonschema.Draft202012Validator
) -> None:
    assert list(validator.iter_errors(as_editors_see_it(HERE / "bad" / name)))


def test_a_section_that_holds_only_comments_is_fine_for_editors_too(
    validator: jsonschema.Draft202012Validator,
) -> None:
    assert list(validator.iter_errors({"version": 1, "budgets": None, "notify": None})) == []


def test_the_schema_names_its_dialect_and_describes_every_model() -> None:
    schema = json_schema()
    assert schema["$schema"] == DIALECT
    assert schema["title"] == "Fusewatch budget file"
    models = [part for part in walk(schema) if part.get("type") == "object" and "properties" in part]
    assert len(models) > 25
    assert all(part.get("title") and part.get("description") for part in models)


def test_every_key_at_the_top_has_a_description_for_editors() -> None:
    assert [name for name, field in BudgetFile.model_fields.items() if not field.description] == []


def walk(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for entry in value.values():
            yield from walk(entry)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)

"""The JSON Schema of the budget file, made from its models, so that editors complete and check while one types."""

from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from fusewatch.config.rulefile.models import BudgetFile

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _AsWritten(GenerateJsonSchema):
    """What stands in a file: defaults of ours are left out, and so is the None that means "not written"."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def json_schema() -> dict[str, object]:
    """Draft 2020-12. It knows shapes and keys; what needs the rest of the file, such as names, only `check` sees.

    It is stricter than the loader in one thing: a number, a flag or a choice that is written as "${NAME}".
    """
    schema: dict[str, Any] = BudgetFile.model_json_schema(by_alias=True, schema_generator=_AsWritten)
    schema["properties"] = {
        name: part if name == "version" else _may_be_empty(part) for name, part in schema["properties"].items()
    }
    return {"$schema": DIALECT, **schema, "title": "Fusewatch budget file"}


def _may_be_empty(part: dict[str, Any]) -> dict[str, Any]:
    """A section at the top whose every line is a comment is the same as none."""
    said = {key: value for key, value in part.items() if key in ("title", "description")}
    shape = {key: value for key, value in part.items() if key not in said}
    return {**said, "anyOf": [shape, {"type": "null"}]}

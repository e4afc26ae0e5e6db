"""What pydantic needs to read the texts of `words`: one annotation for each, with its JSON Schema beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, SecretStr
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from fusewatch.config.words import Filled, Known, Wrong, shown

JsonSchema: TypeAlias = dict[str, object]

WRONG = "fusewatch"
"""The type of every pydantic error that is ours; its context holds `what` and `right`."""


def complaint(what: str, right: str = "") -> PydanticCustomError:
    """One of our own errors, as pydantic carries it."""
    return PydanticCustomError(WRONG, "{what}", {"what": what, "right": right})


def kind_of(value: object) -> str:
    """What stands somewhere, as people call it."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else "a text"


def expected(wanted: str, value: object) -> PydanticCustomError:
    """Something of another shape stands here."""
    if value is None:
        return complaint("nothing stands here", f"write {wanted}")
    right = "put it in quotes if it is meant as text" if isinstance(value, dict) and wanted == "a text" else ""
    return complaint(f"{kind_of(value)} stands here, not {wanted}", right)


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A scalar that `parse` turns into a value. `unset` stands in for what a variable that is not set would give."""

    parse: Callable[[str], object] | Callable[[str, Known], object]
    schema: JsonSchema
    unset: object = ""
    refers: bool = False
    secret: bool = False

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        return dict(self.schema)

    def _validate(self, value: object, info: core_schema.ValidationInfo[object]) -> object:
        if not isinstance(value, str):
            raise expected("a text", value)
        if isinstance(value, Filled) and not value.known:
            return self.unset
        try:
            parsed = self._parse(str(value), info.context)
        except Wrong as wrong:
            problem = self._told(wrong, value)
        else:
            return SecretStr(parsed) if self.secret and isinstance(parsed, str) else parsed
        raise problem

    def _told(self, wrong: Wrong, value: str) -> PydanticCustomError:
        quoted = shown(value)
        what = wrong.what.replace("{}", "this" if self.secret else quoted)
        if isinstance(value, Filled) and quoted not in what:
            what = f"{what} (the value of {quoted})"
        return complaint(what, wrong.right)

    def _parse(self, text: str, context: object) -> object:
        if self.refers:
            assert isinstance(context, Known), "the loader passes the known names"
            return self.parse(text, context)  # type: ignore[call-arg]  # `refers` says which of its two forms `parse` has
        return self.parse(text)  # type: ignore[call-arg]  # `refers` says which of its two forms `parse` has


@dataclass(frozen=True, slots=True, eq=False)
class Also:
    """Another way to write a value: `convert` turns it into the usual one; `schema` describes it to editors."""

    convert: Callable[[object], object]
    schema: JsonSchema

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.convert, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        return {"anyOf": [dict(self.schema), handler(schema)]}

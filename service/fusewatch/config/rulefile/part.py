"""The base of every model of the budget file: strict, and telling all that is wrong at once in our words."""

from collections.abc import Iterator
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, ValidationInfo, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from fusewatch.config.fields import complaint, expected
from fusewatch.config.words import Filled, nearest, one_of, shown

_TYPES = ("slack", "webhook", "console", "alertmanager", "pagerduty", "email", "apprise")
"""The types of destinations: the only choice between models in this file."""


class Complaint(NamedTuple):
    """Something wrong between several keys; `key` is where to point, empty for the whole mapping."""

    key: str
    what: str
    right: str = ""


class Part(BaseModel):
    """A mapping of the budget file."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        defer_build=True,
        hide_input_in_errors=True,
        model_title_generator=lambda model: model.__name__.removesuffix("Part"),
    )

    @classmethod
    def conflicts(cls, raw: dict[str, object]) -> Iterator[Complaint]:
        """What is wrong between the keys as they stand, whether or not their values can be read."""
        yield from ()

    def complaints(self) -> Iterator[Complaint]:
        """What is wrong between values that can each be read."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, raw: object, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        found: list[InitErrorDetails] = []
        part: Self | None = None
        try:
            part = handler(raw)
        except ValidationError as error:
            # A list counts as too short, too, when all that stands in it is wrong: then that is told, and enough.
            told = [e for e in error.errors(include_url=False) if e["type"] != "too_short" or not e["input"]]
            found = [_in_our_words(e, list(cls._keys())) for e in told]
        entries = raw if isinstance(raw, dict) else {}
        empty = [key for key in cls._keys() if key in entries and entries[key] is None]
        found = [e for e in found if e.get("loc") not in [(key,) for key in empty]]
        more = [Complaint(key, "nothing stands here", "write a value, or remove the key") for key in empty]
        more += cls.conflicts(entries) if entries else ()
        # What a model says of a key says more than that the key is unknown.
        found = [e for e in found if e.get("loc") not in [(c.key,) for c in more if c.key]]
        more += part.complaints() if part is not None and not _unset_within(raw) else ()
        found += [_detail((c.key,) if c.key else (), complaint(c.what, c.right)) for c in more]
        if part is None or found:
            raise ValidationError.from_exception_data(cls.__name__, found, hide_input=True)
        return part

    @classmethod
    def _keys(cls) -> Iterator[str]:
        for name, field in cls.model_fields.items():
            yield field.alias or name


def _unset_within(raw: object) -> bool:
    """Whether a variable in here is not set, so that a stand-in was read, which compares with nothing."""
    if isinstance(raw, dict | list):
        return any(_unset_within(entry) for entry in (raw.values() if isinstance(raw, dict) else raw))
    return isinstance(raw, Filled) and not raw.known


def only_one(raw: dict[str, object], *keys: str, required: bool = False, example: str = "") -> Iterator[Complaint]:
    """At most one of the keys may stand there, or exactly one."""
    present = [key for key in keys if key in raw]
    if len(present) > 1:
        yield Complaint(
            present[1], f"{one_of([shown(k) for k in present]).replace(' or ', ' and ')} exclude each other"
        )
    if required and not present:
        yield Complaint("", f"{one_of([shown(key) for key in keys])} is missing", example)


def _in_our_words(error: ErrorDetails, keys: list[str]) -> InitErrorDetails:
    loc = error["loc"]
    context = error.get("ctx", {})
    value = error["input"]
    last = shown(str(loc[-1])) if loc else ""
    match error["type"]:
        case "extra_forbidden" if last.strip('"').isdigit():
            told = complaint(f"{last} is no key", 'put an amount with a comma in quotes, as "$1,000"')
        case "extra_forbidden":
            told = complaint(f"unknown key {last}", nearest(str(loc[-1]), keys) or f"known here: {', '.join(keys)}")
        case "missing":
            loc, told = loc[:-1], complaint(f"{last} is missing")
        case "union_tag_not_found" if isinstance(value, dict):
            told = complaint('"type" is missing', f"write {one_of(_TYPES)}")
        case "union_tag_invalid":
            tag = value["type"]
            loc = (*loc, "type")
            if not isinstance(tag, str):
                return _detail(loc, expected("a text", tag))
            right = nearest(tag, _TYPES) or f"write {one_of(_TYPES)}"
            told = complaint(f"there is no destination type {shown(tag)}", right)
        case "model_type" | "dict_type" | "model_attributes_type" | "union_tag_not_found":
            told = expected("a mapping", value)
        case "tuple_type" | "list_type":
            told = expected("a list", value)
        case "too_short":
            told = complaint("nothing stands in here", "write at least one entry, or leave it out")
        case _:
            told = complaint(str(context.get("what", error["msg"])), str(context.get("right", "")))
    return _detail(loc, told)


def _detail(loc: tuple[int | str, ...], error: PydanticCustomError) -> InitErrorDetails:
    return InitErrorDetails(type=error, loc=loc, input=None)

"""A hash of what a rule set means: the same for files that differ in comments, layout or spelled-out defaults."""

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from hashlib import blake2b

from fusewatch.domain.rules import RuleSet


def revision_of(rules: RuleSet) -> str:
    """24 hexadecimal digits; the set's own `revision` does not count."""
    meaning = _meaning(dataclasses.replace(rules, revision=""))
    return blake2b(json.dumps(meaning, sort_keys=True).encode(), digest_size=12).hexdigest()


def _meaning(value: object) -> object:
    # Fields at their defaults are left out, so that a field added by a later version changes no hash.
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if not _is_default(f, value)}
        return {name: _meaning(entry) for name, entry in fields.items()}
    match value:
        case Enum():
            return value.name
        case Fraction():
            return str(value)
        case Mapping():
            return {str(key): _meaning(entry) for key, entry in value.items()}
        case tuple() | list():
            return [_meaning(item) for item in value]
        case None | bool() | int() | str():
            return value
        case _:
            raise TypeError(f"a rule holds a {type(value).__name__}, which has no stable hash")


def _is_default(field: dataclasses.Field[object], owner: object) -> bool:
    if field.default_factory is not dataclasses.MISSING:
        return bool(getattr(owner, field.name) == field.default_factory())
    return field.default is not dataclasses.MISSING and bool(getattr(owner, field.name) == field.default)

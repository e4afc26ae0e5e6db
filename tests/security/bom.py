"""What the CycloneDX specification says a bill of materials may be.

The schemas are those of https://github.com/CycloneDX/specification (Apache-2.0, see schemas/LICENSE) at commit
b29bae660048e0ad2fbc5f2972927b442ce951c4, as cyclonedx-python-lib 11.12.0 carries them.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parent / "schemas"


@cache
def _schema() -> Draft7Validator:
    read = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in SCHEMAS.glob("*.json")}
    registry: Registry[Any] = Registry().with_resources(
        (f"http://cyclonedx.org/schema/{name}", Resource.from_contents(body)) for name, body in read.items()
    )
    return Draft7Validator(read["bom-1.6.SNAPSHOT.schema.json"], registry=registry)


def faults(document: object) -> list[str]:
    """Where a document breaks the schema of CycloneDX 1.6, and how."""
    return [f"{error.json_path}: {error.message}" for error in _schema().iter_errors(document)]

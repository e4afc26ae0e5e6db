"""Write the bill of materials of the environment that runs this: `python -m fusewatch.sbom FILE`, CycloneDX 1.6 JSON.

Run at the build of the image, by its own Python: what is listed is what is installed. No clock and no random numbers,
so the same packages give the same file.
"""

import json
import re
import sys
import uuid
from importlib.metadata import Distribution, distributions
from pathlib import Path

PRODUCT = "fusewatch"


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def purl(found: Distribution) -> str:
    return f"pkg:pypi/{normal(found.name)}@{found.version}"


def _said(found: Distribution, field: str) -> str:
    return str(found.metadata[field]) if field in found.metadata else ""


def component(found: Distribution) -> dict[str, object]:
    expression = _said(found, "License-Expression")
    said = expression or _said(found, "License")
    one: dict[str, object] = {
        "type": "application" if normal(found.name) == PRODUCT else "library",
        "bom-ref": purl(found),
        "name": normal(found.name),
        "version": found.version,
        "purl": purl(found),
    }
    if said and "\n" not in said and len(said) < 100:
        one["licenses"] = [{"expression": said}] if expression else [{"license": {"name": said}}]
    return one


def dependencies(found: Distribution, present: dict[str, str]) -> dict[str, object]:
    """What a distribution asks for and is installed; extras included, as nobody knows which were chosen."""
    names = {normal(re.split(r"[\s\[;<>=!~(]", text, maxsplit=1)[0]) for text in found.requires or []}
    return {"ref": purl(found), "dependsOn": sorted(present[name] for name in names if name in present)}


def bill(environment: list[Distribution]) -> dict[str, object]:
    unique = {normal(found.name): found for found in environment}
    ordered = [unique[name] for name in sorted(unique)]
    present = {name: purl(found) for name, found in unique.items()}
    content = json.dumps(sorted(present.values()))
    document: dict[str, object] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {"component": component(unique[PRODUCT])} if PRODUCT in unique else {},
        "components": [component(found) for found in ordered if normal(found.name) != PRODUCT],
        "dependencies": [dependencies(found, present) for found in ordered],
    }
    return document


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(bill(list(distributions())), indent=1) + "\n", encoding="utf-8")

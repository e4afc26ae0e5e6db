"""What is shipped is known: every pin has a hash, and the image carries a bill of its materials."""

import json
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.security.bom import faults

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-build.lock", "requirements-dev.lock"])
def test_every_package_of_a_lock_is_pinned_to_one_version_and_to_hashes(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line and line[0].isalnum()]
    assert pins
    for pin in pins:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+", pin), pin
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", pin), pin[:60]


def test_the_bill_of_materials_lists_what_is_installed_and_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        subprocess.run(
            [sys.executable, "-I", "-m", "fusewatch.sbom", str(tmp_path / "doc" / name)], check=True, timeout=60
        )
    text = (tmp_path / "doc" / "a").read_text(encoding="utf-8")
    assert text == (tmp_path / "doc" / "b").read_text(encoding="utf-8")
    bom = json.loads(text)
    assert faults(bom) == []
    assert (bom["bomFormat"], bom["specVersion"], bom["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bom["serialNumber"])
    assert bom["metadata"]["component"]["name"] == "fusewatch"
    listed = {one["name"] for one in bom["components"]} | {"fusewatch"}
    assert listed == {re.sub(r"[-_.]+", "-", found.name).lower() for found in distributions()}
    assert {"httpx", "msgspec", "sqlalchemy", "pydantic"} <= listed
    refs = {one["bom-ref"] for one in bom["components"]} | {bom["metadata"]["component"]["bom-ref"]}
    assert len(refs) == len(listed)
    for one in bom["components"]:
        assert one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}"
    asked = {one["ref"]: one["dependsOn"] for one in bom["dependencies"]}
    assert asked.keys() == refs
    assert {ref for needed in asked.values() for ref in needed} <= refs
    (ours,) = (needed for ref, needed in asked.items() if "/fusewatch@" in ref)
    assert any("/msgspec@" in ref for ref in ours)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"serialNumber": "1"},
        {"components": [{"type": "library"}]},
        {"components": [{"type": "wheel", "name": "a"}]},
        {"components": [{"type": "library", "name": "a", "licenses": [{"license": {"id": "no licence of SPDX"}}]}]},
        {"made_by": "us"},
    ],
)
def test_a_bill_that_is_none_is_found_out(spoilt: dict[str, object]) -> None:
    good = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}
    assert faults(good) == []
    assert faults(good | spoilt)


def test_the_image_is_built_with_its_bill_of_materials() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert (
        "/opt/fusewatch/bin/python -I -m fusewatch.sbom /opt/fusewatch/share/doc/fusewatch/sbom.cdx.json" in dockerfile
    )

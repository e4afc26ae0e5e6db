"""What the project declares about its dependencies: `pyproject.toml` and the lock files, parsed."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging import ROOT

LOCKS = tuple(sorted(path.name for path in ROOT.glob("requirements*.lock")))

PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[0-9][0-9a-z.+!-]*)(?: ; (?P<marker>[^\\]+?))? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?P<more> \\)?")
ORIGIN = re.compile(r"    # (?:via|  [a-z0-9].*)(?: .*)?")


@dataclass(slots=True)
class Pin:
    """One locked distribution and how many hashes vouch for its files."""

    version: str
    hashes: int = 0


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file. `strange` are the lines that are no pin, no hash and no remark about who wants a pin."""

    pins: dict[str, Pin]
    strange: tuple[str, ...]


def parse_lock(text: str) -> Lock:
    pins: dict[str, Pin] = {}
    strange: list[str] = []
    current: Pin | None = None
    for line in text.splitlines():
        if pin := PIN.fullmatch(line):
            current = pins[canonicalize_name(pin["name"])] = Pin(pin["version"])
        elif current is not None and HASH.fullmatch(line):
            current.hashes += 1
        elif not ORIGIN.fullmatch(line):
            strange.append(line)
    return Lock(pins, tuple(strange))


@cache
def lock(name: str) -> Lock:
    return parse_lock((ROOT / name).read_text(encoding="utf-8"))


@cache
def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements(group: str) -> dict[str, Requirement]:
    """Direct requirements by canonical name. `group` is ``runtime``, the name of an extra or of a dependency group."""
    table = project()["project"]
    groups = project()["dependency-groups"]
    assert isinstance(table, dict)
    assert isinstance(groups, dict)
    if group == "runtime":
        entries = table["dependencies"]
    else:
        entries = groups[group] if group in groups else table["optional-dependencies"][group]
    found: dict[str, Requirement] = {}
    for entry in entries:
        if isinstance(entry, dict):
            found |= requirements(entry["include-group"])
        else:
            requirement = Requirement(entry)
            found[canonicalize_name(requirement.name)] = requirement
    return found


def all_requirements() -> dict[str, Requirement]:
    """Every direct requirement: runtime, extras and groups."""
    table = project()["project"]
    groups = project()["dependency-groups"]
    assert isinstance(table, dict)
    assert isinstance(groups, dict)
    names = ["runtime", *groups, *table.get("optional-dependencies", {})]
    return {name: requirement for group in names for name, requirement in requirements(group).items()}


def project_version() -> str:
    table = project()["project"]
    assert isinstance(table, dict)
    return str(table["version"])


def read(path: str | Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")
